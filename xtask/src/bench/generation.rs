//! How long it takes to generate formatted bindings of a large world.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::contenders::peer_cargo;
use super::cpu;
use super::quiet;
use crate::process;

/// How often each generator runs. One run takes few ticks of the clock that processor time is measured with, so all are
/// measured together.
const RUNS: u32 = 40;

/// Time for one run of each generator; none when it failed.
pub(super) struct Generation {
    ours: Option<Duration>,
    theirs: Option<Duration>,
}

/// A program of this workspace or of the peer's, optimised.
fn program(mut cargo: Command, package: &str, name: &str, folder: &Path) -> Result<PathBuf> {
    cargo.args(["--release", "--package", package, "--bin", name]);
    quiet(cargo.arg("--target-dir").arg(folder))?;
    Ok(folder
        .join("release")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION))
}

fn ours() -> Result<PathBuf> {
    program(
        process::cargo(["build"]),
        "witflow-cli",
        "bindgen",
        &process::target_folder()?,
    )
}

fn theirs() -> Result<PathBuf> {
    let folder = process::target_folder()?.join("bench-peer");
    program(
        peer_cargo(["build", "--locked"]),
        "peer-generate",
        "peer-generate",
        &folder,
    )
}

fn run_ours(program: &Path, world: &str, wit: &Path, out: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["rust", "--generate-all", "--world", world]).arg(wit);
    command.arg("--out-dir").arg(out);
    command
}

fn run_theirs(program: &Path, world: &str, wit: &Path, out: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(world).arg(wit).arg(out);
    command
}

/// Runs a generator often; says so when it fails, since that is no reason to measure nothing.
fn average(command: impl Fn() -> Command) -> Option<Duration> {
    let all = |_: &mut Command| (0..RUNS).try_for_each(|_| quiet(&mut command()));
    match cpu::measure(&mut command(), all) {
        Ok(((), took)) => Some(took.cpu / RUNS),
        Err(error) => {
            eprintln!("generation is not measured: {error:#}");
            None
        }
    }
}

/// Generates the world of a WASI HTTP service.
pub(super) fn measure() -> Result<Generation> {
    const WORLD: &str = "wasi:http/service@0.3.2";
    let wit = process::root().join("benches/wit/wasi");
    let out = process::target_folder()?.join("bench-generated").join("http");
    let (bindgen, peer) = (ours()?, theirs()?);
    Ok(Generation {
        ours: average(|| run_ours(&bindgen, WORLD, &wit, &out)),
        theirs: average(|| run_theirs(&peer, WORLD, &wit, &out)),
    })
}

/// Bindings of the minimal world by both, below `folder`.
pub(super) fn minimal(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let wit = process::root().join("benches/wit/minimal.wit");
    let (ours_at, theirs_at) = (folder.join("witflow"), folder.join("wit-bindgen"));
    quiet(&mut run_ours(&ours()?, "minimal", &wit, &ours_at))?;
    quiet(&mut run_theirs(&theirs()?, "minimal", &wit, &theirs_at))?;
    Ok((only_file(&ours_at)?, only_file(&theirs_at)?))
}

/// The one Rust file in a folder.
fn only_file(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading `{}`", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    match files.as_slice() {
        [file] => Ok(file.clone()),
        files => bail!("{} files in `{}` where one is expected", files.len(), folder.display()),
    }
}

impl Generation {
    pub(super) fn json(&self) -> Value {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        json!({ "world": "wasi:http/service", "cpu_seconds": { "witflow": seconds(self.ours), "wit-bindgen": seconds(self.theirs) } })
    }

    pub(super) fn text(&self) -> String {
        let show = |time: Option<Duration>| {
            time.map_or_else(
                || "n/a".to_owned(),
                |time| format!("{:.1}", time.as_secs_f64() * 1000.0),
            )
        };
        format!(
            "\n## Generating wasi:http/service, formatted\n\n| contender | CPU ms |\n| --- | ---: |\n| witflow | {} |\n| wit-bindgen | {} |\n",
            show(self.ours),
            show(self.theirs)
        )
    }
}
