//! The `wasip3_task` C ABI: how runtimes of different makes and versions in one component share a task.
//!
//! One weak symbol, `wasip3_task_set`, swaps a process-wide pointer to the current task. Whoever runs an export
//! publishes its task there around every poll and every drop of a future; whoever needs to wait for a waitable
//! registers it with whatever task it finds. Revisions only ever append:
//!
//! * version 1: `ptr`, `register`, `unregister` in the struct itself. The struct is valid for the whole task.
//! * version 2: a table of functions behind the struct, adding `clone` and `drop` for `ptr`, so that an operation can
//!   unregister from the task it registered with when it is dropped under another one.
//! * version 3: `rust_spawn` in that table.
//!
//! The struct layouts below are an interface with other crates and never change.

use crate::sys;
use crate::task;
use alloc::boxed::Box;
use core::ffi::c_void;
use core::mem;
use core::ptr;

/// Called when the waitable has an event, with the second word of its payload.
pub(crate) type Callback = unsafe extern "C" fn(*mut c_void, u32);
/// Adds a waitable; answers the callback pointer registered before, or null.
pub(crate) type Register = unsafe extern "C" fn(*mut c_void, u32, Callback, *mut c_void) -> *mut c_void;
/// Removes a waitable; answers the callback pointer registered, or null.
pub(crate) type Unregister = unsafe extern "C" fn(*mut c_void, u32) -> *mut c_void;

/// Spawns a future. It passes a Rust object between crates of one compilation, hence the Rust ABI.
pub(crate) type Spawn = unsafe fn(*mut c_void, Box<dyn Future<Output = ()>>);

/// A task as every version knows it.
#[repr(C)]
pub(crate) struct Task {
    pub(crate) version: u32,
    pub(crate) ptr: *mut c_void,
    pub(crate) register: Register,
    pub(crate) unregister: Unregister,
}

/// The functions of version 2.
#[repr(C)]
pub(crate) struct Vtable {
    pub(crate) register: Register,
    pub(crate) unregister: Unregister,
    pub(crate) clone: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    pub(crate) drop: unsafe extern "C" fn(*mut c_void),
}

/// The functions of version 3.
#[repr(C)]
pub(crate) struct VtableV3 {
    pub(crate) v2: Vtable,
    pub(crate) rust_spawn: Option<Spawn>,
}

/// A task of version 3; of version 2 when only the first part of the table is looked at.
#[repr(C)]
pub(crate) struct TaskV3 {
    pub(crate) v1: Task,
    pub(crate) vtable: *const VtableV3,
}

/// Our functions. Its address tells our own tasks from foreign ones.
pub(crate) static VTABLE: VtableV3 = VtableV3 {
    v2: Vtable {
        register: task::foreign::register,
        unregister: task::foreign::unregister,
        clone: task::foreign::clone,
        drop: task::foreign::drop,
    },
    rust_spawn: Some(task::foreign::spawn),
};

impl TaskV3 {
    /// The struct that the task at `ptr` publishes.
    #[inline]
    pub(crate) const fn ours(ptr: *mut c_void) -> TaskV3 {
        TaskV3 {
            v1: Task {
                version: 3,
                ptr,
                register: task::foreign::register,
                unregister: task::foreign::unregister,
            },
            vtable: &raw const VTABLE,
        }
    }
}

/// The task that is current, told apart by who made it.
#[derive(Clone, Copy)]
pub(crate) enum Current {
    /// None is.
    None,
    /// One of this crate.
    Ours(*const task::Task),
    /// One of another runtime; of version 1 when there is no table.
    Foreign(*const Task, *const Vtable),
}

/// Looks up the current task.
#[inline]
pub(crate) fn current() -> Current {
    let task = sys::wasip3_task_set(ptr::null_mut());
    sys::wasip3_task_set(task);
    if task.is_null() {
        return Current::None;
    }
    // SAFETY: rule 9: a published pointer is valid while it is published, and its version says which fields exist.
    unsafe {
        if (*task).version < 2 {
            return Current::Foreign(task, ptr::null());
        }
        let vtable = (*task.cast::<TaskV3>()).vtable;
        if ptr::eq(vtable, &raw const VTABLE) {
            return Current::Ours((*task).ptr.cast_const().cast());
        }
        Current::Foreign(task, vtable.cast())
    }
}

/// Publishes a task until dropped, then restores the one before.
pub(crate) struct Published(*mut Task);

impl Published {
    /// # Safety
    ///
    /// The task outlives the returned value.
    pub(crate) unsafe fn new(task: *mut Task) -> Published {
        Published(sys::wasip3_task_set(task))
    }

    /// Leaves the task published, and answers the one before.
    pub(crate) fn keep(self) -> *mut Task {
        let before = self.0;
        mem::forget(self);
        before
    }

    /// What `keep` has given up.
    pub(crate) fn again(before: *mut Task) -> Published {
        Published(before)
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        sys::wasip3_task_set(self.0);
    }
}

/// The functions needed to spawn on a foreign task, when it has them.
pub(crate) fn spawner(task: *const Task) -> Option<Spawn> {
    // SAFETY: rule 9, as in `current`; the field exists from version 3 on.
    unsafe {
        if (*task).version < 3 {
            None
        } else {
            (*(*task.cast::<TaskV3>()).vtable).rust_spawn
        }
    }
}
