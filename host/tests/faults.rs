//! What goes wrong, and what is measured: traps, deadlocks, fuel, memory.

mod support;

use support::{component, with};
use witflow_host::{Deadlock, Engine, Linker, Result, Store, StreamReader, Trap, block_on, stream};

const GUEST: &str = include_str!("components/faults.wat");

#[test]
fn a_trap_names_the_function_and_ends_the_store() -> Result<()> {
    with(&Linker::new(), GUEST, async |store, guest| {
        let error = guest.typed_func::<(), ()>("trap")?.call(store, ()).await.unwrap_err();
        let trap = error.downcast_ref::<Trap>().expect("the error is a trap");
        assert_eq!(trap.calls, ["guest: trap"]);
        assert!(trap.reason.contains("unreachable"), "{trap}");
        let error = guest
            .typed_func::<(u32,), ()>("spin")?
            .call(store, (1,))
            .await
            .unwrap_err();
        assert!(format!("{error:#}").contains("guest: spin"), "{error:#}");
        Ok(())
    })
}

#[test]
fn a_guest_that_waits_for_nothing_is_a_deadlock() -> Result<()> {
    with(&Linker::new(), GUEST, async |store, guest| {
        let error = guest.typed_func::<(), ()>("stuck")?.call(store, ()).await.unwrap_err();
        let deadlock = error.downcast_ref::<Deadlock>().expect("the error is a deadlock");
        assert_eq!(deadlock.calls, ["guest: stuck"]);
        assert_eq!(deadlock.host_functions, [""; 0]);
        Ok(())
    })
}

#[test]
fn a_host_that_waits_for_nothing_is_a_deadlock() -> Result<()> {
    with(&Linker::new(), GUEST, async |store, _| {
        let (writer, mut reader): (_, StreamReader<u8>) = stream();
        let error = store
            .run_concurrent(async |_| Ok(reader.next().await))
            .await
            .unwrap_err();
        assert!(error.downcast_ref::<Deadlock>().is_some(), "{error}");
        drop(writer);
        Ok(())
    })
}

#[test]
fn a_host_function_that_never_completes_is_named() -> Result<()> {
    let text = include_str!("components/calls.wat");
    let mut linker = Linker::new();
    linker
        .instance("test:host/calls")?
        .func_wrap_concurrent("slow", |_, (_,): (u32,)| std::future::pending::<Result<(u32,)>>())?
        .func_wrap("now", |_, ()| Ok((1_u32,)))?;
    linker.root().func_wrap("tick", |_, (_,): (u32,)| Ok(()))?;
    with(&linker, text, async |store, guest| {
        let run = guest.typed_func::<(u32,), (u32,)>("test:guest/api#run")?;
        let error = run.call(store, (1,)).await.unwrap_err();
        let deadlock = error.downcast_ref::<Deadlock>().expect("the error is a deadlock");
        assert_eq!(deadlock.host_functions, ["test:host/calls#slow"]);
        assert_eq!(deadlock.calls, ["guest: test:guest/api@0.2.0#run"]);
        Ok(())
    })
}

#[test]
fn a_wait_for_another_thread_is_announced() -> Result<()> {
    let text = include_str!("components/calls.wat");
    let (asked, answer) = std::sync::mpsc::channel::<futures::channel::oneshot::Sender<u32>>();
    let answering = std::thread::spawn(move || {
        for sender in answer {
            sender.send(5).expect("the host function waits");
        }
    });
    let mut linker = Linker::new();
    linker
        .instance("test:host/calls")?
        .func_wrap_concurrent("slow", move |cx, (x,): (u32,)| {
            let (sender, receiver) = futures::channel::oneshot::channel();
            asked.send(sender).expect("the thread lives");
            async move { Ok((x + cx.external(receiver).await?,)) }
        })?
        .func_wrap("now", |_, ()| Ok((1_u32,)))?;
    linker.root().func_wrap("tick", |_, (_,): (u32,)| Ok(()))?;
    with(&linker, text, async |store, guest| {
        let run = guest.typed_func::<(u32,), (u32,)>("test:guest/api#run")?;
        assert_eq!(run.call(store, (1,)).await?, (6,));
        Ok(())
    })?;
    drop(linker);
    answering.join().expect("the thread does not panic");
    Ok(())
}

#[test]
fn fuel_counts_what_the_guest_executes() -> Result<()> {
    let engine = Engine::with_fuel()?;
    let guest = component(&engine, "guest", GUEST)?;
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
    with(&Linker::new(), GUEST, async |store, guest| {
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
