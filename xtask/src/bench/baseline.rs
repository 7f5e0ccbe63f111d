//! The figures of our own guests that depend on no machine, and the check that they do not get worse.
//!
//! They depend on the compiler, though: `benches/baseline.txt` says which one made them, and is compared with no other.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::contenders::Contenders;
use super::output;
use crate::process;

/// By how much a figure may grow.
const TOLERANCE: f64 = 1.02;

/// The compiler, and figures by name.
#[derive(Debug, PartialEq)]
struct Baseline {
    compiler: String,
    figures: BTreeMap<String, f64>,
}

fn file() -> PathBuf {
    process::root().join("benches/baseline.txt")
}

impl Baseline {
    fn parse(text: &str) -> Result<Baseline> {
        let mut compiler = None;
        let mut figures = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            match line.rsplit_once(' ') {
                Some(("compiler", version)) => compiler = Some(version.to_owned()),
                Some((name, figure)) => {
                    let figure = figure.parse().with_context(|| format!("`{line}` ends in no number"))?;
                    figures.insert(name.to_owned(), figure);
                }
                None => bail!("`{line}` is neither `compiler VERSION` nor `NAME FIGURE`"),
            }
        }
        Ok(Baseline {
            compiler: compiler.context("no line `compiler VERSION`")?,
            figures,
        })
    }

    fn text(&self) -> String {
        let mut text =
            "# Fuel per operation and bytes of components; `cargo xtask bench --bless` writes this file.\n".to_owned();
        let _ = writeln!(text, "compiler {}", self.compiler);
        for (name, figure) in &self.figures {
            let _ = writeln!(text, "{name} {figure}");
        }
        text
    }

    /// Measures our guests.
    fn measure() -> Result<Baseline> {
        let mut runner = Contenders::ours()?.runner(false)?;
        let measured: Value =
            serde_json::from_str(&output(runner.arg("--json"))?).context("reading what the runner printed")?;
        let mut figures = BTreeMap::new();
        let rows = ["workloads", "beside"].map(|rows| measured[rows].as_array().into_iter().flatten());
        for workload in rows.into_iter().flatten() {
            if let (Some(name), Some(fuel)) = (workload["name"].as_str(), workload["fuel_per_op"]["witflow"].as_f64()) {
                figures.insert(format!("fuel {name}"), fuel);
            }
        }
        for guest in ["bench", "minimal"] {
            if let Some(size) = measured["component_size"][guest]["witflow"].as_f64() {
                figures.insert(format!("size {guest}"), size);
            }
        }
        Ok(Baseline {
            compiler: compiler()?,
            figures,
        })
    }

    /// What is worse in `now`, a line for each figure.
    fn worse(&self, now: &Baseline) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, before) in &self.figures {
            match now.figures.get(name) {
                None => lines.push(format!("{name}: was {before}, is not measured any more")),
                Some(figure) if *figure > before * TOLERANCE => {
                    lines.push(format!(
                        "{name}: was {before}, is {figure} ({:+.1} %)",
                        (figure / before - 1.0) * 100.0
                    ));
                }
                Some(_) => {}
            }
        }
        lines
    }
}

/// The version of the compiler that builds guests.
fn compiler() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = output(Command::new(rustc).arg("--version").current_dir(process::root()))?;
    let version = said.split_whitespace().nth(1);
    Ok(version.context("the compiler does not tell its version")?.to_owned())
}

/// Writes the file anew.
pub(super) fn bless() -> Result<()> {
    std::fs::write(file(), Baseline::measure()?.text()).context("writing benches/baseline.txt")
}

/// Fails when a figure got worse than the file allows.
pub(crate) fn check() -> Result<()> {
    let text = std::fs::read_to_string(file()).context("reading benches/baseline.txt")?;
    let baseline = Baseline::parse(&text).context("reading benches/baseline.txt")?;
    let compiler = compiler()?;
    if compiler != baseline.compiler {
        println!(
            "    not compared: the figures are of rustc {}, this is {compiler}",
            baseline.compiler
        );
        return Ok(());
    }
    let worse = baseline.worse(&Baseline::measure()?);
    if !worse.is_empty() {
        bail!(
            "worse than benches/baseline.txt; `cargo xtask bench --bless` if it has to be:\n  {}",
            worse.join("\n  ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(figures: &[(&str, f64)]) -> Baseline {
        Baseline {
            compiler: "1.95.0".to_owned(),
            figures: figures
                .iter()
                .map(|(name, figure)| ((*name).to_owned(), *figure))
                .collect(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let written = baseline(&[("fuel w1-noop", 240.5), ("size minimal", 16000.0)]);
        assert_eq!(Baseline::parse(&written.text()).unwrap(), written);
    }

    #[test]
    fn two_percent_are_tolerated() {
        let before = baseline(&[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
        let now = baseline(&[("a", 102.0), ("b", 103.0)]);
        assert_eq!(
            before.worse(&now),
            ["b: was 100, is 103 (+3.0 %)", "c: was 100, is not measured any more"]
        );
    }

    #[test]
    fn a_broken_file_is_refused() {
        assert!(Baseline::parse("fuel w1-noop many\n").is_err());
        assert!(Baseline::parse("fuel 1\n").is_err());
    }
}
