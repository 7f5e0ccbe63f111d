//! The readable end of a future.
//!
//! 1. `area` is null, or room for one value. While a read is in flight the host writes there (rule 5).
//! 2. `arrived` is set from the answer COMPLETED until the value is lifted; the end may only be dropped from then on.
//! 3. `taken` is set when the value was lifted.

use super::{FutureVtable, FutureWriter};
use crate::abi::copy;
use crate::copy::{Port, fresh_ends};
use crate::rt::cleanup::{Cleanup, HandleCell};
use crate::waitable;
use core::cell::Cell;
use core::fmt;
use core::mem;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, ready};

/// The readable end of a future. Await it to get the value.
///
/// Awaiting `&mut reader` instead keeps the reader: dropping that wait loses nothing, and the next one goes on where it
/// was.
pub struct FutureReader<T: 'static> {
    handle: HandleCell,
    port: Port,
    vtable: &'static FutureVtable<T>,
    area: Cell<*mut u8>,
    arrived: Cell<bool>,
    taken: Cell<bool>,
}

// SAFETY: rule 1: everything but the handle cell is touched only where the reader's instance is current.
unsafe impl<T: Send> Send for FutureReader<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for FutureReader<T> {}
// Nothing is pinned: the area is on the heap.
impl<T> Unpin for FutureReader<T> {}

impl<T> FutureReader<T> {
    /// # Safety
    ///
    /// `handle` is a readable end of a future of this type, and nobody else's.
    #[inline]
    pub(super) unsafe fn from_handle(handle: u32, vtable: &'static FutureVtable<T>) -> FutureReader<T> {
        FutureReader {
            handle: HandleCell::new(handle),
            port: Port::new(),
            vtable,
            area: Cell::new(ptr::null_mut()),
            arrived: Cell::new(false),
            taken: Cell::new(false),
        }
    }

    /// The number the host knows the readable end by; 0 when it was passed on.
    pub fn handle(&self) -> u32 {
        self.handle.get()
    }

    fn poll_value(&self, cx: &Context<'_>) -> Poll<T> {
        while !self.arrived.get() {
            if self.taken.get() {
                read_again();
            }
            let answer = if self.port.is_busy() {
                self.port.poll(cx.waker())
            } else {
                self.start(cx)
            };
            // A read that was cancelled in order to pass the reader on starts over.
            self.settle(ready!(answer));
        }
        Poll::Ready(self.lift())
    }

    fn start(&self, cx: &Context<'_>) -> Poll<u32> {
        self.port.instance().check();
        if self.area.get().is_null() {
            // SAFETY: it was made for that type (rule 8).
            self.area.set(unsafe { self.vtable.area.take::<u64>() });
        }
        let handle = self.handle.get();
        // SAFETY: the end is idle and unread; the area is ours until the answer (rule 5).
        let status = unsafe { (self.vtable.intrinsics.read)(handle, self.area.get()) };
        self.port.started(handle, status, cx.waker())
    }

    fn settle(&self, answer: u32) {
        if answer & 0xf != copy::CANCELLED {
            self.arrived.set(true);
        }
    }

    /// The value that has arrived.
    fn lift(&self) -> T {
        self.arrived.set(false);
        self.taken.set(true);
        // SAFETY: rules 1 and 2 above: the value is in the area and is lifted once.
        unsafe { self.vtable.value(self.area.get()) }
    }

    /// Ends the read in flight, if any.
    fn cancel(&self) {
        if let Some(answer) = self.port.cancel(self.vtable.intrinsics.cancel_read) {
            self.settle(answer);
        }
    }

    #[inline]
    fn free_area(&self) {
        let area = self.area.replace(ptr::null_mut());
        if !area.is_null() {
            // SAFETY: taken from the pool as this kind of block; nothing is in flight.
            unsafe { self.vtable.area.give::<u64>(area) }
        }
    }

    #[inline]
    fn drop_end(&self) {
        self.port.free();
        let handle = self.handle.take();
        if handle != 0 {
            // SAFETY: the end is ours and idle.
            unsafe { (self.vtable.intrinsics.drop_readable)(handle) }
        }
    }

    /// Takes the readable end out, for `future_lower`.
    ///
    /// # Safety
    ///
    /// The reader stays where it is until `cleanup` is done with it.
    pub(super) unsafe fn lower(&self, cleanup: &mut Cleanup) -> u32 {
        self.port.instance().check();
        if self.taken.get() {
            read_again();
        }
        if !self.area.get().is_null() {
            self.prepare_to_leave();
        }
        // SAFETY: promised by the caller.
        unsafe { self.handle.lower(cleanup) }
    }

    /// Makes an end that was read from ready to be passed on.
    #[inline(never)]
    fn prepare_to_leave(&self) {
        self.cancel();
        if self.arrived.get() {
            self.splice();
        } else {
            self.port.free();
            self.free_area();
        }
    }

    /// Moves a value that has arrived to a fresh future, whose readable end takes the place of ours. It is written in the
    /// background.
    fn splice(&self) {
        let value = self.lift();
        self.taken.set(false);
        self.drop_end();
        self.free_area();
        // SAFETY: rule 8: the built-in is the one of this future type.
        let (readable, writable) = unsafe { fresh_ends(self.vtable.intrinsics.new) };
        self.handle.set(readable);
        FutureWriter::write_in_background(writable, self.vtable, value);
    }

    /// Takes everything out of this reader, which is then nobody's any more.
    fn take(&mut self) -> FutureReader<T> {
        FutureReader {
            handle: HandleCell::new(self.handle.take()),
            port: mem::replace(&mut self.port, Port::new()),
            vtable: self.vtable,
            area: Cell::new(self.area.replace(ptr::null_mut())),
            arrived: Cell::new(self.arrived.replace(false)),
            taken: Cell::new(self.taken.get()),
        }
    }

    /// What dropping a reader does that was read from.
    #[inline(never)]
    fn end(&self) {
        self.cancel();
        if self.arrived.get() {
            drop(self.lift());
        }
        self.drop_end();
        self.free_area();
    }
}

impl<T> Drop for FutureReader<T> {
    #[inline]
    fn drop(&mut self) {
        if self.handle.get() == 0 && self.area.get().is_null() {
            // Passed on, unread.
        } else if waitable::is_alive(self.port.instance()) {
            self.end();
        }
    }
}

impl<T> fmt::Debug for FutureReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureReader").field("handle", &self.handle()).finish()
    }
}

impl<T> IntoFuture for FutureReader<T> {
    type Output = T;
    type IntoFuture = FutureRead<T>;

    fn into_future(self) -> FutureRead<T> {
        FutureRead { reader: self }
    }
}

impl<'a, T> IntoFuture for &'a mut FutureReader<T> {
    type Output = T;
    type IntoFuture = FutureReadMut<'a, T>;

    fn into_future(self) -> FutureReadMut<'a, T> {
        FutureReadMut { reader: self }
    }
}

/// A [`FutureReader`] being awaited. Dropping it drops the reader, and the value if it has arrived.
#[must_use = "a read does nothing unless it is awaited"]
pub struct FutureRead<T: 'static> {
    reader: FutureReader<T>,
}

impl<T> FutureRead<T> {
    /// Ends the read now: the value if it has come, or else the reader, which can be awaited again.
    ///
    /// # Panics
    ///
    /// If the value was returned already.
    pub fn cancel(self: Pin<&mut Self>) -> Result<T, FutureReader<T>> {
        let reader = &mut self.get_mut().reader;
        if reader.taken.get() {
            read_again();
        }
        reader.cancel();
        if reader.arrived.get() {
            Ok(reader.lift())
        } else {
            Err(reader.take())
        }
    }
}

impl<T> Future for FutureRead<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.reader.poll_value(cx)
    }
}

/// A [`FutureReader`] being awaited by reference. Cancel safe: dropping it leaves the reader as it is.
#[must_use = "a read does nothing unless it is awaited"]
pub struct FutureReadMut<'a, T: 'static> {
    reader: &'a mut FutureReader<T>,
}

impl<T> Future for FutureReadMut<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.reader.poll_value(cx)
    }
}

#[cold]
fn read_again() -> ! {
    panic!("a future was read, or passed on, after its value had been read")
}
