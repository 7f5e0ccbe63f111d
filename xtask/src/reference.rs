//! `cargo xtask reference`: the host's state machines against the specification's executable reference.
//!
//! The reference is not part of this repository: a checkout of the specification is named by its folder, on the command line or
//! in `WITFLOW_SPEC`. Without one, continuous integration says that it skips the comparison.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::process::{self, cargo};

/// Arguments of `cargo xtask reference`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A checkout of the Component Model's specification, or the folder with its definitions.py.
    checkout: PathBuf,
    /// How many tapes to play.
    #[arg(long, default_value_t = 6_000)]
    tapes: usize,
    /// The seed of the first one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Where definitions.py is in a checkout.
const INSIDE: &str = "design/mvp/canonical-abi";

/// Plays tapes of operations on both sides and compares what happens.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = folder_of(&args.checkout);
    ensure!(
        folder.join("definitions.py").is_file(),
        "there is no definitions.py in `{}`, nor in its folder {INSIDE}",
        args.checkout.display()
    );
    let mut test = comparison(&folder.canonicalize()?);
    test.env("WITFLOW_TAPES", args.tapes.to_string())
        .env("WITFLOW_SEED", args.seed.to_string());
    process::run(&mut test)
}

/// What continuous integration does: the comparison, if the reference is at hand.
pub(crate) fn run_if_at_hand() -> Result<()> {
    match std::env::var_os("WITFLOW_SPEC") {
        Some(checkout) => process::run(&mut comparison(&folder_of(Path::new(&checkout)))),
        None => {
            println!(
                "    SKIPPED: WITFLOW_SPEC names no checkout of the specification; see `cargo xtask reference --help`"
            );
            Ok(())
        }
    }
}

fn folder_of(checkout: &Path) -> PathBuf {
    let inside = checkout.join(INSIDE);
    if inside.is_dir() { inside } else { checkout.to_owned() }
}

fn comparison(folder: &Path) -> Command {
    let mut test = cargo([
        "test",
        "--package",
        "witflow-host",
        "--lib",
        "canonical::reference",
        "--",
        "--nocapture",
    ]);
    test.env("WITFLOW_SPEC", folder);
    test
}
