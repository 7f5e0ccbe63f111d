//! `cargo xtask interop`: our guests together with components that are not ours, on hosts that are not ours.
//!
//! Components of several makes provide and use one interface, `tests/interop/wit`. They are composed in pairs and chains and called on
//! Wasmtime and in JavaScript. Several runtimes meet in one component, and the examples of WASI 0.3 run on Wasmtime's command
//! lines. What is needed for that and not there is installed into `target/interop`, from the registries of Rust, Python and Node; a
//! program of the system only where this runs as root on Debian. What cannot be had is skipped, by name and with the reason: a
//! scenario that nobody could run is neither passed nor failed.

mod command;
mod components;
mod host;
mod http;
mod jco;
mod lack;
mod matrix;
mod mixed;
mod report;
mod serve;
mod server;
mod tools;
mod versions;

use anyhow::Result;

use crate::toolchain;
use components::Lab;
use report::Report;

/// Arguments of `cargo xtask interop`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What continuous integration runs: our guests with those by wit-bindgen and those in C, on three hosts.
    #[arg(long)]
    quick: bool,
    /// Only scenarios whose names contain this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
}

/// Runs the scenarios and says how each ended.
pub(crate) fn run(args: &Args) -> Result<()> {
    toolchain::run()?;
    let lab = Lab::new(args.quick)?;
    let mut report = Report::new(args.only.clone());
    matrix::run(&lab, &mut report);
    jco::run(&lab, &mut report);
    mixed::run(&lab, &mut report);
    versions::run(&lab, &mut report);
    command::run(&lab, &mut report);
    serve::run(&lab, &mut report);
    report.end()
}

/// What continuous integration runs.
pub(crate) fn quick() -> Result<()> {
    run(&Args {
        quick: true,
        only: Vec::new(),
    })
}
