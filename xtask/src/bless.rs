//! Rewrites the expected output of the tests that compare text: listings, goldens, compiler messages.
//!
//! Those tests write instead of comparing when `WITFLOW_BLESS` is set. They are all in packages that need no Wasmtime.

use anyhow::{Context, Result};

use crate::process;

/// Where tests compare text.
const PACKAGES: &[&str] = &[
    "witflow-bindgen-core",
    "witflow-bindgen-rust",
    "witflow-build",
    "witflow-cli",
    "witflow-macro",
];

/// Runs the tests twice: once to write, once to see that what was written holds.
pub(crate) fn run() -> Result<()> {
    process::run(test().env("WITFLOW_BLESS", "1")).context("the expected output was not written")?;
    process::run(test().env_remove("WITFLOW_BLESS")).context("a test fails even with its expected output rewritten")?;
    println!("Read the changes before you commit them: git diff");
    Ok(())
}

fn test() -> std::process::Command {
    let mut command = process::cargo(["test", "--quiet"]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command
}
