//! The repository's own commands, run as `cargo xtask COMMAND`.
//!
//! One file for each noun; this one only reads the command line. Nothing here is needed to build or use the crates.

mod bad_input;
mod batch;
mod bench;
mod bless;
mod demo;
mod deny;
mod explore;
mod files;
mod guests;
mod guide;
mod interop;
mod load;
mod miri;
mod msrv;
mod mutants;
mod package;
mod process;
mod reference;
mod test;
mod tidy;
mod toolchain;
mod upstream;
mod worlds;

use std::process::ExitCode;

use clap::Parser;

/// The repository's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Build the text-stats example as a component and run it on files.
    Demo(demo::Args),
    /// Measure what guests cost, against other ways to make them.
    Bench(bench::Args),
    /// Put load on the HTTP example, beside the same program by another crate.
    Load(load::Args),
    /// Compose our guests with components of other makes, and run them on other hosts.
    Interop(interop::Args),
    /// Check everything that continuous integration checks.
    Test(test::Args),
    /// Check the rules of the repository that no other tool knows.
    Tidy,
    /// Rewrite the expected output of the tests that compare text.
    Bless,
    /// Give the generators bad input and see what they say.
    BadInput(bad_input::Args),
    /// Compare the host's state machines with the specification's executable reference.
    Reference(reference::Args),
    /// Explore the schedules of the scenarios, all that differ.
    Explore(explore::Args),
    /// See whether exploring schedules notices defects that are put into the runtime.
    Mutants(mutants::Args),
    /// Run wit-bindgen's own tests against our bindings.
    Upstream(upstream::Args),
    /// Make random worlds and compile their bindings.
    Worlds(worlds::Args),
    /// Run native tests with Miri, which watches every access to memory.
    Miri(miri::Args),
    /// Make the packages that are published, and build each alone.
    Package,
    /// Make sure that the WebAssembly targets are installed.
    Toolchain,
}

impl Command {
    fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Demo(args) => demo::run(args),
            Self::Bench(args) => bench::run(args),
            Self::Load(args) => load::run(args),
            Self::Interop(args) => interop::run(args),
            Self::Test(args) => test::run(args),
            Self::Tidy => tidy::run(),
            Self::Bless => bless::run(),
            Self::BadInput(args) => bad_input::run(args),
            Self::Reference(args) => reference::run(args),
            Self::Explore(args) => explore::run(args),
            Self::Mutants(args) => mutants::run(args),
            Self::Upstream(args) => upstream::run(args),
            Self::Worlds(args) => worlds::run(args),
            Self::Miri(args) => miri::run(args),
            Self::Package => package::run(),
            Self::Toolchain => toolchain::run(),
        }
    }
}

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
