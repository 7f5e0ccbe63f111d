//! Random schedules: [`Walk`], which deviates at random, and [`Pct`], which gives actors priorities.
//!
//! Faults that always happen hide each other, so each schedule draws a *swarm*: which kinds of choice deviate in it at all,
//! and how often. A kind that has deviated is likely to do so again for a while, as faults come in bursts.
//!
//! [`Pct`] finds defects that need few particular orders: all actors have priorities, the highest that can run does, and at
//! a few random points the one that runs is put behind all others. A defect that needs `d` ordered steps is found with
//! probability at least 1 / (actors * steps ^ (d - 1)).

use super::driver::Strategy;
use super::rng::Rng;
use crate::canonical::{Actor, Choice};
use std::collections::BTreeMap;

/// How one kind of choice deviates.
#[derive(Clone, Copy)]
struct Habit {
    /// Once in so many times; never if it is 0.
    rarity: usize,
    /// How many more times at once, at most.
    burst: usize,
    /// How many of these are left.
    left: usize,
    /// How many deviations there were in a row.
    in_a_row: usize,
}

/// How often a task may go on without giving way, before it has to: others wait meanwhile.
const IN_A_ROW: usize = 8;

/// The habits of a schedule.
struct Swarm {
    rng: Rng,
    habits: BTreeMap<Choice, Habit>,
}

impl Swarm {
    fn new(seed: u64) -> Swarm {
        Swarm {
            rng: Rng::new(seed),
            habits: BTreeMap::new(),
        }
    }

    /// Whether a choice of this kind deviates now, by its habit, which is drawn when it is asked for first.
    fn deviates(&mut self, kind: Choice) -> bool {
        let rng = &mut self.rng;
        let habit = self.habits.entry(kind).or_insert_with(|| Habit {
            rarity: match kind {
                // Drawn once for a schedule, or seldom: to deviate half of the time is right.
                Choice::Profile => 2,
                Choice::Scenario => [1, 1, 2, 3][rng.below(4)],
                _ => [0, 0, 0, 1, 2, 2, 4, 16][rng.below(8)],
            },
            burst: [0, 0, 3, 20][rng.below(4)],
            left: 0,
            in_a_row: 0,
        });
        let is_in_burst = habit.left > 0;
        let deviates = is_in_burst || habit.rarity > 0 && rng.one_in(habit.rarity);
        let is_unfair = kind == Choice::GoOn && habit.in_a_row == IN_A_ROW;
        if !deviates || is_unfair {
            habit.in_a_row = 0;
            return false;
        }
        habit.in_a_row += 1;
        habit.left = if is_in_burst {
            habit.left - 1
        } else {
            rng.below(habit.burst + 1)
        };
        true
    }

    fn answer(&mut self, kind: Choice, n: usize) -> usize {
        if !self.deviates(kind) {
            return 0;
        }
        let is_biased = kind == Choice::CopyLength && n > 3 && self.rng.one_in(2);
        match (is_biased, self.rng.one_in(2)) {
            (true, true) => 1,
            (true, false) => n - 1,
            (false, _) => 1 + self.rng.below(n - 1),
        }
    }

    /// As `answer`, where those who are not chosen wait: nobody does so for ever.
    fn answer_actor(&mut self, kind: Choice, n: usize) -> usize {
        if self.deviates(kind) { self.rng.below(n) } else { 0 }
    }
}

/// Deviates at random.
pub(crate) struct Walk(Swarm);

impl Walk {
    pub(crate) fn new(seed: u64) -> Walk {
        Walk(Swarm::new(seed))
    }
}

impl Strategy for Walk {
    fn answer(&mut self, _: usize, kind: Choice, n: usize) -> usize {
        self.0.answer(kind, n)
    }

    fn answer_actor(&mut self, _: usize, kind: Choice, actors: &[Actor]) -> usize {
        self.0.answer_actor(kind, actors.len())
    }
}

/// How often an actor may run before it is put behind all others: perhaps it waits for one of them by running.
const PATIENCE: u32 = 40;

/// Runs whoever has the highest priority.
pub(crate) struct Pct {
    swarm: Swarm,
    priorities: BTreeMap<Actor, u64>,
    /// How often each has run with its priority.
    runs: BTreeMap<Actor, u32>,
    /// The points at which whoever runs is demoted, by the number of choices between actors.
    changes: Vec<usize>,
    choices: usize,
    /// What the next one that is demoted gets, counting down.
    lowest: u64,
}

impl Pct {
    /// With `depth - 1` changes within `length` choices between actors.
    pub(crate) fn new(seed: u64, depth: usize, length: usize) -> Pct {
        let mut swarm = Swarm::new(seed);
        let length = length.max(1);
        let changes = (1..depth).map(|_| swarm.rng.below(length)).collect();
        Pct {
            swarm,
            priorities: BTreeMap::new(),
            runs: BTreeMap::new(),
            changes,
            choices: 0,
            lowest: 1 << 32,
        }
    }

    fn priority(&mut self, actor: Actor) -> u64 {
        let rng = &mut self.swarm.rng;
        *self
            .priorities
            .entry(actor)
            .or_insert_with(|| (1 << 32) + (rng.next() >> 16))
    }

    fn demote(&mut self, actor: Actor) {
        self.lowest -= 1;
        self.priorities.insert(actor, self.lowest);
        self.runs.remove(&actor);
    }

    fn highest(&mut self, actors: &[Actor]) -> usize {
        let ranked = actors
            .iter()
            .enumerate()
            .map(|(place, actor)| (self.priority(*actor), place));
        ranked.max().map_or(0, |(_, place)| place)
    }
}

impl Strategy for Pct {
    fn answer(&mut self, _: usize, kind: Choice, n: usize) -> usize {
        self.swarm.answer(kind, n)
    }

    fn answer_actor(&mut self, _: usize, _: Choice, actors: &[Actor]) -> usize {
        let at = self.choices;
        self.choices += 1;
        if self.changes.contains(&at) {
            let place = self.highest(actors);
            self.demote(actors[place]);
        }
        let place = self.highest(actors);
        let runs = self.runs.entry(actors[place]).or_default();
        *runs += 1;
        if *runs > PATIENCE {
            self.demote(actors[place]);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, Pct, Walk};
    use crate::canonical::Choice;
    use crate::explore::driver::Strategy;

    #[test]
    fn a_walk_repeats_and_stays_in_range() {
        let take = |seed| {
            let mut walk = Walk::new(seed);
            (0..200)
                .map(|at| walk.answer(at, Choice::Task, 2 + at % 5))
                .collect::<Vec<_>>()
        };
        assert_eq!(take(3), take(3));
        let mut different = 0;
        for seed in 0..50 {
            let answers = take(seed);
            different += usize::from(answers != take(seed + 1));
            assert!(answers.iter().enumerate().all(|(at, answer)| *answer < 2 + at % 5));
        }
        assert!(different > 20);
    }

    #[test]
    fn a_priority_holds_until_it_is_taken_away() {
        let mut pct = Pct::new(1, 1, 100);
        let first = pct.answer_actor(0, Choice::Task, &[7, 8]);
        for _ in 0..PATIENCE {
            assert_eq!(pct.answer_actor(0, Choice::Task, &[7, 8]), first);
        }
        let later: Vec<_> = (0..PATIENCE * 2)
            .map(|_| pct.answer_actor(0, Choice::Task, &[7, 8]))
            .collect();
        assert!(later.contains(&(1 - first)), "nobody starves");
    }
}
