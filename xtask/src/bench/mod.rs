//! `cargo xtask bench`: what guests cost, against the same guests by wit-bindgen and against the bare Canonical ABI.
//!
//! The workloads run on one host, `benches/runner`, in one process. Everything that depends on this machine is measured for all
//! contenders in the same run, so that its ratios mean something. What does not depend on it, fuel and sizes, is compared with
//! `benches/baseline.txt` by `cargo xtask test`.

mod baseline;
mod builds;
mod contenders;
mod cpu;
mod generation;

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::process;
use contenders::Contenders;

pub(crate) use baseline::check;
pub(crate) use contenders::peer_cargo;

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Count fuel and nothing else.
    #[arg(long)]
    fuel_only: bool,
    /// Print JSON and nothing else.
    #[arg(long)]
    json: bool,
    /// One more contender: a component of `world bench`.
    #[arg(long, value_name = "NAME=COMPONENT")]
    with: Vec<String>,
    /// Only the workloads whose name contains this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// How often to measure time.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Measure clean builds and the generation of bindings, and nothing else.
    #[arg(long)]
    builds: bool,
    /// Run ten million calls and ten gibibytes of stream through our guest, see that its memory stays, and do nothing else.
    #[arg(long)]
    soak: bool,
    /// Write `benches/baseline.txt` anew, and do nothing else.
    #[arg(long)]
    bless: bool,
}

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.bless {
        return baseline::bless();
    }
    if args.soak {
        print!("{}", output(Contenders::ours()?.runner(false)?.arg("--soak"))?);
        return Ok(());
    }
    if args.builds {
        let (builds, generation) = (builds::measure()?, generation::measure()?);
        print!("{}{}", builds::text(&builds), generation.text());
        return Ok(());
    }
    let contenders = Contenders::build(!args.fuel_only)?;
    let mut runner = contenders.runner(!args.fuel_only)?;
    runner.args(args.with.iter().flat_map(|contender| ["--bench", contender]));
    runner.args(args.only.iter().flat_map(|text| ["--only", text]));
    if !args.fuel_only {
        runner.args(["--runs", &args.runs.to_string()]);
    }
    if args.json {
        runner.arg("--json");
    }
    let measured = output(&mut runner)?;
    if args.fuel_only {
        print!("{measured}");
        return Ok(());
    }
    let builds = builds::measure()?;
    let generation = generation::measure()?;
    if args.json {
        let mut all: Value = serde_json::from_str(&measured).context("reading what the runner printed")?;
        all["builds"] = json!(builds.iter().map(builds::Build::json).collect::<Vec<_>>());
        all["generation"] = generation.json();
        println!("{all}");
    } else {
        print!("{measured}{}{}", builds::text(&builds), generation.text());
    }
    Ok(())
}

/// Runs a command whose output is not ours to print: what it says goes where errors go.
fn quiet(command: &mut Command) -> Result<()> {
    let shown = process::show(command);
    let status = command.stdout(Stdio::from(std::io::stderr())).status();
    if !status
        .with_context(|| format!("`{shown}` cannot be started"))?
        .success()
    {
        bail!("`{shown}` failed");
    }
    Ok(())
}

/// What a command prints.
fn output(command: &mut Command) -> Result<String> {
    let shown = process::show(command);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("`{shown}` cannot be started"))?;
    if !output.status.success() {
        bail!("`{shown}` failed");
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed something that is no text"))
}
