//! What dependencies may be: their licences, where they come from, and who may have Wasmtime, by cargo-deny and `deny.toml`.
//!
//! Known vulnerabilities are left out, since the list of them is fetched: `cargo deny --workspace check advisories`.

use std::process::Stdio;

use anyhow::Result;

use crate::process::{self, cargo};

/// Checks them, or says how to install what does.
pub(crate) fn run() -> Result<()> {
    let mut version = cargo(["deny", "--version"]);
    version.stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        println!("    SKIPPED: there is no cargo-deny here; `cargo install cargo-deny --locked` installs it");
        return Ok(());
    }
    let check = [
        "deny",
        "--workspace",
        "--log-level",
        "error",
        "check",
        "licenses",
        "bans",
        "sources",
    ];
    process::run(&mut cargo(check))
}
