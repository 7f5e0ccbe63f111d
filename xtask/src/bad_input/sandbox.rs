//! A folder of its own for each case, and the built command to run there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::files::write;
use crate::process;

/// A temporary folder, removed in the end.
pub(crate) struct Sandbox {
    folder: PathBuf,
    bindgen: PathBuf,
}

impl Sandbox {
    /// Builds the command and makes the folder.
    pub(crate) fn new() -> Result<Self> {
        let bindgen = build()?;
        let folder = std::env::temp_dir().join(format!("witflow-bad-input-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
        Ok(Self { folder, bindgen })
    }

    /// The built command.
    pub(crate) fn command(&self) -> &Path {
        &self.bindgen
    }

    /// Cargo's target folder, to be shared.
    pub(crate) fn target(&self) -> &Path {
        self.bindgen.ancestors().nth(2).unwrap_or(&self.folder)
    }

    /// A folder for one case, with the given files.
    pub(crate) fn folder(&self, case: &str, files: &[(&str, &str)]) -> Result<PathBuf> {
        let folder = self
            .folder
            .join(case.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        for (path, text) in files {
            write(&folder.join(path), text)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Runs `bindgen` in a folder, with arguments that are separated by spaces.
    pub(crate) fn bindgen(&self, folder: &Path, args: &str) -> Result<Output> {
        let mut command = Command::new(&self.bindgen);
        command
            .args(args.split_whitespace())
            .current_dir(folder)
            .stdin(Stdio::null());
        command
            .output()
            .with_context(|| format!("`{}` cannot be started", process::show(&command)))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Builds the command and asks Cargo where it is. Packages are chosen as in a build of the whole workspace, so that their
/// dependencies are built with the same features and only once.
fn build() -> Result<PathBuf> {
    let mut build = process::cargo([
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "bindgen",
        // With a test among the targets, dependencies get the features that tests want too, as in `cargo test --workspace`.
        "--test",
        "commands",
        "--message-format",
        "json",
    ]);
    let output = build
        .stderr(Stdio::inherit())
        .output()
        .context("Cargo cannot be started")?;
    if !output.status.success() {
        bail!("`{}` failed ({})", process::show(&build), output.status);
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    messages
        .lines()
        .rev()
        .filter(|message| message.contains("\"kind\":[\"bin\"]"))
        .find_map(executable)
        .context("Cargo did not say where it put `bindgen`")
}

/// The path in one of Cargo's messages, if it has one.
fn executable(message: &str) -> Option<PathBuf> {
    let (_, after) = message.split_once("\"executable\":\"")?;
    let (path, _) = after.split_once('"')?;
    Some(path.replace("\\\\", "\\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_in_a_message() {
        let message = r#"{"reason":"compiler-artifact","executable":"/t/debug/bindgen","fresh":true}"#;
        assert_eq!(executable(message), Some("/t/debug/bindgen".into()));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
    }
}
