//! Writing JSON, as much of it as traces need.

use std::fmt::Write as _;

/// A text as a string of JSON.
pub(super) fn string(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            // Neither control characters, nor what could end a script of HTML.
            c if c < ' ' || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// An object of fields that are JSON already.
pub(super) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fields = fields
        .into_iter()
        .map(|(name, value)| format!("{}:{value}", string(name)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A list of what is JSON already.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::{list, object, string};

    #[test]
    fn what_means_something_is_escaped() {
        assert_eq!(
            string("a \"b\" \\ \n </script> é"),
            r#""a \"b\" \\ \n \u003c/script\u003e é""#
        );
        assert_eq!(object([("a", "1".to_owned()), ("b", list([]))]), r#"{"a":1,"b":[]}"#);
    }
}
