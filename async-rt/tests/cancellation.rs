//! What a task sees of its cancellation, and how it holds it off.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::streams::{bytes, poll_once};
use fake::tasks::returning;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use witflow_async_rt::async_support::{StreamReader, cancelled, is_cancelled, shield, spawn};

/// Sets a flag when it is dropped.
struct Dropped(Rc<Cell<bool>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Waits for either; answers whether it was the item.
async fn item_or_cancelled(reader: &mut StreamReader<u8>) -> bool {
    let mut next = pin!(reader.next());
    let mut cancelled = pin!(cancelled());
    poll_fn(|cx| {
        if next.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        cancelled.as_mut().poll(cx).map(|()| false)
    })
    .await
}

#[test]
fn spawned_work_is_told() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let told = Rc::new(Cell::new(false));
    let tell = told.clone();
    let task = host.start(returning(async move {
        assert!(!is_cancelled());
        spawn(async move {
            cancelled().await;
            assert!(is_cancelled());
            cancelled().await;
            tell.set(true);
        });
        reader.next().await;
    }));
    assert!(!told.get());
    host.cancel(task);
    host.run(task);
    assert!(told.get());
    assert!(host.exited(task));
    assert_eq!(host.calls("[task-cancel]"), 1);
    assert!(peer.alone(), "the root was dropped");
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_shield_lets_a_task_return_after_all() {
    let host = Fake::new();
    let (mut reader, _peer) = bytes(&host);
    let task = host.start(returning(shield(async move {
        assert!(!item_or_cancelled(&mut reader).await);
        assert!(is_cancelled());
    })));
    host.cancel(task);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.calls("[task-cancel]"), 0);
    assert_eq!(host.calls("[task-return]"), 1);
    assert_eq!(host.handles(), 0);
}

#[test]
fn after_the_shield_the_cancellation_takes_its_course() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let dropped = Rc::new(Cell::new(false));
    let guard = Dropped(dropped.clone());
    let task = host.start(returning(async move {
        let _guard = guard;
        assert_eq!(shield(reader.next()).await, Some(1));
        reader.next().await;
        unreachable!("the task was cancelled");
    }));
    host.cancel(task);
    host.run(task);
    assert!(!dropped.get(), "the shield holds");
    assert_eq!(host.calls("[task-cancel]"), 0);
    assert_eq!(peer.write(&[1]), 1);
    host.run(task);
    assert!(dropped.get());
    assert!(host.exited(task));
    assert_eq!(host.calls("[task-cancel]"), 1);
    assert_eq!(host.calls("[task-return]"), 0);
    assert_eq!(host.handles(), 0);
}

#[test]
fn shields_nest_and_may_be_dropped() {
    let host = Fake::new();
    let (mut reader, _peer) = bytes(&host);
    let dropped = Rc::new(Cell::new(false));
    let guard = Dropped(dropped.clone());
    let task = host.start(returning(async move {
        let _guard = guard;
        {
            let mut outer = pin!(shield(async {
                poll_once(pin!(shield(std::future::pending::<()>()))).await;
                cancelled().await;
                std::future::pending::<()>().await;
            }));
            poll_fn(|cx| {
                assert!(outer.as_mut().poll(cx).is_pending());
                if is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        reader.next().await;
        unreachable!("the task was cancelled");
    }));
    host.cancel(task);
    host.run(task);
    assert!(dropped.get() && host.exited(task));
    assert_eq!(host.calls("[task-cancel]"), 1);
    assert_eq!(host.handles(), 0);
}

#[test]
fn who_has_stopped_waiting_is_not_woken() {
    let host = Fake::new();
    let (mut reader, _peer) = bytes(&host);
    let polls = Rc::new(Cell::new(0));
    let parked = Rc::new(RefCell::new(None));
    let (count, park) = (polls.clone(), parked.clone());
    let task = host.start(returning(async move {
        spawn(async move {
            poll_once(pin!(cancelled())).await;
            poll_fn(|cx| {
                count.set(count.get() + 1);
                *park.borrow_mut() = Some(cx.waker().clone());
                if count.get() == 1 {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
            .await;
        });
        reader.next().await;
    }));
    host.cancel(task);
    host.run(task);
    assert_eq!(host.calls("[task-cancel]"), 1);
    assert_eq!(polls.get(), 1);
    let waker = parked.take().unwrap();
    host.enter(|| waker.wake());
    host.run(task);
    assert_eq!(polls.get(), 2);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn who_asks_later_is_told() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let (mut other, late) = bytes(&host);
    let told = Rc::new(Cell::new(false));
    let tell = told.clone();
    let task = host.start(returning(async move {
        spawn(async move {
            assert_eq!(other.next().await, Some(1));
            assert!(is_cancelled());
            cancelled().await;
            tell.set(true);
        });
        reader.next().await;
    }));
    host.cancel(task);
    assert!(peer.alone(), "the root was dropped at once");
    assert_eq!(late.write(&[1]), 1);
    host.run(task);
    assert!(told.get() && host.exited(task));
    assert_eq!(host.handles(), 0);
}
