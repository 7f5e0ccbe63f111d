//! A future and its place in a task: the executor's unit of work.
//!
//! A node is one heap block: this header, then the future. Its states are flags:
//!
//! * `QUEUED`: the node is on one of its task's two queues. Set by a wake, cleared when it is taken off. A wake finding
//!   it set does nothing.
//! * `RUNNING`: the future is being polled. A wake that finds it set puts the node on the *later* queue, which is what
//!   makes a task yield to the host; any other wake puts it on the *ready* queue of this turn.
//! * `DONE`: the future has been dropped, by completion or cancellation. Set once, never cleared; wakes do nothing, from
//!   wherever they come.
//!
//! A node is reference counted: one for the task, until the node is done and off the queues, and one for each waker.
//! The last one frees the block. The root node is the head of its task's block, so wakers keep that block.

use super::Task;
use crate::sys::InstanceId;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use core::task::{Context, RawWaker, RawWakerVTable, Waker};

const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
const DONE: u8 = 4;

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
    flags: AtomicU8,
    instance: InstanceId,
    task: Cell<*const Task>,
    next: Cell<*const Node>,
}

impl Node {
    /// A node that has to be queued. Its task is set with `attach`.
    pub(crate) fn new(vtable: &'static NodeVtable) -> Node {
        Node {
            vtable,
            refs: AtomicUsize::new(1),
            flags: AtomicU8::new(0),
            instance: InstanceId::current(),
            task: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
        }
    }

    pub(crate) fn attach(&self, task: *const Task) {
        self.task.set(task);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.has(DONE)
    }

    fn has(&self, flags: u8) -> bool {
        // Acquire pairs with the release in `set`: a thread that sees `DONE` touches nothing else of the node.
        self.flags.load(Ordering::Acquire) & flags != 0
    }

    fn set(&self, flags: u8) {
        self.flags
            .store(self.flags.load(Ordering::Relaxed) | flags, Ordering::Release);
    }

    fn clear(&self, flags: u8) {
        self.flags
            .store(self.flags.load(Ordering::Relaxed) & !flags, Ordering::Release);
    }

    /// Adds a reference.
    pub(crate) fn retain(&self) {
        self.refs.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives up a reference; the last one frees the block.
    ///
    /// # Safety
    ///
    /// The caller owns a reference and does not use the node afterwards, unless it owns another.
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
    pub(crate) unsafe fn poll(this: *const Node) -> bool {
        // SAFETY: alive by the caller's promise. The waker borrows the reference of the task, hence is not dropped.
        unsafe {
            (*this).set(RUNNING);
            let waker = core::mem::ManuallyDrop::new(waker(this));
            let finished = ((*this).vtable.poll)(this, &mut Context::from_waker(&waker));
            (*this).clear(RUNNING);
            finished
        }
    }

    /// Drops the future. Wakes do nothing from here on.
    ///
    /// # Safety
    ///
    /// The node is alive and not done. The task's reference stays with the caller, or with the queue the node is on.
    pub(crate) unsafe fn finish(this: *const Node) {
        // SAFETY: as above; `DONE` was not set, so the future is there and is dropped once (rule 7).
        unsafe {
            (*this).set(DONE);
            ((*this).vtable.drop_future)(this);
        }
    }

    /// Makes all wakes do nothing, without dropping the future: for a task a panic has torn down.
    pub(crate) fn abandon(&self) {
        self.set(DONE);
    }

    /// Whether the node is on a queue.
    pub(crate) fn is_queued(&self) -> bool {
        self.has(QUEUED)
    }

    /// Puts the node on a queue of its task and answers the task, unless there is nothing to do.
    ///
    /// # Safety
    ///
    /// The node is alive.
    pub(crate) unsafe fn schedule(this: *const Node) -> Option<*const Task> {
        // SAFETY: alive; cells are touched only after the instance was found current (rule 1), and a node that is not
        // done has a live task.
        unsafe {
            if (*this).has(DONE | QUEUED) {
                return None;
            }
            (*this).instance.check();
            let task = (*this).task.get();
            (*this).set(QUEUED);
            let queue = if (*this).has(RUNNING) {
                &(*task).later
            } else {
                &(*task).ready
            };
            queue.push(this);
            Some(task)
        }
    }
}

/// Nodes waiting to be polled, in order, linked through themselves.
pub(crate) struct Queue {
    head: Cell<*const Node>,
    tail: Cell<*const Node>,
}

impl Queue {
    pub(crate) const fn new() -> Queue {
        Queue {
            head: Cell::new(ptr::null()),
            tail: Cell::new(ptr::null()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    fn push(&self, node: *const Node) {
        // SAFETY: queued nodes are alive: their task's reference is not given up while they are queued.
        unsafe {
            (*node).next.set(ptr::null());
            if self.is_empty() {
                self.head.set(node);
            } else {
                (*self.tail.get()).next.set(node);
            }
        }
        self.tail.set(node);
    }

    /// Takes the first node off.
    pub(crate) fn pop(&self) -> Option<*const Node> {
        let node = self.head.get();
        if node.is_null() {
            return None;
        }
        // SAFETY: as in `push`.
        unsafe {
            self.head.set((*node).next.get());
            (*node).clear(QUEUED);
        }
        Some(node)
    }

    /// Moves all nodes of `other` behind ours.
    pub(crate) fn append(&self, other: &Queue) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.head.set(other.head.get());
        } else {
            // SAFETY: as in `push`.
            unsafe { (*self.tail.get()).next.set(other.head.get()) };
        }
        self.tail.set(other.tail.get());
        other.head.set(ptr::null());
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

unsafe fn waker_clone(node: *const ()) -> RawWaker {
    // SAFETY: a waker's node is alive.
    unsafe { (*node.cast::<Node>()).retain() };
    RawWaker::new(node, &WAKER)
}

unsafe fn waker_wake(node: *const ()) {
    // SAFETY: as for the two functions called.
    unsafe {
        waker_wake_by_ref(node);
        waker_drop(node);
    }
}

unsafe fn waker_wake_by_ref(node: *const ()) {
    // SAFETY: a waker's node is alive, and so is the task of a node that is not done.
    unsafe {
        if let Some(task) = Node::schedule(node.cast()) {
            super::signal::woken(task);
        }
    }
}

unsafe fn waker_drop(node: *const ()) {
    // SAFETY: the waker owned a reference.
    unsafe { Node::release(node.cast()) };
}
