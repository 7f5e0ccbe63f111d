//! A trace as rows of bars: who ran when, what was waited for, what was in flight.
//!
//! The horizontal axis is the order of happenings, not time: each takes one unit. A task has a row for its activations and waits,
//! and one for each operation that was in flight at the same time; a call of a host function has a row; and so has each stream
//! and future that elements moved through.

use crate::canonical::HostPhase;
use crate::explore::record::{Lane, Trace, What};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Core code runs.
    Run,
    /// A task waits.
    Wait,
    /// A call is in flight.
    Call,
    /// A copy is in flight.
    Copy,
    /// Elements move.
    Move,
    /// The schedule deviates from the canonical one.
    Choice,
    /// The end of everything.
    Trap,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Run => "run",
            Kind::Wait => "wait",
            Kind::Call => "call",
            Kind::Copy => "copy",
            Kind::Move => "move",
            Kind::Choice => "choice",
            Kind::Trap => "trap",
        }
    }
}

/// A bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: Kind,
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) label: String,
    /// Lines for whoever wants to know more.
    pub(super) details: Vec<String>,
}

/// A row of bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) spans: Vec<Span>,
}

/// The rows of a trace.
pub(super) fn rows(trace: &Trace) -> Vec<Row> {
    let mut rows: Vec<Row> = trace.lanes.iter().map(row).collect();
    let mut collector = Collector {
        trace,
        rows: &mut rows,
        running: BTreeMap::new(),
        since: BTreeMap::new(),
        calls: BTreeMap::new(),
        copies: BTreeMap::new(),
        streams: BTreeMap::new(),
        extra: Vec::new(),
    };
    for at in 0..trace.happenings.len() {
        collector.take_in(at);
    }
    collector.finish();
    let extra = std::mem::take(&mut collector.extra);
    // The rows of what was in flight stand below those of their tasks.
    let mut ordered = Vec::new();
    for (lane, row) in rows.into_iter().enumerate() {
        ordered.push(row);
        ordered.extend(
            extra
                .iter()
                .filter(|(of, _)| *of == Some(lane))
                .map(|(_, row)| row.clone()),
        );
    }
    ordered.extend(extra.into_iter().filter(|(of, _)| of.is_none()).map(|(_, row)| row));
    ordered.retain(|row| !row.spans.is_empty());
    in_groups(ordered)
}

/// Brings the rows of each group together, in the order in which groups and rows appeared.
fn in_groups(rows: Vec<Row>) -> Vec<Row> {
    let mut groups: Vec<String> = Vec::new();
    for row in &rows {
        if !groups.contains(&row.group) {
            groups.push(row.group.clone());
        }
    }
    let mut rows = rows;
    rows.sort_by_key(|row| groups.iter().position(|group| *group == row.group));
    rows
}

fn row(lane: &Lane) -> Row {
    let name = match &lane.instance {
        // The heading says it.
        Some(instance) => lane.name.replacen(&format!("`{instance}: "), "`", 1),
        None => lane.name.clone(),
    };
    Row {
        group: lane.instance.clone().unwrap_or_else(|| "host".to_owned()),
        name,
        spans: Vec::new(),
    }
}

struct Collector<'a> {
    trace: &'a Trace,
    rows: &'a mut Vec<Row>,
    /// For each lane that runs, since when and what it did.
    running: BTreeMap<usize, (usize, Vec<String>)>,
    /// For each task that does not run, since when.
    since: BTreeMap<usize, usize>,
    /// For each lane of a host function, since when it is called, and what happened.
    calls: BTreeMap<usize, (usize, Vec<String>)>,
    /// For each lane and handle, since when a copy or call is in flight, and how it was begun.
    copies: BTreeMap<(usize, u32), (Kind, usize, String)>,
    /// For each stream or future, its row.
    streams: BTreeMap<u64, usize>,
    /// Rows beside those of the lanes, each with the lane it belongs to.
    extra: Vec<(Option<usize>, Row)>,
}

impl Collector<'_> {
    fn take_in(&mut self, at: usize) {
        let happening = &self.trace.happenings[at];
        let lane = happening.lane;
        let begins_step = at == 0 || self.trace.happenings[at - 1].step != happening.step;
        if begins_step {
            self.end_runs(at);
        }
        match &happening.what {
            What::Chose { .. } => {
                let label = happening.what.to_string();
                self.span(lane, Kind::Choice, at..at + 1, label.clone(), vec![label]);
            }
            What::Run { .. } | What::Callback(_) => self.begin_run(at, lane),
            What::Call { name, args } => {
                self.note(at, lane);
                let handle = args.first().and_then(|arg| arg.parse().ok());
                if let Some(handle) = handle.filter(|_| is_copy(name) || name.contains(".drop")) {
                    // Its end was told by a poll of the set, whose result is in memory.
                    self.end_copy(at, lane, handle, "ended");
                }
                if let (true, Some(handle)) = (is_copy(name), handle) {
                    let text = format!("{name}({})", args.join(", "));
                    self.copies.insert((lane, handle), (Kind::Copy, at, text));
                }
            }
            What::Return { name, result } => {
                self.note(at, lane);
                if is_copy(name) && result.as_deref() != Some("BLOCKED") {
                    self.forget_copy(at, lane);
                }
                if let Some(handle) = result.as_deref().and_then(call_in_flight)
                    && !is_built_in(name)
                {
                    self.copies.insert((lane, handle), (Kind::Call, at, name.clone()));
                }
                if name.contains("cancel") {
                    self.end_copy_of_last_call(at, lane, result.as_deref().unwrap_or_default());
                }
            }
            What::Moved { id, count, values } => self.moved(at, *id, *count, values),
            What::Host(phase) => self.host(at, lane, *phase),
            What::Resolved { .. } => self.note(at, lane),
            What::Exited => {
                self.note(at, lane);
                self.end_run(at + 1, lane);
                self.since.remove(&lane);
            }
            What::Trap(text) => {
                let details = text.lines().map(str::to_owned).collect();
                self.span(lane, Kind::Trap, at..at + 1, "trap".to_owned(), details);
            }
        }
    }

    fn span(&mut self, lane: usize, kind: Kind, at: Range<usize>, label: String, details: Vec<String>) {
        self.rows[lane].spans.push(Span {
            kind,
            begin: at.start,
            end: at.end,
            label,
            details,
        });
    }

    /// A task goes on: what it waited for has come.
    fn begin_run(&mut self, at: usize, lane: usize) {
        let what = &self.trace.happenings[at].what;
        if let Some(since) = self.since.remove(&lane)
            && since < at
        {
            let label = format!("waits; then {what}");
            self.span(lane, Kind::Wait, since..at, label.clone(), vec![label]);
        }
        if let What::Callback(event) = what {
            self.end_copy_by_event(at, lane, event);
        }
        self.note(at, lane);
    }

    /// Something the lane does while it runs.
    fn note(&mut self, at: usize, lane: usize) {
        let text = self.trace.happenings[at].what.to_string();
        self.running
            .entry(lane)
            .or_insert_with(|| (at, Vec::new()))
            .1
            .push(text);
    }

    fn end_runs(&mut self, at: usize) {
        let lanes: Vec<usize> = self.running.keys().copied().collect();
        for lane in lanes {
            self.end_run(at, lane);
            self.since.insert(lane, at);
        }
    }

    fn end_run(&mut self, at: usize, lane: usize) {
        if let Some((begin, details)) = self.running.remove(&lane) {
            self.span(lane, Kind::Run, begin..at, headline(&details), details);
        }
    }

    /// The copy that the last call of the lane began has ended at once.
    fn forget_copy(&mut self, at: usize, lane: usize) {
        let of_lane = self
            .copies
            .iter()
            .filter(|((of, _), (kind, ..))| *of == lane && *kind == Kind::Copy);
        let last = of_lane.max_by_key(|(_, (_, begin, _))| *begin).map(|(key, _)| *key);
        if let Some(key) = last.filter(|key| self.copies[key].1 + 3 >= at) {
            self.copies.remove(&key);
        }
    }

    fn end_copy_of_last_call(&mut self, at: usize, lane: usize, result: &str) {
        let calls = self.trace.happenings[..at].iter().rev();
        let call = calls
            .filter(|happening| happening.lane == lane)
            .find_map(|happening| match &happening.what {
                What::Call { name, args } if name.contains("cancel") => args.first().and_then(|arg| arg.parse().ok()),
                _ => None,
            });
        if let Some(handle) = call {
            self.end_copy(at, lane, handle, &format!("cancelled: {result}"));
        }
    }

    fn end_copy_by_event(&mut self, at: usize, lane: usize, event: &str) {
        let mut words = event.split(' ');
        let (_, handle, result) = (words.next(), words.next(), words.next());
        if let (Some(handle), Some(result)) = (handle.and_then(|handle| handle.parse().ok()), result)
            && result != "STARTED"
        {
            self.end_copy(at, lane, handle, result);
        }
    }

    fn end_copy(&mut self, at: usize, lane: usize, handle: u32, result: &str) {
        let Some((kind, begin, call)) = self.copies.remove(&(lane, handle)) else {
            return;
        };
        let span = Span {
            kind,
            begin,
            end: at,
            label: call.clone(),
            details: vec![call, format!("handle {handle}"), result.to_owned()],
        };
        self.place(lane, span);
    }

    /// Puts a bar in the first row below the lane's own where it fits.
    fn place(&mut self, lane: usize, span: Span) {
        let fits = |row: &Row| {
            row.spans
                .iter()
                .all(|other| other.end <= span.begin || span.end <= other.begin)
        };
        let place = self.extra.iter().position(|(of, row)| *of == Some(lane) && fits(row));
        let place = place.unwrap_or_else(|| {
            let group = self.rows[lane].group.clone();
            let name = format!("↳ in flight in {}", self.rows[lane].name);
            self.extra.push((
                Some(lane),
                Row {
                    group,
                    name,
                    spans: Vec::new(),
                },
            ));
            self.extra.len() - 1
        });
        self.extra[place].1.spans.push(span);
    }

    fn moved(&mut self, at: usize, id: u64, count: usize, values: &str) {
        let place = *self.streams.entry(id).or_insert_with(|| {
            let row = Row {
                group: "streams and futures".to_owned(),
                name: format!("#{id}"),
                spans: Vec::new(),
            };
            self.extra.push((None, row));
            self.extra.len() - 1
        });
        self.extra[place].1.spans.push(Span {
            kind: Kind::Move,
            begin: at,
            end: at + 1,
            label: format!("{count}: {values}"),
            details: vec![format!("{count} moved through #{id}"), values.to_owned()],
        });
    }

    fn host(&mut self, at: usize, lane: usize, phase: HostPhase) {
        let (begin, mut details) = self.calls.remove(&lane).unwrap_or((at, Vec::new()));
        details.push(format!("{phase:?}"));
        if matches!(phase, HostPhase::Returned | HostPhase::Cancelled) {
            let label = format!("{phase:?}");
            self.span(lane, Kind::Call, begin..at + 1, label, details);
        } else {
            self.calls.insert(lane, (begin, details));
        }
    }

    /// Ends whatever is open at the end of the trace.
    fn finish(&mut self) {
        let end = self.trace.happenings.len();
        self.end_runs(end);
        for (lane, since) in std::mem::take(&mut self.since) {
            if since < end {
                let label = "waits to the end".to_owned();
                self.span(lane, Kind::Wait, since..end, label.clone(), vec![label]);
            }
        }
        for (lane, (begin, details)) in std::mem::take(&mut self.calls) {
            self.span(lane, Kind::Call, begin..end, "never returned".to_owned(), details);
        }
        // What looks like a call in flight and did not end may have been a plain result.
        self.copies.retain(|_, (kind, ..)| *kind == Kind::Copy);
        let copies: Vec<_> = self.copies.keys().copied().collect();
        for (lane, handle) in copies {
            self.end_copy(end, lane, handle, "in flight to the end");
        }
    }
}

/// What says most of what a task did while it ran: the first thing that is no matter of course.
fn headline(details: &[String]) -> String {
    let is_matter_of_course = |line: &&String| line.as_str() == "runs" || line.starts_with("context.");
    let telling = details.iter().find(|line| !is_matter_of_course(line));
    telling.or(details.first()).cloned().unwrap_or_default()
}

/// Whether something that core code calls is a built-in, and no function.
fn is_built_in(name: &str) -> bool {
    name.contains('.') && !name.contains('#')
}

/// The handle of a call that is in flight, if that is what the result of an asynchronous call says.
fn call_in_flight(result: &str) -> Option<u32> {
    let status: u32 = result.parse().ok()?;
    (status & 0xf < 2 && status >> 4 > 0).then_some(status >> 4)
}

/// Whether a built-in begins a copy.
fn is_copy(name: &str) -> bool {
    matches!(name, "stream.read" | "stream.write" | "future.read" | "future.write")
}

#[cfg(test)]
mod tests {
    use super::{Kind, rows};
    use crate::explore::record::{Happening, Lane, Trace, What};

    fn trace(steps: &[(u64, usize, What)]) -> Trace {
        let lane = |instance: Option<&str>, name: &str| Lane {
            instance: instance.map(str::to_owned),
            name: name.to_owned(),
        };
        Trace {
            lanes: vec![lane(None, "scheduler"), lane(Some("a"), "task 1")],
            happenings: steps
                .iter()
                .map(|(step, lane, what)| Happening {
                    step: *step,
                    time: 0,
                    lane: *lane,
                    what: what.clone(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_task_runs_waits_and_copies() {
        let call = What::Call {
            name: "stream.read".into(),
            args: vec!["3".into(), "ptr".into(), "4".into()],
        };
        let blocked = What::Return {
            name: "stream.read".into(),
            result: Some("BLOCKED".into()),
        };
        let moved = What::Moved {
            id: 7,
            count: 2,
            values: "1 2".into(),
        };
        let rows = rows(&trace(&[
            (1, 1, What::Run { cancelled: false }),
            (1, 1, call),
            (1, 1, blocked),
            (2, 0, moved),
            (3, 1, What::Run { cancelled: false }),
            (3, 1, What::Callback("StreamRead 3 COMPLETED(2)".into())),
            (3, 1, What::Exited),
        ]));
        let bars = |name: &str| {
            let row = rows.iter().find(|row| row.name == name).expect("the row is there");
            row.spans
                .iter()
                .map(|span| (span.kind, span.begin, span.end))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            bars("task 1"),
            [(Kind::Run, 0, 3), (Kind::Wait, 3, 4), (Kind::Run, 4, 7)]
        );
        assert_eq!(bars("↳ in flight in task 1"), [(Kind::Copy, 1, 5)]);
        assert_eq!(bars("#7"), [(Kind::Move, 3, 4)]);
    }
}
