//! `cargo xtask demo`: builds the `text-stats` example as a component and runs it on files.
//!
//! It needs nothing but the Rust toolchain: missing targets are installed, and everything is built that is not there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, toolchain};

/// The target that needs `bindgen component`.
const CORE: &str = "wasm32-unknown-unknown";

/// What to build to have the runner, in a way that `cargo test --workspace` finds its dependencies built.
///
/// Cargo gives a dependency the features that all selected packages want of it, and with a test among the targets those that tests
/// want too. Were only the runner selected, Wasmtime would be built once for the demo and again for the tests.
const RUNNER: &[&str] = &["--workspace", "--bin", "text-stats-runner", "--test", "files"];

/// Arguments of `cargo xtask demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The target to build the guest for.
    #[arg(long, default_value = "wasm32-wasip2", value_parser = crate::guests::TARGETS.to_vec())]
    target: String,
    /// Leave what the component did in this file: a page with a timeline if it ends in `.html`, a trace for Perfetto if in `.json`.
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// Files to count; without any, this repository's own.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Builds what is needed and runs it.
pub(crate) fn run(args: &Args) -> Result<()> {
    toolchain::run()?;
    let folder = process::target_folder()?;
    let guest = ["--package", "text-stats", "--profile", "guest"];
    build(&folder, &[&guest[..], &["--target", &args.target]].concat())?;
    build(&folder, RUNNER)?;
    let guests = folder.join(&args.target).join("guest");
    let mut component = guests.join("text_stats.wasm");
    if args.target == CORE {
        let core = std::mem::replace(&mut component, guests.join("text_stats.component.wasm"));
        build(&folder, &["--package", "witflow-cli"])?;
        let mut bindgen = Command::new(program(&folder, "bindgen"));
        process::run(bindgen.arg("component").arg(core).arg("-o").arg(&component))?;
    }

    let mut runner = Command::new(program(&folder, "text-stats-runner"));
    runner.arg(component);
    if let Some(path) = &args.timeline {
        runner.arg("--timeline").arg(std::path::absolute(path)?);
    }
    if args.files.is_empty() {
        // The files given are found from where one is; those of the repository from its root.
        runner.current_dir(process::root());
    }
    let status = runner.arg("--").args(&args.files).status();
    if !status.context("the runner cannot be started")?.success() {
        bail!("not all files were counted");
    }
    Ok(())
}

/// Builds something into the folder this program is from.
fn build(folder: &Path, what: &[&str]) -> Result<()> {
    let mut cargo = process::cargo(["build"]);
    process::run(cargo.args(what).arg("--target-dir").arg(folder))
}

/// A program that Cargo built for this machine.
fn program(folder: &Path, name: &str) -> PathBuf {
    folder
        .join("debug")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}
