//! What the tests share: the component, a folder of files, a run of the runner, and the numbers it should print.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

/// Lines, words and bytes of a file.
pub(crate) type Row = [u64; 3];

/// The component, built once for all tests of a file.
static COMPONENT: LazyLock<PathBuf> = LazyLock::new(build);

/// Whether the `wc` of this machine lets a word begin only with a printable character, as that of GNU coreutils 9.1 does.
pub(crate) static WC_WANTS_PRINTABLE: LazyLock<bool> = LazyLock::new(|| {
    let folder = Folder::new("wc-rule");
    folder.file("control", b"\x01");
    folder.wc(&["control"]).is_some_and(|rows| rows["control"][1] == 0)
});

const TARGET: &str = "wasm32-wasip2";

/// Builds the guest as it is shipped.
fn build() -> PathBuf {
    let runner = Path::new(env!("CARGO_BIN_EXE_text-stats-runner"));
    let folder = runner.ancestors().nth(2).expect("Cargo puts programs two levels deep");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--package",
            "text-stats",
            "--profile",
            "guest",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("Cargo runs this test, so it is there");
    assert!(
        output.status.success(),
        "the guest does not build; if its target is missing: rustup target add {TARGET}\n{}",
        text(&output.stderr)
    );
    folder.join(TARGET).join("guest/text_stats.wasm")
}

/// A folder of its own for a test, empty.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the folder for tests is writable");
        Self(folder)
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, contents: &[u8]) {
        std::fs::write(self.0.join(name), contents).expect("the folder for tests is writable");
    }

    /// What is in a file of text.
    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs the component on files of this folder.
    pub(crate) fn run(&self, names: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_text-stats-runner"))
            .arg(&*COMPONENT)
            .args(names)
            .current_dir(&self.0)
            .output()
            .expect("Cargo has built the runner");
        Run::read(&output)
    }

    /// What `wc` says about files of this folder; nothing where it is not installed.
    pub(crate) fn wc(&self, names: &[&str]) -> Option<BTreeMap<String, Row>> {
        let mut wc = Command::new("wc");
        wc.args(["-l", "-w", "-c", "--"]).args(names).current_dir(&self.0);
        let output = wc.env("LC_ALL", "C").output().ok()?;
        Some(rows(text(&output.stdout).lines()))
    }

    /// Runs git in this folder.
    pub(crate) fn git(&self, args: &[&str]) {
        let status = Command::new("git").args(args).current_dir(&self.0).status();
        assert!(status.is_ok_and(|status| status.success()), "git {args:?}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the runner printed.
pub(crate) struct Run {
    pub(crate) success: bool,
    /// The table without its head, the total being one of the rows.
    pub(crate) rows: BTreeMap<String, Row>,
    /// The guest's memory at most, in bytes.
    pub(crate) memory: u64,
    pub(crate) errors: String,
}

impl Run {
    fn read(output: &Output) -> Self {
        let (out, errors) = (text(&output.stdout), text(&output.stderr));
        let memory = out.lines().last().and_then(|line| {
            let (_, memory) = line.rsplit_once('(')?;
            memory.strip_suffix(" bytes)")?.parse().ok()
        });
        let memory = memory.unwrap_or_else(|| panic!("no memory in the last line of {out:?}; {errors}"));
        let table = out.lines().skip(1).filter(|line| !line.ends_with(')'));
        Self {
            success: output.status.success(),
            rows: rows(table),
            memory,
            errors,
        }
    }
}

/// Reads lines that are three numbers and a name.
fn rows<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<String, Row> {
    let row = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let mut number = || words.next().and_then(|word| word.parse().ok());
        let (Some(lines), Some(words_), Some(bytes), Some(name)) = (number(), number(), number(), words.next()) else {
            panic!("no row of a table: {line:?}");
        };
        (name.to_owned(), [lines, words_, bytes])
    };
    lines.map(row).collect()
}

/// The same numbers in another way: a word is what stands between white space and has a printable character in it.
pub(crate) fn expected(contents: &[u8]) -> Row {
    let spaces = [b' ', b'\t', b'\n', 0x0b, 0x0c, b'\r'];
    let pieces = contents.split(|byte| spaces.contains(byte));
    let words = pieces.filter(|piece| piece.iter().any(u8::is_ascii_graphic));
    let lines = contents.iter().filter(|byte| **byte == b'\n');
    [lines.count() as u64, words.count() as u64, contents.len() as u64]
}

/// Whether a program can be started.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Bytes that look random and are the same every time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
