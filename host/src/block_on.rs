//! [`block_on`]: runs a future on the current thread.

/// Runs a future to its end on the current thread, with the timers that WASI's clocks need.
///
/// # Panics
/// Inside another runtime, which it would block; and when the system denies the resources of a runtime.
#[cfg(feature = "wasmtime")]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime
        .expect("a runtime of one thread needs nothing the system can deny")
        .block_on(future)
}

/// Runs a future to its end on the current thread.
#[cfg(not(feature = "wasmtime"))]
pub fn block_on<F: Future>(future: F) -> F::Output {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    /// Unparks the thread that waits.
    struct Unpark(std::thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
        fn wake_by_ref(self: &Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // An unpark that came before counts, so no wake is lost.
        std::thread::park();
    }
}
