//! The guide is whole: its table of contents names every chapter, and what chapters link to is in the book.

use super::tree::{Finding, Tree};

const FOLDER: &str = "docs/guide/src/";

/// Checks the pages of the guide.
pub(crate) fn is_whole(tree: &Tree, findings: &mut Vec<Finding>) {
    let summary = tree.file(&format!("{FOLDER}SUMMARY.md"));
    let contents = summary.map_or("", |file| file.text.as_str());
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        let Some(name) = file.path.strip_prefix(FOLDER) else {
            continue;
        };
        if name != "SUMMARY.md" && !contents.contains(&format!("]({name})")) {
            let message = format!("the guide's table of contents does not name `{name}`");
            findings.push(file.finding(1, message, "add it to docs/guide/src/SUMMARY.md"));
        }
        for (index, line) in file.text.lines().enumerate() {
            for target in line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split([')', '#']).next())
            {
                let is_elsewhere = target.is_empty() || target.contains(':');
                if !is_elsewhere && !tree.paths.contains(&format!("{FOLDER}{target}")) {
                    let message = format!("the book has no `{target}`");
                    findings.push(file.finding(index + 1, message, "name the file in backticks, or link to its page"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::expect;

    #[test]
    fn chapters_are_named_and_links_stay_inside() {
        let files = [
            ("docs/guide/src/SUMMARY.md", "- [A](a.md)\n"),
            (
                "docs/guide/src/a.md",
                "see [B](b.md#top), [all](https://example.org)\nand [C](../../c.md), [D](c.md)\n",
            ),
            ("docs/guide/src/b.md", "[up](a.md)\n"),
            ("docs/c.md", "[out](../README.md)\n"),
        ];
        let expected = [
            "docs/guide/src/a.md:2: rule: the book has no `../../c.md`; name the file in backticks, or link to its page",
            "docs/guide/src/a.md:2: rule: the book has no `c.md`; name the file in backticks, or link to its page",
            "docs/guide/src/b.md:1: rule: the guide's table of contents does not name `b.md`; add it to docs/guide/src/SUMMARY.md",
        ];
        expect(is_whole, &files, &expected);
    }
}
