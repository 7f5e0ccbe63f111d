//! `cargo xtask explore`: every schedule of the scenarios in `tests/explored`, as many as there is time for.

use anyhow::Result;

use crate::process::{self, cargo};

/// Arguments of `cargo xtask explore`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the explorer is told, as `run --seeds 100`; without anything it explores all scenarios. `help` says more.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// The profile it is built in: optimised, with all assertions.
pub(crate) const PROFILE: &str = "explore";

/// Builds the explorer and runs it.
pub(crate) fn run(args: &Args) -> Result<()> {
    // `cargo xtask explore --seeds 100` is short for `run --seeds 100`.
    let is_short = args.args.first().is_none_or(|first| first.starts_with("--"));
    let command = is_short.then_some("run");
    explore(command.into_iter().chain(args.args.iter().map(String::as_str)))
}

/// The share that continuous integration has time for.
pub(crate) fn share() -> Result<()> {
    explore(["run", "--seeds", "300", "--deviations", "2", "--most", "5000"])
}

fn explore<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let build = [
        "run",
        "--quiet",
        "--profile",
        PROFILE,
        "--package",
        "explored",
        "--bin",
        "explore",
        "--",
    ];
    process::run(&mut cargo(build.into_iter().chain(args)))
}
