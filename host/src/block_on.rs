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
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    /// Unparks the thread that waits.
    struct Unpark {
        thread: std::thread::Thread,
        /// Whether there is something to poll for. That the thread was unparked does not say it: what is polled may have
        /// parked meanwhile, as fibers that are threads do.
        woken: AtomicBool,
    }

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }
        fn wake_by_ref(self: &Arc<Self>) {
            self.woken.store(true, Ordering::Release);
            self.thread.unpark();
        }
    }

    let unpark = Arc::new(Unpark {
        thread: std::thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        while !unpark.woken.swap(false, Ordering::Acquire) {
            // An unpark that came before counts, so no wake is lost.
            std::thread::park();
        }
    }
}
