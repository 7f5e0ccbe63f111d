//! `cargo xtask worlds`: random worlds, whose bindings compile with warnings denied, or which are refused with a place in the WIT.
//!
//! The package `random-worlds` makes worlds and bindings, in a program of its own so that wit-smith is no dependency of this one. What
//! fails stays in the target folder as a WIT file, and can be run again from there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::batch::Batch;
use crate::process;

/// Arguments of `cargo xtask worlds`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many worlds to make.
    #[arg(long, default_value_t = 2_000)]
    count: u64,
    /// The seed of the first one. Each world has the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compile the bindings of every N-th world only.
    #[arg(long, value_name = "N", default_value_t = 1)]
    compile_each: u64,
    /// Build the program that makes worlds with optimisations, which pays off for many.
    #[arg(long)]
    release: bool,
    /// Run these WIT files instead, whose first lines are as in those that failed.
    #[arg(value_name = "WIT")]
    files: Vec<PathBuf>,
    /// Show everything that is said about what failed.
    #[arg(short, long)]
    verbose: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            count: 2_000,
            seed: 1,
            compile_each: 1,
            release: false,
            files: Vec::new(),
            verbose: false,
        }
    }
}

/// Worlds that are made and compiled before the next ones.
const AT_ONCE: u64 = 1_000;

/// What became of worlds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    compiled: usize,
    /// Worlds with bindings that were not compiled.
    generated: usize,
    refused: usize,
    /// For each that failed: why.
    failed: BTreeMap<String, String>,
}

/// Makes worlds, compiles their bindings and prints what became of them.
pub(crate) fn run(args: &Args) -> Result<()> {
    let program = random_worlds(args.release)?;
    let batch = Batch::new("worlds/batch")?;
    let failed = process::target_folder()?.join("worlds/failed");
    let mut tally = Tally::default();
    if !args.files.is_empty() {
        let files = args.files.iter().map(|file| file.canonicalize());
        let files = files
            .collect::<std::io::Result<Vec<_>>>()
            .context("a WIT file is not there")?;
        let mut make = Command::new(program);
        make.arg("again").arg(batch.folder()).args(files);
        answers(&mut make, &batch, args, &mut tally)?;
        return report(&tally, args);
    }
    if failed.exists() {
        std::fs::remove_dir_all(&failed)?;
    }
    let end = args.seed + args.count;
    let mut seed = args.seed;
    while seed < end {
        let count = AT_ONCE.min(end - seed);
        let before = tally.failed.len();
        let mut make = Command::new(&program);
        make.arg("make")
            .arg(batch.folder())
            .args([seed.to_string(), count.to_string()]);
        answers(&mut make, &batch, args, &mut tally)?;
        seed += count;
        if tally.failed.len() > before {
            keep(&batch, &tally, &failed)?;
        }
        batch.clear()?;
        if seed < end {
            println!(
                "    {} of {}, {} failed",
                seed - args.seed,
                args.count,
                tally.failed.len()
            );
        }
    }
    report(&tally, args)
}

fn random_worlds(release: bool) -> Result<PathBuf> {
    let target = process::target_folder()?;
    let mut build = process::cargo([
        "build",
        "--package",
        "random-worlds",
        "--features",
        "smith",
        "--target-dir",
    ]);
    build.arg(&target);
    if release {
        build.arg("--release");
    }
    process::run(&mut build)?;
    let profile = if release { "release" } else { "debug" };
    Ok(target
        .join(profile)
        .join("random-worlds")
        .with_extension(std::env::consts::EXE_EXTENSION))
}

/// Runs the program that makes worlds, and compiles what it made.
fn answers(make: &mut Command, batch: &Batch, args: &Args, tally: &mut Tally) -> Result<()> {
    let said = make.stderr(Stdio::inherit()).output();
    let said = said.with_context(|| format!("`{}` cannot be started", process::show(make)))?;
    let text = String::from_utf8_lossy(&said.stdout);
    let modules = tally.read(&text)?;
    if !said.status.success() {
        bail!(
            "`{}` failed ({}) after: {}",
            process::show(make),
            said.status,
            text.lines().last().unwrap_or("nothing")
        );
    }
    let compiled: Vec<String> = modules
        .iter()
        .zip(0_u64..)
        .filter(|(_, index)| index % args.compile_each.max(1) == 0)
        .map(|(module, _)| module.clone())
        .collect();
    let problems = batch.check(&compiled, None)?;
    tally.compiled += compiled.len() - problems.len();
    tally.generated += modules.len() - compiled.len();
    tally.failed.extend(problems);
    Ok(())
}

impl Tally {
    /// Adds what a line each says; gives the worlds that bindings were made for.
    fn read(&mut self, lines: &str) -> Result<Vec<String>> {
        let mut modules = Vec::new();
        for line in lines.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (name, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            match word {
                "code" => modules.push(name.to_owned()),
                "refused" => self.refused += 1,
                "wrong" => {
                    self.failed.insert(name.to_owned(), reason.replace('\t', "\n"));
                }
                _ => bail!("`{line}` is none of the answers that were agreed on"),
            }
        }
        Ok(modules)
    }
}

/// Puts the WIT and bindings of what failed where they stay.
fn keep(batch: &Batch, tally: &Tally, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for name in tally.failed.keys() {
        for extension in ["wit", "rs"] {
            let from = batch.source(name).with_extension(extension);
            if from.exists() {
                std::fs::copy(&from, to.join(format!("{name}.{extension}")))?;
            }
        }
    }
    Ok(())
}

/// Prints each failure, like ones once.
fn report(tally: &Tally, args: &Args) -> Result<()> {
    let mut alike: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, reason) in &tally.failed {
        alike.entry(kind(reason)).or_default().push(name);
    }
    for (kind, names) in &alike {
        println!(
            "    FAILED {}: {kind}",
            names.iter().take(5).copied().collect::<Vec<_>>().join(", ")
        );
        let lines = if args.verbose { usize::MAX } else { 12 };
        tally.failed[names[0]]
            .lines()
            .take(lines)
            .for_each(|line| println!("           | {line}"));
    }
    let failed = tally.failed.len();
    println!(
        "{} compiled, {} generated only, {} refused with a place, {failed} failed in {} ways",
        tally.compiled,
        tally.generated,
        tally.refused,
        alike.len()
    );
    if failed > 0 {
        bail!(
            "{failed} worlds have no good bindings; their WIT is in {}/worlds/failed",
            process::target_folder()?.display()
        );
    }
    if tally.compiled == 0 && args.files.is_empty() {
        bail!("no bindings were compiled");
    }
    Ok(())
}

/// The first line of an error, up to the first name in it.
fn kind(reason: &str) -> &str {
    let line = reason.lines().next().unwrap_or_default();
    line.split('`').next().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted() {
        let mut tally = Tally::default();
        let modules = tally
            .read("code w1\nrefused w2 error: no\twhere\nwrong w3 panicked: a\tb\n")
            .unwrap();
        assert_eq!(modules, ["w1"]);
        assert_eq!((tally.refused, tally.failed["w3"].as_str()), (1, "panicked: a\nb"));
        tally.read("nonsense").unwrap_err();
    }

    #[test]
    fn failures_are_alike_up_to_names() {
        assert_eq!(
            kind("error[E0412]: cannot find type `A`\nhere"),
            kind("error[E0412]: cannot find type `B`")
        );
        assert_ne!(
            kind("error[E0412]: cannot find type `A`"),
            kind("error[E0425]: cannot find value `A`")
        );
    }
}
