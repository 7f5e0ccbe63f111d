//! [`Report`]: who waits for what, when nothing moves.

use super::copy::CopyEnd;
use super::instance::Instance;
use super::store::Store;
use super::subtask::Subtask;
use super::table::Entry;
use super::thread::{Condition, Thread};
use super::waitable::{Member, WaitableSet};
use std::fmt;

/// One task that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The instance it runs in.
    pub instance: String,
    /// The task, by number and export.
    pub task: String,
    /// Who called it.
    pub caller: String,
    /// What it waits for, one line for each thing.
    pub waits_for: Vec<String>,
}

impl Instance {
    /// The handles that are in use, each with what it stands for and the state that is in.
    pub fn handles(&self) -> Vec<(u32, String)> {
        let mut handles = Vec::new();
        self.each_handle(|index, entry| handles.push((index, handle(entry))));
        handles
    }
}

fn handle(entry: &Entry) -> String {
    let kind = entry.kind();
    let (state, member) = match entry {
        Entry::Subtask(subtask) => (
            format!("of `{}`, {}", subtask.name(), state(subtask)),
            Member::Subtask(subtask.clone()),
        ),
        Entry::End(end) => {
            let doing = if end.is_copying() {
                "copying"
            } else if end.is_done() {
                "done"
            } else {
                "idle"
            };
            (format!("#{}, {doing}", end.shared_id()), Member::End(end.clone()))
        }
        Entry::Set(set) => return format!("{kind} of {} members", set.members().len()),
        Entry::Resource(resource) if resource.lends.get() > 0 => {
            return format!("{kind}, lent {} times", resource.lends.get());
        }
        Entry::Resource(_) | Entry::ErrorContext(_) => return kind.to_owned(),
    };
    let waitable = member.waitable();
    let set = if waitable.is_in_set() { ", in a set" } else { "" };
    let event = if waitable.has_event() {
        ", an event is ready"
    } else {
        ""
    };
    format!("{kind} {state}{set}{event}")
}

/// The tasks of a store that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they began to wait.
    pub tasks: Vec<Waiting>,
}

impl Store {
    /// Which tasks wait, and for what.
    pub fn report(&self) -> Report {
        let waiting = self.waiting();
        let tasks = waiting.iter().filter_map(|thread| {
            let task = thread.task.as_ref()?;
            Some(Waiting {
                instance: thread.instance.name().to_string(),
                task: task.describe(),
                caller: task.caller(),
                waits_for: waits_for(thread),
            })
        });
        Report { tasks: tasks.collect() }
    }
}

pub(crate) fn waits_for(thread: &Thread) -> Vec<String> {
    let condition = thread.waits_for.borrow().clone();
    match condition {
        None => Vec::new(),
        Some(Condition::Always) => vec!["its turn, after a yield".to_owned()],
        Some(Condition::Gate(_)) => vec![gate(thread)],
        Some(Condition::Resolved(subtask)) => vec![call(&subtask)],
        Some(Condition::Event(member)) => vec![self::member(&member)],
        Some(Condition::SetEvent(set)) => members(&set),
        Some(Condition::SetEventAndLock(set)) => {
            let mut lines = members(&set);
            if set.has_event() {
                lines.insert(0, lock(thread));
            }
            lines
        }
        Some(Condition::Lock) => vec![lock(thread)],
        Some(Condition::TaskResolved(task)) => vec![format!("{} to return", task.describe())],
    }
}

fn gate(thread: &Thread) -> String {
    match thread.instance.backpressure.get() {
        0 => lock(thread),
        count => format!("the end of backpressure, which was raised {count} times and not lowered"),
    }
}

fn lock(thread: &Thread) -> String {
    let holder = thread
        .instance
        .exclusive
        .borrow()
        .as_ref()
        .and_then(|holder| holder.describe());
    match holder {
        Some(holder) => format!("{holder}, which blocks inside its core code and lets no other task run"),
        None => "its turn".to_owned(),
    }
}

fn call(subtask: &Subtask) -> String {
    format!("the call of `{}`, which is {}", subtask.name(), state(subtask))
}

fn state(subtask: &Subtask) -> &'static str {
    use super::subtask::SubtaskState::{CancelledBeforeReturned, CancelledBeforeStarted, Returned, Started, Starting};
    match subtask.state() {
        Starting => "starting",
        Started => "started",
        Returned => "returned",
        CancelledBeforeStarted => "cancelled before it started",
        CancelledBeforeReturned => "cancelled before it returned",
    }
}

fn members(set: &WaitableSet) -> Vec<String> {
    let members = set.members();
    if members.is_empty() {
        return vec![format!("waitable set {}, which is empty", set.index.get())];
    }
    members.iter().map(member).collect()
}

fn member(member: &Member) -> String {
    let line = match member {
        Member::Subtask(subtask) => call(subtask),
        Member::End(end) => copy(end),
    };
    if member.waitable().has_event() {
        format!("{line} (an event is ready)")
    } else {
        line
    }
}

fn copy(end: &CopyEnd) -> String {
    let what = if end.kind().is_future() { "future" } else { "stream" };
    let (verb, peer) = if end.kind().is_readable() {
        ("read", "writer")
    } else {
        ("write", "reader")
    };
    let doing = if end.is_copying() {
        format!("the {verb} on")
    } else {
        "a peer for the idle end".to_owned()
    };
    format!(
        "{doing} {what} {} (handle {}), whose {peer} has not come",
        end.shared_id(),
        end.index()
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.tasks.iter().map(|row| row.task.len()).max().unwrap_or(0);
        for row in &self.tasks {
            let mut lines = row.waits_for.iter();
            let first = lines.next().map_or("nothing that is known", String::as_str);
            write!(f, "\n  {:<width$}  waits for {first}", row.task)?;
            for line in lines {
                write!(f, "\n  {:<width$}        and {line}", "")?;
            }
        }
        Ok(())
    }
}
