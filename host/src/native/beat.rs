//! [`Beat`]: how guests and the host's futures take turns.
//!
//! A beat polls the futures that were woken before it began, oldest first, and then lets one task of a guest take one step: a
//! future that wakes itself keeps no guest from its turn. That is the canonical order; in an exploration, each step may be that of
//! anybody who could take one, and time may pass. The future that drives the store takes part as the oldest.

use super::store::NativeStore;
use super::tasks::{Alarm, TaskId};
use crate::canonical::{self, ActorKind, Bystander, Fault, Turn, actor};
use crate::error::Result;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// A future of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HostFuture {
    /// The one that drives the store.
    Driver,
    Task(TaskId),
}

impl HostFuture {
    fn actor(self) -> canonical::Actor {
        let number = match self {
            HostFuture::Driver => 0,
            HostFuture::Task(id) => id + 1,
        };
        actor(ActorKind::HostFuture, number)
    }
}

/// Where the current beat is.
#[derive(Default)]
pub(crate) struct Beat {
    /// The futures that have not had their turn.
    futures: RefCell<VecDeque<HostFuture>>,
    /// Whether the guests have not had theirs.
    are_guests_due: Cell<bool>,
}

impl Beat {
    fn begin(&self, woken: Vec<HostFuture>) {
        self.futures.replace(woken.into());
        self.are_guests_due.set(true);
    }

    fn end(&self) {
        self.futures.borrow_mut().clear();
        self.are_guests_due.set(false);
    }
}

/// What a step of the store was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the driver's step has not been taken"]
pub(crate) enum Step {
    /// There was nothing to do.
    Nothing,
    /// Somebody took one.
    Taken,
    /// It is the driver's.
    Driver,
}

impl NativeStore {
    /// Takes one step. With `driver`, the future that drives the store takes part if that has rung.
    ///
    /// # Errors
    /// When the store ended by a trap or by the failure of a host function, or an exploration takes too long.
    pub(crate) fn step(&self, driver: Option<&Alarm>) -> Result<Step> {
        let asked = self.run_jobs()?;
        if let Some(run) = self.run() {
            run.count_step(self.canonical())?;
        }
        let step = match self.step_of_one(driver)? {
            // Those that were woken in the meantime begin another beat.
            Step::Nothing => self.step_of_one(driver)?,
            step => step,
        };
        Ok(if step == Step::Nothing && asked {
            Step::Taken
        } else {
            step
        })
    }

    fn step_of_one(&self, driver: Option<&Alarm>) -> Result<Step> {
        let beat = self.beat();
        beat.futures.borrow_mut().retain(|future| match future {
            HostFuture::Driver => driver.is_some_and(Alarm::has_rung),
            HostFuture::Task(id) => self.tasks().is_woken(*id),
        });
        if !beat.are_guests_due.get() {
            beat.begin(self.woken(driver));
        }
        let Some(run) = self.run() else {
            return self.canonical_step();
        };
        let first = beat.futures.borrow().len();
        // When it is the guests' turn, whoever was woken since begins the next beat, as does the clock.
        let early = if first == 0 { self.woken(driver) } else { Vec::new() };
        let actors = |futures: &[HostFuture]| futures.iter().map(|future| future.actor()).collect::<Vec<_>>();
        let futures = actors(beat.futures.borrow_mut().make_contiguous());
        let mut last = actors(&early);
        last.extend(run.clock.has_timers().then(|| actor(ActorKind::Clock, 0)));
        match self.tick_among(&futures, &last)? {
            Turn::Nobody => Ok(self.guests_had_their_turn(Step::Nothing)),
            Turn::Store => Ok(self.guests_had_their_turn(Step::Taken)),
            Turn::Other(index) if index >= first + early.len() => {
                self.let_time_pass();
                Ok(Step::Taken)
            }
            Turn::Other(index) if index >= first => {
                beat.begin(early);
                Ok(self.step_of_future(index - first))
            }
            Turn::Other(index) => Ok(self.step_of_future(index)),
        }
    }

    /// A step when there is nothing to choose.
    fn canonical_step(&self) -> Result<Step> {
        if !self.beat().futures.borrow().is_empty() {
            return Ok(self.step_of_future(0));
        }
        match self.tick_among(&[], &[])? {
            Turn::Store => Ok(self.guests_had_their_turn(Step::Taken)),
            _ => Ok(self.guests_had_their_turn(Step::Nothing)),
        }
    }

    fn tick_among(&self, first: &[canonical::Actor], last: &[canonical::Actor]) -> Result<Turn> {
        let turn = self.canonical().tick_among(first, last);
        turn.map_err(|trap| self.trapped(&trap))
    }

    fn guests_had_their_turn(&self, step: Step) -> Step {
        self.beat().end();
        step
    }

    /// Lets a future take its step.
    fn step_of_future(&self, index: usize) -> Step {
        let future = self.beat().futures.borrow_mut().remove(index);
        match future {
            Some(HostFuture::Driver) => Step::Driver,
            Some(HostFuture::Task(id)) => {
                self.tasks().poll_if_woken(id);
                Step::Taken
            }
            None => Step::Nothing,
        }
    }

    /// The futures that were woken, oldest first.
    fn woken(&self, driver: Option<&Alarm>) -> Vec<HostFuture> {
        let driver = driver.is_some_and(Alarm::has_rung).then_some(HostFuture::Driver);
        let tasks = self.tasks().woken().into_iter().map(HostFuture::Task);
        driver.into_iter().chain(tasks).collect()
    }

    fn let_time_pass(&self) {
        if let Some(run) = self.run() {
            if !self.beat().futures.borrow().is_empty() {
                run.happened(Fault::TimePassed);
            }
            run.clock.advance();
        }
    }
}

/// The futures of a store, acting in the middle of calls of guests.
pub(crate) struct Meanwhile(pub(crate) super::store::WeakStore);

impl Bystander for Meanwhile {
    fn ready(&self) -> usize {
        self.0.upgrade().map_or(0, |store| store.tasks().woken().len())
    }

    fn act(&self, index: usize) {
        let Some(store) = self.0.upgrade() else { return };
        if let Some(id) = store.tasks().woken().get(index) {
            store.tasks().poll_if_woken(*id);
        }
    }

    fn called(&self) -> canonical::Result<()> {
        let store = self.0.upgrade();
        store
            .as_ref()
            .and_then(NativeStore::run)
            .map_or(Ok(()), |run| run.count_call())
    }
}
