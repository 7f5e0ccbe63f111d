//! Two components in one: a stream passes from one to the other, and what neither exports comes from the host.

#[path = "guests/pipe.rs"]
mod pipe;
mod support;

use pipe::{consumer::CONSUMER, provider::PROVIDER};
use support::{BackEnd, run};
use witflow_host::{Component, Engine, Linker, MissingImports, Result, future};

/// The back ends that compose.
const BACK_ENDS: &[BackEnd] = &[
    BackEnd::Native,
    #[cfg(feature = "compose")]
    BackEnd::Wasmtime,
];

fn parts(back_end: BackEnd) -> Result<(Engine, Component, Component)> {
    let engine = back_end.engine()?;
    let consumer = back_end.component(&engine, "consumer", &CONSUMER)?;
    let provider = back_end.component(&engine, "provider", &PROVIDER)?;
    Ok((engine, consumer, provider))
}

/// A linker with the function that the provider imports.
fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    linker
        .root()
        .func_wrap_concurrent("limit", |cx, (n,): (u32,)| async move {
            // Not at once, so that both components wait.
            let (writer, reader) = future::<u32>();
            cx.spawn(async move { writer.write(n.min(20)).await.unwrap() });
            Ok((reader.await?,))
        })?;
    Ok(linker)
}

#[test]
fn a_stream_passes_between_components() -> Result<()> {
    for back_end in BACK_ENDS {
        let (engine, consumer, provider) = parts(*back_end)?;
        let both = Component::compose(&consumer, &[&provider])?;
        assert_eq!(both.name(), "consumer");
        run(&engine, &both, &linker()?, async |store, instance| {
            let total = instance.typed_func::<(u32,), (u32,)>("total")?;
            assert_eq!(total.call(store, (30,)).await?, (210,));
            store.finish_tasks().await
        })?;
    }
    Ok(())
}

#[test]
fn what_is_not_linked_stays_an_import() -> Result<()> {
    for back_end in BACK_ENDS {
        let (engine, consumer, provider) = parts(*back_end)?;
        let both = Component::compose(&consumer, &[&provider])?;
        let error = run(&engine, &both, &Linker::new(), async |_, _| Ok(())).unwrap_err();
        let missing = error.downcast_ref::<MissingImports>().expect("an import is missing");
        assert_eq!(missing.imports, ["limit"]);
    }
    Ok(())
}

#[test]
fn composing_strangers_is_an_error() -> Result<()> {
    for back_end in BACK_ENDS {
        let (engine, consumer, provider) = parts(*back_end)?;
        let error = Component::compose(&provider, &[&consumer]).unwrap_err().to_string();
        assert_eq!(error, "component `provider` imports nothing that the others export");
        let (one, other) = (
            back_end.component(&engine, "a", &PROVIDER)?,
            back_end.component(&engine, "b", &PROVIDER)?,
        );
        let error = Component::compose(&consumer, &[&one, &other]).unwrap_err().to_string();
        assert_eq!(error, "both `a` and `b` export `test:pipe/source` for `consumer`");
    }
    Ok(())
}

#[test]
fn components_of_one_back_end_compose() -> Result<()> {
    let (_, consumer, _) = parts(BACK_ENDS[0])?;
    for back_end in &BACK_ENDS[1..] {
        let (.., provider) = parts(*back_end)?;
        let error = Component::compose(&consumer, &[&provider]).unwrap_err().to_string();
        assert_eq!(
            error,
            "components `consumer` and `provider` are for different back ends"
        );
    }
    Ok(())
}

#[test]
#[cfg(feature = "compose")]
fn junk_is_named() {
    let error = witflow_host::compose(("junk", b"junk"), &[]).unwrap_err().to_string();
    assert!(error.contains("`junk`"), "{error}");
}

#[test]
fn an_instance_is_linked_to_another() -> Result<()> {
    let (engine, consumer, provider) = parts(BackEnd::Native)?;
    run(&engine, &provider, &linker()?, async |store, provider| {
        let mut linker = Linker::new();
        linker.link("test:pipe/source", &provider)?;
        let instance = linker.instantiate(store, &consumer).await?;
        let total = instance.typed_func::<(u32,), (u32,)>("total")?;
        assert_eq!(total.call(store, (30,)).await?, (210,));

        let error = linker.link("test:pipe/source", &provider).unwrap_err().to_string();
        assert_eq!(error, "the interface `test:pipe/source` is linked twice");
        let error = linker.link("test:pipe/sink", &provider).unwrap_err().to_string();
        assert_eq!(error, "component `provider` exports no interface `test:pipe/sink`");
        Ok(())
    })
}
