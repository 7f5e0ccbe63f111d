//! Prints what components do under load: `bench-load --component NAME=FILE`. With several, how they compare.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use bench_load::{Load, Outcome, median, rate};
use clap::Parser as _;

/// Puts load on components that export wasi:http/handler as the example http-service does.
#[derive(Debug, clap::Parser)]
struct Args {
    /// A component; the first is compared with the others.
    #[arg(long = "component", value_name = "NAME=FILE", value_parser = component, required = true)]
    components: Vec<(String, PathBuf)>,
    /// Requests for each component.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// In so many rounds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Clients that work at a time.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
}

fn component(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("say NAME=FILE")?;
    Ok((name.to_owned(), file.into()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let load = Load {
        requests: args.requests.div_ceil(args.rounds),
        rounds: args.rounds,
        concurrency: args.concurrency,
    };
    let outcomes = bench_load::run(&args.components, load).await?;
    outcomes.iter().for_each(|outcome| print(outcome, load));
    if let Some((ours, others)) = outcomes.split_first() {
        others.iter().for_each(|other| compare(ours, other, load));
    }
    let faults: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| Some(format!("{}: {}", outcome.name, outcome.fault()?)))
        .collect();
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

fn print(outcome: &Outcome, load: Load) {
    let Outcome { name, served, .. } = outcome;
    println!("{name}");
    println!("  round  requests/s    MiB/s  guest KiB  process KiB");
    for (number, round) in outcome.rounds.iter().enumerate() {
        let flow = round.bytes as f64 / f64::from(1 << 20) / round.took.as_secs_f64();
        let process = round
            .process_memory
            .map_or("?".to_owned(), |bytes| (bytes / 1024).to_string());
        println!(
            "  {number:>5}  {:>10.0}  {flow:>7.1}  {:>9}  {process:>11}",
            rate(round, load),
            round.guest_memory / 1024
        );
    }
    println!(
        "  {} requests by {} clients, {} failed; {} bad clients; {} instances; {:.0} requests/s",
        load.requests * load.rounds,
        load.concurrency,
        outcome.failures.0,
        outcome.mischief,
        served.instances,
        outcome.rate(load)
    );
}

fn compare(ours: &Outcome, other: &Outcome, load: Load) {
    let pairs = ours.rounds.iter().zip(&other.rounds);
    let mut ratios: Vec<f64> = pairs.map(|(one, two)| rate(one, load) / rate(two, load)).collect();
    let (least, most) = ratios.iter().fold((f64::MAX, f64::MIN), |(least, most), ratio| {
        (least.min(*ratio), most.max(*ratio))
    });
    println!(
        "{} / {}: {:.3} times the requests (rounds from {least:.3} to {most:.3})",
        ours.name,
        other.name,
        median(&mut ratios)
    );
}
