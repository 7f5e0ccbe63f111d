//! Looks for any schedule of any scenario that fails.

use super::chosen;
use std::path::PathBuf;
use witflow_host::explore::Failure;

/// How long it looks.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many schedules of each scenario
    #[arg(long, default_value_t = 300)]
    seeds: usize,
    /// Only scenarios whose names contain this; may be repeated
    #[arg(long)]
    only: Vec<String>,
    /// A folder for the journal of each scenario
    #[arg(long)]
    journals: Option<PathBuf>,
}

impl Args {
    /// Says whether nothing was found. What was found is printed as lines of a name and a value.
    pub(crate) fn run(&self) -> bool {
        let scenarios = chosen(&self.only);
        let (mut first, mut round, mut before) = (0, 1, 0);
        while first < self.seeds {
            let count = round.min(self.seeds - first);
            for scenario in &scenarios {
                let mut explorer = scenario.explorer();
                if let Some(folder) = &self.journals {
                    explorer = explorer.journal(folder.join(scenario.name));
                }
                println!("at {} {before} {count}", scenario.name);
                let explorer = explorer.first(first).schedules(count);
                if let Err(failure) = explorer.try_run(scenario.run) {
                    report(&failure, before + failure.schedule() - first + 1);
                    return false;
                }
                before += count;
            }
            first += count;
            round *= 3;
        }
        println!("schedules {before}");
        true
    }
}

fn report(failure: &Failure, schedules: usize) {
    println!("schedules {schedules}");
    println!("class {}", failure.class());
    println!("deviations {}", failure.deviations());
    println!("token {}", failure.token().unwrap_or("-"));
}
