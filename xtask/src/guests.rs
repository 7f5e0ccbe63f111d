//! The guests that continuous integration builds, and for which targets.
//!
//! This is the only list of them; `cargo xtask tidy` reports a guest that is missing from it.

use std::process::Command;

use crate::process;

/// Guests that are built in the same way.
struct Group {
    /// A profile of the workspace.
    profile: &'static str,
    targets: &'static [&'static str],
    packages: &'static [&'static str],
}

/// The targets of guests: one makes components by itself, one needs `bindgen component`.
pub(crate) const TARGETS: &[&str] = &["wasm32-wasip2", "wasm32-unknown-unknown"];

/// The packages that make components. Examples are built as they are shipped; guests that only tests run are built for speed,
/// exactly as the tests that run them build them.
const GROUPS: &[Group] = &[
    Group {
        profile: "guest",
        targets: TARGETS,
        packages: &[
            "cli-tool",
            "hello",
            "http-service",
            "middleware",
            "plugin-app",
            "plugin-template",
            "text-stats",
        ],
    },
    // Served by a test of the runner of `http-service`, as that is.
    Group {
        profile: "guest",
        targets: &["wasm32-wasip2"],
        packages: &["http-faults"],
    },
    // What `bench` measures.
    Group {
        profile: "guest",
        targets: &["wasm32-unknown-unknown"],
        packages: &[
            "bench-minimal",
            "bench-raw",
            "bench-raw-minimal",
            "bench-sink",
            "bench-witflow",
        ],
    },
    // The other runtimes in the mixed ones are made for this target; between the others, values cross from one to the other.
    Group {
        profile: "guest-test",
        targets: &["wasm32-wasip2"],
        packages: &[
            "interop-consumer",
            "interop-edge",
            "interop-middle",
            "interop-provider",
            "mixed-newer",
            "mixed-older",
            "mixed-runtimes",
            "roundtrip-middle",
            "roundtrip-provider",
            "scenarios",
            "scenarios-peer",
        ],
    },
    Group {
        profile: "guest-test",
        targets: &["wasm32-unknown-unknown"],
        packages: &["roundtrip-consumer"],
    },
];

/// The commands that build all guests for a target.
pub(crate) fn build(target: &str) -> Vec<Command> {
    let groups = GROUPS.iter().filter(|group| group.targets.contains(&target));
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
