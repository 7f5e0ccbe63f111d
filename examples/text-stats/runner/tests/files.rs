//! Runs the component on files of many kinds and compares its numbers with those of `wc`, where that is installed, and with a count of
//! the tests' own.

mod support;

use support::{Folder, Run, expected, noise};

/// Counts files by the component, and checks every number.
#[track_caller]
fn check(test: &str, files: &[(&str, &[u8])]) -> Run {
    let folder = Folder::new(test);
    for (name, contents) in files {
        folder.file(name, contents);
    }
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let run = folder.run(&names);
    assert_eq!((run.success, run.errors.as_str()), (true, ""));
    assert_eq!(run.rows.len(), files.len() + 1, "a row for each file, and the total");
    let mut total = [0; 3];
    for (name, contents) in files {
        let row = expected(contents);
        assert_eq!(run.rows[*name], row, "{name}");
        total.iter_mut().zip(row).for_each(|(total, number)| *total += number);
    }
    assert_eq!(run.rows["total"], total);
    compare_with_wc(&folder, &names, &run);
    run
}

/// Where `wc` counts words by another rule, lines and bytes are compared only.
#[track_caller]
fn compare_with_wc(folder: &Folder, names: &[&str], run: &Run) {
    let Some(rows) = folder.wc(names) else { return };
    let same_rule = *support::WC_WANTS_PRINTABLE;
    for (name, [lines, words, bytes]) in rows {
        let row = run.rows[&name];
        assert_eq!(
            (row[0], row[2]),
            (lines, bytes),
            "lines and bytes of {name} as wc counts them"
        );
        assert!(
            !same_rule || row[1] == words,
            "wc counts {words} words in {name}, the guest {}",
            row[1]
        );
    }
}

#[test]
fn small_files() {
    check(
        "small-files",
        &[
            ("empty", b""),
            ("newline", b"\n"),
            ("no-newline", b"a last line\nwithout its newline"),
            ("white-space", b" \t\n\x0b\x0c\r \n"),
            ("windows", b"one two\r\nthree\r\n"),
            ("invalid", b"\xff\xfe \x80 a\xc3( \xed\xa0\x80\n"),
            ("control", b"\0 \x01\x7f a\0b \x1b[0m\n"),
            ("greek", "Ελλάδα is Greek\u{a0}for Greece\n".as_bytes()),
        ],
    );
}

#[test]
fn pieces_end_anywhere() {
    // Words and lines across the ends of the pieces that the files are read in.
    let piece = 64 * 1024;
    let word = vec![b'w'; 3 * piece];
    let text = "some words on a line\n".repeat(20_000);
    let files = [piece - 1, piece, piece + 1].map(|len| &text.as_bytes()[..len]);
    check(
        "pieces",
        &[
            ("below", files[0]),
            ("exact", files[1]),
            ("above", files[2]),
            ("word", &word),
            ("long", text.as_bytes()),
        ],
    );
}

#[test]
fn noise_of_a_mebibyte() {
    check("noise", &[("noise", &noise(1 << 20))]);
}

#[test]
fn more_files_than_are_open_at_once() {
    let contents: Vec<_> = (0..300)
        .map(|number| format!("file number {number}\n").repeat(number))
        .collect();
    let names: Vec<_> = (0..300).map(|number| format!("file-{number}")).collect();
    let files: Vec<_> = names
        .iter()
        .zip(&contents)
        .map(|(name, contents)| (name.as_str(), contents.as_bytes()))
        .collect();
    let run = check("many", &files);
    assert!(run.memory < 4 << 20, "{} bytes of memory for small files", run.memory);
}

#[test]
fn files_that_cannot_be_read() {
    let folder = Folder::new("unreadable");
    folder.file("first", b"one\n");
    folder.file("last", b"two words\n");
    let run = folder.run(&["first", "missing", ".", "last"]);
    assert!(!run.success);
    assert_eq!(run.rows["first"], [1, 1, 4]);
    assert_eq!(run.rows["last"], [1, 2, 10]);
    assert_eq!(run.rows["total"], [2, 3, 14]);
    assert_eq!(run.rows.len(), 3, "{:?}", run.rows);
    for name in ["missing", "."] {
        let complaints = run.errors.lines().filter(|line| line.starts_with(&format!("{name}: ")));
        assert_eq!(complaints.count(), 1, "about {name}, in {:?}", run.errors);
    }
    assert_eq!(run.errors.lines().count(), 2, "{:?}", run.errors);
}

#[test]
fn without_files_those_that_git_knows_or_all() {
    let folder = Folder::new("found");
    folder.file("a", b"1\n");
    folder.file("b", b"2\n");
    folder.file(".hidden", b"3\n");
    // The folder is within the repository, but not of it: git lists nothing here, and the folder is walked.
    let run = folder.run(&[]);
    assert_eq!(run.rows.keys().collect::<Vec<_>>(), ["a", "b", "total"]);
    if support::is_installed("git") {
        folder.git(&["init", "--quiet"]);
        folder.git(&["add", "b", ".hidden"]);
        let run = folder.run(&[]);
        assert_eq!(run.rows.keys().collect::<Vec<_>>(), [".hidden", "b", "total"]);
    }
}

#[test]
fn a_large_file_needs_no_more_memory() {
    let folder = Folder::new("large");
    let contents = "sixteen letters\n".repeat(4 << 20);
    assert_eq!(contents.len(), 64 << 20);
    folder.file("large", contents.as_bytes());
    let run = folder.run(&["large"]);
    assert_eq!(run.rows["large"], [4 << 20, 8 << 20, 64 << 20]);
    assert!(run.memory < 4 << 20, "{} bytes of memory", run.memory);
}

#[test]
fn what_the_component_does_can_be_looked_at() {
    let folder = Folder::new("timeline");
    folder.file("a", b"one two\n");
    folder.file("b", b"three\n");
    let run = folder.run(&["a", "b", "--timeline", "run.txt"]);
    assert_eq!((run.success, run.errors.as_str()), (true, ""));
    assert_eq!(run.rows["total"], [2, 3, 14], "shims change nothing");
    let table = folder.text("run.txt");
    for part in [
        "text-stats: task 1 of `demo:stats/api#analy",
        "task.return(2)",
        "BLOCKED",
        "callback StreamRead 1 ",
        "demo:stats/progress#advance(",
        "exited",
    ] {
        assert!(table.contains(part), "`{part}` is not in\n{table}");
    }
    folder.run(&["a", "b", "--timeline", "run.html"]);
    let page = folder.text("run.html");
    for kind in ["run", "copy"] {
        assert!(page.contains(&format!("{{\"kind\":\"{kind}\"")), "{kind}");
    }
    folder.run(&["a", "b", "--timeline", "run.json"]);
    assert!(folder.text("run.json").starts_with("{\"traceEvents\":["));
}
