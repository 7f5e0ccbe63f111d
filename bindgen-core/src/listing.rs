//! A world's functions, named types and payloads as text: what `bindgen listing` prints and the listing tests hold.

use std::collections::BTreeSet;
use std::fmt::Write;

use wit_parser::{Resolve, Type, TypeId, WorldKey};

use crate::abi::{
    Definition, Function, FunctionAbi, Inst, NamedOp, Program, Resource, list_function, list_program, named, type_name,
};
use crate::world::{Direction, PayloadKind, World};

/// The whole world.
pub fn list(world: &World<'_>) -> String {
    let mut out = String::new();
    let items = world.items_with_direction();
    let functions: Vec<(Direction, &Function)> = items
        .flat_map(|(direction, item)| item.functions().iter().map(move |function| (direction, function)))
        .collect();
    for (direction, item) in world.items_with_direction() {
        for resource in item.resources() {
            resources(world.resolve(), direction, resource, &mut out);
        }
    }
    for (direction, function) in &functions {
        out.push_str(&heading(world.resolve(), *direction, function));
        out.push_str(&list_function(world.resolve(), function));
        out.push('\n');
    }
    let payload_programs = world.payloads.iter().filter_map(|payload| payload.transfer.as_ref());
    let mut programs: Vec<&Program> = payload_programs.flat_map(|(store, load)| [store, load]).collect();
    programs.extend(functions.iter().flat_map(|(_, function)| programs_of(function)));
    named_types(world, &programs, &mut out);
    payloads(world, &mut out);
    out
}

/// The programs a function has.
pub fn programs_of(function: &Function) -> Vec<&Program> {
    match &function.abi {
        FunctionAbi::SyncImport(abi) => vec![&abi.program],
        FunctionAbi::AsyncImport(abi) => std::iter::once(&abi.start).chain(&abi.lift).collect(),
        FunctionAbi::SyncExport(abi) => vec![&abi.program],
        FunctionAbi::AsyncExport(abi) => vec![&abi.lift, &abi.task_return.program],
    }
}

fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Import => "import",
        Direction::Export => "export",
    }
}

/// The built-ins of a resource.
fn resources(resolve: &Resolve, direction: Direction, resource: &Resource, out: &mut String) {
    let name = type_name(resolve, &Type::Id(resource.id));
    let _ = writeln!(out, "{} resource {name}", side(direction));
    let Resource { module, drop, .. } = resource;
    let _ = writeln!(out, "  {module:?} {drop:?}");
    if let Some(definition) = &resource.definition {
        let Definition { new, rep, destructor } = definition;
        let _ = writeln!(out, "  {module:?} {new:?}\n  {module:?} {rep:?}\n  {destructor:?}");
    }
    out.push('\n');
}

/// `import ns:pkg/iface#name: async func(a: u32) -> string`
fn heading(resolve: &Resolve, direction: Direction, function: &Function) -> String {
    let side = side(direction);
    let interface = function
        .interface
        .as_ref()
        .map(|key: &WorldKey| format!("{}#", resolve.name_world_key(key)))
        .unwrap_or_default();
    let func = &function.func;
    let params = func
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, type_name(resolve, &param.ty)));
    let params = params.collect::<Vec<_>>().join(", ");
    let result = func
        .result
        .map(|ty| format!(" -> {}", type_name(resolve, &ty)))
        .unwrap_or_default();
    let kind = if func.kind.is_async() { "async func" } else { "func" };
    format!("{side} {interface}{}: {kind}({params}){result}\n", func.name)
}

/// Every function of a named type that the given programs call, and those it calls in turn.
fn named_types(world: &World<'_>, programs: &[&Program], out: &mut String) {
    let mut wanted: Vec<(TypeId, NamedOp)> = Vec::new();
    let mut seen = BTreeSet::new();
    for program in programs {
        named_calls(program, &mut |call| wanted.push(call));
    }
    while let Some((id, op)) = wanted.pop() {
        let id = world.types.first(id);
        if !seen.insert((id.index(), op)) {
            continue;
        }
        named_calls(&named(&world.types, id, op), &mut |call| wanted.push(call));
    }
    for (index, op) in seen {
        let (id, _) = world
            .resolve()
            .types
            .iter()
            .find(|(id, _)| id.index() == index)
            .expect("the type was called");
        let name = type_name(world.resolve(), &Type::Id(id));
        let _ = writeln!(out, "type {name}");
        let what = match op {
            NamedOp::Store => "store",
            NamedOp::Load => "load",
            NamedOp::Lower => "lower",
            NamedOp::Lift => "lift",
        };
        out.push_str(&list_program(world.resolve(), what, &named(&world.types, id, op)));
        out.push('\n');
    }
}

/// Calls `found` with each function of a named type that `program` calls.
pub fn named_calls(program: &Program, found: &mut impl FnMut((TypeId, NamedOp))) {
    program.visit(&mut |inst| match inst {
        Inst::StoreNamed(id) => found((*id, NamedOp::Store)),
        Inst::LoadNamed(id) => found((*id, NamedOp::Load)),
        Inst::LowerNamed(id) => found((*id, NamedOp::Lower)),
        Inst::LiftNamed(id) => found((*id, NamedOp::Lift)),
        _ => {}
    });
}

fn payloads(world: &World<'_>, out: &mut String) {
    for payload in &world.payloads {
        let kind = if payload.kind == PayloadKind::Stream {
            "stream"
        } else {
            "future"
        };
        let ty = payload
            .ty
            .map(|ty| format!("<{}>", type_name(world.resolve(), &ty)))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "payload {kind}{ty}\n  {:?} {:?}",
            payload.module, payload.intrinsics.new
        );
        match &payload.transfer {
            None => out.push_str("  as it is in memory\n"),
            Some((store, load)) => {
                out.push_str(&list_program(world.resolve(), "store", store));
                out.push_str(&list_program(world.resolve(), "load", load));
            }
        }
        out.push('\n');
    }
}
