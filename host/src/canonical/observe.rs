//! [`Observer`]: sees every step of a store, for traces.

use super::choose::Choice;
use super::memory::CoreVal;
use super::trap::Trap;
use super::value::Chunk;
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
        /// The instance it runs in.
        instance: &'a str,
        /// The task, if the activation belongs to one.
        task: Option<String>,
        /// Whether it was run to learn of its cancellation.
        cancelled: bool,
    },
    /// A callback is called with an event.
    Callback {
        /// The instance it runs in.
        instance: &'a str,
        /// The task.
        task: String,
        /// The event.
        event: Event,
    },
    /// Core code called a built-in or an import.
    Call {
        /// The instance whose code it is.
        instance: &'a str,
        /// The task, if the activation belongs to one.
        task: Option<String>,
        /// What was called.
        name: &'a str,
        /// The core arguments.
        args: &'a [CoreVal],
    },
    /// The call returned.
    Return {
        /// The instance whose code it is.
        instance: &'a str,
        /// The task, if the activation belongs to one.
        task: Option<String>,
        /// What was called.
        name: &'a str,
        /// The core result.
        result: Option<CoreVal>,
    },
    /// Elements moved from one end of a stream or future to the other.
    Moved {
        /// The number that both ends report.
        id: u64,
        /// How many.
        count: usize,
        /// What moved.
        elements: &'a Chunk,
    },
    /// The state of a call of a host function changed.
    HostCall {
        /// The number of the call.
        number: u64,
        /// The function.
        name: &'a str,
        /// What happened to it.
        phase: HostPhase,
    },
    /// A task resolved: its caller has the result, or knows of the cancellation.
    Resolved {
        /// The instance it runs in.
        instance: &'a str,
        /// The task.
        task: String,
        /// Whether it was cancelled.
        cancelled: bool,
    },
    /// The thread of a task ended.
    Exited {
        /// The instance it ran in.
        instance: &'a str,
        /// The task.
        task: String,
    },
    /// The store was poisoned.
    Trap(&'a Trap),
}

/// What can happen to a call of a host function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPhase {
    /// It was called, and takes its parameters later.
    Delayed,
    /// It took its parameters.
    Started,
    /// It returned.
    Returned,
    /// It was cancelled.
    Cancelled,
}

/// Sees every step of a store. It must not call into the store.
pub trait Observer {
    /// Called after a choice, before a run or callback, and around a call.
    fn step(&self, step: &Step<'_>);
}
