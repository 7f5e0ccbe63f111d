//! The tests that the table of conformance names exist.
//!
//! A cell names a Rust file in backticks, and behind it, in backticks as well, functions of it.

use super::tokens::{Token, find};
use super::tree::{Finding, Tree};

/// Where the table is.
const TABLE: &str = "docs/conformance.md";

/// Each function named in the table is a test of the file named before it.
pub(crate) fn tests_exist(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(table) = tree.file(TABLE) else { return };
    let rows = table.text.lines().enumerate().filter(|(_, line)| line.starts_with('|'));
    for (index, row) in rows {
        let mut tokens: &[Token] = &[];
        let mut path = "";
        for name in row.split('`').skip(1).step_by(2) {
            if name.ends_with(".rs") {
                path = name;
                tokens = tree
                    .file(path)
                    .and_then(|file| file.tokens.as_deref())
                    .unwrap_or_default();
            } else if !path.is_empty() && !is_test(tokens, name) {
                let message = format!("`{path}` has no test `{name}`");
                findings.push(table.finding(index + 1, message, "name the test that there is, or write it"));
            }
        }
    }
}

/// Whether there is a function of that name with `#[test]` among its attributes.
fn is_test(tokens: &[Token], name: &str) -> bool {
    find(tokens, &format!("fn {name}")).into_iter().any(|at| {
        let ends = |token: &Token| matches!(token.text.as_str(), "{" | "}" | ";");
        let begin = tokens[..at].iter().rposition(ends).map_or(0, |end| end + 1);
        !find(&tokens[begin..at], "# [ test ]").is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::expect;

    #[test]
    fn a_test_that_is_missing_is_named() {
        let tests =
            "#[test] fn there() {} #[test] #[should_panic(expected = \"x\")] pub(super) fn here() {} fn helper() {}";
        let table = "`x`\n| `a.rs`: `there`, `here`; `b.rs`: `there` |\n| `a.rs`: `gone`, `helper` |";
        let remedy = "name the test that there is, or write it";
        expect(
            tests_exist,
            &[(TABLE, table), ("a.rs", tests), ("b.rs", tests)],
            &[
                format!("{TABLE}:3: rule: `a.rs` has no test `gone`; {remedy}").as_str(),
                format!("{TABLE}:3: rule: `a.rs` has no test `helper`; {remedy}").as_str(),
            ],
        );
    }
}
