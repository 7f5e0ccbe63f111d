//! The workspace's folder, and other programs run in it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};

/// The folder of the workspace. Cargo tells it when it runs this program; without Cargo it is where this program was built.
pub(crate) fn root() -> PathBuf {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map_or_else(|| manifest.clone(), PathBuf::from)
}

/// The folder Cargo builds into, wherever its settings put that: this program is two levels below.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program cannot be found")?;
    let folder = this.ancestors().nth(2);
    Ok(folder
        .context("this program is not where Cargo puts programs")?
        .to_owned())
}

/// Cargo, started in the workspace. It is the very Cargo that runs this program, so that `cargo +nightly xtask` means nightly.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(args).current_dir(root());
    command
}

/// A command as one would type it, for people to repeat.
pub(crate) fn show(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let program = program
        .file_stem()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    let envs = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy().into_owned();
        let quoted = if value.contains(' ') {
            format!("\"{value}\"")
        } else {
            value
        };
        Some(format!("{}={quoted}", name.to_string_lossy()))
    });
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    envs.chain([program]).chain(args).collect::<Vec<_>>().join(" ")
}

/// Runs a command to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    println!("    {shown}");
    let status = command
        .status()
        .with_context(|| format!("`{shown}` cannot be started"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a command to its end and gives what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    println!("    {shown}");
    let output = command
        .output()
        .with_context(|| format!("`{shown}` cannot be started"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs commands to their ends, in this order and as many at a time as there are processors. What one writes is shown when it has
/// ended, and in one piece.
///
/// # Errors
///
/// When a command fails, after all others have ended; with all that failed.
pub(crate) fn run_side_by_side(commands: Vec<Command>) -> Result<()> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let waiting = Mutex::new(VecDeque::from(commands));
    let failures = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(mut command) = next() {
                    if let Err(error) = run_apart(&mut command) {
                        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        failures.push(format!("{error:#}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failures.is_empty() {
        bail!("{}", failures.join("; "));
    }
    Ok(())
}

/// Runs a command to its end, and then shows what it wrote.
fn run_apart(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let output = command
        .output()
        .with_context(|| format!("`{shown}` cannot be started"))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "    {shown}")?;
    out.write_all(&output.stdout)?;
    out.write_all(&output.stderr)?;
    if !output.status.success() {
        bail!("`{shown}` failed ({})", output.status);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_fails_is_named() {
        let cargo = |arg: &str| cargo([arg]);
        run_side_by_side(vec![cargo("--version"), cargo("--list")]).unwrap();
        let commands = vec![cargo("no-such-command"), cargo("--version"), cargo("--no-such-option")];
        let error = run_side_by_side(commands).unwrap_err().to_string();
        let names = ["`cargo no-such-command` failed", "`cargo --no-such-option` failed"];
        assert!(names.iter().all(|name| error.contains(name)), "{error}");
        assert!(!error.contains("--version"), "{error}");
    }

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let mut command = Command::new("/some/where/cargo");
        command
            .args(["doc", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .env_remove("RUSTFLAGS");
        assert_eq!(show(&command), "RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps");
    }

    #[test]
    fn the_root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.starts_with("[workspace]"), "{manifest}");
    }
}
