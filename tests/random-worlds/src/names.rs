//! Names that Rust, its prelude or generated code uses, in place of those that a text has.
//!
//! Each name is replaced wherever it occurs, and by another one than all others, so the text keeps its meaning.

use std::collections::{BTreeMap, BTreeSet};

use crate::random::Random;
use crate::smith::WORLD;

/// Words of WIT, which are no names unless a `%` says so.
const WIT: &[&str] = &[
    "as",
    "async",
    "bool",
    "borrow",
    "char",
    "constructor",
    "enum",
    "error-context",
    "export",
    "f32",
    "f64",
    "flags",
    "from",
    "func",
    "future",
    "get",
    "import",
    "include",
    "interface",
    "list",
    "map",
    "option",
    "own",
    "package",
    "record",
    "resource",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "set",
    "static",
    "stream",
    "string",
    "tuple",
    "type",
    "u16",
    "u32",
    "u64",
    "u8",
    "use",
    "variant",
    "with",
    "world",
];

/// Names that are likely to be taken somewhere.
const AWKWARD: &[&str] = &[
    "self",
    "super",
    "crate",
    "CONST",
    "gen",
    "dyn",
    "impl",
    "fn",
    "let",
    "mut",
    "ref",
    "move",
    "match",
    "loop",
    "while",
    "yield",
    "try",
    "macro",
    "union",
    "auto",
    "await",
    "box",
    "do",
    "final",
    "override",
    "priv",
    "typeof",
    "unsized",
    "virtual",
    "become",
    "abstract",
    "raw",
    "safe",
    "default",
    "core",
    "std",
    "alloc",
    "vec",
    "some",
    "none",
    "ok",
    "err",
    "drop",
    "clone",
    "copy",
    "debug",
    "send",
    "sync",
    "sized",
    "iterator",
    "into",
    "default-default",
    "to-string",
    "guest",
    "guest-guest",
    "guest-borrow",
    "exports",
    "wit-stream",
    "wit-future",
    "rt",
    "abi",
    "witflow",
    "stub",
    "component",
    "component-type",
    "handle",
    "take-handle",
    "from-handle",
    "new",
    "new-new",
    "get-mut",
    "into-inner",
    "rep",
    "resource-rep",
    "resource-into-raw",
    "value",
    "base",
    "cleanup",
    "borrows",
    "area",
    "params",
    "this",
    "start",
    "lift",
    "lower",
    "call",
    "CALL",
    "arg0",
    "arg1",
    "a0",
    "a1",
    "a2",
    "result0",
    "payload",
    "item",
    "key",
    "core1",
    "held",
    "pointer",
    "task-return",
    "part",
    "vtable",
    "T",
    "t",
    "R",
    "g",
    "a",
    "b",
    "x",
    "HTTP-2",
    "x-Y",
    "set-value",
    "i32",
    "usize",
    "str",
    "bits",
    "empty",
    "all",
    "from-bits",
    "contains",
    "main",
    "test",
    "derive",
    "i-o",
    "unit",
    "phantom-data",
];

/// The same text with other names.
pub(crate) fn replace(text: &str, random: &mut Random) -> String {
    let tokens = tokens(text);
    let mut taken: BTreeSet<String> = tokens
        .iter()
        .filter_map(|token| name(token))
        .map(str::to_lowercase)
        .collect();
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for old in tokens.iter().filter_map(|token| name(token)) {
        if names.contains_key(old) {
            continue;
        }
        let new = *random.one_of(AWKWARD);
        if random.once_in(3) || !taken.insert(new.to_lowercase()) {
            names.insert(old, old.to_owned());
        } else {
            names.insert(old, new.to_owned());
        }
    }
    let mut replaced = String::new();
    for token in tokens {
        match name(token) {
            Some(old) if token.starts_with(WORLD) => {
                replaced += WORLD;
                replaced += &names[old];
            }
            Some(old) => {
                let new = &names[old];
                if WIT.contains(&new.as_str()) {
                    replaced.push('%');
                }
                replaced += new;
            }
            None => replaced += token,
        }
    }
    replaced
}

/// The name that a token is, if it is one.
fn name(token: &str) -> Option<&str> {
    if let Some(world) = token.strip_prefix(WORLD) {
        return Some(world);
    }
    if let Some(name) = token.strip_prefix('%') {
        return Some(name);
    }
    let is_word = token.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_word && !WIT.contains(&token)).then_some(token)
}

/// Words with their `%`, versions, comments, attributes, and single characters. Together they are the text.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            // What is in an attribute names versions and features, or is anything.
            '@' if rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) => {
                rest.find(')').map_or(rest.len(), |end| end + 1)
            }
            '@' => word(&rest[1..], "-.+") + 1,
            '%' => word(&rest[1..], "-") + 1,
            c if c.is_ascii_alphanumeric() => word(rest, "-"),
            c => c.len_utf8(),
        };
        let (token, left) = rest.split_at(length.max(1));
        tokens.push(token);
        rest = left;
    }
    tokens
}

fn word(text: &str, also: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && !also.contains(c))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_consists_of_its_tokens() {
        let text = "// world: a\npackage b:c@1.0.0-rc.1;\n@since(version = 1.0.0)\ninterface %type { f: func(x: list<u8>) -> r; }";
        assert_eq!(tokens(text).concat(), text);
        let names: Vec<&str> = tokens(text).into_iter().filter_map(name).collect();
        assert_eq!(names, ["a", "b", "c", "type", "f", "x", "r"]);
    }

    #[test]
    fn a_name_is_replaced_wherever_it_occurs() {
        let text = "// world: abc\nworld abc { export abc: func(abcd: abc); }";
        let replaced = replace(text, &mut Random::new(7));
        let new = replaced
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(WORLD))
            .expect("the world is named");
        assert_eq!(replaced.matches(&format!("{new}: func")).count(), 1, "{replaced}");
        assert!(replaced.contains(": func("), "{replaced}");
    }
}
