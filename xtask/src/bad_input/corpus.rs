//! The malformed WIT that wit-parser's own tests reject: what we say has to be no worse than what wit-parser says.
//!
//! Beside each input there is a file with wit-parser's answer: a line with the cause, and the place. Ours has to have the same place and
//! cause, and a hint. The inputs are not part of this repository; their folder is given.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Outcome;
use super::case::{missing, panics};
use super::sandbox::Sandbox;

/// A folder whose files are packages of their own, which the command takes for as many inputs.
const VALID: &str = "conflicting-package";

/// Runs all inputs of a folder, which has one answer at least.
pub(super) fn run(sandbox: &Sandbox, folder: &Path) -> Result<Vec<Outcome>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("`{}` cannot be listed", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    let is_input = |path: &&PathBuf| path.is_dir() || path.extension().is_some_and(|extension| extension == "wit");
    let inputs: Vec<&PathBuf> = paths.iter().filter(is_input).collect();
    ensure!(!inputs.is_empty(), "there is no WIT in `{}`", folder.display());
    let inputs = inputs.into_iter().filter(|input| !input.ends_with(VALID));
    inputs.map(|input| answer(sandbox, input)).collect()
}

fn answer(sandbox: &Sandbox, input: &Path) -> Result<Outcome> {
    let out = sandbox.folder("corpus", &[])?;
    let output = Command::new(sandbox.command())
        .args(["rust", "--out-dir"])
        .arg(&out)
        .arg(input)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut problems: Vec<String> = panics(&said).into_iter().collect();
    if output.status.code() != Some(1) {
        problems.push(format!("ends with {}, expected exit code 1", output.status));
    }
    problems.extend(missing("the hint", &said, std::iter::once("= help: ")));
    let expected = input.with_extension("wit.result");
    let expected = std::fs::read_to_string(&expected).with_context(|| format!("`{}`", expected.display()))?;
    problems.extend(compare(&expected, &said));
    Ok(Outcome {
        name: input.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        output: said,
        problems,
    })
}

/// What of wit-parser's answer is missing in ours.
fn compare(expected: &str, said: &str) -> Vec<String> {
    let first = expected.lines().next().unwrap_or_default();
    let ours = said.lines().next().unwrap_or_default();
    let ours = ours.strip_prefix("error: ").unwrap_or(ours);
    let mut problems = Vec::new();
    let first = first.trim_end_matches(':');
    let cause = first.rsplit_once(": ").map_or(first, |(_, cause)| cause);
    if !first.contains(ours) && !ours.ends_with(cause) {
        problems.push(format!("the cause `{first}` is missing"));
    }
    if let Some(place) = place(expected)
        && !said.contains(&format!("{place}\n"))
    {
        problems.push(format!("the place `{place}` is missing"));
    }
    problems
}

/// File, line and column, without the folders above the file: in a line of their own, or at the beginning if the line is too long to be
/// quoted.
fn place(expected: &str) -> Option<&str> {
    let arrow = expected.lines().find_map(|line| line.trim_start().strip_prefix("--> "));
    let place = arrow.or_else(|| Some(expected.split_once(": ")?.0))?;
    let (_, place) = place.rsplit_once('/')?;
    place.contains(':').then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEIRS: &str = "failed to parse package: a/b: no `x`\n     --> a/b/c.wit:1:5\n      |\n";

    #[test]
    fn cause_and_place_are_compared() {
        assert!(compare(THEIRS, "error: no `x`\n --> /d/c.wit:1:5\n").is_empty());
        assert_eq!(compare(THEIRS, "error: no `x`\n --> /d/c.wit:1:6\n").len(), 1);
        assert_eq!(compare(THEIRS, "error: nothing\n").len(), 2);
    }

    #[test]
    fn a_place_may_come_first() {
        assert_eq!(place("a/b.wit:1:65543: expected '{'"), Some("b.wit:1:65543"));
        assert_eq!(place("no place at all"), None);
    }
}
