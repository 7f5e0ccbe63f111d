//! The guests that continuous integration builds, and for which targets.
//!
//! This is the only list of them; `cargo xtask tidy` reports a guest that is missing from it.

use std::process::Command;

use crate::process;

/// Guests that are built with the same profile.
pub(crate) struct Group {
    /// A profile of the workspace.
    profile: &'static str,
    /// Names of packages.
    pub(crate) packages: &'static [&'static str],
}

/// The packages that make components. Examples are built as they are shipped; guests that only tests run are built for speed,
/// exactly as the tests that run them build them.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        profile: "guest",
        packages: &["text-stats"],
    },
    Group {
        profile: "guest-test",
        packages: &["roundtrip-consumer", "roundtrip-provider"],
    },
];

/// The targets they are built for: one makes components by itself, one needs `bindgen component`.
pub(crate) const TARGETS: &[&str] = &["wasm32-wasip2", "wasm32-unknown-unknown"];

/// The commands that build all guests for a target.
pub(crate) fn build(target: &str) -> Vec<Command> {
    let groups = GROUPS.iter().filter(|group| !group.packages.is_empty());
    let command = |group: &Group| {
        let mut command = process::cargo(["build", "--profile", group.profile, "--target", target]);
        command.args(group.packages.iter().flat_map(|package| ["--package", package]));
        command
    };
    groups.map(command).collect()
}

/// Whether a package is in the list.
pub(crate) fn is_listed(package: &str) -> bool {
    GROUPS.iter().any(|group| group.packages.contains(&package))
}
