//! Links a native guest: the definitions of a [`Linker`] meet the imports of a guest.

use super::guest::Guest;
use super::handle::StoreHandle;
use super::imports::{Imports, Served};
use super::program::Program;
use super::store::NativeStore;
use super::world::Interface;
use crate::backend;
use crate::canonical::{self, ResourceType};
use crate::error::Result;
use crate::instance::Functions;
use crate::linker::Linker;
use anyhow::Context as _;
use std::rc::Rc;
use std::sync::Arc;

/// Instantiates `program`, whose name is `name`.
///
/// # Errors
/// As [`Linker::instantiate`].
pub(crate) fn instantiate(
    definitions: &Linker,
    handle: &StoreHandle,
    program: &Arc<Program>,
    name: &str,
) -> Result<Functions> {
    let store = handle.get()?;
    let mut missing = Vec::new();
    let served = serve(definitions, &store, program, &mut missing);
    let served = served.with_context(|| format!("component `{name}`"))?;
    definitions.nothing_missing(name, missing)?;
    let imports = Imports::new(program.imports.clone(), program.exports.clone(), served);
    let guest = Guest::new(store.canonical(), imports, name);
    store.keep_guest(guest.clone());
    for interface in program.exports.iter() {
        for (resource, index) in &interface.resources {
            let destructor = program.destructor(&guest, interface, resource);
            guest
                .instance
                .set_resource(*index, ResourceType::of_guest(resource, &guest.instance, destructor));
        }
    }
    exports(&store, program, &guest, name)
}

/// What serves each function that the guest imports. The names of those without go to `missing`.
fn serve(definitions: &Linker, store: &NativeStore, program: &Program, missing: &mut Vec<String>) -> Result<Served> {
    let mut served = Served::new();
    for interface in program.imports.iter() {
        for (resource, _) in &interface.resources {
            missing.push(format!(
                "{} (a resource, which a linker cannot define)",
                interface.path(resource)
            ));
        }
        for function in &interface.functions {
            let path = interface.path(&function.name);
            let names = names(interface);
            let Some(found) = definitions.find(&names, &function.name) else {
                missing.push(path);
                continue;
            };
            let func = found.native().serve(store, &path, &function.ty);
            let func = func.with_context(|| format!("import `{path}`"))?;
            served.insert((interface.name.clone(), function.name.clone()), func);
        }
    }
    Ok(served)
}

/// The names a definition for an interface may have.
fn names(interface: &Interface) -> Vec<&str> {
    std::iter::once(&*interface.name)
        .chain(interface.implements.as_deref())
        .collect()
}

fn exports(store: &NativeStore, program: &Program, guest: &Rc<Guest>, name: &str) -> Result<Functions> {
    let mut functions = Functions::new();
    for interface in program.exports.iter() {
        for function in &interface.functions {
            let path = interface.path(&function.name);
            let (core, options) = program.core(guest, &path)?;
            let full = format!("{name}: {path}");
            let func = canonical::lift(&guest.instance, &full, core, Rc::new((*function.ty).clone()), options);
            functions.insert(path, backend::Func::Native(store.keep_func(func)));
        }
    }
    Ok(functions)
}
