//! Calls that the host cancels: before they start, while they wait or yield, with everything in flight.

use crate::scenario::Scenario;
use crate::support::{bytes, feed, with};
use std::sync::LazyLock;
use witflow_host::explore::{pause, pick};
use witflow_host::{Cancelled, Component, Cx, FutureReader, Linker, Promise, Result, StreamReader, TypedFunc, future};

mod guest {
    use futures::StreamExt as _;
    use std::cell::Cell;
    use witflow::{BackpressureGuard, FutureReader, StreamReader};

    witflow::generate!({
        inline: "
            package small:cancels;

            world cancels {
                import host: interface {
                    tick: async func();
                    words: async func(text: string) -> list<string>;
                }
                export waiting: async func(count: u32) -> u32;
                export yielding: async func(count: u32) -> u32;
                export held: async func() -> u32;
                export busy: async func(input: stream<u8>, value: future<u32>) -> stream<u8>;
                export spawning: async func(count: u32) -> u32;
                export blocking: async func(count: u32) -> u32;
                export cleaning: async func() -> u32;
                export dropped: func() -> u32;
            }
        ",
    });

    pub(super) struct Cancels;
    export!(Cancels);

    thread_local! {
        static DROPPED: Cell<u32> = const { Cell::new(0) };
    }

    /// Counts how often it is dropped.
    struct Counted;

    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
        }
    }

    impl Guest for Cancels {
        async fn waiting(count: u32) -> u32 {
            let _counted = Counted;
            for _ in 0..count {
                host::tick().await;
            }
            count
        }

        async fn yielding(count: u32) -> u32 {
            let _counted = Counted;
            for _ in 0..count {
                witflow::yield_now().await;
            }
            count
        }

        async fn held() -> u32 {
            let _counted = Counted;
            let _guard = BackpressureGuard::new();
            host::tick().await;
            1
        }

        async fn busy(mut input: StreamReader<u8>, value: FutureReader<u32>) -> StreamReader<u8> {
            // All of it is in flight when the task is cancelled, and is given back.
            let _counted = Counted;
            let (mut output, reader) = wit_stream::new();
            let (writer, own) = wit_future::new::<u32>(|| 3);
            let reading = async {
                let mut items = Vec::new();
                while let Some(item) = input.next().await {
                    items.push(item);
                }
                items
            };
            let (items, _, _, words) = futures::join!(
                reading,
                async { value.await },
                async { futures::join!(writer.write(4), async { own.await }) },
                host::words("to be or not to be".into()),
            );
            witflow::spawn(async move {
                output.write_all(items).await;
                output.write_all(vec![words.len() as u8]).await;
            });
            reader
        }

        async fn spawning(count: u32) -> u32 {
            let _counted = Counted;
            for _ in 0..count {
                // Goes on whatever becomes of the task.
                witflow::spawn(async {
                    let _counted = Counted;
                    host::tick().await;
                });
            }
            host::tick().await;
            count
        }

        async fn blocking(count: u32) -> u32 {
            let _counted = Counted;
            witflow::block_on(async {
                let ticks = futures::stream::iter(0..count).then(|_| host::tick());
                ticks.count().await;
            });
            host::tick().await;
            count
        }

        async fn cleaning() -> u32 {
            /// Does something when it is dropped, which a guest may.
            struct Cleaner(Option<witflow::JoinHandle<()>>);
            impl Drop for Cleaner {
                fn drop(&mut self) {
                    let mut handle = witflow::spawn(async { host::tick().await });
                    handle.cancel();
                    witflow::spawn(host::tick());
                    drop(self.0.take());
                    DROPPED.set(DROPPED.get() + 1);
                }
            }
            let _cleaner = Cleaner(Some(witflow::spawn(host::tick())));
            host::tick().await;
            1
        }

        fn dropped() -> u32 {
            DROPPED.get()
        }
    }
}

static CANCELS: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Cancels>("cancels").expect("the world is described well"));

fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    let mut host = linker.instance("host")?;
    host.func_wrap_concurrent("tick", async |_, ()| {
        pause().await;
        Ok(())
    })?;
    host.func_wrap_concurrent("words", async |_, (text,): (String,)| {
        pause().await;
        Ok((text.split(' ').map(str::to_owned).collect::<Vec<_>>(),))
    })?;
    Ok(linker)
}

/// Cancels a call after a while; gives its result, or nothing if it was cancelled.
async fn cancelled<R>(call: Promise<R>) -> Result<Option<R>> {
    pause().await;
    call.cancel();
    if pick(2) == 1 {
        // Asked twice is asked once.
        call.cancel();
    }
    match call.await {
        Ok(result) => Ok(Some(result)),
        Err(error) if error.downcast_ref::<Cancelled>().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Calls an export several times, cancels some of the calls, and counts what was dropped.
fn several(export: &str, calls: usize, each: u32) -> Result<()> {
    with(&linker()?, &CANCELS, async |store, guest| {
        let func: TypedFunc<(u32,), (u32,)> = guest.typed_func(export)?;
        let dropped: TypedFunc<(), (u32,)> = guest.typed_func("dropped")?;
        let call = async |cx: &Cx| -> Result<()> {
            let promise = func.call_concurrent(cx, (each,));
            let answer = if pick(3) == 0 {
                cancelled(promise).await?
            } else {
                Some(promise.await?)
            };
            assert!(matches!(answer, None | Some((_,))));
            Ok(())
        };
        store
            .run_concurrent(async |cx| futures::future::try_join_all((0..calls).map(|_| call(&cx))).await)
            .await?;
        store.finish_tasks().await?;
        let (count,) = dropped.call(store, ()).await?;
        let most = calls as u32 * if export == "spawning" { 1 + each } else { 1 };
        assert!(count <= most, "{count} were dropped of {most}");
        Ok(())
    })
}

/// One call holds others back, and some of these are cancelled before they start.
fn at_start() -> Result<()> {
    with(&linker()?, &CANCELS, async |store, guest| {
        let func: TypedFunc<(), (u32,)> = guest.typed_func("held")?;
        store
            .run_concurrent(async |cx| {
                let first = func.call_concurrent(&cx, ());
                let second = cancelled(func.call_concurrent(&cx, ()));
                let third = func.call_concurrent(&cx, ());
                let (first, second, third) = futures::join!(first, second, third);
                assert_eq!((first?, third?), ((1,), (1,)));
                assert!(matches!(second?, None | Some((1,))));
                Ok(())
            })
            .await
    })
}

fn busy() -> Result<()> {
    with(&linker()?, &CANCELS, async |store, guest| {
        type Given = (StreamReader<u8>, FutureReader<u32>);
        let func: TypedFunc<Given, (StreamReader<u8>,)> = guest.typed_func("busy")?;
        let input = feed(&store.cx(), bytes(6));
        let (writer, value) = future();
        store.cx().spawn(async move {
            pause().await;
            let _ = writer.write(1).await;
        });
        store
            .run_concurrent(async |cx| {
                if let Some((reader,)) = cancelled(func.call_concurrent(&cx, (input, value))).await? {
                    let mut expected = bytes(6);
                    expected.push(6);
                    assert_eq!(reader.collect().await, expected);
                }
                Ok(())
            })
            .await
    })
}

fn cleaning() -> Result<()> {
    with(&linker()?, &CANCELS, async |store, guest| {
        let func: TypedFunc<(), (u32,)> = guest.typed_func("cleaning")?;
        store
            .run_concurrent(async |cx| cancelled(func.call_concurrent(&cx, ())).await.map(drop))
            .await?;
        store.finish_tasks().await
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("cancels-waiting", "a task is cancelled while it waits", || {
        several("waiting", 1, 3)
    }),
    Scenario::new("cancels-several", "some of several tasks are cancelled", || {
        several("waiting", 4, 2)
    }),
    Scenario::new("cancels-yielding", "a task is cancelled while it yields", || {
        several("yielding", 2, 3)
    }),
    Scenario::new("cancels-at-start", "a task is cancelled before it starts", at_start),
    Scenario::new("cancels-busy", "a task is cancelled with everything in flight", busy),
    Scenario::new(
        "cancels-spawning",
        "a task is cancelled, and what it spawned goes on",
        || several("spawning", 2, 2),
    ),
    Scenario::new("cancels-blocking", "a task is cancelled while it blocks", || {
        several("blocking", 2, 2)
    }),
    Scenario::new(
        "cancels-cleaning",
        "destructors of a cancelled task call and spawn",
        cleaning,
    ),
];
