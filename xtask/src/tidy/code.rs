//! Rules for any Rust file.

use super::tokens::{Token, find};
use super::tree::{Finding, Source, Tree};

/// Rules cannot see into a file that is not made of tokens.
pub(crate) fn parses(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files.iter().filter(|file| file.is_written_rust()) {
        let syntax = syn::parse_file(&file.text);
        if let Err(error) = syntax {
            let line = error.span().start().line;
            findings.push(file.finding(line, format!("this is not Rust ({error})"), "run `cargo check`"));
        }
    }
}

/// Each file says first what it is.
pub(crate) fn header(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files.iter().filter(|file| file.is_written_rust()) {
        if !file.text.starts_with("//!") {
            let remedy = "say in a `//!` comment what the file is and what it leaves to others";
            findings.push(file.finding(1, "the file does not begin with `//!`", remedy));
        }
    }
}

/// What stands for code that is not there, and the remedy.
const UNFINISHED: &[(&str, &str, &str)] = &[
    (
        "todo !",
        "`todo!` panics",
        "report what is not supported as a diagnostic",
    ),
    (
        "unimplemented !",
        "`unimplemented!` panics",
        "report what is not supported as a diagnostic",
    ),
    ("dbg !", "`dbg!` is for debugging", "delete it"),
    (
        "# [ ignore",
        "the test is ignored",
        "let it assert today's behaviour, with a FIXME that says what is wrong",
    ),
];

/// Nothing is left for later in code that is checked in.
pub(crate) fn unfinished(tree: &Tree, findings: &mut Vec<Finding>) {
    for (file, tokens) in tree.rust() {
        for (pattern, message, remedy) in UNFINISHED {
            let found = find(tokens, pattern).into_iter();
            findings.extend(found.map(|at| file.finding(tokens[at].line, *message, *remedy)));
        }
    }
}

/// Tests wait for what they wait for, not for time to pass.
pub(crate) fn sleep(tree: &Tree, findings: &mut Vec<Finding>) {
    for (file, tokens) in tree.rust() {
        let tests_begin = tests_begin(file, tokens);
        for at in find(tokens, "sleep (").into_iter().filter(|at| *at >= tests_begin) {
            // A function of this name is not a call of it.
            if at > 0 && tokens[at - 1].text == "fn" {
                continue;
            }
            let remedy = "wait for the event itself, or count polls";
            findings.push(file.finding(tokens[at].line, "a test sleeps", remedy));
        }
    }
}

/// The first token that belongs to tests: files of tests are tests as a whole, others hold them at their end.
fn tests_begin(file: &Source, tokens: &[Token]) -> usize {
    if file.path.split('/').any(|part| matches!(part, "tests" | "tests.rs")) {
        return 0;
    }
    find(tokens, "cfg ( test )").first().copied().unwrap_or(tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::expect;

    #[test]
    fn files_without_a_header() {
        let remedy = "say in a `//!` comment what the file is and what it leaves to others";
        let bad = format!("a.rs:1: rule: the file does not begin with `//!`; {remedy}");
        expect(header, &[("a.rs", "fn f() {}")], &[&bad]);
        expect(
            header,
            &[("a.rs", "//! A file.\n"), ("tests/golden/b.rs", "fn f() {}")],
            &[],
        );
    }

    #[test]
    fn files_that_are_not_rust() {
        let bad = ["a.rs:2: rule: this is not Rust (expected identifier); run `cargo check`"];
        expect(parses, &[("a.rs", "//! A file.\nfn () {}")], &bad);
    }

    #[test]
    fn code_left_for_later() {
        let text =
            "fn f() { todo!() }\nfn g() { unimplemented!() }\nfn h() { dbg!(1); }\n#[ignore = \"slow\"]\nfn i() {}";
        let remedy = "report what is not supported as a diagnostic";
        let bad = [
            format!("a.rs:1: rule: `todo!` panics; {remedy}"),
            format!("a.rs:2: rule: `unimplemented!` panics; {remedy}"),
            "a.rs:3: rule: `dbg!` is for debugging; delete it".to_owned(),
            "a.rs:4: rule: the test is ignored; let it assert today's behaviour, with a FIXME that says what is wrong"
                .to_owned(),
        ];
        expect(unfinished, &[("a.rs", text)], &bad.each_ref().map(String::as_str));
        expect(unfinished, &[("a.rs", "// todo!()\nconst T: &str = \"dbg!\";")], &[]);
    }

    #[test]
    fn tests_that_sleep() {
        let bad = ["a.rs:3: rule: a test sleeps; wait for the event itself, or count polls"];
        let text = "fn f() { sleep(1) }\n#[cfg(test)]\nmod tests { fn g() { std::thread::sleep(1) } }";
        expect(sleep, &[("a.rs", text)], &bad);
        let bad = ["tests/b.rs:1: rule: a test sleeps; wait for the event itself, or count polls"];
        expect(
            sleep,
            &[(
                "tests/b.rs",
                "async fn f() { tokio::time::sleep(1).await }\nasync fn sleep() {}",
            )],
            &bad,
        );
    }
}
