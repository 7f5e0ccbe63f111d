//! Futures of the Component Model, both ways: awaited, raced, cancelled, dropped, nested, as signals.

use crate::scenario::Scenario;
use crate::support::{compare, ticking, with};
use std::sync::LazyLock;
use witflow_host::explore::{pause, pick};
use witflow_host::{Component, Cx, FutureReader, Result, StreamReader, TypedFunc, future};

mod guest {
    use crate::support::{poll_at_most, poll_pinned};
    use futures::future::{Either, select};
    use std::pin::pin;
    use witflow::{FutureReader, FutureWriteCancel, StreamReader};
    use witflow_host::explore::pick;

    witflow::generate!({
        inline: "
            package small:promises;

            world promises {
                import host: interface {
                    tick: async func();
                }
                export taken: async func(value: future<string>) -> string;
                export raced: async func(value: future<u32>) -> option<u32>;
                export ignored: async func(value: future<u32>);
                export read-cancelled: async func(value: future<u32>) -> u32;
                export given: async func() -> future<string>;
                export defaulted: async func() -> future<u32>;
                export write-cancelled: async func() -> future<u32>;
                export passed-on: async func(value: future<u32>, times: u32) -> future<u32>;
                export nested: async func(value: future<future<u32>>) -> u32;
                export of-stream: async func() -> future<stream<u8>>;
                export signalled: async func(begin: future, values: stream<u32>) -> u32;
                export own-pair: async func() -> u32;
                export both-ends: async func(value: future<u32>) -> future<u32>;
            }
        ",
    });

    pub(super) struct Promises;
    export!(Promises);

    impl Guest for Promises {
        async fn taken(value: FutureReader<String>) -> String {
            value.await
        }

        async fn raced(value: FutureReader<u32>) -> Option<u32> {
            match select(pin!(value.into_future()), pin!(host::tick())).await {
                Either::Left((value, _)) => Some(value),
                Either::Right(((), _)) => None,
            }
        }

        async fn ignored(value: FutureReader<u32>) {
            // Polled or not, it goes away unread.
            let _ = poll_at_most(pick(3), value.into_future()).await;
        }

        async fn read_cancelled(value: FutureReader<u32>) -> u32 {
            let mut reader = value;
            loop {
                let mut read = pin!(reader.into_future());
                if let Some(value) = poll_pinned(1 + pick(2), read.as_mut()).await {
                    return value;
                }
                match read.as_mut().cancel() {
                    Ok(value) => return value,
                    Err(again) => reader = again,
                }
                host::tick().await;
                witflow::yield_now().await;
            }
        }

        async fn given() -> FutureReader<String> {
            let (writer, reader) = wit_future::new(String::new);
            witflow::spawn(async move {
                host::tick().await;
                let _ = writer.write("given".into()).await;
            });
            reader
        }

        async fn defaulted() -> FutureReader<u32> {
            let (writer, reader) = wit_future::new(|| 77);
            witflow::spawn(async move {
                if pick(2) == 1 {
                    host::tick().await;
                }
                drop(writer);
            });
            reader
        }

        async fn write_cancelled() -> FutureReader<u32> {
            let (mut writer, reader) = wit_future::new(|| 0);
            witflow::spawn(async move {
                for value in 1.. {
                    let mut write = pin!(writer.write(value));
                    if poll_pinned(1 + pick(2), write.as_mut()).await.is_some() {
                        return;
                    }
                    match write.as_mut().cancel() {
                        FutureWriteCancel::AlreadySent | FutureWriteCancel::Dropped(_) => return,
                        FutureWriteCancel::Cancelled(_, again) => writer = again,
                    }
                    if value == 3 {
                        // The default is written instead.
                        return;
                    }
                }
            });
            reader
        }

        async fn passed_on(value: FutureReader<u32>, times: u32) -> FutureReader<u32> {
            let mut value = value;
            match poll_at_most(times as usize, (&mut value).into_future()).await {
                Some(value) => {
                    let (writer, reader) = wit_future::new(|| 0);
                    witflow::spawn(async move { writer.write(value).await.map_err(drop) });
                    reader
                }
                // It arrives meanwhile, perhaps, and is passed on all the same.
                None => {
                    host::tick().await;
                    value
                }
            }
        }

        async fn nested(value: FutureReader<FutureReader<u32>>) -> u32 {
            value.await.await
        }

        async fn of_stream() -> FutureReader<StreamReader<u8>> {
            let (writer, reader) = wit_future::new(|| wit_stream::new().1);
            witflow::spawn(async move {
                let (mut items, stream) = wit_stream::new();
                if writer.write(stream).await.is_ok() {
                    items.write_all(vec![1, 2, 3]).await;
                }
            });
            reader
        }

        async fn signalled(begin: FutureReader<()>, mut values: StreamReader<u32>) -> u32 {
            begin.await;
            let mut sum = 0;
            while let Some(value) = values.next().await {
                sum += value;
            }
            sum
        }

        async fn own_pair() -> u32 {
            let (writer, reader) = wit_future::new::<u32>(|| 0);
            let (written, value) = futures::join!(writer.write(8), reader.into_future());
            let (unread, gone) = wit_future::new::<u32>(|| 0);
            drop(gone);
            let back = unread.write(9).await.unwrap_err().value;
            u32::from(written.is_ok()) + value + back
        }

        async fn both_ends(value: FutureReader<u32>) -> FutureReader<u32> {
            let (writer, reader) = wit_future::new(|| 0);
            witflow::spawn(async move {
                let value = value.await;
                let _ = writer.write(value + 1).await;
            });
            reader
        }
    }
}

static PROMISES: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Promises>("promises").expect("the world is described well"));

/// A future of the host that has its value after a while.
fn later<T: witflow_host::ComponentType>(cx: &Cx, value: T) -> FutureReader<T> {
    let (writer, reader) = future();
    cx.spawn(async move {
        pause().await;
        // Nobody may want it any more.
        let _ = writer.write(value).await;
    });
    reader
}

fn taken() -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(FutureReader<String>,), (String,)> = guest.typed_func("taken")?;
        let value = later(&store.cx(), "héllo".to_owned());
        assert_eq!(func.call(store, (value,)).await?, ("héllo".to_owned(),));
        Ok(())
    })
}

fn raced() -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(FutureReader<u32>,), (Option<u32>,)> = guest.typed_func("raced")?;
        let value = later(&store.cx(), 3);
        let (answer,) = func.call(store, (value,)).await?;
        assert!(matches!(answer, None | Some(3)), "{answer:?}");
        Ok(())
    })
}

fn ignored() -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(FutureReader<u32>,), ()> = guest.typed_func("ignored")?;
        let value = later(&store.cx(), 3);
        func.call(store, (value,)).await
    })
}

fn read_cancelled() -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(FutureReader<u32>,), (u32,)> = guest.typed_func("read-cancelled")?;
        let value = later(&store.cx(), 3);
        assert_eq!(func.call(store, (value,)).await?, (3,));
        Ok(())
    })
}

/// Awaits a future that an export gives, or drops it at any time.
fn given<T>(export: &str, fits: impl Fn(T) -> bool) -> Result<()>
where
    T: witflow_host::ComponentType + std::fmt::Debug + Clone,
{
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(), (FutureReader<T>,)> = guest.typed_func(export)?;
        store
            .run_concurrent(async |cx| {
                let (value,) = func.call_concurrent(&cx, ()).await?;
                pause().await;
                if pick(3) == 2 {
                    drop(value);
                    return Ok(());
                }
                let value = value.await?;
                assert!(fits(value.clone()), "{value:?}");
                Ok(())
            })
            .await
    })
}

fn passed_on(export: &str, given: u32, expected: u32) -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let value = later(&store.cx(), given);
        let answer = if export == "passed-on" {
            let func: TypedFunc<(FutureReader<u32>, u32), (FutureReader<u32>,)> = guest.typed_func(export)?;
            store
                .run_concurrent(async |cx| func.call_concurrent(&cx, (value, pick(3) as u32)).await?.0.await)
                .await?
        } else {
            let func: TypedFunc<(FutureReader<u32>,), (FutureReader<u32>,)> = guest.typed_func(export)?;
            store
                .run_concurrent(async |cx| func.call_concurrent(&cx, (value,)).await?.0.await)
                .await?
        };
        assert_eq!(answer, expected);
        Ok(())
    })
}

fn nested() -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(FutureReader<FutureReader<u32>>,), (u32,)> = guest.typed_func("nested")?;
        let inner = later(&store.cx(), 11);
        let outer = later(&store.cx(), inner);
        assert_eq!(func.call(store, (outer,)).await?, (11,));
        Ok(())
    })
}

fn of_stream() -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(), (FutureReader<StreamReader<u8>>,)> = guest.typed_func("of-stream")?;
        let read = store
            .run_concurrent(async |cx| {
                let (value,) = func.call_concurrent(&cx, ()).await?;
                pause().await;
                let items = value.await?;
                pause().await;
                Ok(items.collect().await)
            })
            .await?;
        assert_eq!(read, [1, 2, 3]);
        Ok(())
    })
}

fn signalled() -> Result<()> {
    with(&ticking()?, &PROMISES, async |store, guest| {
        let func: TypedFunc<(FutureReader<()>, StreamReader<u32>), (u32,)> = guest.typed_func("signalled")?;
        let begin = later(&store.cx(), ());
        let values = crate::support::feed(&store.cx(), vec![1, 2, 3, 4]);
        assert_eq!(func.call(store, (begin, values)).await?, (10,));
        Ok(())
    })
}

fn own_pair() -> Result<()> {
    compare(&ticking()?, &PROMISES, "own-pair", (), (18_u32,))
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("futures-taken", "a value of the host is awaited", taken).small(),
    Scenario::new("futures-raced", "a future races with a call", raced).small(),
    Scenario::new("futures-ignored", "a future goes away unread", ignored),
    Scenario::new(
        "futures-read-cancelled",
        "reads are cancelled and made again",
        read_cancelled,
    ),
    Scenario::new("futures-given", "a value of the guest is awaited, or not", || {
        given("given", |text: String| text == "given")
    }),
    Scenario::new(
        "futures-defaulted",
        "a writer that goes away writes the default",
        || given("defaulted", |value: u32| value == 77),
    ),
    Scenario::new("futures-write-cancelled", "writes are cancelled and made again", || {
        given("write-cancelled", |value: u32| value <= 3)
    }),
    Scenario::new("futures-passed-on", "a future goes back as it came", || {
        passed_on("passed-on", 5, 5)
    }),
    Scenario::new("futures-both-ends", "a value goes through a guest", || {
        passed_on("both-ends", 6, 7)
    }),
    Scenario::new("futures-nested", "a future comes by a future", nested),
    Scenario::new("futures-of-stream", "a stream comes by a future", of_stream),
    Scenario::new("futures-signalled", "a future without value is a signal", signalled),
    Scenario::new("futures-own-pair", "both ends are in one guest", own_pair).small(),
];
