//! The settings in comments `//@` at the top of a test: the part of TOML they are written in.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// Settings by their names; those after `[lang]` are not told apart, as none has a name twice.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Config(BTreeMap<String, Vec<String>>);

impl Config {
    /// Reads the comments at the start of a file.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let comments = text.lines().map_while(|line| line.strip_prefix("//@"));
        let mut settings = BTreeMap::new();
        let mut open = String::new();
        for line in comments {
            if open.is_empty() && line.trim_start().starts_with('[') {
                continue;
            }
            open += line;
            if open.matches('[').count() > open.matches(']').count() {
                continue;
            }
            let setting = std::mem::take(&mut open);
            if !setting.trim().is_empty() {
                let (name, value) = setting.split_once('=').context("a setting is NAME = VALUE")?;
                settings.insert(name.trim().to_owned(), values(value.trim())?);
            }
        }
        if !open.is_empty() {
            bail!("a list is not closed: {open}");
        }
        Ok(Self(settings))
    }

    /// The items of a list, or the words of a text; none if there is no such setting.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.first().map(String::as_str)
    }
}

/// A list of texts, a text, or a single word.
fn values(value: &str) -> Result<Vec<String>> {
    if let Some(list) = value.strip_prefix('[') {
        let list = list.strip_suffix(']').context("a list is not closed")?;
        let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
        return Ok(items.map(unquoted).collect());
    }
    Ok(unquoted(value).split_whitespace().map(str::to_owned).collect())
}

fn unquoted(text: &str) -> String {
    text.trim_matches(['\'', '"']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_texts_and_lists() {
        let config =
            Config::parse("//@ args = '--a b'\n//@ [lang]\n//@ externs = [\n//@   'c.rs',\n//@ ]\nfn f() {}\n")
                .unwrap();
        assert_eq!(config.list("args"), ["--a", "b"]);
        assert_eq!(config.text("externs"), Some("c.rs"));
        assert_eq!(config.text("wac"), None);
    }

    #[test]
    fn a_list_has_to_end() {
        assert!(Config::parse("//@ args = [\n").is_err());
    }
}
