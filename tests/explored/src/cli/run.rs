//! Explores scenarios, and says what was covered.

use super::chosen;
use explored::Scenario;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use witflow_host::canonical::Fault;
use witflow_host::explore::{Counters, Coverage, Exhausted, Failure};

/// What is explored.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many schedules of each scenario
    #[arg(long, default_value_t = 10_000)]
    seeds: usize,
    /// Another seed, for other schedules
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Only scenarios whose names contain this; may be repeated
    #[arg(long)]
    only: Vec<String>,
    /// How many scenarios are explored at once
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// How many deviations small scenarios are exhausted to
    #[arg(long, default_value_t = 3)]
    deviations: usize,
    /// How many schedules that may take
    #[arg(long, default_value_t = 200_000)]
    most: usize,
}

/// What came of a scenario.
struct Done {
    scenario: &'static Scenario,
    outcome: Result<Coverage, Box<Failure>>,
    exhausted: Option<Result<Exhausted, Box<Failure>>>,
    seconds: f64,
}

impl Args {
    pub(crate) fn run(&self) -> bool {
        let scenarios = chosen(&self.only);
        let begin = Instant::now();
        let done = self.explore(&scenarios);
        let failures = report(&done);
        for failure in &failures {
            println!("\n{failure}");
        }
        let missing = if self.only.is_empty() { never(&done) } else { Vec::new() };
        for fault in &missing {
            println!("the fault `{}` never happened: {}", fault.name(), fault.text());
        }
        println!("\n{:.1} s", begin.elapsed().as_secs_f64());
        let failed = failures.len() + missing.len();
        println!("{} passed, {failed} failed", done.len() - failures.len());
        failed == 0
    }

    /// Explores all, several at once. They come back in their order.
    fn explore(&self, scenarios: &[&'static Scenario]) -> Vec<Done> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while let Some((place, scenario)) = take(&next, scenarios) {
                        let one = self.explore_one(scenario);
                        done.lock()
                            .unwrap_or_else(|poisoned| poisoned.into_inner())
                            .insert(place, one);
                    }
                });
            }
        });
        done.into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .into_values()
            .collect()
    }

    fn explore_one(&self, scenario: &'static Scenario) -> Done {
        let begin = Instant::now();
        let explorer = scenario.explorer();
        let explorer = if self.seed == 0 {
            explorer
        } else {
            explorer.seed(self.seed)
        };
        let outcome = explorer.clone().schedules(self.seeds).try_run(scenario.run);
        let exhausts = scenario.small && self.deviations > 0 && outcome.is_ok();
        let exhausted = exhausts.then(|| explorer.exhaust(self.deviations, self.most, scenario.run));
        Done {
            scenario,
            outcome,
            exhausted,
            seconds: begin.elapsed().as_secs_f64(),
        }
    }
}

fn take(next: &AtomicUsize, scenarios: &[&'static Scenario]) -> Option<(usize, &'static Scenario)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, *scenarios.get(place)?))
}

/// Prints what was covered, and gives the failures.
fn report(done: &[Done]) -> Vec<&Failure> {
    let mut failures = Vec::new();
    println!(
        "{:<28} {:>9} {:>8} {:>11} {:>10} {:>7} {:>6} {:>7}",
        "scenario", "schedules", "states", "decisions", "deviations", "longest", "faults", "seconds"
    );
    let mut all = Coverage::default();
    let mut counters = Counters::default();
    for one in done {
        match &one.outcome {
            Ok(coverage) => {
                row(one.scenario.name, coverage, one.seconds);
                all.schedules += coverage.schedules;
                all.states += coverage.states;
                all.decisions += coverage.decisions;
                all.deviations += coverage.deviations;
                all.longest = all.longest.max(coverage.longest);
                counters.merge(&coverage.faults);
            }
            Err(failure) => {
                println!("{:<28} fails: {}", one.scenario.name, failure.class());
                failures.push(&**failure);
            }
        }
    }
    all.faults = counters.clone();
    row("all", &all, done.iter().map(|one| one.seconds).sum());
    report_exhausted(done, &mut failures);
    println!("\n{:<28} {:>11}", "fault", "times");
    for (fault, times) in counters.iter() {
        println!("{:<28} {times:>11}  {}", fault.name(), fault.text());
    }
    failures
}

fn row(name: &str, coverage: &Coverage, seconds: f64) {
    println!(
        "{name:<28} {:>9} {:>8} {:>11} {:>10} {:>7} {:>6} {seconds:>7.1}",
        coverage.schedules,
        coverage.states,
        coverage.decisions,
        coverage.deviations,
        coverage.longest,
        coverage.faults.iter().count(),
    );
}

fn report_exhausted<'a>(done: &'a [Done], failures: &mut Vec<&'a Failure>) {
    if done.iter().all(|one| one.exhausted.is_none()) {
        return;
    }
    println!(
        "\n{:<28} schedules by the number of deviations from the canonical one",
        "exhausted"
    );
    for one in done {
        match &one.exhausted {
            None => {}
            Some(Err(failure)) => {
                println!("{:<28} fails: {}", one.scenario.name, failure.class());
                failures.push(failure);
            }
            Some(Ok(exhausted)) => {
                let counts = exhausted.by_deviations.iter().map(|count| format!("{count:>8}"));
                let counts = counts.collect::<Vec<_>>().join("");
                let complete = if exhausted.complete { "complete" } else { "cut off" };
                println!(
                    "{:<28} {counts}  {complete}, {} states",
                    one.scenario.name, exhausted.coverage.states
                );
            }
        }
    }
}

/// The faults that never happened.
fn never(done: &[Done]) -> Vec<Fault> {
    let happened = |fault: Fault| {
        done.iter().any(|one| {
            one.outcome
                .as_ref()
                .is_ok_and(|coverage| coverage.faults.get(fault) > 0)
        })
    };
    Fault::ALL.iter().copied().filter(|fault| !happened(*fault)).collect()
}
