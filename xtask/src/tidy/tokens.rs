//! Rust as a flat sequence of tokens, for rules that look for a few of them in a row.
//!
//! Comments and the contents of strings are no tokens, so a rule cannot mistake them for code; the contents of macro calls are.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A token and where it is.
#[derive(Debug)]
pub(crate) struct Token {
    /// As it is written; an opening or closing delimiter is one of its own.
    pub(crate) text: String,
    /// Counted from one.
    pub(crate) line: usize,
}

/// The tokens of a file, or `None` if it holds something that is no token.
pub(crate) fn read(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    flatten(text.parse().ok()?, &mut tokens);
    Some(tokens)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                tokens.push(Token {
                    text: open.to_owned(),
                    line,
                });
                flatten(group.stream(), tokens);
                tokens.push(Token {
                    text: close.to_owned(),
                    line: group.span_close().start().line,
                });
            }
            other => tokens.push(Token {
                text: other.to_string(),
                line,
            }),
        }
    }
}

/// The positions in `tokens` where `pattern`, tokens separated by spaces, begins.
pub(crate) fn find(tokens: &[Token], pattern: &str) -> Vec<usize> {
    let pattern: Vec<_> = pattern.split(' ').collect();
    let found = tokens.windows(pattern.len()).enumerate();
    found
        .filter(|(_, window)| window.iter().zip(&pattern).all(|(token, wanted)| token.text == *wanted))
        .map(|(at, _)| at)
        .collect()
}

/// The modules of `std` that are named, with their lines: both `std::fs` and `std::{fs, env}`.
pub(crate) fn std_modules(tokens: &[Token]) -> Vec<(&str, usize)> {
    let mut modules = Vec::new();
    for at in find(tokens, "std : :") {
        let Some(next) = tokens.get(at + 3) else { continue };
        if next.text != "{" {
            modules.push((next.text.as_str(), next.line));
            continue;
        }
        let mut depth = 0;
        for pair in tokens[at + 3..].windows(2) {
            match pair[0].text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && matches!(pair[0].text.as_str(), "{" | ",") && pair[1].text != "}" {
                modules.push((pair[1].text.as_str(), pair[1].line));
            }
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_tokens() {
        let tokens = read("// todo!()\nfn f() { \"todo!()\"; /* todo!() */ todo!() }").unwrap();
        let found = find(&tokens, "todo !");
        assert_eq!(found.iter().map(|at| tokens[*at].line).collect::<Vec<_>>(), [2]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn modules_of_std_are_found_however_they_are_imported() {
        let tokens =
            read("use std::fs;\nuse std::{\n    io::{self, Write},\n    env,\n};\nfn f() { std::time::now() }")
                .unwrap();
        assert_eq!(std_modules(&tokens), [("fs", 1), ("io", 3), ("env", 4), ("time", 6)]);
    }
}
