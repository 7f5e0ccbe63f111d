//! Rust identifiers for WIT names: the one place that makes them.
//!
//! WIT names are kebab-case ASCII words. They become snake_case or UpperCamelCase and never anything but one identifier. A
//! keyword gets an underscore at its end, where it is one in all editions. Two WIT names that fall together (`a-1` and `a1` are both
//! `A1`) are told apart by
//! underscores in order of their definition; a [`Scope`] sees to that.

use std::collections::BTreeSet;

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, Span};

/// Keywords of all editions, those reserved for the future included, but for [`GEN`].
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// A keyword since the edition of 2024. As a raw identifier it is the plain name in code of older editions.
const GEN: &str = "gen";

/// How a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Functions, fields, parameters, modules.
    Snake,
    /// Types and cases.
    Camel,
    /// Flags.
    Shouty,
}

/// `name` in the given case, with an underscore if it is a keyword or otherwise taken by the language or by generated code.
pub fn spell(name: &str, case: Case) -> String {
    let spelled = match case {
        Case::Snake => name.to_snake_case(),
        Case::Camel => name.to_upper_camel_case(),
        Case::Shouty => name.to_shouty_snake_case(),
    };
    // `Guest` is the trait of an exported interface.
    let taken = KEYWORDS.contains(&spelled.as_str()) || matches!(spelled.as_str(), "Self" | "Guest");
    if taken { format!("{spelled}_") } else { spelled }
}

/// An identifier; `name` is what [`spell`] or generated code made one.
pub fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#").unwrap_or(name) {
        GEN => Ident::new_raw(GEN, Span::call_site()),
        name => Ident::new(name, Span::call_site()),
    }
}

/// A namespace: gives each WIT name an identifier of its own.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    taken: BTreeSet<String>,
}

impl Scope {
    /// A scope in which some identifiers are taken already.
    pub fn with(taken: &[&str]) -> Self {
        Self {
            taken: taken.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// The identifier of a WIT name that was not seen before in this scope.
    pub fn define(&mut self, name: &str, case: Case) -> Ident {
        ident(&self.fresh(spell(name, case)))
    }

    /// A name for generated code's own use: `name`, with the first number that nothing else has if it is taken.
    pub fn local(&mut self, name: &str) -> Ident {
        let numbered = (1u32..).map(|n| format!("{name}{n}"));
        let free = std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| self.taken.insert(name.clone()));
        ident(&free.expect("there are more numbers than names"))
    }

    /// `name`, with underscores until nothing else has it.
    pub fn fresh(&mut self, mut name: String) -> String {
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// Identifiers for names of one scope, in order.
pub fn define_all<'a>(names: impl IntoIterator<Item = &'a str>, case: Case) -> Vec<Ident> {
    let mut scope = Scope::default();
    names.into_iter().map(|name| scope.define(name, case)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, case: Case, expected: &str) {
        assert_eq!(spell(name, case), expected);
    }

    #[test]
    fn keywords_are_found_after_the_case_is_changed() {
        check("type", Case::Snake, "type_");
        check("CONST", Case::Snake, "const_");
        check("gen", Case::Snake, "gen");
        check("self", Case::Camel, "Self_");
        check("guest", Case::Camel, "Guest_");
        check("HTTP-2-status", Case::Snake, "http_2_status");
        check("read-only", Case::Shouty, "READ_ONLY");
    }

    #[test]
    fn a_keyword_of_some_editions_is_raw() {
        assert_eq!(ident("gen").to_string(), "r#gen");
        assert_eq!(ident(&ident("gen").to_string()), ident("gen"));
    }

    #[test]
    fn names_that_fall_together_are_told_apart() {
        let names = define_all(["a1", "a-1", "b"], Case::Camel);
        assert_eq!(
            names.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["A1", "A1_", "B"]
        );
    }
}
