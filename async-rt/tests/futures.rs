//! Futures: both ends, in every order, and the default that is written when nothing else was.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::futures::{DROPPED, VALUES, lower_now, reader, value, writer};
use fake::streams::poll_once;
use fake::tasks::returning;
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use witflow_async_rt::rt::{self, FutureWriteCancel, future_new};

fn word(number: u32) -> Vec<u8> {
    number.to_ne_bytes().to_vec()
}

#[test]
fn a_value_is_read_once() {
    let host = Fake::new();
    let (reader, peer) = reader(&host);
    let task = host.start(returning(async move { assert_eq!(reader.await.0.get(), 5) }));
    assert_eq!(peer.write(&word(5)), 1);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [5]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_wait_keeps_the_value() {
    let host = Fake::new();
    let (mut reader, peer) = reader(&host);
    let task = host.start(returning(async move {
        poll_once(pin!((&mut reader).into_future())).await;
        rt::yield_now().await;
        assert_eq!((&mut reader).await.0.get(), 6);
    }));
    assert_eq!(peer.write(&word(6)), 1);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_reader_drops_a_value_that_has_arrived() {
    let host = Fake::new();
    let (reader, peer) = reader(&host);
    let task = host.start(returning(async move {
        poll_once(pin!(reader.into_future())).await;
    }));
    assert!(host.exited(task));
    assert!(peer.alone());

    let (late, peer) = self::reader(&host);
    let task = host.start(returning(async move {
        let mut read = Box::pin(late.into_future());
        poll_once(read.as_mut()).await;
        rt::yield_now().await;
        drop(read);
    }));
    assert_eq!(peer.write(&word(7)), 1);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [7]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn cancelling_a_read_gives_the_reader_or_the_value() {
    let host = Fake::new();
    let (reader, peer) = reader(&host);
    let task = host.start(returning(async move {
        let mut read = pin!(reader.into_future());
        poll_once(read.as_mut()).await;
        let reader = read.as_mut().cancel().unwrap_err();
        let mut read = pin!(reader.into_future());
        poll_once(read.as_mut()).await;
        rt::yield_now().await;
        assert_eq!(read.as_mut().cancel().unwrap().0.get(), 8);
    }));
    assert_eq!(peer.write(&word(8)), 1);
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_value_that_has_arrived_is_passed_on() {
    let host = Fake::new();
    let (mut reader, peer) = reader(&host);
    let passed = Rc::new(Cell::new(0));
    let out = passed.clone();
    let task = host.start(returning(async move {
        poll_once(pin!((&mut reader).into_future())).await;
        rt::yield_now().await;
        out.set(lower_now(&reader));
    }));
    assert_eq!(peer.write(&word(9)), 1);
    host.run(task);
    let end = host.take_reader(passed.get());
    assert!(!host.exited(task), "the value is still to be delivered");
    assert_eq!(end.read(1), word(9));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [0], "the handle has gone with the value");
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_unread_reader_is_passed_on_as_it_is() {
    let host = Fake::new();
    let (mut reader, _peer) = reader(&host);
    let passed = Rc::new(Cell::new(0));
    let out = passed.clone();
    let task = host.start(returning(async move {
        poll_once(pin!((&mut reader).into_future())).await;
        out.set(lower_now(&reader));
    }));
    assert!(host.exited(task));
    host.take_reader(passed.get());
    assert_eq!(host.calls("future-new"), 0);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_written_value_arrives() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let task = host.start(returning(async move { writer.write(value(3)).await.unwrap() }));
    assert_eq!(peer.read(1), word(3));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [0]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_value_nobody_reads_comes_back_with_its_handle() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let task = host.start(returning(async move {
        let error = writer.write(value(3)).await.unwrap_err();
        assert_eq!(error.value.0.get(), 3);
    }));
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [3]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_write_is_cancelled_and_the_default_written() {
    for polled in [false, true] {
        let host = Fake::new();
        let (writer, peer) = writer(&host);
        let task = host.start(returning(async move {
            let mut write = Box::pin(writer.write(value(4)));
            if polled {
                poll_once(write.as_mut()).await;
            }
            drop(write);
        }));
        assert!(!host.exited(task), "a background write holds its task");
        assert_eq!(DROPPED.take(), [4]);
        assert_eq!(peer.read(1), word(99));
        host.run(task);
        assert!(host.exited(task));
        assert_eq!(host.handles(), 0);
    }
}

#[test]
fn a_dropped_write_that_was_answered_has_sent_its_value() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let task = host.start(returning(async move {
        let mut write = Box::pin(writer.write(value(4)));
        poll_once(write.as_mut()).await;
        rt::yield_now().await;
        drop(write);
    }));
    assert_eq!(peer.read(1), word(4));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [0]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_writer_writes_its_default() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let task = host.start(returning(async move { drop(writer) }));
    assert_eq!(peer.read(1), word(99));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_default_nobody_reads_is_dropped() {
    let host = Fake::new();
    let (early, peer) = writer(&host);
    peer.leave();
    let task = host.start(returning(async move { drop(early) }));
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [99]);

    let (late, peer) = writer(&host);
    let task = host.start(returning(async move { drop(late) }));
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [99]);
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_default_is_written_without_any_task() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    host.enter(|| drop(writer));
    assert_eq!(peer.read(1), word(99));
}

#[test]
fn a_panic_writes_no_default() {
    let host = Fake::new();
    let (writer, reader) = host.enter(|| future_new(&VALUES, || unreachable!("the process would end")));
    let panicking = AssertUnwindSafe(|| {
        host.enter(|| {
            let _writer = writer;
            panic!("on purpose")
        })
    });
    assert!(catch_unwind(panicking).is_err());
    host.enter(|| drop(reader));
    assert_eq!(host.handles(), 1, "that of the writer");
}

#[test]
fn a_default_is_written_while_its_task_is_cancelled() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let task = host.start(returning(async move {
        let _writer = writer;
        poll_fn(|_| Poll::<()>::Pending).await;
    }));
    host.cancel(task);
    assert_eq!(host.calls("[task-cancel]"), 1);
    assert!(!host.exited(task));
    assert_eq!(peer.read(1), word(99));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn cancelling_a_write_gives_back_value_and_writer() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let task = host.start(returning(async move {
        let mut write = pin!(writer.write(value(1)));
        poll_once(write.as_mut()).await;
        let FutureWriteCancel::Cancelled(back, writer) = write.as_mut().cancel() else {
            panic!()
        };
        assert_eq!(back.0.get(), 1);
        let unpolled = pin!(writer.write(back));
        let FutureWriteCancel::Cancelled(back, writer) = unpolled.cancel() else {
            panic!()
        };
        let mut write = pin!(writer.write(back));
        poll_once(write.as_mut()).await;
        rt::yield_now().await;
        assert!(matches!(write.as_mut().cancel(), FutureWriteCancel::AlreadySent));
    }));
    assert_eq!(peer.read(1), word(1));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn cancelling_a_write_nobody_reads_gives_back_the_value() {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let task = host.start(returning(async move {
        let mut write = pin!(writer.write(value(1)));
        poll_once(write.as_mut()).await;
        rt::yield_now().await;
        let FutureWriteCancel::Dropped(back) = write.as_mut().cancel() else {
            panic!()
        };
        assert_eq!(back.0.get(), 1);
    }));
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take(), [1]);
    assert_eq!(host.handles(), 0);
}
