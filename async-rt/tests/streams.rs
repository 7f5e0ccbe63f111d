//! Streams: chunks, dropped peers, dropped and forgotten futures, readers that are passed on.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::ends::Peer;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use witflow_async_rt::rt::{
    self, Cleanup, HandleCell, StreamReader, StreamResult, StreamVtable, StreamWriter, stream_lift, stream_lower,
    stream_new,
};

rt::import!("test", "[task-return]run", fn task_return());

static BYTES: StreamVtable<u8> = StreamVtable {
    size: 1,
    align: 1,
    lower: None,
    lift: None,
    intrinsics: rt::stream_intrinsics!(
        "test",
        new = "[stream-new-1]f",
        read = "[async-lower][stream-read-1]f",
        write = "[async-lower][stream-write-1]f",
        cancel_read = "[stream-cancel-read-1]f",
        cancel_write = "[stream-cancel-write-1]f",
        drop_readable = "[stream-drop-readable-1]f",
        drop_writable = "[stream-drop-writable-1]f"
    ),
};

/// An item whose canonical form is a number, and which counts how often it is dropped.
#[derive(Debug, PartialEq)]
struct Item(u32);

thread_local! {
    static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

impl Drop for Item {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

unsafe fn lower(item: &Item, to: *mut u8, cleanup: &mut Cleanup) {
    cleanup.alloc(2, 1);
    unsafe { to.cast::<u32>().write(item.0) }
}

static ITEMS: StreamVtable<Item> = StreamVtable {
    size: 4,
    align: 4,
    lower: Some(lower),
    lift: Some(|from| unsafe { Item(from.cast::<u32>().read()) }),
    intrinsics: rt::stream_intrinsics!(
        "test",
        new = "[stream-new-4]f",
        read = "[async-lower][stream-read-4]f",
        write = "[async-lower][stream-write-4]f",
        cancel_read = "[stream-cancel-read-4]f",
        cancel_write = "[stream-cancel-write-4]f",
        drop_readable = "[stream-drop-readable-4]f",
        drop_writable = "[stream-drop-writable-4]f"
    ),
};

async fn returning(body: impl Future<Output = ()>) {
    body.await;
    unsafe { task_return() };
}

fn bytes(host: &Fake) -> (StreamReader<u8>, Peer<'_>) {
    let (handle, peer) = host.stream_in(1);
    (host.enter(|| unsafe { stream_lift(handle, &BYTES) }), peer)
}

fn items(host: &Fake) -> (StreamReader<Item>, Peer<'_>) {
    DROPPED.take();
    let (handle, peer) = host.stream_in(4);
    (host.enter(|| unsafe { stream_lift(handle, &ITEMS) }), peer)
}

/// A writer of the guest, and its reader taken by the test.
fn writer<'a, T: 'static>(host: &'a Fake, vtable: &'static StreamVtable<T>) -> (StreamWriter<T>, Peer<'a>) {
    let (writer, reader) = host.enter(|| stream_new(vtable));
    let handle = host.enter(|| lower_now(&reader));
    host.enter(|| drop(reader));
    (writer, host.take_reader(handle))
}

fn lower_now<T>(reader: &StreamReader<T>) -> u32 {
    let mut cleanup = Cleanup::new();
    let handle = unsafe { stream_lower(reader, &mut cleanup) };
    handle as u32
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

/// Polls a future once; it must not be ready.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await
}

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

static HANDLES: StreamVtable<HandleCell> = StreamVtable {
    size: 4,
    align: 4,
    lower: Some(|item, to, cleanup| unsafe { to.cast::<u32>().write(item.lower(cleanup)) }),
    lift: Some(|from| unsafe { HandleCell::new(from.cast::<u32>().read()) }),
    intrinsics: rt::stream_intrinsics!(
        "test",
        new = "[stream-new-4]f",
        read = "[async-lower][stream-read-4]f",
        write = "[async-lower][stream-write-4]f",
        cancel_read = "[stream-cancel-read-4]f",
        cancel_write = "[stream-cancel-write-4]f",
        drop_readable = "[stream-drop-readable-4]f",
        drop_writable = "[stream-drop-writable-4]f"
    ),
};

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
fn events_for_an_idle_end_are_ignored() {
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
        assert_eq!(reader.next().await, Some(2));
    }));
    assert_eq!(peer.write(&[1]), 1);
    host.run(task);
    host.mention_drop(handle);
    assert!(host.step(task), "the event is delivered");
    closed.0.set(false);
    host.enter(|| closed.1.take().unwrap().wake());
    host.run(task);
    assert!(!host.exited(task), "the reader waits for its next item");
    assert_eq!(peer.write(&[2]), 1);
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
