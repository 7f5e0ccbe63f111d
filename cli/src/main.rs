//! The `bindgen` command. Everything it does is in the library; only the exit code is made here.

use std::io::{stderr, stdout};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Parser as _;
use witflow_cli::Output;

fn main() -> ExitCode {
    let command = witflow_cli::Command::parse();
    let (out, err) = (stdout(), stderr());
    let colours = |choice| choice != ColorChoice::Never;
    let (out_colours, err_colours) = (AutoStream::choice(&out), AutoStream::choice(&err));
    let (mut out, mut err) = (out.lock(), err.lock());
    let mut out = Output::new(&mut out, colours(out_colours));
    let mut err = Output::new(&mut err, colours(err_colours));
    match command.run_on(&mut out, &mut err) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
