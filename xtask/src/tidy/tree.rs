//! The files of the workspace, and what rules say about them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};

use super::tokens::Token;

/// The files of the workspace, without what Git or Cargo keep in it.
pub(crate) struct Tree {
    /// Those that are text, by path.
    pub(crate) files: Vec<Source>,
    /// The paths of all files and folders.
    pub(crate) paths: BTreeSet<String>,
}

/// One file.
pub(crate) struct Source {
    /// Relative to the workspace, with slashes.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
    /// The tokens of a Rust file; `None` if it is none or cannot be read as one.
    pub(crate) tokens: Option<Vec<Token>>,
}

/// What a rule has against a file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    /// Filled in by whoever runs the rule.
    pub(crate) rule: &'static str,
    message: String,
    remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            message,
            remedy,
        } = self;
        write!(f, "{path}:{line}: {rule}: {message}; {remedy}")
    }
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let tokens = if path.ends_with(".rs") {
            super::tokens::read(&text)
        } else {
            None
        };
        Self { path, text, tokens }
    }

    /// Whether this is Rust that people wrote: expected output of the generators is not held to rules of style.
    pub(crate) fn is_written_rust(&self) -> bool {
        self.path.ends_with(".rs") && !self.is_golden()
    }

    /// Whether this is the expected output of a test.
    pub(crate) fn is_golden(&self) -> bool {
        self.path.split('/').any(|part| part == "golden") || self.path.ends_with(".stderr")
    }

    /// Whether the file is `folder` or somewhere in it.
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// A finding about this file. The remedy says what to do, beginning with a verb.
    pub(crate) fn finding(&self, line: usize, message: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            rule: "",
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl Tree {
    /// Reads the files under `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self {
            files: Vec::new(),
            paths: BTreeSet::new(),
        };
        tree.read_folder(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let unreadable = || format!("`{}` cannot be read", folder.display());
        for entry in folder.read_dir().with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // In a linked work tree `.git` is a file.
            if entry.file_name() == ".git" {
                continue;
            }
            if !entry.path().is_dir() {
                // What is not UTF-8 is no text; only its existence counts.
                if let Ok(text) = std::fs::read_to_string(entry.path()) {
                    self.files.push(Source::new(path.clone(), text));
                }
            } else if entry.path().join("CACHEDIR.TAG").exists() {
                continue;
            } else {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            }
            self.paths.insert(path);
        }
        Ok(())
    }

    /// The file at `path`, if it is text.
    pub(crate) fn file(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files that people wrote and that can be read, with their tokens.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&Source, &[Token])> {
        let written = self.files.iter().filter(|file| file.is_written_rust());
        written.filter_map(|file| Some((file, file.tokens.as_deref()?)))
    }

    /// A tree of the given files, for tests of rules.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self {
            files: Vec::new(),
            paths: BTreeSet::new(),
        };
        for (path, text) in files {
            tree.files.push(Source::new((*path).to_owned(), (*text).to_owned()));
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            tree.paths.extend(ends.map(|end| path[..end].to_owned()));
        }
        tree
    }
}
