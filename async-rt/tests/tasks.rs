//! Tasks: turns, spawning, waking from everywhere, blocking, cancellation.

mod fake;

use fake::Fake;
use fake::flag::Flag;
use fake::tasks::returning;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use witflow_async_rt::async_support::{BackpressureGuard, block_on, spawn, yield_now};

#[test]
fn a_task_that_is_done_at_once_calls_nothing_but_return() {
    let host = Fake::new();
    let task = host.start(returning(async {}));
    assert!(host.exited(task));
    assert_eq!(host.state.borrow().log, ["[task-return]run"]);
}

#[test]
fn yielding_gives_the_host_a_turn() {
    let host = Fake::new();
    let task = host.start(returning(async {
        yield_now().await;
        yield_now().await;
    }));
    assert!(host.yielded(task));
    assert!(host.step(task));
    assert!(host.yielded(task));
    assert!(host.step(task));
    assert!(host.exited(task));
    assert_eq!(host.calls("waitable"), 0, "yielding needs no set");
}

#[test]
fn futures_of_one_task_wake_each_other_without_yielding() {
    let host = Fake::new();
    let (there, back) = (Flag::default(), Flag::default());
    let task = host.start(returning(async move {
        let (t, b) = (there.clone(), back.clone());
        spawn(async move {
            t.wait().await;
            b.raise();
        });
        there.raise();
        back.wait().await;
    }));
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn spawned_work_outlives_the_return_and_holds_the_task() {
    let host = Fake::new();
    let flag = Flag::default();
    let done = Rc::new(Cell::new(false));
    let (waiting, end) = (flag.clone(), done.clone());
    let task = host.start(returning(async move {
        spawn(async move {
            waiting.wait().await;
            end.set(true);
        });
    }));
    assert_eq!(host.calls("[task-return]"), 1);
    assert!(!host.exited(task));
    host.enter(|| flag.raise());
    host.run(task);
    assert!(done.get());
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn join_handles_wait_and_cancel() {
    let host = Fake::new();
    let dropped = Rc::new(());
    let held = dropped.clone();
    let task = host.start(returning(async move {
        let answer = spawn(async {
            yield_now().await;
            42
        });
        assert_eq!(answer.await, Some(42));
        let mut never = spawn(async move {
            let _held = held;
            poll_fn(|_| Poll::<()>::Pending).await;
        });
        yield_now().await;
        never.cancel();
        assert_eq!(never.await, None);
        let mut finished = spawn(async { 1 });
        yield_now().await;
        finished.cancel();
        assert_eq!(finished.await, Some(1));
    }));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(Rc::strong_count(&dropped), 1);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_parked_task_is_woken_from_outside_by_one_event() {
    let host = Fake::new();
    let (first, second) = (Flag::default(), Flag::default());
    let (a, b) = (first.clone(), second.clone());
    let parked = host.start(returning(async move {
        let late = spawn(async move { b.wait().await });
        a.wait().await;
        late.await;
    }));
    assert!(!host.step(parked), "nothing has happened");
    // Two wakes before the event is delivered, from another task.
    let waker = host.start(returning(async move {
        first.raise();
        second.raise();
    }));
    assert!(host.exited(waker));
    assert_eq!(host.calls("stream-write-unit"), 1, "one event is enough for both");
    assert!(host.step(parked));
    assert!(host.exited(parked));
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_undelivered_wake_is_taken_back_when_the_task_ends() {
    let host = Fake::new();
    let flag = Flag::default();
    let waiting = flag.clone();
    let task = host.start(returning(async move { waiting.wait().await }));
    host.enter(|| flag.raise());
    // The task is called for another reason, and ends before it hears of the wake.
    host.stray_event(task, 3, 1000, 0);
    assert!(host.exited(task));
    assert_eq!(host.calls("stream-cancel-read-unit"), 1);
    assert_eq!(host.handles(), 0);
}

#[test]
fn the_wake_stream_is_used_again() {
    let host = Fake::new();
    let flags: Vec<Flag> = (0..3).map(|_| Flag::default()).collect();
    let waiting = flags.clone();
    let task = host.start(returning(async move {
        for flag in waiting {
            flag.wait().await;
        }
    }));
    for flag in &flags {
        host.enter(|| flag.raise());
        host.run(task);
    }
    assert!(host.exited(task));
    assert_eq!(host.calls("stream-new-unit"), 1);
    assert_eq!(host.calls("stream-write-unit"), 3);
    assert_eq!(host.handles(), 0);
}

#[test]
fn wakes_after_the_end_are_harmless() {
    let host = Fake::new();
    let kept = Rc::new(RefCell::new(Vec::new()));
    let wakers = kept.clone();
    let task = host.start(returning(async move {
        let spawned = wakers.clone();
        spawn(poll_fn(move |cx| {
            spawned.borrow_mut().push(cx.waker().clone());
            Poll::Ready(())
        }));
        poll_fn(|cx| {
            wakers.borrow_mut().push(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
    }));
    assert!(host.exited(task));
    let wakers = kept.take();
    assert_eq!(wakers.len(), 2);
    host.enter(|| wakers[0].wake_by_ref());
    drop(host);
    for waker in wakers {
        waker.wake();
    }
}

#[test]
fn unknown_events_are_ignored() {
    let host = Fake::new();
    let flag = Flag::default();
    let waiting = flag.clone();
    let task = host.start(returning(async move { waiting.wait().await }));
    for event in 0..9 {
        if event != 6 {
            host.stray_event(task, event, 12345, 1);
        }
    }
    host.enter(|| flag.raise());
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn cancellation_drops_the_root_and_lets_spawned_work_finish() {
    let host = Fake::new();
    let flag = Flag::default();
    let waiting = flag.clone();
    let alive = Rc::new(());
    let held = alive.clone();
    let task = host.start(returning(async move {
        spawn(async move { waiting.wait().await });
        let _held = held;
        poll_fn(|_| Poll::<()>::Pending).await;
    }));
    host.cancel(task);
    assert_eq!(Rc::strong_count(&alive), 1, "the root was dropped");
    assert_eq!(host.calls("[task-cancel]"), 1);
    assert_eq!(host.calls("[task-return]"), 0);
    assert!(!host.exited(task));
    host.enter(|| flag.raise());
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_task_that_has_returned_is_not_cancelled() {
    let host = Fake::new();
    let flag = Flag::default();
    let waiting = flag.clone();
    let task = host.start(returning(async move {
        spawn(async move { waiting.wait().await });
    }));
    host.cancel(task);
    assert_eq!(host.calls("[task-cancel]"), 0);
    host.enter(|| flag.raise());
    host.run(task);
    assert!(host.exited(task));
}

#[test]
fn block_on_waits_borrows_and_nests() {
    let host = Fake::new();
    let flag = Flag::default();
    let raised = flag.clone();
    host.on_wait.borrow_mut().push_back(Box::new(move |_| raised.raise()));
    let local = String::from("borrowed");
    let length = host.enter(|| {
        block_on(async {
            yield_now().await;
            let nested = block_on(async { local.len() });
            flag.wait().await;
            nested
        })
    });
    assert_eq!(length, 8);
    assert_eq!(host.calls("[waitable-set-wait]"), 1);
    assert_eq!(host.handles(), 0);
}

#[test]
fn block_on_finishes_what_was_spawned_in_it() {
    let host = Fake::new();
    let done = Rc::new(Cell::new(false));
    let end = done.clone();
    host.enter(|| {
        block_on(async {
            spawn(async move {
                yield_now().await;
                end.set(true);
            });
        })
    });
    assert!(done.get());
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_backpressure_guard_takes_back_what_it_did() {
    let host = Fake::new();
    host.enter(|| {
        let guard = BackpressureGuard::new();
        assert_eq!(host.calls("[backpressure-inc]"), 1);
        drop(guard);
    });
    assert_eq!(host.calls("[backpressure-dec]"), 1);
}
