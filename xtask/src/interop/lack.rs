//! Why a scenario has no good end: what it needs cannot be had, or something is wrong. And commands that end like that.

use std::io::Read;
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

/// How long anything may take: more than the slowest of compilers on a busy machine, and an end to what hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs a command to its end and gives what it wrote to its standard output.
pub(super) fn said(command: &mut Command) -> Got<String> {
    let shown = process::show(command);
    let (succeeded, out, err) = ended(command)?;
    if succeeded {
        return Ok(out);
    }
    // Backtraces are long; what is wrong is said before them.
    let lines: Vec<&str> = err
        .lines()
        .chain(out.lines())
        .filter(|line| !line.is_empty())
        .take(8)
        .collect();
    Err(Lack::Broken(format!("`{shown}`: {}", lines.join(" | "))))
}

/// Runs a command to its end, or for as long as anything may take. Gives whether it succeeded, and what it wrote.
fn ended(command: &mut Command) -> Got<(bool, String, String)> {
    let shown = process::show(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.stdin(Stdio::null()).spawn();
    let mut child = child.map_err(|error| Lack::Missing(format!("`{shown}` cannot be started: {error}")))?;
    let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
    let end = Instant::now() + LIMIT;
    let wait = |from: &mpsc::Receiver<String>| from.recv_timeout(end.saturating_duration_since(Instant::now()));
    let (out, err) = match (wait(&out), wait(&err)) {
        (Ok(out), Ok(err)) => (out, err),
        _ => {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Lack::Broken(format!(
                "`{shown}` did not end within {} s",
                LIMIT.as_secs()
            )));
        }
    };
    let status = child.wait().map_err(Lack::broken)?;
    Ok((status.success(), out, err))
}

/// Reads to the end in another thread, as whoever writes waits for whoever reads.
fn read(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is as good as what was read before the end.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody waits any more for what came too late.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
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
