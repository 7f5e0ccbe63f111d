//! Spawning: more futures for the current task, and handles to wait for them.
//!
//! A spawned future is a node of its task and holds it: the task ends only after all of them have. When the current task
//! belongs to another runtime the future is handed to that runtime, if it can take it.

use super::Task;
use super::node::{Node, NodeVtable};
use crate::cabi::{self, Current};
use crate::pool;
use crate::sys::InstanceId;
use alloc::alloc::Layout;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::cell::{Cell, UnsafeCell};
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

#[repr(C)]
struct Block<F> {
    node: Node,
    future: UnsafeCell<ManuallyDrop<F>>,
}

impl<F: Future<Output = ()>> Block<F> {
    const VTABLE: NodeVtable = NodeVtable {
        poll: Self::poll,
        drop_future: Self::drop_future,
        free: Self::free,
    };

    unsafe fn poll(node: *const Node, cx: &mut Context<'_>) -> bool {
        // SAFETY: the node heads a `Block<F>` whose future is there and never moves (rules 2 and 7); the executor polls
        // a node only once at a time.
        unsafe {
            let future = (*node.cast::<Block<F>>()).future.get().cast::<F>();
            Pin::new_unchecked(&mut *future).poll(cx).is_ready()
        }
    }

    unsafe fn drop_future(node: *const Node) {
        // SAFETY: as in `poll`; called once (rule 7).
        unsafe { ManuallyDrop::drop(&mut *(*node.cast::<Block<F>>()).future.get()) }
    }

    unsafe fn free(node: *const Node) {
        // SAFETY: the block came from the pool with this layout; the future was dropped, the rest needs no drop.
        unsafe { pool::give(node.cast_mut().cast(), Layout::new::<Block<F>>()) }
    }
}

/// Adds a future to a task.
///
/// # Safety
///
/// The task is alive and has not exited.
pub(crate) unsafe fn spawn_on<F: Future<Output = ()> + 'static>(task: *const Task, future: F) {
    let block = pool::take(Layout::new::<Block<F>>()).cast::<Block<F>>();
    // SAFETY: a fresh block of the right layout; the node keeps its task by a reference of its own.
    unsafe {
        (&raw mut (*block).future).write(UnsafeCell::new(ManuallyDrop::new(future)));
        Node::init(block.cast(), &Block::<F>::VTABLE, task);
        let node = block.cast_const().cast::<Node>();
        (*task).root.retain();
        (*task).holds.set((*task).holds.get() + 1);
        if Node::schedule(node).is_some() {
            super::signal::woken(task);
        }
    }
}

/// Adds a future to the current task, whoever made it.
pub(crate) fn spawn_here(future: impl Future<Output = ()> + 'static) {
    match cabi::current() {
        Current::None => panic!("`spawn` needs a task to run in: call it from an asynchronous export or `block_on`"),
        // SAFETY: a current task is alive and has not exited.
        Current::Ours(task) => unsafe { spawn_on(task, future) },
        Current::Foreign(task, _) => match cabi::spawner(task) {
            // SAFETY: rule 9: the published task is valid and `spawn` is its own function.
            Some(spawn) => unsafe { spawn((*task).ptr, Box::new(future)) },
            None => panic!(
                "`spawn` was called in a task of another runtime that cannot take it: the export is run by \
                 wit-bindgen older than 0.63, or by one without its `async-spawn` feature"
            ),
        },
    }
}

/// What a spawned future and its handle share.
struct Joint<T> {
    output: Cell<Option<T>>,
    /// Set when the future has finished or was cancelled.
    over: Cell<bool>,
    cancelled: Cell<bool>,
    /// Who waits for the output.
    joiner: Cell<Option<Waker>>,
    /// Wakes the spawned future, so that it notices a cancellation.
    runner: Cell<Option<Waker>>,
    instance: InstanceId,
}

// SAFETY: rule 1: every access checks the instance first.
unsafe impl<T: Send> Send for Joint<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Joint<T> {}

/// Stores the waker, unless it is the one stored.
fn remember(cell: &Cell<Option<Waker>>, cx: &Context<'_>) {
    let waker = match cell.take() {
        Some(waker) if waker.will_wake(cx.waker()) => waker,
        _ => cx.waker().clone(),
    };
    cell.set(Some(waker));
}

/// The future that is actually spawned.
struct Spawned<F: Future> {
    future: Option<F>,
    joint: Arc<Joint<F::Output>>,
}

impl<F: Future> Future for Spawned<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `future` is pinned with `self`: it is only polled in place and dropped in place by `Pin::set`.
        let (mut future, joint) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &this.joint)
        };
        if joint.cancelled.get() {
            future.set(None);
            return Poll::Ready(());
        }
        remember(&joint.runner, cx);
        let Some(polled) = future.as_mut().as_pin_mut().map(|future| future.poll(cx)) else {
            return Poll::Ready(());
        };
        polled.map(|output| {
            joint.output.set(Some(output));
            future.set(None);
        })
    }
}

impl<F: Future> Drop for Spawned<F> {
    fn drop(&mut self) {
        self.joint.over.set(true);
        self.joint.runner.set(None);
        if let Some(joiner) = self.joint.joiner.take() {
            joiner.wake();
        }
    }
}

/// Runs `future` concurrently with the current task, which will not end before it.
///
/// The handle may be awaited, used to cancel the future, or simply dropped: the future then runs on.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let joint = Arc::new(Joint {
        output: Cell::new(None),
        over: Cell::new(false),
        cancelled: Cell::new(false),
        joiner: Cell::new(None),
        runner: Cell::new(None),
        instance: InstanceId::current(),
    });
    spawn_here(Spawned {
        future: Some(future),
        joint: joint.clone(),
    });
    JoinHandle { joint }
}

/// The same as [`spawn`], under the name wit-bindgen gives it.
pub fn spawn_local<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    spawn(future)
}

/// A spawned future. Awaiting it gives its output, or `None` if it was cancelled.
pub struct JoinHandle<T> {
    joint: Arc<Joint<T>>,
}

impl<T> JoinHandle<T> {
    /// Drops the spawned future before it is polled again. If it has finished already, its output can still be awaited.
    pub fn cancel(&mut self) {
        self.joint.instance.check();
        self.joint.cancelled.set(true);
        if let Some(runner) = self.joint.runner.take() {
            runner.wake();
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let joint = &self.joint;
        joint.instance.check();
        if joint.over.get() {
            return Poll::Ready(joint.output.take());
        }
        remember(&joint.joiner, cx);
        Poll::Pending
    }
}
