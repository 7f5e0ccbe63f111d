//! One run of the `bindgen` command and what it has to say.

use std::path::Path;
use std::process::Output;

use anyhow::{Result, bail};

use super::sandbox::Sandbox;
use super::{Outcome, marks};

/// A run of the command.
pub(crate) struct Case {
    /// What is wrong with the input.
    pub(crate) name: &'static str,
    /// Files by path. Each mark (see `marks`) is a place that an error has to name.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// What has to happen before.
    pub(crate) setup: fn(&Sandbox, &Path) -> Result<()>,
    /// Arguments, separated by spaces.
    pub(crate) args: &'static str,
    /// The exit code: 1 for bad input, 2 for a bad command line.
    pub(crate) code: i32,
    /// What standard error has to contain.
    pub(crate) says: &'static [&'static str],
    /// What standard output has to contain.
    pub(crate) prints: &'static [&'static str],
}

/// What cases have in common.
pub(crate) const CASE: Case = Case {
    name: "",
    files: &[],
    setup: |_, _| Ok(()),
    args: "",
    code: 1,
    says: &[],
    prints: &[],
};

impl Case {
    /// Runs the command and judges what it said.
    pub(crate) fn run(&self, sandbox: &Sandbox) -> Result<Outcome> {
        let mut files = Vec::new();
        let mut places = Vec::new();
        for (path, marked) in self.files {
            let (text, marks) = marks::take(marked);
            files.push((*path, text));
            places.extend(
                marks
                    .into_iter()
                    .map(|(line, column)| format!("--> {path}:{line}:{column}\n")),
            );
        }
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let folder = sandbox.folder(self.name, &files)?;
        (self.setup)(sandbox, &folder)?;
        let output = sandbox.bindgen(&folder, self.args)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        let mut problems = self.problems(&output, &said, &printed);
        problems.extend(missing("the place", &said, places.iter().map(String::as_str)));
        Ok(Outcome {
            name: self.name.to_owned(),
            output: format!("$ bindgen {}\n{printed}{said}", self.args),
            problems,
        })
    }

    fn problems(&self, output: &Output, said: &str, printed: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if output.status.code() != Some(self.code) {
            problems.push(format!("ends with {}, expected exit code {}", output.status, self.code));
        }
        problems.extend(panics(&format!("{said}{printed}")));
        problems.extend(missing("the message", said, self.says.iter().copied()));
        problems.extend(missing("the output", printed, self.prints.iter().copied()));
        problems.extend(hints(said, self.code));
        problems
    }
}

/// Each error comes with a hint; those about the command line come with the usual pointer to its help.
fn hints(said: &str, code: i32) -> Option<String> {
    let errors = said.lines().filter(|line| line.starts_with("error:")).count();
    let hints = match code {
        2 => said.matches("--help").count(),
        _ => said
            .lines()
            .filter(|line| line.trim_start().starts_with("= help:"))
            .count(),
    };
    (hints < errors).then(|| format!("{errors} errors come with {hints} hints"))
}

/// The signs of a panic.
pub(crate) fn panics(text: &str) -> Option<String> {
    let signs = ["panicked", "RUST_BACKTRACE", "stack backtrace"];
    signs
        .iter()
        .find(|sign| text.contains(**sign))
        .map(|sign| format!("there was a panic (`{sign}`)"))
}

/// What should be in `text` and is not.
pub(crate) fn missing<'a>(what: &str, text: &str, wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    let missing = wanted.filter(|wanted| !text.contains(wanted));
    missing
        .map(|wanted| format!("{what} `{}` is missing", wanted.trim_end()))
        .collect()
}

/// Runs the command, which has to succeed.
pub(crate) fn succeed(sandbox: &Sandbox, folder: &Path, args: &str) -> Result<()> {
    let output = sandbox.bindgen(folder, args)?;
    if !output.status.success() {
        bail!("`bindgen {args}` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_needs_a_hint() {
        let one = "error: odd\n  = help: make it even\n";
        assert_eq!(hints(one, 1), None);
        assert_eq!(
            hints(&format!("{one}\nerror: odd\n"), 1).unwrap(),
            "2 errors come with 1 hints"
        );
        assert_eq!(hints("error: odd\n\nFor more information, try '--help'.\n", 2), None);
    }

    #[test]
    fn what_is_missing_is_quoted() {
        let found = missing(
            "the place",
            "--> a.wit:1:2\n",
            ["--> a.wit:1:2\n", "--> a.wit:1:3\n"].into_iter(),
        );
        assert_eq!(found, ["the place `--> a.wit:1:3` is missing"]);
    }
}
