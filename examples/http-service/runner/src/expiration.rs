//! When an instance ends that did not trap.
//!
//! One that has nothing to do ends with the server. One that is at something ends by itself when it is done, unless it is given
//! up: when the server stops, or when it let the time for a response pass, in which case that request will never end. Then
//! it has some time left for whatever else it is at.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::Sleep;
use wasmtime_wasi_http::handler::{WorkerExpiration, WorkerStatus};

type Told = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Decides when an instance ends.
pub(crate) struct Expiration {
    /// Until the server stops.
    going_on: Option<Told>,
    /// Whether a request was given up since it took too long.
    late: Arc<AtomicBool>,
    /// How long it may go on after one of the two.
    grace: Duration,
    /// What is left of that.
    left: Option<Pin<Box<Sleep>>>,
}

impl Expiration {
    pub(crate) fn new(mut stopping: watch::Receiver<bool>, late: Arc<AtomicBool>, grace: Duration) -> Self {
        Self {
            going_on: Some(Box::pin(async move { crate::told(&mut stopping).await })),
            late,
            grace,
            left: None,
        }
    }

    fn stops(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(going_on) = &mut self.going_on
            && going_on.as_mut().poll(cx).is_ready()
        {
            self.going_on = None;
        }
        self.going_on.is_none()
    }
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, _: Instant) -> Poll<()> {
        let stops = self.stops(cx);
        if status == WorkerStatus::Idle {
            return if stops { Poll::Ready(()) } else { Poll::Pending };
        }
        if !stops && !self.late.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let grace = self.grace;
        let left = self.left.get_or_insert_with(|| Box::pin(tokio::time::sleep(grace)));
        left.as_mut().poll(cx)
    }
}
