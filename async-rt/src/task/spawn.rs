//! Spawning: more futures for the current task.
//!
//! A spawned future is a node of its task and holds it: the task ends only after all of them have. Its block has room for
//! the future or its output, whichever there is, and for what its handle (`join`) needs:
//!
//! * *running*: the future is there.
//! * *finished*: it was dropped, by completion or by a cancellation. The output of a completed one is there until it is
//!   taken; when nobody wants it, it was dropped at once.
//!
//! When the current task belongs to another runtime, that is handed a [`Remote`] future, which runs the node.

use super::node::{Node, NodeVtable};
use super::{Task, signal};
use crate::cabi::{self, Current};
use crate::pool;
use crate::sys::InstanceId;
use alloc::alloc::Layout;
use alloc::boxed::Box;
use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

/// The part of a block that does not depend on the future. The node comes first (rule 2).
#[repr(C)]
pub(super) struct Head {
    pub(super) node: Node,
    /// Where the output is, or null.
    output: Cell<*mut ()>,
    /// Whether the future is there.
    running: Cell<bool>,
    /// Set when the future is to be dropped as soon as it is not being polled.
    cancelled: Cell<bool>,
    /// Nobody wants the output.
    detached: Cell<bool>,
    /// Who waits for the end.
    joiner: Cell<Option<Waker>>,
    /// Wakes the [`Remote`] future, if there is one.
    runner: Cell<Option<Waker>>,
    instance: InstanceId,
}

union Slot<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<F::Output>,
}

#[repr(C)]
struct Block<F: Future> {
    head: Head,
    slot: UnsafeCell<Slot<F>>,
}

impl<F: Future> Block<F> {
    const VTABLE: NodeVtable = NodeVtable {
        poll: Self::poll,
        drop_future: Self::drop_future,
        free: Self::free,
    };

    unsafe fn poll(node: *const Node, cx: &mut Context<'_>) -> bool {
        // SAFETY: the node heads a `Block<F>` whose future is there and never moves (rules 2 and 7); the executor polls a
        // node that is not done, and only once at a time. Once the future is dropped its place is the output's.
        unsafe {
            let head = &(*node.cast::<Block<F>>()).head;
            let slot = (*node.cast::<Block<F>>()).slot.get();
            if !head.cancelled.get() {
                let polled = Pin::new_unchecked(&mut *(&raw mut (*slot).future).cast::<F>()).poll(cx);
                if let Poll::Ready(output) = polled {
                    head.running.set(false);
                    ManuallyDrop::drop(&mut (*slot).future);
                    if !head.detached.get() {
                        (&raw mut (*slot).output).write(ManuallyDrop::new(output));
                        head.output.set(slot.cast());
                    }
                    return true;
                }
            }
            head.cancelled.get()
        }
    }

    unsafe fn drop_future(node: *const Node) {
        // SAFETY: as in `poll`; `running` says whether the future is there (rule 7).
        unsafe {
            let head = &(*node.cast::<Block<F>>()).head;
            if head.running.replace(false) {
                ManuallyDrop::drop(&mut (*(*node.cast::<Block<F>>()).slot.get()).future);
            }
            if let Some(joiner) = head.joiner.take() {
                joiner.wake();
            }
        }
    }

    unsafe fn free(node: *const Node) {
        // SAFETY: nobody refers to the block any more, and it came from the pool with this layout. Its future was dropped. An
        // output is dropped only where its instance is: elsewhere it is leaked, as it need not be `Send`.
        unsafe {
            let block = node.cast_mut().cast::<Block<F>>();
            let output = (*block).head.output.get();
            if !output.is_null() && (*block).head.instance.is_current() {
                ptr::drop_in_place(output.cast::<F::Output>());
            }
            ptr::drop_in_place(&raw mut (*block).head);
            pool::give(block.cast(), Layout::new::<Block<F>>());
        }
    }
}

/// A block with `future` in it, whose head has to be made by [`Head::init`], and what that needs.
#[inline(always)]
fn allocate<F: Future>(future: F) -> (*mut Head, &'static NodeVtable) {
    let block = pool::take_outlined(Layout::new::<Block<F>>()).cast::<Block<F>>();
    let slot = Slot {
        future: ManuallyDrop::new(future),
    };
    // SAFETY: a fresh block of the right layout.
    unsafe { (&raw mut (*block).slot).write(UnsafeCell::new(slot)) };
    (block.cast(), &Block::<F>::VTABLE)
}

impl Head {
    /// # Safety
    ///
    /// The first two are from one call of [`allocate`]; the task is null or as `Node::init` says.
    unsafe fn init(this: *mut Head, vtable: &'static NodeVtable, task: *const Task) {
        // SAFETY: promised by the caller.
        unsafe {
            Node::init(this.cast(), vtable, task);
            (&raw mut (*this).output).write(Cell::new(ptr::null_mut()));
            (&raw mut (*this).running).write(Cell::new(true));
            (&raw mut (*this).cancelled).write(Cell::new(false));
            (&raw mut (*this).detached).write(Cell::new(false));
            (&raw mut (*this).joiner).write(Cell::new(None));
            (&raw mut (*this).runner).write(Cell::new(None));
            (&raw mut (*this).instance).write(InstanceId::current());
        }
    }

    pub(super) fn instance(&self) -> InstanceId {
        self.instance
    }

    /// Takes the output, if it is there.
    ///
    /// # Safety
    ///
    /// It is of this type.
    pub(super) unsafe fn take_output<T>(&self) -> Option<T> {
        let output = self.output.replace(ptr::null_mut());
        // SAFETY: the output is there while the pointer is, and is taken once.
        (!output.is_null()).then(|| unsafe { output.cast::<T>().read() })
    }

    /// Has the waker woken when the future has finished.
    pub(super) fn wake_at_end(&self, waker: &Waker) {
        store(&self.joiner, waker);
    }

    /// Nobody wants the output from here on.
    pub(super) fn detach(&self) {
        self.detached.set(true);
        drop(self.joiner.take());
    }

    /// Drops the future, now or when it is no longer being polled.
    ///
    /// # Safety
    ///
    /// The head is alive, its instance current, and the caller holds a reference.
    pub(super) unsafe fn cancel(this: *const Head) {
        // SAFETY: as promised; a node that is not done has a live task.
        unsafe {
            let head = &*this;
            if head.node.is_done() {
                return;
            }
            head.cancelled.set(true);
            let task = head.node.task();
            if task.is_null() {
                if let Some(runner) = head.runner.take() {
                    runner.wake();
                }
            } else if !ptr::eq((*task).running.get(), this.cast()) {
                // The node may be the last that keeps the task's block.
                (*task).root.retain();
                super::finish(task, this.cast());
                // If this was all the task stayed for, it has to be told.
                signal::woken(task);
                Node::release(task.cast());
            }
        }
    }
}

/// Stores the waker, unless it is the one stored.
fn store(cell: &Cell<Option<Waker>>, waker: &Waker) {
    let stored = match cell.take() {
        Some(stored) if stored.will_wake(waker) => stored,
        _ => waker.clone(),
    };
    cell.set(Some(stored));
}

/// Adds a future to a task; answers its head, with a reference for the caller.
///
/// # Safety
///
/// The task is alive and has not exited.
#[inline]
pub(super) unsafe fn spawn_on<F: Future + 'static>(task: *const Task, future: F) -> *const Head {
    let (head, vtable) = allocate(future);
    // SAFETY: both are from `allocate`, the task as promised.
    unsafe {
        add(head, vtable, task);
        head
    }
}

/// # Safety
///
/// As for [`Head::init`] and [`spawn_on`].
unsafe fn add(head: *mut Head, vtable: &'static NodeVtable, task: *const Task) {
    // SAFETY: promised by the caller; the node keeps its task by a reference of its own.
    unsafe {
        Head::init(head, vtable, task);
        (*head).node.retain();
        (*task).root.retain();
        (*task).holds.set((*task).holds.get() + 1);
        Node::schedule_first(head.cast());
        signal::woken(task);
    }
}

/// Where a future can be spawned.
enum Spawner {
    Ours(*const Task),
    Foreign(*const cabi::Task, cabi::Spawn),
}

impl Spawner {
    /// The current task, whoever made it.
    #[inline(always)]
    fn current() -> Spawner {
        match cabi::current() {
            Current::None => no_task(),
            Current::Ours(task) => Spawner::Ours(task),
            Current::Foreign(task, _) => match cabi::spawner(task) {
                Some(spawn) => Spawner::Foreign(task, spawn),
                None => no_spawn(),
            },
        }
    }

    /// Spawns what was allocated.
    ///
    /// # Safety
    ///
    /// The first two are from one call of [`allocate`], and the task is still the current one.
    #[inline]
    unsafe fn add(self, head: *mut Head, vtable: &'static NodeVtable) {
        // SAFETY: promised by the caller; a current task is alive and has not exited, and the function is that of the published
        // one.
        unsafe {
            match self {
                Spawner::Ours(task) => add(head, vtable, task),
                Spawner::Foreign(task, spawn) => spawn_remote(head, vtable, task, spawn),
            }
        }
    }
}

/// What another runtime is given to run: polls a node that has no task.
struct Remote(*const Head);

impl Future for Remote {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let head = self.0;
        // SAFETY: the reference of this future keeps the node.
        unsafe {
            (*head).instance.check();
            if (*head).node.is_done() {
                return Poll::Ready(());
            }
            store(&(*head).runner, cx.waker());
            if !Node::poll_with(head.cast(), cx) {
                return Poll::Pending;
            }
            Node::finish(head.cast());
        }
        Poll::Ready(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // SAFETY: as in `poll`; the reference goes with this future.
        unsafe {
            if (*self.0).instance.is_current() && !(*self.0).node.is_done() {
                Node::finish(self.0.cast());
            }
            Node::release(self.0.cast());
        }
    }
}

/// Adds a future to the current task, whoever made it; answers its head, with a reference for the caller.
#[inline]
pub(super) fn spawn_current<F: Future + 'static>(future: F) -> *const Head {
    let spawner = Spawner::current();
    let (head, vtable) = allocate(future);
    // SAFETY: both are from `allocate`, which only allocates.
    unsafe { spawner.add(head, vtable) };
    head
}

/// # Safety
///
/// As for [`Head::init`]; `task` is the published task and `spawn` its function.
#[inline(never)]
unsafe fn spawn_remote(head: *mut Head, vtable: &'static NodeVtable, task: *const cabi::Task, spawn: cabi::Spawn) {
    // SAFETY: promised by the caller; rule 9.
    unsafe {
        Head::init(head, vtable, ptr::null());
        (*head).node.retain();
        spawn((*task).ptr, Box::new(Remote(head)));
    }
}

#[cold]
fn no_task() -> ! {
    panic!("`spawn` needs a task to run in: call it from an asynchronous export or `block_on`")
}

#[cold]
fn no_spawn() -> ! {
    panic!(
        "`spawn` was called in a task of another runtime that cannot take it: the export is run by wit-bindgen older \
         than 0.63, or by one without its `async-spawn` feature"
    )
}

/// Adds a future to the current task, with nobody waiting for it.
pub(crate) fn spawn_here(future: impl Future<Output = ()> + 'static) {
    drop(spawn(future));
}

/// Runs `future` concurrently with the current task, which will not end before it.
///
/// The handle may be awaited, used to cancel the future, or simply dropped: the future then runs on.
///
/// # Panics
///
/// When no task is running, or the one that is belongs to a runtime that cannot take the future.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    JoinHandle {
        head: spawn_current(future),
        output: PhantomData,
    }
}

/// The same as [`spawn`], under the name wit-bindgen gives it.
///
/// # Panics
///
/// As [`spawn`].
pub fn spawn_local<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    spawn(future)
}

/// A spawned future. Awaiting it gives its output, or `None` if it was cancelled.
///
/// Dropping the handle lets the future run on.
pub struct JoinHandle<T> {
    head: *const Head,
    output: PhantomData<T>,
}

// SAFETY: rule 1: every access checks the instance first; the count of references is atomic.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: a shared handle offers no operation.
unsafe impl<T: Send> Sync for JoinHandle<T> {}
// The output is in the block.
impl<T> Unpin for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    ///
    /// The head is that of a future with this output, with a reference for the handle.
    pub(super) unsafe fn of(head: *const Head) -> JoinHandle<T> {
        JoinHandle {
            head,
            output: PhantomData,
        }
    }

    /// Drops the spawned future before it is polled again. If it has finished already, its output can still be awaited.
    pub fn cancel(&mut self) {
        // SAFETY: the handle has a reference; the instance is the current one.
        unsafe {
            (*self.head).instance().check();
            Head::cancel(self.head);
        }
    }

    /// Lets the future run on, its output unwanted: as dropping the handle does.
    pub fn detach(self) {}

    /// Whether the future has finished or was cancelled.
    pub fn is_finished(&self) -> bool {
        // SAFETY: the handle has a reference.
        unsafe { (*self.head).node.is_done() }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // SAFETY: the handle has a reference; the output is of the type the future was spawned with.
        unsafe {
            let head = &*self.head;
            head.instance().check();
            if head.node.is_done() {
                return Poll::Ready(head.take_output());
            }
            head.wake_at_end(cx.waker());
        }
        Poll::Pending
    }
}

impl<T> Drop for JoinHandle<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the handle has a reference, which goes with it. Where its instance is not, nothing else is touched.
        unsafe {
            if (*self.head).instance().is_current() {
                drop((*self.head).take_output::<T>());
                (*self.head).detach();
            }
            Node::release(self.head.cast());
        }
    }
}
