//! [`Program`]: a guest before it is instantiated: its worlds put together, and its core functions by name.

use super::guest::Guest;
use super::world::{Function, Interface, World};
use crate::canonical::{CoreFunc, Fnv, LiftOptions};
use crate::error::Result;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use witflow_async_rt::sys::native::{Export, Exports};

/// A guest that is linked into the process.
pub(crate) struct Program {
    pub(crate) imports: Arc<[Interface]>,
    pub(crate) exports: Arc<[Interface]>,
    core: BTreeMap<&'static str, Export>,
    /// A hash of the descriptions of its worlds.
    pub(crate) digest: u64,
    /// The guests that are instantiated before it, in their order, for it and each other to import from.
    pub(crate) dependencies: Vec<(Arc<str>, Arc<Program>)>,
}

impl Program {
    pub(crate) fn new(name: &str, worlds: &[Exports]) -> Result<Self> {
        let mut program = Parts::default();
        let mut digest = Fnv::default();
        for exports in worlds {
            digest.bytes(exports.component_type);
            let world = World::decode(exports.component_type);
            let world = world.with_context(|| format!("reading the world of component `{name}`"))?;
            let world = world.renumbered(program.resources);
            program.resources += world.resources;
            program.imports = merge(program.imports, &world.imports, |_| Ok(()))?;
            program.exports = merge(program.exports, &world.exports, |path| {
                bail!("two worlds of component `{name}` export `{path}`")
            })?;
            program
                .core
                .extend(exports.exports.iter().map(|export| (export.name, *export)));
        }
        let Parts {
            imports, exports, core, ..
        } = program;
        Ok(Self {
            imports: imports.into(),
            exports: exports.into(),
            core,
            digest: digest.finish(),
            dependencies: Vec::new(),
        })
    }

    /// The same guest, with others to import from.
    pub(crate) fn with_dependencies(&self, dependencies: Vec<(Arc<str>, Arc<Program>)>) -> Self {
        Self {
            imports: self.imports.clone(),
            exports: self.exports.clone(),
            core: self.core.clone(),
            digest: self.digest,
            dependencies,
        }
    }

    /// The core functions of an exported function of `guest`.
    pub(crate) fn core(&self, guest: &Rc<Guest>, path: &str) -> Result<(CoreFunc, LiftOptions)> {
        let core = |name: &str| self.core.get(name).map(|export| guest.core(*export));
        let name = format!("[async-lift]{path}");
        if let Some(function) = core(&name) {
            let callback = core(&format!("[callback]{name}"));
            let callback = Some(callback.with_context(|| format!("the guest exports `{path}` without its callback"))?);
            return Ok((
                function,
                LiftOptions {
                    callback,
                    post_return: None,
                },
            ));
        }
        let function = core(path).with_context(|| format!("the guest exports no core function for `{path}`"))?;
        let post_return = core(&format!("cabi_post_{path}"));
        Ok((
            function,
            LiftOptions {
                callback: None,
                post_return,
            },
        ))
    }

    /// The destructor of a resource that the guest exports.
    pub(crate) fn destructor(&self, guest: &Rc<Guest>, interface: &Interface, resource: &str) -> Option<CoreFunc> {
        let name = interface.path(&format!("[dtor]{resource}"));
        self.core.get(name.as_str()).map(|export| guest.core(*export))
    }
}

#[derive(Default)]
struct Parts {
    imports: Vec<Interface>,
    exports: Vec<Interface>,
    core: BTreeMap<&'static str, Export>,
    resources: u32,
}

/// Adds the items of `more`, those of an interface that is there already to it; `twice` hears of functions in both.
fn merge(
    mut interfaces: Vec<Interface>,
    more: &[Interface],
    twice: impl Fn(&str) -> Result<()>,
) -> Result<Vec<Interface>> {
    for interface in more {
        let Some(there) = interfaces.iter_mut().find(|there| there.name == interface.name) else {
            interfaces.push(interface.clone());
            continue;
        };
        let is_there = |function: &&Function| there.functions.iter().any(|other| other.name == function.name);
        let (old, new): (Vec<_>, Vec<_>) = interface.functions.iter().partition(is_there);
        old.iter()
            .try_for_each(|function| twice(&interface.path(&function.name)))?;
        there.functions.extend(new.into_iter().cloned());
        let is_new = |resource: &&(Arc<str>, _)| there.resources.iter().all(|(name, _)| *name != resource.0);
        let resources: Vec<_> = interface.resources.iter().filter(is_new).cloned().collect();
        there.resources.extend(resources);
    }
    Ok(interfaces)
}
