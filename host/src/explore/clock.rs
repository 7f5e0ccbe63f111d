//! [`Clock`]: virtual time. It stands still while anything can be done, unless a schedule lets it pass, and then it jumps to the
//! next moment that somebody waits for.

use super::run;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The clock of a run.
#[derive(Default)]
pub(crate) struct Clock {
    now: Cell<u64>,
    next: Cell<u64>,
    /// Who waits, by the moment and the order in which they came.
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
}

impl Clock {
    /// Nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    pub(crate) fn has_timers(&self) -> bool {
        !self.timers.borrow().is_empty()
    }

    /// Jumps to the next moment that somebody waits for, and wakes one who does.
    pub(crate) fn advance(&self) {
        let first = self.timers.borrow_mut().pop_first();
        if let Some(((moment, _), waker)) = first {
            self.now.set(self.now.get().max(moment));
            waker.wake();
        }
    }

    fn register(&self, key: Option<(u64, u64)>, moment: u64, waker: &Waker) -> (u64, u64) {
        let key = key.unwrap_or_else(|| {
            self.next.set(self.next.get() + 1);
            (moment, self.next.get())
        });
        self.timers.borrow_mut().insert(key, waker.clone());
        key
    }

    fn forget(&self, key: (u64, u64)) {
        self.timers.borrow_mut().remove(&key);
    }
}

/// The virtual time since the exploration's current schedule began; outside of one, none has passed.
pub fn now() -> Duration {
    Duration::from_nanos(run::current().map_or(0, |run| run.clock.now()))
}

/// Waits until so much virtual time has passed; outside of an exploration it is over at once.
///
/// It is for host functions that stand for something slow. What is awaited on its behalf needs no
/// [`Cx::external`](crate::Cx::external): when nothing else can be done, time passes.
pub fn delay(duration: Duration) -> Delay {
    let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    Delay {
        until: run::current().map_or(0, |run| run.clock.now().saturating_add(duration)),
        key: None,
    }
}

/// Waits for virtual time to pass.
#[derive(Debug)]
#[must_use = "no time passes unless the future is awaited"]
pub struct Delay {
    until: u64,
    key: Option<(u64, u64)>,
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(run) = run::current() else {
            return Poll::Ready(());
        };
        if run.clock.now() >= self.until {
            return Poll::Ready(());
        }
        self.key = Some(run.clock.register(self.key, self.until, cx.waker()));
        Poll::Pending
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        if let (Some(key), Some(run)) = (self.key, run::current()) {
            run.clock.forget(key);
        }
    }
}
