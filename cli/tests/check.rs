//! `bindgen check`, and `--watch`.

mod support;

use std::fs;
use std::path::Path;

use support::{bindgen, scratch, text, watch};

const GOOD: &str =
    "package test:check; world one { export run: func(); } world two { import log: func(line: string); }";
const BAD: &str = "package test:check; world one { export run: func(x: nothing); }";

#[track_caller]
fn write(path: &Path, contents: &str) {
    fs::write(path, contents).expect("the temporary directory is writable");
}

#[test]
fn every_world_is_checked() {
    let (done, out, err) = bindgen(&["check", "--inline", GOOD]);
    assert_eq!(
        (done, out.as_str(), err.as_str()),
        (
            true,
            "ok test:check/one: 0 imports, 1 export\nok test:check/two: 1 import, 0 exports\n",
            ""
        )
    );
    let (done, out, _) = bindgen(&["check", "--inline", GOOD, "--world", "two"]);
    assert_eq!((done, out.as_str()), (true, "ok test:check/two: 1 import, 0 exports\n"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let (done, out, err) = bindgen(&["check", "--inline", BAD]);
    assert!(!done && out.is_empty(), "{out}");
    assert!(err.contains("nothing") && err.contains("<inline>:1:53"), "{err}");

    let (done, _, err) = bindgen(&["check", "--inline", "package test:check; interface i {}"]);
    assert!(!done && err.contains("the WIT defines no world"), "{err}");
}

#[test]
fn a_bad_world_does_not_hide_a_good_one() {
    let wit = "package test:check; world good { export run: async func(); } world bad { export walk: async func(); }";
    let (done, out, err) = bindgen(&["check", "--inline", wit, "--sync", "run"]);
    assert!(!done);
    assert_eq!(out, "ok test:check/good: 0 imports, 1 export\n");
    assert!(err.contains("the filter `run` matches no `async` function"), "{err}");
}

#[test]
fn bindings_are_compared_where_they_are_said_to_be() {
    let folder = scratch();
    let (wit, src) = (folder.path().join("a.wit"), folder.path().join("src"));
    write(&wit, GOOD);
    let check = ["check", text(&wit), "--world", "one", "--out-dir", text(&src)];
    let (done, out, _) = bindgen(&check);
    let advice = "one.rs is out of date: `bindgen rust` with the same options writes it\n";
    assert!(!done && out.contains(advice), "{out}");

    assert!(bindgen(&["rust", text(&wit), "--world", "one", "--out-dir", text(&src)]).0);
    let (done, out, _) = bindgen(&check);
    assert_eq!((done, out.as_str()), (true, "ok test:check/one: 0 imports, 1 export\n"));
}

#[test]
fn watching_checks_again_after_each_change() {
    let folder = scratch();
    let wit = folder.path().join("a.wit");
    write(&wit, GOOD);
    let mut looks = 0;
    let (done, out, err) = watch(&["check", "--watch", text(&wit)], &mut || {
        looks += 1;
        match looks {
            // Nothing has changed: nothing is said.
            1 | 2 => {}
            3 => write(&wit, BAD),
            4 => fs::remove_file(&wit).expect("it was written"),
            5 => write(&wit, "package test:check; world three {}"),
            _ => return false,
        }
        true
    });
    assert!(done, "the last check succeeded");
    assert_eq!(out.lines().count(), 3, "{out}");
    assert!(out.ends_with("ok test:check/three: 0 imports, 0 exports\n"), "{out}");
    assert_eq!(err.matches("watching ").count(), 4, "{err}");
    assert!(err.contains("nothing") && err.contains("there is no WIT file"), "{err}");
}

#[test]
fn watching_sees_files_that_come_and_bindings_that_change() {
    let folder = scratch();
    let (wit, src) = (folder.path().join("wit"), folder.path().join("src"));
    fs::create_dir(&wit).expect("the temporary directory is writable");
    write(
        &wit.join("a.wit"),
        "package test:check; world w { import i; } interface i {}",
    );
    let mut looks = 0;
    let args = ["rust", "--watch", text(&wit), "--out-dir", text(&src)];
    let (done, out, _) = watch(&args, &mut || {
        looks += 1;
        if looks == 1 {
            write(&wit.join("b.wit"), "interface j { run: func(); }");
        }
        looks < 3
    });
    assert!(done);
    assert_eq!(out.matches("wrote ").count(), 2, "{out}");

    let mut looks = 0;
    let args = ["check", "--watch", text(&wit), "--out-dir", text(&src)];
    let (done, out, _) = watch(&args, &mut || {
        looks += 1;
        if looks == 1 {
            write(&src.join("w.rs"), "");
        }
        looks < 3
    });
    assert!(!done && out.contains("w.rs is out of date"), "{out}");
}
