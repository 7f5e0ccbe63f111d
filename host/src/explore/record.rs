//! [`Recorder`]: writes down every step of a schedule, and [`Trace`]: what was written.
//!
//! A trace holds nothing that differs from run to run: no addresses, no times of the machine. So two runs of the same schedule
//! have equal traces, and what makes them differ is not under the control of the chooser.

use crate::canonical::{Choice, Chunk, CoreVal, Event, EventCode, Fnv, HostPhase, Observer, Step, Value};
use std::cell::{Cell, RefCell};
use std::fmt;

/// Where something happens: in a task of a guest, or on the host's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The instance; none for the host.
    pub instance: Option<String>,
    /// The task, by number and export, or the host function, or whatever else it is.
    pub name: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The step of the scheduler that it belongs to.
    pub step: u64,
    /// Virtual time in nanoseconds.
    pub time: u64,
    /// The lane, by its place among those of the trace.
    pub lane: usize,
    /// What it is.
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Something other than the canonical answer was chosen.
    Chose {
        /// What was chosen.
        kind: Choice,
        /// Among how many.
        n: usize,
        /// The answer.
        answer: usize,
    },
    /// A task goes on.
    Run {
        /// Whether it was run to learn of its cancellation.
        cancelled: bool,
    },
    /// A callback is called with an event.
    Callback(String),
    /// Core code called something.
    Call {
        /// What was called.
        name: String,
        /// The arguments.
        args: Vec<String>,
    },
    /// It returned.
    Return {
        /// What had been called.
        name: String,
        /// The core result.
        result: Option<String>,
    },
    /// Elements moved.
    Moved {
        /// The number of the stream or future.
        id: u64,
        /// How many.
        count: usize,
        /// The first of them.
        values: String,
    },
    /// The state of a call of a host function changed.
    Host(HostPhase),
    /// The task gave its result, or was cancelled.
    Resolved {
        /// Whether it was cancelled.
        cancelled: bool,
    },
    /// The task ended.
    Exited,
    /// A rule was broken, and everything ended.
    Trap(String),
}

/// Everything that happened in a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Who took part, in order of appearance. The first is the scheduler.
    pub lanes: Vec<Lane>,
    /// In order.
    pub happenings: Vec<Happening>,
}

impl Trace {
    /// A number for the whole trace.
    pub(crate) fn hash(&self) -> u64 {
        let mut hash = Fnv::default();
        for happening in &self.happenings {
            hash.number(happening.step);
            hash.number(happening.time);
            let lane = &self.lanes[happening.lane];
            hash.bytes(lane.name.as_bytes());
            hash.bytes(happening.what.to_string().as_bytes());
        }
        hash.finish()
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Chose { kind, n, answer } => match kind {
                Choice::Fault(fault) => write!(f, "fault {}", fault.name()),
                kind => write!(f, "{kind:?} {answer} of {n}"),
            },
            What::Run { cancelled: false } => f.write_str("runs"),
            What::Run { cancelled: true } => f.write_str("runs to be cancelled"),
            What::Callback(event) => write!(f, "callback {event}"),
            What::Call { name, args } => write!(f, "{name}({})", args.join(", ")),
            What::Return { name, result: None } => write!(f, "{name} returned"),
            What::Return {
                name,
                result: Some(result),
            } => write!(f, "{name} = {result}"),
            What::Moved { id, count, values } => write!(f, "#{id} moved {count}: {values}"),
            What::Host(phase) => write!(f, "{phase:?}"),
            What::Resolved { cancelled: false } => f.write_str("resolved"),
            What::Resolved { cancelled: true } => f.write_str("cancelled"),
            What::Exited => f.write_str("exited"),
            What::Trap(text) => write!(f, "trap: {}", text.lines().next().unwrap_or_default()),
        }
    }
}

/// The lane of choices.
const SCHEDULER: usize = 0;

/// Writes down every step.
pub(crate) struct Recorder {
    trace: RefCell<Trace>,
    step: Cell<u64>,
    time: Cell<u64>,
    /// The lane of whoever runs at the moment.
    running: Cell<usize>,
}

impl Default for Recorder {
    fn default() -> Recorder {
        let recorder = Recorder {
            trace: RefCell::default(),
            step: Cell::new(0),
            time: Cell::new(0),
            running: Cell::new(SCHEDULER),
        };
        recorder.lane(None, "scheduler");
        recorder
    }
}

impl Recorder {
    /// What follows belongs to this step.
    pub(crate) fn begin_step(&self, step: u64, time: u64) {
        self.step.set(step);
        self.time.set(time);
        self.running.set(SCHEDULER);
    }

    /// What was written.
    pub(crate) fn take(&self) -> Trace {
        self.trace.take()
    }

    fn lane(&self, instance: Option<&str>, name: &str) -> usize {
        let mut trace = self.trace.borrow_mut();
        let known = trace
            .lanes
            .iter()
            .position(|lane| lane.instance.as_deref() == instance && lane.name == name);
        known.unwrap_or_else(|| {
            trace.lanes.push(Lane {
                instance: instance.map(str::to_owned),
                name: name.to_owned(),
            });
            trace.lanes.len() - 1
        })
    }

    fn task(&self, instance: &str, task: Option<&str>) -> usize {
        self.lane(Some(instance), task.unwrap_or("realloc"))
    }

    fn write(&self, lane: usize, what: What) {
        self.trace.borrow_mut().happenings.push(Happening {
            step: self.step.get(),
            time: self.time.get(),
            lane,
            what,
        });
    }
}

/// Elements of a stream, as far as they are worth showing.
fn brief(chunk: &Chunk) -> String {
    const SHOWN: usize = 8;
    let mut parts: Vec<String> = match chunk {
        Chunk::Units(_) => return "()".to_owned(),
        Chunk::Bytes(bytes) => bytes.iter().take(SHOWN).map(u8::to_string).collect(),
        Chunk::Values(values) => values.iter().take(SHOWN).map(show).collect(),
    };
    if chunk.len() > SHOWN {
        parts.push("…".to_owned());
    }
    parts.join(" ")
}

fn show(value: &Value) -> String {
    const SHOWN: usize = 40;
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Observer for Recorder {
    fn step(&self, step: &Step<'_>) {
        match step {
            Step::Choice { answer: 0, .. } => {}
            Step::Choice { kind, n, answer } => {
                let (kind, n, answer) = (*kind, *n, *answer);
                self.write(SCHEDULER, What::Chose { kind, n, answer });
            }
            Step::Moved { id, count, elements } => {
                let (id, count, values) = (*id, *count, brief(elements));
                self.write(self.running.get(), What::Moved { id, count, values });
            }
            Step::HostCall { number, name, phase } => {
                let lane = self.lane(None, &format!("{name} (call {number})"));
                self.write(lane, What::Host(*phase));
            }
            Step::Trap(trap) => self.write(self.running.get(), What::Trap(trap.to_string())),
            of_guest => self.step_of_guest(of_guest),
        }
    }
}

impl Recorder {
    fn step_of_guest(&self, step: &Step<'_>) {
        let (instance, task, what) = match step {
            Step::Run {
                instance,
                task,
                cancelled,
            } => {
                self.running.set(self.task(instance, task.as_deref()));
                (instance, task.as_deref(), What::Run { cancelled: *cancelled })
            }
            Step::Callback { instance, task, event } => {
                (instance, Some(task.as_str()), What::Callback(shown_event(*event)))
            }
            Step::Call {
                instance,
                task,
                name,
                args,
            } => {
                let (name, args) = ((*name).to_owned(), args.iter().map(CoreVal::to_string).collect());
                (instance, task.as_deref(), What::Call { name, args })
            }
            Step::Return {
                instance,
                task,
                name,
                result,
            } => {
                let result = result.as_ref().map(|result| shown_result(name, result));
                let name = (*name).to_owned();
                (instance, task.as_deref(), What::Return { name, result })
            }
            Step::Resolved {
                instance,
                task,
                cancelled,
            } => (instance, Some(task.as_str()), What::Resolved { cancelled: *cancelled }),
            Step::Exited { instance, task } => (instance, Some(task.as_str()), What::Exited),
            // The others are not of a guest.
            Step::Choice { .. } | Step::Moved { .. } | Step::HostCall { .. } | Step::Trap(_) => return,
        };
        self.write(self.task(instance, task), what);
    }
}

pub(crate) fn shown_event(event: Event) -> String {
    match event.code {
        EventCode::None => "nothing".to_owned(),
        EventCode::TaskCancelled => "cancelled".to_owned(),
        EventCode::Subtask => format!("subtask {} {}", event.p1, subtask_state(event.p2)),
        code => format!("{code:?} {} {}", event.p1, copy_result(event.p2)),
    }
}

/// A core result as people read it.
pub(crate) fn shown_result(name: &str, result: &CoreVal) -> String {
    let CoreVal::I32(word) = *result else {
        return match (name, result) {
            ("stream.new" | "future.new", CoreVal::I64(ends)) => {
                format!("readable {}, writable {}", *ends as u32, (*ends as u64 >> 32) as u32)
            }
            _ => result.to_string(),
        };
    };
    let word = word as u32;
    let is_copy = name.starts_with("stream.") || name.starts_with("future.");
    match name {
        _ if is_copy && word == u32::MAX => "BLOCKED".to_owned(),
        _ if is_copy => copy_result(word),
        "subtask.cancel" => subtask_state(word).to_owned(),
        _ => word.to_string(),
    }
}

fn copy_result(word: u32) -> String {
    let name = match word & 0xf {
        0 => "COMPLETED",
        1 => "DROPPED",
        2 => "CANCELLED",
        _ => "?",
    };
    format!("{name}({})", word >> 4)
}

fn subtask_state(word: u32) -> &'static str {
    match word & 0xf {
        0 => "STARTING",
        1 => "STARTED",
        2 => "RETURNED",
        3 => "CANCELLED_BEFORE_STARTED",
        4 => "CANCELLED_BEFORE_RETURNED",
        _ => "?",
    }
}
