//! Writable ends of streams: partial and dropped writes, what comes back, and the sink.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::streams::*;
use fake::tasks::returning;
use futures_sink::Sink;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use witflow_async_rt::rt::{self, HandleCell, StreamResult};

#[test]
fn a_write_returns_what_was_not_sent() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &ITEMS);
    DROPPED.take();
    let task = host.start(returning(async move {
        let (result, buffer) = writer.write(vec![Item(1), Item(2), Item(3)]).await;
        assert_eq!(result, StreamResult::Complete(1));
        assert_eq!(buffer.remaining(), 2);
        let (result, buffer) = writer.write_buf(buffer).await;
        assert_eq!(result, StreamResult::Complete(1));
        let (result, buffer) = writer.write_buf(buffer).await;
        assert_eq!(result, StreamResult::Dropped);
        assert_eq!(buffer.into_vec().iter().map(|item| item.0).collect::<Vec<_>>(), [3]);
        assert_eq!(writer.write(vec![Item(4)]).await.0, StreamResult::Dropped);
        assert_eq!(writer.write_one(Item(5)).await.map(|item| item.0), Some(5));
        assert_eq!(writer.write_all(vec![Item(6)]).await.len(), 1);
    }));
    assert_eq!(peer.read(1), words(&[1]));
    host.run(task);
    assert_eq!(peer.read(1), words(&[2]));
    host.run(task);
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(
        host.calls("[stream-write-4]"),
        3,
        "no write at an end that is known to be closed"
    );
    let mut dropped = DROPPED.take();
    dropped.sort();
    assert_eq!(dropped, [1, 2, 3, 4, 5, 6], "every item exactly once");
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_dropped_write_goes_on_and_later_ones_queue_behind_it() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        poll_once(pin!(writer.write(vec![1, 2, 3]))).await;
        assert!(writer.write_all(vec![4, 5]).await.is_empty());
        assert_eq!(writer.write_one(6).await, None);
    }));
    let mut got = peer.read(2);
    host.run(task);
    for _ in 0..4 {
        got.extend(peer.read(10));
        host.run(task);
    }
    assert_eq!(got, [1, 2, 3, 4, 5, 6]);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn cancelling_a_write_gives_the_rest_back() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        let mut write = pin!(writer.write(vec![1, 2, 3]));
        poll_once(write.as_mut()).await;
        rt::yield_now().await;
        let (result, buffer) = write.cancel();
        assert_eq!(
            (result, buffer.into_vec().as_slice()),
            (StreamResult::Complete(1), [2, 3].as_slice())
        );
        let write = pin!(writer.write(vec![9]));
        let (result, buffer) = write.cancel();
        assert_eq!(
            (result, buffer.into_vec().as_slice()),
            (StreamResult::Cancelled, [9].as_slice())
        );
    }));
    assert_eq!(peer.read(1), [1]);
    host.run(task);
    assert!(host.exited(task));
    assert!(peer.alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn unsent_items_get_their_handles_back_and_sent_ones_do_not() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &HANDLES);
    let task = host.start(returning(async move {
        let items = (1..=9).map(HandleCell::new).collect();
        let mut write = pin!(writer.write(items));
        poll_once(write.as_mut()).await;
        rt::yield_now().await;
        let (result, buffer) = write.cancel();
        assert_eq!(result, StreamResult::Complete(2));
        assert_eq!(
            buffer.into_vec().iter().map(HandleCell::get).collect::<Vec<_>>(),
            [3, 4, 5, 6, 7, 8, 9]
        );
        let (result, buffer) = writer.write([11, 12].map(HandleCell::new).into()).await;
        assert_eq!(result, StreamResult::Complete(1));
        assert_eq!(buffer.into_vec().iter().map(HandleCell::get).collect::<Vec<_>>(), [12]);
    }));
    assert_eq!(peer.read(2), words(&[1, 2]));
    host.run(task);
    assert_eq!(peer.read(1), words(&[11]));
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_sink_sends_by_the_chunk_and_names_what_it_could_not_send() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        for byte in 0..5000u32 {
            poll_fn(|cx| Pin::new(&mut writer).poll_ready(cx)).await.unwrap();
            Pin::new(&mut writer).start_send(byte as u8).unwrap();
        }
        poll_fn(|cx| Pin::new(&mut writer).poll_flush(cx)).await.unwrap();
        Pin::new(&mut writer).start_send(42).unwrap();
        let error = poll_fn(|cx| Pin::new(&mut writer).poll_flush(cx)).await.unwrap_err();
        assert_eq!(error.unsent, [42]);
        let error = Pin::new(&mut writer).start_send(43).unwrap_err();
        assert_eq!(error.unsent, [43]);
        poll_fn(|cx| Pin::new(&mut writer).poll_close(cx)).await.unwrap();
        assert_eq!(writer.handle(), 0);
    }));
    let mut got = Vec::new();
    while got.len() < 5000 {
        got.extend(peer.read(3000));
        host.run(task);
    }
    assert_eq!(got, (0..5000u32).map(|byte| byte as u8).collect::<Vec<_>>());
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_idle_end_that_was_told_its_peer_is_gone_sends_no_more() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &BYTES);
    let handle = writer.handle();
    let gate = Rc::new(RefCell::new(None::<Waker>));
    let waiting = gate.clone();
    let task = host.start(returning(async move {
        assert!(writer.write_all(vec![1]).await.is_empty());
        let mut opened = false;
        poll_fn(|cx| {
            if opened {
                return Poll::Ready(());
            }
            opened = true;
            *gate.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
        assert!(writer.is_closed());
        assert_eq!(writer.write_all(vec![2]).await, [2]);
        assert_eq!(writer.write_one(3).await, Some(3));
        assert_eq!(writer.write_from(&mut vec![4]).await, 0);
        let (result, buffer) = writer.write(vec![5]).await;
        assert_eq!(
            (result, buffer.into_vec().as_slice()),
            (StreamResult::Dropped, [5].as_slice())
        );
        let mut sink = Pin::new(&mut writer);
        let error = poll_fn(|cx| {
            if sink.as_mut().poll_ready(cx).is_ready() && sink.as_mut().start_send(6).is_ok() {
                return sink.as_mut().poll_flush(cx);
            }
            panic!("the sink learns of it when it sends");
        });
        assert_eq!(error.await.unwrap_err().unsent, [6]);
    }));
    assert_eq!(peer.read(1), [1]);
    host.run(task);
    let writes = host.calls("[stream-write-1]");
    peer.leave();
    host.mention_drop(handle);
    assert!(host.step(task), "the event is delivered");
    host.enter(|| waiting.take().unwrap().wake());
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(
        host.calls("[stream-write-1]"),
        writes,
        "nothing is asked of an end that has ended"
    );
    assert_eq!(host.handles(), 0);
}
