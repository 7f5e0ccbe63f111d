//! What panics: it says so, and leaves nothing behind that can be reached. Memory it does leave behind.

mod fake;

use fake::Fake;
use fake::flag::Flag;
use fake::streams::bytes;
use fake::tasks::returning;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use witflow_async_rt::async_support::{block_on, spawn};

#[test]
fn a_panic_through_block_on_leaves_no_way_to_the_stack() {
    let host = Fake::new();
    let kept = Rc::new(RefCell::new(None));
    let waker = kept.clone();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        host.enter(|| {
            block_on(poll_fn(|cx| -> Poll<()> {
                *waker.borrow_mut() = Some(cx.waker().clone());
                panic!("on purpose")
            }))
        })
    }));
    assert!(caught.is_err());
    host.enter(|| kept.take().unwrap().wake());
}

#[test]
#[should_panic(expected = "`spawn` needs a task")]
fn spawning_without_a_task_says_so() {
    Fake::new().enter(|| drop(spawn(async {})));
}

#[test]
#[should_panic(expected = "no host is installed")]
fn without_a_host_the_remedy_is_named() {
    block_on(async {});
}

#[test]
#[should_panic(expected = "own component instance is not the current one")]
fn a_waker_of_another_instance_is_refused() {
    let (mine, other) = (Fake::new(), Fake::new());
    let flag = Flag::default();
    let waiting = flag.clone();
    mine.start(returning(async move { waiting.wait().await }));
    other.enter(|| flag.raise());
}

/// An end with a read in flight, which another instance than its own is given.
#[test]
#[should_panic(expected = "own component instance is not the current one")]
fn an_end_of_another_instance_is_refused() {
    let (mine, other) = (Fake::new(), Fake::new());
    let (mut reader, _peer) = bytes(&mine);
    mine.start(returning(async move {
        assert!(poll_fn(|cx| Poll::Ready(pin!(reader.next()).poll(cx).is_pending())).await);
        other.start(returning(async move {
            reader.next().await;
        }));
    }));
}
