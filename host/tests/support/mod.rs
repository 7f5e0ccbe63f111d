//! What the tests share: guests that exist twice, as Rust linked into the test and as the text of a component, and running
//! the body of a test with either.

#![allow(dead_code, reason = "each test uses a part of it")]

use anyhow::Context as _;
use witflow_host::{Component, Engine, Instance, Linker, NativeGuest, Result, Store};

/// What a test can run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BackEnd {
    Native,
    #[cfg(feature = "wasmtime")]
    Wasmtime,
}

/// All there are.
pub(crate) const BACK_ENDS: &[BackEnd] = &[
    BackEnd::Native,
    #[cfg(feature = "wasmtime")]
    BackEnd::Wasmtime,
];

/// A guest that exists twice.
#[derive(Clone, Copy)]
pub(crate) struct Twin {
    pub(crate) native: fn(&str) -> Result<Component>,
    pub(crate) text: &'static str,
}

/// The native guest of type `C`, under a name for errors.
pub(crate) fn native<C: NativeGuest>(name: &str) -> Result<Component> {
    Component::native::<C>(name)
}

impl BackEnd {
    pub(crate) fn engine(self) -> Result<Engine> {
        match self {
            BackEnd::Native => Ok(Engine::native()),
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime => Engine::new(),
        }
    }

    /// The guest as this back end has it, under a name for errors.
    pub(crate) fn component(self, engine: &Engine, name: &str, twin: &Twin) -> Result<Component> {
        match self {
            BackEnd::Native => {
                let _ = engine;
                (twin.native)(name)
            }
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime => Component::named(engine, name, &wat::parse_str(twin.text)?),
        }
    }

    /// Instantiates `twin` with the definitions of `linker`, and runs `body` with it.
    pub(crate) fn with<R>(
        self,
        linker: &Linker,
        twin: &Twin,
        body: impl AsyncFnOnce(&mut Store, Instance) -> Result<R>,
    ) -> Result<R> {
        let engine = self.engine()?;
        let component = self.component(&engine, "guest", twin)?;
        run(&engine, &component, linker, body)
    }
}

/// Instantiates `component` with the definitions of `linker`, and runs `body` with it.
pub(crate) fn run<R>(
    engine: &Engine,
    component: &Component,
    linker: &Linker,
    body: impl AsyncFnOnce(&mut Store, Instance) -> Result<R>,
) -> Result<R> {
    Store::new(engine).block_on(async |store| {
        let instance = linker.instantiate(store, component).await?;
        body(store, instance).await
    })
}

/// Runs `body` with `twin` on every back end.
pub(crate) fn with(linker: &Linker, twin: &Twin, body: impl AsyncFn(&mut Store, Instance) -> Result<()>) -> Result<()> {
    BACK_ENDS.iter().try_for_each(|back_end| {
        let outcome = back_end.with(linker, twin, async |store, instance| body(store, instance).await);
        outcome.with_context(|| format!("on {back_end:?}"))
    })
}

/// The errors of instantiating `twin`, which fails on every back end.
pub(crate) fn refused(linker: &Linker, twin: &Twin) -> Vec<witflow_host::Error> {
    let refused = BACK_ENDS.iter().map(|back_end| {
        let outcome = back_end.with(linker, twin, async |_, _| Ok(()));
        outcome.expect_err("the component is refused")
    });
    refused.collect()
}
