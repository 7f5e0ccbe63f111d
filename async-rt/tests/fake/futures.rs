//! The type of the tests' futures.

use super::Fake;
use super::ends::Peer;
use std::cell::RefCell;
use witflow_async_rt::rt::{
    self, Cleanup, FutureReader, FutureVtable, FutureWriter, HandleCell, future_lift, future_lower, future_new,
};

thread_local! {
    pub static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// A value with a handle, which notes what handle it is dropped with.
pub struct Value(pub HandleCell);

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({})", self.0.get())
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0.get()));
    }
}

pub fn value(number: u32) -> Value {
    Value(HandleCell::new(number))
}

unsafe fn lower(value: &Value, to: *mut u8, cleanup: &mut Cleanup) {
    unsafe { to.cast::<u32>().write(value.0.lower(cleanup)) }
}

pub static VALUES: FutureVtable<Value> = FutureVtable::new(
    4,
    4,
    Some(lower),
    Some(|from| unsafe { value(from.cast::<u32>().read()) }),
    rt::future_intrinsics!(
        "test",
        new = "[future-new-4]f",
        read = "[async-lower][future-read-4]f",
        write = "[async-lower][future-write-4]f",
        cancel_read = "[future-cancel-read-4]f",
        cancel_write = "[future-cancel-write-4]f",
        drop_readable = "[future-drop-readable-4]f",
        drop_writable = "[future-drop-writable-4]f"
    ),
);

pub fn lower_now(reader: &FutureReader<Value>) -> u32 {
    let mut cleanup = Cleanup::new();
    let handle = unsafe { future_lower(reader, &mut cleanup) };
    handle as u32
}

pub fn reader(host: &Fake) -> (FutureReader<Value>, Peer<'_>) {
    DROPPED.take();
    let (handle, peer) = host.future_in(4);
    (host.enter(|| unsafe { future_lift(handle, &VALUES) }), peer)
}

/// A writer of the guest, and its reader taken by the test. The default is 99.
pub fn writer(host: &Fake) -> (FutureWriter<Value>, Peer<'_>) {
    let (writer, reader) = host.enter(|| future_new(&VALUES, || value(99)));
    let handle = host.enter(|| lower_now(&reader));
    host.enter(|| drop(reader));
    DROPPED.take();
    (writer, host.take_reader(handle))
}
