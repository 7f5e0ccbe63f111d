//! WIT documentation as attributes of what it documents.

use proc_macro2::TokenStream;
use quote::quote;
use wit_parser::Docs;

/// One attribute a line.
pub(crate) fn docs(docs: &Docs) -> TokenStream {
    let lines = docs.contents.iter().flat_map(|text| text.trim().lines()).map(line);
    quote!(#(#[doc = #lines])*)
}

/// The empty line between documentation and more of it.
pub(crate) fn gap_after(docs: &TokenStream) -> Option<TokenStream> {
    (!docs.is_empty()).then(|| quote!(#[doc = ""]))
}

fn line(text: &str) -> String {
    let mut line = String::new();
    for c in text.trim_end().chars() {
        if line.is_empty() {
            line.push(' ');
        }
        // Text cannot have these, but the documentation in an encoded package can. A doc comment must not: `rustc` refuses it.
        if (c.is_control() && c != '\t') || is_bidirectional(c) {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

/// Whether a character changes the direction of the text after it, so that code may look like something else.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let documentation = Docs {
            contents: Some(text.to_owned()),
        };
        let expected: TokenStream = expected.iter().map(|line| quote!(#[doc = #line])).collect();
        assert_eq!(docs(&documentation).to_string(), expected.to_string());
    }

    #[test]
    fn each_line_is_one_attribute() {
        check(
            "One.\n\n  Two \"quoted\" */ #\n",
            &[" One.", "", "   Two \"quoted\" */ #"],
        );
    }

    #[test]
    fn what_a_comment_must_not_hold_is_spelled_out() {
        check("a\rb\r\nc", &[" a\\u{d}b", " c"]);
        check("\u{202e}abc\u{2069}\0", &[" \\u{202e}abc\\u{2069}\\u{0}"]);
    }
}
