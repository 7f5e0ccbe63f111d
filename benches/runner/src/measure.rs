//! Running a workload on every contender, and what that costs.

use crate::contender::{Compiled, Contender};
use crate::host;
use crate::workloads::{Call, Running, Workload};
use std::collections::BTreeMap;
use std::iter;
use std::time::{Duration, Instant};
use wasmtime::Result;
use wasmtime::component::Component;
use wasmtime::error::Context as _;

/// What one contender needs for one operation of a workload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) fuel: f64,
    /// Allocations, if the contender counts them.
    pub(crate) allocations: Option<f64>,
    /// Linear memory in bytes, of the whole run.
    pub(crate) peak_memory: usize,
    /// The time in nanoseconds, if it was measured.
    pub(crate) wall: Option<f64>,
}

/// A workload, and the cost by contender. Contenders that do not have its export are missing.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) op: &'static str,
    pub(crate) costs: BTreeMap<String, Cost>,
    /// Whether it is one of those that generators are compared by.
    pub(crate) is_compared: bool,
}

/// Runs a future on this thread.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.context("starting a runtime")?.block_on(future)
}

/// Runs `workload` in a fresh store; answers fuel, peak memory and time.
fn once(workload: &Workload, component: &Component, look: bool) -> Result<(u64, usize, Duration)> {
    block_on(async {
        let (store, instance) = host::instantiate(component).await?;
        let mut running = Running { store, instance };
        let before = running.store.get_fuel().unwrap_or(0);
        let begin = Instant::now();
        workload.run(&mut running, look).await?;
        let took = begin.elapsed();
        let fuel = before - running.store.get_fuel().unwrap_or(0);
        Ok((fuel, host::peak_memory(&running.store), took))
    })
}

/// How often `workload` allocates: the difference of what the component counted before and after.
fn allocations(workload: &Workload, component: &Component) -> Result<u64> {
    block_on(async {
        let (store, instance) = host::instantiate(component).await?;
        let mut running = Running { store, instance };
        let before = running.allocations().await?;
        workload.run(&mut running, false).await?;
        Ok(running.allocations().await? - before)
    })
}

/// What the functions of a rewritten component execute in one run of `workload`.
pub(crate) fn profile(workload: &Workload, component: &Component) -> Result<Vec<i64>> {
    block_on(async {
        let (store, instance) = host::instantiate(component).await?;
        let mut running = Running { store, instance };
        let before = running.profile().await?;
        workload.run(&mut running, false).await?;
        let after = running.profile().await?;
        Ok(before
            .into_iter()
            .zip(after)
            .map(|(before, after)| after - before)
            .collect())
    })
}

fn component<'a>(workload: &Workload, contender: &'a Contender) -> Option<&'a Compiled> {
    match workload.call {
        Call::Minimal { .. } => contender.minimal.as_ref(),
        Call::Sink { .. } => contender.sink.as_ref(),
        _ => Some(&contender.bench),
    }
}

/// Measures a workload on all contenders.
pub(crate) fn measure(workload: &Workload, contenders: &[Contender], runs: usize) -> Result<Row> {
    let mut costs = BTreeMap::new();
    let ops = f64::from(workload.ops);
    for contender in contenders {
        let Some(compiled) = component(workload, contender) else {
            continue;
        };
        let failed = || format!("`{}` on `{}`", workload.name, contender.name);
        let (fuel, peak_memory, _) = once(workload, &compiled.with_fuel, true).with_context(failed)?;
        let counted = match (&contender.counting, workload.call) {
            (None, _) | (_, Call::Minimal { .. } | Call::Sink { .. }) => None,
            (Some(counting), _) => Some(allocations(workload, &counting.without).with_context(failed)?),
        };
        let cost = Cost {
            fuel: fuel as f64 / ops,
            allocations: counted.map(|count| count as f64 / ops),
            peak_memory,
            wall: None,
        };
        costs.insert(contender.name.clone(), cost);
    }
    time(workload, contenders, runs, &mut costs)?;
    Ok(Row {
        name: workload.name,
        op: workload.op,
        costs,
        is_compared: workload.is_compared(),
    })
}

/// Adds the time of `runs` runs: the median in each placement of the code, and the mean of both. The contenders take turns, so that
/// what else the machine does hits all alike; the first turn is not counted.
fn time(workload: &Workload, contenders: &[Contender], runs: usize, costs: &mut BTreeMap<String, Cost>) -> Result<()> {
    let mut taken: BTreeMap<&str, [Vec<Duration>; 2]> = BTreeMap::new();
    for turn in 0..if runs == 0 { 0 } else { runs + 1 } {
        for contender in contenders {
            let Some(compiled) = component(workload, contender) else {
                continue;
            };
            let times = taken.entry(&contender.name).or_default();
            let placements = iter::once(&compiled.without).chain(&compiled.moved);
            for (placement, times) in placements.zip(times) {
                let (_, _, took) = once(workload, placement, false)?;
                if turn > 0 {
                    times.push(took);
                }
            }
        }
    }
    for (name, times) in taken {
        if let Some(cost) = costs.get_mut(name) {
            let medians: Vec<f64> = times.into_iter().filter_map(median).collect();
            let mean = medians.iter().sum::<f64>() / medians.len() as f64;
            cost.wall = Some(mean / f64::from(workload.ops));
        }
    }
    Ok(())
}

/// In nanoseconds, if there are any.
fn median(mut times: Vec<Duration>) -> Option<f64> {
    times.sort_unstable();
    times.get(times.len() / 2).map(|time| time.as_nanos() as f64)
}
