//! What went wrong, where in the WIT, and what to do about it.
//!
//! Every error of the generator is a [`Diagnostic`]; a run collects as many as it can and hands out [`Diagnostics`]. Printing
//! is the same for every front end; nothing here writes to a terminal or ends the process.

use std::fmt;
use std::panic::Location;

use wit_parser::{Resolve, ResolveError, Span};

/// One error: a message, its place in the WIT where it has one, and a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a final full stop.
    pub message: String,
    /// Where in the WIT.
    pub place: Option<Place>,
    /// What the reader can do.
    pub help: Option<String>,
    /// The option the error is about, if it is about one: the macro reports it at that option's tokens.
    pub option: Option<OptionRef>,
    /// Where in the generator it was made, for tests that look for diagnostics nothing leads to.
    pub origin: &'static Location<'static>,
}

/// The option a diagnostic is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionRef {
    /// The option's name as users write it, for example `with`.
    pub name: &'static str,
    /// The value in it that is wrong, where the option holds several.
    pub value: Option<String>,
}

/// A place in a WIT source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path as it was given or found.
    pub file: String,
    /// Line, counted from one.
    pub line: usize,
    /// Column in characters, counted from one.
    pub column: usize,
    /// How many characters are meant; at least one.
    pub width: usize,
    /// The text of the line.
    pub snippet: String,
}

impl Diagnostic {
    /// An error without a place or a hint.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            help: None,
            option: None,
            origin: Location::caller(),
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says which option is meant.
    #[must_use]
    pub fn option(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.option = Some(OptionRef {
            name,
            value: value.map(str::to_owned),
        });
        self
    }

    /// Adds the place of `span`, if the resolve knows it.
    #[must_use]
    pub fn at(mut self, resolve: &Resolve, span: Span) -> Self {
        self.place = Place::of(resolve, span);
        self
    }
}

impl Place {
    fn of(resolve: &Resolve, span: Span) -> Option<Self> {
        let location = resolve.source_map.resolve_span(span)?;
        let rendered = resolve.render_location(span);
        let mut parts = rendered.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let snippet = snippet(resolve, span).unwrap_or_default();
        let width = location.range.len().max(1);
        let rest = snippet.chars().count().saturating_sub(column - 1).max(1);
        Some(Self {
            file: location.path.to_owned(),
            line,
            column,
            width: width.min(rest),
            snippet,
        })
    }
}

/// The line `span` starts on. wit-parser keeps its sources private, but quotes the line when it renders an error; it leaves the
/// quote out for lines longer than 500 bytes.
fn snippet(resolve: &Resolve, span: Span) -> Option<String> {
    let rendered = ResolveError::new_semantic(span, "quote").render(&resolve.source_map);
    let (_, quoted) = rendered.lines().nth(3)?.split_once(" | ")?;
    Some(quoted.to_owned())
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(place) = &self.place {
            let Place {
                file,
                line,
                column,
                width,
                snippet,
            } = place;
            let gutter = line.to_string().len();
            write!(f, "\n{:gutter$}--> {file}:{line}:{column}", "")?;
            write!(f, "\n{:gutter$} |\n{line} | {snippet}\n", "")?;
            let indent: String = snippet
                .chars()
                .take(column - 1)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            write!(f, "{:gutter$} | {indent}{}", "", "^".repeat(*width))?;
        }
        if let Some(option) = &self.option {
            write!(f, "\n  = option: `{}`", option.name)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  = help: {help}")?;
        }
        Ok(())
    }
}

/// One or more errors of a run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds an error.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// `Ok` if nothing was reported, so that a phase ends with `diagnostics.finish()?`.
    pub fn finish(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The candidate closest to `wanted`, if one is close enough to be what was meant.
pub fn did_you_mean<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(wanted, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour to turn `a` into `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped {
                    best.min(rows[i - 2][j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_offered_and_far_ones_are_not() {
        assert_eq!(did_you_mean("pipelnie", ["pipeline", "client"]), Some("pipeline"));
        assert_eq!(did_you_mean("server", ["pipeline", "client"]), None);
        assert_eq!(did_you_mean("wolrd", ["world"]), Some("world"));
        assert_eq!(edit_distance("", "abc"), 3);
    }
}
