//! [`Explorer::exhaust`]: all schedules that deviate from the canonical one at most so many times.
//!
//! The schedules with `k + 1` deviations are those with `k`, with one more deviation behind the last. So each is run once, after
//! those with fewer, and what its run records says which come from it.

use super::Explorer;
use super::explorer::Coverage;
use super::failure::Failure;
use super::plan::{How, Outcome, Verdict, carry_out};
use super::tape::{Decision, Deviation, Tape};
use std::collections::HashSet;

/// Of more alternatives than this, the extreme ones and the one in the middle are tried.
const ALTERNATIVES: u32 = 8;

/// What was covered.
#[derive(Clone, Debug, Default)]
pub struct Exhausted {
    /// How many schedules there are with no deviation, with one, and so on.
    pub by_deviations: Vec<usize>,
    /// Whether all were run.
    pub complete: bool,
    /// What they covered together.
    pub coverage: Coverage,
}

impl Explorer {
    /// Runs all schedules with at most so many deviations from the canonical one, but no more than `most`.
    ///
    /// # Errors
    /// The first that fails; none with fewer deviations does.
    pub fn exhaust<V: Verdict>(
        &self,
        deviations: usize,
        most: usize,
        scenario: impl Fn() -> V + Sync,
    ) -> Result<Exhausted, Box<Failure>> {
        let mut search = Search {
            explorer: self,
            scenario: &scenario,
            done: Exhausted {
                by_deviations: vec![0; deviations + 1],
                complete: true,
                coverage: Coverage::default(),
            },
            states: HashSet::new(),
            most,
        };
        let mut level = vec![Tape::default()];
        for count in 0..=deviations {
            let mut next = Vec::new();
            for tape in &level {
                let Some(outcome) = search.run(tape)? else { break };
                match deviations - count {
                    0 => {}
                    // The last level is the largest, and is not kept.
                    1 => search.run_all(children(tape, &outcome))?,
                    _ => next.extend(children(tape, &outcome)),
                }
            }
            if deviations - count <= 1 {
                break;
            }
            level = next;
        }
        search.done.coverage.states = search.states.len();
        Ok(search.done)
    }
}

struct Search<'a, S> {
    explorer: &'a Explorer,
    scenario: &'a S,
    done: Exhausted,
    states: HashSet<u64>,
    most: usize,
}

impl<V: Verdict, S: Fn() -> V + Sync> Search<'_, S> {
    fn run_all(&mut self, tapes: impl Iterator<Item = Tape>) -> Result<(), Box<Failure>> {
        for tape in tapes {
            if self.run(&tape)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Runs one schedule, unless there were too many.
    fn run(&mut self, tape: &Tape) -> Result<Option<Outcome>, Box<Failure>> {
        if self.done.coverage.schedules == self.most {
            self.done.complete = false;
            return Ok(None);
        }
        let mut plan = self.explorer.plan(How::Tape(tape.clone()));
        plan.covers = true;
        let outcome = carry_out(&plan, self.scenario);
        let index = self.done.coverage.schedules;
        self.done.coverage.add(&outcome);
        self.done.by_deviations[tape.len()] += 1;
        self.states.extend(outcome.states.iter().copied());
        if outcome.finding.is_some() {
            return Err(Box::new(self.explorer.investigate(index, outcome, self.scenario)));
        }
        Ok(Some(outcome))
    }
}

/// The schedules with one deviation more than `tape`, of whose run `outcome` came.
fn children(tape: &Tape, outcome: &Outcome) -> impl Iterator<Item = Tape> {
    let first = tape.deviations.last().map_or(0, |last| last.at as usize + 1);
    let places = outcome.record.iter().enumerate().skip(first);
    places.flat_map(move |(at, decision)| {
        alternatives(decision.n).map(move |answer| {
            let mut child = tape.clone();
            child.deviations.push(Deviation {
                at: at as u32,
                decision: Decision { answer, ..*decision },
            });
            child
        })
    })
}

fn alternatives(n: u32) -> impl Iterator<Item = u32> {
    let all = n <= ALTERNATIVES;
    (1..n).filter(move |answer| all || matches!(*answer, 1) || *answer == n / 2 || *answer == n - 1)
}
