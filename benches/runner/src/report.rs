//! The result as text and as JSON.

use crate::contender::Contender;
use crate::measure::{Cost, Row};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// A map from contender to some figure of `row`.
fn by_contender(row: &Row, figure: impl Fn(&Cost) -> Option<f64>) -> Value {
    let figures = row
        .costs
        .iter()
        .filter_map(|(name, cost)| Some((name.clone(), json!(round(figure(cost)?)))));
    Value::Object(figures.collect::<Map<_, _>>())
}

fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

fn workload(row: &Row) -> Value {
    json!({
        "name": row.name,
        "op": row.op,
        "fuel_per_op": by_contender(row, |cost| Some(cost.fuel)),
        "allocations_per_op": by_contender(row, |cost| cost.allocations),
        "peak_memory": by_contender(row, |cost| Some(cost.peak_memory as f64)),
        "wall_ns_per_op": by_contender(row, |cost| cost.wall),
    })
}

/// The whole result. What is measured beside the workloads is apart.
pub(crate) fn json(rows: &[Row], beside: &[Row], contenders: &[Contender]) -> String {
    let sizes = |of: fn(&Contender) -> Option<usize>| {
        let sizes = contenders
            .iter()
            .filter_map(|contender| Some((contender.name.clone(), json!(of(contender)?))));
        Value::Object(sizes.collect::<Map<_, _>>())
    };
    json!({
        "workloads": rows.iter().map(workload).collect::<Vec<_>>(),
        "beside": beside.iter().map(workload).collect::<Vec<_>>(),
        "component_size": {
            "bench": sizes(|contender| Some(contender.bench.size)),
            "minimal": sizes(|contender| Some(contender.minimal.as_ref()?.size)),
        },
    })
    .to_string()
}

/// The geometric mean of the ratios of two contenders, over the workloads of `world bench` that both have.
fn mean(rows: &[Row], a: &str, b: &str, figure: fn(&Cost) -> Option<f64>) -> Option<f64> {
    let logarithms: Vec<_> = rows
        .iter()
        .filter(|row| row.is_compared)
        .filter_map(|row| Some((figure(row.costs.get(a)?)? / figure(row.costs.get(b)?)?).ln()))
        .collect();
    (!logarithms.is_empty()).then(|| (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
}

/// One table: a row for each workload, a column for each contender, ratios to the first one.
fn table(
    text: &mut String,
    title: &str,
    rows: &[Row],
    names: &[&str],
    figure: fn(&Cost) -> Option<f64>,
    digits: usize,
) {
    if rows
        .iter()
        .all(|row| row.costs.values().all(|cost| figure(cost).is_none()))
    {
        return;
    }
    let _ = writeln!(text, "\n## {title}\n");
    let _ = write!(text, "| workload | op |");
    for (index, name) in names.iter().enumerate() {
        let _ = write!(text, " {name} |{}", if index == 0 { "" } else { " ratio |" });
    }
    let columns = 2 * names.len() - 1;
    let _ = write!(text, "\n| --- | --- |{}\n", " ---: |".repeat(columns));
    for row in rows {
        let _ = write!(text, "| {} | {} |", row.name, row.op);
        let figures: Vec<_> = names.iter().map(|name| row.costs.get(*name).and_then(figure)).collect();
        for (index, value) in figures.iter().enumerate() {
            let shown = value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.digits$}"));
            let _ = write!(text, " {shown} |");
            if index > 0 {
                let ratio = figures[0].zip(*value).filter(|(_, other)| *other != 0.0);
                let shown = ratio.map_or_else(String::new, |(first, other)| format!("{:.3}", first / other));
                let _ = write!(text, " {shown} |");
            }
        }
        let _ = writeln!(text);
    }
    for other in &names[1..] {
        if let Some(mean) = mean(rows, names[0], other, figure) {
            let _ = writeln!(text, "\ngeometric mean of {} / {other}: {mean:.3}", names[0]);
        }
    }
}

/// The whole result as Markdown. Ratios are the first contender's figure divided by the other's.
pub(crate) fn text(rows: &[Row], beside: &[Row], contenders: &[Contender]) -> String {
    let names: Vec<_> = contenders.iter().map(|contender| contender.name.as_str()).collect();
    let mut text = String::new();
    table(&mut text, "Fuel per operation", rows, &names, |cost| Some(cost.fuel), 1);
    table(
        &mut text,
        "Allocations per operation",
        rows,
        &names,
        |cost| cost.allocations,
        3,
    );
    table(
        &mut text,
        "Peak memory, KiB",
        rows,
        &names,
        |cost| Some(cost.peak_memory as f64 / 1024.0),
        0,
    );
    table(
        &mut text,
        "Wall time per operation, ns",
        rows,
        &names,
        |cost| cost.wall,
        1,
    );
    table(
        &mut text,
        "Fuel per operation, beside the workloads",
        beside,
        &names,
        |cost| Some(cost.fuel),
        1,
    );
    let _ = write!(
        text,
        "\n## Component size, bytes\n\n| contender | bench | minimal |\n| --- | ---: | ---: |\n"
    );
    for contender in contenders {
        let minimal = contender.minimal.as_ref();
        let minimal = minimal.map_or_else(|| "n/a".to_owned(), |compiled| compiled.size.to_string());
        let _ = writeln!(text, "| {} | {} | {minimal} |", contender.name, contender.bench.size);
    }
    text
}
