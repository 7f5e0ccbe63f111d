//! The reading state machine, without the item type: canonical bytes in a buffer, and which of them are unread.
//!
//! 1. `buffer` holds `capacity` elements; those in `head..tail` are received and unread, in canonical form. While a copy
//!    is in flight, `head == tail` and the host writes behind `tail`.
//! 2. The buffer is replaced, grown or handed out only while the port is idle and nothing is unread.
//! 3. Once the peer is gone, `closed` is set, and no built-in but the drop is called.

use super::items::{Items, alloc_elements, free_elements};
use super::vtable::RawVtable;
use crate::abi::{BLOCKED, MAX_COPY, at_most};
use crate::copy::{Port, ends};
use crate::rt::cleanup::{Cleanup, HandleCell};
use crate::waitable;
use core::cell::Cell;
use core::ptr;
use core::task::{Context, Poll};

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
    pub(super) vtable: &'static RawVtable,
    pub(super) handle: HandleCell,
    pub(super) port: Port,
    buffer: Cell<*mut u8>,
    capacity: Cell<usize>,
    head: Cell<usize>,
    tail: Cell<usize>,
    closed: Cell<bool>,
}

impl RawReader {
    pub(super) fn new(handle: u32, vtable: &'static RawVtable) -> RawReader {
        RawReader {
            vtable,
            handle: HandleCell::new(handle),
            port: Port::new(),
            buffer: Cell::new(ptr::null_mut()),
            capacity: Cell::new(0),
            head: Cell::new(0),
            tail: Cell::new(0),
            closed: Cell::new(false),
        }
    }

    /// A copy of the state, whose owner this then no longer is.
    pub(super) fn take(&self, handle: u32) -> RawReader {
        let taken = RawReader {
            vtable: self.vtable,
            handle: HandleCell::new(self.handle.get()),
            port: Port::new(),
            buffer: Cell::new(self.buffer.replace(ptr::null_mut())),
            capacity: Cell::new(self.capacity.replace(0)),
            head: Cell::new(self.head.replace(0)),
            tail: Cell::new(self.tail.replace(0)),
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

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        if self.port.is_ended() {
            self.closed.set(true);
        }
        self.closed.get()
    }

    /// Whether nothing is unread or in flight, and the writer may still send something.
    #[inline]
    pub(super) fn is_clear(&self) -> bool {
        self.head.get() == self.tail.get() && !self.closed.get() && self.port.is_idle()
    }

    /// Where the first unread item is.
    #[inline]
    fn first(&self) -> *mut u8 {
        // SAFETY: rule 1 above.
        unsafe { self.buffer.get().add(self.head.get() * self.vtable.size) }
    }

    /// Takes `count` unread items off, and answers where they are. They are read before the next step.
    #[inline]
    pub(super) fn pop(&self, count: usize) -> *mut u8 {
        let first = self.first();
        self.head.set(self.head.get() + count);
        first
    }

    /// Makes `buffer`, with elements up to `tail` that are nobody's business here, the buffer that a read into `buffer` behind
    /// them is in flight for, or is to be started for.
    ///
    /// The reader is idle and has nothing unread.
    pub(super) fn adopt(&self, buffer: *mut u8, capacity: usize, tail: usize) {
        self.free_buffer();
        self.buffer.set(buffer);
        self.capacity.set(capacity);
        self.head.set(tail);
        self.tail.set(tail);
    }

    /// What is in an adopted buffer before the read that is in flight.
    pub(super) fn before(&self) -> (*const u8, usize) {
        (self.buffer.get(), self.head.get())
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

    fn free_buffer(&self) {
        let (buffer, capacity, _) = self.disown();
        if !buffer.is_null() {
            // SAFETY: rule 2 above; the buffer was allocated for elements of this type, or is that of a vector.
            unsafe { free_elements(self.vtable, buffer, capacity) }
        }
    }

    /// Waits until there are unread items, or an answer without any. With nothing in flight, starts a read of up to
    /// `want` items.
    pub(super) fn poll(&self, want: usize, cx: &Context<'_>) -> Poll<Filled> {
        if self.unread() != 0 {
            return Poll::Ready(Filled::Items);
        }
        let answer = if self.port.is_busy() {
            self.port.poll(cx.waker())
        } else if self.is_closed() {
            return Poll::Ready(Filled::Closed);
        } else {
            self.start(want, cx)
        };
        answer.map(|answer| self.settle(answer))
    }

    /// Starts a read into the buffer. The reader is clear.
    fn start(&self, want: usize, cx: &Context<'_>) -> Poll<u32> {
        let want = want.min(MAX_COPY);
        self.head.set(0);
        self.tail.set(0);
        if self.capacity.get() < want {
            self.adopt(alloc_elements(self.vtable, want), want, 0);
        }
        let at = match self.buffer.get() {
            buffer if buffer.is_null() => ptr::without_provenance_mut(self.vtable.align),
            buffer => buffer,
        };
        // SAFETY: there is room for `want` elements, by the check above.
        let status = unsafe { self.read_at(at, want) };
        self.port.started(self.handle.get(), status, cx.waker())
    }

    /// Starts a read of up to `count` elements to `at`. Blocked, it is in flight, and the caller sees to that.
    ///
    /// # Safety
    ///
    /// The reader is clear. There is room for the elements, and nobody else uses it until the answer (rule 5).
    #[inline]
    pub(super) unsafe fn read_at(&self, at: *mut u8, count: usize) -> u32 {
        self.port.instance().check();
        // SAFETY: the end is idle and open; the caller promises the memory.
        unsafe { (self.vtable.intrinsics.read)(self.handle.get(), at, count) }
    }

    /// Takes in an answer to a read into the buffer.
    pub(super) fn settle(&self, answer: u32) -> Filled {
        let count = self.note_end(answer);
        let tail = self.tail.get();
        self.tail.set(tail + at_most(count, self.capacity.get() - tail));
        if count != 0 {
            Filled::Items
        } else if self.closed.get() {
            Filled::Closed
        } else {
            Filled::Nothing
        }
    }

    /// Takes in an answer to a read elsewhere: how many items it brought.
    #[inline]
    pub(super) fn note_end(&self, answer: u32) -> usize {
        debug_assert!(answer != BLOCKED, "the read is in flight");
        if ends(answer) {
            self.closed.set(true);
        }
        (answer >> 4) as usize
    }

    /// Ends the read in flight, if any. Afterwards the end is idle.
    pub(super) fn cancel(&self) -> Option<Filled> {
        self.port
            .cancel(self.vtable.intrinsics.cancel_read)
            .map(|answer| self.settle(answer))
    }

    /// Moves all unread items behind `items`.
    #[inline(never)]
    pub(super) fn drain_to(&self, items: &mut Items) {
        let count = self.unread();
        items.reserve(self.vtable, count);
        let Some(lift) = self.vtable.lift else {
            let to = items.at(self.vtable, items.len);
            // SAFETY: so many are unread, and there is room for them. They are items as they are.
            unsafe { ptr::copy_nonoverlapping(self.pop(count), to, count * self.vtable.stride) };
            items.len += count;
            return;
        };
        for _ in 0..count {
            // SAFETY: there is an unread item, and room. It is taken off before it is lifted, so that a panic in lifting loses it
            // instead of duplicating it.
            unsafe { lift.lift(self.pop(1), items.at(self.vtable, items.len)) };
            items.len += 1;
        }
    }

    /// Takes the readable end out, for `stream_lower`.
    ///
    /// # Safety
    ///
    /// The reader stays where it is until `cleanup` is done with it.
    pub(super) unsafe fn lower(&self, cleanup: &mut Cleanup) -> u32 {
        self.port.instance().check();
        if self.handle.get() != 0 {
            self.cancel();
            let is_closed = self.is_closed();
            self.port.free();
            if self.unread() != 0 || is_closed {
                super::splice::splice(self);
            }
        }
        // SAFETY: promised by the caller.
        unsafe { self.handle.lower(cleanup) }
    }

    /// What dropping a reader does.
    #[inline(never)]
    pub(super) fn end(&self) {
        if !waitable::is_alive(self.port.instance()) {
            return;
        }
        self.cancel();
        if self.unread() != 0 {
            self.drop_unread();
        }
        self.close();
    }

    /// Drops the items that are unread.
    #[inline(never)]
    fn drop_unread(&self) {
        if self.vtable.lift.is_none() {
            return;
        }
        let mut items = Items::new(self.vtable);
        self.drain_to(&mut items);
        let count = items.len;
        // SAFETY: so many there are, and they are not used afterwards.
        unsafe { items.drop_first(self.vtable, count) };
        items.free(self.vtable);
    }

    /// Frees everything but unread items, which the caller has taken, and drops the end if it is still here.
    fn close(&self) {
        self.port.free();
        let handle = self.handle.take();
        if handle != 0 {
            // SAFETY: the end is ours and idle.
            unsafe { (self.vtable.intrinsics.drop_readable)(handle) }
        }
        self.free_buffer();
    }
}
