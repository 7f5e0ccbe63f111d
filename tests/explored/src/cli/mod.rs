//! The command line.

mod hunt;
mod one;
mod run;

use explored::{Scenario, scenarios};
use std::process::ExitCode;

/// Explores the schedules of small guests.
#[derive(Debug, clap::Parser)]
#[command(name = "explore")]
pub(crate) enum Command {
    /// Explore all scenarios, and say what was covered
    Run(run::Args),
    /// Look for any schedule of any scenario that fails, in growing rounds
    Hunt(hunt::Args),
    /// Repeat the schedule of a token
    Replay(one::Replay),
    /// Show what happens in the canonical schedule of a scenario, or in that of a token
    Trace(one::Trace),
    /// Print the token of the schedule that left a journal
    Journalled(one::Journalled),
    /// List the scenarios
    List,
}

impl Command {
    pub(crate) fn run(&self) -> ExitCode {
        let went_well = match self {
            Command::Run(args) => args.run(),
            Command::Hunt(args) => args.run(),
            Command::Replay(args) => args.run(),
            Command::Trace(args) => args.run(),
            Command::Journalled(args) => args.run(),
            Command::List => {
                scenarios().for_each(|scenario| println!("{:<28} {}", scenario.name, scenario.about));
                true
            }
        };
        if went_well {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// The scenarios whose names contain one of `only`, or all.
fn chosen(only: &[String]) -> Vec<&'static Scenario> {
    let is_chosen =
        |scenario: &&Scenario| only.is_empty() || only.iter().any(|part| scenario.name.contains(part.as_str()));
    scenarios().filter(is_chosen).collect()
}

/// The scenario that a token is of.
fn scenario_of(token: &str) -> Option<&'static Scenario> {
    let name = token.split('.').nth(1)?;
    scenarios().find(|scenario| scenario.name == name)
}
