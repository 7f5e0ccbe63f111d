//! What became of the instance that answers a request.
//!
//! Wasmtime takes a body as complete when whoever writes it is gone, which is so as well when its instance has trapped. Clients
//! have to see the difference: what is left of a chunked body would look like the whole. So each response knows its instance.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

/// Whether an instance has ended before it was done.
#[derive(Clone, Default)]
pub(crate) struct Fate(Arc<AtomicBool>);

impl Fate {
    pub(crate) fn seal(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_sealed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The instance that has taken a request, once there is one.
#[derive(Clone, Default)]
pub(crate) struct Taker(Arc<OnceLock<Fate>>);

impl Taker {
    pub(crate) fn is(&self, fate: &Fate) {
        // A request is taken once.
        let _ = self.0.set(fate.clone());
    }

    /// A body that this instance writes.
    pub(crate) fn writes(self, body: WasiBody) -> Written {
        Written { body, taker: self }
    }

    fn is_lost(&self) -> bool {
        self.0.get().is_some_and(Fate::is_sealed)
    }
}

/// A body that ends in an error if its instance has ended before it was done.
pub(crate) struct Written {
    body: WasiBody,
    taker: Taker,
}

impl Body for Written {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx).map(|frame| match frame {
            None if self.taker.is_lost() => Some(Err(Error::HttpResponseIncomplete)),
            frame => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.taker.is_lost()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
