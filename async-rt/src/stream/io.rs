//! Streams of bytes as readers and writers of the ecosystem: futures-io, and tokio behind a feature.
//!
//! Reading is from what the reader has read ahead, writing goes through the writer's queue: neither future nor caller's
//! buffer is ever in flight, so every method of the extension traits may be dropped at any time. A byte that was written
//! is sent without a flush; flushing waits until it was.

use super::raw_reader::Filled;
use super::{StreamReader, StreamWriter};
use core::pin::Pin;
use core::slice;
use core::task::{Context, Poll, ready};
use std::io;

/// The least that is asked for at a time, and the most.
const LEAST: usize = 4096;
const MOST: usize = 64 * 1024;

impl StreamReader<u8> {
    /// Bytes that have arrived, waiting for some; about `want` are asked for. None are there after the end.
    fn poll_bytes(&mut self, want: usize, cx: &Context<'_>) -> Poll<&[u8]> {
        let want = want.clamp(LEAST, MOST);
        while ready!(self.raw.poll(want, cx)) == Filled::Nothing {}
        let count = self.raw.unread();
        if count == 0 {
            return Poll::Ready(&[]);
        }
        // SAFETY: `count` bytes are unread, and stay where they are while the reader is borrowed. The canonical form of a
        // byte is the byte (rule 8).
        Poll::Ready(unsafe { slice::from_raw_parts(self.raw.pop(0), count) })
    }

    fn take_bytes(&mut self, count: usize) {
        assert!(count <= self.raw.unread(), "more bytes are consumed than there are");
        self.raw.pop(count);
    }
}

impl futures_io::AsyncRead for StreamReader<u8> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let bytes = ready!(this.poll_bytes(buffer.len(), cx));
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        this.take_bytes(count);
        Poll::Ready(Ok(count))
    }
}

impl futures_io::AsyncBufRead for StreamReader<u8> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().poll_bytes(LEAST, cx).map(Ok)
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().take_bytes(count);
    }
}

/// What a write gets when nobody reads any more.
fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the reader of the stream has gone")
}

impl StreamWriter<u8> {
    /// Takes some of `bytes`, and sends what the reader takes now.
    fn poll_accept(&mut self, bytes: &[u8], cx: &Context<'_>) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let raw = &mut self.raw;
        while raw.queue.len >= MOST {
            if raw.is_over() {
                break;
            }
            if raw.port.is_busy() || raw.flight.remaining() != 0 {
                ready!(raw.poll_flight(cx));
            } else {
                raw.flight.land(raw.vtable);
                raw.launch();
            }
        }
        if raw.is_over() {
            return Poll::Ready(Err(gone()));
        }
        let count = bytes.len().min(MOST - raw.queue.len);
        raw.queue.extend_bytes(raw.vtable, &bytes[..count]);
        // What this comes to, the next write or flush will say.
        let _ = raw.poll_drain(cx);
        Poll::Ready(Ok(count))
    }

    fn poll_sent(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(if ready!(self.raw.poll_drain(cx)) {
            Ok(())
        } else {
            Err(gone())
        })
    }

    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let sent = ready!(self.poll_sent(cx));
        self.raw.close();
        Poll::Ready(sent)
    }
}

impl futures_io::AsyncWrite for StreamWriter<u8> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_accept(bytes, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_sent(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(cx)
    }
}

#[cfg(feature = "tokio")]
impl tokio::io::AsyncRead for StreamReader<u8> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let bytes = ready!(this.poll_bytes(buffer.remaining(), cx));
        let count = bytes.len().min(buffer.remaining());
        buffer.put_slice(&bytes[..count]);
        this.take_bytes(count);
        Poll::Ready(Ok(()))
    }
}

#[cfg(feature = "tokio")]
impl tokio::io::AsyncBufRead for StreamReader<u8> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().poll_bytes(LEAST, cx).map(Ok)
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().take_bytes(count);
    }
}

#[cfg(feature = "tokio")]
impl tokio::io::AsyncWrite for StreamWriter<u8> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_accept(bytes, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_sent(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(cx)
    }
}
