//! A trace in the format of `chrome://tracing`, which Perfetto reads as well.

use super::json::{list, object, string};
use super::spans::rows;
use crate::explore::record::Trace;
use std::collections::BTreeMap;

/// The trace as JSON. Instances are processes there, and rows are threads.
pub(super) fn chrome(trace: &Trace) -> String {
    let rows = rows(trace);
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    let mut events = Vec::new();
    for (thread, row) in rows.iter().enumerate() {
        let next = groups.len();
        let process = *groups.entry(&row.group).or_insert_with(|| {
            events.push(name("process_name", next, 0, &row.group));
            next
        });
        events.push(name("thread_name", process, thread, &row.name));
        for span in &row.spans {
            events.push(object([
                ("name", string(&span.label)),
                ("cat", string(span.kind.name())),
                ("ph", string("X")),
                ("ts", span.begin.to_string()),
                ("dur", (span.end - span.begin).max(1).to_string()),
                ("pid", process.to_string()),
                ("tid", thread.to_string()),
                ("args", object([("details", string(&span.details.join("\n")))])),
            ]));
        }
    }
    object([("traceEvents", list(events)), ("displayTimeUnit", string("ns"))])
}

fn name(kind: &str, process: usize, thread: usize, name: &str) -> String {
    object([
        ("name", string(kind)),
        ("ph", string("M")),
        ("pid", process.to_string()),
        ("tid", thread.to_string()),
        ("args", object([("name", string(name))])),
    ])
}
