//! Makes sure that the standard library is there for the targets of guests.
//!
//! It asks the compiler that will be used, whichever way that was installed, and goes to rustup only for what is missing.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guests::TARGETS;
use crate::process;

/// Installs the targets that are missing.
pub(crate) fn run() -> Result<()> {
    for target in TARGETS {
        if is_installed(target)? {
            println!("    {target} is installed");
            continue;
        }
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add", target]).current_dir(process::root());
        let added = process::run(&mut rustup);
        if !is_installed(target)? {
            bail!(added.err().map_or_else(
                || failure(target, "rustup reported success"),
                |e| failure(target, &format!("{e:#}"))
            ));
        }
    }
    Ok(())
}

/// Whether the compiler finds a standard library for `target`.
fn is_installed(target: &str) -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(process::root())
        .output()
        .with_context(|| format!("`{}` cannot be started", rustc.display()))?;
    if !output.status.success() {
        bail!(
            "the Rust compiler does not know the target {target}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let folder = String::from_utf8(output.stdout).context("the compiler printed a path that is not UTF-8")?;
    Ok(holds_std(Path::new(folder.trim())))
}

/// A removed target can leave its folder behind, so an empty one does not count.
fn holds_std(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn failure(target: &str, reason: &str) -> String {
    format!(
        "the standard library for {target} is missing and could not be installed ({reason})\n  \
         with rustup:            rustup target add {target}\n  \
         with a distribution's Rust: install its package for {target}, often named like `rust-std-static-{target}`\n  \
         then run the command again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_std_does_not_count() {
        assert!(!holds_std(Path::new(env!("CARGO_MANIFEST_DIR"))));
        assert!(!holds_std(Path::new("there/is/no/such/folder")));
    }

    #[test]
    fn the_failure_says_what_to_type() {
        let text = failure("wasm32-wasip2", "no network");
        assert!(
            text.contains("rustup target add wasm32-wasip2") && text.contains("no network"),
            "{text}"
        );
    }
}
