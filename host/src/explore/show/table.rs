//! A trace as a table with a column for each lane, for terminals.

use crate::explore::record::{Happening, Trace, What};
use std::fmt::Write as _;

/// The widest column.
const WIDTH: usize = 44;
/// How many rows are shown; of a longer trace, the last.
const ROWS: usize = 120;

/// A cell of the table.
struct Row {
    step: u64,
    lane: usize,
    text: String,
}

/// The table.
pub(crate) fn table(trace: &Trace) -> String {
    let rows = rows(trace);
    let left_out = rows.len().saturating_sub(ROWS);
    let rows = &rows[left_out..];
    let lanes: Vec<usize> = (0..trace.lanes.len())
        .filter(|lane| rows.iter().any(|row| row.lane == *lane))
        .collect();
    let title = |lane: usize| {
        let lane = &trace.lanes[lane];
        let instance = lane
            .instance
            .as_ref()
            .map(|instance| format!("{instance}: "))
            .unwrap_or_default();
        cut(&format!("{instance}{}", lane.name))
    };
    let width = |lane: usize| {
        let texts = rows
            .iter()
            .filter(|row| row.lane == lane)
            .map(|row| row.text.chars().count());
        texts.max().unwrap_or(0).max(title(lane).chars().count())
    };
    let widths: Vec<usize> = lanes.iter().map(|lane| width(*lane)).collect();
    let mut text = String::new();
    if left_out > 0 {
        let _ = writeln!(text, "({left_out} rows before these are left out)");
    }
    let titles = lanes
        .iter()
        .zip(&widths)
        .map(|(lane, width)| format!("{:<width$}", title(*lane)));
    let _ = writeln!(text, " step │ {}", titles.collect::<Vec<_>>().join(" │ ").trim_end());
    let rule = widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>();
    let _ = writeln!(text, "──────┼─{}", rule.join("─┼─"));
    let mut last = None;
    for row in rows {
        let step = if last == Some(row.step) {
            String::new()
        } else {
            row.step.to_string()
        };
        last = Some(row.step);
        let cells = lanes.iter().zip(&widths).map(|(lane, width)| {
            let cell = if *lane == row.lane { row.text.as_str() } else { "" };
            format!("{cell:<width$}")
        });
        let _ = writeln!(text, "{step:>5} │ {}", cells.collect::<Vec<_>>().join(" │ ").trim_end());
    }
    text
}

/// Calls and their results in one row where nothing came between, without what only keeps books.
fn rows(trace: &Trace) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut happenings = trace.happenings.iter().peekable();
    while let Some(happening) = happenings.next() {
        let next = happenings.peek();
        let text = match (&happening.what, next) {
            (What::Call { name, .. } | What::Return { name, .. }, _) if name.starts_with("context.") => continue,
            (What::Call { name, args }, Some(next)) if returns(next, happening) => {
                let text = match &next.what {
                    What::Return {
                        result: Some(result), ..
                    } => format!("{name}({}) = {result}", args.join(", ")),
                    _ => format!("{name}({})", args.join(", ")),
                };
                happenings.next();
                text
            }
            (what, _) => what.to_string(),
        };
        rows.push(Row {
            step: happening.step,
            lane: happening.lane,
            text: cut(&text),
        });
    }
    rows
}

fn returns(next: &Happening, call: &Happening) -> bool {
    matches!(next.what, What::Return { .. }) && next.lane == call.lane
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::explore::record::{Happening, Lane, Trace, What};

    #[test]
    fn lanes_stand_side_by_side() {
        let lane = |instance: Option<&str>, name: &str| Lane {
            instance: instance.map(str::to_owned),
            name: name.to_owned(),
        };
        let happening = |step, lane, what| Happening {
            step,
            time: 0,
            lane,
            what,
        };
        let call = |name: &str| What::Call {
            name: name.to_owned(),
            args: vec!["3".to_owned(), "ptr".to_owned()],
        };
        let result = |name: &str| What::Return {
            name: name.to_owned(),
            result: Some("BLOCKED".to_owned()),
        };
        let trace = Trace {
            lanes: vec![
                lane(None, "scheduler"),
                lane(Some("a"), "task 1 of `f`"),
                lane(Some("b"), "task 2 of `g`"),
            ],
            happenings: vec![
                happening(1, 1, What::Run { cancelled: false }),
                happening(1, 1, call("stream.read")),
                happening(1, 1, result("stream.read")),
                happening(1, 1, call("context.set")),
                happening(2, 2, What::Exited),
            ],
        };
        let expected = "\u{20}step │ a: task 1 of `f`              │ b: task 2 of `g`
──────┼───────────────────────────────┼─────────────────
    1 │ runs                          │
      │ stream.read(3, ptr) = BLOCKED │
    2 │                               │ exited
";
        assert_eq!(table(&trace), expected);
    }
}
