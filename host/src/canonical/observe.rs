//! [`Observer`]: sees every step of a store, for traces.

use super::choose::Choice;
use super::trap::Trap;
use super::waitable::Event;

/// One step.
#[derive(Debug)]
pub enum Step<'a> {
    /// A choice was made among `n`.
    Choice {
        /// What was chosen.
        kind: Choice,
        /// Among how many.
        n: usize,
        /// The answer.
        answer: usize,
    },
    /// A task was run, from its start or from where it waited.
    Run {
        /// The task, if the activation belongs to one.
        task: Option<String>,
        /// Whether it was run to learn of its cancellation.
        cancelled: bool,
    },
    /// A callback is called with an event.
    Callback {
        /// The task.
        task: String,
        /// The event.
        event: Event,
    },
    /// Core code called a built-in or an import.
    Call {
        /// The task, if the activation belongs to one.
        task: Option<String>,
        /// The call with its arguments.
        call: &'a str,
    },
    /// The call returned.
    Return {
        /// The task, if the activation belongs to one.
        task: Option<String>,
        /// The call with its arguments.
        call: &'a str,
        /// The core result.
        result: Option<String>,
    },
    /// The store was poisoned.
    Trap(&'a Trap),
}

/// Sees every step of a store. It must not call into the store.
pub trait Observer {
    /// Called after a choice, before a run or callback, and around a call.
    fn step(&self, step: &Step<'_>);
}
