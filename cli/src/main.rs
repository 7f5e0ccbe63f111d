//! The `bindgen` command. Everything it does is in the library; only the exit code is made here.

use std::io::{stderr, stdout};
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let command = witflow_cli::Command::parse();
    match command.run(&mut stdout().lock(), &mut stderr().lock()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
