//! Links a native guest: the definitions of a [`Linker`] meet the imports of a guest.

use super::guest::Guest;
use super::handle::StoreHandle;
use super::imports::{Imports, Served};
use super::links::{Link, add_exports};
use super::program::Program;
use super::store::NativeStore;
use super::world::Interface;
use crate::backend;
use crate::canonical::{self, ResourceIndex, ResourceType};
use crate::error::Result;
use crate::instance::Exports;
use crate::linker::{Definitions, Linker, find};
use anyhow::Context as _;
use std::rc::Rc;
use std::sync::Arc;

/// Instantiates `program`, whose name is `name`, after those it is composed with.
///
/// # Errors
/// As [`Linker::instantiate`].
pub(crate) fn instantiate(
    definitions: &Linker,
    handle: &StoreHandle,
    program: &Program,
    name: &Arc<str>,
) -> Result<Exports> {
    let store = handle.get()?;
    instantiate_in(definitions, &store, program, name)
}

fn instantiate_in(definitions: &Linker, store: &NativeStore, program: &Program, name: &Arc<str>) -> Result<Exports> {
    let mut composed = Definitions::new();
    for (name, dependency) in &program.dependencies {
        let linking = Linking {
            definitions,
            composed: &composed,
            store,
        };
        let exports = linking.instantiate(dependency, name)?;
        add_exports(&mut composed, &dependency.exports, &exports, name, store.cx())?;
    }
    let linking = Linking {
        definitions,
        composed: &composed,
        store,
    };
    linking.instantiate(program, name)
}

/// What there is to import from.
struct Linking<'a> {
    definitions: &'a Linker,
    /// What the components that were composed with this one export. It comes first.
    composed: &'a Definitions<Link>,
    store: &'a NativeStore,
}

/// What serves the imports of a guest.
#[derive(Default)]
struct Found {
    served: Served,
    resources: Vec<(ResourceIndex, Rc<ResourceType>)>,
    /// The names of imports that nothing serves.
    missing: Vec<String>,
}

impl Linking<'_> {
    fn instantiate(&self, program: &Program, name: &Arc<str>) -> Result<Exports> {
        let mut found = Found::default();
        for interface in program.imports.iter() {
            self.serve(interface, &mut found)
                .with_context(|| format!("component `{name}`"))?;
        }
        self.definitions.nothing_missing(name, found.missing)?;
        let imports = Imports::new(program.imports.clone(), program.exports.clone(), found.served);
        let guest = Guest::new(self.store.canonical(), imports, name);
        self.store.keep_guest(guest.clone());
        self.store.note_instance(program, &guest.instance);
        for (index, ty) in found.resources {
            guest.instance.set_resource(index, ty);
        }
        self.export(program, &guest, name)
    }

    /// Finds what serves the imports from an interface.
    fn serve(&self, interface: &Interface, found: &mut Found) -> Result<()> {
        for (resource, index) in &interface.resources {
            let stand_in = || Some(self.store.host_resource(self.definitions.resource_stand_in()?));
            match self.resource(interface, resource).or_else(stand_in) {
                Some(ty) => found.resources.push((*index, ty)),
                None => found.missing.push(format!("{} (a resource)", interface.path(resource))),
            }
        }
        for function in &interface.functions {
            let path = interface.path(&function.name);
            let host = self.definitions.find(&names(interface), &function.name);
            let func = match (self.link_of(self.composed, interface, &function.name), host) {
                (Some(link), _) => link.func(self.store, &function.ty),
                (None, Some(host)) => host.native().serve(self.store, &path, &function.ty),
                (None, None) => match self.link(interface, &function.name) {
                    Some(link) => link.func(self.store, &function.ty),
                    None => match self.definitions.stand_in(&path) {
                        Some(stand_in) => stand_in.native().serve(self.store, &path, &function.ty),
                        None => {
                            found.missing.push(path);
                            continue;
                        }
                    },
                },
            };
            let func = func.with_context(|| format!("import `{path}`"))?;
            let place = (interface.name.clone(), function.name.clone());
            found.served.insert(place, func);
        }
        Ok(())
    }

    fn resource(&self, interface: &Interface, name: &str) -> Option<Rc<ResourceType>> {
        let linked = |link: &Link| Some(self.store.resource_type(link.resource(self.store)?));
        let composed = self.link_of(self.composed, interface, name).and_then(linked);
        let of_host = || self.definitions.find_resource(&names(interface), name);
        let of_host = || of_host().map(|kind| self.store.host_resource(kind));
        composed
            .or_else(of_host)
            .or_else(|| self.link(interface, name).and_then(linked))
    }

    fn link(&self, interface: &Interface, item: &str) -> Option<&Link> {
        let composed = self.link_of(self.composed, interface, item);
        composed.or_else(|| self.link_of(&self.definitions.links, interface, item))
    }

    fn link_of<'b>(&self, links: &'b Definitions<Link>, interface: &Interface, item: &str) -> Option<&'b Link> {
        find(links, &names(interface), item)
    }

    fn export(&self, program: &Program, guest: &Rc<Guest>, name: &str) -> Result<Exports> {
        let mut exports = Exports::default();
        for interface in program.exports.iter() {
            for (resource, index) in &interface.resources {
                let destructor = program.destructor(guest, interface, resource);
                let ty = ResourceType::of_guest(resource, &guest.instance, destructor);
                guest.instance.set_resource(*index, ty.clone());
                let id = self.store.keep_resource_type(ty);
                exports.resources.insert(interface.path(resource), id);
            }
            for function in &interface.functions {
                let path = interface.path(&function.name);
                let (core, options) = program.core(guest, &path)?;
                let full = format!("{name}: {path}");
                let func = canonical::lift(&guest.instance, &full, core, Rc::new((*function.ty).clone()), options);
                let func = self.store.keep_func(func);
                exports.functions.insert(path, backend::Func::Native(func));
            }
        }
        Ok(exports)
    }
}

/// The names a definition for an interface may have.
fn names(interface: &Interface) -> Vec<&str> {
    std::iter::once(&*interface.name)
        .chain(interface.implements.as_deref())
        .collect()
}
