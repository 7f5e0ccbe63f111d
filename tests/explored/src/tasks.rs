//! Tasks of one guest among themselves: waking, spawning, yielding, backpressure, plain calls in between.

use crate::scenario::Scenario;
use crate::support::{compare, ticking, with};
use std::sync::LazyLock;
use witflow_host::canonical::Profile;
use witflow_host::explore::{Explorer, pause, pick};
use witflow_host::{Component, Result, TypedFunc};

mod guest {
    use futures::channel::{mpsc, oneshot};
    use futures::lock::Mutex;
    use futures::{SinkExt as _, StreamExt as _};
    use std::cell::{Cell, RefCell};
    use std::future::poll_fn;
    use std::rc::Rc;
    use std::task::{Poll, Waker};
    use witflow::BackpressureGuard;
    use witflow_host::canonical::Fault;
    use witflow_host::explore::{note, pick};

    witflow::generate!({
        inline: "
            package small:tasks;

            world tasks {
                import host: interface {
                    tick: async func();
                }
                export wait: async func() -> u32;
                export wake: func(value: u32);
                export wake-later: async func(value: u32);
                export send: async func(values: list<u32>);
                export receive: async func(count: u32) -> list<u32>;
                export outlive: async func() -> u32;
                export outlived: async func() -> u32;
                export joined: async func(count: u32) -> u32;
                export cancelled: async func() -> u32;
                export yielding: async func(count: u32) -> u32;
                export restless: async func() -> u32;
                export guarded: async func() -> u32;
                export locked: async func() -> u32;
                export counter: func() -> u32;
                export barrier: async func(parties: u32) -> u32;
                export feed-plain: async func(number: u32, turns: u32);
                export plain-waits: func() -> u32;
            }
        ",
    });

    pub(super) struct Tasks;
    export!(Tasks);

    /// Both ends, of which the second takes turns.
    type Channel = (mpsc::Sender<u32>, Rc<Mutex<mpsc::Receiver<u32>>>);

    thread_local! {
        static WAITING: RefCell<Vec<oneshot::Sender<u32>>> = const { RefCell::new(Vec::new()) };
        static CHANNEL: RefCell<Option<Channel>> = const { RefCell::new(None) };
        static OUTLIVED: Cell<u32> = const { Cell::new(0) };
        static INSIDE: Cell<u32> = const { Cell::new(0) };
        static LOCK: Rc<Mutex<u32>> = Rc::new(Mutex::new(0));
        static ARRIVED: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
        static LATE: RefCell<Option<Waker>> = const { RefCell::new(None) };
    }

    fn channel() -> Channel {
        CHANNEL.with_borrow_mut(|channel| {
            let made = || {
                let (sender, receiver) = mpsc::channel(1);
                (sender, Rc::new(Mutex::new(receiver)))
            };
            channel.get_or_insert_with(made).clone()
        })
    }

    fn wake_all(value: u32) {
        for waiting in WAITING.take() {
            let _ = waiting.send(value);
        }
    }

    impl Guest for Tasks {
        async fn wait() -> u32 {
            let (sender, receiver) = oneshot::channel();
            WAITING.with_borrow_mut(|waiting| waiting.push(sender));
            // After an event a task is parked in another way than at first.
            if pick(2) == 1 {
                host::tick().await;
            }
            receiver.await.unwrap_or(0)
        }

        fn wake(value: u32) {
            wake_all(value);
        }

        async fn wake_later(value: u32) {
            for _ in 0..pick(3) {
                host::tick().await;
            }
            wake_all(value);
        }

        async fn send(values: Vec<u32>) {
            let (mut sender, _) = channel();
            for value in values {
                let _ = sender.send(value).await;
            }
        }

        async fn receive(count: u32) -> Vec<u32> {
            let (_, receiver) = channel();
            let mut receiver = receiver.lock().await;
            (&mut *receiver).take(count as usize).collect().await
        }

        async fn outlive() -> u32 {
            witflow::spawn(async {
                for _ in 0..3 {
                    host::tick().await;
                    OUTLIVED.set(OUTLIVED.get() + 1);
                }
            });
            OUTLIVED.get()
        }

        async fn outlived() -> u32 {
            while OUTLIVED.get() < 3 {
                witflow::yield_now().await;
            }
            OUTLIVED.get()
        }

        async fn joined(count: u32) -> u32 {
            let spawn = |number: u32| {
                witflow::spawn(async move {
                    for _ in 0..number {
                        host::tick().await;
                    }
                    let inner = witflow::spawn(async move { number });
                    inner.await.unwrap_or(0)
                })
            };
            let handles: Vec<_> = (0..count).map(spawn).collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.unwrap_or(0);
            }
            sum
        }

        async fn cancelled() -> u32 {
            let done = Rc::new(Cell::new(0));
            let mark = done.clone();
            let mut handle = witflow::spawn(async move {
                host::tick().await;
                host::tick().await;
                mark.set(1);
                5
            });
            for _ in 0..pick(4) {
                witflow::yield_now().await;
            }
            handle.cancel();
            // Either it had finished, or it never will.
            match handle.await {
                Some(output) => output - 5 * done.get(),
                None => done.get(),
            }
        }

        async fn yielding(count: u32) -> u32 {
            let count_down = async |mut left: u32| {
                while left > 0 {
                    left -= 1;
                    witflow::yield_now().await;
                }
                1
            };
            let (one, other) = futures::join!(count_down(count), count_down(count + 2));
            one + other
        }

        async fn restless() -> u32 {
            // A future that is woken for nothing, twice, and after its end.
            let handle = witflow::spawn(async {
                let mut left = 3;
                poll_fn(|cx| {
                    LATE.set(Some(cx.waker().clone()));
                    left -= 1;
                    if left == 0 {
                        return Poll::Ready(());
                    }
                    note(Fault::SpuriousWake);
                    cx.waker().wake_by_ref();
                    cx.waker().wake_by_ref();
                    let clone = cx.waker().clone();
                    drop(clone.clone());
                    clone.wake();
                    note(Fault::DuplicateWake);
                    Poll::Pending
                })
                .await;
            });
            handle.await;
            let late = LATE.take();
            for _ in 0..2 {
                if let Some(waker) = &late {
                    waker.wake_by_ref();
                    note(Fault::LateWake);
                }
                host::tick().await;
            }
            // The rest of them are kept beyond the task's end.
            LATE.set(late);
            1
        }

        async fn guarded() -> u32 {
            let inside = INSIDE.get() + 1;
            INSIDE.set(inside);
            let guard = BackpressureGuard::new();
            host::tick().await;
            drop(guard);
            if pick(2) == 1 {
                let _again = BackpressureGuard::new();
                let _more = BackpressureGuard::new();
                host::tick().await;
            }
            INSIDE.set(INSIDE.get() - 1);
            if let Some(waker) = LATE.take() {
                // Woken after its end, from another task.
                waker.wake();
                note(Fault::LateWake);
            }
            inside
        }

        async fn locked() -> u32 {
            let lock = LOCK.with(Rc::clone);
            let mut count = lock.lock().await;
            let before = *count;
            host::tick().await;
            *count = before + 1;
            *count
        }

        fn counter() -> u32 {
            LOCK.with(|lock| lock.try_lock().map_or(0, |count| *count))
        }

        async fn feed_plain(number: u32, turns: u32) {
            for _ in 0..turns {
                witflow::yield_now().await;
            }
            while let Some(waiting) = WAITING.with_borrow_mut(Vec::pop) {
                let _ = waiting.send(number);
                witflow::yield_now().await;
            }
        }

        fn plain_waits() -> u32 {
            // Others of the instance run meanwhile: whoever of them is ready.
            let receivers = WAITING.with_borrow_mut(|waiting| {
                let (one, first) = oneshot::channel();
                let (other, second) = oneshot::channel();
                waiting.extend([one, other]);
                (first, second)
            });
            let (one, other) = witflow::block_on(async { futures::join!(receivers.0, receivers.1) });
            one.unwrap_or(0) + other.unwrap_or(0)
        }

        async fn barrier(parties: u32) -> u32 {
            let mut arrived = false;
            poll_fn(|cx| {
                if arrived {
                    // Woken by the last, or for nothing by somebody else.
                    return if INSIDE.get() >= parties {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    };
                }
                arrived = true;
                INSIDE.set(INSIDE.get() + 1);
                if INSIDE.get() == parties {
                    ARRIVED.take().into_iter().for_each(Waker::wake);
                    return Poll::Ready(());
                }
                ARRIVED.with_borrow_mut(|wakers| wakers.push(cx.waker().clone()));
                Poll::Pending
            })
            .await;
            INSIDE.get()
        }
    }
}

static TASKS: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Tasks>("tasks").expect("the world is described well"));

/// One call of an export without parameters.
fn once(export: &str, expected: u32) -> Result<()> {
    compare(&ticking()?, &TASKS, export, (), (expected,))
}

fn counted(export: &str, count: u32, expected: u32) -> Result<()> {
    compare(&ticking()?, &TASKS, export, (count,), (expected,))
}

/// Tasks wait, and another call wakes them.
fn woken(by: &'static str) -> Result<()> {
    with(&ticking()?, &TASKS, async |store, guest| {
        let wait: TypedFunc<(), (u32,)> = guest.typed_func("wait")?;
        let wake: TypedFunc<(u32,), ()> = guest.typed_func(by)?;
        let answers = store
            .run_concurrent(async |cx| {
                let waiting = futures::future::try_join_all((0..3).map(|_| wait.call_concurrent(&cx, ())));
                let waking = async {
                    // Whoever waits by now is woken, and the others later.
                    loop {
                        wake.call_concurrent(&cx, (9,)).await?;
                        witflow_host::explore::delay(std::time::Duration::from_millis(1)).await;
                    }
                };
                match futures::future::select(std::pin::pin!(waiting), std::pin::pin!(waking)).await {
                    futures::future::Either::Left((answers, _)) => answers,
                    futures::future::Either::Right((Err(error), _)) => Err(error),
                    futures::future::Either::Right((Ok::<(), _>(()), _)) => Ok(Vec::new()),
                }
            })
            .await?;
        assert_eq!(answers, [(9,), (9,), (9,)]);
        Ok(())
    })
}

/// Values go from task to task over a channel within the guest.
fn channel() -> Result<()> {
    with(&ticking()?, &TASKS, async |store, guest| {
        let send: TypedFunc<(Vec<u32>,), ()> = guest.typed_func("send")?;
        let receive: TypedFunc<(u32,), (Vec<u32>,)> = guest.typed_func("receive")?;
        store
            .run_concurrent(async |cx| {
                let (one, two) = (
                    receive.call_concurrent(&cx, (3,)),
                    send.call_concurrent(&cx, (vec![1, 2, 3, 4, 5],)),
                );
                let three = receive.call_concurrent(&cx, (2,));
                let (one, two, three) = futures::join!(one, two, three);
                two?;
                let mut received = [one?.0, three?.0].concat();
                received.sort_unstable();
                assert_eq!(received, [1, 2, 3, 4, 5]);
                Ok(())
            })
            .await
    })
}

/// Spawned work goes on after its task has returned.
fn outlived() -> Result<()> {
    with(&ticking()?, &TASKS, async |store, guest| {
        let outlive: TypedFunc<(), (u32,)> = guest.typed_func("outlive")?;
        let outlived: TypedFunc<(), (u32,)> = guest.typed_func("outlived")?;
        assert_eq!(outlive.call(store, ()).await?, (0,));
        assert_eq!(outlived.call(store, ()).await?, (3,));
        Ok(())
    })
}

/// No more than one task is inside while backpressure is up, unless it came in before.
fn guarded() -> Result<()> {
    with(&ticking()?, &TASKS, async |store, guest| {
        let restless: TypedFunc<(), (u32,)> = guest.typed_func("restless")?;
        let func: TypedFunc<(), (u32,)> = guest.typed_func("guarded")?;
        let counter: TypedFunc<(), (u32,)> = guest.typed_func("counter")?;
        restless.call(store, ()).await?;
        let calls = 2 + pick(3);
        let answers = store
            .run_concurrent(async |cx| {
                let calls = (0..calls).map(|_| func.call_concurrent(&cx, ()));
                let (answers, count) =
                    futures::join!(futures::future::try_join_all(calls), counter.call_concurrent(&cx, ()));
                // A plain call is not held back.
                assert_eq!(count?, (0,));
                answers
            })
            .await?;
        assert!(answers.iter().all(|(inside,)| *inside as usize <= calls), "{answers:?}");
        Ok(())
    })
}

fn locked() -> Result<()> {
    with(&ticking()?, &TASKS, async |store, guest| {
        let func: TypedFunc<(), (u32,)> = guest.typed_func("locked")?;
        let counter: TypedFunc<(), (u32,)> = guest.typed_func("counter")?;
        store
            .run_concurrent(async |cx| {
                let calls: Vec<_> = (0..3).map(|_| func.call_concurrent(&cx, ())).collect();
                let (seen,) = counter.call_concurrent(&cx, ()).await?;
                assert!(seen <= 3);
                let mut answers: Vec<_> = futures::future::try_join_all(calls).await?;
                answers.sort_unstable();
                assert_eq!(answers, [(1,), (2,), (3,)]);
                Ok(())
            })
            .await
    })
}

/// A plain function waits in the middle, and tasks of its instance go on.
fn plain_waits() -> Result<()> {
    with(&ticking()?, &TASKS, async |store, guest| {
        let feed: TypedFunc<(u32, u32), ()> = guest.typed_func("feed-plain")?;
        let plain: TypedFunc<(), (u32,)> = guest.typed_func("plain-waits")?;
        store
            .run_concurrent(async |cx| {
                let feeding = (feed.call_concurrent(&cx, (1, 30)), feed.call_concurrent(&cx, (1, 31)));
                let waiting = plain.call_concurrent(&cx, ());
                let (one, other, waited) = futures::join!(feeding.0, feeding.1, waiting);
                one.and(other)?;
                assert_eq!(waited?, (2,));
                Ok(())
            })
            .await
    })
}

fn barrier() -> Result<()> {
    with(&ticking()?, &TASKS, async |store, guest| {
        let func: TypedFunc<(u32,), (u32,)> = guest.typed_func("barrier")?;
        store
            .run_concurrent(async |cx| {
                let mut calls = Vec::new();
                for _ in 0..4 {
                    pause().await;
                    calls.push(func.call_concurrent(&cx, (4,)));
                }
                let answers = futures::future::try_join_all(calls).await?;
                assert_eq!(answers, [(4,), (4,), (4,), (4,)]);
                Ok(())
            })
            .await
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("tasks-woken-by-plain", "a plain call wakes tasks that wait", || {
        woken("wake")
    }),
    Scenario::new("tasks-woken-by-task", "a task wakes tasks that wait", || {
        woken("wake-later")
    }),
    Scenario::new("tasks-channel", "values go from task to task", channel).configured(Explorer::keep_memory),
    Scenario::new("tasks-outlived", "spawned work outlives the call", outlived).small(),
    Scenario::new("tasks-joined", "spawned futures are awaited", || {
        counted("joined", 4, 6)
    }),
    Scenario::new("tasks-cancelled", "a spawned future is cancelled", || {
        once("cancelled", 0)
    }),
    Scenario::new("tasks-yielding", "futures yield in turns", || counted("yielding", 3, 2)).small(),
    Scenario::new(
        "tasks-restless",
        "futures are woken for nothing, twice and too late",
        || once("restless", 1),
    )
    .configured(Explorer::keep_memory),
    Scenario::new("tasks-guarded", "backpressure holds calls back", guarded).configured(Explorer::keep_memory),
    Scenario::new("tasks-locked", "tasks take turns at a lock", locked).configured(Explorer::keep_memory),
    Scenario::new("tasks-barrier", "tasks wait for each other", barrier),
    Scenario::new(
        "tasks-plain-waits",
        "a plain function waits for tasks of its instance",
        plain_waits,
    )
    // Wasmtime does not let it.
    .configured(|explorer| explorer.keep_memory().profiles(&[Profile::AUGUST_2026, Profile::NEWER])),
];
