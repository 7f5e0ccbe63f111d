//! Tasks: what runs an asynchronous export, or a `block_on`, to its end.
//!
//! A task is one heap block: this struct, whose first field is the root node, then the root future. Its states:
//!
//! * *running*: the entry point or a callback is on the stack. Wakes only queue nodes.
//! * *yielded*: it returned YIELD and will be called again whatever happens. Wakes only queue nodes.
//! * *parked*: it returned WAIT, or blocks in a wait. A wake must make an event in its set (see [`signal`]).
//! * *exited*: all work is done. Its nodes are done, so no wake gets here.
//!
//! A turn ends with
//!
//! 1. EXIT when nothing *holds* the task: the root has finished, and so has all spawned work, and no waitable is
//!    registered that has to be waited for. Other registrations are taken out of the set: whoever owns them may wait for
//!    them in another task.
//! 2. YIELD when a future woke itself while it was polled, or the turn got too long.
//! 3. WAIT otherwise.
//!
//! The root future calls `task.return` as its last act, so a root that has finished has resolved the task. A
//! cancellation drops a root that has not, then calls `task.cancel`; spawned work goes on.

pub(crate) mod block_on;
pub(crate) mod foreign;
pub(crate) mod node;
pub(crate) mod signal;
pub(crate) mod spawn;

use crate::abi::{code, event};
use crate::cabi::{self, Published};
use crate::pool;
use crate::sys::{self, builtins};
use crate::waitable::Op;
use alloc::alloc::Layout;
use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::Context;
use node::{Node, NodeVtable, Queue};

/// Polls in one turn before the host gets a chance to run something else.
const TURN: u32 = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Yielded,
    Parked,
    Exited,
}

/// The head of a task's block. Pointers to it cover the whole block (rule 2).
#[repr(C)]
pub(crate) struct Task {
    root: Node,
    published: UnsafeCell<cabi::TaskV3>,
    ready: Queue,
    later: Queue,
    state: Cell<State>,
    /// The waitable set, or 0.
    set: Cell<u32>,
    /// How many slots of the instance's table name this task.
    members: Cell<u32>,
    /// What keeps the task from exiting: unfinished nodes, and waitables that hold it.
    holds: Cell<u32>,
    signal: signal::Signal,
}

#[repr(C)]
struct Block<F> {
    task: Task,
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

/// Makes a task whose root is `future`, queued to be polled.
fn new<F: Future<Output = ()>>(future: F) -> *const Task {
    let block = pool::take(Layout::new::<Block<F>>()).cast::<Block<F>>();
    // SAFETY: a fresh block of the right layout.
    unsafe {
        block.write(Block {
            task: Task {
                root: Node::new(&Block::<F>::VTABLE),
                published: UnsafeCell::new(cabi::TaskV3::ours()),
                ready: Queue::new(),
                later: Queue::new(),
                state: Cell::new(State::Running),
                set: Cell::new(0),
                members: Cell::new(0),
                holds: Cell::new(1),
                signal: signal::Signal::new(),
            },
            future: UnsafeCell::new(ManuallyDrop::new(future)),
        });
        let task = block.cast_const().cast::<Task>();
        (*(*task).published.get()).v1.ptr = task.cast_mut().cast();
        (*task).root.attach(task);
        Node::schedule(task.cast());
        task
    }
}

/// Makes the task the current one.
///
/// # Safety
///
/// The task is alive until the returned value is dropped.
unsafe fn publish(task: *const Task) -> Published {
    // SAFETY: the published struct is part of the task.
    unsafe { Published::new((*task).published.get().cast()) }
}

/// Polls what is ready, and answers the callback code of the turn.
///
/// # Safety
///
/// The task is alive, published and in state *running*.
unsafe fn turn(task: *const Task) -> i32 {
    // SAFETY: the task is alive; it is freed only by `exit`, which is the caller's.
    unsafe {
        let mut left = TURN;
        while left != 0 {
            let Some(node) = (*task).ready.pop() else { break };
            left -= 1;
            if (*node).is_done() {
                discard(task, node);
            } else if Node::poll(node) {
                finish(task, node);
            }
        }
        if (*task).holds.get() == 0 {
            code::EXIT
        } else if !(*task).ready.is_empty() || !(*task).later.is_empty() {
            (*task).state.set(State::Yielded);
            code::YIELD
        } else {
            let set = set_of(task);
            (*task).state.set(State::Parked);
            code::WAIT | (set << 4) as i32
        }
    }
}

/// Drops the future of a node that is not done.
///
/// # Safety
///
/// Task and node are alive; the node is of this task.
unsafe fn finish(task: *const Task, node: *const Node) {
    // SAFETY: as promised; a queued node is discarded when it comes off its queue.
    unsafe {
        Node::finish(node);
        (*task).holds.set((*task).holds.get() - 1);
        if !(*node).is_queued() {
            discard(task, node);
        }
    }
}

/// Gives up the task's reference to a node that is done and off the queues. The root's is given up by `exit`.
///
/// # Safety
///
/// Task and node are alive; called once for each node.
unsafe fn discard(task: *const Task, node: *const Node) {
    if !ptr::eq(node, task.cast()) {
        // SAFETY: a spawned node keeps its task; both references end here.
        unsafe {
            Node::release(node);
            Node::release(task.cast());
        }
    }
}

/// Ends a task that nothing holds.
///
/// # Safety
///
/// The task is alive and all its nodes are done. It must not be used afterwards.
unsafe fn exit(task: *const Task) {
    // SAFETY: alive until the last line.
    unsafe {
        (*task).state.set(State::Exited);
        (*task).ready.append(&(*task).later);
        while let Some(node) = (*task).ready.pop() {
            discard(task, node);
        }
        if (*task).members.get() != 0 {
            sys::instance().each_slot_of(task, |waitable, slot| {
                builtins::waitable_join(waitable, 0);
                if slot.callback.get().is_none() {
                    (*slot.op.get().cast_const().cast::<Op>()).forgotten_by_task();
                }
                slot.task.set(ptr::null());
            });
            (*task).members.set(0);
        }
        (*task).signal.close();
        if (*task).set.get() != 0 {
            builtins::waitable_set_drop((*task).set.get());
        }
        Node::release(task.cast());
    }
}

/// The task's waitable set, made on first use.
unsafe fn set_of(task: *const Task) -> u32 {
    // SAFETY: the caller's task is alive.
    unsafe {
        if (*task).set.get() == 0 {
            (*task).set.set(builtins::waitable_set_new());
        }
        (*task).set.get()
    }
}

/// Hands the next event to whom it belongs. Events for nobody are ignored.
///
/// # Safety
///
/// The task is alive and published.
unsafe fn deliver(task: *const Task, waitable: u32, payload: u32) {
    // SAFETY: rule 4: what a slot names is alive; the slot is read before anything is called.
    unsafe {
        if (*task).signal.delivered(waitable) {
            return;
        }
        let Some(slot) = sys::instance().slot(waitable) else {
            return;
        };
        if slot.task.get().is_null() {
            return;
        }
        let op = slot.op.get();
        match slot.callback.get() {
            None => {
                unhold(slot);
                Op::event(op.cast_const().cast(), payload);
            }
            Some(callback) => {
                leave(waitable);
                callback(op, payload);
            }
        }
    }
}

fn unhold(slot: &crate::instance::Slot) {
    if slot.holds.replace(false) {
        // SAFETY: an occupied slot names a live task.
        unsafe { (*slot.task.get()).holds.set((*slot.task.get()).holds.get() - 1) };
    }
}

/// Puts a waitable into the task's set, on behalf of `op`.
///
/// # Safety
///
/// The task is alive. `op` is what `callback` expects, or an [`Op`] of ours without one, alive until it leaves.
pub(crate) unsafe fn join(
    task: *const Task,
    waitable: u32,
    op: *mut c_void,
    callback: Option<cabi::Callback>,
    holds: bool,
) {
    let slot = sys::instance().slot_or_new(waitable);
    // SAFETY: the task is alive; an occupied slot names a live task.
    unsafe {
        if !ptr::eq(slot.task.get(), task) {
            forget(waitable);
            builtins::waitable_join(waitable, set_of(task));
            slot.task.set(task);
            (*task).members.set((*task).members.get() + 1);
        } else {
            unhold(slot);
        }
        if holds {
            (*task).holds.set((*task).holds.get() + 1);
        }
    }
    slot.holds.set(holds);
    slot.op.set(op);
    slot.callback.set(callback);
}

/// Takes a waitable out of the set and the slot it is in, if any.
pub(crate) fn leave(waitable: u32) {
    if forget(waitable) {
        // SAFETY: the waitable was in a set of ours, so it is a live handle.
        unsafe { builtins::waitable_join(waitable, 0) };
    }
}

/// Empties the slot of a waitable, which stays in its set until it is dropped or joined elsewhere. Answers whether there
/// was anything.
pub(crate) fn forget(waitable: u32) -> bool {
    let Some(slot) = sys::instance().slot(waitable) else {
        return false;
    };
    if slot.task.get().is_null() {
        return false;
    }
    unhold(slot);
    let task = slot.task.replace(ptr::null());
    // SAFETY: an occupied slot names a live task.
    unsafe { (*task).members.set((*task).members.get() - 1) };
    true
}

/// Delivers what has happened in the set without waiting.
///
/// # Safety
///
/// The task is alive and published.
unsafe fn poll_set(task: *const Task) {
    // SAFETY: the payload area is two words; the task is alive.
    unsafe {
        let mut left = (*task).members.get();
        while left != 0 && (*task).set.get() != 0 {
            let mut payload = [0u32; 2];
            if builtins::waitable_set_poll((*task).set.get(), (&raw mut payload).cast()) == event::NONE {
                return;
            }
            deliver(task, payload[0], payload[1]);
            left -= 1;
        }
    }
}

/// Starts the task of an asynchronous export and answers its first callback code.
///
/// # Safety
///
/// Called by the entry point of an export lifted with a callback, which returns the code at once; `future` calls
/// `task.return` as its last act.
pub unsafe fn start_task(future: impl Future<Output = ()> + 'static) -> i32 {
    let task = new(future);
    // SAFETY: the task is alive until `exit`; the context slot belongs to the runtime.
    unsafe {
        let published = publish(task);
        let code = turn(task);
        if code == code::EXIT {
            exit(task);
        } else {
            builtins::context_set(task.cast_mut().cast());
        }
        drop(published);
        code
    }
}

/// Continues the task of an asynchronous export.
///
/// # Safety
///
/// Called by the callback of an export that was started with [`start_task`], with the arguments the host gave.
pub unsafe fn callback(event: i32, p1: i32, p2: i32) -> i32 {
    // SAFETY: the slot holds the task `start_task` stored: the host calls back in the same context, and not after EXIT.
    unsafe {
        let task = builtins::context_get().cast_const().cast::<Task>();
        let published = publish(task);
        resume(task, event, p1 as u32, p2 as u32);
        let code = turn(task);
        if code == code::EXIT {
            exit(task);
        }
        drop(published);
        code
    }
}

/// Takes in one event at the beginning of a turn.
///
/// # Safety
///
/// The task is alive and published.
unsafe fn resume(task: *const Task, event: i32, p1: u32, p2: u32) {
    // SAFETY: as promised.
    unsafe {
        (*task).state.set(State::Running);
        match event {
            event::FIRST_WAITABLE..=event::LAST_WAITABLE => deliver(task, p1, p2),
            event::TASK_CANCELLED => cancel(task),
            _ => poll_set(task),
        }
        (*task).ready.append(&(*task).later);
    }
}

/// Drops the root future if it is still there, and tells the host.
///
/// # Safety
///
/// The task is alive and published, and its cancellation has been delivered.
unsafe fn cancel(task: *const Task) {
    // SAFETY: as promised; a root that is not done has not resolved the task.
    unsafe {
        if !(*task).root.is_done() {
            finish(task, task.cast());
            builtins::task_cancel();
        }
    }
}
