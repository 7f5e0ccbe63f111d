//! `cargo xtask mutants`: whether exploring schedules notices defects.
//!
//! Each mutant is a small defect in the runtime or in generated code, as one is made in earnest: a wake that is lost, a handle that
//! is dropped twice, memory that is freed early. All of them are put into a copy of the workspace, each behind a switch, and the
//! copy is built once. Then the explorer looks for a schedule that fails, with one of them switched on at a time. The token it
//! finds is replayed in a process of its own and has to fail again.
//!
//! One more is the canary, a defect that nothing could overlook: if it is not found, nothing works. And without any, all
//! scenarios have to pass.

mod calls;
mod copy;
mod futures;
mod generated;
mod hunt;
mod patch;
mod streams;
mod tasks;

use anyhow::{Result, bail, ensure};

use hunt::{Explorer, Found};

/// Arguments of `cargo xtask mutants`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only mutants whose names contain this; may be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// How many schedules of each scenario are tried before a mutant is taken to survive.
    #[arg(long, default_value_t = 250)]
    seeds: usize,
}

/// A defect.
pub(crate) struct Mutant {
    /// Its name in reports.
    name: &'static str,
    /// What goes wrong.
    about: &'static str,
    /// The file it is in.
    file: &'static str,
    /// What is there. It occurs once; spaces and line ends count as one space.
    from: &'static str,
    /// What is there instead while the mutant is on. With `{ON}` in it, it is all that is there, and that is the condition.
    to: &'static str,
}

/// A mutant, for the tables of them.
const fn mutant(
    name: &'static str,
    about: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Mutant {
    Mutant {
        name,
        about,
        file,
        from,
        to,
    }
}

/// A defect that nothing could overlook.
const CANARY: Mutant = Mutant {
    name: "canary",
    about: "callbacks are told of nothing",
    file: "async-rt/src/task/mod.rs",
    from: "let is_for_root = if let Some(op)",
    to: "let is_for_root = if {ON} { return; } else if let Some(op)",
};

/// All defects, the canary first. The number of one is its place, counting from 1.
fn mutants() -> Vec<&'static Mutant> {
    let lists = [
        tasks::MUTANTS,
        calls::MUTANTS,
        streams::MUTANTS,
        futures::MUTANTS,
        generated::MUTANTS,
    ];
    std::iter::once(&CANARY).chain(lists.into_iter().flatten()).collect()
}

/// Applies the mutants and sees which are noticed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mutants = mutants();
    let explorer = Explorer::build(&copy::with(&mutants)?)?;
    if let Found::Something(found) = explorer.hunt(0, 40)? {
        bail!("without any mutant, `{}` fails: {}", found.scenario, found.class);
    }
    println!(
        "{:<34} {:>9} {:>10}  {:<26} found as",
        "mutant", "schedules", "deviations", "scenario"
    );
    let mut counts = Vec::new();
    let mut failed = Vec::new();
    for (index, mutant) in mutants.iter().enumerate() {
        if !(args.only.is_empty() || args.only.iter().any(|part| mutant.name.contains(part.as_str()))) {
            continue;
        }
        match explorer.hunt(index + 1, args.seeds)? {
            Found::Nothing => {
                println!("{:<34} SURVIVES: {}", mutant.name, mutant.about);
                failed.push(mutant.name);
            }
            Found::Something(found) => {
                println!(
                    "{:<34} {:>9} {:>10}  {:<26} {}",
                    mutant.name, found.schedules, found.deviations, found.scenario, found.class
                );
                match explorer.replays(index + 1, &found)? {
                    true => counts.push(found.schedules),
                    false => {
                        println!("{:<34} its token does not replay: {}", "", found.token);
                        failed.push(mutant.name);
                    }
                }
            }
        }
    }
    conclude(counts, &failed)
}

/// Of a hundred mutants, how many have to be found.
const FOUND: usize = 95;
/// How many schedules that may take, for half of them.
const MEDIAN: usize = 1_000;

fn conclude(mut counts: Vec<usize>, failed: &[&str]) -> Result<()> {
    counts.sort_unstable();
    let median = counts.get(counts.len() / 2).copied().unwrap_or(0);
    println!("\nhalf of them took at most {median} schedules");
    println!("{} passed, {} failed", counts.len(), failed.len());
    ensure!(
        !failed.contains(&CANARY.name),
        "the canary was overlooked: nothing that was found means anything"
    );
    ensure!(
        median <= MEDIAN,
        "half of the mutants should be found within {MEDIAN} schedules"
    );
    let all = counts.len() + failed.len();
    ensure!(
        counts.len() * 100 >= all * FOUND,
        "{} of {all} mutants were found, and {FOUND} of a hundred should be: {} survive",
        counts.len(),
        failed.join(", ")
    );
    Ok(())
}
