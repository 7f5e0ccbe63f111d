//! [`Trap`]: a rule of the Canonical ABI was broken, by whom, in which call.
//!
//! Every reason for a trap is a [`Rule`] with a name that tests and reports use. Where a trap is raised only the rule and
//! the handle are known; the built-in, the instance and the task are filled in on the way out.

use std::fmt;
use std::rc::Rc;

/// A result whose error is a trap.
pub type Result<T> = std::result::Result<T, Box<Trap>>;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $text:literal;)*) => {
        /// A reason for a trap.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $text] $(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &[Rule] = &[$(Rule::$rule),*];

            /// The name, in words joined by hyphens.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$rule => $name,)* }
            }

            /// What the rule demands, as a sentence without its full stop.
            pub fn text(self) -> &'static str {
                match self { $(Rule::$rule => $text,)* }
            }
        }
    };
}

rules! {
    CannotLeave = "cannot-leave", "imports and most built-ins may not be called from realloc or post-return";
    CannotEnter = "cannot-enter", "an instance that is running may not be entered";
    CannotBlock = "cannot-block", "a task of a function that is not async may not block";
    UnknownHandle = "unknown-handle", "a handle must be in the table of its instance";
    WrongHandleKind = "wrong-handle-kind", "a handle must be of the kind that the operation is for";
    WrongResourceType = "wrong-resource-type", "a resource handle must be of the type that the operation is for";
    WrongPayloadType = "wrong-payload-type", "the end of a stream or future must have the payload that the operation is for";
    HandleTableFull = "handle-table-full", "an instance has at most 2^28 - 1 handles";
    ResourceLent = "resource-lent", "a resource that is lent to a call may be neither dropped nor given away";
    NotOwned = "not-owned", "only an own handle can be given away";
    BorrowsAlive = "borrows-alive", "the borrows a task received must be dropped before it resolves";
    TaskReturnOfSyncLift = "task-return-of-sync-lift", "task.return is only for tasks of exports lifted with async";
    TaskReturnType = "task-return-type", "task.return must have the result type and options of the export";
    TaskResolvedTwice = "task-resolved-twice", "a task resolves once";
    TaskCancelOfSyncLift = "task-cancel-of-sync-lift", "task.cancel is only for tasks of exports lifted with async";
    TaskNotCancelled = "task-not-cancelled", "task.cancel is only for tasks that were told of their cancellation";
    TaskNotResolved = "task-not-resolved", "a task must resolve before it exits";
    CallbackCode = "callback-code", "a callback returns EXIT, YIELD or WAIT";
    SetHasMembers = "set-has-members", "a waitable set must be empty when it is dropped";
    SetHasWaiters = "set-has-waiters", "nobody may wait for a waitable set that is dropped";
    SyncWaiter = "sync-waiter", "a waitable that a synchronous operation waits for stays where it is";
    SyncInSet = "sync-in-set", "a synchronous operation is not for members of a waitable set";
    CancelInSet = "cancel-in-set", "a call is taken out of its waitable set before it is cancelled";
    CancelAfterResolve = "cancel-after-resolve", "a call whose resolution was delivered cannot be cancelled";
    CancelledTwice = "cancelled-twice", "cancellation is requested once";
    SubtaskUnresolved = "subtask-unresolved", "a subtask may be dropped after its resolution was delivered";
    EndBusy = "end-busy", "an end copies one thing at a time";
    EndDone = "end-done", "an end that was told its peer is gone, or whose future is done, can only be dropped";
    CopyTooLong = "copy-too-long", "a copy has at most 2^28 - 1 elements";
    SameInstance = "same-instance", "both ends of a stream or future may be in one instance only if its payload is a number or nothing";
    CancelWithoutCopy = "cancel-without-copy", "only an asynchronous copy in progress can be cancelled";
    DropWhileCopying = "drop-while-copying", "an end may be dropped when no copy is in progress or undelivered";
    FutureNotWritten = "future-not-written", "the writable end of a future may be dropped after its write completed, or was told that the reader is gone";
    TransferBusy = "transfer-busy", "a readable end may be passed on only when it is idle";
    TransferInSet = "transfer-in-set", "a readable end leaves its waitable set before it is passed on";
    UndeliveredEvent = "undelivered-event", "a waitable may not be dropped with an event that was not delivered";
    Backpressure = "backpressure", "the backpressure counter stays between 0 and 2^16 - 1";
    Misaligned = "misaligned", "a pointer must have the alignment of what it points to";
    OutOfBounds = "out-of-bounds", "what a pointer points to must be memory of the guest";
    Char = "char", "a char must be a Unicode scalar value";
    Discriminant = "discriminant", "a discriminant must be below the number of cases";
    StringEncoding = "string-encoding", "a string must be well formed in its encoding";
    StringTooLong = "string-too-long", "a string has at most 2^28 - 1 bytes";
    ListTooLong = "list-too-long", "a list has at most 2^28 - 1 bytes";
    ContextSlot = "context-slot", "a context slot is 0 or 1";
    CoreSignature = "core-signature", "a core function must be called, and must return, as its type says";
    UnknownImport = "unknown-import", "a core import must be a built-in or a function that the world imports";
    HostContract = "host-contract", "a host function must return what its type says, and once";
    HostFailed = "host-failed", "a host function must not fail";
    FutureDropped = "future-dropped", "the host must write a future before it drops the writable end";
    Panic = "panic", "guest code must not panic across an export";
    UseAfterFree = "use-after-free", "memory lent to the host must stay allocated and in place";
    MutatedInFlight = "mutated-in-flight", "memory that the host reads later must not change before";
    Endless = "endless", "a schedule that is explored must end within its bound";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The rule.
    pub rule: Rule,
    /// The handle it is about.
    pub handle: Option<u32>,
    /// What was found, as a sentence without its full stop.
    pub detail: Option<String>,
    /// The built-in or import that was called, with its arguments.
    pub call: Option<String>,
    /// The instance whose code called it.
    pub instance: Option<Rc<str>>,
    /// The task that was running, by number and export.
    pub task: Option<String>,
}

impl Trap {
    /// A trap that breaks `rule`.
    #[cold]
    pub fn new(rule: Rule) -> Box<Trap> {
        Box::new(Trap {
            rule,
            handle: None,
            detail: None,
            call: None,
            instance: None,
            task: None,
        })
    }

    /// The same, about a handle.
    #[must_use]
    pub fn about(mut self: Box<Self>, handle: u32) -> Box<Trap> {
        self.handle = Some(handle);
        self
    }

    /// The same, with what was found.
    #[must_use]
    pub fn with(mut self: Box<Self>, detail: impl Into<String>) -> Box<Trap> {
        self.detail = Some(detail.into());
        self
    }
}

/// The trap for `rule`, as an error.
pub(crate) fn trap<T>(rule: Rule) -> Result<T> {
    Err(Trap::new(rule))
}

/// Traps if `broken`.
pub(crate) fn trap_if(broken: bool, rule: Rule) -> Result<()> {
    if broken { trap(rule) } else { Ok(()) }
}

/// Traps about `handle` if `broken`.
pub(crate) fn trap_if_at(broken: bool, rule: Rule, handle: u32) -> Result<()> {
    if broken {
        Err(Trap::new(rule).about(handle))
    } else {
        Ok(())
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.rule.text())?;
        if let Some(detail) = &self.detail {
            write!(f, "; {detail}")?;
        }
        if let Some(handle) = self.handle {
            write!(f, "\n  handle   {handle}")?;
        }
        for (title, value) in [("call", self.call.as_deref()), ("task", self.task.as_deref())] {
            if let Some(value) = value {
                write!(f, "\n  {title:<8} {value}")?;
            }
        }
        if let Some(instance) = &self.instance {
            write!(f, "\n  instance {instance}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Trap {}

#[cfg(test)]
mod tests {
    use super::{Rule, Trap};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct() {
        let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
    }

    #[test]
    fn a_trap_says_rule_handle_call_task_and_instance() {
        let mut trap = Trap::new(Rule::EndBusy).about(3).with("a read is in progress");
        trap.call = Some("stream.read(3, 0x10, 4)".into());
        trap.task = Some("task 1 of run".into());
        trap.instance = Some("guest".into());
        let expected = "\
end-busy: an end copies one thing at a time; a read is in progress
  handle   3
  call     stream.read(3, 0x10, 4)
  task     task 1 of run
  instance guest";
        assert_eq!(trap.to_string(), expected);
    }
}
