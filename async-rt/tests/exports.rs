//! Asynchronous exports as generated code starts them: a function that gives the user's future, and one that returns its output.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::flag::Flag;
use std::cell::{Cell, RefCell};
use std::future::{poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use witflow_async_rt::async_support::spawn;

/// A place for what an export returns, and how it is put there.
fn results() -> (Rc<RefCell<Vec<u32>>>, impl Fn(u32) + 'static) {
    let all = Rc::new(RefCell::new(Vec::new()));
    let results = all.clone();
    (all, move |result| results.borrow_mut().push(result))
}

#[test]
fn an_output_that_is_there_is_returned_at_once() {
    let host = Fake::new();
    let (returned, finish) = results();
    let task = host.export(|| ready(5), finish);
    assert!(host.exited(task));
    assert_eq!(*returned.borrow(), [5]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_output_that_comes_later_is_returned_then_and_once() {
    let host = Fake::new();
    let (returned, finish) = results();
    let (flag, other) = (Flag::default(), Flag::default());
    let (waiting, spawned) = (flag.clone(), other.clone());
    let make = move || {
        drop(spawn(async move { spawned.wait().await }));
        async move {
            waiting.wait().await;
            7
        }
    };
    let task = host.export(make, finish);
    assert_eq!(*returned.borrow(), []);
    host.enter(|| flag.raise());
    host.run(task);
    assert_eq!(*returned.borrow(), [7]);
    assert!(
        !host.exited(task),
        "what the function spawned before it gave its future goes on"
    );
    host.enter(|| other.raise());
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(*returned.borrow(), [7]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_cancelled_export_returns_nothing() {
    let host = Fake::new();
    let (returned, finish) = results();
    let task = host.export(std::future::pending, finish);
    host.cancel(task);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(*returned.borrow(), []);
    assert_eq!(host.calls("[task-cancel]"), 1);
    assert_eq!(host.handles(), 0);
}

/// A future that counts its drops, and is ready with the second poll.
struct Twice {
    drops: Rc<Cell<u32>>,
    polled: bool,
}

impl Future for Twice {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut self.polled, true) {
            Poll::Ready(self.drops.get())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Twice {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
    }
}

#[test]
fn the_future_is_dropped_once() {
    let host = Fake::new();
    let (returned, finish) = results();
    let drops = Rc::new(Cell::new(0));
    let future = Twice {
        drops: drops.clone(),
        polled: false,
    };
    let task = host.export(move || future, finish);
    assert!(host.yielded(task));
    assert_eq!(drops.get(), 0);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(drops.get(), 1);
    assert_eq!(
        *returned.borrow(),
        [0],
        "the future is there while its output is returned"
    );
}

#[test]
fn a_function_that_panics_leaves_no_task_behind() {
    let host = Fake::new();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        host.export(|| -> std::future::Ready<()> { panic!("on purpose") }, |()| {})
    }));
    assert!(caught.is_err());
    let spawned = catch_unwind(AssertUnwindSafe(|| host.enter(|| drop(spawn(async {})))));
    assert!(spawned.is_err(), "there is no task to spawn on");
    let task = host.export(|| ready(()), |()| {});
    assert!(host.exited(task));
}

#[test]
fn a_nested_export_gives_the_task_before_back() {
    let host = Rc::new(Fake::new());
    let inner = host.clone();
    let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
    let waker = kept.clone();
    let ran = Rc::new(Cell::new(0));
    let count = ran.clone();
    let make = move || {
        let started = inner.export(|| ready(()), |()| {});
        assert!(inner.exited(started));
        drop(spawn(async move { count.set(count.get() + 1) }));
        poll_fn(move |cx| {
            *waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Ready(())
        })
    };
    let task = host.export(make, |()| {});
    assert!(host.exited(task));
    assert_eq!(ran.get(), 1);
    host.enter(|| kept.take().unwrap().wake());
}
