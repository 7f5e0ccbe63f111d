//! Paths that documentation names exist.
//!
//! Two things count as a path: what stands in backticks, has a slash or a known ending and no character that paths here do not
//! have; and the target of a link that is no URL. Blocks of code are not looked at.

use super::tokens::find;
use super::tree::{Finding, Source, Tree};

/// Endings that make a name without a slash a path.
const ENDINGS: &[&str] = &["rs", "md", "toml", "wit", "txt", "lock", "stderr"];

/// Files that every package has or may have: as names they stand for a kind of file.
const KINDS: &[&str] = &["build.rs", "lib.rs", "main.rs", "mod.rs"];

/// Every path named in a Markdown file exists.
pub(crate) fn exist(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, path) in mentions(&file.text) {
            if !exists(tree, file, path) {
                let message = format!("there is no `{path}`");
                let remedy =
                    "correct the path; what is not meant as one goes without backticks or into a block of code";
                findings.push(file.finding(line, message, remedy));
            }
        }
    }
}

/// Where adding a WIT type is walked through, with maps as the example.
const WALK: &str = "ARCHITECTURE.md";

/// Every source file that matches on maps is named in the walk.
pub(crate) fn walk_is_complete(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(walk) = tree.file(WALK) else { return };
    let named: Vec<&str> = mentions(&walk.text).into_iter().map(|(_, path)| path).collect();
    for file in tree.files.iter().filter(|file| is_source(&file.path)) {
        let tokens = file.tokens.as_deref().unwrap_or_default();
        let Some(at) = find(tokens, ": : Map (").first().copied() else {
            continue;
        };
        if !named.contains(&file.path.as_str()) {
            let message = format!("{WALK} does not name this file where it walks through adding a type");
            findings.push(file.finding(tokens[at].line, message, "add it there"));
        }
    }
}

/// Whether a file belongs to a package of the library, and is no test of one.
fn is_source(path: &str) -> bool {
    let folder = path.split('/').next().unwrap_or_default();
    path.contains("/src/") && !["tests", "examples", "benches", "xtask"].contains(&folder)
}

/// The paths a text names, with their lines.
fn mentions(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let quoted = line.split('`').skip(1).step_by(2).filter(|text| is_path(text));
            found.extend(quoted.chain(links(line)).map(|path| (index + 1, path)));
        }
    }
    found
}

fn is_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/*".contains(c));
    let ending = text.rsplit_once('.').map(|(_, ending)| ending);
    let looks_like = text.contains('/') || ending.is_some_and(|ending| ENDINGS.contains(&ending));
    // What begins with a slash or is built does not belong to the repository.
    plain && looks_like && !text.starts_with(['/', '-', '.']) && !text.starts_with("target/") && !KINDS.contains(&text)
        || text.starts_with(".ci/")
}

/// The targets of Markdown links that are files.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains(':') && !target.starts_with('#'));
    files.filter_map(|target| target.split('#').next())
}

/// Looks beside the file first, then from the workspace; a name alone may be anywhere.
fn exists(tree: &Tree, file: &Source, path: &str) -> bool {
    let path = match path.find('*') {
        // Of a pattern, the folder before it.
        Some(star) => path[..star].rsplit_once('/').map_or("", |(folder, _)| folder),
        None => path.trim_end_matches('/'),
    };
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = normal(&format!("{folder}/{path}"));
    let anywhere = || tree.paths.iter().any(|known| known.rsplit('/').next() == Some(path));
    path.is_empty() || tree.paths.contains(&beside) || tree.paths.contains(path) || !path.contains('/') && anywhere()
}

/// The path without `.`, `..` and empty parts.
fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::expect;

    #[track_caller]
    fn check(text: &str, missing: &[&str]) {
        let remedy = "correct the path; what is not meant as one goes without backticks or into a block of code";
        let expected: Vec<_> = missing
            .iter()
            .map(|m| format!("docs/a.md:1: rule: there is no `{m}`; {remedy}"))
            .collect();
        let files = [
            ("docs/a.md", text),
            ("docs/b.md", ""),
            ("src/c.rs", ""),
            ("README.md", ""),
        ];
        expect(exist, &files, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn paths_from_the_workspace_or_beside_the_file() {
        check("`src/c.rs`, `b.md`, `docs/`, `src/*.rs`, `c.rs`, `README.md`", &[]);
        check(
            "`src/d.rs`, `nowhere/`, `d.rs`, `nowhere/*.rs`",
            &["d.rs", "nowhere/*.rs", "nowhere/", "src/d.rs"],
        );
    }

    #[test]
    fn links_are_paths() {
        check(
            "[b](b.md#top), [up](../README.md), [out](https://example.org/x.md), [here](#here)",
            &[],
        );
        check("[d](d.md)", &["d.md"]);
    }

    #[test]
    fn a_walk_that_forgets_a_file() {
        let walk = "See `core/src/a.rs`.";
        let source = "fn f(ty: Type) -> bool {\n    matches!(ty, Type::Map(..))\n}";
        let files = [
            (WALK, walk),
            ("core/src/a.rs", source),
            ("core/src/b.rs", source),
            ("core/src/c.rs", "fn g() {}"),
            ("tests/src/d.rs", source),
        ];
        let message = format!("{WALK} does not name this file where it walks through adding a type");
        let expected = format!("core/src/b.rs:2: rule: {message}; add it there");
        expect(walk_is_complete, &files, &[expected.as_str()]);
    }

    #[test]
    fn what_only_looks_like_a_path() {
        check(
            "`wasi:http/service`, `a / b`, `build.rs`, `target/doc`, `-p a/b`, `<case>/test.wit`",
            &[],
        );
        check("\n```\n`src/d.rs`\n```\n", &[]);
    }
}
