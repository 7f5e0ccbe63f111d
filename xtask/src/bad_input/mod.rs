//! `cargo xtask bad-input`: gives the generators bad input and looks at what they say about it.
//!
//! Each case runs the built `bindgen` command, or the macro, on input of its own and checks the exit code, the place the error
//! names, its words and that each error comes with a hint. A panic is always a failure. What is reported in which words is a
//! matter of the tables: `commands` for the command, `macros` for the macro.

mod case;
mod commands;
mod corpus;
mod macros;
mod marks;
mod options;
mod sandbox;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use sandbox::Sandbox;

/// Arguments of `cargo xtask bad-input`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Run the cases whose name contains this.
    filter: Option<String>,
    /// Run the malformed WIT of wit-parser's tests instead, which is in this folder (`tests/ui/parse-fail` there).
    #[arg(long, value_name = "FOLDER")]
    wit_parser: Option<PathBuf>,
    /// Print what the generators said, for cases that pass too.
    #[arg(short, long)]
    verbose: bool,
}

/// What a case came to.
struct Outcome {
    name: String,
    /// What the generator said.
    output: String,
    /// What is wrong with that; empty if the case passed.
    problems: Vec<String>,
}

/// Runs the cases and prints their count.
pub(crate) fn run(args: &Args) -> Result<()> {
    let sandbox = Sandbox::new()?;
    let filter = args.filter.as_deref().unwrap_or_default();
    if let Some(folder) = &args.wit_parser {
        return run_corpus(&sandbox, folder, filter, args.verbose);
    }
    let mut outcomes = Vec::new();
    for case in commands::cases().filter(|case| case.name.contains(filter)) {
        outcomes.push(case.run(&sandbox)?);
    }
    outcomes.extend(macros::run(&sandbox, filter)?);
    finish(&outcomes, args.verbose)
}

fn run_corpus(sandbox: &Sandbox, folder: &Path, filter: &str, verbose: bool) -> Result<()> {
    let mut outcomes = corpus::run(sandbox, folder)?;
    outcomes.retain(|outcome| outcome.name.contains(filter));
    finish(&outcomes, verbose)
}

/// Prints how cases went.
fn finish(outcomes: &[Outcome], verbose: bool) -> Result<()> {
    print!("{}", report(outcomes, verbose));
    let failed = outcomes.iter().filter(|outcome| !outcome.problems.is_empty()).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    if failed > 0 {
        bail!("bad input is not reported as it should be in {failed} cases");
    }
    Ok(())
}

fn report(outcomes: &[Outcome], verbose: bool) -> String {
    let mut text = String::new();
    for Outcome { name, output, problems } in outcomes {
        text += &format!("    {:<6} {name}\n", if problems.is_empty() { "ok" } else { "FAILED" });
        for problem in problems {
            text += &format!("           {problem}\n");
        }
        if verbose || !problems.is_empty() {
            output
                .lines()
                .for_each(|line| text += &format!("           | {line}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_shown_when_it_was_wrong() {
        let outcome = |name: &str, problems| Outcome {
            name: name.to_owned(),
            output: "error: odd\n".to_owned(),
            problems,
        };
        let outcomes = [outcome("good", Vec::new()), outcome("bad", vec!["no hint".to_owned()])];
        assert_eq!(
            report(&outcomes, false),
            "    ok     good\n    FAILED bad\n           no hint\n           | error: odd\n"
        );
    }
}
