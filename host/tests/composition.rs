//! Native guests that call each other: calls of all kinds, streams and futures on their way, cancellation, and who is shared.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use support::run;
use witflow_host::{
    Component, Engine, FutureReader, FutureWriter, Instance, Linker, Result, Store, StreamReader, Trap, future, stream,
};

/// The guest that is called.
mod back {
    use std::cell::Cell;
    use witflow::{FutureReader, StreamReader};

    witflow::generate!({ path: "tests/guests/composition.wit", world: "back" });

    pub(crate) struct Back;
    export!(Back);

    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }

    impl exports::test::composition::work::Guest for Back {
        fn twice(x: u32) -> u32 {
            2 * x
        }

        async fn later(x: u32) -> u32 {
            wait(x).await + 1
        }

        async fn blocking(x: u32) -> u32 {
            wait(x).await + 2
        }

        async fn shift(mut bytes: StreamReader<u8>) -> StreamReader<u8> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                while let Some(byte) = bytes.next().await {
                    if writer.write_one(byte + 1).await.is_some() {
                        break;
                    }
                }
            });
            reader
        }

        async fn negate(number: FutureReader<u32>) -> FutureReader<u32> {
            let (writer, reader) = wit_future::new(|| 0);
            witflow::spawn(async move {
                let _ = writer.write(!number.await).await;
            });
            reader
        }

        fn count() -> u32 {
            COUNT.set(COUNT.get() + 1);
            COUNT.get()
        }
    }
}

/// The guest that calls it.
mod front {
    use ::futures::FutureExt as _;
    use witflow::{FutureReader, StreamReader};

    witflow::generate!({
        path: "tests/guests/composition.wit",
        world: "front",
        async: ["all", "-test:composition/work#blocking"],
    });
    use test::composition::work;

    pub(crate) struct Front;
    export!(Front);

    impl Guest for Front {
        async fn async_to_sync(x: u32) -> u32 {
            work::twice(x)
        }

        async fn async_to_async(x: u32) -> u32 {
            work::later(x).await
        }

        async fn async_blocking(x: u32) -> u32 {
            work::blocking(x)
        }

        fn sync_to_async(x: u32) -> u32 {
            work::blocking(x)
        }

        async fn pass(bytes: StreamReader<u8>) -> StreamReader<u8> {
            work::shift(bytes).await
        }

        async fn pass_one(number: FutureReader<u32>) -> FutureReader<u32> {
            work::negate(number).await
        }

        async fn give_up(x: u32) {
            assert!(work::later(x).now_or_never().is_none(), "the host has not answered");
        }

        fn count() -> u32 {
            work::count()
        }
    }
}

/// A guest that imports from both.
mod top {
    witflow::generate!({ path: "tests/guests/composition.wit", world: "top" });

    pub(crate) struct Top;
    export!(Top);

    impl Guest for Top {
        fn counts() -> (u32, u32) {
            (test::composition::work::count(), front::count())
        }
    }
}

/// The calls of `wait` that the test has not answered.
type Waiting = Arc<Mutex<Vec<(u32, FutureWriter<u32>)>>>;

/// A linker whose `wait` the test answers.
fn linker() -> Result<(Linker, Waiting)> {
    let waiting = Waiting::default();
    let calls = waiting.clone();
    let mut linker = Linker::new();
    linker.root().func_wrap_concurrent("wait", move |_, (x,): (u32,)| {
        let (writer, reader) = future::<u32>();
        calls.lock().unwrap().push((x, writer));
        async move { Ok((reader.await?,)) }
    })?;
    Ok((linker, waiting))
}

/// The two guests as one.
fn composed() -> Result<Component> {
    let front = Component::native::<front::Front>("front")?;
    Component::compose(&front, &[&Component::native::<back::Back>("back")?])
}

fn with<R>(linker: &Linker, body: impl AsyncFnOnce(&mut Store, Instance) -> Result<R>) -> Result<R> {
    run(&Engine::native(), &composed()?, linker, body)
}

/// Answers the oldest call of `wait`, once there is one, with ten times its argument.
async fn answer(waiting: &Waiting) {
    loop {
        let call = waiting.lock().unwrap().pop();
        if let Some((x, writer)) = call {
            return writer.write(10 * x).await.expect("the guest waits");
        }
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if std::mem::replace(&mut yielded, true) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}

#[test]
fn calls_of_every_kind_pass_from_guest_to_guest() -> Result<()> {
    let (linker, waiting) = linker()?;
    with(&linker, async |store, guest| {
        let call = |name: &str| guest.typed_func::<(u32,), (u32,)>(name);
        assert_eq!(call("async-to-sync")?.call(store, (21,)).await?, (42,));
        for (name, expected) in [("async-to-async", 41), ("async-blocking", 42)] {
            let func = call(name)?;
            let (result,) = store
                .run_concurrent(async |cx| {
                    let (result, ()) = ::futures::join!(func.call_concurrent(&cx, (4,)), answer(&waiting));
                    result
                })
                .await?;
            assert_eq!(result, expected);
        }
        store.finish_tasks().await
    })
}

#[test]
fn a_plain_function_may_call_what_does_not_block() -> Result<()> {
    let mut linker = Linker::new();
    linker.root().func_wrap("wait", |_, (x,): (u32,)| Ok((x,)))?;
    with(&linker, async |store, guest| {
        let call = guest.typed_func::<(u32,), (u32,)>("sync-to-async")?;
        assert_eq!(call.call(store, (4,)).await?, (6,));
        Ok(())
    })
}

#[test]
fn a_plain_function_that_calls_what_blocks_is_a_trap() -> Result<()> {
    let (linker, _) = linker()?;
    with(&linker, async |store, guest| {
        let call = guest.typed_func::<(u32,), (u32,)>("sync-to-async")?;
        let error = call.call(store, (4,)).await.unwrap_err();
        let trap = error.downcast_ref::<Trap>().expect("it is a trap");
        assert_eq!(trap.calls, ["front: sync-to-async"]);
        assert!(trap.reason.starts_with("cannot-block"), "{trap}");
        Ok(())
    })
}

#[test]
fn streams_and_futures_pass_through() -> Result<()> {
    let (linker, _) = linker()?;
    with(&linker, async |store, guest| {
        let pass = guest.typed_func::<(StreamReader<u8>,), (StreamReader<u8>,)>("pass")?;
        let pass_one = guest.typed_func::<(FutureReader<u32>,), (FutureReader<u32>,)>("pass-one")?;
        store
            .run_concurrent(async |cx| {
                let (mut writer, reader) = stream();
                let (shifted,) = pass.call_concurrent(&cx, (reader,)).await?;
                let writing = async {
                    writer.write(b"HAL".to_vec()).await.expect("the guest reads");
                    drop(writer);
                };
                assert_eq!(::futures::join!(shifted.collect(), writing).0, b"IBM");

                let (writer, reader) = future();
                let (negated,) = pass_one.call_concurrent(&cx, (reader,)).await?;
                let (written, negated) = ::futures::join!(writer.write(0), negated);
                written?;
                assert_eq!(negated?, u32::MAX);
                Ok(())
            })
            .await?;
        store.finish_tasks().await
    })
}

#[test]
fn a_call_given_up_is_cancelled_all_the_way() -> Result<()> {
    /// Counts its own end.
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let mut linker = Linker::new();
    linker.root().func_wrap_concurrent("wait", move |_, (_,): (u32,)| {
        let counted = Counted(count.clone());
        async move {
            let _counted = counted;
            std::future::pending::<Result<(u32,)>>().await
        }
    })?;
    with(&linker, async |store, guest| {
        guest.typed_func::<(u32,), ()>("give-up")?.call(store, (1,)).await?;
        store.finish_tasks().await?;
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        Ok(())
    })
}

#[test]
#[cfg_attr(miri, ignore = "what counts is thread-local, and under Miri fibers are threads")]
fn a_guest_that_several_import_from_is_one_instance() -> Result<()> {
    let (mut linker, _) = linker()?;
    let engine = Engine::native();
    let back = Component::native::<back::Back>("back")?;
    let front = Component::native::<front::Front>("front")?;
    let top = Component::native::<top::Top>("top")?;
    Store::new(&engine).block_on(async |store| {
        let back = linker.instantiate(store, &back).await?;
        linker.link("test:composition/work", &back)?;
        let front = linker.instantiate(store, &front).await?;
        let count = front.typed_func::<(), (u32,)>("count")?;
        assert_eq!(count.call(store, ()).await?, (1,));
        // What the world of `top` calls `front` is a function of the host here, which calls the guest.
        linker
            .instance("front")?
            .func_wrap_concurrent("count", move |cx, ()| count.call_concurrent(&cx, ()))?;
        let top = linker.instantiate(store, &top).await?;
        let counts = top.typed_func::<(), ((u32, u32),)>("counts")?;
        assert_eq!(counts.call(store, ()).await?, ((2, 3),));
        Ok(())
    })
}
