//! [`Beat`]: how guests and the host's futures take turns.
//!
//! A beat polls the futures that were woken before it began, oldest first, and then lets one task of a guest take one step.
//! That is the canonical order; in an exploration, each step may be that of anybody who could take one, and time may pass.
//! The future that drives the store takes part as the oldest.

use super::store::NativeStore;
use super::tasks::{Alarm, TaskId};
use crate::canonical::{self, ActorKind, Bystander, Fault, Turn, actor};
use crate::error::Result;
use std::cell::RefCell;
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

/// The futures that have not had their turn in the current beat.
#[derive(Default)]
pub(crate) struct Beat(RefCell<VecDeque<HostFuture>>);

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
        self.begin_beat(driver);
        let turn = self.turn().map_err(|trap| self.trapped(&trap))?;
        match turn {
            Turn::Nobody => Ok(Step::Nothing),
            Turn::Store => {
                self.beat().0.borrow_mut().clear();
                Ok(Step::Taken)
            }
            Turn::Other(index) => {
                let future = self.beat().0.borrow_mut().remove(index);
                match future {
                    Some(HostFuture::Driver) => Ok(Step::Driver),
                    Some(HostFuture::Task(id)) => {
                        self.tasks().poll_if_woken(id);
                        Ok(Step::Taken)
                    }
                    None => {
                        self.let_time_pass();
                        Ok(Step::Taken)
                    }
                }
            }
        }
    }

    /// Whose turn it is. Futures come first; without an exploration there is nothing to choose.
    fn turn(&self) -> canonical::Result<Turn> {
        let Some(run) = self.run() else {
            if !self.beat().0.borrow().is_empty() {
                return Ok(Turn::Other(0));
            }
            return Ok(if self.canonical().tick()? {
                Turn::Store
            } else {
                Turn::Nobody
            });
        };
        let futures: Vec<_> = self.beat().0.borrow().iter().map(|future| future.actor()).collect();
        let clock = run.clock.has_timers().then(|| actor(ActorKind::Clock, 0));
        self.canonical().tick_among(&futures, clock.as_slice())
    }

    /// Notes which futures were woken, unless some of those that were have not had their turn.
    fn begin_beat(&self, driver: Option<&Alarm>) {
        let mut beat = self.beat().0.borrow_mut();
        beat.retain(|future| match future {
            HostFuture::Driver => driver.is_some_and(Alarm::has_rung),
            HostFuture::Task(id) => self.tasks().is_woken(*id),
        });
        if beat.is_empty() {
            beat.extend(driver.is_some_and(Alarm::has_rung).then_some(HostFuture::Driver));
            beat.extend(self.tasks().woken().into_iter().map(HostFuture::Task));
        }
    }

    fn let_time_pass(&self) {
        if let Some(run) = self.run() {
            if !self.beat().0.borrow().is_empty() {
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
