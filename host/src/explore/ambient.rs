//! What scenarios and their host functions may leave open themselves. Outside of an exploration all of it is canonical.

use super::run;
use crate::canonical::{Choice, Fault};
use crate::native::heap::in_host;
use std::future::poll_fn;
use std::task::Poll;

/// Whether an exploration is running this thread.
pub fn is_exploring() -> bool {
    run::current().is_some()
}

/// A number below `n`, chosen by the exploration; 0 outside of one, and in the canonical schedule. What is simplest belongs at 0:
/// failures are reported with as many zeros as possible.
pub fn pick(n: usize) -> usize {
    // A guest may call this too, and what is recorded is none of its memory.
    let _within = in_host();
    run::current().map_or(0, |run| run.choose(Choice::Scenario, n))
}

/// Whether something unusual is to be done here, which the scenario does itself; never outside of an exploration.
pub fn injects(fault: Fault) -> bool {
    let _within = in_host();
    run::current().is_some_and(|run| run.choose(Choice::Fault(fault), 2) == 1)
}

/// Counts something unusual that the scenario did.
pub fn note(fault: Fault) {
    let _within = in_host();
    if let Some(run) = run::current() {
        run.happened(fault);
    }
}

/// Lets others run first, as long as the exploration chooses, which in the canonical schedule is not at all.
pub async fn pause() {
    for _ in 0..pick(4) {
        yield_now().await;
    }
}

/// Gives way once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
