//! The end of a task: its queues, its set, and what is registered in it.

use super::cancellation::Cancellation;
use super::node::{Node, Queue};
use super::{State, Task, discard};
use crate::instance::Listener;
use crate::sys::{self, builtins};
use core::ptr;

/// Ends a task that nothing holds.
///
/// # Safety
///
/// The task is alive and all its nodes are done. It must not be used afterwards.
#[inline(always)]
pub(super) unsafe fn exit(task: *const Task) {
    // SAFETY: alive until the last line.
    unsafe {
        (*task).state.set(State::Exited);
        if !is_over(task) {
            take_apart(task);
        }
        Node::release(task.cast());
    }
}

/// Whether a task is finished, and leaves nothing behind: what has no set has no members, and no cancellation.
///
/// # Safety
///
/// The task is alive.
#[inline(always)]
pub(super) unsafe fn is_over(task: *const Task) -> bool {
    // SAFETY: promised by the caller.
    unsafe { (*task).holds.get() == 0 && (*task).set.get() == 0 && Queue::are_empty(&(*task).ready, &(*task).later) }
}

/// Empties the queues of an exited task and gives up its set and the registrations in it.
///
/// # Safety
///
/// As for [`exit`].
#[inline(never)]
unsafe fn take_apart(task: *const Task) {
    // SAFETY: as promised. What is a member is so of the set.
    unsafe {
        (*task).ready.append(&(*task).later);
        while let Some(node) = (*task).ready.pop() {
            discard(task, node);
        }
        if let Some(op) = (*task).alone.replace(ptr::null()).as_ref() {
            builtins::waitable_join(op.handle(), 0);
            op.forgotten_by_task();
        }
        if (*task).members.get() != 0 {
            sys::instance().each_slot_of(task, |waitable, slot| {
                builtins::waitable_join(waitable, 0);
                if let Listener::Op(op) | Listener::Holding(op) = slot.listener.get() {
                    (*op).forgotten_by_task();
                }
                slot.task.set(ptr::null());
            });
            (*task).members.set(0);
        }
        Cancellation::exit(task);
        (*task).signal.close();
        if (*task).set.get() != 0 {
            builtins::waitable_set_drop((*task).set.get());
        }
    }
}
