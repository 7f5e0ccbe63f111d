//! A future and its place in a task: the executor's unit of work.
//!
//! A node is one heap block: this header, then the future. Two things make its state:
//!
//! * *queued*: the node is on one of its task's two queues, and `next` is not null. Set by a wake, cleared when it is
//!   taken off. A wake finding it set does nothing. A wake of the node that is being polled puts it on the *later* queue,
//!   which is what makes a task yield to the host; any other wake puts it on the *ready* queue of this turn.
//! * *done*: the future has been dropped, by completion or cancellation. Set once, never cleared; wakes do nothing, from
//!   wherever they come.
//!
//! A node is reference counted: one for the task, until the node is done and off the queues, and one for each waker.
//! The last one frees the block. The root node is the head of its task's block, so wakers keep that block.

use super::Task;
use crate::sys::InstanceId;
use core::cell::{Cell, UnsafeCell};
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::task::{Context, RawWaker, RawWakerVTable, Waker};

/// What differs between the blocks nodes head.
pub(crate) struct NodeVtable {
    /// Polls the future; answers whether it has finished.
    pub(crate) poll: unsafe fn(*const Node, &mut Context<'_>) -> bool,
    /// Drops the future in place.
    pub(crate) drop_future: unsafe fn(*const Node),
    /// Frees the block, whose future has been dropped.
    pub(crate) free: unsafe fn(*const Node),
}

/// The header of a node's block. Pointers to it cover the whole block (rule 2).
#[repr(C)]
pub(crate) struct Node {
    vtable: &'static NodeVtable,
    refs: AtomicUsize,
    done: AtomicBool,
    instance: InstanceId,
    task: *const Task,
    next: Cell<*const Node>,
    /// Borrows the reference of the task.
    waker: ManuallyDrop<Waker>,
    /// What the future is polled with: made once, of `waker`.
    context: UnsafeCell<ManuallyDrop<Context<'static>>>,
}

impl Node {
    /// Makes the node at `this`, of the task, on no queue.
    ///
    /// # Safety
    ///
    /// There is room for a node, at the head of a block `vtable` is for. The task is alive until the node is done and off
    /// the queues.
    #[inline]
    pub(crate) unsafe fn init(this: *mut Node, vtable: &'static NodeVtable, task: *const Task) {
        // SAFETY: the caller's promise. The waker is dropped by nobody, so it stands for no reference; it stays where it is
        // for as long as the context beside it.
        unsafe {
            (&raw mut (*this).vtable).write(vtable);
            (&raw mut (*this).refs).write(AtomicUsize::new(1));
            (&raw mut (*this).done).write(AtomicBool::new(false));
            (&raw mut (*this).instance).write(InstanceId::current());
            (&raw mut (*this).task).write(task);
            (&raw mut (*this).next).write(Cell::new(ptr::null()));
            let own = &raw mut (*this).waker;
            own.write(ManuallyDrop::new(waker(this)));
            let context = Context::from_waker(&*own);
            (&raw mut (*this).context).write(UnsafeCell::new(ManuallyDrop::new(context)));
        }
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        // Acquire pairs with the release in `set_done`: a thread that sees it touches nothing else of the node.
        self.done.load(Ordering::Acquire)
    }

    #[inline]
    fn set_done(&self) {
        self.done.store(true, Ordering::Release);
    }

    /// The node's task, which is alive unless the node is done. Nothing either when the node is of another instance.
    #[inline]
    pub(crate) fn live_task(&self) -> Option<*const Task> {
        (!self.is_done() && !self.task.is_null() && self.instance.is_current()).then_some(self.task)
    }

    /// The node's task, if the node is its root and it is alive.
    #[inline]
    pub(crate) fn task_of_root(&self) -> Option<*const Task> {
        self.live_task().filter(|task| ptr::eq(task.cast(), self))
    }

    /// Adds a reference.
    #[inline]
    pub(crate) fn retain(&self) {
        self.refs.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives up a reference; the last one frees the block.
    ///
    /// # Safety
    ///
    /// The caller owns a reference and does not use the node afterwards, unless it owns another.
    #[inline]
    pub(crate) unsafe fn release(this: *const Node) {
        // SAFETY: the node is alive as long as a reference is. AcqRel orders all uses before the freeing.
        unsafe {
            if (*this).refs.fetch_sub(1, Ordering::AcqRel) == 1 {
                ((*this).vtable.free)(this);
            }
        }
    }

    /// Polls the future, which is not done; answers whether it has finished. The future is still there.
    ///
    /// # Safety
    ///
    /// The node is alive, belongs to a task that is running, and is not being polled.
    #[inline]
    pub(crate) unsafe fn poll(this: *const Node) -> bool {
        // SAFETY: alive by the caller's promise, and so is the waker in it. Only this uses the context, once at a time.
        unsafe { ((*this).vtable.poll)(this, &mut *(*this).context.get()) }
    }

    /// As `poll`, for a node that another runtime polls.
    ///
    /// # Safety
    ///
    /// The node is alive, not done, and not being polled.
    pub(crate) unsafe fn poll_with(this: *const Node, cx: &mut Context<'_>) -> bool {
        // SAFETY: promised by the caller.
        unsafe { ((*this).vtable.poll)(this, cx) }
    }

    /// The node's task; null when another runtime runs it. Alive unless the node is done.
    #[inline]
    pub(crate) fn task(&self) -> *const Task {
        self.task
    }

    /// Drops the future. Wakes do nothing from here on.
    ///
    /// # Safety
    ///
    /// The node is alive and not done. The task's reference stays with the caller, or with the queue the node is on.
    #[inline]
    pub(crate) unsafe fn finish(this: *const Node) {
        // SAFETY: as above; it was not done, so the future is there and is dropped once (rule 7).
        unsafe {
            (*this).set_done();
            ((*this).vtable.drop_future)(this);
        }
    }

    /// Makes all wakes do nothing, without dropping the future: for a task a panic has torn down.
    pub(crate) fn abandon(&self) {
        self.set_done();
    }

    /// Whether the node is on a queue.
    #[inline]
    pub(crate) fn is_queued(&self) -> bool {
        !self.next.get().is_null()
    }

    /// Puts a node that was just made on a queue of its task.
    ///
    /// # Safety
    ///
    /// The node and its task are alive.
    #[inline]
    pub(crate) unsafe fn schedule_first(this: *const Node) {
        // SAFETY: promised by the caller.
        unsafe { (*(*this).task).ready.push(this) }
    }

    /// Puts the node on a queue of its task and answers the task, unless there is nothing to do.
    ///
    /// # Safety
    ///
    /// The node is alive.
    #[inline]
    pub(crate) unsafe fn schedule(this: *const Node) -> Option<*const Task> {
        // SAFETY: alive; cells are touched only after the instance was found current (rule 1), and a node that is not
        // done has a live task.
        unsafe {
            if (*this).is_done() {
                return None;
            }
            if !(*this).instance.can_be_woken() {
                return None;
            }
            if (*this).is_queued() {
                return None;
            }
            let task = (*this).task;
            let queue = if ptr::eq((*task).running.get(), this) {
                &(*task).later
            } else {
                &(*task).ready
            };
            queue.push(this);
            Some(task)
        }
    }
}

/// Nodes waiting to be polled, in order. They form a ring, so that no node that is queued has a null `next`.
pub(crate) struct Queue {
    /// The last node, whose `next` is the first one; null when the queue is empty.
    last: Cell<*const Node>,
}

impl Queue {
    pub(crate) const fn new() -> Queue {
        Queue {
            last: Cell::new(ptr::null()),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.last.get().is_null()
    }

    /// Whether both are, in one test.
    #[inline(always)]
    pub(crate) fn are_empty(one: &Queue, other: &Queue) -> bool {
        one.last.get().addr() | other.last.get().addr() == 0
    }

    #[inline]
    fn push(&self, node: *const Node) {
        let last = self.last.replace(node);
        // SAFETY: queued nodes are alive: their task's reference is not given up while they are queued.
        unsafe {
            if last.is_null() {
                (*node).next.set(node);
            } else {
                (*node).next.set((*last).next.replace(node));
            }
        }
    }

    /// Takes the first node off.
    #[inline]
    pub(crate) fn pop(&self) -> Option<*const Node> {
        let last = self.last.get();
        if last.is_null() {
            return None;
        }
        // SAFETY: as in `push`.
        unsafe {
            let first = (*last).next.get();
            if ptr::eq(first, last) {
                self.last.set(ptr::null());
            } else {
                (*last).next.set((*first).next.get());
            }
            (*first).next.set(ptr::null());
            Some(first)
        }
    }

    /// Moves all nodes of `other` behind ours.
    #[inline]
    pub(crate) fn append(&self, other: &Queue) {
        let others = other.last.get();
        if others.is_null() {
            return;
        }
        other.last.set(ptr::null());
        let ours = self.last.replace(others);
        if !ours.is_null() {
            // SAFETY: as in `push`.
            unsafe {
                let first = (*ours).next.replace((*others).next.get());
                (*others).next.set(first);
            }
        }
    }
}

static WAKER: RawWakerVTable = RawWakerVTable::new(waker_clone, waker_wake, waker_wake_by_ref, waker_drop);

/// A waker for the node. It stands for a reference, which the caller provides or withholds.
///
/// # Safety
///
/// The node outlives the waker.
unsafe fn waker(node: *const Node) -> Waker {
    // SAFETY: the functions of the table keep the contract of `RawWaker`: counts and the `DONE` flag are atomic, and
    // everything else is touched only on the instance's own thread (rule 1).
    unsafe { Waker::from_raw(RawWaker::new(node.cast(), &WAKER)) }
}

/// The node a waker is for, when it is one of ours.
#[inline]
pub(crate) fn of(waker: &Waker) -> Option<*const Node> {
    ptr::eq(waker.vtable(), &raw const WAKER).then(|| waker.data().cast())
}

/// A waker for a node.
///
/// # Safety
///
/// The node is alive.
#[inline]
pub(crate) unsafe fn new_waker(node: *const Node) -> Waker {
    // SAFETY: alive by the caller's promise; the waker owns the reference that is added.
    unsafe {
        (*node).retain();
        waker(node)
    }
}

/// Clones a waker, without a detour when it is one of ours.
#[inline]
pub(crate) fn clone_waker(waker: &Waker) -> Waker {
    match of(waker) {
        // SAFETY: a waker's node is alive.
        Some(node) => unsafe { new_waker(node) },
        None => waker.clone(),
    }
}

/// Wakes by a waker, without a detour when it is one of ours.
#[inline(always)]
pub(crate) fn wake(waker: Waker) {
    match of(&waker) {
        Some(node) => {
            core::mem::forget(waker);
            // SAFETY: the waker owned a reference, which goes to the function.
            unsafe { wake_node(node) }
        }
        None => waker.wake(),
    }
}

/// # Safety
///
/// The caller gives a reference to the node away.
#[inline(always)]
unsafe fn wake_node(node: *const Node) {
    // SAFETY: the node is alive, and so is the task of a node that is not done. The reference is given up last.
    unsafe {
        if let Some(task) = Node::schedule(node) {
            super::signal::woken(task);
        }
        Node::release(node);
    }
}

unsafe fn waker_clone(node: *const ()) -> RawWaker {
    // SAFETY: a waker's node is alive.
    unsafe { (*node.cast::<Node>()).retain() };
    RawWaker::new(node, &WAKER)
}

unsafe fn waker_wake(node: *const ()) {
    // SAFETY: the waker owned a reference, which goes to the function.
    unsafe { wake_node(node.cast()) }
}

unsafe fn waker_wake_by_ref(node: *const ()) {
    // SAFETY: as above; the caller keeps the reference that is added and given up again.
    unsafe {
        (*node.cast::<Node>()).retain();
        waker_wake(node);
    }
}

unsafe fn waker_drop(node: *const ()) {
    // SAFETY: the waker owned a reference.
    unsafe { Node::release(node.cast()) };
}
