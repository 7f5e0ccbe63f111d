//! Scopes: futures that borrow.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::streams::bytes;
use fake::tasks::returning;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use witflow_async_rt::async_support::{scope, yield_now};

#[test]
fn what_runs_in_a_scope_may_borrow_and_ends_before_it() {
    let host = Fake::new();
    let (mut one, first) = bytes(&host);
    let (mut two, second) = bytes(&host);
    let polls = Rc::new(Cell::new([0, 0]));
    let counts = polls.clone();
    let task = host.start(returning(async move {
        let items = RefCell::new(Vec::new());
        let seen = &counts;
        let readers = [&mut one, &mut two];
        let number = scope(async |scope| {
            for (index, reader) in readers.into_iter().enumerate() {
                let items = &items;
                scope.spawn(async move {
                    let mut next = pin!(reader.next());
                    let item = poll_fn(|cx| {
                        let mut counts = seen.get();
                        counts[index] += 1;
                        seen.set(counts);
                        next.as_mut().poll(cx)
                    });
                    let item = item.await;
                    items.borrow_mut().extend(item);
                });
            }
            yield_now().await;
            7
        })
        .await;
        assert_eq!(number, 7);
        assert_eq!(items.into_inner(), [2, 1]);
    }));
    host.run(task);
    assert_eq!(second.write(&[2]), 1);
    host.run(task);
    assert_eq!(polls.get(), [1, 2], "only who was woken is polled");
    assert!(!host.exited(task));
    assert_eq!(first.write(&[1]), 1);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(polls.get(), [2, 2]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn dropping_a_scope_drops_what_runs_in_it() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let task = host.start(returning(async move {
        let held = Rc::new(());
        {
            let mut running = pin!(scope(async |scope| {
                let held = held.clone();
                scope.spawn(async {
                    let _held = held;
                    reader.next().await;
                });
            }));
            poll_fn(|cx| {
                assert!(running.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            assert_eq!(Rc::strong_count(&held), 2);
        }
        assert_eq!(Rc::strong_count(&held), 1);
        drop(reader);
    }));
    host.run(task);
    assert!(host.exited(task) && peer.alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_wake_from_elsewhere_reaches_its_future() {
    let host = Fake::new();
    let parked = Rc::new(RefCell::new(None::<Waker>));
    let park = parked.clone();
    let task = host.start(returning(scope(async move |scope| {
        scope.spawn(async move {
            let mut waited = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut waited, true) {
                    return Poll::Ready(());
                }
                *park.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
        });
    })));
    assert!(!host.exited(task));
    let waker = parked.take().unwrap();
    host.enter(|| waker.wake());
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}
