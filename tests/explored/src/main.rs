//! Explores the scenarios, looks for the one that notices a defect, repeats schedules, and shows them.

mod cli;

use clap::Parser as _;
use std::process::ExitCode;
use witflow_host::CheckedAllocator;

#[global_allocator]
static HEAP: CheckedAllocator = CheckedAllocator;

fn main() -> ExitCode {
    cli::Command::parse().run()
}
