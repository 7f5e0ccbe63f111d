//! The guide: builds the book by mdBook, where that is installed.
//!
//! What the pages show is checked by the tests of the package `guide`, and their links by `cargo xtask tidy`; neither needs mdBook.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::process;

/// Builds the book into `target/guide`, or says how to install what builds it.
pub(crate) fn run() -> Result<()> {
    if !is_at_hand() {
        println!("    SKIPPED: there is no mdbook here; `cargo install mdbook` installs it");
        return Ok(());
    }
    process::run(
        Command::new("mdbook")
            .arg("build")
            .arg(process::root().join("docs/guide")),
    )
}

fn is_at_hand() -> bool {
    let mut version = Command::new("mdbook");
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}
