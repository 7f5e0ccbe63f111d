//! [`Failure`]: a schedule that fails, with all that helps to see why.

use super::finding::{Finding, Picture};
use super::record::Trace;
use super::show::table;
use super::tape::Tape;
use std::fmt;

/// A schedule that fails.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(crate) name: String,
    pub(crate) finding: Finding,
    pub(crate) seed: u64,
    /// Which schedule of the seed it was.
    pub(crate) schedule: usize,
    /// The schedule as a token; none where there is nothing to replay.
    pub(crate) token: Option<String>,
    pub(crate) tape: Tape,
    /// How many deviations there were before shrinking, and how many schedules that took.
    pub(crate) shrunk: Option<(usize, usize)>,
    /// Something to know beside the failure.
    pub(crate) remark: Option<String>,
    pub(crate) trace: Option<Trace>,
    pub(crate) picture: Option<Picture>,
}

impl Failure {
    /// What kind of failure it is: those with the same cause mostly have the same.
    pub fn class(&self) -> &str {
        &self.finding.class
    }

    /// What repeats the failure, as the value of `WITFLOW_REPLAY`.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Which schedule failed, counting from 0.
    pub fn schedule(&self) -> usize {
        self.schedule
    }

    /// In how many choices it is other than the canonical schedule.
    pub fn deviations(&self) -> usize {
        self.tape.len()
    }

    /// What happened in it.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "schedule {} of `{}` fails: {}\n",
            self.schedule, self.name, self.finding.class
        )?;
        for line in self.finding.text.lines() {
            writeln!(f, "  {line}")?;
        }
        writeln!(f)?;
        match (self.tape.len(), self.shrunk) {
            (0, _) => writeln!(f, "It is the canonical schedule, the one that Wasmtime would choose.")?,
            (count, Some((before, tried))) => writeln!(
                f,
                "It deviates {count} times from the canonical schedule, shrunk from {before} in {tried} runs:"
            )?,
            (count, None) => writeln!(f, "It deviates {count} times from the canonical schedule:")?,
        }
        for deviation in &self.tape.deviations {
            let decision = deviation.decision;
            let what = super::record::What::Chose {
                kind: decision.kind,
                n: decision.n as usize,
                answer: decision.answer as usize,
            };
            writeln!(f, "  choice {:>4}: {what}", deviation.at)?;
        }
        writeln!(f, "\nseed    {:#x}", self.seed)?;
        if let Some(token) = &self.token {
            writeln!(f, "replay  WITFLOW_REPLAY={token}")?;
        }
        if let Some(remark) = &self.remark {
            writeln!(f, "note    {remark}")?;
        }
        if let Some(trace) = &self.trace {
            writeln!(f, "\n{}", table(trace))?;
        }
        if let Some(picture) = &self.picture {
            writeln!(f, "{picture}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
