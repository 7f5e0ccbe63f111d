//! How long the server waits for those who do nothing: a timer for hyper, bodies that end in an error, and connections that fail when
//! nobody takes what is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::{Sleep, Timer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use wasmtime_wasi_http::Error;

/// The timer that hyper measures the head of a request by.
pub(crate) struct Time;

impl Timer for Time {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Sleeping(Box::pin(tokio::time::sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Sleeping(Box::pin(tokio::time::sleep_until(deadline.into()))))
    }
}

struct Sleeping(Pin<Box<tokio::time::Sleep>>);

impl Future for Sleeping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for Sleeping {}

/// How long something may be pending at a time.
struct Pause {
    most: Duration,
    left: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Pause {
    fn new(most: Duration) -> Self {
        Self { most, left: None }
    }

    /// What was polled, unless that was pending for too long.
    fn over<T>(&mut self, polled: Poll<T>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Poll::Ready(ready) = polled {
            self.left = None;
            return Poll::Ready(Some(ready));
        }
        let most = self.most;
        let left = self.left.get_or_insert_with(|| Box::pin(tokio::time::sleep(most)));
        left.as_mut().poll(cx).map(|()| None)
    }
}

/// A connection whose writes fail if the peer takes nothing for too long.
pub(crate) struct Draining {
    stream: TcpStream,
    pause: Pause,
}

impl Draining {
    pub(crate) fn new(stream: TcpStream, pause: Duration) -> Self {
        Self {
            stream,
            pause: Pause::new(pause),
        }
    }
}

impl AsyncRead for Draining {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Draining {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.pause
            .over(written, cx)
            .map(|written| written.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into())))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that ends in an error if nothing of it comes for too long.
pub(crate) struct Awaited<B> {
    body: B,
    pause: Pause,
}

impl<B> Awaited<B> {
    pub(crate) fn new(body: B, pause: Duration) -> Self {
        Self {
            body,
            pause: Pause::new(pause),
        }
    }
}

impl<B> Body for Awaited<B>
where
    B: Body<Data = Bytes> + Unpin,
    Error: From<B::Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.pause.over(frame, cx).map(|frame| match frame {
            Some(frame) => frame.map(|frame| frame.map_err(Error::from)),
            None => Some(Err(Error::ConnectionReadTimeout)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
