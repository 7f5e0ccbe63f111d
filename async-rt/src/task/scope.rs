//! Futures that run concurrently and may borrow.
//!
//! A scope polls what is spawned in it from its own poll, so nothing of it outlives the scope, whether that is awaited,
//! dropped or forgotten. Each future has a waker of its own, and only those that were woken are polled.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};

/// Wakes the scope, and notes for which of its futures.
struct Woken {
    is: AtomicBool,
    scope: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Woken>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Woken>) {
        // Release pairs with the acquire before a poll: what was done before the wake is seen there.
        self.is.store(true, Ordering::Release);
        self.scope.wake_by_ref();
    }
}

struct Child<'env> {
    future: Pin<Box<dyn Future<Output = ()> + 'env>>,
    /// Made with the first poll, and anew when the scope is polled by somebody else.
    woken: Option<Arc<Woken>>,
}

impl Child<'_> {
    /// Polls the future if it was woken; answers whether it is done.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let woken = match &self.woken {
            Some(woken) if woken.scope.will_wake(cx.waker()) => {
                if !woken.is.swap(false, Ordering::Acquire) {
                    return false;
                }
                woken.clone()
            }
            _ => {
                let scope = cx.waker().clone();
                let is = AtomicBool::new(false);
                self.woken.insert(Arc::new(Woken { is, scope })).clone()
            }
        };
        let waker = Waker::from(woken);
        self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
    }
}

/// Where futures may borrow: see [`scope`].
pub struct Scope<'env> {
    /// Those that were spawned and not polled yet.
    fresh: RefCell<Vec<Child<'env>>>,
}

impl<'env> Scope<'env> {
    /// Runs `future` concurrently with the scope, which will not end before it.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'env) {
        self.fresh.borrow_mut().push(Child {
            future: Box::pin(future),
            woken: None,
        });
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Runs `body`, which may spawn futures that borrow what lives longer than the scope, and waits for all of them.
///
/// Dropping the scope drops what runs in it.
///
/// ```
/// use witflow_async_rt::async_support::scope;
/// # use core::cell::Cell;
///
/// async fn sum(numbers: &[u32]) -> u32 {
///     let sum = &Cell::new(0);
///     scope(async |scope| {
///         for number in numbers {
///             scope.spawn(async move { sum.set(sum.get() + number) });
///         }
///     })
///     .await;
///     sum.get()
/// }
/// ```
pub async fn scope<'env, R>(body: impl AsyncFnOnce(&Scope<'env>) -> R) -> R {
    let scope = Scope {
        fresh: RefCell::new(Vec::new()),
    };
    let mut children: Vec<Child<'env>> = Vec::new();
    let mut body = pin!(body(&scope));
    let mut output = None;
    poll_fn(|cx| {
        if output.is_none()
            && let Poll::Ready(result) = body.as_mut().poll(cx)
        {
            output = Some(result);
        }
        children.append(&mut scope.fresh.borrow_mut());
        children.retain_mut(|child| !child.poll(cx));
        if children.is_empty()
            && let Some(result) = mem::take(&mut output)
        {
            return Poll::Ready(result);
        }
        Poll::Pending
    })
    .await
}
