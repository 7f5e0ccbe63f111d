//! Why a scenario has no good end: what it needs cannot be had, or something is wrong. And commands that end like that.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::process;

/// What is in the way.
#[derive(Clone, Debug)]
pub(super) enum Lack {
    /// Something this machine does not have and cannot get, or that others are known to do wrong.
    Missing(String),
    /// Something is wrong.
    Broken(String),
}

/// What is there, or why not.
pub(super) type Got<T> = Result<T, Lack>;

impl Lack {
    /// For errors that mean that something is wrong.
    pub(super) fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(format!("{error:#}"))
    }

    /// The same reason, for something that need not be there.
    pub(super) fn excused(self, what: &str) -> Self {
        match self {
            Self::Missing(reason) | Self::Broken(reason) => Self::Missing(format!("{what}: {reason}")),
        }
    }
}

/// Whether bytes are as expected, or where they are not.
pub(super) fn same(what: &str, bytes: &[u8], expected: &[u8]) -> Got<()> {
    if bytes == expected {
        return Ok(());
    }
    let at = bytes.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let (len, expected) = (bytes.len(), expected.len());
    Err(Lack::Broken(format!(
        "{what} has {len} bytes of {expected} and differs at {at}"
    )))
}

/// How long anything may take: more than the slowest of compilers on a busy machine, and an end to what hangs.
pub(super) const LIMIT: Duration = Duration::from_secs(300);

/// How a command ended, and what it wrote.
pub(super) struct Ended {
    /// None if it was killed.
    pub(super) code: Option<i32>,
    pub(super) out: Vec<u8>,
    pub(super) err: String,
}

/// Runs a command to its end and gives what it wrote to its standard output.
pub(super) fn said(command: &mut Command) -> Got<String> {
    let shown = process::show(command);
    let ended = ended(command, Vec::new())?;
    let out = String::from_utf8_lossy(&ended.out).into_owned();
    if ended.code == Some(0) {
        return Ok(out);
    }
    // Backtraces are long; what is wrong is said before them.
    Err(Lack::Broken(format!("`{shown}`: {}", first_lines(&[&ended.err, &out]))))
}

/// The beginning of what was written, on one line.
pub(super) fn first_lines(texts: &[&str]) -> String {
    let lines = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.is_empty());
    lines.take(8).collect::<Vec<_>>().join(" | ")
}

/// Runs a command to its end, or for as long as anything may take.
pub(super) fn ended(command: &mut Command, input: Vec<u8>) -> Got<Ended> {
    let shown = process::show(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.stdin(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| Lack::Missing(format!("`{shown}` cannot be started: {error}")))?;
    let stdin = child.stdin.take();
    // It may end without having read all.
    std::thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(&input)));
    let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
    let end = Instant::now() + LIMIT;
    let wait = |from: &mpsc::Receiver<Vec<u8>>| from.recv_timeout(end.saturating_duration_since(Instant::now()));
    let (Ok(out), Ok(err)) = (wait(&out), wait(&err)) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(Lack::Broken(format!(
            "`{shown}` did not end within {} s",
            LIMIT.as_secs()
        )));
    };
    let status = child.wait().map_err(Lack::broken)?;
    Ok(Ended {
        code: status.code(),
        out,
        err: String::from_utf8_lossy(&err).into_owned(),
    })
}

/// Reads to the end in another thread, as whoever writes waits for whoever reads.
fn read(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is as good as what was read before the end.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody waits any more for what came too late.
        let _ = sender.send(bytes);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_says_why() {
        let mut command = process::cargo(["no-such-command"]);
        let Err(Lack::Broken(reason)) = said(&mut command) else {
            panic!("Cargo has no such command")
        };
        assert!(reason.starts_with("`cargo no-such-command`: error"), "{reason}");
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        let lack = said(&mut Command::new("there/is/no/such/program")).err();
        assert!(matches!(lack, Some(Lack::Missing(_))), "{lack:?}");
    }
}
