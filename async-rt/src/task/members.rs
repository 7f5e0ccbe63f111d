//! The waitables in a task's set: who joins, who is told of events, who leaves.
//!
//! The instance's table has a slot for each waitable; an occupied slot names the task whose set the waitable is in, and a
//! listener. Listeners that hold their task count among what keeps it from exiting. One op, for which the root waits, is kept by the task
//! itself, and its slot is empty.

use super::Task;
use super::node::Node;
use crate::abi::event;
use crate::instance::{Listener, Slot};
use crate::sys::{self, builtins};
use crate::waitable::Op;
use core::ptr;

/// The task's waitable set, made on first use.
#[inline]
pub(super) unsafe fn set_of(task: *const Task) -> u32 {
    // SAFETY: the caller's task is alive.
    unsafe {
        let set = (*task).set.get();
        if set != 0 { set } else { new_set(task) }
    }
}

#[cold]
#[inline(never)]
unsafe fn new_set(task: *const Task) -> u32 {
    // SAFETY: the caller's task is alive.
    unsafe {
        (*task).set.set(builtins::waitable_set_new());
        (*task).set.get()
    }
}

/// Hands the next event to whom it belongs, unless that is the op which is `alone`, and answers whether the root is to be polled. Events
/// for nobody are ignored.
///
/// # Safety
///
/// The task is alive and published.
#[inline(always)]
pub(super) unsafe fn deliver(task: *const Task, waitable: u32, payload: u32) -> bool {
    // SAFETY: rule 4: what a slot names is alive; the slot is read before anything is called.
    unsafe {
        if let Some(slot) = sys::instance().slot(waitable)
            && !slot.task.get().is_null()
        {
            return match slot.listener.get() {
                Listener::Op(op) => Op::event(op, payload),
                _ => deliver_held(slot, waitable, payload),
            };
        }
        (*task).signal.delivered(waitable);
        false
    }
}

/// The op that the task keeps itself, if it is that of the waitable.
///
/// # Safety
///
/// The task is alive.
#[inline(always)]
pub(super) unsafe fn alone(task: *const Task, waitable: u32) -> Option<*const Op> {
    // SAFETY: promised by the caller; what is registered is alive (rule 4).
    unsafe {
        let op = (*task).alone.get();
        (!op.is_null() && (*op).handle() == waitable).then_some(op)
    }
}

/// Puts a waitable, which is in no set, into the task's set without a slot, if the task keeps no other in this way. Answers whether it
/// does. The op is the listener, and does not hold the task.
///
/// # Safety
///
/// The task is alive, and so is the op until it leaves.
#[inline(always)]
pub(crate) unsafe fn join_alone(task: *const Task, waitable: u32, op: *const Op) -> bool {
    // SAFETY: promised by the caller.
    unsafe {
        if !(*task).alone.get().is_null() {
            return false;
        }
        builtins::waitable_join(waitable, set_of(task));
        (*task).alone.set(op);
    }
    true
}

/// Forgets the op that joined by `join_alone`. Its waitable stays in the set until it is dropped or joined elsewhere.
///
/// # Safety
///
/// The task is alive.
#[inline(always)]
pub(crate) unsafe fn leave_alone(task: *const Task) {
    // SAFETY: promised by the caller.
    unsafe { (*task).alone.set(ptr::null()) };
}

/// As `deliver`, for what holds the task.
///
/// # Safety
///
/// As for `deliver`; the slot is occupied.
#[inline(never)]
unsafe fn deliver_held(slot: &Slot, waitable: u32, payload: u32) -> bool {
    // SAFETY: as in `deliver`.
    unsafe {
        match slot.listener.get() {
            Listener::Op(op) => Op::event(op, payload),
            Listener::Holding(op) => {
                unhold(slot);
                slot.listener.set(Listener::Op(op));
                Op::event(op, payload)
            }
            Listener::Foreign(callback, data) => {
                leave(waitable);
                callback(data, payload);
                false
            }
        }
    }
}

/// Lets the task of an occupied slot go.
///
/// # Safety
///
/// The slot is occupied by a listener that holds the task, and gets another, or none.
unsafe fn unhold(slot: &Slot) {
    // SAFETY: an occupied slot names a live task.
    unsafe { (*slot.task.get()).holds.set((*slot.task.get()).holds.get() - 1) };
}

/// Makes the task of an occupied slot stay until the event has come.
///
/// # Safety
///
/// The slot is occupied.
pub(crate) unsafe fn hold(slot: &Slot) {
    if let Listener::Op(op) = slot.listener.get() {
        slot.listener.set(Listener::Holding(op));
        // SAFETY: an occupied slot names a live task.
        unsafe { (*slot.task.get()).holds.set((*slot.task.get()).holds.get() + 1) };
    }
}

/// Puts a waitable into the task's set, and answers its slot. A foreign listener holds the task.
///
/// # Safety
///
/// The task is alive, and so is the listener until the waitable leaves.
#[inline(always)]
pub(crate) unsafe fn join(task: *const Task, waitable: u32, listener: Listener) -> *const Slot {
    let slot = sys::instance().slot_or_new(waitable);
    // SAFETY: the task is alive; an occupied slot names a live task.
    unsafe {
        if !slot.task.get().is_null() {
            vacate_slot(slot);
        }
        builtins::waitable_join(waitable, set_of(task));
        slot.task.set(task);
        (*task).members.set((*task).members.get() + 1);
        if let Listener::Foreign(..) = listener {
            (*task).holds.set((*task).holds.get() + 1);
        }
    }
    slot.listener.set(listener);
    slot
}

/// Takes a waitable out of the set and the slot it is in, if any.
pub(crate) fn leave(waitable: u32) {
    if let Some(slot) = sys::instance().slot_seldom(waitable)
        && !slot.task.get().is_null()
    {
        // SAFETY: the waitable is in a set of ours, so it is a live handle.
        unsafe {
            vacate(slot);
            builtins::waitable_join(waitable, 0);
        }
    }
}

/// Empties an occupied slot. Its waitable stays in the set until it is dropped or joined elsewhere.
///
/// # Safety
///
/// The slot is occupied.
#[inline(always)]
pub(crate) unsafe fn vacate(slot: &Slot) {
    // SAFETY: an occupied slot names a live task.
    unsafe {
        if !matches!(slot.listener.get(), Listener::Op(_)) {
            unhold(slot);
        }
        vacate_op(slot);
    }
}

/// As [`vacate`], for a listener that does not hold the task.
///
/// # Safety
///
/// As for [`vacate`].
#[inline(always)]
pub(crate) unsafe fn vacate_op(slot: &Slot) {
    // SAFETY: an occupied slot names a live task.
    unsafe {
        let task = slot.task.replace(ptr::null());
        (*task).members.set((*task).members.get() - 1);
    }
}

/// As [`vacate`], not inlined.
///
/// # Safety
///
/// As for [`vacate`].
#[inline(never)]
unsafe fn vacate_slot(slot: &Slot) {
    // SAFETY: promised by the caller.
    unsafe { vacate(slot) }
}

/// Delivers what has happened in the set without waiting.
///
/// # Safety
///
/// The task is alive and published.
pub(super) unsafe fn poll_set(task: *const Task) {
    // SAFETY: the payload area is two words; the task is alive.
    unsafe {
        let mut left = (*task).members.get() + u32::from(!(*task).alone.get().is_null());
        while left != 0 && (*task).set.get() != 0 {
            let mut payload = [0u32; 2];
            if builtins::waitable_set_poll((*task).set.get(), (&raw mut payload).cast()) == event::NONE {
                return;
            }
            let [waitable, answer] = payload;
            let is_for_root = match alone(task, waitable) {
                Some(op) => Op::event(op, answer),
                None => deliver(task, waitable, answer),
            };
            if is_for_root {
                Node::schedule(task.cast());
            }
            left -= 1;
        }
    }
}
