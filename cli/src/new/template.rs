//! The files of a new guest. They are in the folder `templates/guest`, where the guest is called `hello-guest`.
//!
//! Manifests and what begins with a full stop have other names there, since Cargo would take them for its own.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use super::source::Source;

/// A file to write.
pub(super) struct File {
    /// Below the folder of the guest, with slashes.
    pub(super) path: &'static str,
    pub(super) text: String,
}

macro_rules! template {
    ($($path:literal from $file:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../templates/guest/", $file)))),*]
    };
}

const TEMPLATE: &[(&str, &str)] = template![
    "Cargo.toml" from "Cargo.toml.in",
    "README.md" from "README.md",
    ".gitignore" from "gitignore",
    "wit/world.wit" from "wit/world.wit",
    "src/lib.rs" from "src/lib.rs",
    "src/tests.rs" from "src/tests.rs",
    "runner/Cargo.toml" from "runner/Cargo.toml.in",
    "runner/src/main.rs" from "runner/src/main.rs",
];

/// The files of the guest `name`.
pub(super) fn files(name: &str, source: &Source) -> Vec<File> {
    let fill = |text: &str| {
        text.replace("hello-guest", name)
            .replace("hello_guest", &name.to_snake_case())
            .replace("HelloGuest", &name.to_upper_camel_case())
            .replace("{ SOURCE", &format!("{{ {}", source.witflow))
            .replace("{ HOST-SOURCE", &format!("{{ {}", source.host))
    };
    let files = TEMPLATE.iter().map(|(path, text)| File { path, text: fill(text) });
    files.collect()
}
