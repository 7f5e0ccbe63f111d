//! Runs the component on files and streams, and compares with the `base64` of this machine, where there is one.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

static COMPONENT: LazyLock<PathBuf> = LazyLock::new(|| example_support::component("cli-tool"));

/// Runs the command in a folder, with a file as its standard input.
fn run(folder: &Path, args: &[&str], stdin: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cli-tool-runner"))
        .arg(&*COMPONENT)
        .args(args)
        .current_dir(folder)
        .stdin(stdin)
        .output()
        .expect("Cargo has built the runner")
}

fn folder(file: &str, contents: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    std::fs::write(folder.path().join(file), contents).expect("it is writable");
    folder
}

/// Bytes that look random and are the same every time.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// What the machine's own `base64` makes of a file; nothing where that is not installed.
fn theirs(folder: &Path, args: &[&str]) -> Option<Output> {
    Command::new("base64").args(args).current_dir(folder).output().ok()
}

#[track_caller]
fn check(contents: &[u8]) {
    let folder = folder("in", contents);
    let path = folder.path();
    for wrap in ["0", "76"] {
        let encoded = run(path, &["-w", wrap, "in"], Stdio::null());
        assert!(encoded.status.success(), "{}", String::from_utf8_lossy(&encoded.stderr));
        if let Some(theirs) = theirs(path, &["-w", wrap, "in"]) {
            assert!(
                encoded.stdout == theirs.stdout,
                "{} bytes in lines of {wrap}",
                contents.len()
            );
        }
        std::fs::write(path.join("digits"), &encoded.stdout).expect("it is writable");
        let stdin = File::open(path.join("digits")).expect("it was written");
        let decoded = run(path, &["--decode"], stdin.into());
        assert!(
            decoded.status.success() && decoded.stdout == contents,
            "{} bytes",
            contents.len()
        );
    }
}

#[test]
fn the_same_as_base64_of_the_machine() {
    for len in [0, 1, 57, 32 * 1024 + 1] {
        check(&noise(len));
    }
}

#[test]
fn a_large_file_to_a_file() {
    let contents = noise(8 << 20);
    let folder = folder("in", &contents);
    let there = run(folder.path(), &["in", "-o", "out"], Stdio::null());
    assert!(there.status.success() && there.stdout.is_empty() && there.stderr.is_empty());
    if let Some(theirs) = theirs(folder.path(), &["in"]) {
        assert!(std::fs::read(folder.path().join("out")).expect("it was written") == theirs.stdout);
    }
    let back = run(folder.path(), &["-d", "out", "-o", "back"], Stdio::null());
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    assert!(std::fs::read(folder.path().join("back")).expect("it was written") == contents);
}

#[test]
fn what_is_typed_is_answered_before_the_end() {
    let folder = folder("in", b"");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cli-tool-runner"))
        .arg(&*COMPONENT)
        .arg("-d")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Cargo has built the runner");
    let (mut stdin, mut stdout) = (
        command.stdin.take().expect("piped"),
        command.stdout.take().expect("piped"),
    );
    for word in ["one", "two"] {
        let digits = if word == "one" { "b25l" } else { "dHdv" };
        writeln!(stdin, "{digits}").expect("the command reads");
        let mut heard = [0; 3];
        std::io::Read::read_exact(&mut stdout, &mut heard).expect("the command answers");
        assert_eq!(heard, word.as_bytes());
    }
    drop(stdin);
    assert!(command.wait().expect("it ends").success());
}

#[test]
fn exit_codes_say_how_it_went() {
    let folder = folder("bad", b"Zm9v!");
    for (args, code, out, said) in [
        (
            &["-d", "bad"][..],
            1,
            "foo",
            "cli-tool: the input is not valid base64\n",
        ),
        (&["nowhere"], 1, "", "cli-tool: nowhere: there is no such file\n"),
        (
            &["/etc/hostname"],
            1,
            "",
            "cli-tool: /etc/hostname: it is in no folder that was opened for this command\n",
        ),
        (
            &["--bogus"],
            2,
            "",
            "cli-tool: there is no option `--bogus`; --help says how it goes\n",
        ),
    ] {
        let output = run(folder.path(), args, Stdio::null());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(
            (
                output.status.code(),
                text(&output.stdout).as_str(),
                text(&output.stderr).as_str()
            ),
            (Some(code), out, said),
            "{args:?}"
        );
    }
}
