//! What is measured on Wasmtime, fuel and memory, and what it does not compile.

#[path = "guests/faults.rs"]
mod faults;
mod support;

use faults::FAULTS;
use support::BackEnd;
use witflow_host::{Engine, Linker, Result, Store, block_on};

#[test]
fn fuel_counts_what_the_guest_executes() -> Result<()> {
    let engine = Engine::with_fuel()?;
    let guest = BackEnd::Wasmtime.component(&engine, "guest", &FAULTS)?;
    block_on(async {
        let mut store = Store::new(&engine);
        let guest = Linker::new().instantiate(&mut store, &guest).await?;
        let spin = guest.typed_func::<(u32,), ()>("spin")?;
        let mut measure = async |n| {
            let before = store.fuel_consumed().expect("the engine counts");
            spin.call(&mut store, (n,)).await?;
            Result::<_>::Ok(store.fuel_consumed().expect("the engine counts") - before)
        };
        let (one, thousand) = (measure(1).await?, measure(1001).await?);
        assert_eq!(measure(1).await?, one);
        assert!(
            thousand - one >= 3000,
            "{one} for one round, {thousand} for a thousand more"
        );
        store.set_fuel(500);
        let error = spin.call(&mut store, (1_000_000,)).await.unwrap_err();
        assert!(format!("{error:#}").contains("fuel"), "{error:#}");
        assert!(Store::new(&Engine::new()?).fuel_consumed().is_none());
        Ok(())
    })
}

#[test]
fn peak_memory_counts_what_the_guest_grew() -> Result<()> {
    const PAGE: usize = 65_536;
    BackEnd::Wasmtime.with(&Linker::new(), &FAULTS, async |store, guest| {
        assert_eq!(store.peak_memory(), PAGE);
        let grow = guest.typed_func::<(u32,), (i32,)>("grow")?;
        assert_eq!(grow.call(store, (3,)).await?, (1,));
        assert_eq!(store.peak_memory(), 4 * PAGE);
        store.set_memory_limit(5 * PAGE);
        assert_eq!(grow.call(store, (2,)).await?, (-1,));
        assert_eq!(grow.call(store, (1,)).await?, (4,));
        assert_eq!(store.peak_memory(), 5 * PAGE);
        Ok(())
    })
}

#[test]
fn what_is_no_component_is_refused() -> Result<()> {
    let engine = Engine::new()?;
    let module = wat::parse_str("(module)")?;
    let error = format!(
        "{:#}",
        witflow_host::Component::named(&engine, "thing", &module).unwrap_err()
    );
    assert!(error.contains("`thing` is a core module"), "{error}");
    let error = format!(
        "{:#}",
        witflow_host::Component::from_bytes(&engine, b"nonsense").unwrap_err()
    );
    assert!(error.contains("compiling component `component`"), "{error}");
    let error = format!(
        "{:#}",
        witflow_host::Component::from_file(&engine, "no/such.wasm").unwrap_err()
    );
    assert!(error.contains("`no/such.wasm`"), "{error}");
    Ok(())
}
