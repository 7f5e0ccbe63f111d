//! Rewrites the expected output of the tests that compare text.
//!
//! Those tests write instead of comparing when `WITFLOW_BLESS` is set.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The integration tests that compare text. A new one is added here.
const TESTS: &[&str] = &["generated", "new", "ui"];

/// Runs the tests twice: once to write, once to see that what was written holds.
pub(crate) fn run() -> Result<()> {
    process::run(test().env("WITFLOW_BLESS", "1")).context("the expected output was not written")?;
    process::run(test().env_remove("WITFLOW_BLESS")).context("a test fails even with its expected output rewritten")?;
    println!("Read the changes before you commit them: git diff");
    Ok(())
}

/// Packages are chosen as in a test of the whole workspace, so that nothing is built a second time with other features.
fn test() -> Command {
    let mut command = process::cargo(["test", "--quiet", "--workspace"]);
    command.args(TESTS.iter().flat_map(|test| ["--test", test]));
    command
}
