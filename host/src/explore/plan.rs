//! [`Plan`]: what is to be done in one schedule, and [`Outcome`]: what came of it.

use super::driver::{Counters, Driver, Player, Strategy};
use super::finding::{Finding, Picture};
use super::journal::Journal;
use super::quiet;
use super::record::{Recorder, Trace};
use super::run::{self, Run};
use super::tape::{Decision, Tape};
use super::walk::{Pct, Walk};
use crate::canonical::{Fault, Profile};
use crate::error::Error;
use crate::native::fresh_thread;
use std::path::PathBuf;
use std::rc::Rc;

/// How a schedule chooses.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// As the tape says; an empty one is the canonical schedule.
    Tape(Tape),
    /// At random.
    Walk(u64),
    /// By random priorities that change so many times less one, within so many choices.
    Pct(u64, usize, usize),
}

/// What is to be done in one schedule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) how: How,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) without: Vec<Fault>,
    /// Where deviations are written down as they happen.
    pub(crate) journal: Option<PathBuf>,
    /// How many steps there may be.
    pub(crate) bound: u64,
    /// Whether states are noted.
    pub(crate) covers: bool,
    /// Whether everything is recorded.
    pub(crate) records: bool,
    /// Whether stores are checked when they end.
    pub(crate) checks_ends: bool,
    /// Whether that includes the memory that guests leave.
    pub(crate) checks_memory: bool,
}

impl Plan {
    pub(crate) fn driver(&self) -> Driver {
        let strategy: Box<dyn Strategy> = match &self.how {
            How::Tape(tape) => Box::new(Player::new(tape.clone())),
            How::Walk(seed) => Box::new(Walk::new(*seed)),
            How::Pct(seed, depth, length) => Box::new(Pct::new(*seed, *depth, *length)),
        };
        Driver::new(
            strategy,
            &self.without,
            self.journal.as_deref().and_then(Journal::begin),
        )
    }
}

/// What a test has to say for itself.
pub trait Verdict {
    /// Whether it went well.
    ///
    /// # Errors
    /// When it did not.
    fn into_result(self) -> Result<(), Error>;
}

impl Verdict for () {
    fn into_result(self) -> Result<(), Error> {
        Ok(())
    }
}

impl Verdict for Result<(), Error> {
    fn into_result(self) -> Result<(), Error> {
        self
    }
}

/// What came of a schedule.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) finding: Option<Finding>,
    pub(crate) record: Vec<Decision>,
    pub(crate) counters: Counters,
    pub(crate) steps: u64,
    pub(crate) states: Vec<u64>,
    /// Whether a tape was played that was made for another program.
    pub(crate) drifted: bool,
    /// The hash of the worlds of the guests.
    pub(crate) worlds: u64,
    pub(crate) trace: Option<Trace>,
    pub(crate) picture: Option<Picture>,
}

/// Runs `scenario` under a plan, on a thread of its own.
pub(crate) fn carry_out<V: Verdict>(plan: &Plan, scenario: &(impl Fn() -> V + Sync)) -> Outcome {
    quiet::install();
    fresh_thread(|| {
        let recorder = plan.records.then(|| Rc::new(Recorder::default()));
        let run = Run::new(plan, recorder);
        run::install(Some(run.clone()));
        let result = quiet::catch(|| scenario().into_result());
        run::install(None);
        let failed = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Finding::of_error(&error)),
            Err(panic) => Some(Finding::of_panic(&panic.place, &panic.message)),
        };
        // A test that failed after a trap failed of it; one that did not expected it.
        let trap = run.take_trap();
        let finding = failed
            .map(|finding| trap.unwrap_or(finding))
            .or_else(|| run.take_violation());
        let mut driver = run.driver.borrow_mut();
        driver.end_journal();
        Outcome {
            finding,
            record: driver.record().to_vec(),
            counters: driver.counters().clone(),
            steps: run.steps(),
            states: run.take_states(),
            drifted: driver.has_drifted(),
            worlds: run.worlds(),
            trace: run.recorder.as_ref().map(|recorder| recorder.take()),
            picture: run.take_picture_taken(),
        }
    })
}
