//! The readable end of a future.
//!
//! 1. `area` is null, or room for one value. While a read is in flight the host writes there (rule 5).
//! 2. `arrived` is set from the answer COMPLETED until the value is lifted; the end may only be dropped from then on.
//! 3. `taken` is set when the value was lifted.

use super::{FutureVtable, future_new};
use crate::abi::copy;
use crate::copy::Port;
use crate::pool;
use crate::rt::cleanup::{Cleanup, HandleCell};
use crate::task::spawn::spawn_here;
use crate::{sys, waitable};
use alloc::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::mem;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

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

/// The layout of a value's canonical form.
pub(super) fn area_layout(size: usize, align: usize) -> Layout {
    match Layout::from_size_align(size, align) {
        Ok(layout) => layout,
        Err(_) => sys::out_of_memory(),
    }
}

impl<T> FutureReader<T> {
    /// # Safety
    ///
    /// `handle` is a readable end of a future of this type, and nobody else's.
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

    fn layout(&self) -> Layout {
        area_layout(self.vtable.size, self.vtable.align)
    }

    fn poll_value(&self, cx: &Context<'_>) -> Poll<T> {
        if !self.arrived.get() {
            if self.taken.get() {
                read_again();
            }
            let answer = if self.port.is_busy() {
                self.port.poll(cx.waker())
            } else {
                self.start(cx)
            };
            match answer {
                Poll::Ready(answer) => self.settle(answer),
                Poll::Pending => return Poll::Pending,
            }
            if !self.arrived.get() {
                // Only a cancel can bring us here, and no cancel is in progress: start over.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(self.lift())
    }

    fn start(&self, cx: &Context<'_>) -> Poll<u32> {
        self.port.instance().check();
        if self.area.get().is_null() {
            let layout = self.layout();
            self.area.set(match layout.size() {
                0 => ptr::without_provenance_mut(layout.align()),
                _ => pool::take(layout),
            });
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
        // SAFETY: rules 1 and 2 above: the value is in the area and is lifted once (rule 8).
        unsafe {
            match self.vtable.lift {
                Some(lift) => lift(self.area.get()),
                None => self.area.get().cast::<T>().read(),
            }
        }
    }

    /// Ends the read in flight, if any.
    fn cancel(&self) {
        if let Some(answer) = self.port.cancel(self.vtable.intrinsics.cancel_read) {
            self.settle(answer);
        }
    }

    fn free_area(&self) {
        let area = self.area.replace(ptr::null_mut());
        let layout = self.layout();
        if !area.is_null() && layout.size() != 0 {
            // SAFETY: taken from the pool with this layout; nothing is in flight.
            unsafe { pool::give(area, layout) }
        }
    }

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
        if self.handle() != 0 {
            self.cancel();
            if self.arrived.get() {
                self.splice();
            } else {
                self.port.leave_set();
                self.port.free();
                self.free_area();
            }
        }
        // SAFETY: promised by the caller.
        unsafe { self.handle.lower(cleanup) }
    }

    /// Moves a value that has arrived to a fresh future, whose readable end takes the place of ours.
    fn splice(&self) {
        let value = self.lift();
        self.taken.set(false);
        self.drop_end();
        self.free_area();
        let (writer, fresh) = future_new(self.vtable, no_default::<T>);
        self.handle.set(fresh.handle.take());
        spawn_here(async move {
            let _ = writer.write(value).await;
        });
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
}

/// The default of a writer that always writes a value.
fn no_default<T>() -> T {
    panic!("the value of a forwarded future was dropped before it was written")
}

impl<T> Drop for FutureReader<T> {
    fn drop(&mut self) {
        if !waitable::is_alive(self.port.instance()) {
            return;
        }
        self.cancel();
        if self.arrived.get() {
            drop(self.lift());
        }
        self.drop_end();
        self.free_area();
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

/// A [`FutureReader`] being awaited.
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

/// A [`FutureReader`] being awaited by reference.
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
