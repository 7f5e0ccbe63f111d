//! Readable ends of streams: chunks, dropped peers, dropped and forgotten reads, readers that are passed on.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::streams::*;
use fake::tasks::returning;
use futures_core::{FusedStream, Stream};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use witflow_async_rt::rt::{self, StreamResult};

type Log<T> = Rc<RefCell<Vec<T>>>;

#[test]
fn a_read_takes_what_there_is_and_ends_for_good() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let task = host.start(returning(async move {
        let (result, got) = reader.read(Vec::with_capacity(8)).await;
        assert_eq!(
            (result, got.as_slice()),
            (StreamResult::Complete(3), [1, 2, 3].as_slice())
        );
        let (result, got) = reader.read(got).await;
        assert_eq!(
            (result, got.as_slice()),
            (StreamResult::Complete(5), [1, 2, 3, 4, 5, 6, 7, 8].as_slice())
        );
        for _ in 0..3 {
            assert_eq!(reader.read(Vec::with_capacity(1)).await.0, StreamResult::Dropped);
            assert_eq!(reader.next().await, None);
        }
        assert!(reader.is_terminated());
    }));
    assert_eq!(peer.write(&[1, 2, 3]), 3);
    host.run(task);
    // Full and gone at once: DROPPED with a count.
    assert_eq!(peer.write(&[4, 5, 6, 7, 8, 9]), 5, "only what fits into the vector");
    peer.leave();
    host.run(task);
    assert_eq!(
        host.calls("[stream-read-1]"),
        2,
        "no read at an end that is known to be closed"
    );
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn dropped_without_items_is_latched() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let task = host.start(returning(async move {
        assert_eq!(reader.next().await, None);
        assert_eq!(reader.next().await, None);
    }));
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.calls("[stream-read-1]"), 1);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_next_keeps_its_items() {
    let host = Fake::new();
    let (mut reader, peer) = items(&host);
    let task = host.start(returning(async move {
        poll_once(pin!(reader.next())).await;
        poll_once(pin!(reader.next())).await;
        rt::yield_now().await;
        assert_eq!(reader.next().await, Some(Item(10)));
        assert_eq!(reader.next().await, Some(Item(11)));
    }));
    assert_eq!(
        peer.write(&words(&[10])),
        1,
        "the dropped `next` left its read in flight"
    );
    host.run(task);
    assert_eq!(peer.write(&words(&[11, 12])), 2, "the reader reads ahead");
    host.run(task);
    assert!(host.exited(task));
    DROPPED.with_borrow_mut(|dropped| {
        dropped.sort();
        assert_eq!(
            *dropped,
            [10, 10, 11, 11, 12],
            "each twice: received and expected; 12 was read ahead"
        );
    });
    assert!(peer.alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_read_keeps_its_items_and_later_reads_get_them() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let task = host.start(returning(async move {
        poll_once(pin!(reader.read(Vec::with_capacity(4)))).await;
        let (result, got) = reader.read(Vec::with_capacity(2)).await;
        assert_eq!((result, got.as_slice()), (StreamResult::Complete(2), [1, 2].as_slice()));
        let (result, got) = reader.read(vec![0; 1]).await;
        assert_eq!(
            (result, got.as_slice()),
            (StreamResult::Complete(0), [0].as_slice()),
            "no room, but ready"
        );
        assert_eq!(reader.next().await, Some(3));
        assert_eq!(reader.collect().await, [4]);
    }));
    assert_eq!(peer.write(&[1, 2, 3, 4]), 4);
    host.run(task);
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_forgotten_read_can_be_followed_by_anything() {
    for action in 0..3 {
        let host = Fake::new();
        let (mut reader, peer) = bytes(&host);
        let passed = Rc::new(RefCell::new(0));
        let out = passed.clone();
        let task = host.start(returning(async move {
            let mut read = Box::pin(reader.read(Vec::with_capacity(4)));
            poll_once(read.as_mut()).await;
            std::mem::forget(read);
            match action {
                0 => drop(reader),
                1 => assert_eq!(reader.next().await, Some(7)),
                _ => *out.borrow_mut() = lower_now(&reader),
            }
        }));
        peer.write(&[7]);
        host.run(task);
        assert!(host.exited(task), "action {action}");
        if action == 2 {
            host.take_reader(*passed.borrow());
        }
        assert_eq!(host.handles(), 0, "action {action}");
    }
}

#[test]
fn cancelling_a_read_says_what_it_brought() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let stage = Rc::new(RefCell::new(0));
    let seen = stage.clone();
    let task = host.start(returning(async move {
        let mut read = pin!(reader.read(Vec::with_capacity(4)));
        poll_once(read.as_mut()).await;
        rt::yield_now().await;
        let (result, got) = read.cancel();
        assert_eq!((result, got.as_slice()), (StreamResult::Complete(2), [1, 2].as_slice()));
        let mut read = pin!(reader.read(got));
        poll_once(read.as_mut()).await;
        let (result, got) = read.as_mut().cancel();
        assert_eq!((result, got.as_slice()), (StreamResult::Cancelled, [1, 2].as_slice()));
        let read = pin!(reader.read(got));
        assert_eq!(read.cancel().0, StreamResult::Cancelled);
        *seen.borrow_mut() = 1;
    }));
    assert!(host.yielded(task));
    peer.write(&[1, 2]);
    host.run(task);
    assert_eq!(*stage.borrow(), 1);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_reader_dropped_with_items_and_a_read_in_flight_loses_neither_memory_nor_handles() {
    let host = Fake::new();
    let (mut reader, peer) = items(&host);
    let task = host.start(returning(async move {
        poll_once(pin!(reader.read(Vec::with_capacity(4)))).await;
        rt::yield_now().await;
        drop(reader);
    }));
    assert_eq!(peer.write(&words(&[1, 2])), 2);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [1, 2]);
    assert!(peer.alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn as_a_stream_it_reads_by_the_chunk() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let seen: Log<u8> = Rc::default();
    let log = seen.clone();
    let task = host.start(returning(async move {
        while let Some(byte) = poll_fn(|cx| Pin::new(&mut reader).poll_next(cx)).await {
            log.borrow_mut().push(byte);
        }
    }));
    assert_eq!(peer.write(&[1; 1000]), 1000);
    host.run(task);
    assert_eq!(peer.write(&[2; 1000]), 1000);
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(seen.borrow().len(), 2000);
    assert_eq!(host.calls("[stream-read-1]"), 2);
}

#[test]
fn an_idle_end_that_was_told_its_peer_is_gone_has_ended() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let handle = reader.handle();
    let gate = Rc::new((Cell::new(false), RefCell::new(None::<Waker>)));
    let closed = gate.clone();
    let task = host.start(returning(async move {
        assert_eq!(reader.next().await, Some(1));
        gate.0.set(true);
        poll_fn(|cx| {
            if gate.0.get() {
                *gate.1.borrow_mut() = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        assert_eq!(reader.next().await, None);
    }));
    assert_eq!(peer.write(&[1]), 1);
    host.run(task);
    let reads = host.calls("[stream-read-1]");
    peer.leave();
    host.mention_drop(handle);
    assert!(host.step(task), "the event is delivered");
    closed.0.set(false);
    host.enter(|| closed.1.take().unwrap().wake());
    host.run(task);
    assert_eq!(
        host.calls("[stream-read-1]"),
        reads,
        "nothing is asked of an end that has ended"
    );
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_answer_that_was_not_seen_survives_the_news_that_the_peer_is_gone() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let handle = reader.handle();
    let gate = Rc::new((Cell::new(true), RefCell::new(None::<Waker>)));
    let closed = gate.clone();
    let task = host.start(returning(async move {
        // The read is in flight, and nobody looks at it.
        poll_once(pin!(reader.next())).await;
        poll_fn(|cx| {
            if gate.0.get() {
                *gate.1.borrow_mut() = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        assert_eq!(reader.next().await, Some(7));
        assert_eq!(reader.next().await, None);
    }));
    host.run(task);
    assert_eq!(peer.write(&[7]), 1);
    assert!(host.step(task), "the answer is delivered");
    host.mention_drop(handle);
    assert!(host.step(task), "the event is delivered");
    closed.0.set(false);
    host.enter(|| closed.1.take().unwrap().wake());
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_read_of_length_zero_is_followed_by_a_real_one() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let task = host.start(returning(async move {
        poll_once(pin!(reader.read(Vec::new()))).await;
        let (result, got) = reader.read(Vec::with_capacity(4)).await;
        assert_eq!((result, got.as_slice()), (StreamResult::Complete(2), [1, 2].as_slice()));
        let (result, _) = reader.read(Vec::new()).await;
        assert_eq!(result, StreamResult::Complete(0));
    }));
    assert_eq!(peer.write(&[1, 2]), 0, "only readiness is told");
    host.run(task);
    assert_eq!(peer.write(&[1, 2]), 2);
    host.run(task);
    assert!(!host.exited(task));
    assert_eq!(peer.write(&[3]), 0);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_reader_with_items_is_passed_on_with_them() {
    let host = Fake::new();
    let (mut reader, peer) = items(&host);
    let passed = Rc::new(RefCell::new(0));
    let out = passed.clone();
    let task = host.start(returning(async move {
        poll_once(pin!(reader.read(Vec::with_capacity(8)))).await;
        rt::yield_now().await;
        *out.borrow_mut() = lower_now(&reader);
    }));
    assert_eq!(peer.write(&words(&[1, 2])), 2);
    host.run(task);
    let end = host.take_reader(*passed.borrow());
    assert_eq!(end.read(1), words(&[1]), "what was received comes first");
    host.run(task);
    assert_eq!(end.read(5), words(&[2]));
    host.run(task);
    assert_eq!(peer.write(&words(&[3])), 1, "then what the old reader brings");
    host.run(task);
    assert_eq!(end.read(5), words(&[3]));
    host.run(task);
    assert!(!host.exited(task), "the task stays while there may be more");
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert!(end.alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_idle_reader_is_passed_on_as_it_is() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let passed = Rc::new(RefCell::new(0));
    let out = passed.clone();
    let task = host.start(returning(async move {
        poll_once(pin!(reader.next())).await;
        assert_eq!(reader.next().await, Some(1));
        poll_once(pin!(reader.next())).await;
        *out.borrow_mut() = lower_now(&reader);
    }));
    peer.write(&[1]);
    host.run(task);
    assert!(host.exited(task));
    let end = host.take_reader(*passed.borrow());
    assert_eq!(host.calls("stream-new"), 0);
    assert!(!end.alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_idle_reader_leaves_its_set_before_it_is_passed_on() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let passed = Rc::new(Cell::new(0));
    let out = passed.clone();
    let task = host.start(returning(async move {
        assert_eq!(reader.next().await, Some(1));
        out.set(lower_now(&reader));
        rt::yield_now().await;
    }));
    peer.write(&[1]);
    assert!(host.step(task));
    assert!(host.yielded(task), "the set is still there");
    host.take_reader(passed.get());
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_ended_reader_is_passed_on_as_an_ended_one() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let passed = Rc::new(RefCell::new(0));
    let out = passed.clone();
    let task = host.start(returning(async move {
        assert_eq!(reader.next().await, None);
        *out.borrow_mut() = lower_now(&reader);
    }));
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert!(host.take_reader(*passed.borrow()).alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_reader_moves_between_tasks() {
    let host = Fake::new();
    let (reader, peer) = bytes(&host);
    let shared = Rc::new(RefCell::new(Some(reader)));
    let slot = shared.clone();
    let first = host.start(returning(async move {
        let mut reader = slot.borrow_mut().take().unwrap();
        poll_once(pin!(reader.next())).await;
        *slot.borrow_mut() = Some(reader);
    }));
    assert!(host.exited(first), "a read nobody waits for does not keep a task");
    let mut reader = shared.borrow_mut().take().unwrap();
    let second = host.start(returning(async move { assert_eq!(reader.next().await, Some(5)) }));
    peer.write(&[5]);
    host.run(second);
    assert!(host.exited(second));
    assert_eq!(host.handles(), 0);
}

#[test]
fn what_outlives_its_host_is_inert() {
    let host = Fake::new();
    let (reader, peer) = bytes(&host);
    peer.leave();
    drop(host);
    drop(reader);
}
