//! [`Engine`], which compiles, and [`Component`], which it makes.

use crate::error::Result;
use crate::wasmtime::trap::from_wasmtime;
use anyhow::Context as _;
use std::path::Path;
use std::sync::Arc;

/// What an [`Engine`] is to do beyond running components.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Count the instructions a guest executes; see [`Store::fuel_consumed`](crate::Store::fuel_consumed). Counting costs
    /// a fraction of the guest's speed.
    pub fuel: bool,
}

/// Compiles components and holds the settings they run with. Clones share the engine.
///
/// Asynchronous functions, streams and futures, maps and fixed-length lists, error contexts and interfaces imported under
/// several names are on: the features of the component model that the bindings can produce.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: wasmtime::Engine,
    pub(crate) options: EngineOptions,
}

impl Engine {
    /// An engine with default options.
    ///
    /// # Errors
    /// When this machine is none that Wasmtime can compile for.
    pub fn new() -> Result<Self> {
        Self::with_options(EngineOptions::default())
    }

    /// An engine that counts instructions.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_fuel() -> Result<Self> {
        Self::with_options(EngineOptions { fuel: true })
    }

    /// An engine with the given options.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_options(options: EngineOptions) -> Result<Self> {
        let mut config = wasmtime::Config::new();
        config
            .wasm_component_model(true)
            .wasm_component_model_async(true)
            .wasm_component_model_map(true)
            .wasm_component_model_fixed_length_lists(true)
            .wasm_component_model_error_context(true)
            .wasm_component_model_implements(true)
            .consume_fuel(options.fuel);
        let inner = wasmtime::Engine::new(&config)
            .map_err(from_wasmtime)
            .context("starting Wasmtime")?;
        Ok(Self { inner, options })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A compiled component. Clones share the code.
#[derive(Clone)]
pub struct Component {
    pub(crate) inner: wasmtime::component::Component,
    pub(crate) name: Arc<str>,
}

impl Component {
    /// Compiles the component in a file; errors name it by the file's stem.
    ///
    /// # Errors
    /// When the file cannot be read or holds no valid component.
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).with_context(|| format!("reading component `{}`", path.display()))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        Self::named(engine, &name, &bytes)
    }

    /// Compiles a component; errors name it `component`.
    ///
    /// # Errors
    /// When the bytes are no valid component.
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        Self::named(engine, "component", bytes)
    }

    /// Compiles a component that errors are to name `name`.
    ///
    /// # Errors
    /// When the bytes are no valid component.
    pub fn named(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self> {
        let is_module = bytes.get(..8) == Some(b"\0asm\x01\0\0\0");
        anyhow::ensure!(
            !is_module,
            "`{name}` is a core module, not a component; `bindgen component` makes one of it"
        );
        let inner = wasmtime::component::Component::from_binary(&engine.inner, bytes)
            .map_err(from_wasmtime)
            .with_context(|| format!("compiling component `{name}`"))?;
        Ok(Self {
            inner,
            name: name.into(),
        })
    }

    /// The name that errors use.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
