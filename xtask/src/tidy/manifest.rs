//! What rules need to know of a Cargo.toml: its sections, their keys and lines. It is no TOML parser: it reads the plain form
//! that manifests in this workspace have.

use super::tree::Source;

/// A line `key = value` of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// The header above it, without brackets.
    pub(crate) section: &'a str,
    /// The first part of its key: of `syn.workspace` that is `syn`.
    pub(crate) key: &'a str,
    /// All that follows the first part of the key.
    pub(crate) rest: &'a str,
    /// Counted from one.
    pub(crate) line: usize,
}

/// The entries of a manifest.
pub(crate) fn entries(manifest: &Source) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut entries = Vec::new();
    for (index, text) in manifest.text.lines().enumerate() {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            section = header.trim_matches(['[', ']']);
        } else if !text.starts_with('#')
            && let Some(end) = text.find(|c: char| c == '=' || c == '.' || c.is_whitespace())
        {
            let (key, rest) = text.split_at(end);
            entries.push(Entry {
                section,
                key: key.trim_matches('"'),
                rest,
                line: index + 1,
            });
        }
    }
    entries
}

/// The packages a manifest depends on in any way, with their lines. A renamed one counts by its real name.
pub(crate) fn dependencies(manifest: &Source) -> Vec<(&str, usize)> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for entry in entries(manifest) {
        let Some(after) = entry.section.split_once("dependencies").map(|(_, after)| after) else {
            continue;
        };
        match after.strip_prefix('.') {
            // `[dependencies.name]` heads one dependency.
            Some(name) if !found.iter().any(|(known, _)| *known == name) => found.push((name, entry.line)),
            Some(_) => {}
            None => found.push((renamed(entry.rest).unwrap_or(entry.key), entry.line)),
        }
    }
    found
}

fn renamed(rest: &str) -> Option<&str> {
    let (_, after) = rest.split_once("package")?;
    after
        .trim_start()
        .strip_prefix('=')?
        .trim_start()
        .strip_prefix('"')?
        .split('"')
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::Tree;

    #[test]
    fn dependencies_of_every_form() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nsyn.workspace = true\nq = { package = \"quote\", version = \"1\" }\n\
                    # heck = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nserde = \"1\"\n[build-dependencies.cc]\nversion = \"1\"\n";
        let tree = Tree::of(&[("Cargo.toml", text)]);
        let manifest = tree.file("Cargo.toml").unwrap();
        assert_eq!(
            dependencies(manifest),
            [("syn", 4), ("quote", 5), ("serde", 8), ("cc", 10)]
        );
    }
}
