//! `bindgen new`: what it writes, and what it refuses. Whether that builds and works is what `new_guest.rs` tests.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{bindgen, scratch, text};

/// Files of a folder and those below, relative to it and sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("the folder exists").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("it is below").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace is there")
}

/// Makes a guest in a temporary folder, by further arguments.
#[track_caller]
fn make(name: &str, args: &[&str]) -> (tempfile::TempDir, PathBuf, String) {
    let folder = scratch();
    let dir = folder.path().join("here");
    let (done, out, err) = bindgen(&[&["new", name, "--dir", text(&dir)], args].concat());
    assert!(done, "{err}");
    (folder, dir, out)
}

/// The member of this workspace that was made by `bindgen new hello`; only its manifests are its own.
#[test]
fn the_example_is_what_is_written() {
    let (_folder, made, _) = make("hello", &[]);
    let example = workspace().join("examples/hello");
    for file in files(&made) {
        if matches!(
            file.to_str(),
            Some("Cargo.toml" | "runner/Cargo.toml" | ".gitignore" | "README.md")
        ) {
            continue;
        }
        let (expected, here) = (read(&made.join(&file)), example.join(&file));
        if std::env::var_os("WITFLOW_BLESS").is_some() {
            fs::create_dir_all(here.parent().expect("files are in folders")).expect("the workspace is writable");
            fs::write(&here, expected).expect("the workspace is writable");
            continue;
        }
        let found = read(&here);
        let diff = similar::TextDiff::from_lines(found.as_str(), expected.as_str())
            .unified_diff()
            .to_string();
        assert!(
            diff.is_empty(),
            "{} is not what is written; `cargo xtask bless` makes it so:\n{diff}",
            file.display()
        );
    }
}

#[test]
fn names_are_in_their_places() {
    let (_folder, made, out) = make("two-words", &["--witflow-version", "0.1"]);
    let manifest = read(&made.join("Cargo.toml"));
    assert!(manifest.contains("name = \"two-words\"\n"), "{manifest}");
    assert!(manifest.contains("witflow = { version = \"0.1\" }\n"), "{manifest}");
    assert!(
        manifest.contains("witflow-host = { version = \"0.1\" }\n"),
        "{manifest}"
    );
    let runner = read(&made.join("runner/Cargo.toml"));
    assert!(
        runner.contains("{ version = \"0.1\", features = [\"wasmtime\"] }"),
        "{runner}"
    );
    assert!(read(&made.join("src/lib.rs")).contains("export!(TwoWords);"));
    assert!(read(&made.join("src/lib.rs")).contains("use demo::two_words::log;"));
    assert!(read(&made.join("wit/world.wit")).contains("world two-words {"));
    for file in files(&made) {
        let text = read(&made.join(&file)).to_lowercase();
        assert!(
            !text.contains("hello-guest") && !text.contains("hello_guest") && !text.contains("source }"),
            "{file:?}"
        );
    }
    assert!(out.contains("cargo run -p two-words-runner"), "{out}");
    let (done, checked, err) = bindgen(&["check", text(&made.join("wit"))]);
    assert_eq!(
        (done, checked.as_str()),
        (true, "ok demo:two-words/two-words: 1 import, 2 exports\n"),
        "{err}"
    );
}

#[test]
fn sources_of_witflow() {
    let checkout = workspace();
    let (_folder, made, _) = make("guest", &["--witflow-path", text(&checkout)]);
    let manifest = read(&made.join("Cargo.toml"));
    let line = format!("witflow-host = {{ path = {:?} }}\n", checkout.join("host"));
    assert!(manifest.contains(&line), "{line} is not in\n{manifest}");

    let (_folder, made, _) = make("guest", &["--witflow-git", "https://example.org/witflow"]);
    let runner = read(&made.join("runner/Cargo.toml"));
    assert!(
        runner.contains("{ git = \"https://example.org/witflow\", features"),
        "{runner}"
    );

    let misuse =
        witflow_cli::Command::from_args(["bindgen", "new", "a", "--witflow-git", "a", "--witflow-version", "1"]);
    assert!(misuse.is_err(), "a guest has one source");
}

/// Nothing is written, and the reason is said.
#[track_caller]
fn refuse(args: &[&str], reason: &str) {
    let folder = scratch();
    let dir = folder.path().join("here");
    let (done, out, err) = bindgen(&[&["new", "--dir", text(&dir)], args].concat());
    assert!(!done && out.is_empty() && !dir.exists(), "{out}");
    assert!(err.contains(reason), "{err}");
}

#[test]
fn names_that_are_refused() {
    refuse(&["TwoWords"], "joined by `-`: `two-words`");
    refuse(&["two_words"], "joined by `-`: `two-words`");
    refuse(&["1st"], "each beginning with a letter");
    refuse(&[""], "each beginning with a letter");
    refuse(&["a--b"], "joined by `-`: `a-b`");
    refuse(&["../up"], "joined by `-`: `up`");
    refuse(&["match"], "a keyword of Rust");
    refuse(&["stream"], "a keyword of WIT");
    refuse(&["futures"], "has this name already");
}

#[test]
fn folders_that_are_refused() {
    refuse(
        &["guest", "--witflow-path", env!("CARGO_MANIFEST_DIR")],
        "is not the package `witflow`",
    );
    let folder = scratch();
    fs::write(folder.path().join("mine"), "mine").expect("the temporary directory is writable");
    let (done, _, err) = bindgen(&["new", "guest", "--dir", text(folder.path())]);
    assert!(!done && err.contains("there is something in"), "{err}");
    assert_eq!(files(folder.path()), [Path::new("mine")]);
}
