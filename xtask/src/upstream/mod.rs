//! `cargo xtask upstream CHECKOUT`: wit-bindgen's own tests, run against ours: first those of the generator, which have to compile, then
//! those that run guests.
//!
//! The checkout is given as a path and nothing of it is copied into the repository.

mod cases;
mod codegen;
mod config;
mod runtime;
mod side;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::toolchain;

/// Arguments of `cargo xtask upstream`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A checkout of wit-bindgen.
    checkout: PathBuf,
    /// Run the cases whose name contains this.
    filter: Option<String>,
    /// Build everything with our bindings only, and nothing with theirs.
    #[arg(long)]
    ours_only: bool,
    /// Leave out the tests that run guests.
    #[arg(long)]
    codegen_only: bool,
    /// Show what failed cases printed.
    #[arg(short, long)]
    verbose: bool,
}

/// What became of one case.
struct Outcome {
    name: String,
    /// What went wrong.
    problem: Option<String>,
}

/// Runs the cases and prints their count.
pub(crate) fn run(args: &Args) -> Result<()> {
    toolchain::run()?;
    let checkout = args.checkout.canonicalize();
    let checkout = checkout.with_context(|| format!("there is no checkout at `{}`", args.checkout.display()))?;
    let mut outcomes = codegen::run(&checkout, args)?;
    if !args.codegen_only {
        outcomes.extend(runtime::run(&checkout, args)?);
    }
    let failed = outcomes.iter().filter(|outcome| outcome.problem.is_some()).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    if failed > 0 {
        bail!("{failed} cases do not do what they do for wit-bindgen");
    }
    Ok(())
}

/// Prints how one case went, while the next one runs.
fn report(outcome: &Outcome, verbose: bool) {
    let word = if outcome.problem.is_none() { "ok" } else { "FAILED" };
    println!("    {word:<6} {}", outcome.name);
    if let Some(problem) = &outcome.problem {
        let lines = problem.lines().filter(|line| !line.trim().is_empty());
        let shown = if verbose { usize::MAX } else { 12 };
        lines.take(shown).for_each(|line| println!("           | {line}"));
    }
}
