//! A trace as a page: a template, and the rows as JSON in it.

use super::json::{list, object, string};
use super::spans::{Row, rows};
use crate::explore::record::Trace;

const TEMPLATE: &str = include_str!("timeline.html");

/// The page.
pub(super) fn html(trace: &Trace, title: &str) -> String {
    let steps = trace.happenings.iter().map(|happening| happening.step.to_string());
    let data = object([
        ("title", string(title)),
        ("length", trace.happenings.len().to_string()),
        ("steps", format!("[{}]", steps.collect::<Vec<_>>().join(","))),
        ("rows", list(rows(trace).iter().map(row))),
    ]);
    TEMPLATE.replacen("/*DATA*/null", &data, 1)
}

fn row(row: &Row) -> String {
    let spans = row.spans.iter().map(|span| {
        object([
            ("kind", string(span.kind.name())),
            ("begin", span.begin.to_string()),
            ("end", span.end.to_string()),
            ("label", string(&span.label)),
            ("details", list(span.details.iter().map(|line| string(line)))),
        ])
    });
    object([
        ("group", string(&row.group)),
        ("name", string(&row.name)),
        ("spans", list(spans)),
    ])
}
