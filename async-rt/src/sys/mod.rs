//! The seam between the runtime and what runs it.
//!
//! Everything that differs between a wasm guest and a native process lives below this folder, under the same names on
//! both sides: how an import is declared and an export defined (the macros), the canonical built-ins the runtime
//! itself uses, where the state of an instance is kept, and which instance is current. `wasm` binds them to core
//! imports; `native` hands them to the host installed for the current thread. No other file asks for the target.

#[cfg(not(target_family = "wasm"))]
pub mod native;
pub(crate) mod reps;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
pub use native::{CancelFn, DropFn, FutureCopyFn, InstanceId, NewFn, StreamCopyFn};
#[cfg(target_family = "wasm")]
pub use wasm::{CancelFn, DropFn, FutureCopyFn, InstanceId, NewFn, StreamCopyFn};

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{
    Local, POOLED, TRUSTED_HOST, free_lists, instance, is_unwinding, out_of_memory, wasip3_task_set,
};
#[cfg(target_family = "wasm")]
pub(crate) use wasm::{
    Local, POOLED, TRUSTED_HOST, free_lists, instance, is_unwinding, out_of_memory, wasip3_task_set,
};
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use wasm::{Pages, cabi_realloc, is_callback, run_constructors_once};

use crate::pool;
use alloc::alloc::Layout;
use core::ptr;

/// The canonical built-ins the runtime uses. Only forms that need no gated feature appear: asynchronous reads and
/// writes, synchronous cancels.
pub(crate) mod builtins {
    crate::__witflow_import!("$root", "[waitable-set-new]", pub(crate) fn waitable_set_new() -> u32);
    crate::__witflow_import!("$root", "[waitable-set-wait]", pub(crate) fn waitable_set_wait(set: u32, payload: *mut u8) -> i32);
    crate::__witflow_import!("$root", "[waitable-set-poll]", pub(crate) fn waitable_set_poll(set: u32, payload: *mut u8) -> i32);
    crate::__witflow_import!("$root", "[waitable-set-drop]", pub(crate) fn waitable_set_drop(set: u32));
    crate::__witflow_import!("$root", "[waitable-join]", pub(crate) fn waitable_join(waitable: u32, set: u32));
    crate::__witflow_import!("$root", "[subtask-cancel]", pub(crate) fn subtask_cancel(subtask: u32) -> u32);
    crate::__witflow_import!("$root", "[subtask-drop]", pub(crate) fn subtask_drop(subtask: u32));
    crate::__witflow_import!("$root", "[context-get-0]", pub(crate) fn context_get() -> *mut u8);
    crate::__witflow_import!("$root", "[context-set-0]", pub(crate) fn context_set(value: *mut u8));
    crate::__witflow_import!("[export]$root", "[task-cancel]", pub(crate) fn task_cancel());
    crate::__witflow_import!("$root", "[backpressure-inc]", pub(crate) fn backpressure_inc());
    crate::__witflow_import!("$root", "[backpressure-dec]", pub(crate) fn backpressure_dec());
    crate::__witflow_import!("$root", "[thread-yield]", pub(crate) fn thread_yield() -> i32);
    crate::__witflow_import!("$root", "[stream-new-unit]", pub(crate) fn unit_stream_new() -> u64);
    crate::__witflow_import!("$root", "[async-lower][stream-read-unit]", pub(crate) fn unit_stream_read(end: u32, buffer: *mut u8, len: usize) -> u32);
    crate::__witflow_import!("$root", "[async-lower][stream-write-unit]", pub(crate) fn unit_stream_write(end: u32, buffer: *mut u8, len: usize) -> u32);
    crate::__witflow_import!("$root", "[stream-cancel-read-unit]", pub(crate) fn unit_stream_cancel_read(end: u32) -> u32);
    crate::__witflow_import!("$root", "[stream-drop-readable-unit]", pub(crate) fn unit_stream_drop_readable(end: u32));
    crate::__witflow_import!("$root", "[stream-drop-writable-unit]", pub(crate) fn unit_stream_drop_writable(end: u32));
}

/// Larger than any list that fits: with its alignment it must not exceed `isize::MAX`.
const LARGEST: usize = isize::MAX as usize - 7;

/// What `cabi_realloc` does: allocates, grows and shrinks memory the host passes values in.
///
/// It allocates and copies instead of asking the allocator to resize: growing happens only while a host transcodes
/// strings, and the allocator's resize code is large.
///
/// # Safety
///
/// `old` came from this function with `old_size` and `align`, or `old_size` is 0. `align` is one of the Canonical ABI.
#[doc(hidden)]
pub unsafe fn realloc(old: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
    let new = if new_size == 0 {
        ptr::without_provenance_mut(align)
    } else if new_size > LARGEST {
        out_of_memory()
    } else {
        // SAFETY: the size leaves room for the alignment, which the caller promises to be a power of two.
        pool::raw_alloc(unsafe { Layout::from_size_align_unchecked(new_size, align) })
    };
    if old_size != 0 {
        // SAFETY: the caller promises `old_size` bytes at `old`, allocated with this alignment; the two blocks are
        // distinct and the copy is bounded by both sizes.
        unsafe {
            ptr::copy_nonoverlapping(old, new, old_size.min(new_size));
            alloc::alloc::dealloc(old, Layout::from_size_align_unchecked(old_size, align));
        }
    }
    new
}
