//! How scenarios ended.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::lack::{Got, Lack};

/// The outcomes so far.
pub(super) struct Report {
    only: Vec<String>,
    outcomes: Vec<(String, Got<()>)>,
    /// For the table: on which hosts which pair got along.
    pairs: BTreeMap<String, Vec<String>>,
}

impl Report {
    pub(super) fn new(only: Vec<String>) -> Self {
        Self {
            only,
            outcomes: Vec::new(),
            pairs: BTreeMap::new(),
        }
    }

    /// Whether a scenario was asked for.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| name.contains(text))
    }

    /// Runs a scenario, if it is wanted, and prints how it ended. What it gives is `ok`, perhaps with a note, or what is wrong.
    pub(super) fn scenario(&mut self, name: &str, run: impl FnOnce() -> Got<String>) {
        if !self.wants(name) {
            return;
        }
        let outcome = run().and_then(|said| match said.strip_prefix("ok") {
            Some(note) => Ok(note.to_owned()),
            None => Err(Lack::Broken(said)),
        });
        match &outcome {
            Ok(note) => println!("    ok       {name}{note}"),
            Err(Lack::Missing(reason)) => println!("    SKIPPED  {name}: {reason}"),
            Err(Lack::Broken(reason)) => println!("    FAILED   {name}: {reason}"),
        }
        self.outcomes.push((name.to_owned(), outcome.map(drop)));
    }

    /// As [`scenario`](Self::scenario), for one that also has a place in the table: its row, and what stands there if it is good.
    pub(super) fn pair(&mut self, row: &str, cell: &str, run: impl FnOnce() -> Got<String>) {
        let before = self.outcomes.len();
        self.scenario(&format!("{row} on {cell}"), run);
        if let Some((_, outcome)) = self.outcomes.get(before) {
            let mark = match outcome {
                Ok(()) => cell.to_owned(),
                Err(Lack::Missing(_)) => format!("({cell} skipped)"),
                Err(Lack::Broken(_)) => format!("{cell} FAILED"),
            };
            self.pairs.entry(row.to_owned()).or_default().push(mark);
        }
    }

    /// Prints the table, what was skipped and the numbers.
    ///
    /// # Errors
    ///
    /// When a scenario failed, or when none was run.
    pub(super) fn end(self) -> Result<()> {
        print!("{}", self.text());
        let failed = self.count(|outcome| matches!(outcome, Err(Lack::Broken(_))));
        if self.outcomes.is_empty() {
            bail!("there is no such scenario");
        }
        if failed > 0 {
            bail!("{failed} of {} scenarios failed", self.outcomes.len());
        }
        Ok(())
    }

    fn count(&self, which: impl Fn(&Got<()>) -> bool) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| which(outcome)).count()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let width = self.pairs.keys().map(String::len).max().unwrap_or(0);
        if !self.pairs.is_empty() {
            text += "\n";
        }
        for (row, cells) in &self.pairs {
            text += &format!("{row:<width$}  {}\n", cells.join(", "));
        }
        let mut skipped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, outcome) in &self.outcomes {
            if let Err(Lack::Missing(reason)) = outcome {
                skipped.entry(reason).or_default().push(name);
            }
        }
        for (reason, names) in skipped {
            text += &format!("\nskipped, {reason}:\n");
            names.iter().for_each(|name| text += &format!("    {name}\n"));
        }
        text + &format!(
            "\n{} passed, {} failed, {} skipped\n",
            self.count(Result::is_ok),
            self.count(|outcome| matches!(outcome, Err(Lack::Broken(_)))),
            self.count(|outcome| matches!(outcome, Err(Lack::Missing(_)))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_and_skips_are_named() {
        let mut report = Report::new(vec!["a".to_owned()]);
        report.pair("a with b", "host", || Ok("ok".to_owned()));
        report.pair("a with b", "other", || {
            Err(Lack::Missing("there is no other".to_owned()))
        });
        report.scenario("a noted", || Ok("ok: twice".to_owned()));
        report.scenario("a bad", || Ok("2 instead of 3".to_owned()));
        report.scenario("not this one", || unreachable!("it is not wanted"));
        let expected = "\na with b  host, (other skipped)\n\nskipped, there is no other:\n    a with b on other\n\n\
                        2 passed, 1 failed, 1 skipped\n";
        assert_eq!(report.text(), expected);
        assert!(report.end().is_err());
    }

    #[test]
    fn nothing_is_no_success() {
        assert!(Report::new(Vec::new()).end().is_err());
    }
}
