//! `bindgen inspect`, `bindgen completions`, and what only terminals get.

mod support;

use support::{bindgen, command, string};
use witflow_cli::Output;

const WIT: &str = "package test:show;
/// Where lines go.
interface log {
  variant severity { low, high(u8) }
  record entry { severity: severity, at: u64, line: string }
  flags colours { red, green }
  type lines = list<string>;
  write: async func(entry: entry) -> result<u32, string>;
  flush: func(colours: colours, lines: lines);
}
/// All of it.
world w {
  import log;
  export run: async func(bytes: stream<u8>) -> future<string>;
}
";

#[track_caller]
fn check(args: &[&str], expected: &str) {
    let (done, out, err) = bindgen(args);
    assert!(done, "{err}");
    assert_eq!(out, expected, "got:\n{out}");
}

#[test]
fn a_world_in_full() {
    check(
        &["inspect", "--inline", WIT],
        r#"world test:show/w
  /// All of it.

imports
  test:show/log
    write: async func(entry: entry) -> result<u32, string>
      core       (i32, i32) -> i32  "test:show/log" "[async-lower]write"
      in memory  40 bytes
    flush: func(colours: colours, lines: lines)
      core       (i32, i32, i32)  "test:show/log" "flush"

exports
  run: async func(bytes: stream<u8>) -> future<string>
    core       (i32) -> i32  "[async-lift]run"
    callback   (i32, i32, i32) -> i32  "[callback][async-lift]run"
    returns by (i32)  "[export]$root" "[task-return]run"

types
  variant severity  2 bytes, aligned to 1
    low
    high(u8)  at 1
  record entry  24 bytes, aligned to 8
    severity: severity  at 0
    at: u64             at 8
    line: string        at 16
  flags colours  1 byte, aligned to 1
    red
    green
  type lines = list<string>  8 bytes, aligned to 4

payloads
  stream<u8>  1 byte each, copied as they are
    made by "[export]$root" "[stream-new-0]run"
  future<string>  8 bytes each, converted one by one
    made by "[export]$root" "[future-new-1]run"
"#,
    );
}

#[test]
fn a_world_in_brief() {
    check(
        &["inspect", "--brief", "--inline", WIT],
        "world test:show/w
  /// All of it.

imports
  test:show/log
    write: async func(entry: entry) -> result<u32, string>
    flush: func(colours: colours, lines: lines)

exports
  run: async func(bytes: stream<u8>) -> future<string>

types
  variant severity
    low
    high(u8)
  record entry
    severity: severity
    at: u64
    line: string
  flags colours
    red
    green
  type lines = list<string>
",
    );
}

#[test]
fn an_empty_world() {
    check(
        &["inspect", "--inline", "package a:b; world nothing {}"],
        "world a:b/nothing\n",
    );
}

#[test]
fn colours_are_for_those_who_see_them() {
    let run = |args: &[&str], coloured: bool| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        command(args).run_on(
            &mut Output::new(&mut out, coloured),
            &mut Output::new(&mut err, coloured),
        );
        (string(out), string(err))
    };
    for args in [
        ["inspect", "--inline", WIT],
        ["check", "--inline", WIT],
        ["check", "--inline", "package a:b; world w { import c; }"],
    ] {
        let (plain, coloured) = (run(&args, false), run(&args, true));
        assert!(!format!("{plain:?}").contains("\\u{1b}"), "{plain:?}");
        assert_ne!(plain, coloured);
        let without = |text: &str| {
            let mut pieces = text.split("\x1b[");
            let first = pieces.next().unwrap_or_default().to_owned();
            pieces.fold(first, |text, piece| {
                text + piece.split_once('m').expect("a sequence ends in m").1
            })
        };
        assert_eq!((without(&coloured.0), without(&coloured.1)), plain);
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (done, out, err) = bindgen(&["completions", shell]);
        assert!(done, "{err}");
        for word in ["inspect", "completions", "out-dir"] {
            assert!(out.contains(word), "{shell} does not know {word}");
        }
    }
}
