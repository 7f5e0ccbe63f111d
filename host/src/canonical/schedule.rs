//! The scheduler of a [`Store`]: what can be done next, and which of it is done.

use super::choose::{Actor, Choice};
use super::instance::Instance;
use super::store::Store;
use super::task::{Task, TaskState};
use super::thread::Thread;
use super::trap::Result;
use std::rc::Rc;

/// Something the scheduler can do next.
enum Work {
    Thread(Rc<Thread>, bool),
    /// A delayed call, by its place and its number.
    Delayed(usize, u64),
    Orphan,
}

impl Work {
    fn actor(&self) -> Actor {
        match self {
            Work::Thread(thread, _) => thread
                .task
                .as_ref()
                .map_or(0, |task| actor(ActorKind::Task, task.number())),
            Work::Delayed(_, number) => actor(ActorKind::Delayed, *number),
            Work::Orphan => actor(ActorKind::Orphan, 0),
        }
    }
}

/// What an [`Actor`] is, in its upper bits.
#[derive(Clone, Copy)]
pub(crate) enum ActorKind {
    Task = 1,
    Delayed,
    Orphan,
    Waitable,
    HostFuture,
    Clock,
}

/// The number of an actor among all.
pub(crate) fn actor(kind: ActorKind, number: u64) -> Actor {
    (kind as u64) << 48 | number
}

/// Who takes the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a step that is somebody else's has not been taken"]
pub(crate) enum Turn {
    /// Nobody can.
    Nobody,
    /// The store, and it did.
    Store,
    /// The one at this place among those given first, then those given last.
    Other(usize),
}

impl Store {
    /// Runs one ready task of `instance` while a task of a plain function waits in it. Says whether there was one.
    pub(crate) fn run_sibling(&self, instance: &Rc<Instance>) -> Result<bool> {
        let exclusive = instance.exclusive.borrow().clone();
        let is_exclusive = |thread: &Rc<Thread>| exclusive.as_ref().is_some_and(|holder| Rc::ptr_eq(holder, thread));
        let started = instance.threads();
        let is_started = |thread: &Rc<Thread>| started.iter().any(|other| Rc::ptr_eq(other, thread));
        let mut ready = self.waiting();
        ready.retain(|thread| is_started(thread) && thread.is_ready() && !is_exclusive(thread));
        if ready.is_empty() {
            return Ok(false);
        }
        ready.sort_by_key(|thread| thread.has_yielded());
        let number = |thread: &Rc<Thread>| {
            thread
                .task
                .as_ref()
                .map_or(0, |task| actor(ActorKind::Task, task.number()))
        };
        let index = self.choose_actor(Choice::SiblingTask, ready.iter().map(number));
        self.resume(&ready[index], false).map(|()| true)
    }

    /// Takes one step: runs a task that can go on, or does what the host owes. Says whether there was anything to do.
    ///
    /// # Errors
    /// The trap, when the store is poisoned, by this step or before.
    pub fn tick(&self) -> Result<bool> {
        Ok(self.tick_among(&[], &[])? == Turn::Store)
    }

    /// The same, or leaves the step to somebody else: in canonical order those of `first` come before, and those of `last`
    /// after what the store has to do.
    ///
    /// # Errors
    /// As [`Store::tick`].
    pub(crate) fn tick_among(&self, first: &[Actor], last: &[Actor]) -> Result<Turn> {
        self.check()?;
        let mut work = self.work();
        let actors: Vec<Actor> = first
            .iter()
            .copied()
            .chain(work.iter().map(Work::actor))
            .chain(last.iter().copied())
            .collect();
        if actors.is_empty() {
            return Ok(Turn::Nobody);
        }
        let index = self.choose_actor(Choice::Task, actors.iter().copied());
        if index < first.len() {
            return Ok(Turn::Other(index));
        }
        let own = index - first.len();
        if own >= work.len() {
            return Ok(Turn::Other(index - work.len()));
        }
        match work.swap_remove(own) {
            Work::Thread(thread, cancelled) => self.run_from_outside(&thread, cancelled)?,
            Work::Delayed(index, _) => {
                let delayed = self.take_delayed(index);
                delayed
                    .map_or(Ok(()), |call| call.begin(self))
                    .inspect_err(|trap| self.poison(trap.clone()))?;
            }
            Work::Orphan => {
                if let Some((ty, rep)) = self.take_orphan() {
                    self.destroy(&ty, rep).inspect_err(|trap| self.poison(trap.clone()))?;
                }
            }
        }
        self.check()?;
        Ok(Turn::Store)
    }

    fn run_from_outside(&self, thread: &Rc<Thread>, cancelled: bool) -> Result<()> {
        if cancelled && let Some(task) = &thread.task {
            task.deliver_pending_cancel(true);
        }
        let before = thread.instance.enter();
        self.resume(thread, cancelled)?;
        thread.instance.leave(before);
        Ok(())
    }

    /// What can be done next, in Wasmtime's order: what became ready first, and what gave way last.
    fn work(&self) -> Vec<Work> {
        let delayed = self.delayed().into_iter().enumerate();
        let delayed = delayed.map(|(index, number)| Work::Delayed(index, number));
        if let Some(blocker) = self.blocker() {
            let ready = blocker.is_ready().then_some(Work::Thread(blocker, false));
            return ready.into_iter().chain(delayed).collect();
        }
        let (mut work, mut yielded) = (Vec::new(), Vec::new());
        for thread in self.waiting() {
            if thread.is_ready() {
                let list = if thread.has_yielded() { &mut yielded } else { &mut work };
                list.push(Work::Thread(thread, false));
            } else if self.has_cancel_to_deliver(&thread) {
                work.push(Work::Thread(thread, true));
            }
        }
        work.extend(delayed);
        if self.has_orphans() {
            work.push(Work::Orphan);
        }
        work.append(&mut yielded);
        work
    }

    fn has_cancel_to_deliver(&self, thread: &Rc<Thread>) -> bool {
        let pending = |task: &Rc<Task>| task.state() == TaskState::PendingCancel;
        self.profile().pending_cancel_wakes
            && thread.cancellable.get()
            && thread.task.as_ref().is_some_and(pending)
            && (thread.instance.is_free() || thread.instance.is_exclusive(thread))
    }
}
