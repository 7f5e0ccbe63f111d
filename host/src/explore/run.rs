//! [`Run`]: one schedule while it runs.
//!
//! The run is ambient: it is kept for the thread it is on, and each native store that is made there joins it. So what is
//! explored is an ordinary test, and nothing has to be handed through it.

use super::clock::Clock;
use super::driver::Driver;
use super::finding::{Endless, Finding, Picture};
use super::plan::Plan;
use super::quiet;
use super::record::Recorder;
use crate::canonical::{self, Choice, Choose, Fault, Fnv, Observer, Profile, Rule};
use crate::error::Result;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Run>>> = const { RefCell::new(None) };
}

/// How many more steps than a schedule may have its stores get to come to their end.
const CALM_STEPS: u64 = 20_000;
/// How many calls core code may make in a step, on average.
const CALLS_PER_STEP: u64 = 10;

/// One schedule.
pub(crate) struct Run {
    pub(crate) driver: Rc<RefCell<Driver>>,
    pub(crate) clock: Clock,
    pub(crate) recorder: Option<Rc<Recorder>>,
    profiles: Vec<Profile>,
    /// How many steps there may be, and were.
    bound: Cell<u64>,
    steps: Cell<u64>,
    /// How many calls core code made.
    calls: Cell<u64>,
    /// The states that were seen, if anybody wants to know.
    states: Option<RefCell<Vec<u64>>>,
    /// The hash of the worlds of the guests.
    worlds: Cell<Fnv>,
    /// The trap that ended a store, which the test may expect.
    trap: RefCell<Option<Finding>>,
    /// What was wrong when a store ended.
    violation: RefCell<Option<Finding>>,
    picture: RefCell<Option<Picture>>,
    /// Whether a store is checked when it ends.
    checks_ends: bool,
    pub(crate) checks_memory: bool,
}

/// The run on this thread, if there is one.
pub(crate) fn current() -> Option<Rc<Run>> {
    // While the thread ends there is none.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Makes `run` the run on this thread, or ends it.
pub(crate) fn install(run: Option<Rc<Run>>) {
    CURRENT.set(run);
}

/// A chooser that all stores of a run share.
struct SharedDriver(Rc<RefCell<Driver>>);

impl Choose for SharedDriver {
    fn choose(&mut self, kind: Choice, n: usize) -> usize {
        self.0.borrow_mut().choose(kind, n)
    }

    fn choose_actor(&mut self, kind: Choice, actors: &[canonical::Actor]) -> usize {
        self.0.borrow_mut().choose_actor(kind, actors)
    }

    fn happened(&mut self, fault: Fault) {
        self.0.borrow_mut().happened(fault);
    }
}

impl Run {
    pub(crate) fn new(plan: &Plan, recorder: Option<Rc<Recorder>>) -> Rc<Run> {
        Rc::new(Run {
            driver: Rc::new(RefCell::new(plan.driver())),
            clock: Clock::default(),
            recorder,
            profiles: plan.profiles.clone(),
            bound: Cell::new(plan.bound),
            steps: Cell::new(0),
            calls: Cell::new(0),
            states: plan.covers.then(RefCell::default),
            worlds: Cell::new(Fnv::default()),
            trap: RefCell::default(),
            violation: RefCell::default(),
            picture: RefCell::default(),
            checks_ends: plan.checks_ends,
            checks_memory: plan.checks_memory,
        })
    }

    /// The reading that a store follows which was made with `given`. The default leaves it to the run.
    pub(crate) fn profile(&self, given: Profile) -> Profile {
        if given != Profile::default() || self.profiles.is_empty() {
            return given;
        }
        let index = self.choose(Choice::Profile, self.profiles.len());
        self.profiles[index]
    }

    /// The chooser of a store.
    pub(crate) fn chooser(&self) -> Box<dyn Choose> {
        Box::new(SharedDriver(self.driver.clone()))
    }

    /// Who watches a store, if anybody does.
    pub(crate) fn observer(&self) -> Option<Rc<dyn Observer>> {
        self.recorder.clone().map(|recorder| recorder as Rc<dyn Observer>)
    }

    /// A choice that belongs to no store.
    pub(crate) fn choose(&self, kind: Choice, n: usize) -> usize {
        if n < 2 {
            return 0;
        }
        let answer = self.driver.borrow_mut().choose(kind, n);
        if let Some(fault) = Fault::of(kind, n, answer) {
            self.happened(fault);
        }
        if let Some(recorder) = &self.recorder {
            recorder.step(&canonical::Step::Choice { kind, n, answer });
        }
        answer
    }

    pub(crate) fn happened(&self, fault: Fault) {
        self.driver.borrow_mut().happened(fault);
    }

    /// Counts a step of a store.
    ///
    /// # Errors
    /// [`Endless`], when there were too many.
    pub(crate) fn count_step(&self, store: &canonical::Store) -> Result<()> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if let Some(recorder) = &self.recorder {
            recorder.begin_step(steps, self.clock.now());
        }
        if let Some(states) = &self.states {
            states.borrow_mut().push(store.fingerprint());
        }
        if steps > self.bound.get() {
            self.take_picture(store);
            let waiting = store.report().to_string();
            return Err(Endless { steps, waiting }.into());
        }
        Ok(())
    }

    /// Counts a call of core code, which may go on for ever without giving way.
    ///
    /// # Errors
    /// When there were too many.
    pub(crate) fn count_call(&self) -> canonical::Result<()> {
        let calls = self.calls.get() + 1;
        self.calls.set(calls);
        if calls > CALLS_PER_STEP * self.bound.get() {
            return Err(canonical::Trap::new(Rule::Endless).with(format!("this is call {calls}")));
        }
        Ok(())
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Notes that a guest was instantiated whose world has this hash.
    pub(crate) fn instantiated(&self, world: u64) {
        let mut worlds = self.worlds.get();
        worlds.number(world);
        self.worlds.set(worlds);
    }

    /// The hash of the worlds of all guests.
    pub(crate) fn worlds(&self) -> u64 {
        self.worlds.get().finish()
    }

    /// Notes the trap that ended a store.
    pub(crate) fn trapped(&self, store: &canonical::Store, trap: &canonical::Trap) {
        self.take_picture(store);
        let finding = || match quiet::noted() {
            Some(panic) if trap.rule == Rule::Panic => {
                Finding::of_panic(&panic.place, &format!("{}\n{trap}", panic.message))
            }
            _ => Finding::of_trap(trap),
        };
        self.trap.borrow_mut().get_or_insert_with(finding);
    }

    /// Keeps the handles and waits of a store, the first time that something goes wrong.
    pub(crate) fn take_picture(&self, store: &canonical::Store) {
        if self.recorder.is_some() {
            self.picture.borrow_mut().get_or_insert_with(|| Picture::of(store));
        }
    }

    /// Faults have an end, so that everything else can come to its own. Says whether the store is to be checked then.
    pub(crate) fn begin_end(&self) -> bool {
        self.driver.borrow_mut().calm_down();
        self.bound.set(self.steps.get() + CALM_STEPS);
        self.checks_ends && self.trap.borrow().is_none() && !std::thread::panicking()
    }

    /// Notes how often a handle of an instance got the index of one of another kind.
    pub(crate) fn reused_indices(&self, times: u64) {
        self.driver.borrow_mut().reused(times);
    }

    /// Notes what was wrong when a store ended.
    pub(crate) fn violated(&self, store: Option<&canonical::Store>, finding: Finding) {
        if let Some(store) = store {
            self.take_picture(store);
        }
        self.violation.borrow_mut().get_or_insert(finding);
    }

    pub(crate) fn take_trap(&self) -> Option<Finding> {
        self.trap.take()
    }

    pub(crate) fn take_violation(&self) -> Option<Finding> {
        self.violation.take()
    }

    pub(crate) fn take_picture_taken(&self) -> Option<Picture> {
        self.picture.take()
    }

    pub(crate) fn take_states(&self) -> Vec<u64> {
        self.states.as_ref().map(RefCell::take).unwrap_or_default()
    }
}
