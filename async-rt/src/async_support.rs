//! What authors of guests use: tasks, yielding, backpressure, and the ends of streams and futures.

pub use crate::future::{
    FutureRead, FutureReadMut, FutureReader, FutureWrite, FutureWriteCancel, FutureWriteError, FutureWriter,
};
pub use crate::rt::error_context::ErrorContext;
pub use crate::stream::{
    AbiBuffer, StreamClosed, StreamNext, StreamRead, StreamReadInto, StreamReader, StreamReaderStream, StreamResult,
    StreamWrite, StreamWriteAll, StreamWriteFrom, StreamWriteOne, StreamWriter,
};
pub use crate::task::block_on::block_on;
pub use crate::task::cancellation::{cancelled, is_cancelled, shield};
pub use crate::task::local::{TaskLocal, TaskLocalScope};
pub use crate::task::scope::{Scope, scope};
pub use crate::task::spawn::{JoinHandle, spawn, spawn_local};

/// Streams that are fed by something else.
pub mod stream {
    #[cfg(feature = "std")]
    pub use crate::stream::from_async_read;
    pub use crate::stream::{from_iter, from_stream};
}

/// Futures that are fed by something else.
pub mod future {
    pub use crate::future::from_future;
}

use crate::sys::{InstanceId, builtins};
use core::future::poll_fn;
use core::task::Poll;

/// Lets the host and other tasks run before the current future goes on.
///
/// There is no promise that anything else runs in between.
pub fn yield_now() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// The same as [`yield_now`], under the name wit-bindgen gives it.
pub async fn yield_async() {
    yield_now().await;
}

/// Gives way to the host, without letting anything else of the current task run. Returns whether to go on: `false` means
/// that the task was cancelled meanwhile.
pub fn yield_blocking() -> bool {
    // SAFETY: no reference into the runtime's state is held here (rule 3).
    unsafe { builtins::thread_yield() == 0 }
}

/// Makes the host hold back new calls of asynchronous exports until a matching [`backpressure_dec`].
/// [`BackpressureGuard`] does both.
pub fn backpressure_inc() {
    // SAFETY: the counter is the host's.
    unsafe { builtins::backpressure_inc() }
}

/// Takes back one [`backpressure_inc`]. Traps when there was none.
pub fn backpressure_dec() {
    // SAFETY: the counter is the host's.
    unsafe { builtins::backpressure_dec() }
}

/// Holds back new calls of asynchronous exports for as long as it lives.
#[must_use = "new calls are held back only while the guard lives"]
#[derive(Debug)]
pub struct BackpressureGuard {
    instance: InstanceId,
}

impl BackpressureGuard {
    /// Starts holding back calls.
    pub fn new() -> BackpressureGuard {
        let guard = BackpressureGuard {
            instance: InstanceId::current(),
        };
        backpressure_inc();
        guard
    }
}

impl Default for BackpressureGuard {
    fn default() -> BackpressureGuard {
        BackpressureGuard::new()
    }
}

impl Drop for BackpressureGuard {
    fn drop(&mut self) {
        if self.instance.is_current() {
            backpressure_dec();
        }
    }
}
