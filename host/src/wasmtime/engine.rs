//! Wasmtime's engine with the settings this host needs, and what it compiles.

use super::trap::from_wasmtime;
use crate::engine::EngineOptions;
use crate::error::Result;
use anyhow::Context as _;

/// Compiles components.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) inner: wasmtime::Engine,
    pub(crate) options: EngineOptions,
}

/// A compiled component.
#[derive(Clone)]
pub(crate) struct Component {
    pub(crate) inner: wasmtime::component::Component,
    /// What it was compiled from, to be composed with others.
    #[cfg(feature = "compose")]
    pub(crate) bytes: std::sync::Arc<[u8]>,
    #[cfg(feature = "compose")]
    pub(crate) engine: Engine,
}

impl Engine {
    pub(crate) fn new(options: EngineOptions) -> Result<Self> {
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

    pub(crate) fn compile(&self, name: &str, bytes: &[u8]) -> Result<Component> {
        let is_module = bytes.get(..8) == Some(b"\0asm\x01\0\0\0");
        anyhow::ensure!(
            !is_module,
            "`{name}` is a core module, not a component; `bindgen component` makes one of it"
        );
        let inner = wasmtime::component::Component::from_binary(&self.inner, bytes)
            .map_err(from_wasmtime)
            .with_context(|| format!("compiling component `{name}`"))?;
        Ok(Component {
            inner,
            #[cfg(feature = "compose")]
            bytes: bytes.into(),
            #[cfg(feature = "compose")]
            engine: self.clone(),
        })
    }
}
