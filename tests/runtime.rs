//! Values go through real guests and come back as they were, natively and on Wasmtime.
//!
//! A consumer imports, and a provider exports, the interface of every `tests/wit` file whose types cross the boundary: as
//! parameter, result, list element, stream payload and future payload, synchronously and asynchronously. A third between them borrows
//! resources of the provider from the consumer. For Wasmtime the consumer is built for wasm32-unknown-unknown, the others for
//! wasm32-wasip2, and all are composed into one component. Natively the same crates are linked into this test.

mod support;

use support::{Target, component};
use witflow_host::{Component, Engine, Linker, NamedList, NativeGuest, NativeWorld, Result, Store, WasiOptions};

/// Calls the export `run` of a component that needs nothing but WASI.
fn run<R: NamedList + 'static>(engine: &Engine, component: &Component) -> Result<R> {
    let mut linker = Linker::new();
    linker.with_wasi(WasiOptions::new());
    Store::new(engine).block_on(async |store| {
        let instance = linker.instantiate(store, component).await?;
        let result = instance.typed_func::<(), R>("run")?.call(store, ()).await?;
        store.finish_tasks().await?;
        Ok(result)
    })
}

/// Runs the round trips of a consumer, a provider and what is between them.
#[track_caller]
fn round_trips(engine: &Engine, consumer: &Component, provider: &Component, middle: &Component) {
    let composed = Component::compose(consumer, &[provider, middle]);
    let composed = composed.unwrap_or_else(|error| panic!("{error:#}"));
    match run::<(std::result::Result<(), String>,)>(engine, &composed) {
        Ok((Ok(()),)) => {}
        Ok((Err(differences),)) => panic!("{differences}"),
        Err(error) => panic!("{error:#}"),
    }
}

#[test]
fn round_trips_on_wasmtime() -> Result<()> {
    let engine = Engine::new()?;
    let provider = component("roundtrip-provider", Target::Wasip2);
    let consumer = component("roundtrip-consumer", Target::Unknown);
    round_trips(
        &engine,
        &Component::named(&engine, "consumer", &consumer)?,
        &Component::named(&engine, "provider", &provider)?,
        &Component::named(&engine, "middle", &component("roundtrip-middle", Target::Wasip2))?,
    );
    Ok(())
}

macro_rules! provided {
    ($($module:ident)*) => { [$(roundtrip_provider::$module::Provider::EXPORTS),*] };
}

#[test]
fn round_trips_natively() -> Result<()> {
    let provided = roundtrip_provider::each_world!(provided);
    let imported = roundtrip_consumer::worlds().map(|component_type| NativeWorld {
        component_type,
        exports: &[],
    });
    let consumed: Vec<_> = imported.chain([roundtrip_consumer::Consumer::EXPORTS]).collect();
    round_trips(
        &Engine::native(),
        &Component::native_worlds("consumer", &consumed)?,
        &Component::native_worlds("provider", &provided)?,
        &Component::native_worlds("middle", &[roundtrip_middle::Middle::EXPORTS])?,
    );
    Ok(())
}

/// A call of the guests for components of other makes, which say `ok` if they find nothing wrong.
#[track_caller]
fn says_ok<P: NamedList + 'static>(consumer: &NativeWorld, function: &str, params: P) {
    let provider = Component::native_worlds("provider", &[interop_provider::Provider::EXPORTS]);
    let consumer = Component::native_worlds("consumer", std::slice::from_ref(consumer));
    let said = provider.and_then(|provider| {
        let composed = Component::compose(&consumer?, &[&provider])?;
        witflow_host::block_on(async {
            let mut store = Store::new(&Engine::native());
            let instance = Linker::new().instantiate(&mut store, &composed).await?;
            let function = instance.typed_func::<P, (String,)>(function)?;
            let (said,) = function.call(&mut store, params).await?;
            drop(instance);
            store.finish().await?;
            Ok(said)
        })
    });
    match said {
        Ok(said) => assert_eq!(said, "ok"),
        Err(error) => panic!("{error:#}"),
    }
}

/// What `cargo xtask interop` has components do.
#[test]
fn guests_for_other_makes_natively() {
    says_ok(&interop_consumer::Consumer::EXPORTS, "interop:demo/driver#drive", ());
    for step in 1..=9_u32 {
        says_ok(&interop_edge::Edge::EXPORTS, "interop:demo/steps#step", (step,));
    }
}

#[test]
fn other_runtimes_in_one_component() -> Result<()> {
    let engine = Engine::new()?;
    let guest = component("mixed-runtimes", Target::Wasip2);
    let guest = Component::named(&engine, "mixed runtimes", &guest)?;
    let (log,) = run::<(Vec<String>,)>(&engine, &guest)?;
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
    Ok(())
}
