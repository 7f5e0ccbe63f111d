//! Where a guest's machine code lies, and what that costs.
//!
//! Compiled functions start at multiples of 32 bytes, processors fetch lines of 64, and a short loop that spans two of them takes up to a
//! fifth longer. Which functions that hits changes with every function before them, so it says nothing of who generated the
//! guest. So time is measured in both placements: as the component is, and with all code moved by 32 bytes.

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, utils};
use wasm_encoder::{BlockType, CodeSection, Component, Instruction};
use wasmparser::{FunctionBody, Parser};

/// How many checks make the first function longer by 32 bytes, at 11 bytes each on x86-64.
const CHECKS: i32 = 3;

struct Mover {
    /// Whether the first function is written.
    is_done: bool,
}

/// The same component, whose first function takes 32 bytes more.
pub(crate) fn moved(component: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut moved = Component::new();
    Mover { is_done: false }
        .parse_component(&mut moved, Parser::new(0), component)
        .map_err(|error| anyhow::anyhow!("moving the code: {error}"))?;
    Ok(moved.finish())
}

impl ReencodeComponent for Mover {}

impl Reencode for Mover {
    type Error = std::convert::Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        func: FunctionBody<'_>,
    ) -> Result<(), Error<Self::Error>> {
        if std::mem::replace(&mut self.is_done, true) {
            return utils::parse_function_body(self, code, func);
        }
        let mut body = self.new_function_with_parsed_locals(&func)?;
        for pages in 1..=CHECKS {
            // Memory has more pages than that, which no compiler knows.
            body.instruction(&Instruction::MemorySize(0))
                .instruction(&Instruction::I32Const(pages))
                .instruction(&Instruction::I32LtU)
                .instruction(&Instruction::If(BlockType::Empty))
                .instruction(&Instruction::Unreachable)
                .instruction(&Instruction::End);
        }
        let mut reader = func.get_operators_reader()?;
        while !reader.eof() {
            body.instruction(&self.parse_instruction(&mut reader)?);
        }
        code.function(&body);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{Function, FunctionSection, MemorySection, MemoryType, Module, ModuleSection, TypeSection};
    use wasmparser::Payload;

    /// A component of a module with two empty functions.
    fn component() -> Vec<u8> {
        let (mut types, mut functions, mut memories) =
            (TypeSection::new(), FunctionSection::new(), MemorySection::new());
        types.ty().function([], []);
        functions.function(0).function(0);
        memories.memory(MemoryType {
            minimum: 4,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut code = CodeSection::new();
        for _ in 0..2 {
            code.function(Function::new([]).instruction(&Instruction::End));
        }
        let mut module = Module::new();
        module
            .section(&types)
            .section(&functions)
            .section(&memories)
            .section(&code);
        let mut component = Component::new();
        component.section(&ModuleSection(&module));
        component.finish()
    }

    /// The lengths of all function bodies.
    fn lengths(component: &[u8]) -> Vec<u64> {
        let payloads = Parser::new(0).parse_all(component);
        let bodies = payloads.filter_map(|payload| match payload.expect("it parses") {
            Payload::CodeSectionEntry(body) => Some(body.range().end - body.range().start),
            _ => None,
        });
        bodies.collect()
    }

    #[test]
    fn the_first_function_is_longer_and_nothing_else() {
        let before = component();
        let after = moved(&before).expect("it is a component");
        let (before, after) = (lengths(&before), lengths(&after));
        assert_eq!(before, [2, 2]);
        assert_eq!(after, [2 + 9 * CHECKS as u64, 2]);
    }

    #[test]
    fn wasmtime_takes_what_was_moved() {
        let engine = crate::contender::engine(false).expect("an engine");
        let moved = moved(&component()).expect("it is a component");
        wasmtime::component::Component::from_binary(&engine, &moved).expect("it is valid");
    }

    #[test]
    fn what_is_no_component_is_an_error() {
        assert!(moved(b"nothing").is_err());
    }
}
