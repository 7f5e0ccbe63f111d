//! Running a future to its end on the spot, by waiting synchronously.
//!
//! A `block_on` is a task of its own that waits with `waitable-set.wait` instead of returning to the host. It may be
//! nested, and its future may borrow: the future stays on this stack frame, and the task's root only points to it.

use super::{State, allocate, exit, init, publish, resume, run, turn};
use crate::abi::{code, event};
use crate::sys::builtins;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

/// Polls a future elsewhere and stores its output elsewhere.
struct Borrowed<F: Future> {
    future: *mut F,
    output: *mut Option<F::Output>,
}

impl<F: Future> Future for Borrowed<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `block_on` keeps both alive and in place until this node is done.
        unsafe {
            let Borrowed { future, output } = *self;
            Pin::new_unchecked(&mut *future)
                .poll(cx)
                .map(|value| *output = Some(value))
        }
    }
}

/// Marks an unfinished task as exited when a panic unwinds through `block_on`, so that no waker reaches it.
struct Abandon(*const super::Task);

impl Drop for Abandon {
    fn drop(&mut self) {
        // SAFETY: the task is alive: it exits only after this guard was defused. What it held is leaked.
        unsafe {
            (*self.0).state.set(State::Exited);
            (*self.0).root.abandon();
        }
    }
}

/// Runs `future` to completion and returns its output. Work spawned meanwhile is finished first as well.
///
/// While it waits, nothing else of the calling task runs. The component model forbids waiting in a synchronous function
/// when only another component or the host could end the wait: Wasmtime traps then.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut output = None;
    let future = pin!(future);
    // SAFETY: the future is not moved: the task polls it in place through this pointer, and only until `exit`.
    let future = unsafe { future.get_unchecked_mut() };
    let (task, vtable) = allocate(Borrowed {
        future: &raw mut *future,
        output: &raw mut output,
    });
    // SAFETY: block and table are both from `allocate`. The task is alive until `exit`.
    unsafe {
        init(task, vtable);
        let abandon = Abandon(task);
        let published = publish(task);
        run(task, task.cast_const().cast());
        loop {
            let code = turn(task);
            if code == code::EXIT {
                break;
            }
            let mut payload = [0u32; 2];
            let event = if code == code::YIELD {
                builtins::thread_yield();
                event::NONE
            } else {
                builtins::waitable_set_wait(code as u32 >> 4, (&raw mut payload).cast())
            };
            resume(task, event, payload[0], payload[1]);
        }
        core::mem::forget(abandon);
        exit(task);
        drop(published);
    }
    match output {
        Some(output) => output,
        None => panic!("`block_on` was cancelled"),
    }
}
