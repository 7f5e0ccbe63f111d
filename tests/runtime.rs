//! Values go through real components on Wasmtime and come back as they were.
//!
//! A consumer imports, and a provider exports, the interface of every `tests/wit` file whose types cross the boundary: as
//! parameter, result, list element, stream payload and future payload, synchronously and asynchronously. The provider is built
//! for wasm32-wasip2, the consumer for wasm32-unknown-unknown, and the two are composed into one component.

mod support;

use support::{Target, component};
use witflow_host::{Component, Engine, Linker, NamedList, Result, Store, WasiOptions, compose};

/// Calls the export `run` of a component that needs nothing but WASI.
fn run<R: NamedList + 'static>(name: &str, bytes: &[u8]) -> Result<R> {
    witflow_host::block_on(async {
        let engine = Engine::new()?;
        let component = Component::named(&engine, name, bytes)?;
        let mut linker = Linker::new();
        linker.with_wasi(WasiOptions::new());
        let mut store = Store::new(&engine);
        let instance = linker.instantiate(&mut store, &component).await?;
        instance.typed_func::<(), R>("run")?.call(&mut store, ()).await
    })
}

#[test]
fn round_trips() {
    let provider = component("roundtrip-provider", Target::Wasip2);
    let consumer = component("roundtrip-consumer", Target::Unknown);
    let composed =
        compose(("consumer", &consumer), &[("provider", &provider)]).unwrap_or_else(|error| panic!("{error:#}"));
    let outcome = run::<(std::result::Result<(), String>,)>("round trips", &composed);
    match outcome {
        Ok((Ok(()),)) => {}
        Ok((Err(differences),)) => panic!("{differences}"),
        Err(error) => panic!("{error:#}"),
    }
}

#[test]
fn other_runtimes_in_one_component() {
    let guest = component("mixed-runtimes", Target::Wasip2);
    let (log,) = run::<(Vec<String>,)>("mixed runtimes", &guest).unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(
        log,
        [
            "0.10.0",
            "0.7.1",
            "both",
            "spawned through theirs",
            "spawned through ours"
        ]
    );
}
