//! [`Fault`]: what a guest has to cope with and seldom meets, by names that counters and reports use.
//!
//! None of it breaks a rule: each is something the specification lets a host, a peer or the scheduler do. Some are injected, by
//! [`Choice::Fault`](super::Choice::Fault); others follow from other choices, and are noted where they come about.

use super::choose::Choice;
use super::copy::CopyResult;
use super::subtask::SubtaskState;
use super::waitable::{Event, EventCode};

macro_rules! faults {
    ($($fault:ident = $name:literal, $text:literal;)*) => {
        /// Something unusual that a guest has to cope with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $(#[doc = $text] $fault,)*
        }

        impl Fault {
            /// All faults.
            pub const ALL: &[Fault] = &[$(Fault::$fault),*];

            /// The name, in words joined by hyphens.
            pub fn name(self) -> &'static str {
                match self { $(Fault::$fault => $name,)* }
            }

            /// What happens, as a sentence without its full stop.
            pub fn text(self) -> &'static str {
                match self { $(Fault::$fault => $text,)* }
            }
        }
    };
}

faults! {
    CopyOne = "copy-one", "a copy moves one element where more are offered";
    CopyAllButOne = "copy-all-but-one", "a copy moves all elements but one";
    CopySome = "copy-some", "a copy moves some other part of what is offered";
    ZeroLengthRead = "zero-length-read", "the host reads nothing, to learn whether a writer is there";
    ZeroLengthWrite = "zero-length-write", "the host writes nothing, to learn whether a reader is there";
    ReadWithdrawn = "read-withdrawn", "the host withdraws a read and makes it again";
    StartDelayed = "start-delayed", "a host function takes its parameters after the call, which is STARTING meanwhile";
    ReturnDelayed = "return-delayed", "a host function that could return at once does so later, and the call is STARTED meanwhile";
    ReturnMerged = "return-merged", "a call starts and returns before either is reported";
    PlainDelayed = "plain-delayed", "a plain function of the host does not return at once, and holds up the whole store";
    AnswerDelayed = "answer-delayed", "an end of the host does not answer a guest that begins to wait at once";
    EventReordered = "event-reordered", "another event of a set is reported than the one Wasmtime would report";
    TaskReordered = "task-reordered", "another task runs than the one Wasmtime would run";
    SiblingReordered = "sibling-reordered", "another task runs while a plain function waits";
    WentOn = "went-on", "a wait goes on without giving way";
    HostActedInCall = "host-acted-in-call", "the host gets on in the middle of a call of core code";
    CopyCancelCompleted = "copy-cancel-completed", "a copy completes as it is cancelled";
    CopyCancelDropped = "copy-cancel-dropped", "a peer goes away as a copy is cancelled";
    CopyCancelled = "copy-cancelled", "a copy is cancelled";
    CallCancelledBeforeStart = "call-cancelled-before-start", "a call is cancelled before it has started";
    CallCancelledAfterStart = "call-cancelled-after-start", "a call is cancelled after it has started";
    CallCancelLost = "call-cancel-lost", "a call returns although its cancellation was requested";
    CancelDelayed = "cancel-delayed", "a host function takes its time to be cancelled";
    CancelIgnored = "cancel-ignored", "a host function does not care that it is to be cancelled";
    TaskCancelledAtStart = "task-cancelled-at-start", "a task is cancelled before it has started";
    TaskCancelledInWait = "task-cancelled-in-wait", "a task is told of its cancellation while it waits";
    TaskCancelledInYield = "task-cancelled-in-yield", "a task is told of its cancellation after a yield";
    TaskCancelDelayed = "task-cancel-delayed", "a task cannot be told of its cancellation at once";
    HeldBack = "held-back", "backpressure holds a call back";
    PeerDroppedIdle = "peer-dropped-idle", "the peer of an idle end goes away";
    PeerDroppedWaiting = "peer-dropped-waiting", "a peer goes away while a copy waits for it";
    PeerDroppedUndelivered = "peer-dropped-undelivered", "a peer goes away after it moved elements and before that is reported";
    TableCrowded = "table-crowded", "other handles were in the table before the guest's";
    IndexReused = "index-reused", "a handle gets the index of one of another kind";
    ErrorContextScrubbed = "error-context-scrubbed", "an error context loses its message";
    NanScrambled = "nan-scrambled", "a NaN has unusual bits";
    StringReencoded = "string-reencoded", "a string comes from another encoding";
    TimePassed = "time-passed", "time passes although something could be done";
    HostFailed = "host-failed", "a host function fails, which ends the store";
    DuplicateWake = "duplicate-wake", "a future is woken twice";
    SpuriousWake = "spurious-wake", "a future is woken for nothing";
    LateWake = "late-wake", "a future is woken after it has ended";
}

impl Fault {
    /// What an answer of a chooser amounts to.
    pub(crate) fn of(kind: Choice, n: usize, answer: usize) -> Option<Fault> {
        if answer == 0 {
            return None;
        }
        match kind {
            Choice::Event => Some(Fault::EventReordered),
            Choice::Task => Some(Fault::TaskReordered),
            Choice::SiblingTask => Some(Fault::SiblingReordered),
            Choice::GoOn => Some(Fault::WentOn),
            Choice::HostStart => Some(Fault::StartDelayed),
            Choice::HostEvent => Some(Fault::HostActedInCall),
            Choice::HostPace => Some(Fault::AnswerDelayed),
            Choice::CopyLength if answer == 1 => Some(Fault::CopyOne),
            Choice::CopyLength if answer + 1 == n => Some(Fault::CopyAllButOne),
            Choice::CopyLength => Some(Fault::CopySome),
            Choice::Nan => Some(Fault::NanScrambled),
            Choice::StringSource => Some(Fault::StringReencoded),
            Choice::ErrorContext => Some(Fault::ErrorContextScrubbed),
            Choice::Fault(fault) => Some(fault),
            Choice::Profile | Choice::Scenario => None,
        }
    }

    /// What the event of a copy amounts to.
    pub(crate) fn of_copy(event: Event) -> Option<Fault> {
        let is_copy = !matches!(
            event.code,
            EventCode::None | EventCode::Subtask | EventCode::TaskCancelled
        );
        let is_dropped = event.p2 & 0xf == CopyResult::Dropped as u32;
        (is_copy && is_dropped).then_some(if event.p2 >> 4 == 0 {
            Fault::PeerDroppedWaiting
        } else {
            Fault::PeerDroppedUndelivered
        })
    }

    /// What the result of cancelling a copy amounts to.
    pub(crate) fn of_cancelled_copy(result: u32) -> Fault {
        if result & 0xf == CopyResult::Dropped as u32 {
            Fault::CopyCancelDropped
        } else if result & 0xf == CopyResult::Cancelled as u32 {
            Fault::CopyCancelled
        } else {
            Fault::CopyCancelCompleted
        }
    }

    /// What the result of cancelling a call amounts to.
    pub(crate) fn of_cancelled_call(state: SubtaskState) -> Fault {
        match state {
            SubtaskState::CancelledBeforeStarted => Fault::CallCancelledBeforeStart,
            SubtaskState::CancelledBeforeReturned => Fault::CallCancelledAfterStart,
            _ => Fault::CallCancelLost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct() {
        let names: BTreeSet<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
