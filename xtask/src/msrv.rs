//! The step `msrv`: the published packages build with the oldest Rust they promise, `rust-version` in Cargo.toml.
//!
//! Run by that very Rust, all the other steps show it, and nothing is left to do.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Builds with the promised version, unless this is it.
pub(crate) fn run() -> Result<()> {
    let manifest = std::fs::read_to_string(process::root().join("Cargo.toml"))?;
    let promised = promised(&manifest).context("Cargo.toml has no rust-version")?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("--version")
        .current_dir(process::root())
        .output()?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    if is_version(&version, promised) {
        println!("    this is Rust {promised}, the oldest that is promised: all steps check it");
        return Ok(());
    }
    let mut cargo = Command::new("rustup");
    cargo.args(["run", promised, "cargo", "check", "--lib", "--bins"]);
    cargo.args(crate::package::names()?.iter().flat_map(|name| ["--package", name]));
    process::run(cargo.current_dir(process::root()))
        .with_context(|| format!("is Rust {promised} installed? `rustup toolchain install {promised}` does it"))
}

/// The value of `rust-version`.
fn promised(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "))?;
    Some(line.trim_matches('"'))
}

/// Whether `rustc 1.95.0 (…)` is 1.95.
fn is_version(rustc: &str, promised: &str) -> bool {
    let version = rustc.split_whitespace().nth(1).unwrap_or_default();
    version == promised || version.strip_prefix(promised).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_in_full() {
        assert!(is_version("rustc 1.95.0 (59807616e 2026-04-14)", "1.95"));
        assert!(!is_version("rustc 1.950.0", "1.95") && !is_version("rustc 1.96.0-nightly", "1.95"));
        assert_eq!(promised("[workspace.package]\nrust-version = \"1.95\"\n"), Some("1.95"));
    }
}
