//! Two guests, one of which calls the other: results, streams, futures and cancellation go across.

use crate::scenario::Scenario;
use crate::support::{bytes, compare, compare_at_once, drain, feed, ticking, with};
use std::sync::LazyLock;
use witflow_host::explore::{Explorer, pause, pick};
use witflow_host::{Component, Result, StreamReader, TypedFunc};

mod callee {
    use std::cell::{Cell, RefCell};
    use witflow::{BackpressureGuard, FutureReader, StreamReader};

    witflow::generate!({
        path: "src/composed.wit",
        world: "callee",
        additional_derives: [Clone, PartialEq],
    });

    use exports::small::composed::service::{Guest, Note};

    pub(super) struct Callee;
    export!(Callee);

    thread_local! {
        static RUNNING: Cell<u32> = const { Cell::new(0) };
        static HELD: RefCell<Vec<futures::channel::oneshot::Sender<()>>> = const { RefCell::new(Vec::new()) };
    }

    impl Guest for Callee {
        async fn double(x: u32) -> u32 {
            2 * x
        }

        async fn slow(x: u32) -> u32 {
            host::tick().await;
            3 * x
        }

        fn plain(x: u32) -> u32 {
            x + 1
        }

        async fn echo(note: Note) -> Note {
            witflow::yield_now().await;
            note
        }

        async fn invert(mut input: StreamReader<u8>) -> StreamReader<u8> {
            let (mut output, reader) = wit_stream::new();
            witflow::spawn(async move {
                while let Some(byte) = input.next().await {
                    if output.write_one(!byte).await.is_some() {
                        return;
                    }
                }
            });
            reader
        }

        async fn count(mut input: StreamReader<Note>) -> u32 {
            let mut count = 0;
            while let Some(note) = input.next().await {
                assert_eq!(note.name.len(), note.marks.len());
                count += 1;
            }
            count
        }

        async fn promise(x: u32) -> FutureReader<u32> {
            let (writer, reader) = wit_future::new(|| 0);
            witflow::spawn(async move {
                host::tick().await;
                let _ = writer.write(x).await;
            });
            reader
        }

        async fn serial(x: u32) -> u32 {
            let _guard = BackpressureGuard::new();
            /// Notes the end, even if that is a cancellation.
            struct Running;
            impl Drop for Running {
                fn drop(&mut self) {
                    RUNNING.set(0);
                }
            }
            assert_eq!(RUNNING.replace(1), 0, "calls come one after the other");
            let _running = Running;
            host::tick().await;
            x
        }

        async fn yielding(times: u32) -> u32 {
            for _ in 0..times {
                witflow::yield_now().await;
            }
            times
        }

        async fn never() {
            let (sender, receiver) = futures::channel::oneshot::channel();
            HELD.with_borrow_mut(|held| held.push(sender));
            let _ = receiver.await;
        }

        fn release() {
            HELD.take();
        }

        async fn serial_count(mut input: StreamReader<u8>) -> u32 {
            let _guard = BackpressureGuard::new();
            let mut count = 0;
            while input.next().await.is_some() {
                count += 1;
            }
            count
        }
    }
}

mod caller {
    use crate::support::poll_at_most;
    use futures::StreamExt as _;
    use futures::future::{Either, join_all, select};
    use std::pin::pin;
    use witflow::{FutureReader, StreamReader};
    use witflow_host::explore::pick;

    witflow::generate!({
        path: "src/composed.wit",
        world: "caller",
        additional_derives: [Clone, PartialEq],
    });

    use small::composed::service::{self, Note};

    pub(super) struct Caller;
    export!(Caller);

    fn note(number: u32) -> Note {
        Note {
            name: "n".repeat(number as usize),
            marks: (0..number as u16).collect(),
        }
    }

    impl Guest for Caller {
        async fn calls(n: u32) -> u32 {
            let calls = (0..n).map(async |x| service::double(x).await + service::slow(x).await + service::plain(x));
            join_all(calls).await.into_iter().sum()
        }

        fn plain(x: u32) -> u32 {
            service::plain(service::plain(x))
        }

        async fn echoes(n: u32) -> u32 {
            let calls = (0..n).map(async |number| service::echo(note(number)).await == note(number));
            join_all(calls).await.into_iter().filter(|same| *same).count() as u32
        }

        async fn inverts(input: StreamReader<u8>) -> StreamReader<u8> {
            service::invert(service::invert(input).await).await
        }

        async fn counts(n: u32) -> u32 {
            let (mut writer, reader) = wit_stream::new();
            let writing = async {
                for number in 0..n {
                    writer.write_one(note(number)).await;
                }
                drop(writer);
            };
            let (count, ()) = futures::join!(service::count(reader), writing);
            count
        }

        async fn promises(n: u32) -> u32 {
            let mut sum = 0;
            for x in 0..n {
                let promise = service::promise(x).await;
                // Now and then nobody wants to know.
                if pick(3) == 2 {
                    drop(promise);
                    sum += x;
                } else {
                    sum += promise.await;
                }
            }
            sum
        }

        async fn passes_promise(x: u32) -> FutureReader<u32> {
            service::promise(x).await
        }

        async fn serial(n: u32) -> u32 {
            let calls = (0..n).map(service::serial);
            futures::stream::iter(calls)
                .buffer_unordered(3)
                .fold(0, async |sum, x| sum + x)
                .await
        }

        async fn races(n: u32) -> u32 {
            let mut won = 0;
            for x in 0..n {
                won += match select(pin!(service::slow(x)), pin!(service::yielding(3))).await {
                    Either::Left((answer, _)) => answer - 3 * x + 1,
                    Either::Right((answer, _)) => answer - 2,
                };
            }
            won
        }

        async fn cancels(n: u32) -> u32 {
            let calls = (0..n).map(async |x| match x % 4 {
                0 => poll_at_most(1 + pick(3), service::slow(x))
                    .await
                    .is_none_or(|answer| answer == 3 * x),
                1 => poll_at_most(1 + pick(3), service::yielding(x))
                    .await
                    .is_none_or(|answer| answer == x),
                2 => poll_at_most(1 + pick(3), service::serial(x))
                    .await
                    .is_none_or(|answer| answer == x),
                _ => poll_at_most(1 + pick(3), service::never()).await.is_none(),
            });
            join_all(calls).await.into_iter().filter(|fine| *fine).count() as u32
        }

        async fn abandons() -> u32 {
            // What was spawned goes on calling after the task has returned.
            witflow::spawn(async {
                for x in 0..3 {
                    service::slow(x).await;
                }
            });
            service::double(4).await
        }

        async fn gives_up(n: u32) -> u32 {
            let one = async |number: u32| {
                let (mut writer, reader) = wit_stream::new();
                let call = service::serial_count(reader);
                let writing = async {
                    let unsent = writer.write_all(vec![7; number as usize]).await.len();
                    drop(writer);
                    unsent
                };
                let (answer, unsent) = futures::join!(poll_at_most([20, 1, 2, 4][pick(4)], call), writing);
                answer.is_none_or(|count| count as usize + unsent == number as usize)
            };
            join_all((0..n).map(one)).await.into_iter().filter(|fine| *fine).count() as u32
        }

        async fn blocks(n: u32) -> u32 {
            witflow::block_on(async { join_all((0..n).map(service::slow)).await.into_iter().sum() })
        }
    }
}

static BOTH: LazyLock<Component> = LazyLock::new(|| {
    let caller = Component::native::<caller::Caller>("caller").expect("the world is described well");
    let callee = Component::native::<callee::Callee>("callee").expect("the world is described well");
    Component::compose(&caller, &[&callee]).expect("the worlds fit")
});

/// Calls an export with a number, several times at once.
fn check(export: &str, given: u32, times: usize, expected: u32) -> Result<()> {
    compare_at_once(&ticking()?, &BOTH, export, given, times, expected)
}

fn inverts() -> Result<()> {
    with(&ticking()?, &BOTH, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>,), (StreamReader<u8>,)> = guest.typed_func("inverts")?;
        let input = feed(&store.cx(), bytes(7));
        let stops = pick(2) == 1;
        let read = store
            .run_concurrent(async |cx| {
                let (mut output,) = func.call_concurrent(&cx, (input,)).await?;
                if stops {
                    return Ok(output.read(3).await.unwrap_or_default());
                }
                Ok(drain(output).await)
            })
            .await?;
        assert_eq!(read, bytes(7)[..read.len()]);
        assert!(stops || read.len() == 7);
        Ok(())
    })
}

fn passes_promise() -> Result<()> {
    with(&ticking()?, &BOTH, async |store, guest| {
        let func: TypedFunc<(u32,), (witflow_host::FutureReader<u32>,)> = guest.typed_func("passes-promise")?;
        let answer = store
            .run_concurrent(async |cx| func.call_concurrent(&cx, (21,)).await?.0.await)
            .await?;
        assert_eq!(answer, 21);
        Ok(())
    })
}

fn races() -> Result<()> {
    compare(&ticking()?, &BOTH, "races", (3_u32,), (3_u32,))
}

fn abandons() -> Result<()> {
    compare(&ticking()?, &BOTH, "abandons", (), (8_u32,))
}

/// The host cancels a call whose callee calls on.
fn cancelled_across() -> Result<()> {
    with(&ticking()?, &BOTH, async |store, guest| {
        let func: TypedFunc<(u32,), (u32,)> = guest.typed_func("calls")?;
        store
            .run_concurrent(async |cx| {
                let (one, other) = (func.call_concurrent(&cx, (3,)), func.call_concurrent(&cx, (2,)));
                pause().await;
                one.cancel();
                let (one, other) = futures::join!(one, other);
                match one {
                    Ok(answer) => assert_eq!(answer, (21,)),
                    Err(error) => assert!(error.downcast_ref::<witflow_host::Cancelled>().is_some(), "{error:#}"),
                }
                assert_eq!(other?, (8,));
                Ok(())
            })
            .await
    })
}

fn plain() -> Result<()> {
    with(&ticking()?, &BOTH, async |store, guest| {
        let plain: TypedFunc<(u32,), (u32,)> = guest.typed_func("plain")?;
        let calls: TypedFunc<(u32,), (u32,)> = guest.typed_func("calls")?;
        store
            .run_concurrent(async |cx| {
                let (one, other) = futures::join!(calls.call_concurrent(&cx, (3,)), plain.call_concurrent(&cx, (5,)));
                assert_eq!((one?, other?), ((21,), (7,)));
                Ok(())
            })
            .await
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("composed-calls", "calls go across, several at once", || {
        check("calls", 3, 1, 21)
    }),
    Scenario::new("composed-calls-at-once", "several tasks call across", || {
        check("calls", 2, 3, 8)
    }),
    Scenario::new("composed-plain", "plain calls go across beside others", plain).small(),
    Scenario::new("composed-echoes", "values that own memory go there and back", || {
        check("echoes", 4, 1, 4)
    }),
    Scenario::new("composed-inverts", "a stream goes through both guests, twice", inverts),
    Scenario::new("composed-counts", "a stream of values goes from guest to guest", || {
        check("counts", 5, 1, 5)
    }),
    Scenario::new(
        "composed-promises",
        "futures go from guest to guest, and are awaited or dropped",
        || check("promises", 4, 1, 6),
    ),
    Scenario::new(
        "composed-passes-promise",
        "a future goes through a guest",
        passes_promise,
    )
    .small(),
    Scenario::new("composed-serial", "the callee takes calls one by one", || {
        check("serial", 4, 1, 6)
    }),
    Scenario::new("composed-races", "calls of the other guest race", races),
    Scenario::new(
        "composed-cancels",
        "calls of the other guest are cancelled, however far they are",
        || check("cancels", 8, 1, 8),
    )
    .configured(Explorer::keep_memory),
    Scenario::new(
        "composed-cancels-at-once",
        "two tasks cancel calls of the other guest",
        || check("cancels", 4, 2, 4),
    )
    .configured(Explorer::keep_memory),
    Scenario::new(
        "composed-abandons",
        "spawned work calls across after the task has returned",
        abandons,
    ),
    Scenario::new("composed-blocks", "a task blocks on calls of the other guest", || {
        check("blocks", 3, 1, 9)
    }),
    Scenario::new(
        "composed-gives-up",
        "calls that are passed streams are given up",
        || check("gives-up", 3, 1, 3),
    ),
    Scenario::new(
        "composed-cancelled",
        "the host cancels a call that calls on",
        cancelled_across,
    ),
];
