//! [`Explorer`]: chooses schedules for a scenario, runs them, and reports the first that fails.

use super::driver::Counters;
use super::failure::Failure;
use super::finding::Finding;
use super::plan::{How, Outcome, Plan, Verdict, carry_out};
use super::rng::mix;
use super::shrink::shrink;
use super::tape::Tape;
use super::token::{Token, name_for_token};
use crate::canonical::{Choice, Fault, Fnv, Profile};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The variable that holds the token of a schedule to be repeated.
const REPLAY: &str = "WITFLOW_REPLAY";
/// The variable that says where to leave a timeline.
const TIMELINE: &str = "WITFLOW_TIMELINE";
/// The most schedules that are tried to make a failure small.
const SHRINKING: usize = 2_000;
/// The most choices that are made in all of them together: what never ends is tried less often.
const SHRINKING_CHOICES: usize = 2_000_000;
/// One schedule of so many is run twice, to see whether it goes the same way.
const TWICE: usize = 100;
/// In one schedule of so many, states are noted.
const COVERED: usize = 4;

/// Runs `scenario` under `schedules` schedules, the canonical one first.
///
/// The scenario is a test that makes a [`Store`](crate::Store) for native guests. Each schedule has a thread of its own, so what
/// is `thread_local!` begins anew; `static`s do not.
///
/// # Panics
/// When a schedule fails: with what was wrong, the schedule made as small as possible, what happened in it, and a token by which
/// `WITFLOW_REPLAY` repeats it.
#[track_caller]
pub fn explore<V: Verdict, S: Fn() -> V + Sync>(schedules: usize, scenario: S) {
    let name = std::any::type_name::<S>();
    let name = name.strip_suffix("::{{closure}}").unwrap_or(name);
    Explorer::new(name).schedules(schedules).run(scenario);
}

/// How to explore a scenario.
#[derive(Clone, Debug)]
pub struct Explorer {
    name: String,
    seed: u64,
    first: usize,
    schedules: usize,
    journal: Option<PathBuf>,
    bound: u64,
    profiles: Vec<Profile>,
    without: Vec<Fault>,
    checks_ends: bool,
    checks_memory: bool,
}

/// What an exploration has covered.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// How many schedules were run.
    pub schedules: usize,
    /// The steps of their schedulers, together.
    pub steps: u64,
    /// How many different states of stores were seen.
    pub states: usize,
    /// How many choices there were.
    pub decisions: u64,
    /// How many of these deviated from the canonical answer.
    pub deviations: u64,
    /// The most choices of a schedule.
    pub longest: usize,
    /// How often each fault happened.
    pub faults: Counters,
}

impl Explorer {
    /// For a scenario of this name, with 1 000 schedules of one seed that depends on the name, in all readings of the Canonical
    /// ABI.
    pub fn new(name: &str) -> Explorer {
        let mut seed = Fnv::default();
        seed.bytes(name.as_bytes());
        Explorer {
            name: name_for_token(name),
            seed: seed.finish(),
            first: 0,
            schedules: 1_000,
            journal: None,
            bound: 5_000,
            profiles: Profile::ALL.to_vec(),
            without: Vec::new(),
            checks_ends: true,
            checks_memory: true,
        }
    }

    /// Explores the schedules of this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Explorer {
        self.seed = mix(self.seed, seed);
        self
    }

    /// Runs so many schedules.
    #[must_use]
    pub fn schedules(mut self, schedules: usize) -> Explorer {
        self.schedules = schedules;
        self
    }

    /// Begins with this schedule, and not with the canonical one, which is number 0.
    #[must_use]
    pub fn first(mut self, first: usize) -> Explorer {
        self.first = first;
        self
    }

    /// Writes down in this file what the schedule that is running chooses, so that one which ends the process can be found out:
    /// [`Explorer::journalled`] makes a token of it. Nothing is left in the file by one that comes to its end.
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Explorer {
        self.journal = Some(path.into());
        self
    }

    /// The token of the schedule that a journal was left by, if there was one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn journalled(&self, path: impl AsRef<Path>) -> std::io::Result<Option<String>> {
        let tape = super::journal::read(path.as_ref())?;
        let token = |tape| Token {
            name: self.name.clone(),
            worlds: 0,
            tape,
            trace: 0,
        };
        Ok(tape.map(|tape| token(tape).to_string()))
    }

    /// Lets a schedule take so many steps before it is held to be endless.
    #[must_use]
    pub fn steps(mut self, bound: u64) -> Explorer {
        self.bound = bound;
        self
    }

    /// Follows one of these readings of the Canonical ABI in each schedule, the first in the canonical one. An engine that asks for
    /// another than the default gets what it asks for.
    #[must_use]
    pub fn profiles(mut self, profiles: &[Profile]) -> Explorer {
        self.profiles = profiles.to_vec();
        self
    }

    /// Never injects this fault.
    #[must_use]
    pub fn without(mut self, fault: Fault) -> Explorer {
        self.without.push(fault);
        self
    }

    /// Leaves it to the scenario what has to hold when a store ends.
    #[must_use]
    pub fn leave_ends_alone(mut self) -> Explorer {
        self.checks_ends = false;
        self
    }

    /// Lets guests keep memory to themselves until they end, as in a `thread_local!`. Otherwise, where the allocator is the
    /// [`CheckedAllocator`](crate::CheckedAllocator), it counts as lost.
    #[must_use]
    pub fn keep_memory(mut self) -> Explorer {
        self.checks_memory = false;
        self
    }

    /// The name in tokens.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn plan(&self, how: How) -> Plan {
        Plan {
            how,
            profiles: self.profiles.clone(),
            without: self.without.clone(),
            journal: self.journal.clone(),
            bound: self.bound,
            covers: false,
            records: false,
            checks_ends: self.checks_ends,
            checks_memory: self.checks_memory,
        }
    }

    /// Explores `scenario`. With `WITFLOW_REPLAY` set, it repeats that schedule and no other. With `WITFLOW_TIMELINE` set to a
    /// path, it leaves there what happened in the schedule that was repeated or failed, or else in the canonical one, as
    /// [`Trace::write`](super::Trace::write) does.
    ///
    /// # Panics
    /// As [`explore`]; and when `WITFLOW_REPLAY` holds no token, or one of another scenario; and when the timeline cannot be
    /// written.
    #[track_caller]
    pub fn run<V: Verdict>(&self, scenario: impl Fn() -> V + Sync) -> Coverage {
        let token = replay_token();
        let outcome = match &token {
            Some(token) => self.replay(token, &scenario).map(|()| Coverage::default()),
            None => self.try_run(&scenario),
        };
        if let Some(path) = std::env::var_os(TIMELINE).filter(|path| !path.is_empty()) {
            let trace = match &outcome {
                Err(failure) => failure.trace().cloned().unwrap_or_default(),
                Ok(_) => self.trace(token.as_deref(), &scenario),
            };
            let written = trace.write(&path, &self.name);
            written.unwrap_or_else(|error| panic!("{TIMELINE}: {}: {error}", path.display()));
        }
        outcome.unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// Explores `scenario`.
    ///
    /// # Errors
    /// The first schedule that fails.
    pub fn try_run<V: Verdict>(&self, scenario: impl Fn() -> V + Sync) -> Result<Coverage, Box<Failure>> {
        let mut coverage = Coverage::default();
        let mut states = HashSet::new();
        let mut between_actors = 0;
        for index in self.first..self.first + self.schedules {
            let mut plan = self.plan(self.how(index, between_actors));
            plan.covers = index.is_multiple_of(COVERED);
            let outcome = carry_out(&plan, &scenario);
            coverage.add(&outcome);
            states.extend(outcome.states.iter().copied());
            let actors = outcome
                .record
                .iter()
                .filter(|decision| matches!(decision.kind, Choice::Task | Choice::Event));
            between_actors = between_actors.max(actors.count());
            if outcome.finding.is_some() {
                return Err(Box::new(self.investigate(index, outcome, &scenario)));
            }
            if index % TWICE == 1 {
                self.check_twice(index, &plan, &outcome, &scenario)?;
            }
        }
        coverage.states = states.len();
        Ok(coverage)
    }

    /// How schedule `index` chooses.
    fn how(&self, index: usize, between_actors: usize) -> How {
        let seed = mix(self.seed, index as u64);
        match index % 4 {
            _ if index == 0 => How::Tape(Tape::default()),
            0 => How::Pct(seed, 3, between_actors),
            2 => How::Pct(seed, 2, between_actors),
            _ => How::Walk(seed),
        }
    }

    /// Runs a schedule again, twice, and compares.
    fn check_twice<V: Verdict>(
        &self,
        index: usize,
        plan: &Plan,
        first: &Outcome,
        scenario: &(impl Fn() -> V + Sync),
    ) -> Result<(), Box<Failure>> {
        let mut plan = plan.clone();
        plan.records = true;
        let (one, other) = (carry_out(&plan, scenario), carry_out(&plan, scenario));
        let same = one.record == other.record && one.trace == other.trace && first.record == one.record;
        if same {
            Ok(())
        } else {
            Err(Box::new(self.nondeterministic(index, one, &other)))
        }
    }

    /// The failure of a scenario that is not under the control of its schedule.
    fn nondeterministic(&self, index: usize, one: Outcome, other: &Outcome) -> Failure {
        let difference = difference(&one, other);
        let text = format!(
            "the same schedule went differently the second time{difference}.\n\
             Something in the scenario is not under the control of the explorer: a clock, a thread, the order of a hash map,\n\
             a random number, an address, or a `static` that keeps something from one schedule for the next."
        );
        self.failure(index, Finding::new("nondeterministic scenario", text), one)
    }

    pub(super) fn failure(&self, index: usize, finding: Finding, outcome: Outcome) -> Failure {
        Failure {
            name: self.name.clone(),
            finding,
            seed: self.seed,
            schedule: index,
            token: None,
            tape: Tape::of(&outcome.record),
            shrunk: None,
            remark: None,
            trace: outcome.trace,
            picture: outcome.picture,
        }
    }

    /// Makes a failure small, and finds out all about it.
    pub(super) fn investigate<V: Verdict>(
        &self,
        index: usize,
        outcome: Outcome,
        scenario: &(impl Fn() -> V + Sync),
    ) -> Failure {
        let Some(finding) = outcome.finding.clone() else {
            return self.failure(index, Finding::new("nothing", "nothing is wrong"), outcome);
        };
        let tape = Tape::of(&outcome.record);
        let before = tape.len();
        let most = (SHRINKING_CHOICES / (outcome.record.len() + 1)).min(SHRINKING);
        let shrunk = shrink(tape, most, |tape| {
            let again = carry_out(&self.plan(How::Tape(tape.clone())), scenario);
            let same = again.finding.as_ref().is_some_and(|found| found.class == finding.class);
            same.then(|| Tape::of(&again.record))
        });
        let (first, second) = (self.record(&shrunk.tape, scenario), self.record(&shrunk.tape, scenario));
        let is_same = |outcome: &Outcome| {
            outcome
                .finding
                .as_ref()
                .is_some_and(|found| found.class == finding.class)
        };
        if !is_same(&first) || first.trace != second.trace {
            let mut failure = self.nondeterministic(index, first, &second);
            failure.remark = Some(format!("it had failed before, by {}", finding.text));
            return failure;
        }
        let token = Token {
            name: self.name.clone(),
            worlds: first.worlds,
            tape: Tape::of(&first.record),
            trace: first.trace.as_ref().map_or(0, |trace| trace.hash()),
        };
        let found = first.finding.clone().unwrap_or(finding);
        let mut failure = self.failure(index, found, first);
        failure.token = Some(written(&token.to_string()));
        failure.shrunk = Some((before, shrunk.tried));
        failure
    }

    fn record<V: Verdict>(&self, tape: &Tape, scenario: &(impl Fn() -> V + Sync)) -> Outcome {
        let mut plan = self.plan(How::Tape(tape.clone()));
        plan.records = true;
        carry_out(&plan, scenario)
    }

    /// Repeats the schedule of a token.
    ///
    /// # Errors
    /// The failure, with what is known about whether the program is still the one that the token was made with.
    ///
    /// # Panics
    /// When it is no token, or one of another scenario.
    #[track_caller]
    pub fn replay<V: Verdict>(&self, token: &str, scenario: impl Fn() -> V + Sync) -> Result<(), Box<Failure>> {
        let token = self.own_token(token);
        let outcome = self.record(&token.tape, &scenario);
        let remark = self.drift(&token, &outcome, &scenario);
        if let Some(remark) = &remark {
            eprintln!("note: {remark}");
        }
        match outcome.finding.clone() {
            None => Ok(()),
            Some(finding) => {
                let mut failure = self.failure(0, finding, outcome);
                failure.token = Some(written(&token.to_string()));
                failure.remark = remark;
                Err(Box::new(failure))
            }
        }
    }

    /// What happens in the canonical schedule, or in that of a token.
    ///
    /// # Panics
    /// As [`Explorer::replay`].
    #[track_caller]
    pub fn trace<V: Verdict>(&self, token: Option<&str>, scenario: impl Fn() -> V + Sync) -> super::Trace {
        let tape = token.map(|token| self.own_token(token).tape).unwrap_or_default();
        self.record(&tape, &scenario).trace.unwrap_or_default()
    }

    #[track_caller]
    fn own_token(&self, token: &str) -> Token {
        let parsed = Token::parse(token);
        let token = parsed.unwrap_or_else(|reason| panic!("{REPLAY} holds no token of a schedule: {reason}"));
        assert!(
            token.name == self.name,
            "{REPLAY} holds a token of the scenario `{}`, and this is `{}`; run that test only",
            token.name,
            self.name
        );
        token
    }

    /// Why the program is not the one that the token was made with, if it is not.
    fn drift<V: Verdict>(
        &self,
        token: &Token,
        outcome: &Outcome,
        scenario: &(impl Fn() -> V + Sync),
    ) -> Option<String> {
        let hash = outcome.trace.as_ref().map_or(0, |trace| trace.hash());
        if !outcome.drifted && hash == token.trace {
            return None;
        }
        let again = self.record(&token.tape, scenario);
        Some(if again.trace != outcome.trace {
            format!(
                "the schedule goes differently each time{}: the scenario is nondeterministic",
                difference(outcome, &again)
            )
        } else if outcome.worlds != token.worlds {
            "the token has drifted: the worlds of the guests have changed since it was made".to_owned()
        } else if outcome.drifted {
            "the token has drifted: the program does not ask for the same choices any more".to_owned()
        } else {
            "the token has drifted: its choices are asked for, but something else happens".to_owned()
        })
    }
}

/// Where two runs of one schedule begin to differ.
fn difference(one: &Outcome, other: &Outcome) -> String {
    let events = one.trace.iter().flat_map(|trace| &trace.happenings);
    let mut pairs = events.zip(other.trace.iter().flat_map(|trace| &trace.happenings));
    match pairs.find(|(one, other)| one != other) {
        Some((one, other)) => format!(", in step {}: `{}` and then `{}`", one.step, one.what, other.what),
        None if one.record != other.record => ", in the choices that were asked for".to_owned(),
        None => String::new(),
    }
}

/// The token that is to be replayed, from the variable or the file that it names after an `@`.
fn replay_token() -> Option<String> {
    let value = std::env::var(REPLAY).ok().filter(|value| !value.is_empty())?;
    match value.strip_prefix('@') {
        Some(path) => Some(std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{REPLAY}: {path}: {error}"))),
        None => Some(value),
    }
}

/// A token as it is given to people: long ones are in a file.
fn written(token: &str) -> String {
    const LONG: usize = 2048;
    if token.len() <= LONG {
        return token.to_owned();
    }
    let mut hash = Fnv::default();
    hash.bytes(token.as_bytes());
    let path = std::env::temp_dir().join(format!("witflow-{:016x}.token", hash.finish()));
    match std::fs::write(&path, token) {
        Ok(()) => format!("@{}", path.display()),
        Err(_) => token.to_owned(),
    }
}

impl Coverage {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.schedules += 1;
        self.steps += outcome.steps;
        self.decisions += outcome.record.len() as u64;
        self.deviations += outcome.record.iter().filter(|decision| decision.answer != 0).count() as u64;
        self.longest = self.longest.max(outcome.record.len());
        self.faults.merge(&outcome.counters);
    }
}
