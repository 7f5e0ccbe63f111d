//! The guests that continuous integration builds, and for which targets.
//!
//! This is the only list of them; `cargo xtask tidy` reports a guest that is missing from it.

use std::process::Command;

use crate::process;

/// The packages that make components.
pub(crate) const GUESTS: &[&str] = &["roundtrip-consumer", "roundtrip-provider"];

/// The targets they are built for: one makes components by itself, one needs `bindgen component`.
pub(crate) const TARGETS: &[&str] = &["wasm32-wasip2", "wasm32-unknown-unknown"];

/// The command that builds all guests for a target.
pub(crate) fn build(target: &str) -> Command {
    let mut command = process::cargo(["build", "--profile", "guest", "--target", target]);
    for guest in GUESTS {
        command.args(["--package", guest]);
    }
    command
}
