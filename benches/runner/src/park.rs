//! Calls that wait until a given number of them is in flight, and then return in an order that looks random.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Where calls wait.
#[derive(Clone, Default)]
pub(crate) struct Park(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    expected: usize,
    arrived: usize,
    waiting: Vec<Waker>,
}

impl Park {
    fn with<R>(&self, body: impl FnOnce(&mut State) -> R) -> R {
        body(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says how many calls to wait for.
    pub(crate) fn expect(&self, calls: usize) {
        self.with(|state| {
            *state = State {
                expected: calls,
                ..State::default()
            }
        });
    }

    /// Whether all expected calls came.
    pub(crate) fn is_complete(&self) -> bool {
        self.with(|state| state.arrived == state.expected)
    }

    /// Waits for the others. The last to arrive lets all go, in an order shuffled with a fixed seed.
    pub(crate) async fn wait(&self) {
        let mut arrived = false;
        std::future::poll_fn(|cx| self.poll(cx, &mut arrived)).await;
    }

    fn poll(&self, cx: &Context<'_>, arrived: &mut bool) -> Poll<()> {
        let released = self.with(|state| {
            if *arrived {
                return Vec::new();
            }
            state.arrived += 1;
            state.waiting.push(cx.waker().clone());
            if state.arrived < state.expected {
                return Vec::new();
            }
            shuffle(std::mem::take(&mut state.waiting))
        });
        for waker in released {
            waker.wake();
        }
        // Even the last call waits once: it has to be in flight too.
        if std::mem::replace(arrived, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Fisher and Yates, with a xorshift generator.
fn shuffle<T>(mut items: Vec<T>) -> Vec<T> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(last, (state % (last as u64 + 1)) as usize);
    }
    items
}
