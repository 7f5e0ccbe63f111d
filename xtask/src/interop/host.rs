//! What calls the components.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::components::Lab;
use super::jco;
use super::lack::{Got, Lack, said};
use super::report::Report;
use super::tools::WASMTIMES;

/// What calls the components.
#[derive(Clone, Copy)]
pub(super) enum Host {
    /// The reference host, on the Wasmtime it is built with.
    Ours,
    /// A version of Wasmtime's command line, by its place in the list.
    CommandLine(usize),
    Jco,
}

impl Host {
    /// All that are wanted.
    pub(super) fn all(lab: &Lab) -> &'static [Self] {
        let all = &[Self::Ours, Self::CommandLine(0), Self::Jco, Self::CommandLine(1)];
        if lab.quick { &all[..3] } else { all }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "witflow-host",
            Self::CommandLine(index) => WASMTIMES[index].0,
            Self::Jco => jco::NAME,
        }
    }

    /// Calls `step(n)`, or `drive()` without one, and gives what it says.
    pub(super) fn say(self, lab: &Lab, component: &Path, step: Option<u32>) -> Got<String> {
        at(&self.call(lab, component, step.as_slice())?, 0)
    }

    /// Calls `step(n)` for each of the steps, if there are any, and reports what each says.
    pub(super) fn steps(
        self,
        lab: &Lab,
        report: &mut Report,
        steps: &[u32],
        component: impl FnOnce() -> Got<PathBuf>,
        name: impl Fn(u32) -> String,
    ) {
        if steps.is_empty() {
            return;
        }
        let said = component().and_then(|component| self.call(lab, &component, steps));
        for (index, n) in steps.iter().enumerate() {
            let said = said.as_ref().map_err(Lack::clone);
            report.scenario(&name(*n), || at(said?, index));
        }
    }

    /// Calls `drive()`, or `step(n)` for each of the steps, and gives what each says.
    fn call(self, lab: &Lab, component: &Path, steps: &[u32]) -> Got<Vec<Got<String>>> {
        match self {
            Self::Ours => {
                let mut runner = Command::new(lab.program("interop-runner")?);
                answers(runner.arg(function(steps)).arg(component), steps)
            }
            Self::CommandLine(index) => {
                let wasmtime = lab.wheel(&WASMTIMES[index].1)?;
                let call = |call: String| {
                    let said = said(Command::new(&wasmtime).args(["run", "--invoke", &call]).arg(component))?;
                    Ok(said.trim().trim_matches('"').to_owned())
                };
                if steps.is_empty() {
                    return Ok(vec![call("drive()".to_owned())]);
                }
                Ok(steps.iter().map(|n| call(format!("step({n})"))).collect())
            }
            Self::Jco => answers(jco::script(lab, "run.mjs", component)?.arg(function(steps)), steps),
        }
    }
}

/// What is called.
fn function(steps: &[u32]) -> &'static str {
    if steps.is_empty() { "drive" } else { "step" }
}

/// Runs a command that takes the steps as its last arguments and says a line for each call.
fn answers(command: &mut Command, steps: &[u32]) -> Got<Vec<Got<String>>> {
    let said = said(command.args(steps.iter().map(u32::to_string)))?;
    Ok(said.lines().map(|line| Ok(line.to_owned())).collect())
}

/// What one of the calls has said.
fn at(said: &[Got<String>], index: usize) -> Got<String> {
    let said = said.get(index).cloned();
    said.unwrap_or_else(|| Err(Lack::broken("the host ended before")))
}
