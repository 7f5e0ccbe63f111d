//! How many instructions guests execute for a request, which depends on no clock and nothing else that the machine does.
//!
//! Fuel is what Wasmtime counts them by; what is copied at once is counted by the byte. Work of the host is not in it.

use std::path::PathBuf;

use anyhow::Result;

use crate::alone::Alone;
use crate::mix::{Ask, Kind};

/// Fuel for one request.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is asked for.
    pub kind: &'static str,
    /// Bytes of its body.
    pub size: usize,
    /// One number for each component.
    pub fuel: Vec<f64>,
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Fuel {
    /// Each kind with each size.
    pub rows: Vec<Row>,
    /// A request as load has them, on average.
    pub mixed: Vec<f64>,
}

/// Requests before it counts: allocators and tables have to grow once.
const WARM: usize = 3;

/// Requests that are averaged: buffers grow and are used again, so one is not like the next.
const COUNTED: usize = 8;

/// How many requests of the load are sent.
const MIXED: u64 = 2000;

/// Counts for each of the components, which come with their names.
///
/// # Errors
/// When a component cannot be instantiated, traps, or answers wrongly.
pub async fn measure(components: &[(String, PathBuf)]) -> Result<Fuel> {
    let mut rows: Vec<Row> = Vec::new();
    let mut mixed = Vec::new();
    for (_, file) in components {
        let mut alone = Alone::new(file).await?;
        for (index, ask) in Ask::each().enumerate() {
            if rows.len() == index {
                rows.push(Row {
                    kind: name(ask.kind),
                    size: ask.len(),
                    fuel: Vec::new(),
                });
            }
            for _ in 0..WARM {
                alone.send(&ask).await?;
            }
            let mut fuel = 0;
            for _ in 0..COUNTED {
                fuel += alone.send(&ask).await?;
            }
            rows[index].fuel.push(fuel as f64 / COUNTED as f64);
        }
        let mut fuel = 0;
        for number in 0..MIXED {
            fuel += alone.send(&Ask::nth(number)).await?;
        }
        mixed.push(fuel as f64 / MIXED as f64);
    }
    Ok(Fuel { rows, mixed })
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Hello => "hello",
        Kind::Bytes => "bytes",
        Kind::Echo => "echo",
        Kind::Upper => "upper",
        Kind::Count => "count",
    }
}
