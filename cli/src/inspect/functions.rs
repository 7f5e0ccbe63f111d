//! The imports and exports of a world, and the core functions behind each.

use std::io::{self, Write as _};

use wit_parser::{Function as WitFunction, FunctionKind, Type};
use witflow_bindgen_rust::core::abi::{Function, FunctionAbi, Layout, Signature, WasmType, type_name};
use witflow_bindgen_rust::core::world::{Direction, Item};

use super::Page;
use super::types::{bytes, core};
use crate::console::Ink;

impl Page<'_, '_> {
    /// The imports or the exports, if there are any.
    pub(super) fn side(&mut self, direction: Direction) -> io::Result<()> {
        let world = self.world;
        let (heading, items) = match direction {
            Direction::Import => ("imports", &world.imports),
            Direction::Export => ("exports", &world.exports),
        };
        if items
            .iter()
            .all(|item| matches!(item, Item::Type(_) | Item::Resource(_)))
        {
            return Ok(());
        }
        self.section(heading)?;
        for item in items {
            match item {
                Item::Function(function) => self.function(2, function)?,
                Item::Interface(interface) => {
                    let name = world.resolve().name_world_key(&interface.key);
                    let aside = if interface.functions.is_empty() {
                        " (types only)"
                    } else {
                        ""
                    };
                    let (name, aside) = (self.out.ink(Ink::Name, &name), self.out.ink(Ink::Aside, aside));
                    writeln!(self.out, "  {name}{aside}")?;
                    for function in &interface.functions {
                        self.function(4, function)?;
                    }
                }
                Item::Type(_) | Item::Resource(_) => {}
            }
        }
        Ok(())
    }

    fn function(&mut self, indent: usize, function: &Function) -> io::Result<()> {
        let func = &function.func;
        self.docs(indent, func.docs.contents.as_deref())?;
        let name = self.out.ink(Ink::Name, &name_of(self, func));
        let wit = self.signature(func);
        writeln!(self.out, "{:indent$}{name}: {wit}", "")?;
        if self.brief {
            return Ok(());
        }
        for line in core_lines(&function.abi) {
            let text = self.out.ink(Ink::Aside, &line);
            writeln!(self.out, "{:width$}{text}", "", width = indent + 2)?;
        }
        Ok(())
    }

    /// `async func(a: u32) -> string`; a method's own handle goes without saying.
    fn signature(&self, func: &WitFunction) -> String {
        let resolve = self.world.resolve();
        let ty = |ty: &Type| type_name(resolve, ty);
        let itself = usize::from(matches!(
            func.kind,
            FunctionKind::Method(_)
                | FunctionKind::AsyncMethod(_)
                | FunctionKind::MethodGetter(_)
                | FunctionKind::MethodSetter(_)
        ));
        let params = func.params.iter().skip(itself);
        let params: Vec<String> = params
            .map(|param| format!("{}: {}", param.name, ty(&param.ty)))
            .collect();
        let result = func.result.map(|result| format!(" -> {}", ty(&result)));
        let kind = match func.kind {
            FunctionKind::Freestanding | FunctionKind::Method(_) => "func",
            FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) => "async func",
            FunctionKind::Static(_) => "static func",
            FunctionKind::AsyncStatic(_) => "static async func",
            FunctionKind::Constructor(_) => "constructor",
            FunctionKind::Getter | FunctionKind::MethodGetter(_) => "get",
            FunctionKind::Setter | FunctionKind::MethodSetter(_) => "set",
            FunctionKind::StaticGetter(_) => "static get",
            FunctionKind::StaticSetter(_) => "static set",
        };
        format!("{kind}({}){}", params.join(", "), result.unwrap_or_default())
    }
}

/// The function's name, after that of its resource.
fn name_of(page: &Page<'_, '_>, func: &WitFunction) -> String {
    let Some(id) = func.kind.resource() else {
        return func.name.clone();
    };
    let resource = type_name(page.world.resolve(), &Type::Id(id));
    match func.kind {
        FunctionKind::Constructor(_) => resource,
        _ => format!("{resource}.{}", func.item_name()),
    }
}

/// What the component's core module imports or exports for the function.
fn core_lines(abi: &FunctionAbi) -> Vec<String> {
    match abi {
        FunctionAbi::SyncImport(abi) => vec![import("core", &abi.signature, &abi.module, &abi.field)],
        FunctionAbi::AsyncImport(abi) => {
            let mut lines = vec![import("core", &abi.signature, &abi.module, &abi.field)];
            lines.extend(memory("in memory", &abi.area));
            lines
        }
        FunctionAbi::SyncExport(abi) => {
            let mut lines = vec![line("core", &abi.signature, &format!("{:?}", abi.name))];
            if let Some((_, area)) = &abi.post_return {
                lines.extend(memory("result", area));
            }
            lines
        }
        FunctionAbi::AsyncExport(abi) => {
            let callback = Signature {
                params: vec![WasmType::I32; 3],
                results: vec![WasmType::I32],
            };
            let task_return = &abi.task_return;
            vec![
                line("core", &abi.signature, &format!("{:?}", abi.name)),
                line("callback", &callback, &format!("{:?}", abi.callback)),
                import(
                    "returns by",
                    &task_return.signature,
                    &task_return.module,
                    &task_return.field,
                ),
            ]
        }
    }
}

fn import(what: &str, signature: &Signature, module: &str, field: &str) -> String {
    line(what, signature, &format!("{module:?} {field:?}"))
}

fn line(what: &str, signature: &Signature, name: &str) -> String {
    let list = |types: &[WasmType]| types.iter().map(|ty| core(*ty)).collect::<Vec<_>>().join(", ");
    let results = match &signature.results[..] {
        [] => String::new(),
        results => format!(" -> {}", list(results)),
    };
    format!("{:<10} ({}){results}  {name}", what, list(&signature.params))
}

/// A line about memory, if any is needed.
fn memory(what: &str, area: &Layout) -> Option<String> {
    let size = area.size.size_wasm32();
    (size > 0).then(|| format!("{what:<10} {}", bytes(size)))
}
