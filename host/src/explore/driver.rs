//! [`Driver`]: the chooser of an exploration. It records every answer, counts what became of them, and asks a [`Strategy`].

use super::journal::Journal;
use super::tape::{Decision, Tape};
use crate::canonical::{Actor, Choice, Choose, Fault};
use std::collections::BTreeMap;

/// How often each fault happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<Fault, u64>);

impl Counters {
    pub(crate) fn add(&mut self, fault: Fault, times: u64) {
        if times > 0 {
            *self.0.entry(fault).or_default() += times;
        }
    }

    /// Adds those of another exploration.
    pub fn merge(&mut self, other: &Counters) {
        for (fault, times) in &other.0 {
            self.add(*fault, *times);
        }
    }

    /// How often `fault` happened.
    pub fn get(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or_default()
    }

    /// Those that happened, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> {
        self.0.iter().map(|(fault, times)| (*fault, *times))
    }
}

/// Where answers come from.
pub(crate) trait Strategy {
    /// The answer for choice number `at`, which is `n`-fold; one that is out of range counts as 0.
    fn answer(&mut self, at: usize, kind: Choice, n: usize) -> usize;

    /// The same where actors are chosen.
    fn answer_actor(&mut self, at: usize, kind: Choice, actors: &[Actor]) -> usize {
        self.answer(at, kind, actors.len())
    }

    /// Whether what was asked is not what the strategy was made for.
    fn has_drifted(&self, asked: usize) -> bool {
        let _ = asked;
        false
    }
}

/// The chooser.
pub(crate) struct Driver {
    strategy: Box<dyn Strategy>,
    record: Vec<Decision>,
    counters: Counters,
    /// Faults that are never injected.
    without: Vec<Fault>,
    journal: Option<Journal>,
    /// Set when everything is to come to its end: all answers are canonical from then on.
    calm: bool,
}

impl Driver {
    pub(crate) fn new(strategy: Box<dyn Strategy>, without: &[Fault], journal: Option<Journal>) -> Driver {
        Driver {
            strategy,
            record: Vec::new(),
            counters: Counters::default(),
            without: without.to_vec(),
            journal,
            calm: false,
        }
    }

    /// Gives canonical answers from now on.
    pub(crate) fn calm_down(&mut self) {
        self.calm = true;
    }

    /// What was recorded.
    pub(crate) fn record(&self) -> &[Decision] {
        &self.record
    }

    /// Notes how often an index was used again for another kind of handle.
    pub(crate) fn reused(&mut self, times: u64) {
        self.counters.add(Fault::IndexReused, times);
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether the strategy is a tape of another program.
    pub(crate) fn has_drifted(&self) -> bool {
        self.strategy.has_drifted(self.record.len())
    }

    /// The schedule has come to its end.
    pub(crate) fn end_journal(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.end();
        }
    }

    fn note(&mut self, kind: Choice, n: usize, answer: usize) -> usize {
        let answer = if answer < n { answer } else { 0 };
        let decision = Decision {
            kind,
            n: n as u32,
            answer: answer as u32,
        };
        if let (Some(journal), true) = (&mut self.journal, answer != 0) {
            journal.write(self.record.len() as u32, decision);
        }
        self.record.push(decision);
        answer
    }

    /// Whether nothing but the canonical answer is possible.
    fn is_fixed(&self, kind: Choice) -> bool {
        self.calm || matches!(kind, Choice::Fault(fault) if self.without.contains(&fault))
    }
}

impl Choose for Driver {
    fn choose(&mut self, kind: Choice, n: usize) -> usize {
        let answer = if self.is_fixed(kind) {
            0
        } else {
            self.strategy.answer(self.record.len(), kind, n)
        };
        self.note(kind, n, answer)
    }

    fn choose_actor(&mut self, kind: Choice, actors: &[Actor]) -> usize {
        let answer = if self.is_fixed(kind) {
            0
        } else {
            self.strategy.answer_actor(self.record.len(), kind, actors)
        };
        self.note(kind, actors.len(), answer)
    }

    fn happened(&mut self, fault: Fault) {
        self.counters.add(fault, 1);
    }
}

/// Plays a tape.
pub(crate) struct Player {
    tape: Tape,
    next: usize,
    drifted: bool,
}

impl Player {
    pub(crate) fn new(tape: Tape) -> Player {
        Player {
            tape,
            next: 0,
            drifted: false,
        }
    }
}

impl Strategy for Player {
    fn answer(&mut self, at: usize, kind: Choice, n: usize) -> usize {
        match self.tape.deviations.get(self.next) {
            Some(deviation) if deviation.at as usize == at => {
                self.next += 1;
                let Decision {
                    kind: meant,
                    n: among,
                    answer,
                } = deviation.decision;
                self.drifted |= meant != kind || among as usize != n;
                (answer as usize).min(n - 1)
            }
            _ => 0,
        }
    }

    fn has_drifted(&self, asked: usize) -> bool {
        let beyond = self
            .tape
            .deviations
            .last()
            .is_some_and(|last| last.at as usize >= asked);
        self.drifted || beyond
    }
}
