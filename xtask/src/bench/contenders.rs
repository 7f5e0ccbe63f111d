//! The guests that are compared, and the program that runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::quiet;
use crate::process;

pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// How to build the runner so that tests find Wasmtime built: see `demo`.
const RUNNER: &[&str] = &["--workspace", "--bin", "bench-runner", "--test", "files"];

/// Where the built guests are.
pub(super) struct Contenders {
    /// Where Cargo builds this workspace, and where that of the peer.
    folder: PathBuf,
    peer: Option<PathBuf>,
    /// Whether there are guests that count allocations.
    counting: bool,
}

/// Cargo in the peer's workspace.
pub(crate) fn peer_cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = process::cargo(args);
    command.current_dir(process::root().join("benches/peer"));
    // Flags for this workspace are none of the other's.
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}

/// Builds packages for the guests' target.
fn guests(mut cargo: Command, packages: &[&str], folder: &Path) -> Result<()> {
    cargo.args(["--profile", "guest", "--target", TARGET]);
    cargo.args(packages.iter().flat_map(|package| ["--package", package]));
    quiet(cargo.arg("--target-dir").arg(folder))
}

impl Contenders {
    /// Builds ours, the peer's and the bare ones. With `counting` also those that count allocations.
    pub(super) fn build(counting: bool) -> Result<Contenders> {
        let folder = process::target_folder()?;
        let contenders = Contenders {
            peer: Some(folder.join("bench-peer")),
            folder,
            counting,
        };
        contenders.build_ours()?;
        // The peer's minimal guest is built by itself: together, it would have the features of the other.
        let build = || peer_cargo(["build", "--locked"]);
        let peer = contenders.folder.join("bench-peer");
        guests(build(), &["peer-minimal"], &peer)?;
        guests(build(), &["peer-bench"], &peer)?;
        if counting {
            let features = ["--features", "count-allocations"];
            let mut cargo = process::cargo(["build"]);
            cargo.args(features);
            guests(cargo, &["bench-witflow"], &contenders.folder.join("bench-counting"))?;
            let mut cargo = build();
            cargo.args(features);
            guests(cargo, &["peer-bench"], &contenders.folder.join("bench-counting-peer"))?;
        }
        Ok(contenders)
    }

    /// Builds ours only.
    pub(super) fn ours() -> Result<Contenders> {
        let contenders = Contenders {
            folder: process::target_folder()?,
            peer: None,
            counting: false,
        };
        contenders.build_ours()?;
        Ok(contenders)
    }

    fn build_ours(&self) -> Result<()> {
        let packages = [
            "bench-witflow",
            "bench-minimal",
            "bench-sink",
            "bench-raw",
            "bench-raw-minimal",
        ];
        guests(process::cargo(["build"]), &packages, &self.folder)
    }

    /// The runner, with the contenders as arguments. What measures time is optimised, and so takes long to build.
    pub(super) fn runner(&self, optimised: bool) -> Result<Command> {
        let mut cargo = process::cargo(["build"]);
        let profile = if optimised {
            cargo.args(["--package", "bench-runner", "--release"]);
            "release"
        } else {
            cargo.args(RUNNER);
            "debug"
        };
        quiet(cargo.arg("--target-dir").arg(&self.folder))?;
        let program = self.folder.join(profile).join("bench-runner");
        let mut runner = Command::new(program.with_extension(std::env::consts::EXE_EXTENSION));
        runner.arg("--wit").arg(process::root().join("benches/wit"));
        let mut add = |option: &str, name: &str, folder: &Path, guest: &str| {
            let file = folder.join(TARGET).join("guest").join(guest).with_extension("wasm");
            runner.arg(option).arg(format!("{name}={}", file.display()));
        };
        add("--bench", "witflow", &self.folder, "bench_witflow");
        add("--minimal", "witflow", &self.folder, "bench_minimal");
        add("--sink", "witflow", &self.folder, "bench_sink");
        if let Some(peer) = &self.peer {
            add("--bench", "wit-bindgen", peer, "peer_bench");
            add("--minimal", "wit-bindgen", peer, "peer_minimal");
            add("--bench", "raw", &self.folder, "bench_raw");
            add("--minimal", "raw", &self.folder, "bench_raw_minimal");
        }
        if self.counting {
            add(
                "--counting",
                "witflow",
                &self.folder.join("bench-counting"),
                "bench_witflow",
            );
            add(
                "--counting",
                "wit-bindgen",
                &self.folder.join("bench-counting-peer"),
                "peer_bench",
            );
        }
        Ok(runner)
    }
}
