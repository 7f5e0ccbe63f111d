//! Where a guest's instructions go: a core module, rewritten to count for each function what it executes.
//!
//! Every straight piece of code first adds its length to its function's counter, a global. One more export, `profile`, tells the
//! counters. Which instructions count, and that the others do not, is as in Wasmtime's fuel; what fuel charges by the byte for
//! copies is missing here.

use crate::workloads::Workload;
use crate::{contender, measure};
use std::collections::BTreeMap;
use std::path::Path;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    Instruction, Module, TypeSection, ValType,
};
use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload};
use wasmtime::Result;
use wasmtime::component::Component;
use wasmtime::error::Context as _;

/// A rewritten module and the names of its functions, in the order of their counters.
pub(crate) struct Profiled {
    pub(crate) module: Vec<u8>,
    pub(crate) names: Vec<String>,
}

/// How many there are of what is numbered, before the rewriting.
#[derive(Default)]
struct Counts {
    types: u32,
    imported_functions: u32,
    functions: u32,
    globals: u32,
}

struct Rewriter {
    counts: Counts,
    /// The next function body.
    next: u32,
}

/// Rewrites a module.
pub(crate) fn instrument(module: &[u8]) -> anyhow::Result<Profiled> {
    let (counts, names) = survey(module)?;
    let names = (0..counts.functions)
        .map(|index| {
            let index = counts.imported_functions + index;
            names
                .get(&index)
                .cloned()
                .unwrap_or_else(|| format!("function {index}"))
        })
        .collect();
    let mut rewritten = Module::new();
    let mut rewriter = Rewriter { counts, next: 0 };
    rewriter
        .parse_core_module(&mut rewritten, Parser::new(0), module)
        .map_err(|error| anyhow::anyhow!("rewriting the module: {error}"))?;
    Ok(Profiled {
        module: rewritten.finish(),
        names,
    })
}

/// Counts things and reads the names of functions.
fn survey(module: &[u8]) -> anyhow::Result<(Counts, BTreeMap<u32, String>)> {
    let mut counts = Counts::default();
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => counts.types = section.count(),
            Payload::ImportSection(section) => {
                let imports = section.into_imports().filter(|import| {
                    import
                        .as_ref()
                        .is_ok_and(|import| matches!(import.ty, wasmparser::TypeRef::Func(_)))
                });
                counts.imported_functions = u32::try_from(imports.count())?;
            }
            Payload::FunctionSection(section) => counts.functions = section.count(),
            Payload::GlobalSection(section) => counts.globals = section.count(),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    read_names(section, &mut names)?;
                }
            }
            _ => {}
        }
    }
    Ok((counts, names))
}

fn read_names(section: NameSectionReader<'_>, names: &mut BTreeMap<u32, String>) -> anyhow::Result<()> {
    for subsection in section {
        if let Name::Function(map) = subsection? {
            for naming in map {
                let naming = naming?;
                names.insert(naming.index, naming.name.to_owned());
            }
        }
    }
    Ok(())
}

/// Whether an instruction ends a straight piece of code.
fn ends_piece(instruction: &Instruction<'_>) -> bool {
    matches!(
        instruction,
        Instruction::Loop(_)
            | Instruction::If(_)
            | Instruction::Else
            | Instruction::End
            | Instruction::Br(_)
            | Instruction::BrIf(_)
            | Instruction::BrTable(..)
            | Instruction::Return
            | Instruction::Unreachable
    )
}

/// Whether Wasmtime charges for an instruction.
fn costs(instruction: &Instruction<'_>) -> bool {
    !matches!(
        instruction,
        Instruction::Nop
            | Instruction::Drop
            | Instruction::Block(_)
            | Instruction::Loop(_)
            | Instruction::Unreachable
            | Instruction::Return
            | Instruction::Else
            | Instruction::End
    )
}

impl Rewriter {
    /// Writes a piece with its counter in front.
    fn flush(&self, body: &mut Function, piece: &mut Vec<Instruction<'_>>) {
        let cost = piece.iter().filter(|instruction| costs(instruction)).count() as i64;
        if cost != 0 {
            let counter = self.counts.globals + self.next;
            body.instruction(&Instruction::GlobalGet(counter))
                .instruction(&Instruction::I64Const(cost))
                .instruction(&Instruction::I64Add)
                .instruction(&Instruction::GlobalSet(counter));
        }
        for instruction in piece.drain(..) {
            body.instruction(&instruction);
        }
    }

    /// `profile`: a counter by its number, -1 behind the last.
    fn reporter(&self) -> Function {
        let mut body = Function::new([]);
        for index in 0..self.counts.functions {
            body.instruction(&Instruction::LocalGet(0))
                .instruction(&Instruction::I32Const(index as i32))
                .instruction(&Instruction::I32Eq)
                .instruction(&Instruction::If(BlockType::Empty))
                .instruction(&Instruction::GlobalGet(self.counts.globals + index))
                .instruction(&Instruction::Return)
                .instruction(&Instruction::End);
        }
        body.instruction(&Instruction::I64Const(-1))
            .instruction(&Instruction::End);
        body
    }
}

impl Reencode for Rewriter {
    type Error = std::convert::Infallible;

    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        // The rewritten module is of another world.
        if section.name().starts_with("component-type") {
            return Ok(());
        }
        utils::parse_custom_section(self, module, section)
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32], [ValType::I64]);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.counts.types);
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_global_section(self, globals, section)?;
        for _ in 0..self.counts.functions {
            let counter = GlobalType {
                val_type: ValType::I64,
                mutable: true,
                shared: false,
            };
            globals.global(counter, &ConstExpr::i64_const(0));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_export_section(self, exports, section)?;
        let reporter = self.counts.imported_functions + self.counts.functions;
        exports.export("profile", ExportKind::Func, reporter);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.reporter());
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        func: wasmparser::FunctionBody<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let mut body = self.new_function_with_parsed_locals(&func)?;
        let mut reader = func.get_operators_reader()?;
        let mut piece = Vec::new();
        while !reader.eof() {
            let instruction = self.parse_instruction(&mut reader)?;
            let ends = ends_piece(&instruction);
            piece.push(instruction);
            if ends {
                self.flush(&mut body, &mut piece);
            }
        }
        self.flush(&mut body, &mut piece);
        code.function(&body);
        self.next += 1;
        Ok(())
    }
}

/// Runs `workload` on the rewritten module and prints where its instructions went, per operation.
pub(crate) fn run(workload: &Workload, file: &str, wit: &Path) -> Result<()> {
    let module = std::fs::read(file).with_context(|| format!("reading `{file}`"))?;
    let rewritten = instrument(&module).and_then(|profiled| {
        let component = contender::encode(profiled.module, &wit.join("bench.wit"), "bench-profiling")?;
        Ok((component, profiled.names))
    });
    let (component, names) = rewritten.map_err(|error| wasmtime::Error::msg(format!("`{file}`: {error:#}")))?;
    let counts = measure::profile(
        workload,
        &Component::from_binary(&contender::engine(false)?, &component)?,
    )?;
    let mut lines: Vec<_> = names.into_iter().zip(counts).filter(|(_, count)| *count != 0).collect();
    lines.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let per_op = |count: i64| count as f64 / f64::from(workload.ops);
    let total: i64 = lines.iter().map(|(_, count)| count).sum();
    println!(
        "\n{}: {:.1} instructions for each {}",
        workload.name,
        per_op(total),
        workload.op
    );
    for (name, count) in lines.iter().filter(|(_, count)| count * 500 > total) {
        println!("{:>10.1}  {name}", per_op(*count));
    }
    Ok(())
}
