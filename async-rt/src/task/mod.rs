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
//! cancellation drops a root that has not, then calls `task.cancel`; spawned work goes on. See `cancellation`.

pub(crate) mod block_on;
pub(crate) mod cancellation;
mod exit;
mod export;
pub(crate) mod foreign;
pub(crate) mod local;
pub(crate) mod members;
pub(crate) mod node;
pub(crate) mod scope;
pub(crate) mod signal;
pub(crate) mod spawn;

use crate::abi::{code, event};
use crate::cabi::{self, Published};
use crate::pool;
use crate::sys::builtins;
use crate::waitable::Op;
use alloc::alloc::Layout;
use cancellation::Cancellation;
use core::cell::{Cell, UnsafeCell};
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr;
use core::task::Context;
use exit::{exit, is_over};
pub use export::start_export;
use members::{deliver, poll_set, set_of};
use node::{Node, NodeVtable, Queue};

/// Polls in one turn before the host gets a chance to run something else.
const TURN: u32 = 4096;

/// With so many waitables in its set, a task looks for more events before it returns to the host. With fewer, finding none
/// would cost more than it saves.
const CROWD: u32 = 8;

/// How often it does so in one turn.
const ROUNDS: u32 = 64;

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
    /// What keeps the task from exiting: unfinished nodes, and waitables that hold it.
    holds: Cell<u32>,
    /// The node that is being polled, or null.
    running: Cell<*const Node>,
    /// The waitable set, or 0.
    set: Cell<u32>,
    /// How many slots of the instance's table name this task.
    members: Cell<u32>,
    /// The one op in the set that has no slot, or null: one that the root waits for, or has waited for. A root that does one thing after
    /// the other needs no table.
    alone: Cell<*const Op>,
    /// What was published when this task was opened, until its first turn has ended.
    outer: Cell<*mut cabi::Task>,
    signal: signal::Signal,
    state: Cell<State>,
    /// Null for most tasks. One that has a block has a set.
    cancellation: Cell<*const Cancellation>,
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

/// A block with `future` in it, whose task has to be made by [`init`], and what `init` needs for that.
#[inline(always)]
fn allocate<F: Future<Output = ()>>(future: F) -> (*mut Task, &'static NodeVtable) {
    let block = pool::take_outlined(Layout::new::<Block<F>>()).cast::<Block<F>>();
    // SAFETY: a fresh block of the right layout.
    unsafe { (&raw mut (*block).future).write(UnsafeCell::new(ManuallyDrop::new(future))) };
    (block.cast(), &Block::<F>::VTABLE)
}

/// Makes the task at the head of a block.
///
/// # Safety
///
/// Both came from one call of [`allocate`].
#[inline]
unsafe fn init(task: *mut Task, vtable: &'static NodeVtable) {
    // SAFETY: there is room for a task at the start of the block.
    unsafe {
        Node::init(task.cast(), vtable, task);
        (&raw mut (*task).published).write(UnsafeCell::new(cabi::TaskV3::ours(task.cast())));
        (&raw mut (*task).ready).write(Queue::new());
        (&raw mut (*task).later).write(Queue::new());
        (&raw mut (*task).holds).write(Cell::new(1));
        (&raw mut (*task).running).write(Cell::new(ptr::null()));
        (&raw mut (*task).set).write(Cell::new(0));
        (&raw mut (*task).members).write(Cell::new(0));
        (&raw mut (*task).alone).write(Cell::new(ptr::null()));
        (&raw mut (*task).outer).write(Cell::new(ptr::null_mut()));
        (&raw mut (*task).signal).write(signal::Signal::new());
        (&raw mut (*task).state).write(Cell::new(State::Running));
        (&raw mut (*task).cancellation).write(Cell::new(ptr::null()));
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

/// Polls a node that is on no queue.
///
/// # Safety
///
/// Task and node are alive, the node is of this task and not done; the task is published and in state *running*.
#[inline]
unsafe fn run(task: *const Task, node: *const Node) {
    // SAFETY: as promised.
    unsafe {
        (*task).running.set(node);
        let finished = Node::poll(node);
        (*task).running.set(ptr::null());
        if finished {
            finish(task, node);
        }
    }
}

/// Polls what is ready, and answers the callback code of the turn.
///
/// # Safety
///
/// The task is alive, published and in state *running*.
#[inline(always)]
unsafe fn turn(task: *const Task) -> i32 {
    // SAFETY: the task is alive; it is freed only by `exit`, which is the caller's.
    unsafe {
        if let Some(first) = (*task).ready.pop() {
            run_ready(task, first);
        }
        if (*task).members.get() >= CROWD {
            drain(task);
        }
        if (*task).holds.get() == 0 {
            return code::EXIT;
        }
        if !(*task).ready.is_empty() || !(*task).later.is_empty() {
            (*task).state.set(State::Yielded);
            return code::YIELD;
        }
        (*task).state.set(State::Parked);
        code::WAIT | (set_of(task) << 4) as i32
    }
}

/// Takes in events that are there already, and polls what they wake.
///
/// # Safety
///
/// As for [`turn`].
#[inline(never)]
unsafe fn drain(task: *const Task) {
    // SAFETY: promised by the caller.
    unsafe {
        for _ in 0..ROUNDS {
            if (*task).holds.get() == 0 || !(*task).ready.is_empty() || !(*task).later.is_empty() {
                return;
            }
            poll_set(task);
            let Some(first) = (*task).ready.pop() else { return };
            run_ready(task, first);
        }
    }
}

/// Polls a node that was taken off the queue, and those that are on it.
///
/// # Safety
///
/// As for [`turn`]; the node is of this task.
unsafe fn run_ready(task: *const Task, first: *const Node) {
    let mut node = first;
    let mut left = TURN;
    // SAFETY: as promised; nodes on the queue are of this task.
    unsafe {
        loop {
            if (*node).is_done() {
                discard(task, node);
            } else {
                run(task, node);
            }
            if (*task).ready.is_empty() || left == 0 {
                return;
            }
            left -= 1;
            let Some(next) = (*task).ready.pop() else { return };
            node = next;
        }
    }
}

/// Drops the future of a node that is not done.
///
/// # Safety
///
/// Task and node are alive; the node is of this task.
#[inline(never)]
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

/// Starts the task of an asynchronous export and answers its first callback code.
///
/// # Safety
///
/// Called by the entry point of an export lifted with a callback, which returns the code at once; `future` calls
/// `task.return` as its last act.
#[inline]
pub unsafe fn start_task<F: Future<Output = ()> + 'static>(future: F) -> i32 {
    let (task, vtable) = allocate(future);
    // SAFETY: both are from `allocate`.
    unsafe { start(task, vtable) }
}

/// # Safety
///
/// As for [`init`].
unsafe fn start(task: *mut Task, vtable: &'static NodeVtable) -> i32 {
    // SAFETY: the task is alive until `exit`.
    unsafe {
        init(task, vtable);
        proceed(task, publish(task))
    }
}

/// Runs the first turn of a task.
///
/// # Safety
///
/// The task was just made, is complete, and was published.
#[inline]
unsafe fn proceed(task: *mut Task, published: Published) -> i32 {
    // SAFETY: the task is alive until `exit`; the context slot belongs to the runtime.
    unsafe {
        run(task, task.cast_const().cast());
        let code = if is_over(task) {
            // Most exports that need not wait end here.
            exit(task);
            code::EXIT
        } else {
            end_turn(task)
        };
        if code != code::EXIT {
            builtins::context_set(task.cast());
        }
        drop(published);
        code
    }
}

/// As `end_turn`, when that would find nothing to do and wait.
///
/// # Safety
///
/// As for [`turn`].
#[inline(always)]
unsafe fn park(task: *const Task) -> Option<i32> {
    // SAFETY: promised by the caller.
    unsafe {
        let set = (*task).set.get();
        if Queue::are_empty(&(*task).ready, &(*task).later)
            && (*task).members.get() < CROWD
            && (*task).holds.get() != 0
            && set != 0
        {
            (*task).state.set(State::Parked);
            return Some(code::WAIT | (set << 4) as i32);
        }
        None
    }
}

/// Leaves a turn: with EXIT the task is gone.
///
/// # Safety
///
/// As for [`turn`]; with EXIT the task is not used afterwards.
#[inline(never)]
unsafe fn end_turn(task: *const Task) -> i32 {
    // SAFETY: promised by the caller.
    unsafe {
        let code = turn(task);
        if code == code::EXIT {
            exit(task);
        }
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
        let code = match park(task) {
            Some(code) => code,
            None => end_turn(task),
        };
        drop(published);
        code
    }
}

/// Takes in one event at the beginning of a turn.
///
/// # Safety
///
/// The task is alive and published.
#[inline(always)]
unsafe fn resume(task: *const Task, event: i32, p1: u32, p2: u32) {
    // SAFETY: as promised.
    unsafe {
        (*task).state.set(State::Running);
        let is_for_root = if let Some(op) = members::alone(task, p1) {
            // Only an event of a waitable comes with the number of one.
            Op::event(op, p2)
        } else if matches!(event, event::FIRST_WAITABLE..=event::LAST_WAITABLE) {
            deliver(task, p1, p2)
        } else {
            resume_without(task, event);
            return;
        };
        if is_for_root {
            run_root(task);
        }
    }
}

/// Polls the root, which its only operation has woken, or queues it behind what was woken before.
///
/// # Safety
///
/// As for `resume`.
#[inline(always)]
unsafe fn run_root(task: *const Task) {
    // SAFETY: promised by the caller.
    unsafe {
        let root = &(*task).root;
        // What is queued at the beginning of a turn is ready.
        if (*task).ready.is_empty() && !root.is_done() {
            run(task, task.cast());
        } else {
            Node::schedule(task.cast());
        }
    }
}

/// As `resume`, for what is no event of a waitable.
///
/// # Safety
///
/// As for `resume`.
#[inline(never)]
unsafe fn resume_without(task: *const Task, event: i32) {
    // SAFETY: promised by the caller.
    unsafe {
        // A task that waits has nothing for later, so what comes with an event need not ask.
        (*task).ready.append(&(*task).later);
        if event == event::TASK_CANCELLED {
            cancel(task);
        } else {
            poll_set(task);
        }
    }
}

/// Takes in a cancellation: nothing, if the root has finished.
///
/// # Safety
///
/// The task is alive and published, and its cancellation has been delivered.
unsafe fn cancel(task: *const Task) {
    // SAFETY: as promised.
    unsafe {
        if !(*task).root.is_done() {
            Cancellation::request(task);
        }
    }
}

/// Drops the root future of a cancelled task, and tells the host.
///
/// # Safety
///
/// As for [`cancel`]; the root is not done, and not being polled.
unsafe fn drop_root(task: *const Task) {
    // SAFETY: as promised; a root that is not done has not resolved the task.
    unsafe { finish(task, task.cast()) };
    cancellation::acknowledge();
}
