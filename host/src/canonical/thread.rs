//! [`Thread`]: the one thread of control of a task, suspended or running, and what it waits for.
//!
//! A thread is in one of these states, told apart by [`Parked`]:
//!
//! * *fresh*: it has not run.
//! * *at the gate*: it has not run, because backpressure holds it back.
//! * *between callbacks*: its core code returned YIELD or WAIT. No stack is kept for it.
//! * *on a stack*: its core code called a built-in that blocks; the stack is kept as it is.
//! * *running*, or ended: nothing is kept here.
//!
//! A thread that is parked anywhere but *fresh* is in the store's list of waiting threads, with the [`Condition`] under which
//! it may go on. Whoever resumes it takes it off that list first.

use super::builtins::Calling;
use super::instance::Instance;
use super::subtask::Subtask;
use super::task::Task;
use super::waitable::{Member, WaitableSet};
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;

/// A stack on which an activation is suspended. Dropping it abandons it.
pub trait Stack {
    /// Continues it until it suspends again, or ends and gives nothing.
    fn resume(self: Box<Self>) -> Option<Box<dyn Stack>>;
    /// Gives it up. No code on it runs again, destructors included.
    fn abandon(self: Box<Self>);
}

/// What makes stacks and suspends what runs on them.
pub trait Stacks {
    /// Runs `body`, which is code of the instance with this number, on a stack of its own until it suspends, or ends and
    /// gives nothing. `body` does not panic.
    fn start(&self, instance: u32, body: Box<dyn FnOnce()>) -> Option<Box<dyn Stack>>;
    /// Suspends what runs on the innermost stack, until it is resumed.
    fn suspend(&self);
    /// Whether code of this instance may be run where control is now, without a stack of its own.
    fn is_on_stack_of(&self, instance: u32) -> bool;
}

/// When a thread that waits may go on.
#[derive(Clone)]
pub(crate) enum Condition {
    /// At any time: it has yielded.
    Always,
    /// When nothing holds new tasks of the instance back any more.
    Gate(Rc<Task>),
    /// When a call has resolved.
    Resolved(Rc<Subtask>),
    /// When a waitable has an event.
    Event(Member),
    /// When a set has an event.
    SetEvent(Rc<WaitableSet>),
    /// When a set has an event and the instance's lock is free.
    SetEventAndLock(Rc<WaitableSet>),
    /// When the instance's lock is free.
    Lock,
    /// When a task of a plain function has resolved, which a plain function of the host holds up.
    TaskResolved(Rc<Task>),
}

impl Condition {
    /// Whether it holds, for a thread of `instance`.
    pub(crate) fn holds(&self, instance: &Instance) -> bool {
        match self {
            Condition::Always => true,
            Condition::Gate(task) => !task.is_held_back(),
            Condition::Resolved(subtask) => subtask.is_resolved(),
            Condition::Event(member) => member.waitable().has_event(),
            Condition::SetEvent(set) => set.has_event(),
            Condition::SetEventAndLock(set) => instance.is_free() && set.has_event(),
            Condition::Lock => instance.is_free(),
            Condition::TaskResolved(task) => task.is_resolved(),
        }
    }

    /// Whether the thread only gave way, which puts it behind all others.
    pub(crate) fn is_yield(&self) -> bool {
        matches!(self, Condition::Always | Condition::Lock)
    }
}

/// Where a callback task stands between two callbacks.
#[derive(Clone)]
pub(crate) enum Between {
    Yielded,
    Waiting(Rc<WaitableSet>),
}

/// What is kept of a thread that does not run.
pub(crate) enum Parked {
    Nothing,
    Fresh,
    Gate,
    Callback(Between),
    Stack(Box<dyn Stack>),
}

/// A thread.
pub(crate) struct Thread {
    pub(crate) instance: Rc<Instance>,
    /// The task it belongs to; none for the thread that runs `realloc`.
    pub(crate) task: Option<Rc<Task>>,
    /// The context slots.
    pub(crate) storage: [Cell<*mut u8>; 2],
    pub(crate) parked: RefCell<Parked>,
    pub(crate) waits_for: RefCell<Option<Condition>>,
    /// Whether a cancellation may be delivered while it waits.
    pub(crate) cancellable: Cell<bool>,
    /// Whether it was resumed by a cancellation.
    pub(crate) was_cancelled: Cell<bool>,
    /// What its core code called last, which it is in as long as it is parked on a stack.
    pub(crate) calling: RefCell<Option<Calling>>,
}

impl Thread {
    pub(crate) fn new(instance: &Rc<Instance>, task: Option<Rc<Task>>) -> Rc<Thread> {
        Rc::new(Thread {
            instance: instance.clone(),
            task,
            storage: [Cell::new(ptr::null_mut()), Cell::new(ptr::null_mut())],
            parked: RefCell::new(Parked::Fresh),
            waits_for: RefCell::new(None),
            cancellable: Cell::new(false),
            was_cancelled: Cell::new(false),
            calling: RefCell::new(None),
        })
    }

    /// Whether what it waits for has happened.
    pub(crate) fn is_ready(&self) -> bool {
        let waits_for = self.waits_for.borrow();
        waits_for
            .as_ref()
            .is_some_and(|condition| condition.holds(&self.instance))
    }

    pub(crate) fn has_yielded(&self) -> bool {
        self.waits_for.borrow().as_ref().is_some_and(Condition::is_yield)
    }

    /// Gives up whatever the thread was doing.
    pub(crate) fn give_up(&self) {
        if let Parked::Stack(stack) = self.parked.replace(Parked::Nothing) {
            stack.abandon();
        }
        self.waits_for.replace(None);
    }

    /// The call that it is blocked in, if it is.
    pub(crate) fn blocked_in(&self) -> Option<String> {
        let is_on_stack = matches!(&*self.parked.borrow(), Parked::Stack(_));
        let calling = self.calling.borrow();
        calling.as_ref().filter(|_| is_on_stack).map(Calling::to_string)
    }

    /// The task and its number, for reports.
    pub(crate) fn describe(&self) -> Option<String> {
        self.task.as_ref().map(|task| task.describe())
    }
}
