//! The writing state machine, without the item type: what was given and not sent.
//!
//! Items reach a writer in two ways: as vectors, by `write` and its kin, and one by one. What was given and not sent is in one
//! of two places, always sent in this order:
//!
//! 1. `flight`: the buffer of the write in flight, or of one that completed partly.
//! 2. `queue`: items given since.
//!
//! A write completes with as many items as the reader takes; a buffer whose items were all sent *lands*: they are dropped, and
//! its memory serves the next.

use super::buffer::RawBuffer;
use super::items::Items;
use super::vtable::RawVtable;
use crate::abi::MAX_COPY;
use crate::copy::{Port, ends};
use crate::waitable;
use core::mem;
use core::task::{Context, Poll, ready};

/// A writable end and what is to be written to it.
pub(super) struct RawWriter {
    pub(super) vtable: &'static RawVtable,
    pub(super) handle: u32,
    pub(super) closed: bool,
    pub(super) port: Port,
    pub(super) flight: RawBuffer,
    pub(super) queue: Items,
}

impl RawWriter {
    pub(super) fn new(handle: u32, vtable: &'static RawVtable) -> RawWriter {
        RawWriter {
            vtable,
            handle,
            closed: false,
            port: Port::new(),
            flight: RawBuffer::new(Items::new(vtable)),
            queue: Items::new(vtable),
        }
    }

    /// Whether everything that was given was sent, and landed.
    #[inline]
    pub(super) fn is_clear(&self) -> bool {
        self.flight.items.len == 0 && self.queue.len == 0 && self.port.is_idle()
    }

    /// Adds an item to what was given.
    ///
    /// # Safety
    ///
    /// It is an item of this stream.
    #[inline(always)]
    pub(super) unsafe fn give<T>(&mut self, item: T) {
        let items = if self.is_clear() {
            &mut self.flight.items
        } else {
            &mut self.queue
        };
        // SAFETY: promised by the caller. A flight that is clear is not in flight.
        unsafe { items.push(self.vtable, item) }
    }

    /// Whether the reader is known to have gone.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed || self.port.is_ended()
    }

    /// Whether nothing more can be sent, and nothing is in flight.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.is_closed() && !self.port.is_busy()
    }

    /// How many items were given and not sent.
    #[inline]
    pub(super) fn remaining(&self) -> usize {
        self.flight.remaining() + self.queue.len
    }

    /// Adds items to what was given: as the buffer in flight, if that is clear.
    pub(super) fn give_buffer(&mut self, mut buffer: RawBuffer) {
        if self.flight.remaining() == 0 && !self.port.is_busy() {
            self.flight.land(self.vtable);
        }
        if self.is_clear() {
            self.flight.become_of(self.vtable, buffer);
            return;
        }
        buffer.keep_unsent(self.vtable);
        self.queue.append(self.vtable, &mut buffer.items, 0);
        buffer.clear(self.vtable);
    }

    /// After a copy: when all of the buffer was sent and more is queued, that is next.
    pub(super) fn fly_on(&mut self) {
        if self.flight.remaining() == 0 && self.queue.len != 0 {
            self.flight.land(self.vtable);
            self.launch();
        }
    }

    /// Takes the last `count` items of those that were given and not sent. Nothing is in flight.
    pub(super) fn take_last_buffer(&mut self, count: usize) -> RawBuffer {
        if self.queue.len == 0 && count == self.flight.remaining() {
            return self.flight.take(self.vtable);
        }
        let mut items = self.take_unsent();
        let mut last = Items::new(self.vtable);
        let from = items.len - count;
        last.append(self.vtable, &mut items, from);
        mem::swap(&mut self.queue, &mut items);
        items.free(self.vtable);
        RawBuffer::new(last)
    }

    /// Sends everything that was given so far. `false` means that the reader has gone; what was not sent is still here.
    #[inline(never)]
    pub(super) fn poll_drain(&mut self, cx: &Context<'_>) -> Poll<bool> {
        let answer = if self.port.is_busy() {
            ready!(self.port.poll(cx.waker()))
        } else if self.flight.remaining() == 0 || self.is_closed() {
            return self.drain_on(cx);
        } else {
            ready!(self.start(cx))
        };
        self.took(answer);
        if self.remaining() != 0 {
            return self.drain_on(cx);
        }
        self.flight.land(self.vtable);
        Poll::Ready(true)
    }

    /// As `poll_drain`, and answers what is left of the last `count` items, or no items, but the memory of those that were
    /// sent.
    #[inline(never)]
    pub(super) fn poll_drained(&mut self, count: usize, cx: &Context<'_>) -> Poll<Items> {
        if ready!(self.poll_drain(cx)) {
            return Poll::Ready(mem::replace(&mut self.flight.items, Items::new(self.vtable)));
        }
        let mut rest = self.take_last_buffer(self.remaining().min(count));
        rest.keep_unsent(self.vtable);
        let items = mem::replace(&mut rest.items, Items::new(self.vtable));
        rest.clear(self.vtable);
        Poll::Ready(items)
    }

    /// As `poll_drain`, when nothing is in flight.
    #[inline(never)]
    fn drain_on(&mut self, cx: &Context<'_>) -> Poll<bool> {
        loop {
            if self.flight.remaining() == 0 {
                self.flight.land(self.vtable);
                if self.queue.len == 0 {
                    return Poll::Ready(true);
                }
                self.launch();
            }
            if self.is_closed() {
                return Poll::Ready(false);
            }
            let answer = ready!(self.start(cx));
            self.took(answer);
        }
    }

    /// Waits for the reader to go, while there is nothing to send. `told` is false at first, and set when there is nothing
    /// more to learn: the reader is there, and reads.
    pub(super) fn poll_gone(&mut self, told: &mut bool, cx: &Context<'_>) -> Poll<()> {
        if !self.is_over() && (self.port.is_busy() || !*told) {
            // Everything was sent, so this is an empty write.
            ready!(self.poll_flight(cx));
            *told = true;
        }
        if self.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Makes the queue the next buffer in flight, and its memory the next queue's.
    pub(super) fn launch(&mut self) {
        mem::swap(&mut self.flight.items, &mut self.queue);
    }

    /// Sends of the buffer in flight what the reader takes at once. When the reader has gone, that is nothing.
    #[inline(never)]
    pub(super) fn poll_flight(&mut self, cx: &Context<'_>) -> Poll<()> {
        let answer = if self.port.is_busy() {
            ready!(self.port.poll(cx.waker()))
        } else if self.is_closed() {
            return Poll::Ready(());
        } else {
            ready!(self.start(cx))
        };
        self.took(answer);
        Poll::Ready(())
    }

    /// Writes what is unsent of the buffer in flight. The end is open and not busy.
    #[inline]
    fn start(&mut self, cx: &Context<'_>) -> Poll<u32> {
        let at = self.flight.unsent(self.vtable);
        // SAFETY: there are so many elements at `at`. They stay as they are until the answer (rule 5): the buffer belongs to
        // the writer, and is leaked if that is forgotten.
        let status = unsafe { self.write_at(at, self.flight.remaining()) };
        self.port.started(self.handle, status, cx.waker())
    }

    /// Takes in an answer to a write of the buffer in flight.
    #[inline]
    fn took(&mut self, answer: u32) {
        let count = self.note_end(answer);
        self.flight.advance(count);
    }

    /// Starts a write of up to `count` elements from `at`. Blocked, it is in flight, and the caller sees to that.
    ///
    /// # Safety
    ///
    /// The end is open and not busy. The elements stay as they are until the answer (rule 5).
    #[inline]
    pub(super) unsafe fn write_at(&self, at: *mut u8, count: usize) -> u32 {
        self.port.instance().check();
        // SAFETY: the caller's promise.
        unsafe { (self.vtable.intrinsics.write)(self.handle, at, count.min(MAX_COPY)) }
    }

    /// Takes in an answer: how many items were sent.
    #[inline]
    pub(super) fn note_end(&mut self, answer: u32) -> usize {
        if ends(answer) {
            self.closed = true;
        }
        (answer >> 4) as usize
    }

    /// Ends the write in flight.
    pub(super) fn cancel(&mut self) {
        if let Some(answer) = self.port.cancel(self.vtable.intrinsics.cancel_write) {
            self.took(answer);
        }
    }

    /// Takes back what was given and not sent. Nothing is in flight.
    #[inline(never)]
    pub(super) fn take_unsent(&mut self) -> Items {
        self.flight.keep_unsent(self.vtable);
        let mut items = mem::replace(&mut self.flight.items, Items::new(self.vtable));
        items.append(self.vtable, &mut self.queue, 0);
        items
    }

    /// Takes back the item given last, if it was not sent. Nothing is in flight.
    ///
    /// # Safety
    ///
    /// Items of this stream are of this type.
    pub(super) unsafe fn take_last<T>(&mut self) -> Option<T> {
        if self.queue.len == 0 {
            self.flight.keep_unsent(self.vtable);
        }
        let items = if self.queue.len == 0 {
            &mut self.flight.items
        } else {
            &mut self.queue
        };
        items.len = items.len.checked_sub(1)?;
        // SAFETY: there was an item of the type at the end, which is no longer counted.
        Some(unsafe { items.at(self.vtable, items.len).cast::<T>().read() })
    }

    /// Drops the writable end.
    pub(super) fn close(&mut self) {
        if self.handle == 0 {
            return;
        }
        self.cancel();
        self.port.free();
        let handle = mem::replace(&mut self.handle, 0);
        self.closed = true;
        // SAFETY: the end is ours and idle.
        unsafe { (self.vtable.intrinsics.drop_writable)(handle) }
    }

    /// What dropping a writer does.
    #[inline(never)]
    pub(super) fn end(&mut self) {
        if waitable::is_alive(self.port.instance()) {
            self.close();
        } else if self.port.is_busy() {
            // Inert, like the instance: what its host may still read is leaked.
            self.flight.forget(self.vtable);
        }
        self.clear();
    }

    /// Drops everything that was given.
    fn clear(&mut self) {
        self.flight.clear(self.vtable);
        let count = mem::replace(&mut self.queue.len, 0);
        // SAFETY: the items are not counted any more.
        unsafe { self.queue.drop_first(self.vtable, count) };
        self.queue.free(self.vtable);
    }
}
