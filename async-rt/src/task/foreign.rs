//! Our side of the C ABI in [`cabi`](crate::cabi): what other runtimes call to wait in our tasks.
//!
//! A foreign registration holds the task: its runtime has no other way of keeping background work going. Its waitable
//! leaves the set when the event is delivered, as that interface demands.

use super::members::{join, leave};
use super::node::Node;
use super::{Task, spawn};
use crate::cabi::Callback;
use crate::instance::Listener;
use crate::sys;
use alloc::boxed::Box;
use core::ffi::c_void;
use core::pin::Pin;
use core::ptr;

/// Adds a waitable to a task.
pub(crate) unsafe extern "C" fn register(
    task: *mut c_void,
    waitable: u32,
    callback: Callback,
    callback_ptr: *mut c_void,
) -> *mut c_void {
    let task = task.cast_const().cast::<Task>();
    let previous = registered(task, waitable);
    // SAFETY: rule 9: the caller holds a task of ours and keeps `callback_ptr` alive until the event or `unregister`.
    unsafe {
        join(task, waitable, Listener::Foreign(callback, callback_ptr));
    }
    previous
}

/// Removes a waitable from a task.
pub(crate) unsafe extern "C" fn unregister(task: *mut c_void, waitable: u32) -> *mut c_void {
    let previous = registered(task.cast_const().cast(), waitable);
    if !previous.is_null() {
        leave(waitable);
    }
    previous
}

/// What is registered for a waitable with this task.
fn registered(task: *const Task, waitable: u32) -> *mut c_void {
    match sys::instance().slot_seldom(waitable) {
        Some(slot) if ptr::eq(slot.task.get(), task) => match slot.listener.get() {
            Listener::Op(op) | Listener::Holding(op) => op.cast_mut().cast(),
            Listener::Foreign(_, data) => data,
        },
        _ => ptr::null_mut(),
    }
}

/// Adds a reference to a task.
pub(crate) unsafe extern "C" fn clone(task: *mut c_void) -> *mut c_void {
    // SAFETY: rule 9: the caller holds a task of ours.
    unsafe { (*task.cast::<Task>()).root.retain() };
    task
}

/// Gives up a reference to a task.
pub(crate) unsafe extern "C" fn drop(task: *mut c_void) {
    // SAFETY: rule 9: the caller owns the reference it got from `clone`. The root node heads the task's block.
    unsafe { Node::release(task.cast_const().cast()) }
}

/// Spawns a future of another runtime on a task.
pub(crate) unsafe fn spawn(task: *mut c_void, future: Box<dyn Future<Output = ()>>) {
    // SAFETY: rule 9: the caller holds a live task of ours. The head comes with a reference, which is not needed.
    unsafe {
        let head = spawn::spawn_on(task.cast_const().cast(), Pin::from(future));
        Node::release(head.cast());
    }
}
