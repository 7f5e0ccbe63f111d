//! [`Tasks`]: the futures that run beside the guests of a native store: host functions, what was spawned, and the ends of
//! streams.
//!
//! Those that were woken are polled in the order they were made, so a run does the same each time. A task is woken from any
//! thread, but polled on the store's own.

use crate::cx::Cx;
use futures::future::LocalBoxFuture;
use futures::task::{ArcWake, waker_ref};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Remembers that it was woken, and wakes whoever drives the store.
pub(crate) struct Alarm {
    rung: AtomicBool,
    cx: Cx,
}

impl Alarm {
    /// An alarm that has rung, for something that was never polled.
    pub(crate) fn new(cx: &Cx) -> Arc<Self> {
        Arc::new(Self {
            rung: AtomicBool::new(true),
            cx: cx.clone(),
        })
    }

    /// Whether it has rung since it was taken last.
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// The same, and silences it.
    pub(crate) fn take(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }
}

impl ArcWake for Alarm {
    fn wake_by_ref(alarm: &Arc<Self>) {
        alarm.rung.store(true, Ordering::Release);
        alarm.cx.wake_driver();
    }
}

/// Identifies a task for as long as its store lives.
pub(crate) type TaskId = u64;

/// A task. Its future is taken out while it is polled.
struct Task {
    alarm: Arc<Alarm>,
    future: Option<LocalBoxFuture<'static, ()>>,
}

impl Task {
    fn is_woken(&self) -> bool {
        self.future.is_some() && self.alarm.has_rung()
    }
}

/// The tasks of a store.
#[derive(Default)]
pub(crate) struct Tasks {
    next: Cell<TaskId>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
}

impl Tasks {
    /// Adds a task, which is polled when the store runs next.
    pub(crate) fn spawn(&self, cx: &Cx, future: LocalBoxFuture<'static, ()>) -> TaskId {
        let id = self.next.get();
        self.next.set(id + 1);
        let task = Task {
            alarm: Alarm::new(cx),
            future: Some(future),
        };
        self.tasks.borrow_mut().insert(id, task);
        id
    }

    /// Polls a task now, if it is not being polled already. Says whether it is done.
    pub(crate) fn poll(&self, id: TaskId) -> bool {
        let taken = match self.tasks.borrow_mut().get_mut(&id) {
            Some(task) => task.future.take().map(|future| (task.alarm.clone(), future)),
            None => return true,
        };
        let Some((alarm, mut future)) = taken else { return false };
        alarm.take();
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker_ref(&alarm)));
        match polled {
            Poll::Ready(()) => {
                // Dropped first: what a destructor does may come back here.
                drop(future);
                self.tasks.borrow_mut().remove(&id);
                true
            }
            Poll::Pending => {
                // A task that was removed while it was polled ends here, outside the borrow.
                if let Some(task) = self.tasks.borrow_mut().get_mut(&id) {
                    task.future = Some(future);
                    return false;
                }
                drop(future);
                true
            }
        }
    }

    /// Those that were woken and are not being polled, oldest first.
    pub(crate) fn woken(&self) -> Vec<TaskId> {
        let tasks = self.tasks.borrow();
        let woken = tasks.iter().filter(|(_, task)| task.is_woken());
        woken.map(|(id, _)| *id).collect()
    }

    /// Whether a task was woken and is not being polled.
    pub(crate) fn is_woken(&self, id: TaskId) -> bool {
        self.tasks.borrow().get(&id).is_some_and(Task::is_woken)
    }

    /// Polls a task if it was woken.
    pub(crate) fn poll_if_woken(&self, id: TaskId) {
        if self.is_woken(id) {
            self.poll(id);
        }
    }

    /// Ends a task by dropping its future.
    pub(crate) fn cancel(&self, id: TaskId) {
        let task = self.tasks.borrow_mut().remove(&id);
        drop(task);
    }

    /// Ends all tasks.
    pub(crate) fn clear(&self) {
        let tasks = self.tasks.take();
        drop(tasks);
    }
}
