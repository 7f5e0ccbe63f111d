//! Defects in tasks: in waking, waiting, spawning, ending, cancelling.

use super::Mutant;

const fn mutant(
    name: &'static str,
    about: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Mutant {
    Mutant {
        name,
        about,
        file,
        from,
        to,
    }
}

const WAITABLE: &str = "async-rt/src/waitable.rs";
const TASK: &str = "async-rt/src/task/mod.rs";
const MEMBERS: &str = "async-rt/src/task/members.rs";
const NODE: &str = "async-rt/src/task/node.rs";
const SIGNAL: &str = "async-rt/src/task/signal.rs";
const CANCELLATION: &str = "async-rt/src/task/cancellation.rs";
const SPAWN: &str = "async-rt/src/task/spawn.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        "wake-lost",
        "an event takes the waker of who waits and does not wake it",
        WAITABLE,
        "if let Some(waker) = self.0.take() { node::wake(waker); }",
        "drop(self.0.take());",
    ),
    mutant(
        "root-not-polled",
        "an event for the root of a task is not passed on",
        WAITABLE,
        "if let Place::Root(_) = self.place.get() { return true; }",
        "if let Place::Root(_) = self.place.get() { return false; }",
    ),
    mutant(
        "waker-stale",
        "a new waker does not replace the one that is stored",
        WAITABLE,
        "is_some_and(|stored| stored.will_wake(waker))",
        "is_some_and(|stored| {ON} || stored.will_wake(waker))",
    ),
    mutant(
        "join-forgotten",
        "a waitable stays in its set when it is taken out of its task",
        WAITABLE,
        "members::vacate(&*slot); builtins::waitable_join(self.handle.get(), 0);",
        "members::vacate(&*slot);",
    ),
    mutant(
        "slot-stale",
        "the slot of a waitable still names it when its handle is dropped",
        WAITABLE,
        "unsafe { members::vacate(&*slot) }; matches!(place, Place::Root(_))",
        "matches!(place, Place::Root(_))",
    ),
    mutant(
        "moved-operation",
        "an operation that is polled in another task stays with the first",
        WAITABLE,
        "core::ptr::eq((*slot).task.get(), task) => return slot,",
        "{ON} || core::ptr::eq((*slot).task.get(), task) => return slot,",
    ),
    mutant(
        "moved-within-task",
        "an operation of the root that another future polls still wakes the root",
        WAITABLE,
        "core::ptr::eq(node, (*slot).task.get().cast())",
        "{ let _ = node; true }",
    ),
    mutant(
        "exit-too-early",
        "a task exits when its root has finished, whatever was spawned",
        TASK,
        "if (*task).holds.get() == 0 { return code::EXIT; }",
        "if (*task).root.is_done() { return code::EXIT; }",
    ),
    mutant(
        "yield-forgotten",
        "a task waits although one of its futures has yielded",
        TASK,
        "if !(*task).ready.is_empty() || !(*task).later.is_empty() { (*task).state.set(State::Yielded);",
        "if !{ON} && (!(*task).ready.is_empty() || !(*task).later.is_empty()) { (*task).state.set(State::Yielded);",
    ),
    mutant(
        "parked-unnoticed",
        "a task waits, and who wakes it believes that it runs",
        TASK,
        "(*task).state.set(State::Parked); code::WAIT",
        "code::WAIT",
    ),
    mutant(
        "hold-kept",
        "a future that has finished still keeps its task",
        TASK,
        "(*task).holds.set((*task).holds.get() - 1);",
        "",
    ),
    mutant(
        "spawned-node-leaked",
        "a spawned future that has finished is not freed",
        TASK,
        "Node::release(node); Node::release(task.cast());",
        "Node::release(task.cast());",
    ),
    mutant(
        "task-leaked",
        "a spawned future that has finished keeps the block of its task",
        TASK,
        "Node::release(node); Node::release(task.cast());",
        "Node::release(node);",
    ),
    mutant(
        "set-leaked",
        "a task that exits does not drop its set",
        TASK,
        "builtins::waitable_set_drop((*task).set.get());",
        "",
    ),
    mutant(
        "members-left",
        "a task that exits leaves waitables in its set",
        TASK,
        "builtins::waitable_join(waitable, 0); if let",
        "if !{ON} { builtins::waitable_join(waitable, 0); } if let",
    ),
    mutant(
        "place-stale",
        "an operation is not told that its task has exited",
        TASK,
        "(*op).forgotten_by_task();",
        "",
    ),
    mutant(
        "cancel-unreported",
        "a task that is cancelled does not tell the host that it is",
        CANCELLATION,
        "unsafe { builtins::task_cancel() }",
        "",
    ),
    mutant(
        "yields-for-ever",
        "futures that yielded are not polled in the next turn",
        TASK,
        "(*task).ready.append(&(*task).later); if matches!",
        "if !{ON} { (*task).ready.append(&(*task).later); } if matches!",
    ),
    mutant(
        "hold-not-ended",
        "the event of an operation that holds its task does not let it go",
        MEMBERS,
        "unhold(slot); slot.listener.set(Listener::Op(op));",
        "slot.listener.set(Listener::Op(op));",
    ),
    mutant(
        "hold-forgotten",
        "an operation that nobody waits for does not hold its task",
        MEMBERS,
        "if let Listener::Op(op) = slot.listener.get() { slot.listener.set(Listener::Holding(op));",
        "if let (false, Listener::Op(op)) = ({ON}, slot.listener.get()) { slot.listener.set(Listener::Holding(op));",
    ),
    mutant(
        "old-slot-counted",
        "a waitable that joins another task still counts as a member of the first",
        MEMBERS,
        "if !slot.task.get().is_null() { vacate_slot(slot); }",
        "let _ = slot;",
    ),
    mutant(
        "queued-twice",
        "a future that is woken twice is queued twice",
        NODE,
        "if (*this).is_queued() { return None; }",
        "let _ = this;",
    ),
    mutant(
        "done-woken",
        "a future that is woken after its end is polled",
        NODE,
        "if (*this).is_done() { return None; }",
        "let _ = this;",
    ),
    mutant(
        "done-unset",
        "a future that has finished is not marked as such",
        NODE,
        "(*this).set_done(); ((*this).vtable.drop_future)(this);",
        "((*this).vtable.drop_future)(this);",
    ),
    mutant(
        "waker-uncounted",
        "a waker that is cloned does not keep its node",
        NODE,
        "(*node).retain(); waker(node)",
        "waker(node)",
    ),
    mutant(
        "self-wake-now",
        "a future that wakes itself is polled again in the same turn, for ever",
        NODE,
        "let queue = if ptr::eq((*task).running.get(), this) {",
        "let queue = if !{ON} && ptr::eq((*task).running.get(), this) {",
    ),
    mutant(
        "signal-stuck",
        "the signal that woke a task is not cleared, and the next wake is lost",
        SIGNAL,
        "self.pending.set(false);",
        "",
    ),
    mutant(
        "signal-twice",
        "a second wake signals before the first was delivered",
        SIGNAL,
        "if signal.pending.get() { return; }",
        "let _ = signal;",
    ),
    mutant(
        "signal-leaked",
        "a task that exits leaves its signal open",
        TASK,
        "(*task).signal.close();",
        "",
    ),
    mutant(
        "signal-in-flight",
        "a signal that was not delivered is not taken back when the task exits",
        SIGNAL,
        "if self.pending.replace(false) {",
        "if self.pending.replace(false) && !{ON} {",
    ),
    mutant(
        "joiner-not-woken",
        "who waits for a spawned future is not woken when it ends",
        SPAWN,
        "if let Some(joiner) = head.joiner.take() { joiner.wake(); }",
        "drop(head.joiner.take());",
    ),
    mutant(
        "cancelled-runs-on",
        "a spawned future that cancels itself goes on",
        SPAWN,
        "head.cancelled.get() } } unsafe fn drop_future",
        "head.cancelled.get() && !{ON} } } unsafe fn drop_future",
    ),
    mutant(
        "spawn-unheld",
        "a spawned future does not keep its task from exiting",
        SPAWN,
        "(*task).holds.set((*task).holds.get() + 1);",
        "",
    ),
    mutant(
        "spawn-cancel-forgotten",
        "a spawned future that is cancelled is not dropped",
        SPAWN,
        "super::finish(task, this.cast());",
        "",
    ),
];
