//! [`Engine`], which holds the settings that guests run with, and [`Component`], a guest that it can run.

use crate::error::Result;
use std::sync::Arc;

/// What a Wasmtime [`Engine`] is to do beyond running components.
#[cfg(feature = "wasmtime")]
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Count the instructions a guest executes; see [`Store::fuel_consumed`](crate::Store::fuel_consumed). Counting costs
    /// a fraction of the guest's speed.
    pub fuel: bool,
}

/// What a native [`Engine`] is to do beyond running guests.
#[cfg(feature = "native")]
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct NativeOptions {
    /// Which reading of the Canonical ABI the store follows, where readings differ.
    pub profile: crate::canonical::Profile,
    /// What the instances of a store share of their guests' `thread_local!`s.
    pub thread_locals: ThreadLocals,
}

/// Which `thread_local!`s of guest code are the same.
///
/// `static`s are shared by everything in the process, whatever is chosen here: by all instances, all stores and all tests. What
/// a component keeps in one on WebAssembly, where each instance has its own, belongs in a `thread_local!` if it is to be
/// tested natively, or the tests need a process each.
#[cfg(feature = "native")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ThreadLocals {
    /// All instances of a store share those of the thread that the store is on. A store on a fresh thread, as in a test of
    /// its own, starts with fresh ones.
    #[default]
    PerStore,
    /// Each instance has its own, on a thread of its own. Each call from one instance into another, or from the host, then
    /// takes some microseconds. Where stacks cannot be switched, under Miri for instance, each activation that blocks has its
    /// own in addition.
    PerInstance,
}

/// Holds the settings that guests run with. Clones share the engine.
///
/// There are two kinds. [`Engine::new`] compiles components for Wasmtime; [`Engine::native`] runs guests that are linked
/// into this program. A [`Store`](crate::Store) takes components of its engine's kind.
#[derive(Clone)]
pub struct Engine(pub(crate) Kind);

/// Which back end it is.
#[derive(Clone)]
pub(crate) enum Kind {
    #[cfg(feature = "wasmtime")]
    Wasmtime(crate::wasmtime::Engine),
    #[cfg(feature = "native")]
    Native(NativeOptions),
}

#[cfg(feature = "wasmtime")]
impl Engine {
    /// A Wasmtime engine with default options.
    ///
    /// Asynchronous functions, streams and futures, maps and fixed-length lists, error contexts and interfaces imported
    /// under several names are on: the features of the component model that the bindings can produce.
    ///
    /// # Errors
    /// When this machine is none that Wasmtime can compile for.
    pub fn new() -> Result<Self> {
        Self::with_options(EngineOptions::default())
    }

    /// A Wasmtime engine that counts instructions.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_fuel() -> Result<Self> {
        Self::with_options(EngineOptions { fuel: true })
    }

    /// A Wasmtime engine with the given options.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_options(options: EngineOptions) -> Result<Self> {
        Ok(Self(Kind::Wasmtime(crate::wasmtime::Engine::new(options)?)))
    }
}

#[cfg(feature = "native")]
impl Engine {
    /// An engine for guests that are linked into this program, with default options.
    pub fn native() -> Self {
        Self::native_with(NativeOptions::default())
    }

    /// An engine for guests that are linked into this program, with the given options.
    pub fn native_with(options: NativeOptions) -> Self {
        Self(Kind::Native(options))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            #[cfg(feature = "wasmtime")]
            Kind::Wasmtime(engine) => f.debug_tuple("Engine").field(&engine.options).finish(),
            #[cfg(feature = "native")]
            Kind::Native(options) => f.debug_tuple("Engine").field(options).finish(),
        }
    }
}

/// A guest that can be instantiated: a component compiled for Wasmtime, or one linked into this program. Clones share the
/// code.
#[derive(Clone)]
pub struct Component {
    pub(crate) code: Code,
    pub(crate) name: Arc<str>,
}

/// What a component consists of.
#[derive(Clone)]
pub(crate) enum Code {
    #[cfg(feature = "wasmtime")]
    Wasmtime(crate::wasmtime::Component),
    #[cfg(feature = "native")]
    Native(Arc<crate::native::Program>),
}

#[cfg(feature = "wasmtime")]
impl Component {
    /// Compiles the component in a file; errors name it by the file's stem.
    ///
    /// # Errors
    /// When the file cannot be read or holds no valid component, or the engine is native.
    pub fn from_file(engine: &Engine, path: impl AsRef<std::path::Path>) -> Result<Self> {
        use anyhow::Context as _;
        let path = path.as_ref();
        let bytes = std::fs::read(path).with_context(|| format!("reading component `{}`", path.display()))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        Self::named(engine, &name, &bytes)
    }

    /// Compiles a component; errors name it `component`.
    ///
    /// # Errors
    /// When the bytes are no valid component, or the engine is native.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        Self::named(engine, "component", bytes)
    }

    /// Compiles a component that errors are to name `name`.
    ///
    /// # Errors
    /// When the bytes are no valid component, or the engine is native.
    pub fn named(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self> {
        let code = match &engine.0 {
            Kind::Wasmtime(engine) => Code::Wasmtime(engine.compile(name, bytes)?),
            #[cfg(feature = "native")]
            Kind::Native(_) => anyhow::bail!(
                "`{name}` is WebAssembly, which a native engine cannot run; compile it with `Engine::new`"
            ),
        };
        Ok(Self {
            code,
            name: name.into(),
        })
    }
}

#[cfg(feature = "native")]
impl Component {
    /// The guest of type `C`, linked into this program; errors name it `name`.
    ///
    /// `C` is the type that the guest passes to `export!`.
    ///
    /// # Errors
    /// When the description of the guest's world is damaged.
    pub fn native<C: crate::NativeGuest>(name: &str) -> Result<Self> {
        Self::native_worlds(name, &[C::EXPORTS])
    }

    /// A guest that is made of several worlds, each with bindings of its own, as a crate that calls `generate!` several
    /// times is. Worlds without exports have an empty list of them.
    ///
    /// # Errors
    /// As [`Component::native`]; and when two worlds export the same function.
    pub fn native_worlds(name: &str, worlds: &[crate::NativeWorld]) -> Result<Self> {
        Ok(Self {
            code: Code::Native(Arc::new(crate::native::Program::new(name, worlds)?)),
            name: name.into(),
        })
    }
}

impl Component {
    /// `root`, with its imports and those of `dependencies` linked to what `dependencies` export. What none of them exports
    /// stays an import. The name is that of `root`, whose exports it has.
    ///
    /// A component that several import from is instantiated once. Components for Wasmtime need the feature `compose`.
    ///
    /// # Errors
    /// When two dependencies export the same interface; when nothing is linked; when the types of an import and of the
    /// export of its name differ; when components import from each other in a circle; when they are not for one back end.
    pub fn compose(root: &Component, dependencies: &[&Component]) -> Result<Component> {
        let code = match &root.code {
            #[cfg(feature = "native")]
            Code::Native(program) => {
                let named = |component: &&Component| match &component.code {
                    Code::Native(program) => Ok((component.name.clone(), program.clone())),
                    #[cfg(feature = "wasmtime")]
                    Code::Wasmtime(_) => Err(component.not_as(root)),
                };
                let dependencies = dependencies.iter().map(named).collect::<Result<Vec<_>>>()?;
                let root = (root.name.clone(), program.clone());
                Code::Native(Arc::new(crate::native::compose(&root, &dependencies)?))
            }
            #[cfg(feature = "compose")]
            Code::Wasmtime(component) => {
                let named = |component: &&Component| match &component.code {
                    Code::Wasmtime(code) => Ok((component.name.to_string(), code.bytes.clone())),
                    #[cfg(feature = "native")]
                    Code::Native(_) => Err(component.not_as(root)),
                };
                let dependencies = dependencies.iter().map(named).collect::<Result<Vec<_>>>()?;
                let dependencies: Vec<_> = dependencies
                    .iter()
                    .map(|(name, bytes)| (name.as_str(), &**bytes))
                    .collect();
                let composed = crate::compose((&root.name, &component.bytes), &dependencies)?;
                Code::Wasmtime(component.engine.compile(&root.name, &composed)?)
            }
            #[cfg(all(feature = "wasmtime", not(feature = "compose")))]
            Code::Wasmtime(_) => without_compose(dependencies)?,
        };
        Ok(Component {
            code,
            name: root.name.clone(),
        })
    }

    #[cfg(all(feature = "native", feature = "wasmtime"))]
    fn not_as(&self, root: &Component) -> crate::Error {
        anyhow::anyhow!(
            "components `{}` and `{}` are for different back ends",
            root.name,
            self.name
        )
    }

    /// The name that errors use.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(all(feature = "wasmtime", not(feature = "compose")))]
fn without_compose(_: &[&Component]) -> Result<Code> {
    anyhow::bail!("composing components for Wasmtime needs the feature `compose` of witflow-host")
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
