//! Puts shims into a component.
//!
//! What comes before the main core instance is copied as it is. Then come, each with an index of its own: the type of the interface
//! that shims import, its import, and its function, lowered; `context.get`; the modules of the shims, and their instances. The main
//! instance is given those of its imports, and one more is given the main instance. Whatever follows refers to what was moved by what was
//! added, and to the last shim for the exports that it wraps.

use super::plan::{Argument, Plan, Point};
use super::shim::{VALUES, base, shim};
use super::{EVENT, INTERFACE};
use crate::error::Result;
use anyhow::{anyhow, bail};
use std::convert::Infallible;
use std::ops::Range;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection, ComponentExportKind,
    ComponentImportSection, ComponentTypeRef, ComponentTypeSection, ExportKind, InstanceSection, InstanceType,
    ModuleArg, ModuleSection, PrimitiveValType, RawSection, ValType,
};
use wasmparser::{Chunk, ComponentAlias, ExternalKind, Instance, Parser, Payload};

/// How many core functions are added.
const CORE_FUNCTIONS: u32 = 2;

/// The component with the shims of `plan`.
///
/// # Errors
/// When the bytes are not the component that the plan was made of.
pub(super) fn rewrite(bytes: &[u8], plan: &Plan) -> Result<Vec<u8>> {
    let mut component = Component::new();
    let mut moved = Moved {
        plan,
        is_active: false,
        depth: 0,
    };
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    let mut instances = 0;
    while !rest.is_empty() {
        let payload = match parser.parse(rest, true)? {
            Chunk::Parsed { consumed, payload } => {
                rest = &rest[consumed..];
                payload
            }
            Chunk::NeedMoreData(_) => bail!("it is cut off"),
        };
        match payload {
            Payload::Version { .. } | Payload::End(_) => {}
            Payload::ModuleSection { unchecked_range, .. } => {
                rest = copy(&mut component, 1, bytes, rest, &unchecked_range)
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                rest = copy(&mut component, 4, bytes, rest, &unchecked_range);
            }
            Payload::InstanceSection(section) if !moved.is_active => {
                for instance in section {
                    moved.instance(&mut component, instances, instance?)?;
                    instances += 1;
                }
            }
            // The names of what has moved would be wrong.
            Payload::CustomSection(section) if section.name() == "component-name" => {}
            payload if moved.is_active => moved
                .parse_component_payload(&mut component, payload, bytes)
                .map_err(|error| anyhow!("{error}"))?,
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    let data = &bytes[range.start as usize..range.end as usize];
                    component.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(component.finish())
}

/// Copies what is nested, and gives what follows.
fn copy<'a>(component: &mut Component, id: u8, bytes: &[u8], rest: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let data = &bytes[range.start as usize..range.end as usize];
    component.section(&RawSection { id, data });
    &rest[data.len()..]
}

/// What is somewhere else once the shims are in.
struct Moved<'a> {
    plan: &'a Plan,
    /// Whether the shims are in.
    is_active: bool,
    /// How many types the current one is nested in.
    depth: u32,
}

impl Plan {
    fn wrapped(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|argument| !argument.points.is_empty())
    }

    fn numbered(&self, points: &Range<usize>) -> Vec<(u32, &Point)> {
        let numbers = points.clone().map(|index| self.first + index as u32);
        numbers.zip(&self.points[points.clone()]).collect()
    }

    /// How many shims wrap imports.
    fn shims(&self) -> u32 {
        self.wrapped().count() as u32
    }

    /// The instance of what tells the host. That of the base, and those of the shims, follow.
    fn host(&self) -> u32 {
        self.main
    }

    /// The main instance in its new place.
    fn new_main(&self) -> u32 {
        self.host() + 2 + self.shims()
    }

    /// The shim of what it exports.
    fn exporting(&self) -> u32 {
        self.new_main() + 1
    }
}

impl Moved<'_> {
    fn instance(&mut self, component: &mut Component, index: u32, instance: Instance<'_>) -> Result<()> {
        if index == self.plan.main {
            self.put_shims_in(component);
            self.is_active = true;
            return Ok(());
        }
        let mut section = InstanceSection::new();
        self.parse_instance(&mut section, instance)
            .map_err(|error| anyhow!("{error}"))?;
        component.section(&section);
        Ok(())
    }

    fn put_shims_in(&self, component: &mut Component) {
        let plan = self.plan;
        import(component, plan);
        component.section(&ModuleSection(&base()));
        for argument in plan.wrapped() {
            component.section(&ModuleSection(&shim(&plan.numbered(&argument.points))));
        }
        component.section(&ModuleSection(&shim(&plan.numbered(&plan.exports))));

        let (host, base) = (plan.host(), plan.host() + 1);
        let mut instances = InstanceSection::new();
        instances.export_items([
            ("event", ExportKind::Func, plan.before.core_functions),
            ("context", ExportKind::Func, plan.before.core_functions + 1),
        ]);
        instances.instantiate::<_, &str>(plan.before.modules, []);
        let mut instantiate = |module: u32, wrapped: u32| {
            let args = [("host", host), ("base", base), ("wrapped", wrapped)];
            let args = args.map(|(name, instance)| (name, ModuleArg::Instance(instance)));
            instances.instantiate(plan.before.modules + 1 + module, args);
        };
        for (index, argument) in plan.wrapped().enumerate() {
            instantiate(index as u32, argument.instance);
        }
        let mut next = base;
        let arguments = plan.arguments.iter().map(|argument| {
            let instance = if argument.points.is_empty() {
                argument.instance
            } else {
                next += 1;
                next
            };
            (argument.name.as_str(), ModuleArg::Instance(instance))
        });
        let arguments: Vec<_> = arguments.collect();
        instances.instantiate(plan.module, arguments);
        let args = [("host", host), ("base", base), ("wrapped", plan.new_main())];
        let args = args.map(|(name, instance)| (name, ModuleArg::Instance(instance)));
        instances.instantiate(plan.before.modules + 1 + plan.shims(), args);
        component.section(&instances);
    }

    /// An index after `added` more were put in at `at`.
    fn after(&self, index: u32, at: u32, added: u32) -> u32 {
        if self.is_active && self.depth == 0 && index >= at {
            index + added
        } else {
            index
        }
    }
}

/// Imports what shims call, and lowers it.
fn import(component: &mut Component, plan: &Plan) {
    let mut interface = InstanceType::new();
    let number = |name: &str| (name.to_owned(), PrimitiveValType::U32.into());
    let heads = ["point", "phase", "task", "count"].map(number);
    let values = (0..VALUES).map(|index| (format!("value{index}"), PrimitiveValType::U64.into()));
    let params: Vec<(String, wasm_encoder::ComponentValType)> = heads.into_iter().chain(values).collect();
    interface
        .ty()
        .function()
        .params(params.iter().map(|(name, ty)| (name.as_str(), *ty)))
        .result(Some(PrimitiveValType::U32.into()));
    interface.export(EVENT, ComponentTypeRef::Func(0));
    let mut types = ComponentTypeSection::new();
    types.instance(&interface);
    let mut imports = ComponentImportSection::new();
    imports.import(INTERFACE, ComponentTypeRef::Instance(plan.before.types));
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(Alias::InstanceExport {
        instance: plan.before.instances,
        kind: ComponentExportKind::Func,
        name: EVENT,
    });
    let mut functions = CanonicalFunctionSection::new();
    functions.lower(plan.before.functions, [] as [CanonicalOption; 0]);
    functions.context_get(ValType::I32, 0);
    component
        .section(&types)
        .section(&imports)
        .section(&aliases)
        .section(&functions);
}

impl Reencode for Moved<'_> {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error<Infallible>> {
        Ok(self.after(index, self.plan.before.core_functions, CORE_FUNCTIONS))
    }
}

impl ReencodeComponent for Moved<'_> {
    fn component_type_index(&mut self, index: u32) -> u32 {
        self.after(index, self.plan.before.types, 1)
    }

    fn component_instance_index(&mut self, index: u32) -> u32 {
        self.after(index, self.plan.before.instances, 1)
    }

    fn component_func_index(&mut self, index: u32) -> u32 {
        self.after(index, self.plan.before.functions, 1)
    }

    fn module_index(&mut self, index: u32) -> u32 {
        self.after(index, self.plan.before.modules, 2 + self.plan.shims())
    }

    fn instance_index(&mut self, index: u32) -> u32 {
        let plan = self.plan;
        let index = self.after(index, plan.main, plan.new_main() - plan.main);
        // Those that came after the main instance come after the shim of its exports as well.
        self.after(index, plan.new_main() + 1, 1)
    }

    fn outer_component_type_index(&mut self, count: u32, index: u32) -> u32 {
        if count != self.depth {
            return index;
        }
        let depth = std::mem::replace(&mut self.depth, 0);
        let index = self.component_type_index(index);
        self.depth = depth;
        index
    }

    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }

    fn parse_component_alias_section(
        &mut self,
        aliases: &mut ComponentAliasSection,
        section: wasmparser::ComponentAliasSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        for alias in section {
            let alias = alias?;
            match alias {
                ComponentAlias::CoreInstanceExport {
                    kind: ExternalKind::Func,
                    instance_index,
                    name,
                } if instance_index == self.plan.main && self.wraps(name) => {
                    aliases.alias(Alias::CoreInstanceExport {
                        instance: self.plan.exporting(),
                        kind: ExportKind::Func,
                        name,
                    });
                }
                alias => {
                    let alias = self.component_alias(alias)?;
                    aliases.alias(alias);
                }
            }
        }
        Ok(())
    }
}

impl Moved<'_> {
    /// Whether it is an export of the main module that a shim wraps.
    fn wraps(&self, name: &str) -> bool {
        let points = &self.plan.points[self.plan.exports.clone()];
        points.iter().any(|point| point.field == name)
    }
}
