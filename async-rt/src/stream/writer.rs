//! The writable end of a stream.
//!
//! Items reach it in two ways: as vectors, by `write` and its kin, and one by one, by the [`Sink`](super::sink). What was
//! given and not sent is in one of two places, always sent in this order:
//!
//! 1. `flight`: the buffer of the write in flight, or of one that completed partly after its future was dropped.
//! 2. `queue`: items the sink has collected.

use super::buffer::AbiBuffer;
use super::{StreamResult, StreamVtable};
use crate::abi::{MAX_COPY, copy};
use crate::copy::Port;
use crate::waitable;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

/// The writable end of a stream.
///
/// It is also a [`Sink`](futures_sink::Sink). Dropping the future of a write at any point loses nothing: the write goes
/// on, and later ones queue behind it; to take the items back, cancel it. Dropping the writer itself ends the stream;
/// what was not sent by then is dropped.
pub struct StreamWriter<T: 'static> {
    pub(super) handle: u32,
    pub(super) port: Port,
    pub(super) vtable: &'static StreamVtable<T>,
    pub(super) flight: AbiBuffer<T>,
    pub(super) queue: Vec<T>,
    pub(super) closed: bool,
}

// SAFETY: rule 1: everything is touched only where the writer's instance is current.
unsafe impl<T: Send> Send for StreamWriter<T> {}
// SAFETY: shared access reads the handle only.
unsafe impl<T: Send> Sync for StreamWriter<T> {}
// Nothing is pinned: buffers are on the heap.
impl<T> Unpin for StreamWriter<T> {}

impl<T> StreamWriter<T> {
    /// # Safety
    ///
    /// `handle` is a writable end of a stream of this type, and nobody else's.
    pub(super) unsafe fn from_handle(handle: u32, vtable: &'static StreamVtable<T>) -> StreamWriter<T> {
        StreamWriter {
            handle,
            port: Port::new(),
            vtable,
            flight: AbiBuffer::new(vtable, Vec::new()),
            queue: Vec::new(),
            closed: false,
        }
    }

    /// The number the host knows the writable end by; 0 when it was closed.
    pub fn handle(&self) -> u32 {
        self.handle
    }

    /// Whether the reader is known to have gone: nothing can be sent any more.
    pub fn is_closed(&self) -> bool {
        self.closed || self.port.is_ended()
    }

    /// Writes `items`, or as many of them as the reader takes at once.
    ///
    /// The result says how many were sent; the buffer returns the rest.
    pub fn write(&mut self, items: Vec<T>) -> StreamWrite<'_, T> {
        let buffer = AbiBuffer::new(self.vtable, items);
        self.write_buf(buffer)
    }

    /// As [`write`](Self::write), with what an earlier write left over.
    pub fn write_buf(&mut self, buffer: AbiBuffer<T>) -> StreamWrite<'_, T> {
        StreamWrite {
            writer: self,
            stage: Stage::Waiting(buffer),
        }
    }

    /// Writes all of `items`. Returns those that could not be sent because the reader has gone, so usually none; the
    /// vector's memory can be used again.
    pub async fn write_all(&mut self, items: Vec<T>) -> Vec<T> {
        let (mut result, mut buffer) = self.write(items).await;
        while buffer.remaining() != 0 && result != StreamResult::Dropped {
            (result, buffer) = self.write_buf(buffer).await;
        }
        buffer.into_vec()
    }

    /// Writes one item. Returns it if the reader has gone.
    pub async fn write_one(&mut self, item: T) -> Option<T> {
        if poll_fn(|cx| self.poll_drain(cx)).await.is_ok() {
            self.queue.push(item);
            if poll_fn(|cx| self.poll_drain(cx)).await.is_ok() {
                return None;
            }
            return self.take_unsent().pop();
        }
        Some(item)
    }

    /// Takes back what was given and not sent, when the reader has gone. While a write is in flight there is nothing to
    /// take.
    pub fn take_unsent(&mut self) -> Vec<T> {
        if self.port.is_busy() {
            return Vec::new();
        }
        let mut items = self.flight.take_vec();
        items.append(&mut self.queue);
        items
    }

    /// Sends everything that was given so far. An error means that the reader has gone; what was not sent is still here.
    pub(super) fn poll_drain(&mut self, cx: &Context<'_>) -> Poll<Result<(), ()>> {
        loop {
            if self.port.is_busy() || self.flight.remaining() != 0 {
                ready!(self.poll_flight(cx));
            } else if self.closed {
                return Poll::Ready(if self.queue.is_empty() { Ok(()) } else { Err(()) });
            } else if self.queue.is_empty() {
                return Poll::Ready(Ok(()));
            } else {
                self.launch();
            }
            if self.closed && !self.port.is_busy() {
                let sent = self.flight.remaining() == 0 && self.queue.is_empty();
                return Poll::Ready(if sent { Ok(()) } else { Err(()) });
            }
        }
    }

    /// Makes the queue the next buffer in flight, and the last one, which is sent, the next queue.
    pub(super) fn launch(&mut self) {
        let spare = self.flight.take_vec();
        let items = mem::replace(&mut self.queue, spare);
        self.flight = AbiBuffer::new(self.vtable, items);
    }

    /// Sends of the buffer in flight what the reader takes at once, and answers how the copy ended.
    pub(super) fn poll_flight(&mut self, cx: &Context<'_>) -> Poll<u32> {
        let answer = if self.port.is_busy() {
            ready!(self.port.poll(cx))
        } else if self.closed {
            copy::DROPPED
        } else {
            match self.start() {
                Some(answer) => answer,
                None => ready!(self.port.poll(cx)),
            }
        };
        self.settle(answer);
        Poll::Ready(answer)
    }

    fn start(&mut self) -> Option<u32> {
        self.port.instance().check();
        if self.port.is_ended() {
            return Some(copy::DROPPED);
        }
        let count = self.flight.remaining().min(MAX_COPY);
        let at = self.flight.unsent();
        // SAFETY: the end is idle and open; there are `count` elements at `at`, which stay as they are until the answer
        // (rule 5): the buffer belongs to the writer, and is leaked if that is forgotten.
        let status = unsafe { (self.vtable.intrinsics.write)(self.handle, at, count) };
        self.port.started(self.handle, status)
    }

    fn settle(&mut self, answer: u32) {
        self.flight.advance((answer >> 4) as usize);
        if answer & 0xf == copy::DROPPED {
            self.closed = true;
        }
    }

    /// Ends the write in flight.
    fn cancel(&mut self) -> Option<u32> {
        let answer = self.port.cancel(self.vtable.intrinsics.cancel_write)?;
        self.settle(answer);
        Some(answer)
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
}

impl<T> Drop for StreamWriter<T> {
    fn drop(&mut self) {
        if waitable::is_alive(self.port.instance()) {
            self.close();
        } else if self.port.is_busy() {
            // Inert, like the instance: what its host may still read is leaked.
            let flight = mem::replace(&mut self.flight, AbiBuffer::new(self.vtable, Vec::new()));
            mem::forget(flight);
        }
    }
}

impl<T> fmt::Debug for StreamWriter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").field("handle", &self.handle).finish()
    }
}

enum Stage<T: 'static> {
    /// The buffer is here, behind what the writer still has to send.
    Waiting(AbiBuffer<T>),
    /// The buffer is the one in flight.
    Writing,
    Done,
}

/// A write in progress: see [`StreamWriter::write`].
#[must_use = "a write does nothing unless it is awaited"]
pub struct StreamWrite<'a, T: 'static> {
    writer: &'a mut StreamWriter<T>,
    stage: Stage<T>,
}

impl<T> Unpin for StreamWrite<'_, T> {}

impl<T> StreamWrite<'_, T> {
    /// Ends the write now, and gives back what was not sent.
    ///
    /// # Panics
    ///
    /// If the write has completed already.
    pub fn cancel(self: Pin<&mut Self>) -> (StreamResult, AbiBuffer<T>) {
        let this = self.get_mut();
        match mem::replace(&mut this.stage, Stage::Done) {
            Stage::Waiting(buffer) => (StreamResult::Cancelled, buffer),
            Stage::Writing => {
                let answer = this.writer.cancel().unwrap_or(copy::CANCELLED);
                this.conclude(answer)
            }
            Stage::Done => finished(),
        }
    }

    fn conclude(&mut self, answer: u32) -> (StreamResult, AbiBuffer<T>) {
        let empty = AbiBuffer::new(self.writer.vtable, Vec::new());
        let buffer = mem::replace(&mut self.writer.flight, empty);
        let result = match (answer >> 4, answer & 0xf) {
            (0, copy::DROPPED) => StreamResult::Dropped,
            (0, copy::CANCELLED) => StreamResult::Cancelled,
            (count, _) => StreamResult::Complete(count as usize),
        };
        (result, buffer)
    }
}

impl<T> Future for StreamWrite<'_, T> {
    type Output = (StreamResult, AbiBuffer<T>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Stage::Waiting(_) = this.stage {
            let drained = ready!(this.writer.poll_drain(cx));
            let Stage::Waiting(buffer) = mem::replace(&mut this.stage, Stage::Writing) else {
                finished()
            };
            if drained.is_err() || this.writer.closed {
                this.stage = Stage::Done;
                return Poll::Ready((StreamResult::Dropped, buffer));
            }
            this.writer.flight = buffer;
        } else if let Stage::Done = this.stage {
            finished();
        }
        let answer = ready!(this.writer.poll_flight(cx));
        this.stage = Stage::Done;
        Poll::Ready(this.conclude(answer))
    }
}

#[cold]
fn finished() -> ! {
    panic!("a stream write was used after it had completed")
}
