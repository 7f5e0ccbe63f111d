//! One schedule: repeated, or shown.

use super::{chosen, scenario_of};
use explored::scenarios;
use std::path::PathBuf;

/// Repeats a schedule.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The token
    token: String,
}

impl Replay {
    pub(crate) fn run(&self) -> bool {
        let Some(scenario) = scenario_of(&self.token) else {
            eprintln!("this is no token of a scenario: {}", self.token);
            return false;
        };
        match scenario.explorer().replay(&self.token, scenario.run) {
            Ok(()) => {
                println!("the schedule does not fail");
                true
            }
            Err(failure) => {
                print!("{failure}");
                false
            }
        }
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// A table
    Text,
    /// JSON for Perfetto and chrome://tracing
    Chrome,
    /// A page with a timeline
    Html,
}

/// Shows a schedule.
#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    /// A scenario, or a token
    what: String,
    /// How
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to, instead of the terminal
    #[arg(long)]
    out: Option<PathBuf>,
}

impl Trace {
    pub(crate) fn run(&self) -> bool {
        let of_token = scenario_of(&self.what);
        let found = of_token.or_else(|| chosen(std::slice::from_ref(&self.what)).into_iter().next());
        let Some(scenario) = found else {
            eprintln!("there is no scenario `{}`, nor is it a token of one", self.what);
            return false;
        };
        let token = of_token.map(|_| self.what.as_str());
        let trace = scenario.explorer().trace(token, scenario.run);
        let text = match self.format {
            Format::Text => trace.to_text(),
            Format::Chrome => trace.to_chrome(),
            Format::Html => trace.to_html(&format!("{}: {}", scenario.name, scenario.about)),
        };
        match &self.out {
            None => print!("{text}"),
            Some(path) => {
                if let Err(error) = std::fs::write(path, text) {
                    eprintln!("{}: {error}", path.display());
                    return false;
                }
            }
        }
        true
    }
}

/// Makes a token of a journal.
#[derive(Debug, clap::Args)]
pub(crate) struct Journalled {
    /// The scenario
    scenario: String,
    /// The file
    journal: PathBuf,
}

impl Journalled {
    pub(crate) fn run(&self) -> bool {
        let scenario = scenarios().find(|scenario| scenario.name == self.scenario);
        let token = scenario.and_then(|scenario| scenario.explorer().journalled(&self.journal).ok().flatten());
        match &token {
            Some(token) => println!("{token}"),
            None => eprintln!("{} holds no schedule", self.journal.display()),
        }
        token.is_some()
    }
}
