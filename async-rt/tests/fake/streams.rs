//! Stream types of the tests, and what every test with streams needs.

use super::Fake;
use super::ends::Peer;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use witflow_async_rt::rt::{
    self, Cleanup, HandleCell, StreamReader, StreamVtable, StreamWriter, stream_lift, stream_lower, stream_new,
};

pub static BYTES: StreamVtable<u8> = StreamVtable::new(
    1,
    1,
    None,
    None,
    rt::stream_intrinsics!(
        "test",
        new = "[stream-new-1]f",
        read = "[async-lower][stream-read-1]f",
        write = "[async-lower][stream-write-1]f",
        cancel_read = "[stream-cancel-read-1]f",
        cancel_write = "[stream-cancel-write-1]f",
        drop_readable = "[stream-drop-readable-1]f",
        drop_writable = "[stream-drop-writable-1]f"
    ),
);

/// An item whose canonical form is a number, and which counts how often it is dropped.
#[derive(Debug, PartialEq)]
pub struct Item(pub u32);

thread_local! {
    pub static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
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

pub static ITEMS: StreamVtable<Item> = StreamVtable::new(
    4,
    4,
    Some(lower),
    Some(|from| unsafe { Item(from.cast::<u32>().read()) }),
    rt::stream_intrinsics!(
        "test",
        new = "[stream-new-4]f",
        read = "[async-lower][stream-read-4]f",
        write = "[async-lower][stream-write-4]f",
        cancel_read = "[stream-cancel-read-4]f",
        cancel_write = "[stream-cancel-write-4]f",
        drop_readable = "[stream-drop-readable-4]f",
        drop_writable = "[stream-drop-writable-4]f"
    ),
);

pub fn bytes(host: &Fake) -> (StreamReader<u8>, Peer<'_>) {
    let (handle, peer) = host.stream_in(1);
    (host.enter(|| unsafe { stream_lift(handle, &BYTES) }), peer)
}

pub fn items(host: &Fake) -> (StreamReader<Item>, Peer<'_>) {
    DROPPED.take();
    let (handle, peer) = host.stream_in(4);
    (host.enter(|| unsafe { stream_lift(handle, &ITEMS) }), peer)
}

/// A writer of the guest, and its reader taken by the test.
pub fn writer<'a, T: 'static>(host: &'a Fake, vtable: &'static StreamVtable<T>) -> (StreamWriter<T>, Peer<'a>) {
    let (writer, reader) = host.enter(|| stream_new(vtable));
    let handle = host.enter(|| lower_now(&reader));
    host.enter(|| drop(reader));
    (writer, host.take_reader(handle))
}

pub fn lower_now<T>(reader: &StreamReader<T>) -> u32 {
    let mut cleanup = Cleanup::new();
    let handle = unsafe { stream_lower(reader, &mut cleanup) };
    handle as u32
}

pub fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

/// Polls a future once; it must not be ready.
pub async fn poll_once<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await
}

/// Items that are nothing but handles.
pub static HANDLES: StreamVtable<HandleCell> = StreamVtable::new(
    4,
    4,
    Some(|item, to, cleanup| unsafe { to.cast::<u32>().write(item.lower(cleanup)) }),
    Some(|from| unsafe { HandleCell::new(from.cast::<u32>().read()) }),
    rt::stream_intrinsics!(
        "test",
        new = "[stream-new-4]f",
        read = "[async-lower][stream-read-4]f",
        write = "[async-lower][stream-write-4]f",
        cancel_read = "[stream-cancel-read-4]f",
        cancel_write = "[stream-cancel-write-4]f",
        drop_readable = "[stream-drop-readable-4]f",
        drop_writable = "[stream-drop-writable-4]f"
    ),
);
