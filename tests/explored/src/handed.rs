//! What is handed on in the middle: operations from task to task and from future to future, what was read or written halfway.

use crate::scenario::Scenario;
use crate::support::{bytes, compare, drain, feed, ticking, with};
use std::sync::LazyLock;
use witflow_host::explore::{Explorer, pause, pick};
use witflow_host::{Component, ComponentType, Cx, FutureReader, Instance, Result, StreamReader, TypedFunc, future};

mod guest {
    use crate::support::{bytes, poll_at_most, poll_pinned};
    use futures::channel::oneshot;
    use futures::future::{Either, select};
    use std::cell::{Cell, RefCell};
    use std::future::poll_fn;
    use std::pin::pin;
    use std::rc::Rc;
    use std::task::{Poll, Waker};
    use witflow::{FutureReader, JoinHandle, StreamReader};
    use witflow_host::explore::pick;

    witflow::generate!({
        inline: "
            package small:handed;

            world handed {
                import host: interface {
                    tick: async func();
                }
                export begin: async func(input: stream<u8>);
                export finish: async func() -> list<u8>;
                export within: async func(input: stream<u8>) -> list<u8>;
                export several: async func() -> u32;
                export either: async func() -> u32;
                export open: func();
                export self-cancelled: async func() -> u32;
                export stuck: async func() -> u32;
                export passed-on: async func(input: stream<string>, count: u32) -> stream<string>;
                export broken-off: async func(count: u32) -> stream<u8>;
                export taken-back: async func(items: list<string>) -> stream<string>;
                export queued: async func(count: u32) -> stream<u8>;
                export refused: async func() -> future<stream<u8>>;
                export unread: async func(value: future<string>);
            }
        ",
    });

    pub(super) struct Handed;
    export!(Handed);

    /// A stream, and what was read of it.
    type Begun = (Option<u8>, StreamReader<u8>);

    thread_local! {
        static BEGUN: RefCell<Option<Begun>> = const { RefCell::new(None) };
        static IS_OPEN: Cell<bool> = const { Cell::new(false) };
        static WAKERS: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    }

    /// Waits until the gate is open.
    async fn gate() -> u32 {
        poll_fn(|cx| {
            if IS_OPEN.get() {
                return Poll::Ready(1);
            }
            WAKERS.with_borrow_mut(|wakers| wakers.push(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// Begins to read, and gives what that has brought at once.
    async fn begun(mut input: StreamReader<u8>) -> Begun {
        let first = poll_at_most(1, input.next()).await;
        (first.flatten(), input)
    }

    async fn rest((first, input): Begun) -> Vec<u8> {
        let mut items: Vec<u8> = first.into_iter().collect();
        items.extend(input.collect().await);
        items
    }

    impl Guest for Handed {
        async fn begin(input: StreamReader<u8>) {
            // The read may be the only thing that the task waits for, or not.
            let mut beside = pin!(host::tick());
            let _ = poll_pinned(pick(2), beside.as_mut()).await;
            let begun = begun(input).await;
            BEGUN.set(Some(begun));
            // The read may still be in flight when this task ends.
            if pick(2) == 1 {
                host::tick().await;
            }
        }

        async fn finish() -> Vec<u8> {
            loop {
                if let Some((first, mut input)) = BEGUN.take() {
                    if pick(3) == 1 {
                        // It is dropped instead, polled here or not.
                        let _ = poll_at_most(pick(2), input.next()).await;
                        return Vec::new();
                    }
                    return rest((first, input)).await;
                }
                witflow::yield_now().await;
            }
        }

        async fn within(input: StreamReader<u8>) -> Vec<u8> {
            let begun = begun(input).await;
            witflow::spawn(rest(begun)).await.unwrap_or_default()
        }

        async fn several() -> u32 {
            let waiting = [(); 3].map(|()| witflow::spawn(gate()));
            let mut sum = 0;
            for one in waiting {
                sum += one.await.unwrap_or(0);
            }
            sum
        }

        async fn either() -> u32 {
            match select(pin!(gate()), pin!(host::tick())).await {
                Either::Left(_) => 1,
                Either::Right(_) => 2,
            }
        }

        fn open() {
            IS_OPEN.set(true);
            let wakers = WAKERS.take();
            wakers.iter().for_each(Waker::wake_by_ref);
            // The first is queued already, and others behind it.
            wakers.into_iter().take(1).for_each(Waker::wake);
        }

        async fn self_cancelled() -> u32 {
            let own = Rc::new(RefCell::new(None::<JoinHandle<()>>));
            let went_on = Rc::new(Cell::new(0));
            let (handle, mark) = (own.clone(), went_on.clone());
            own.replace(Some(witflow::spawn(async move {
                host::tick().await;
                if let Some(own) = handle.borrow_mut().as_mut() {
                    own.cancel();
                }
                // It is not polled again.
                witflow::yield_now().await;
                mark.set(1);
            })));
            for _ in 0..6 {
                host::tick().await;
            }
            went_on.get()
        }

        async fn stuck() -> u32 {
            let (_keep, never) = oneshot::channel::<u32>();
            let mut handle = witflow::spawn(async move { never.await.unwrap_or(1) });
            for _ in 0..pick(3) {
                witflow::yield_now().await;
            }
            handle.cancel();
            handle.await.unwrap_or(0)
        }

        async fn passed_on(mut input: StreamReader<String>, count: u32) -> StreamReader<String> {
            for _ in 0..count {
                let _ = input.next().await;
            }
            input
        }

        async fn broken_off(count: u32) -> StreamReader<u8> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                let mut write = Box::pin(writer.write(bytes(count as usize)));
                let _ = poll_pinned(1 + pick(2), write.as_mut()).await;
                drop(write);
                if pick(2) == 1 {
                    host::tick().await;
                }
                // The write may be in flight.
                drop(writer);
            });
            reader
        }

        async fn taken_back(mut items: Vec<String>) -> StreamReader<String> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                while !items.is_empty() {
                    let mut write = pin!(writer.write(items));
                    let (_, rest) = match poll_pinned(1 + pick(3), write.as_mut()).await {
                        Some(done) => done,
                        None => write.cancel(),
                    };
                    items = rest.into_vec();
                    witflow::yield_now().await;
                }
            });
            reader
        }

        async fn queued(count: u32) -> StreamReader<u8> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                for piece in bytes(count as usize).chunks(2) {
                    let mut write = Box::pin(writer.write(piece.to_vec()));
                    let done = poll_pinned(1, write.as_mut()).await;
                    // What is in flight stays there, and the next piece comes behind it.
                    drop(write);
                    if let Some((_, rest)) = done {
                        let rest = writer.write_all(rest.into_vec()).await;
                        assert!(rest.is_empty(), "the host reads everything");
                    }
                }
                let (_, rest) = writer.write(vec![255]).await;
                writer.write_all(rest.into_vec()).await;
            });
            reader
        }

        async fn refused() -> FutureReader<StreamReader<u8>> {
            let (promise, reader) = wit_future::new(|| wit_stream::new().1);
            witflow::spawn(async move {
                for _ in 0..pick(3) {
                    host::tick().await;
                }
                let (mut writer, value) = wit_stream::new();
                if let Err(refused) = promise.write(value).await {
                    // The value is whole: it can be read from.
                    let writing = async move { writer.write_all(vec![5]).await };
                    let (read, _) = futures::join!(refused.value.collect(), writing);
                    assert_eq!(read, [5]);
                } else {
                    writer.write_all(vec![6]).await;
                }
            });
            reader
        }

        async fn unread(value: FutureReader<String>) {
            let mut read = pin!(value.into_future());
            let _ = poll_pinned(1, read.as_mut()).await;
            // It comes meanwhile, perhaps, and nobody looks.
            host::tick().await;
        }
    }
}

static HANDED: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Handed>("handed").expect("the world is described well"));

/// One task begins to read, and another reads on or drops the stream.
fn between_tasks() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let begin: TypedFunc<(StreamReader<u8>,), ()> = guest.typed_func("begin")?;
        let finish: TypedFunc<(), (Vec<u8>,)> = guest.typed_func("finish")?;
        let input = feed(&store.cx(), bytes(4));
        store
            .run_concurrent(async |cx| {
                let (begun, rest) =
                    futures::join!(begin.call_concurrent(&cx, (input,)), finish.call_concurrent(&cx, ()));
                begun?;
                let (rest,) = rest?;
                assert!(rest.is_empty() || rest == bytes(4), "{rest:?}");
                Ok(())
            })
            .await
    })
}

fn within_a_task() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>,), (Vec<u8>,)> = guest.typed_func("within")?;
        let input = feed(&store.cx(), bytes(4));
        assert_eq!(func.call(store, (input,)).await?, (bytes(4),));
        Ok(())
    })
}

/// A task waits at the gate, and a plain call opens it.
fn opened(export: &str, fits: impl Fn(u32) -> bool) -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let wait: TypedFunc<(), (u32,)> = guest.typed_func(export)?;
        let open: TypedFunc<(), ()> = guest.typed_func("open")?;
        store
            .run_concurrent(async |cx| {
                let opening = async {
                    witflow_host::explore::delay(std::time::Duration::from_millis(1)).await;
                    pause().await;
                    open.call_concurrent(&cx, ()).await
                };
                let (answer, opened) = futures::join!(wait.call_concurrent(&cx, ()), opening);
                opened?;
                let (answer,) = answer?;
                assert!(fits(answer), "{answer}");
                Ok(())
            })
            .await
    })
}

fn once(export: &str) -> Result<()> {
    compare(&ticking()?, &HANDED, export, (), (0_u32,))
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text {number}")).collect()
}

/// A guest reads some, or all, and gives the rest back.
fn passed_on() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        type PassOn = TypedFunc<(StreamReader<String>, u32), (StreamReader<String>,)>;
        let func: PassOn = guest.typed_func("passed-on")?;
        let input = feed(&store.cx(), texts(5));
        let count = [3, 6, 2, 5][pick(4)];
        let rest = store
            .run_concurrent(async |cx| Ok(drain(func.call_concurrent(&cx, (input, count)).await?.0).await))
            .await?;
        assert_eq!(rest, texts(5)[(count as usize).min(5)..]);
        Ok(())
    })
}

/// What an export writes, read to its end.
async fn written<T: ComponentType, P: witflow_host::NamedList>(
    cx: &Cx,
    guest: &Instance,
    export: &str,
    params: P,
) -> Result<Vec<T>> {
    let func: TypedFunc<P, (StreamReader<T>,)> = guest.typed_func(export)?;
    Ok(drain(func.call_concurrent(cx, params).await?.0).await)
}

fn broken_off() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let all = bytes(5);
        let read = store
            .run_concurrent(async |cx| written::<u8, _>(&cx, &guest, "broken-off", (5u32,)).await)
            .await?;
        assert!(all.starts_with(&read), "{read:?}");
        Ok(())
    })
}

fn taken_back() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let read = store
            .run_concurrent(async |cx| written::<String, _>(&cx, &guest, "taken-back", (texts(5),)).await)
            .await?;
        assert_eq!(read, texts(5));
        Ok(())
    })
}

fn queued() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let read = store
            .run_concurrent(async |cx| written::<u8, _>(&cx, &guest, "queued", (6u32,)).await)
            .await?;
        assert_eq!(read, [bytes(6), vec![255]].concat());
        Ok(())
    })
}

/// A future of a stream is given, and its reader goes away at any time, or the stream is read.
fn refused() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let func: TypedFunc<(), (FutureReader<StreamReader<u8>>,)> = guest.typed_func("refused")?;
        store
            .run_concurrent(async |cx| {
                let (value,) = func.call_concurrent(&cx, ()).await?;
                if pick(3) == 2 {
                    assert_eq!(drain(value.await?).await, [6]);
                } else {
                    pause().await;
                    drop(value);
                }
                Ok(())
            })
            .await?;
        store.finish_tasks().await
    })
}

fn unread() -> Result<()> {
    with(&ticking()?, &HANDED, async |store, guest| {
        let func: TypedFunc<(FutureReader<String>,), ()> = guest.typed_func("unread")?;
        let (writer, value) = future::<String>();
        store.cx().spawn(async move {
            pause().await;
            // The reader may be gone.
            let _ = writer.write("unread".to_owned()).await;
        });
        func.call(store, (value,)).await
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "handed-between-tasks",
        "a read is begun by one task and ended by another",
        between_tasks,
    )
    .configured(Explorer::keep_memory),
    Scenario::new(
        "handed-within-task",
        "a read is begun by one future and ended by another",
        within_a_task,
    ),
    Scenario::new(
        "handed-several",
        "several futures of a task are woken at once, one twice",
        || opened("several", |answer| answer == 3),
    )
    .configured(Explorer::keep_memory),
    Scenario::new("handed-either", "a task is woken by another, and by its call", || {
        opened("either", |answer| answer == 1 || answer == 2)
    })
    .configured(Explorer::keep_memory),
    Scenario::new("handed-self-cancelled", "a spawned future cancels itself", || {
        once("self-cancelled")
    }),
    Scenario::new(
        "handed-stuck",
        "a spawned future that waits for ever is cancelled",
        || once("stuck"),
    )
    .small(),
    Scenario::new(
        "handed-passed-on",
        "a stream is read from, or to its end, and passed on",
        passed_on,
    ),
    Scenario::new(
        "handed-broken-off",
        "a writer goes away in the middle of a write",
        broken_off,
    ),
    Scenario::new(
        "handed-taken-back",
        "writes of strings are cancelled and made again",
        taken_back,
    ),
    Scenario::new("handed-queued", "what is written behind a write comes after it", queued),
    Scenario::new("handed-refused", "a future of a stream is not wanted", refused),
    Scenario::new(
        "handed-unread",
        "a string comes by a future that nobody looks at",
        unread,
    ),
];
