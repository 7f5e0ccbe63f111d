//! Rules for any file.

use super::tree::{Finding, Source, Tree};

/// Lines have no spaces at their end.
pub(crate) fn trailing_space(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.files.iter().filter(|file| !file.is_golden()) {
        for (line, text) in lines(file) {
            if text.ends_with([' ', '\t']) {
                findings.push(file.finding(line, "the line ends in a space", "delete it"));
            }
        }
    }
}

/// The first folders of paths that exist on one machine only.
const PRIVATE: &[&str] = &["root", "work", "home", "Users"];

/// No file names a path of somebody's machine.
pub(crate) fn machine_path(tree: &Tree, findings: &mut Vec<Finding>) {
    for (file, line, text) in lines_of_written_files(tree) {
        if let Some(path) = PRIVATE.iter().find_map(|folder| absolute(text, folder)) {
            let message = format!("`{path}` is a path of one machine");
            findings.push(file.finding(line, message, "name it relative to the repository, or leave it out"));
        }
    }
}

/// The absolute path into `folder` that the line names, if there is one.
fn absolute<'a>(line: &'a str, folder: &str) -> Option<&'a str> {
    let start = format!("/{folder}/");
    let (at, _) = line.match_indices(&start).find(|(at, _)| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || "/._-~*}>".contains(c)))
    })?;
    let end = line[at..]
        .find(|c: char| c.is_whitespace() || "`\"')>,;".contains(c))
        .map_or(line.len(), |end| at + end);
    Some(&line[at..end])
}

/// Settings that tie a checkout to the registry of one place, and the hosts of the public one.
const REGISTRY: &[&str] = &[
    "sparse+http",
    "replace-with",
    "[source.",
    "index.crates.io",
    "static.crates.io",
];

/// No file but `Cargo.lock` says where packages are downloaded from.
pub(crate) fn registry(tree: &Tree, findings: &mut Vec<Finding>) {
    for (file, line, text) in lines_of_written_files(tree) {
        // This file has to name them.
        if file.path == "xtask/src/tidy/text.rs" {
            continue;
        }
        if let Some(setting) = REGISTRY.iter().find(|setting| text.contains(**setting)) {
            let message = format!("`{setting}` says where packages come from");
            findings.push(file.finding(line, message, "keep it in your own Cargo configuration"));
        }
    }
}

fn lines_of_written_files(tree: &Tree) -> impl Iterator<Item = (&Source, usize, &str)> {
    let files = tree.files.iter().filter(|file| file.path != "Cargo.lock");
    files.flat_map(|file| lines(file).map(move |(line, text)| (file, line, text)))
}

fn lines(file: &Source) -> impl Iterator<Item = (usize, &str)> {
    file.text
        .split('\n')
        .enumerate()
        .map(|(index, text)| (index + 1, text.strip_suffix('\r').unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::expect;

    #[test]
    fn spaces_at_the_end_of_a_line() {
        let bad = ["a.md:2: rule: the line ends in a space; delete it"];
        expect(trailing_space, &[("a.md", "one\ntwo \nthree")], &bad);
        expect(trailing_space, &[("tests/golden/a.rs", "one \n")], &[]);
    }

    #[test]
    fn paths_of_one_machine() {
        let line = ["see `/", "home/ada/notes.md`"].concat();
        let path = ["/", "home/ada/notes.md"].concat();
        let bad = format!(
            "docs/a.md:1: rule: `{path}` is a path of one machine; name it relative to the repository, or leave it out"
        );
        expect(machine_path, &[("docs/a.md", &line)], &[&bad]);
        expect(
            machine_path,
            &[("docs/a.md", "https://example.org/home/ada and docs/work/plan")],
            &[],
        );
        expect(machine_path, &[("Cargo.lock", &line)], &[]);
    }

    #[test]
    fn settings_of_a_registry() {
        let bad = ["a.toml:2: rule: `[source.` says where packages come from; keep it in your own Cargo configuration"];
        expect(registry, &[("a.toml", "[alias]\n[source.mirror]\n")], &bad);
    }
}
