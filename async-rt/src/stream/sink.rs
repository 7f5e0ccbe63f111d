//! Writing items one by one: [`StreamWriter`] as a [`Sink`].
//!
//! Items collect in the writer's queue and are sent by the chunk: when a chunk is full, or when the sink is flushed.
//! While one chunk is in flight the next one fills.

use super::StreamWriter;
use alloc::vec::Vec;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_sink::Sink;

/// The reader of a stream has gone. Contains the items that were given and not sent.
pub struct StreamClosed<T> {
    /// The items, in the order they were given.
    pub unsent: Vec<T>,
}

impl<T> fmt::Debug for StreamClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamClosed")
            .field("unsent", &self.unsent.len())
            .finish()
    }
}

impl<T> fmt::Display for StreamClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the stream has gone")
    }
}

impl<T> core::error::Error for StreamClosed<T> {}

impl<T> StreamWriter<T> {
    fn gone<R>(&mut self) -> Poll<Result<R, StreamClosed<T>>> {
        Poll::Ready(Err(StreamClosed {
            unsent: self.take_unsent(),
        }))
    }

    fn poll_flushed(&mut self, cx: &Context<'_>) -> Poll<Result<(), StreamClosed<T>>> {
        if ready!(self.raw.poll_drain(cx)) {
            Poll::Ready(Ok(()))
        } else {
            self.gone()
        }
    }

    /// Makes the queue have room for an item, sending a full one.
    #[inline(never)]
    fn make_room(&mut self, cx: &Context<'_>) -> Poll<Result<(), StreamClosed<T>>> {
        let raw = &mut self.raw;
        let full = raw.vtable.chunk();
        // The queue is full: it is the next to fly once what is in flight has landed. What the copy then returns, or that it
        // blocks, concerns the next one who needs room.
        while raw.queue.len >= full {
            if raw.is_over() {
                return self.gone();
            }
            if raw.port.is_busy() || raw.flight.remaining() != 0 {
                ready!(raw.poll_flight(cx));
            } else {
                raw.flight.land(raw.vtable);
                raw.launch();
                if raw.poll_flight(cx).is_pending() {
                    break;
                }
            }
        }
        raw.queue.reserve(raw.vtable, full - raw.queue.len);
        Poll::Ready(Ok(()))
    }
}

impl<T> Sink<T> for StreamWriter<T> {
    type Error = StreamClosed<T>;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamClosed<T>>> {
        let this = self.get_mut();
        let raw = &this.raw;
        if raw.queue.len < raw.queue.capacity && !raw.closed {
            return Poll::Ready(Ok(()));
        }
        if raw.is_over() {
            return this.gone();
        }
        this.make_room(cx)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), StreamClosed<T>> {
        let this = self.get_mut();
        if this.raw.closed {
            let mut unsent = this.take_unsent();
            unsent.push(item);
            return Err(StreamClosed { unsent });
        }
        // SAFETY: it is an item of this stream.
        unsafe { this.raw.queue.push(this.raw.vtable, item) };
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamClosed<T>>> {
        self.get_mut().poll_flushed(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), StreamClosed<T>>> {
        let this = self.get_mut();
        let flushed = ready!(this.poll_flushed(cx));
        this.raw.close();
        Poll::Ready(flushed)
    }
}
