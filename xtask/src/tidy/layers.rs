//! Which part of the project may use what: the invariants of ARCHITECTURE.md that can be read off the text.

use super::manifest;
use super::tokens::{find, std_modules};
use super::tree::{Finding, Source, Tree};
use crate::guests;

/// The places that know which target they are built for: the runtime's seam, and what runs guests natively.
const SYS: &[&str] = &["async-rt/src/sys", "host/src/native"];

/// Guests that are empty elsewhere: the mixed ones have dependencies that exist on wasm only, the others use nothing but core imports.
const WASM_ONLY: &[&str] = &[
    "benches/guests/raw",
    "benches/guests/raw-minimal",
    "tests/guests/mixed-newer",
    "tests/guests/mixed-older",
    "tests/guests/mixed-runtimes",
];

/// Code for one target is behind the seam.
pub(crate) fn target_cfg(tree: &Tree, findings: &mut Vec<Finding>) {
    let conditions = [
        "target_family",
        "target_arch",
        "target_os",
        "target_env",
        "wasm_import_module",
    ];
    for (file, tokens) in tree.rust() {
        if is_in_any(file, SYS) || is_in_any(file, WASM_ONLY) || file.path.ends_with("build.rs") {
            continue;
        }
        for token in tokens.iter().filter(|token| conditions.contains(&token.text.as_str())) {
            let message = format!("`{}` outside {}", token.text, SYS.join(" and "));
            findings.push(file.finding(
                token.line,
                message,
                "move what differs between targets behind one of these seams",
            ));
        }
    }
}

const GENERATORS: &[&str] = &[
    "bindgen-core/src",
    "bindgen-rust/src",
    "bindgen-build/src",
    "macro/src",
    "cli/src",
];

/// Generators give the same output for the same input, so they iterate over nothing that has no order.
pub(crate) fn ordered(tree: &Tree, findings: &mut Vec<Finding>) {
    for (file, tokens) in tree.rust().filter(|(file, _)| is_in_any(file, GENERATORS)) {
        for token in tokens
            .iter()
            .filter(|token| matches!(token.text.as_str(), "HashMap" | "HashSet"))
        {
            let message = format!("a `{}` has no order of its own", token.text);
            let remedy = "use `BTreeMap`, `BTreeSet` or a `Vec`, so that the same input gives the same output";
            findings.push(file.finding(token.line, message, remedy));
        }
    }
}

/// The Rust generator is a function of its input.
pub(crate) fn pure_generator(tree: &Tree, findings: &mut Vec<Finding>) {
    for (file, tokens) in tree.rust().filter(|(file, _)| file.is_in("bindgen-rust/src")) {
        for (module, line) in std_modules(tokens) {
            if matches!(module, "fs" | "env" | "time" | "process" | "net") {
                let message = format!("`std::{module}` in the generator");
                findings.push(file.finding(
                    line,
                    message,
                    "pass what you need in: front ends do the input and output",
                ));
            }
        }
        for at in ["env !", "option_env !"]
            .iter()
            .flat_map(|pattern| find(tokens, pattern))
        {
            let allowed = tokens
                .get(at + 3)
                .is_some_and(|token| token.text == "\"CARGO_PKG_VERSION\"");
            if !allowed {
                let remedy = "read nothing but CARGO_PKG_VERSION from the environment";
                findings.push(file.finding(
                    tokens[at].line,
                    "the generator depends on its build's environment",
                    remedy,
                ));
            }
        }
    }
}

/// bindgen-core knows no Rust syntax.
pub(crate) fn core_without_tokens(tree: &Tree, findings: &mut Vec<Finding>) {
    let remedy = "leave what concerns Rust to bindgen-rust: core serves generators for any language";
    forbid(
        tree,
        &["bindgen-core"],
        |name| matches!(name, "syn" | "quote" | "proc-macro2" | "prettyplease"),
        remedy,
        findings,
    );
}

/// The host reads the ABI for itself, so that a misreading in the generator shows.
pub(crate) fn host_apart(tree: &Tree, findings: &mut Vec<Finding>) {
    let remedy = "let the host work the ABI out for itself, or both may be wrong in the same way";
    let shared = |name: &str| {
        name.starts_with("witflow-bindgen") || matches!(name, "witflow-build" | "witflow-macro" | "witflow-cli")
    };
    forbid(tree, &["host", "host/derive"], shared, remedy, findings);
}

fn forbid(tree: &Tree, folders: &[&str], bad: impl Fn(&str) -> bool, remedy: &str, findings: &mut Vec<Finding>) {
    for file in folders
        .iter()
        .filter_map(|folder| tree.file(&format!("{folder}/Cargo.toml")))
    {
        for (name, line) in manifest::dependencies(file).into_iter().filter(|(name, _)| bad(name)) {
            findings.push(file.finding(line, format!("a dependency on `{name}`"), remedy));
        }
    }
}

/// The lints of the workspace are those of each package.
pub(crate) fn lints(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in packages(tree) {
        let inherits = manifest::entries(file)
            .iter()
            .any(|entry| entry.section == "lints" && entry.key == "workspace");
        if !inherits {
            let remedy = "add a section `[lints]` with `workspace = true`";
            findings.push(file.finding(1, "the package does not take the workspace's lints", remedy));
        }
    }
}

/// Every guest is built by continuous integration.
pub(crate) fn guest_list(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in packages(tree) {
        let entries = manifest::entries(file);
        let is_guest = entries
            .iter()
            .any(|entry| entry.key == "crate-type" && entry.rest.contains("\"cdylib\""));
        let name = entries
            .iter()
            .find(|entry| entry.section == "package" && entry.key == "name");
        // Guests that are not ours are built by whoever runs them.
        let others = is_in_any(file, &["benches/peer", "tests/interop/peers", "tests/interop/spin"]);
        let Some(name) = name.filter(|_| is_guest && !others) else {
            continue;
        };
        let text = name.rest.trim_matches(['=', ' ', '"']);
        if !guests::is_listed(text) {
            let message = format!("the guest `{text}` is built by no step");
            findings.push(file.finding(name.line, message, "add it to xtask/src/guests.rs"));
        }
    }
}

/// The manifests of packages, be they members of the workspace or not.
fn packages(tree: &Tree) -> impl Iterator<Item = &Source> {
    let manifests = tree
        .files
        .iter()
        .filter(|file| file.path.rsplit('/').next() == Some("Cargo.toml"));
    manifests.filter(|file| manifest::entries(file).iter().any(|entry| entry.section == "package"))
}

fn is_in_any(file: &Source, folders: &[&str]) -> bool {
    folders.iter().any(|folder| file.is_in(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::expect;

    #[test]
    fn conditions_on_the_target() {
        let text = "#[cfg(target_family = \"wasm\")]\nfn f() { cfg!(target_arch = \"wasm32\"); }";
        let remedy = "move what differs between targets behind one of these seams";
        let bad = [
            format!("src/lib.rs:1: rule: `target_family` outside async-rt/src/sys and host/src/native; {remedy}"),
            format!("src/lib.rs:2: rule: `target_arch` outside async-rt/src/sys and host/src/native; {remedy}"),
        ];
        expect(target_cfg, &[("src/lib.rs", text)], &bad.each_ref().map(String::as_str));
        expect(
            target_cfg,
            &[
                ("async-rt/src/sys/mod.rs", text),
                ("host/src/native/a.rs", text),
                ("async-rt/build.rs", text),
            ],
            &[],
        );
    }

    #[test]
    fn maps_without_order() {
        let text = "use std::collections::{BTreeMap, HashMap};";
        let bad = [
            "cli/src/a.rs:1: rule: a `HashMap` has no order of its own; use `BTreeMap`, `BTreeSet` or a `Vec`, so that \
                    the same input gives the same output",
        ];
        expect(ordered, &[("cli/src/a.rs", text), ("host/src/a.rs", text)], &bad);
    }

    #[test]
    fn input_in_the_generator() {
        let text =
            "use std::fs::File;\nconst V: &str = env!(\"CARGO_PKG_VERSION\");\nconst O: &str = env!(\"OUT_DIR\");";
        let bad = [
            "bindgen-rust/src/a.rs:1: rule: `std::fs` in the generator; pass what you need in: front ends do the input and output",
            "bindgen-rust/src/a.rs:3: rule: the generator depends on its build's environment; read nothing but \
             CARGO_PKG_VERSION from the environment",
        ];
        expect(
            pure_generator,
            &[("bindgen-rust/src/a.rs", text), ("bindgen-rust/tests/a.rs", text)],
            &bad,
        );
    }

    #[test]
    fn tokens_in_core() {
        let bad = [
            "bindgen-core/Cargo.toml:2: rule: a dependency on `quote`; leave what concerns Rust to bindgen-rust: core \
                    serves generators for any language",
        ];
        expect(
            core_without_tokens,
            &[("bindgen-core/Cargo.toml", "[dependencies]\nquote.workspace = true")],
            &bad,
        );
    }

    #[test]
    fn generators_in_the_host() {
        let bad = [
            "host/Cargo.toml:2: rule: a dependency on `witflow-bindgen-core`; let the host work the ABI out for itself, \
                    or both may be wrong in the same way",
        ];
        let text = "[dependencies]\nwitflow-bindgen-core.workspace = true\nwitflow-host-derive.workspace = true";
        expect(host_apart, &[("host/Cargo.toml", text)], &bad);
    }

    #[test]
    fn packages_with_lints_of_their_own() {
        let bad = [
            "a/Cargo.toml:1: rule: the package does not take the workspace's lints; add a section `[lints]` with \
                    `workspace = true`",
        ];
        expect(lints, &[("a/Cargo.toml", "[package]\nname = \"a\"\n")], &bad);
        expect(
            lints,
            &[("a/Cargo.toml", "[package]\nname = \"a\"\n[lints]\nworkspace = true\n")],
            &[],
        );
    }

    #[test]
    fn guests_that_no_step_builds() {
        let text = "[package]\nname = \"lonely\"\n[lib]\ncrate-type = [\"cdylib\"]\n";
        let bad = ["a/Cargo.toml:2: rule: the guest `lonely` is built by no step; add it to xtask/src/guests.rs"];
        expect(guest_list, &[("a/Cargo.toml", text)], &bad);
    }
}
