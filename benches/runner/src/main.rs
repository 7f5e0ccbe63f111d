//! Runs the workloads of `benches/wit` on components and counts what each operation costs.
//!
//! A contender is a component of `world bench`, and may have one of `world minimal`. Every result is checked, in every run:
//! a contender that does less than the workload says is an error and no fast contender.
//!
//! Fuel is the number of wasm instructions and is exact: the same component gives the same figure everywhere. Time is not;
//! it is measured without fuel, in fresh stores, in two placements of the code, the contenders taking turns, and only its ratios within
//! one run mean much.

mod contender;
mod host;
mod measure;
mod park;
mod placement;
mod profile;
mod report;
mod soak;
mod streams;
mod workloads;

use clap::Parser;
use contender::Contender;
use std::process::ExitCode;
use wasmtime::{Result, ensure};
use workloads::Workload;

/// Measures components.
#[derive(Debug, Parser)]
struct Args {
    /// A contender, `NAME=COMPONENT`. A core module of the right shape is made a component.
    #[arg(long = "bench", value_name = "NAME=FILE", required_unless_present = "profile")]
    bench: Vec<String>,
    /// The same contender's component of `world minimal`.
    #[arg(long, value_name = "NAME=FILE")]
    minimal: Vec<String>,
    /// The same contender's component of `world sink`.
    #[arg(long, value_name = "NAME=FILE")]
    sink: Vec<String>,
    /// The same contender's component that counts its allocations.
    #[arg(long, value_name = "NAME=FILE")]
    counting: Vec<String>,
    /// The WIT of `world bench` and of `world minimal`, for core modules without a description of their own.
    #[arg(long, value_name = "FOLDER")]
    wit: std::path::PathBuf,
    /// Only the workloads whose name contains one of these.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// A core module of `world bench` with names: prints where its instructions go, and nothing else.
    #[arg(long, value_name = "FILE")]
    profile: Option<String>,
    /// Only run ten million calls and ten gibibytes of stream through each contender, and see that its memory stays.
    #[arg(long)]
    soak: bool,
    /// How often to measure time; none leaves it out.
    #[arg(long, default_value_t = 0)]
    runs: usize,
    /// Print JSON and nothing else.
    #[arg(long)]
    json: bool,
}

fn run(args: &Args) -> Result<()> {
    let is_chosen =
        |workload: &&Workload| args.only.is_empty() || args.only.iter().any(|text| workload.name.contains(text));
    let chosen: Vec<_> = workloads::ALL.iter().filter(is_chosen).collect();
    let beside: Vec<_> = workloads::BESIDE.iter().filter(is_chosen).collect();
    ensure!(
        !chosen.is_empty() || !beside.is_empty(),
        "no workload is chosen by {:?}",
        args.only
    );
    if let Some(file) = &args.profile {
        return chosen
            .iter()
            .try_for_each(|workload| profile::run(workload, file, &args.wit));
    }
    let contenders = Contender::load_all(args)?;
    if args.soak {
        return soak::run(&contenders);
    }
    let measure = |workloads: Vec<&Workload>, runs| {
        let rows = workloads.into_iter();
        rows.map(|workload| measure::measure(workload, &contenders, runs))
            .collect::<Result<Vec<_>>>()
    };
    let (rows, beside) = (measure(chosen, args.runs)?, measure(beside, 0)?);
    if args.json {
        println!("{}", report::json(&rows, &beside, &contenders));
    } else {
        print!("{}", report::text(&rows, &beside, &contenders));
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
