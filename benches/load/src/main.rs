//! Prints what components do under load: `bench-load --component NAME=FILE`. With several, how they compare.

mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use bench_load::{Load, fuel};
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
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Clients that work at a time.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Threads of the servers, and instances in each of them.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Count the guests' instructions for each kind and size of request instead, without a connection.
    #[arg(long)]
    fuel: bool,
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
    if args.fuel {
        report::fuel(&args.components, &fuel::measure(&args.components).await?);
        return Ok(());
    }
    let load = Load {
        requests: args.requests.div_ceil(args.rounds),
        rounds: args.rounds,
        concurrency: args.concurrency,
        threads: args.threads,
    };
    let outcomes = bench_load::run(&args.components, load).await?;
    outcomes.iter().for_each(|outcome| report::contender(outcome, load));
    if let Some((ours, others)) = outcomes.split_first() {
        others.iter().for_each(|other| report::comparison(ours, other, load));
    }
    let faults: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| Some(format!("{}: {}", outcome.name, outcome.fault()?)))
        .collect();
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    println!("no request failed, and memory did not grow");
    Ok(())
}
