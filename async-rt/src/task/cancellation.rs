//! Cancellation as the task sees it: waiting for it, and holding it off.
//!
//! A task that is cancelled loses its root future, and its caller is told. What has been spawned goes on, and may ask. A
//! *shield* keeps the root: the cancellation waits until the last shield is gone, and the task may still return instead.
//! Both need a block that tasks do without. It comes into being with the first who waits or the first shield, and so does the
//! task's waitable set, so that only tasks with a set have to look for one when they exit. What a task does with its block
//! it does through functions in it: a guest that uses none of this has none of its code.

use super::members::set_of;
use super::{Task, spawn};
use crate::cabi::{self, Current};
use crate::sys::{InstanceId, builtins};
use crate::waitable;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::ptr;
use core::task::{Poll, Waker};

/// In place of a block: the cancellation was requested, and nobody has asked yet.
const REQUESTED: *const Cancellation = ptr::without_provenance(align_of::<Cancellation>());

/// What a task knows of its cancellation.
pub(super) struct Cancellation {
    /// Notes the request and tells who waits; answers whether it is held off.
    request: fn(&Cancellation) -> bool,
    /// Gives up the task's reference.
    exit: unsafe fn(*const Cancellation),
    /// Null once the task has exited.
    task: Cell<*const Task>,
    requested: Cell<bool>,
    shields: Cell<u32>,
    /// Who waits, by a number of its own.
    waiting: RefCell<Vec<(u64, Waker)>>,
    last: Cell<u64>,
    instance: InstanceId,
}

impl Cancellation {
    /// That of a task.
    ///
    /// # Safety
    ///
    /// The task is alive and has not exited.
    unsafe fn of(task: *const Task) -> Rc<Cancellation> {
        // SAFETY: as promised. The pointer in the task is null or a reference of its own.
        unsafe {
            let mut this = (*task).cancellation.get();
            if this.is_null() || this == REQUESTED {
                this = Rc::into_raw(Rc::new(Cancellation {
                    request: Cancellation::note,
                    exit: Cancellation::release,
                    task: Cell::new(task),
                    requested: Cell::new(!this.is_null()),
                    shields: Cell::new(0),
                    waiting: RefCell::new(Vec::new()),
                    last: Cell::new(0),
                    instance: InstanceId::current(),
                }));
                (*task).cancellation.set(this);
                set_of(task);
            }
            Rc::increment_strong_count(this);
            Rc::from_raw(this)
        }
    }

    /// That of the current task, if it is one of ours.
    fn current() -> Option<Rc<Cancellation>> {
        match cabi::current() {
            // SAFETY: a current task is alive and has not exited.
            Current::Ours(task) => Some(unsafe { Cancellation::of(task) }),
            Current::None | Current::Foreign(..) => None,
        }
    }

    /// # Safety
    ///
    /// The task exits, and `this` is what it has.
    unsafe fn release(this: *const Cancellation) {
        // SAFETY: promised by the caller.
        let this = unsafe { Rc::from_raw(this) };
        this.task.set(ptr::null());
    }

    fn note(&self) -> bool {
        self.requested.set(true);
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
        self.shields.get() != 0
    }

    /// The task exits.
    ///
    /// # Safety
    ///
    /// The task is alive.
    pub(super) unsafe fn exit(task: *const Task) {
        // SAFETY: the pointer in the task is one of two constants or a reference of its own.
        unsafe {
            let this = (*task).cancellation.get();
            if !this.is_null() && this != REQUESTED {
                ((*this).exit)(this);
            }
        }
    }

    /// The cancellation of a task has been delivered.
    ///
    /// # Safety
    ///
    /// The task is alive and published, and its root is not done.
    pub(super) unsafe fn request(task: *const Task) {
        // SAFETY: promised by the caller; wakers at most queue nodes of this task, so its block stays.
        unsafe {
            let this = (*task).cancellation.get();
            if this.is_null() {
                (*task).cancellation.set(REQUESTED);
            } else if this != REQUESTED && ((*this).request)(&*this) {
                return;
            }
            super::drop_root(task);
        }
    }
}

/// Whether the cancellation of the current task has been requested.
///
/// Only what is left can ask: spawned futures, and the task's own behind a [`shield`].
pub fn is_cancelled() -> bool {
    match cabi::current() {
        // SAFETY: a current task is alive; what it has is, too.
        Current::Ours(task) => unsafe {
            let this = (*task).cancellation.get();
            this == REQUESTED || this.as_ref().is_some_and(|this| this.requested.get())
        },
        Current::None | Current::Foreign(..) => false,
    }
}

/// Waits until the cancellation of the current task is requested. In a task of another runtime that is for ever.
///
/// Cancel safe. Without a [`shield`] a cancelled task's own future is dropped and cannot see this; spawned futures can.
pub async fn cancelled() {
    let Some(this) = Cancellation::current() else {
        return core::future::pending().await;
    };
    this.last.set(this.last.get() + 1);
    let waiting = Waiting {
        number: this.last.get(),
        of: this,
    };
    poll_fn(|cx| {
        waiting.of.instance.check();
        if waiting.of.requested.get() {
            return Poll::Ready(());
        }
        waiting.store(cx.waker());
        Poll::Pending
    })
    .await;
}

/// One who waits for a cancellation.
struct Waiting {
    of: Rc<Cancellation>,
    number: u64,
}

impl Waiting {
    /// Stores the waker instead of the one before, if any; that is handed out, as its drop may be anybody's code.
    fn replace(&self, waker: Option<Waker>) -> Option<Waker> {
        let mut all = self.of.waiting.borrow_mut();
        let before = all.iter().position(|(number, _)| *number == self.number);
        let before = before.map(|index| all.swap_remove(index).1);
        all.extend(waker.map(|waker| (self.number, waker)));
        before
    }

    fn store(&self, waker: &Waker) {
        drop(self.replace(Some(waker.clone())));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if waitable::is_alive(self.of.instance) {
            drop(self.replace(None));
        }
    }
}

/// Runs `future` with the cancellation of the current task held off: for work that must not stop in the middle, and for
/// cleaning up.
///
/// While it runs, [`cancelled`] and [`is_cancelled`] tell of a cancellation. When it is done, the task's own future is
/// dropped at its next await, unless the task has returned by then. A task of another runtime is not held off.
pub async fn shield<F: Future>(future: F) -> F::Output {
    let shield = Shield::new();
    let output = future.await;
    drop(shield);
    output
}

/// Holds a cancellation off for as long as it lives.
struct Shield(Option<Rc<Cancellation>>);

impl Shield {
    fn new() -> Shield {
        let this = Cancellation::current();
        if let Some(this) = &this {
            this.shields.set(this.shields.get() + 1);
        }
        Shield(this)
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        let Some(this) = &self.0 else { return };
        if !waitable::is_alive(this.instance) {
            return;
        }
        this.shields.set(this.shields.get() - 1);
        let task = this.task.get();
        if this.shields.get() != 0 || !this.requested.get() || task.is_null() {
            return;
        }
        // The root may be on the stack now, so another node drops it.
        let this = this.clone();
        let end = async move {
            let task = this.task.get();
            // SAFETY: this node keeps the task from exiting, so the pointer is not null, and the task runs it.
            unsafe {
                if this.shields.get() == 0 && !(*task).root.is_done() {
                    super::drop_root(task);
                }
            }
        };
        // SAFETY: the task is alive and has not exited: it would have said so.
        unsafe {
            if !(*task).root.is_done() {
                drop(spawn::JoinHandle::<()>::of(spawn::spawn_on(task, end)));
            }
        }
    }
}

/// Tells the host that the task ends without a result.
pub(super) fn acknowledge() {
    // SAFETY: the task is current, its cancellation was delivered, and it has not returned.
    unsafe { builtins::task_cancel() }
}
