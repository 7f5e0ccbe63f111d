//! The reading state machine, without the item type: canonical bytes in a buffer, and which of them are unread.
//!
//! 1. `buffer` holds `capacity` elements; those in `head..tail` are received and unread, in canonical form. While a copy
//!    is in flight, `head == tail` and the host writes behind `tail`.
//! 2. The buffer is replaced, grown or handed out only while the port is idle and nothing is unread.
//! 3. Once the peer is gone, `closed` is set, and no built-in but the drop is called.

use crate::abi::{MAX_COPY, copy};
use crate::copy::Port;
use crate::pool;
use crate::rt::cleanup::HandleCell;
use crate::stream::StreamIntrinsics;
use crate::sys;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::mem;
use core::ptr;
use core::task::{Context, Poll};

/// Size and alignment of an element, and the built-ins: a stream's table without its types.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) size: usize,
    pub(super) align: usize,
    pub(super) intrinsics: &'static StreamIntrinsics,
}

impl Shape {
    /// The layout of a buffer of `capacity` elements.
    pub(super) fn buffer(&self, capacity: usize) -> Layout {
        let bytes = match self.size.checked_mul(capacity) {
            Some(bytes) => bytes,
            None => sys::out_of_memory(),
        };
        match Layout::from_size_align(bytes, self.align) {
            Ok(layout) => layout,
            Err(_) => sys::out_of_memory(),
        }
    }

    /// Allocates such a buffer.
    pub(super) fn alloc(&self, capacity: usize) -> *mut u8 {
        let layout = self.buffer(capacity);
        if layout.size() == 0 {
            ptr::without_provenance_mut(self.align)
        } else {
            pool::raw_alloc(layout)
        }
    }

    /// Frees such a buffer.
    ///
    /// # Safety
    ///
    /// It was allocated with this element layout and capacity, or is a vector's buffer of such elements.
    pub(super) unsafe fn free(&self, buffer: *mut u8, capacity: usize) {
        let layout = self.buffer(capacity);
        if layout.size() != 0 {
            // SAFETY: promised by the caller.
            unsafe { alloc::alloc::dealloc(buffer, layout) }
        }
    }
}

/// What a reader knows after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// There are unread items.
    Items,
    /// None, and there will be none.
    Closed,
    /// A read of length zero completed, or one was cancelled.
    Nothing,
}

/// A readable end and what was read from it.
pub(super) struct RawReader {
    pub(super) handle: HandleCell,
    pub(super) port: Port,
    buffer: Cell<*mut u8>,
    capacity: Cell<usize>,
    head: Cell<usize>,
    tail: Cell<usize>,
    /// The next read goes behind `tail` of an adopted buffer; otherwise reads start at the front.
    adopted: Cell<bool>,
    closed: Cell<bool>,
}

impl RawReader {
    pub(super) fn new(handle: u32) -> RawReader {
        RawReader {
            handle: HandleCell::new(handle),
            port: Port::new(),
            buffer: Cell::new(ptr::null_mut()),
            capacity: Cell::new(0),
            head: Cell::new(0),
            tail: Cell::new(0),
            adopted: Cell::new(false),
            closed: Cell::new(false),
        }
    }

    /// A copy of the state, whose owner this then no longer is.
    pub(super) fn take(&self, handle: u32) -> RawReader {
        let taken = RawReader {
            handle: HandleCell::new(self.handle.get()),
            port: Port::new(),
            buffer: Cell::new(self.buffer.replace(ptr::null_mut())),
            capacity: Cell::new(self.capacity.replace(0)),
            head: Cell::new(self.head.replace(0)),
            tail: Cell::new(self.tail.replace(0)),
            adopted: Cell::new(false),
            closed: Cell::new(self.is_closed()),
        };
        self.closed.set(false);
        self.handle.set(handle);
        taken
    }

    /// How many items are unread.
    #[inline]
    pub(super) fn unread(&self) -> usize {
        self.tail.get() - self.head.get()
    }

    pub(super) fn is_closed(&self) -> bool {
        if self.port.is_ended() {
            self.closed.set(true);
        }
        self.closed.get()
    }

    /// Takes the next unread item off, and answers where it is. It is read before the next step.
    #[inline]
    pub(super) fn pop(&self, shape: &Shape) -> *mut u8 {
        let head = self.head.get();
        self.head.set(head + 1);
        // SAFETY: rule 1 above: there is an element at `head`.
        unsafe { self.buffer.get().add(head * shape.size) }
    }

    /// Takes `count` unread items off at once.
    pub(super) fn pop_many(&self, shape: &Shape, count: usize) -> *mut u8 {
        let head = self.head.get();
        self.head.set(head + count);
        // SAFETY: as in `pop`.
        unsafe { self.buffer.get().add(head * shape.size) }
    }

    /// Makes `buffer`, with elements up to `tail` that are nobody's business here, the buffer to read into.
    ///
    /// The reader is idle and has nothing unread.
    pub(super) fn adopt(&self, shape: &Shape, buffer: *mut u8, capacity: usize, tail: usize) {
        self.free_buffer(shape);
        self.buffer.set(buffer);
        self.capacity.set(capacity);
        self.head.set(tail);
        self.tail.set(tail);
        self.adopted.set(true);
    }

    /// Hands out the buffer: pointer, capacity, and the end of what was read. Nothing is unread afterwards.
    pub(super) fn disown(&self) -> (*mut u8, usize, usize) {
        self.head.set(0);
        (
            self.buffer.replace(ptr::null_mut()),
            self.capacity.replace(0),
            self.tail.replace(0),
        )
    }

    fn free_buffer(&self, shape: &Shape) {
        let (buffer, capacity, _) = self.disown();
        if !buffer.is_null() {
            // SAFETY: rule 2 above; the buffer was allocated, or adopted, with this shape.
            unsafe { shape.free(buffer, capacity) }
        }
    }

    /// Waits until there are unread items, or an answer without any. With nothing in flight, starts a read of up to
    /// `want` items.
    pub(super) fn poll(&self, shape: &Shape, want: usize, cx: &Context<'_>) -> Poll<Filled> {
        if self.unread() != 0 {
            return Poll::Ready(Filled::Items);
        }
        if self.port.is_busy() {
            return self.port.poll(cx).map(|answer| self.settle(answer));
        }
        if self.is_closed() {
            return Poll::Ready(Filled::Closed);
        }
        match self.start(shape, want) {
            Some(answer) => Poll::Ready(self.settle(answer)),
            None => self.port.poll(cx).map(|answer| self.settle(answer)),
        }
    }

    /// Starts a read into the buffer. The reader is idle and has nothing unread.
    fn start(&self, shape: &Shape, want: usize) -> Option<u32> {
        self.port.instance().check();
        let want = want.min(MAX_COPY);
        if !self.adopted.replace(false) {
            self.head.set(0);
            self.tail.set(0);
        }
        if self.capacity.get() - self.tail.get() < want {
            self.adopt(shape, shape.alloc(want), want, 0);
            self.adopted.set(false);
        }
        let at = match self.buffer.get() {
            buffer if buffer.is_null() => ptr::without_provenance_mut(shape.align),
            // SAFETY: `tail` is within the buffer (rule 1 above).
            buffer => unsafe { buffer.add(self.tail.get() * shape.size) },
        };
        let handle = self.handle.get();
        // SAFETY: the end is idle and open; the host writes at most `want` elements behind `tail`, which there is room
        // for, until the answer (rule 5).
        let status = unsafe { (shape.intrinsics.read)(handle, at, want) };
        self.port.started(handle, status)
    }

    /// Takes in an answer.
    pub(super) fn settle(&self, answer: u32) -> Filled {
        let count = (answer >> 4) as usize;
        self.tail.set(self.tail.get() + count);
        let dropped = answer & 0xf == copy::DROPPED;
        if dropped {
            self.closed.set(true);
        }
        if count != 0 {
            Filled::Items
        } else if dropped {
            Filled::Closed
        } else {
            Filled::Nothing
        }
    }

    /// Ends the read in flight, if any. Afterwards the end is idle.
    pub(super) fn cancel(&self, shape: &Shape) -> Option<Filled> {
        self.port
            .cancel(shape.intrinsics.cancel_read)
            .map(|answer| self.settle(answer))
    }

    /// Frees everything but unread items, which the caller has taken, and drops the end if it is still here.
    pub(super) fn close(&self, shape: &Shape) {
        self.port.free();
        let handle = self.handle.take();
        if handle != 0 {
            // SAFETY: the end is ours and idle.
            unsafe { (shape.intrinsics.drop_readable)(handle) }
        }
        self.free_buffer(shape);
    }
}

/// Turns the canonical elements at `from` into a vector's items.
///
/// # Safety
///
/// The stream has no `lift`, so elements are values; there are `count` at `from` and room for as many.
pub(super) unsafe fn append_plain<T>(items: &mut alloc::vec::Vec<T>, from: *const u8, count: usize) {
    debug_assert!(mem::size_of::<T>() == 0 || items.capacity() - items.len() >= count);
    // SAFETY: promised by the caller.
    unsafe {
        ptr::copy_nonoverlapping(from.cast::<T>(), items.as_mut_ptr().add(items.len()), count);
        items.set_len(items.len() + count);
    }
}
