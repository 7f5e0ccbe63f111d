//! `bindgen completions`: a script that lets a shell complete the command's arguments.

use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{Command, Failure};

/// Writes the script for a shell.
pub(crate) fn run(shell: Shell, out: &mut dyn Write) -> Result<bool, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Command::command(), "bindgen", &mut script);
    out.write_all(&script)?;
    Ok(true)
}
