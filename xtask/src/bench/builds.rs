//! How long a minimal guest takes to build from nothing, and of how many crates.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::contenders::{TARGET, peer_cargo};
use super::cpu::{self, Took};
use super::{generation, quiet};
use crate::process;

/// One build.
pub(super) struct Build {
    contender: &'static str,
    how: &'static str,
    took: Took,
    crates: usize,
    /// The size of the core module, in bytes.
    size: u64,
}

impl Build {
    pub(super) fn json(&self) -> Value {
        json!({
            "contender": self.contender,
            "bindings": self.how,
            "cpu_seconds": self.took.cpu.as_secs_f64(),
            "wall_seconds": self.took.wall.as_secs_f64(),
            "crates": self.crates,
        })
    }
}

/// Builds into an empty folder.
fn build(contender: &'static str, how: &'static str, mut cargo: Command, package: &str) -> Result<Build> {
    let folder = process::target_folder()?.join("bench-clean");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("emptying the folder of clean builds")?;
    }
    cargo.args([
        "--profile",
        "guest",
        "--target",
        TARGET,
        "--package",
        package,
        "--target-dir",
    ]);
    cargo.arg(&folder);
    let (crates, took) = cpu::measure(&mut cargo, compiled)?;
    let module = folder
        .join(TARGET)
        .join("guest")
        .join(package.replace('-', "_"))
        .with_extension("wasm");
    Ok(Build {
        contender,
        how,
        took,
        crates,
        size: std::fs::metadata(module).context("the module that was built")?.len(),
    })
}

/// Runs a build and counts the crates it compiles.
fn compiled(cargo: &mut Command) -> Result<usize> {
    let shown = process::show(cargo);
    let output = cargo.stdout(Stdio::null()).output();
    let output = output.with_context(|| format!("`{shown}` cannot be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("`{shown}` failed:\n{said}");
    }
    Ok(said
        .lines()
        .filter(|line| line.trim_start().starts_with("Compiling "))
        .count())
}

/// Builds each guest with the macro and with bindings made ahead of time.
pub(super) fn measure() -> Result<Vec<Build>> {
    // What is downloaded is not measured.
    quiet(&mut process::cargo(["fetch", "--locked"]))?;
    quiet(&mut peer_cargo(["fetch", "--locked"]))?;
    let folder = process::target_folder()?.join("bench-generated");
    let (ours, theirs) = generation::minimal(&folder)?;
    let ahead = |mut cargo: Command, variable: &str, bindings: &Path| {
        cargo.arg("--no-default-features").env(variable, bindings);
        cargo
    };
    let own = || process::cargo(["build", "--offline"]);
    let peer = || peer_cargo(["build", "--offline"]);
    Ok(vec![
        build("witflow", "macro", own(), "bench-minimal")?,
        build("wit-bindgen", "macro", peer(), "peer-minimal")?,
        build(
            "witflow",
            "ahead of time",
            ahead(own(), "BENCH_BINDINGS", &ours),
            "bench-minimal",
        )?,
        build(
            "wit-bindgen",
            "ahead of time",
            ahead(peer(), "PEER_BINDINGS", &theirs),
            "peer-minimal",
        )?,
    ])
}

/// The builds as a table. The ratio is to the last contender with bindings made in the same way.
pub(super) fn text(builds: &[Build]) -> String {
    let mut text = "\n## Clean build of the minimal guest\n\n".to_owned();
    text += "| contender | bindings | CPU s | wall s | crates | core module, bytes |\n| --- | --- | ---: | ---: | ---: | ---: |\n";
    for build in builds {
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | {:.1} | {} | {} |",
            build.contender,
            build.how,
            build.took.cpu.as_secs_f64(),
            build.took.wall.as_secs_f64(),
            build.crates,
            build.size
        );
    }
    text
}
