//! `examples/cli-tool` on Wasmtime's command lines: what a command of WASI 0.3 has of streams, files, arguments and exit codes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::components::Lab;
use super::lack::{Ended, Got, Lack, ended, first_lines, same};
use super::report::Report;

/// The digits of base64, by their values.
const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How often they are repeated: what they stand for are 384 000 bytes.
const REPEATED: usize = 8000;

type Scenario = fn(&Tool) -> Got<()>;

/// The scenarios, by their names.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("standard streams", standard_streams),
    ("files", files),
    ("arguments and exit codes", arguments),
];

/// Runs all of them.
pub(super) fn run(lab: &Lab, report: &mut Report) {
    for (host, wasmtime) in lab.wasmtimes() {
        for (name, scenario) in SCENARIOS {
            report.scenario(&format!("command: {name} on {host}"), || {
                let folder = lab.folder.join("command");
                fs::create_dir_all(&folder).map_err(Lack::broken)?;
                let tool = Tool {
                    wasmtime: lab.wheel(wasmtime)?,
                    component: lab.example("cli_tool")?,
                    folder,
                };
                scenario(&tool).map(|()| "ok".to_owned())
            });
        }
    }
}

/// The command.
struct Tool {
    wasmtime: PathBuf,
    component: PathBuf,
    /// What it sees of files.
    folder: PathBuf,
}

impl Tool {
    fn run(&self, args: &[&str], input: &[u8]) -> Got<Ended> {
        let mut command = Command::new(&self.wasmtime);
        command.args(["run", "--dir", "."]).arg(&self.component);
        ended(command.args(args).current_dir(&self.folder), input.to_vec())
    }

    /// Runs it, and compares how it ends.
    fn check(&self, args: &[&str], input: &[u8], code: i32, out: &[u8], complaint: &str) -> Got<()> {
        let ended = self.run(args, input)?;
        let what = format!("`cli-tool {}`", args.join(" "));
        if ended.code != Some(code) {
            let (code, said) = (ended.code, first_lines(&[&ended.err]));
            return Err(Lack::Broken(format!("{what} ended with {code:?}: {said}")));
        }
        same(&format!("the output of {what}"), &ended.out, out)?;
        if !ended.err.starts_with(complaint) || (complaint.is_empty() && !ended.err.is_empty()) {
            let said = first_lines(&[&ended.err]);
            return Err(Lack::Broken(format!("{what} complains: {said}")));
        }
        Ok(())
    }
}

/// All digits in the order of their values, again and again, and what they stand for.
fn digits_and_bytes() -> (Vec<u8>, Vec<u8>) {
    let values: Vec<u32> = (0..64).collect();
    let group = |four: &[u32]| four.iter().fold(0, |bits, value| bits << 6 | value).to_be_bytes();
    let bytes: Vec<u8> = values.chunks(4).flat_map(|four| group(four)[1..].to_vec()).collect();
    (DIGITS.repeat(REPEATED), bytes.repeat(REPEATED))
}

fn standard_streams(tool: &Tool) -> Got<()> {
    let (digits, bytes) = digits_and_bytes();
    tool.check(&["-w", "0"], &bytes, 0, &digits, "")?;
    tool.check(&["-d"], &digits, 0, &bytes, "")
}

fn files(tool: &Tool) -> Got<()> {
    let (digits, bytes) = digits_and_bytes();
    let path = |name: &str| tool.folder.join(name);
    fs::write(path("bytes"), &bytes).map_err(Lack::broken)?;
    // Longer than what comes in its place.
    fs::write(path("digits"), digits.repeat(2)).map_err(Lack::broken)?;
    tool.check(&["-w", "0", "-o", "digits", "bytes"], b"", 0, b"", "")?;
    same(
        "the encoded file",
        &fs::read(path("digits")).map_err(Lack::broken)?,
        &digits,
    )?;
    tool.check(&["-d", "digits"], b"", 0, &bytes, "")?;
    let complaint = "cli-tool: nowhere: there is no such file\n";
    tool.check(&["-d", "nowhere"], b"", 1, b"", complaint)?;
    tool.check(&["../bytes"], b"", 1, b"", "cli-tool: ../bytes: ")
}

fn arguments(tool: &Tool) -> Got<()> {
    let help = tool.run(&["--help"], b"")?;
    if help.code != Some(0) || !help.out.starts_with(b"Usage: cli-tool ") {
        return Err(Lack::broken("there is no help"));
    }
    let complaint = "cli-tool: there is no option `-x`; --help says how it goes\n";
    tool.check(&["-x"], b"", 2, b"", complaint)?;
    // What is good comes before the complaint.
    let complaint = "cli-tool: the input is not valid base64\n";
    tool.check(&["-d"], b"Zm9v!", 1, b"foo", complaint)
}
