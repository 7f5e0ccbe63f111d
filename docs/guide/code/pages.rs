//! What the pages show is what is compiled, said and done.
//!
//! | block | is |
//! |---|---|
//! | `rust`, `wit` | part of a file that is compiled: of this folder, of an example, or `tests/readme.rs` |
//! | `text` | part of what a test compares with: an expected diagnostic in `tests/ui`, or a text in one of those files |
//! | `console` | commands that exist; what `bindgen` prints is what it prints |
//!
//! Indentation does not count. A line that is `…`, in Rust and WIT `// …`, stands for what is left out.

use std::fs;
use std::path::{Path, PathBuf};

use witflow_cli::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files below a folder with one of the endings, and their text.
fn files(folder: &Path, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, endings));
        } else if endings
            .iter()
            .any(|ending| path.extension().is_some_and(|found| found == *ending))
        {
            let text = fs::read_to_string(&path).expect("it is text");
            found.push((path, text));
        }
    }
    found
}

/// A block of code in a page.
struct Block {
    /// The page and the line, for messages.
    place: String,
    language: String,
    lines: Vec<String>,
}

fn blocks() -> Vec<Block> {
    let pages = files(&root().join("docs/guide/src"), &["md"]);
    assert!(pages.len() > 10, "the pages are somewhere else");
    pages.iter().flat_map(|(path, text)| blocks_of(path, text)).collect()
}

fn blocks_of(path: &Path, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                open = Some(Block {
                    place: format!("{name}:{}", index + 1),
                    language: language.trim().to_owned(),
                    lines: Vec::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.trim().to_owned()),
            (None, None) => {}
        }
    }
    blocks
}

/// Whether the lines are in the text one after the other, but for what is left out.
fn holds(text: &str, lines: &[String]) -> bool {
    let text: Vec<&str> = text.lines().map(str::trim).collect();
    let mut from = 0;
    for piece in lines.split(|line| line == "…" || line == "// …") {
        let start = piece.iter().position(|line| !line.is_empty()).unwrap_or(piece.len());
        let end = piece
            .iter()
            .rposition(|line| !line.is_empty())
            .map_or(start, |last| last + 1);
        let piece = &piece[start..end];
        if piece.is_empty() {
            continue;
        }
        let at = text[from..].windows(piece.len()).position(|window| window == piece);
        match at {
            Some(at) => from += at + piece.len(),
            None => return false,
        }
    }
    true
}

/// Checks that each block in a language is in one of the files.
fn check(languages: &[&str], sources: &[(PathBuf, String)]) {
    let blocks = blocks();
    let blocks = blocks
        .iter()
        .filter(|block| languages.contains(&block.language.as_str()));
    let strange: Vec<_> = blocks
        .filter(|block| !sources.iter().any(|(_, text)| holds(text, &block.lines)))
        .map(|block| {
            format!(
                "{}: nowhere in what is tested:\n{}\n",
                block.place,
                block.lines.join("\n")
            )
        })
        .collect();
    assert!(strange.is_empty(), "{}", strange.join("\n"));
}

/// What is compiled and run by tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut sources = files(&root().join("docs/guide/code"), &["rs", "wit"]);
    sources.extend(files(&root().join("examples"), &["rs", "wit"]));
    let readme = root().join("tests/readme.rs");
    sources.push((readme.clone(), fs::read_to_string(readme).expect("it is there")));
    sources
}

#[test]
fn code_is_compiled() {
    check(&["rust", "wit"], &sources());
}

#[test]
fn texts_are_compared() {
    let mut sources = sources();
    for (_, text) in &mut sources {
        // Lines of a text that is written in several.
        *text = text
            .replace("\\n\\\n", "\n")
            .replace("\\n\"\n", "\n")
            .replace(" \"", " ");
    }
    sources.extend(files(&root().join("tests/ui"), &["txt", "wit"]));
    check(&["text"], &sources);
}

#[test]
fn languages_are_known() {
    for block in blocks() {
        let known = ["rust", "wit", "text", "console", "toml"].contains(&block.language.as_str());
        assert!(known, "{}: `{}` is checked by nothing", block.place, block.language);
    }
}

/// The commands of a block, each with what is shown of its output.
fn commands(block: &Block) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in &block.lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => {
                let command = command.split(" #").next().unwrap_or_default().trim();
                commands.push((command.to_owned(), Vec::new()));
            }
            (None, Some((_, output))) => output.push(line.clone()),
            (None, None) => panic!("{}: output without a command", block.place),
        }
    }
    commands
}

#[test]
fn bindgen_takes_and_prints_what_is_shown() {
    let mut compared = 0;
    for block in blocks().iter().filter(|block| block.language == "console") {
        for (command, shown) in commands(block) {
            if !command.starts_with("bindgen ") {
                continue;
            }
            let place = &block.place;
            let words = command.split_whitespace().take_while(|word| *word != ">");
            // The folder in which a new guest has its world.
            let wit = root().join("examples/hello/wit");
            let wit = wit.to_str().expect("the path is text");
            let words = words.map(|word| if word == "wit" { wit } else { word });
            let parsed = Command::from_args(words).unwrap_or_else(|error| panic!("{place}: {error}"));
            if shown.is_empty() {
                continue;
            }
            let (mut out, mut err) = (Vec::new(), Vec::new());
            parsed.run(&mut out, &mut err);
            let printed = String::from_utf8([out, err].concat()).expect("it prints text");
            assert!(holds(&printed, &shown), "{place}: `{command}` prints\n{printed}");
            compared += 1;
        }
    }
    assert!(compared > 1, "the guide shows what `bindgen` prints");
}
