//! What only native guests can show, or what shows better there: mocks that misbehave, guests that do, and what is said of it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use support::run;
use witflow_host::{
    Component, Deadlock, Engine, Func, Instance, Linker, Result, Store, StreamReader, Trap, Val, future,
};

mod guest {
    use ::futures::FutureExt as _;
    use witflow::StreamReader;

    witflow::generate!({
        inline: "
            package test:native;

            interface mock {
                get: async func(x: u32) -> u32;
                now: func() -> u32;
            }

            world native {
                import mock;
                export relay: async func(x: u32) -> u32;
                export several: async func(bytes: stream<u8>) -> u32;
                export give-up: async func();
                export at-once: func() -> u32;
                export block: func() -> u32;
                export block-async: async func() -> u32;
                export fail: async func(text: string);
                export fail-holding: async func() -> stream<u8>;
            }
        ",
    });
    use test::native::mock;

    pub(crate) struct Native;
    export!(Native);

    impl Guest for Native {
        async fn relay(x: u32) -> u32 {
            mock::get(x).await
        }

        async fn several(mut bytes: StreamReader<u8>) -> u32 {
            let (one, other, _) = ::futures::join!(mock::get(1), mock::get(2), bytes.next());
            one + other
        }

        async fn give_up() {
            assert!(mock::get(1).now_or_never().is_none(), "it is pending, and given up");
        }

        fn at_once() -> u32 {
            mock::now()
        }

        fn block() -> u32 {
            witflow::block_on(mock::get(7))
        }

        async fn block_async() -> u32 {
            witflow::block_on(mock::get(7))
        }

        async fn fail(text: String) {
            panic!("{text}");
        }

        async fn fail_holding() -> StreamReader<u8> {
            let (_writer, _reader) = wit_stream::new::<u8>();
            panic!("holding ends");
        }
    }
}
use guest::Native;

/// A linker whose `get` is `get`, and whose `now` gives 5.
fn linker<F: Future<Output = Result<(u32,)>> + Send + 'static>(
    get: impl Fn(u32) -> F + Send + Sync + 'static,
) -> Result<Linker> {
    let mut linker = Linker::new();
    linker
        .instance("test:native/mock")?
        .func_wrap_concurrent("get", move |_, (x,): (u32,)| get(x))?
        .func_wrap("now", |_, ()| Ok((5_u32,)))?;
    Ok(linker)
}

/// Runs `body` with the guest.
fn with<R>(linker: &Linker, body: impl AsyncFnOnce(&mut Store, Instance) -> Result<R>) -> Result<R> {
    run(&Engine::native(), &Component::native::<Native>("guest")?, linker, body)
}

/// The error of calling `name`.
fn error_of(linker: &Linker, name: &str, params: Vec<Val>) -> Result<witflow_host::Error> {
    with(linker, async |store, guest| {
        let func: Func = guest.func(name)?;
        Ok(func.call(store, params).await.unwrap_err())
    })
}

#[track_caller]
fn assert_contains(error: &witflow_host::Error, parts: &[&str]) {
    let text = format!("{error:#}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

async fn never(_: u32) -> Result<(u32,)> {
    std::future::pending().await
}

#[test]
fn a_mock_that_panics_is_named() -> Result<()> {
    let linker = linker(|x| async move { panic!("no number {x}") })?;
    let error = error_of(&linker, "relay", vec![Val::U32(3)])?;
    assert_contains(
        &error,
        &[
            "`guest: relay`",
            "the host function `test:native/mock#get` panicked: no number 3",
        ],
    );
    Ok(())
}

#[test]
fn a_mock_that_returns_another_type_is_named() -> Result<()> {
    let mut linker = Linker::new();
    linker
        .instance("test:native/mock")?
        .func_new_concurrent("get", |_, _| async { Ok(Some(Val::String("three".into()))) })?
        .func_new_concurrent("now", |_, _| async { Ok(None) })?;
    let error = error_of(&linker, "relay", vec![Val::U32(3)])?;
    assert_contains(
        &error,
        &[
            "`guest: relay`",
            "`test:native/mock#get`",
            "a value of type string where u32 is due",
        ],
    );
    let error = error_of(&linker, "at-once", vec![])?;
    assert_contains(
        &error,
        &["`guest: at-once`", "`test:native/mock#now`", "0 values where 1 are due"],
    );
    Ok(())
}

#[test]
fn a_deadlock_says_what_each_task_waits_for() -> Result<()> {
    let linker = linker(never)?;
    with(&linker, async |store, guest| {
        let several = guest.typed_func::<(StreamReader<u8>,), (u32,)>("several")?;
        let relay = guest.typed_func::<(u32,), (u32,)>("relay")?;
        let (_writer, reader) = witflow_host::stream();
        let error = store
            .run_concurrent(async |cx| {
                let (one, other) = ::futures::join!(
                    several.call_concurrent(&cx, (reader,)),
                    relay.call_concurrent(&cx, (4,))
                );
                one.and(other)
            })
            .await
            .unwrap_err();
        let deadlock = error.downcast_ref::<Deadlock>().expect("it is a deadlock");
        assert_eq!(deadlock.calls, ["guest: several", "guest: relay"]);
        assert_eq!(deadlock.host_functions, ["test:native/mock#get"; 3]);
        let [several, relay] = deadlock.waiting.as_slice() else {
            panic!("two tasks wait: {deadlock}")
        };
        assert!(several.starts_with("task 1 of `guest: several`"), "{several}");
        assert_eq!(
            several
                .matches("the call of `test:native/mock#get`, which is started")
                .count(),
            2,
            "{several}"
        );
        assert!(several.contains("the read on stream"), "{several}");
        assert!(relay.starts_with("task 2 of `guest: relay`"), "{relay}");
        Ok(())
    })
}

#[test]
fn a_plain_function_that_blocks_is_a_trap() -> Result<()> {
    let linker = linker(never)?;
    let error = error_of(&linker, "block", vec![])?;
    let trap = error.downcast_ref::<Trap>().expect("it is a trap");
    assert_eq!(trap.calls, ["guest: block"]);
    assert!(trap.reason.starts_with("cannot-block"), "{trap}");
    assert!(trap.reason.contains("guest: block"), "{trap}");
    Ok(())
}

#[test]
fn a_blocking_call_waits_on_its_stack() -> Result<()> {
    let linker = linker(|x| {
        let (writer, reader) = future::<u32>();
        async move {
            let (written, read) = ::futures::join!(writer.write(x + 1), reader);
            written?;
            Ok((read?,))
        }
    })?;
    with(&linker, async |store, guest| {
        let block = guest.typed_func::<(), (u32,)>("block-async")?;
        assert_eq!(block.call(store, ()).await?, (8,));
        Ok(())
    })
}

#[test]
fn a_call_that_the_guest_gives_up_drops_the_mock_s_future() -> Result<()> {
    /// Counts its own end.
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let linker = linker(move |_| {
        let counted = Counted(count.clone());
        async move {
            let _counted = counted;
            never(0).await
        }
    })?;
    with(&linker, async |store, guest| {
        guest.typed_func::<(), ()>("give-up")?.call(store, ()).await?;
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        store.finish_tasks().await
    })
}

#[test]
fn a_guest_that_panics_is_quoted() -> Result<()> {
    let linker = linker(never)?;
    let error = error_of(&linker, "fail", vec![Val::String("oh my".to_owned())])?;
    let trap = error.downcast_ref::<Trap>().expect("it is a trap");
    assert_eq!(trap.calls, ["guest: fail"]);
    assert!(
        trap.reason.starts_with("panic: ") && trap.reason.contains("oh my"),
        "{trap}"
    );
    // Its destructors get no further than the first that calls the host.
    let error = error_of(&linker, "fail-holding", vec![])?;
    let trap = error.downcast_ref::<Trap>().expect("it is a trap");
    assert!(trap.reason.starts_with("panic: "), "{trap}");
    Ok(())
}

#[test]
fn a_store_stays_on_its_thread() -> Result<()> {
    let linker = linker(never)?;
    let engine = Engine::native();
    let mut store = Store::new(&engine);
    let component = Component::native::<Native>("guest")?;
    let here = store.block_on(async |store| linker.instantiate(store, &component).await)?;
    let elsewhere = std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            let error = store.block_on(async |store| linker.instantiate(store, &component).await);
            (store, error)
        });
        there.join().expect("the thread does not panic")
    });
    let (mut store, error) = elsewhere;
    assert_contains(
        &error.unwrap_err(),
        &["a native store lives on the thread that made it"],
    );
    let now = here.typed_func::<(), (u32,)>("at-once")?;
    assert_eq!(store.block_on(async |store| now.call(store, ()).await)?, (5,));
    // Dropped on another thread, it ends with its own.
    std::thread::scope(|scope| {
        scope.spawn(move || drop(store));
    });
    Ok(())
}

#[test]
fn a_function_is_called_in_its_own_store() -> Result<()> {
    let linker = linker(never)?;
    with(&linker, async |_, one| {
        let now = one.typed_func::<(), (u32,)>("at-once")?;
        let mut other = Store::new(&Engine::native());
        let error = now.call(&mut other, ()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "`guest: at-once` is called in another store than its own"
        );
        Ok(())
    })
}

#[test]
fn a_store_that_ends_lets_go_of_everything() -> Result<()> {
    let alive = Arc::new(AtomicBool::new(true));
    let held = alive.clone();
    let linker = linker(move |x| {
        let held = held.clone();
        async move {
            assert!(held.load(Ordering::Relaxed));
            if x == 0 { Ok((0,)) } else { never(x).await }
        }
    })?;
    with(&linker, async |store, guest| {
        let relay = guest.typed_func::<(u32,), (u32,)>("relay")?;
        assert_eq!(relay.call(store, (0,)).await?, (0,));
        assert!(relay.call(store, (1,)).await.is_err(), "it never returns");
        assert_eq!(
            Arc::strong_count(&alive),
            3,
            "the test, the linker's function, and a pending call"
        );
        Ok(())
    })?;
    drop(linker);
    assert_eq!(Arc::strong_count(&alive), 1);
    Ok(())
}

#[test]
#[cfg(feature = "wasmtime")]
fn stores_take_components_of_their_kind() -> Result<()> {
    let linker = linker(never)?;
    let (native, wasmtime) = (Engine::native(), Engine::new()?);
    let error = run(
        &wasmtime,
        &Component::native::<Native>("guest")?,
        &linker,
        async |_, _| Ok(()),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "component `guest` is native, and the store is Wasmtime's"
    );
    let component = Component::named(&wasmtime, "wasm", &wat::parse_str("(component)")?)?;
    let error = run(&native, &component, &linker, async |_, _| Ok(())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "component `wasm` was compiled for Wasmtime, and the store is native"
    );
    let error = Component::from_bytes(&native, b"").unwrap_err().to_string();
    assert!(
        error.contains("is WebAssembly, which a native engine cannot run"),
        "{error}"
    );
    Ok(())
}
