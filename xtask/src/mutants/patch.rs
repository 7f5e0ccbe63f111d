//! Puts a mutant into the text of a file, behind its switch.

use anyhow::{Result, bail};

use super::Mutant;

/// The text with the mutant in it, whose number is `number`.
pub(super) fn apply(text: &str, mutant: &Mutant, number: usize) -> Result<String> {
    let (begin, end) = find(text, mutant.from)?;
    let from = &text[begin..end];
    // In the generator it is code that is generated.
    let path = if mutant.file.starts_with("async-rt/") {
        "crate"
    } else {
        "#rt"
    };
    let on = format!("{path}::mutant::is({number}u32)");
    let is_statement = from.ends_with([';', '}']);
    let instead = match (mutant.to.contains("{ON}"), is_statement) {
        (true, _) => mutant.to.replace("{ON}", &on),
        (false, true) => format!("if {on} {{ {} }} else {{ {from} }}", mutant.to),
        (false, false) => format!("(if {on} {{ {} }} else {{ {from} }})", mutant.to),
    };
    Ok(format!("{}{instead}{}", &text[..begin], &text[end..]))
}

/// Where `wanted` is in `text`, with any white space for any other.
fn find(text: &str, wanted: &str) -> Result<(usize, usize)> {
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let Some(first) = words.first() else {
        bail!("it replaces nothing");
    };
    let places = text
        .match_indices(first)
        .filter_map(|(begin, _)| Some((begin, matches(text, begin, &words)?)));
    let places: Vec<_> = places.collect();
    match places[..] {
        [place] => Ok(place),
        [] => bail!("`{wanted}` is not there any more"),
        _ => bail!(
            "`{wanted}` is there {} times; say more of what is around it",
            places.len()
        ),
    }
}

/// Where the words end that begin at `begin`.
fn matches(text: &str, begin: usize, words: &[&str]) -> Option<usize> {
    let mut at = begin;
    for (index, word) in words.iter().enumerate() {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        if index > 0 && trimmed.len() == rest.len() {
            return None;
        }
        at += rest.len() - trimmed.len();
        at += trimmed.starts_with(word).then_some(word.len())?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::mutants::Mutant;

    fn mutant(from: &'static str, to: &'static str) -> Mutant {
        Mutant {
            name: "test",
            about: "a test",
            file: "async-rt/src/lib.rs",
            from,
            to,
        }
    }

    fn applied(from: &'static str, to: &'static str) -> Result<String, String> {
        let text = "fn f() {\n    one(1);\n    two(\n        2,\n    );\n    one(3);\n    let x = y;\n}\n";
        apply(text, &mutant(from, to), 7).map_err(|error| error.to_string())
    }

    #[test]
    fn statements_and_expressions_are_switched() {
        let with = |instead: &str, was: &str| {
            "fn f() {\n    one(1);\n    two(\n        2,\n    );\n    one(3);\n    let x = y;\n}\n"
                .replacen(was, instead, 1)
        };
        let statement = with("if crate::mutant::is(7u32) {  } else { one(1); }", "one(1);");
        assert_eq!(applied("one(1);", ""), Ok(statement));
        let expression = with("let x = (if crate::mutant::is(7u32) { z } else { y });", "let x = y;");
        assert_eq!(applied("y", "z"), Ok(expression));
        let lines = with(
            "if crate::mutant::is(7u32) { two(3); } else { two(\n        2,\n    ); }",
            "two(\n        2,\n    );",
        );
        assert_eq!(applied("two( 2, );", "two(3);"), Ok(lines));
        let whole = with("let x = !crate::mutant::is(7u32);", "let x = y;");
        assert_eq!(applied("let x = y;", "let x = !{ON};"), Ok(whole));
    }

    #[test]
    fn what_is_not_there_or_not_unique_is_said() {
        assert_eq!(applied("three", ""), Err("`three` is not there any more".to_owned()));
        assert_eq!(
            applied("one(", ""),
            Err("`one(` is there 2 times; say more of what is around it".to_owned())
        );
    }
}
