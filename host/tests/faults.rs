//! What goes wrong: traps, deadlocks, waits for the world outside.

#[path = "guests/calls.rs"]
mod calls;
#[path = "guests/faults.rs"]
mod faults;
mod support;

use calls::CALLS;
use faults::FAULTS;
use support::with;
use witflow_host::{Deadlock, Linker, Result, StreamReader, Trap, stream};

#[test]
fn a_trap_names_the_function_and_ends_the_store() -> Result<()> {
    with(&Linker::new(), &FAULTS, async |store, guest| {
        let error = guest.typed_func::<(), ()>("trap")?.call(store, ()).await.unwrap_err();
        let trap = error.downcast_ref::<Trap>().expect("the error is a trap");
        assert_eq!(trap.calls, ["guest: trap"]);
        assert!(trap.reason.contains("unreachable"), "{trap}");
        assert_eq!(trap.calls, ["guest: trap"]);
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
    with(&Linker::new(), &FAULTS, async |store, guest| {
        let error = guest.typed_func::<(), ()>("stuck")?.call(store, ()).await.unwrap_err();
        let deadlock = error.downcast_ref::<Deadlock>().expect("the error is a deadlock");
        assert_eq!(deadlock.calls, ["guest: stuck"]);
        assert_eq!(deadlock.host_functions, [""; 0]);
        Ok(())
    })
}

#[test]
fn a_host_that_waits_for_nothing_is_a_deadlock() -> Result<()> {
    with(&Linker::new(), &FAULTS, async |store, _| {
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
    let mut linker = Linker::new();
    linker
        .instance("test:host/calls")?
        .func_wrap_concurrent("slow", |_, (_,): (u32,)| std::future::pending::<Result<(u32,)>>())?
        .func_wrap("now", |_, ()| Ok((1_u32,)))?;
    linker.root().func_wrap("tick", |_, (_,): (u32,)| Ok(()))?;
    with(&linker, &CALLS, async |store, guest| {
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
    with(&linker, &CALLS, async |store, guest| {
        let run = guest.typed_func::<(u32,), (u32,)>("test:guest/api#run")?;
        assert_eq!(run.call(store, (1,)).await?, (6,));
        Ok(())
    })?;
    drop(linker);
    answering.join().expect("the thread does not panic");
    Ok(())
}
