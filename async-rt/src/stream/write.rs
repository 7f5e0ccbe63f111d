//! Writes in progress.
//!
//! All of them give their items to the writer at their first poll: as the buffer in flight, or, while something given before
//! waits, into the queue behind it. So a write that is dropped has nothing to lose. Nobody else gives anything while a write is
//! in progress, hence its items are the last of those that are left.

use super::buffer::{AbiBuffer, RawBuffer};
use super::items::Items;
use super::{StreamResult, StreamWriter};
use crate::abi::{BLOCKED, at_most};
use alloc::vec::Vec;
use core::mem;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, ready};

enum Stage<B> {
    /// The items are here.
    New(B),
    /// The writer has them: this many.
    Given(usize),
    Done,
}

/// A write in progress: see [`StreamWriter::write`].
#[must_use = "a write does nothing unless it is awaited"]
pub struct StreamWrite<'a, T: 'static> {
    writer: &'a mut StreamWriter<T>,
    stage: Stage<AbiBuffer<T>>,
}

impl<T> Unpin for StreamWrite<'_, T> {}

impl<'a, T> StreamWrite<'a, T> {
    pub(super) fn new(writer: &'a mut StreamWriter<T>, buffer: AbiBuffer<T>) -> StreamWrite<'a, T> {
        StreamWrite {
            writer,
            stage: Stage::New(buffer),
        }
    }

    /// Ends the write now, and gives back what was not sent.
    ///
    /// # Panics
    ///
    /// If the write has completed already.
    pub fn cancel(self: Pin<&mut Self>) -> (StreamResult, AbiBuffer<T>) {
        let this = self.get_mut();
        match mem::replace(&mut this.stage, Stage::Done) {
            Stage::New(buffer) => (StreamResult::Cancelled, buffer),
            Stage::Given(count) => {
                this.writer.raw.cancel();
                this.conclude(count, StreamResult::Cancelled)
            }
            Stage::Done => finished(),
        }
    }

    /// Takes back what is left of `count` items that were given. `otherwise` is the result if that is all of them.
    fn conclude(&mut self, count: usize, otherwise: StreamResult) -> (StreamResult, AbiBuffer<T>) {
        let raw = &mut self.writer.raw;
        let left = raw.remaining().min(count);
        let result = match count - left {
            0 if raw.is_closed() => StreamResult::Dropped,
            0 => otherwise,
            sent => StreamResult::Complete(sent),
        };
        let buffer = raw.take_last_buffer(left);
        (result, AbiBuffer::of_raw(self.writer.vtable, buffer))
    }
}

impl<T> Future for StreamWrite<'_, T> {
    type Output = (StreamResult, AbiBuffer<T>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let raw = &mut this.writer.raw;
        let count = match mem::replace(&mut this.stage, Stage::Done) {
            Stage::New(buffer) if raw.is_closed() => return Poll::Ready((StreamResult::Dropped, buffer)),
            Stage::New(mut buffer) => {
                let count = buffer.remaining();
                raw.give_buffer(buffer.take());
                count
            }
            Stage::Given(count) => count,
            Stage::Done => finished(),
        };
        // What was given before comes first. An empty write waits until the reader is ready.
        loop {
            if raw.poll_flight(cx).is_pending() {
                this.stage = Stage::Given(count);
                return Poll::Pending;
            }
            if raw.is_closed() || raw.remaining() < count || count == 0 {
                return Poll::Ready(this.conclude(count, StreamResult::Complete(0)));
            }
            raw.fly_on();
        }
    }
}

/// A write in progress: see [`StreamWriter::write_all`].
#[must_use = "a write does nothing unless it is awaited"]
pub struct StreamWriteAll<'a, T: 'static> {
    writer: &'a mut StreamWriter<T>,
    stage: Stage<Vec<T>>,
}

impl<T> Unpin for StreamWriteAll<'_, T> {}

impl<'a, T> StreamWriteAll<'a, T> {
    #[inline]
    pub(super) fn new(writer: &'a mut StreamWriter<T>, items: Vec<T>) -> StreamWriteAll<'a, T> {
        StreamWriteAll {
            writer,
            stage: Stage::New(items),
        }
    }
}

impl<T> Future for StreamWriteAll<'_, T> {
    type Output = Vec<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        let this = self.get_mut();
        let raw = &mut this.writer.raw;
        let count = match mem::replace(&mut this.stage, Stage::Done) {
            Stage::New(items) if raw.is_closed() => return Poll::Ready(items),
            Stage::New(items) => {
                let count = items.len();
                raw.give_buffer(RawBuffer::new(Items::from_vec(items)));
                count
            }
            Stage::Given(count) => count,
            Stage::Done => finished(),
        };
        match raw.poll_drained(count, cx) {
            // SAFETY: the items are of this type.
            Poll::Ready(items) => Poll::Ready(unsafe { items.into_vec() }),
            Poll::Pending => {
                this.stage = Stage::Given(count);
                Poll::Pending
            }
        }
    }
}

/// A write in progress: see [`StreamWriter::write_one`].
#[must_use = "a write does nothing unless it is awaited"]
pub struct StreamWriteOne<'a, T: 'static> {
    writer: &'a mut StreamWriter<T>,
    item: Option<T>,
}

impl<T> Unpin for StreamWriteOne<'_, T> {}

impl<'a, T> StreamWriteOne<'a, T> {
    #[inline]
    pub(super) fn new(writer: &'a mut StreamWriter<T>, item: T) -> StreamWriteOne<'a, T> {
        StreamWriteOne {
            writer,
            item: Some(item),
        }
    }
}

impl<T> Future for StreamWriteOne<'_, T> {
    type Output = Option<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        let raw = &mut this.writer.raw;
        if let Some(item) = this.item.take() {
            // SAFETY: it is an item of this stream.
            unsafe { raw.give(item) };
        }
        if ready!(raw.poll_drain(cx)) {
            return Poll::Ready(None);
        }
        // SAFETY: as above. The reader has gone, so nothing is in flight.
        Poll::Ready(unsafe { raw.take_last() })
    }
}

/// A write in progress: see [`StreamWriter::write_from`].
#[must_use = "a write does nothing unless it is awaited"]
pub struct StreamWriteFrom<'a, T: Copy + 'static> {
    writer: &'a mut StreamWriter<T>,
    items: &'a mut Vec<T>,
    sent: usize,
    /// How many items the vector has that is in flight, or 0.
    lent: usize,
}

impl<'a, T: Copy> StreamWriteFrom<'a, T> {
    #[inline]
    pub(super) fn new(writer: &'a mut StreamWriter<T>, items: &'a mut Vec<T>) -> StreamWriteFrom<'a, T> {
        StreamWriteFrom {
            writer,
            items,
            sent: 0,
            lent: 0,
        }
    }

    /// As `poll`, but for a write of items that are their own canonical form which need not wait.
    #[inline(never)]
    fn poll_slow(&mut self, cx: &Context<'_>) -> Poll<usize> {
        let raw = &mut self.writer.raw;
        if self.lent == 0 {
            if !ready!(raw.poll_drain(cx)) || raw.is_closed() || self.items.is_empty() {
                return Poll::Ready(self.sent);
            }
            self.lend();
        }
        let raw = &mut self.writer.raw;
        // What was sent has landed, which changes nothing about items that are copied.
        let sent = if ready!(raw.poll_drain(cx)) {
            self.lent
        } else {
            let sent = raw.flight.sent;
            raw.flight.land(raw.vtable);
            sent
        };
        raw.flight.items.len = mem::replace(&mut self.lent, 0);
        self.swap();
        Poll::Ready(sent)
    }

    /// Makes the vector the buffer in flight. The writer is clear.
    fn lend(&mut self) {
        self.lent = self.items.len();
        self.writer.raw.flight.sent = self.sent;
        self.swap();
    }

    /// Exchanges the vector for the buffer in flight, which is not in flight.
    #[inline(never)]
    fn swap(&mut self) {
        let there = &mut self.writer.raw.flight.items;
        // SAFETY: the items are of this type, as many as `len` says, and their place is filled right after.
        unsafe {
            let vector = ptr::read(there).into_vec();
            *there = Items::from_vec(mem::replace(self.items, vector));
        }
    }
}

impl<T: Copy> Future for StreamWriteFrom<'_, T> {
    type Output = usize;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let this = self.get_mut();
        let raw = &mut this.writer.raw;
        if this.lent != 0 || raw.vtable.lower.is_some() || !raw.is_clear() {
            return this.poll_slow(cx);
        }
        loop {
            let rest = this.items.len() - this.sent;
            if rest == 0 || raw.closed {
                return Poll::Ready(this.sent);
            }
            // SAFETY: so many items are left, and are their own canonical form. They stay as they are until the answer:
            // blocked, the vector moves into the writer.
            let status = unsafe { raw.write_at(this.items.as_mut_ptr().add(this.sent).cast(), rest) };
            if status == BLOCKED {
                raw.port.begin(raw.handle, cx.waker());
                this.lend();
                return Poll::Pending;
            }
            this.sent += at_most(raw.note_end(status), rest);
        }
    }
}

#[cold]
fn finished() -> ! {
    panic!("a stream write was used after it had completed")
}
