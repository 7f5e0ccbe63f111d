//! Starting the task of an asynchronous export, whose root is the user's future and nothing else.
//!
//! An `async` block around it would be a second state machine, with a state of its own to look up in each poll and to complain about.
//! The user's function is called when the task is the current one, as it may do things before it gives its future.

use super::node::NodeVtable;
use super::{Block, Task, init, proceed, publish};
use crate::cabi::Published;
use crate::pool;
use alloc::alloc::Layout;
use core::cell::UnsafeCell;
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::task::{Context, Poll};

/// The user's future, and what returns its output to the host.
struct Returning<F, T> {
    future: F,
    finish: T,
}

impl<F: Future, T: Fn(F::Output)> Future for Returning<F, T> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the future is pinned as this is, and does not move; of the other field only references are used.
        let (future, finish) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &this.finish)
        };
        future.poll(cx).map(finish)
    }
}

/// A task that is published and has no root yet. When a panic keeps it from getting one, nothing reaches it any more; it is leaked.
struct Opened(*mut Task);

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: the task is alive: nobody has released it.
        unsafe {
            (*self.0).root.abandon();
            drop(Published::again((*self.0).outer.get()));
        }
    }
}

/// Starts the task of an asynchronous export and answers its first callback code. `make` calls the user's function, and `finish`
/// passes its result to `task.return`.
///
/// # Safety
///
/// Called by the entry point of an export lifted with a callback, which returns the code at once.
#[inline]
pub unsafe fn start_export<F, T>(make: impl FnOnce() -> F, finish: T) -> i32
where
    F: Future + 'static,
    T: Fn(F::Output) + 'static,
{
    let vtable = &Block::<Returning<F, T>>::VTABLE;
    let layout = Layout::new::<Block<Returning<F, T>>>();
    // SAFETY: the block has room for a task, and behind it for the future, which is written before the task proceeds.
    unsafe {
        let opened = Opened(match pool::list_for(layout) {
            Some(list) => open_pooled(list, vtable),
            None => open(pool::take(layout).cast(), vtable),
        });
        let task = opened.0;
        let future = Returning { future: make(), finish };
        (&raw mut (*task.cast::<Block<Returning<F, T>>>()).future).write(UnsafeCell::new(ManuallyDrop::new(future)));
        mem::forget(opened);
        proceed_opened(task)
    }
}

/// As `open`, in a block from a free list.
///
/// # Safety
///
/// As for `open`; the list is of blocks the vtable is for.
#[inline(never)]
unsafe fn open_pooled(list: *const pool::List, vtable: &'static NodeVtable) -> *mut Task {
    // SAFETY: promised by the caller.
    unsafe { open(pool::take_from(list).cast(), vtable) }
}

/// Makes a task at the head of a block, and publishes it.
///
/// # Safety
///
/// The block is fresh, and of the kind the vtable is for.
#[inline]
unsafe fn open(task: *mut Task, vtable: &'static NodeVtable) -> *mut Task {
    // SAFETY: promised by the caller.
    unsafe {
        init(task, vtable);
        (*task).outer.set(publish(task).keep());
    }
    task
}

/// Runs the first turn of an opened task that has its root.
///
/// # Safety
///
/// The task is such a one.
#[inline(never)]
unsafe fn proceed_opened(task: *mut Task) -> i32 {
    // SAFETY: promised by the caller.
    unsafe { proceed(task, Published::again((*task).outer.get())) }
}
