//! `cargo xtask load`: puts load on the example `http-service` and on the same program by the crate wasip3, in one run.
//!
//! `benches/load` does it, behind Wasmtime's own handler over loopback. It checks every answer, and fails when one is wrong or
//! missing, when memory grows, or when a server does not end in order.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{bench, process, toolchain};

const TARGET: &str = "wasm32-wasip2";

/// How to build the program so that tests find Wasmtime built: see `demo`.
const PROGRAM: &[&str] = &["build", "--workspace", "--bin", "bench-load", "--test", "files"];

/// Arguments of `cargo xtask load`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests for each of the two.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// In so many rounds, in which they take turns.
    #[arg(long, default_value_t = 40)]
    rounds: u64,
    /// Clients that work at a time.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Threads of the servers, and instances in each of them.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Only the example, without the other.
    #[arg(long)]
    alone: bool,
    /// Count the guests' instructions for each kind and size of request instead.
    #[arg(long)]
    fuel: bool,
}

/// Builds everything and puts the load on it.
pub(crate) fn run(args: &Args) -> Result<()> {
    toolchain::run()?;
    let folder = process::target_folder()?;
    process::run(process::cargo(PROGRAM.iter().copied()).arg("--target-dir").arg(&folder))?;
    let program = folder.join("debug").join("bench-load");
    let mut load = Command::new(program.with_extension(std::env::consts::EXE_EXTENSION));
    let mut add = |name: &str, mut cargo: Command, folder: &Path, package: &str| {
        cargo.args(["--package", package, "--profile", "guest", "--target", TARGET]);
        process::run(cargo.arg("--target-dir").arg(folder))?;
        let file = folder.join(TARGET).join("guest").join(package.replace('-', "_"));
        load.arg("--component");
        load.arg(format!("{name}={}", file.with_extension("wasm").display()));
        Ok::<(), anyhow::Error>(())
    };
    add("witflow", process::cargo(["build"]), &folder, "http-service")?;
    if !args.alone {
        let peer = bench::peer_cargo(["build", "--locked"]);
        add("wasip3", peer, &folder.join("bench-peer"), "peer-http")?;
    }
    let numbers = [
        ("--requests", args.requests),
        ("--rounds", args.rounds),
        ("--concurrency", args.concurrency as u64),
        ("--threads", args.threads as u64),
    ];
    for (option, number) in numbers {
        load.arg(option).arg(number.to_string());
    }
    if args.fuel {
        load.arg("--fuel");
    }
    process::run(&mut load)
}
