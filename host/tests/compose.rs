//! Two components in one: a stream passes from one to the other, and what neither exports comes from the host.

use witflow_host::{Component, Engine, Linker, MissingImports, Result, Store, block_on, compose, future};

fn parts() -> Result<(Vec<u8>, Vec<u8>)> {
    let consumer = wat::parse_str(include_str!("components/consumer.wat"))?;
    let provider = wat::parse_str(include_str!("components/provider.wat"))?;
    Ok((consumer, provider))
}

#[test]
fn a_stream_passes_between_components() -> Result<()> {
    let (consumer, provider) = parts()?;
    let composed = compose(("consumer", &consumer), &[("provider", &provider)])?;
    let engine = Engine::new()?;
    let component = Component::named(&engine, "both", &composed)?;
    let mut linker = Linker::new();
    linker
        .root()
        .func_wrap_concurrent("limit", |cx, (n,): (u32,)| async move {
            // Not at once, so that both components wait.
            let (writer, reader) = future::<u32>();
            cx.spawn(async move { writer.write(n.min(20)).await.unwrap() });
            Ok((reader.await?,))
        })?;
    block_on(async {
        let mut store = Store::new(&engine);
        let instance = linker.instantiate(&mut store, &component).await?;
        let total = instance.typed_func::<(u32,), (u32,)>("total")?;
        assert_eq!(total.call(&mut store, (30,)).await?, (210,));
        store.finish_tasks().await
    })
}

#[test]
fn what_is_not_linked_stays_an_import() -> Result<()> {
    let (consumer, provider) = parts()?;
    let composed = compose(("consumer", &consumer), &[("provider", &provider)])?;
    let engine = Engine::new()?;
    let component = Component::named(&engine, "both", &composed)?;
    let error = block_on(Linker::new().instantiate(&mut Store::new(&engine), &component)).unwrap_err();
    assert_eq!(
        error
            .downcast_ref::<MissingImports>()
            .expect("an import is missing")
            .imports,
        ["limit"]
    );
    Ok(())
}

#[test]
fn composing_strangers_is_an_error() -> Result<()> {
    let (consumer, provider) = parts()?;
    let error = compose(("provider", &provider), &[("consumer", &consumer)])
        .unwrap_err()
        .to_string();
    assert_eq!(error, "component `provider` imports nothing that the others export");
    let twice = [("a", provider.as_slice()), ("b", provider.as_slice())];
    let error = compose(("consumer", &consumer), &twice).unwrap_err().to_string();
    assert_eq!(error, "both `a` and `b` export `test:pipe/source` for `consumer`");
    assert!(
        compose(("junk", b"junk"), &[])
            .unwrap_err()
            .to_string()
            .contains("`junk`")
    );
    Ok(())
}
