//! Waking a parked task from outside: from another task, from a synchronous export, from a destructor.
//!
//! A parked task continues only when its waitable set has an event, so a wake has to make one. The task gets a
//! payload-less stream of its own, made at the first such wake: the readable end joins the task's set with a read in
//! flight, and writing one (empty) element completes that read, which is the event. Until it is delivered further wakes
//! have nothing to do: the host will come back anyway.
//!
//! 1. `pending` is set exactly while the read has completed and its event is undelivered.
//! 2. Outside of `woken` no read is in flight otherwise, so `close` has at most a completed one to take back.

use super::members::set_of;
use super::{State, Task};
use crate::sys::builtins;
use core::cell::Cell;
use core::ptr;

/// The wake-up stream of a task.
pub(crate) struct Signal {
    readable: Cell<u32>,
    writable: Cell<u32>,
    pending: Cell<bool>,
}

impl Signal {
    pub(crate) const fn new() -> Signal {
        Signal {
            readable: Cell::new(0),
            writable: Cell::new(0),
            pending: Cell::new(false),
        }
    }

    /// Takes in an event, if it is for this stream.
    pub(crate) fn delivered(&self, waitable: u32) {
        if self.readable.get() == waitable {
            self.pending.set(false);
        }
    }

    /// Drops the stream.
    pub(crate) fn close(&self) {
        let readable = self.readable.replace(0);
        if readable == 0 {
            return;
        }
        // SAFETY: both ends are ours. An undelivered event is taken back first (rule 2 above), outside of any set, as
        // synchronous cancels require; then nothing is in flight. Any end leaves its set before it is dropped.
        unsafe {
            builtins::waitable_join(readable, 0);
            if self.pending.replace(false) {
                builtins::unit_stream_cancel_read(readable);
            }
            builtins::unit_stream_drop_readable(readable);
            builtins::unit_stream_drop_writable(self.writable.get());
        }
    }
}

/// Called after a node of `task` was queued: makes an event if the task needs one.
///
/// # Safety
///
/// The task is alive.
#[inline(always)]
pub(crate) unsafe fn woken(task: *const Task) {
    // SAFETY: promised by the caller.
    unsafe {
        if (*task).state.get() == State::Parked {
            send(task);
        }
    }
}

/// # Safety
///
/// The task is alive.
#[inline(never)]
unsafe fn send(task: *const Task) {
    // SAFETY: alive as promised; the built-ins do not block and do not call back.
    unsafe {
        let signal = &(*task).signal;
        if signal.pending.get() {
            return;
        }
        if signal.readable.get() == 0 {
            let ends = builtins::unit_stream_new();
            signal.readable.set(ends as u32);
            signal.writable.set((ends >> 32) as u32);
            builtins::waitable_join(signal.readable.get(), set_of(task));
        }
        signal.pending.set(true);
        // The element has no bytes; the pointers only have to be harmless.
        let nothing = ptr::without_provenance_mut(1);
        builtins::unit_stream_read(signal.readable.get(), nothing, 1);
        builtins::unit_stream_write(signal.writable.get(), nothing, 1);
    }
}
