//! [`Plan`]: where shims go in a component, and what they wrap.
//!
//! Components are made of one core module of interest, the one whose functions are lifted. What it imports is there before it is
//! instantiated; what it exports is used after. So everything that is added goes right before and after that instance, and only what is
//! defined later changes its index.

use super::names;
use crate::error::Result;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use wasmparser::component_types::CoreInstanceTypeKind;
use wasmparser::types::{CoreTypeId, EntityType, Types, TypesRef};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ExternalKind, Instance, Parser, Payload, ValType, ValidPayload,
    Validator, WasmFeatures,
};

/// What a wrapped function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Called by the core module.
    Import,
    /// Starts a task that is called back.
    Start,
    /// Calls a task back.
    Callback,
    /// Runs a task from its start to its end.
    Plain,
}

/// A function that is wrapped.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) role: Role,
    /// The name between core modules.
    pub(super) field: String,
    /// The name for people.
    pub(super) name: String,
    pub(super) params: Vec<ValType>,
    pub(super) results: Vec<ValType>,
}

/// How much of each kind there is before the instance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) types: u32,
    pub(super) instances: u32,
    pub(super) functions: u32,
    pub(super) core_functions: u32,
    pub(super) modules: u32,
}

/// What an instance is given to import from.
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) instance: u32,
    /// Which of the points wrap its functions. Without any it is given as it is.
    pub(super) points: std::ops::Range<usize>,
}

/// Where shims go, and what they wrap.
pub(super) struct Plan {
    /// The number of the first point.
    pub(super) first: u32,
    pub(super) points: Vec<Point>,
    pub(super) before: Counts,
    /// The core instance whose functions are lifted, and its module.
    pub(super) main: u32,
    pub(super) module: u32,
    pub(super) arguments: Vec<Argument>,
    /// Which of the points wrap its exports.
    pub(super) exports: std::ops::Range<usize>,
}

/// What is found in a component on the way.
#[derive(Default)]
struct Found<'a> {
    /// Core instances, each with what there was before the section it is in.
    instances: Vec<(Instance<'a>, Counts)>,
    /// Where core functions come from, if that is an instance.
    functions: Vec<Option<(u32, &'a str)>>,
    /// The core functions that are lifted, and their callbacks.
    lifts: Vec<(u32, Option<u32>)>,
}

/// Reads a component whose points are numbered from `first`.
///
/// # Errors
/// When the bytes are no valid component, or not one core module of it is called by its exports.
pub(super) fn read(bytes: &[u8], first: u32) -> Result<Plan> {
    let (found, types) = find(bytes)?;
    let types = types.as_ref();
    let mut roles: BTreeMap<&str, Role> = BTreeMap::new();
    let mut main = None;
    let source = |function: u32| found.functions.get(function as usize).copied().flatten();
    for (function, callback) in &found.lifts {
        let (instance, name) = source(*function).context("a function is lifted that no core module exports")?;
        if *main.get_or_insert(instance) != instance {
            bail!("it has several core modules whose functions are called");
        }
        let role = if callback.is_some() { Role::Start } else { Role::Plain };
        roles.insert(name, role);
        if let Some((_, name)) = callback.and_then(source) {
            roles.insert(name, Role::Callback);
        }
    }
    let main = main.context("none of its functions can be called")?;
    let (instance, before) = &found.instances[main as usize];
    let Instance::Instantiate { module_index, args } = instance else {
        bail!("what is lifted is not exported by a core module");
    };
    let mut plan = Plan {
        first,
        points: Vec::new(),
        before: *before,
        main,
        module: *module_index,
        arguments: Vec::new(),
        exports: 0..0,
    };
    for arg in args {
        let functions = functions(types, arg.index).unwrap_or_default();
        let points = functions.into_iter().filter_map(|(field, ty)| {
            let name = names::imported(arg.name, &field);
            point(types, Role::Import, field, name, ty)
        });
        let points = plan.add(points.collect());
        plan.arguments.push(Argument {
            name: arg.name.to_owned(),
            instance: arg.index,
            points,
        });
    }
    let exported = exports(types, main).into_iter().filter_map(|(field, ty)| {
        let role = *roles.get(field.as_str())?;
        let name = names::exported(&field).to_owned();
        point(types, role, field, name, function(ty)?)
    });
    plan.exports = plan.add(exported.collect());
    Ok(plan)
}

impl Plan {
    fn add(&mut self, points: Vec<Point>) -> std::ops::Range<usize> {
        let begin = self.points.len();
        self.points.extend(points);
        begin..self.points.len()
    }
}

fn find(bytes: &[u8]) -> Result<(Found<'_>, Types)> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut found = Found::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if depth == 0 {
            found.take_in(&payload, &validator)?;
        }
        match &payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
        if let ValidPayload::End(types) = validator.payload(&payload)?
            && depth < 0
        {
            return Ok((found, types));
        }
    }
    bail!("it does not end")
}

impl<'a> Found<'a> {
    fn take_in(&mut self, payload: &Payload<'a>, validator: &Validator) -> Result<()> {
        match payload {
            Payload::InstanceSection(section) => {
                let before = validator.types(0).map(counts).unwrap_or_default();
                for instance in section.clone() {
                    self.instances.push((instance?, before));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    if let ComponentAlias::CoreInstanceExport {
                        kind: ExternalKind::Func,
                        instance_index,
                        name,
                    } = alias?
                    {
                        self.functions.push(Some((instance_index, name)));
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    match function? {
                        CanonicalFunction::Lift {
                            core_func_index,
                            options,
                            ..
                        } => self.lifts.push((core_func_index, callback(&options))),
                        _ => self.functions.push(None),
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn callback(options: &[CanonicalOption]) -> Option<u32> {
    options.iter().find_map(|option| match option {
        CanonicalOption::Callback(function) => Some(*function),
        _ => None,
    })
}

fn counts(types: TypesRef<'_>) -> Counts {
    Counts {
        types: types.component_type_count(),
        instances: types.component_instance_count(),
        functions: types.component_function_count(),
        core_functions: types.function_count(),
        modules: types.module_count(),
    }
}

/// What a core instance exports.
fn exports(types: TypesRef<'_>, instance: u32) -> Vec<(String, EntityType)> {
    let exports = match &types[types.core_instance_at(instance)].kind {
        CoreInstanceTypeKind::Exports(exports) => exports,
        CoreInstanceTypeKind::Instantiated(module) => &types[*module].exports,
    };
    exports.iter().map(|(name, ty)| (name.clone(), *ty)).collect()
}

/// The functions that a core instance exports, if it exports nothing else.
fn functions(types: TypesRef<'_>, instance: u32) -> Option<Vec<(String, CoreTypeId)>> {
    let exports = exports(types, instance).into_iter();
    exports.map(|(name, ty)| Some((name, function(ty)?))).collect()
}

/// The type of a function, if it is that of one.
fn function(ty: EntityType) -> Option<CoreTypeId> {
    match ty {
        EntityType::Func(ty) | EntityType::FuncExact(ty) => Some(ty),
        _ => None,
    }
}

fn point(types: TypesRef<'_>, role: Role, field: String, name: String, ty: CoreTypeId) -> Option<Point> {
    let ty = types[ty].unwrap_func();
    Some(Point {
        role,
        field,
        name,
        params: ty.params().to_vec(),
        results: ty.results().to_vec(),
    })
}
