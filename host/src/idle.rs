//! [`or_deadlock`]: runs a future of the store, and fails once nothing in it can move any more.
//!
//! A store is driven by one task. If polling it leaves it pending, and nothing woke it meanwhile, then whoever will is
//! outside: a thread, or the runtime's timers. Those announce themselves by `Cx::external`; without an announcement the wait
//! would never end. Before it says so, the store yields to the runtime a few times, for runtimes may hold wakers back until
//! control returns to them.

use crate::cx::Cx;
use crate::error::{Deadlock, Result};
use futures::task::{ArcWake, AtomicWaker, waker};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// How often the store yields before it is declared deadlocked.
const YIELDS: u32 = 3;

/// Remembers that it was woken, and passes it on.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    parent: AtomicWaker,
}

impl ArcWake for Bell {
    fn wake_by_ref(bell: &Arc<Self>) {
        bell.rung.store(true, Ordering::Release);
        bell.parent.wake();
    }
}

/// Runs `future`, or reports the deadlock of the store of `cx`, which `report` describes.
pub(crate) async fn or_deadlock<F: Future>(cx: &Cx, future: F, report: impl Fn() -> Deadlock) -> Result<F::Output> {
    let bell = Arc::new(Bell::default());
    let waker = waker(bell.clone());
    let mut future = pin!(future);
    let mut yields = 0;
    bell.rung.store(true, Ordering::Relaxed);
    poll_fn(|task| {
        bell.parent.register(task.waker());
        while bell.rung.swap(false, Ordering::AcqRel) {
            yields = 0;
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(Ok(output));
            }
        }
        if cx.waits_outside() {
            return Poll::Pending;
        }
        if yields == YIELDS {
            return Poll::Ready(Err(report().into()));
        }
        yields += 1;
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
