//! What the tests of the commands share.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::Path;

use tempfile::TempDir;
use witflow_cli::{Command, Output};

/// The command that arguments name.
pub(crate) fn command(args: &[&str]) -> Command {
    let args = std::iter::once("bindgen").chain(args.iter().copied());
    Command::from_args(args).unwrap_or_else(|misuse| panic!("{misuse}"))
}

/// Runs a command; gives whether it succeeded, and what it wrote to each stream.
pub(crate) fn bindgen(args: &[&str]) -> (bool, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let done = command(args).run(&mut out, &mut err);
    (done, string(out), string(err))
}

/// As [`bindgen`], with `--watch`: what happens between two runs is up to `pause`.
pub(crate) fn watch(args: &[&str], pause: &mut dyn FnMut() -> bool) -> (bool, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let done = command(args).run_while(&mut Output::plain(&mut out), &mut Output::plain(&mut err), pause);
    (done, string(out), string(err))
}

pub(crate) fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the command writes text")
}

pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}
