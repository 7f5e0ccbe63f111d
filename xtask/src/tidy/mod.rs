//! `cargo xtask tidy`: the rules of this repository that the compiler, Clippy and rustfmt do not know.
//!
//! A rule is a function from the [`Tree`] to [`Finding`]s. Each finding names its rule, the place and the remedy. The rules
//! and what they are for: `text` (any file), `code` (Rust), `sizes`, `layers` (what may use what), `paths` (documentation).

mod code;
mod conformance;
mod guide;
mod layers;
mod manifest;
mod paths;
mod sizes;
mod text;
mod tokens;
mod tree;

use anyhow::{Result, bail};

use crate::process;
use tree::{Finding, Tree};

/// A rule, with the name that findings carry.
struct Rule {
    name: &'static str,
    check: fn(&Tree, &mut Vec<Finding>),
}

const RULES: &[Rule] = &[
    Rule {
        name: "trailing-space",
        check: text::trailing_space,
    },
    Rule {
        name: "machine-path",
        check: text::machine_path,
    },
    Rule {
        name: "registry",
        check: text::registry,
    },
    Rule {
        name: "parses",
        check: code::parses,
    },
    Rule {
        name: "header",
        check: code::header,
    },
    Rule {
        name: "unfinished",
        check: code::unfinished,
    },
    Rule {
        name: "sleep",
        check: code::sleep,
    },
    Rule {
        name: "size",
        check: sizes::limits,
    },
    Rule {
        name: "target-cfg",
        check: layers::target_cfg,
    },
    Rule {
        name: "ordered",
        check: layers::ordered,
    },
    Rule {
        name: "pure-generator",
        check: layers::pure_generator,
    },
    Rule {
        name: "core-without-tokens",
        check: layers::core_without_tokens,
    },
    Rule {
        name: "host-apart",
        check: layers::host_apart,
    },
    Rule {
        name: "lints",
        check: layers::lints,
    },
    Rule {
        name: "guest-list",
        check: layers::guest_list,
    },
    Rule {
        name: "doc-path",
        check: paths::exist,
    },
    Rule {
        name: "walk",
        check: paths::walk_is_complete,
    },
    Rule {
        name: "guide",
        check: guide::is_whole,
    },
    Rule {
        name: "conformance",
        check: conformance::tests_exist,
    },
];

/// Checks the workspace.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read(&process::root())?;
    let findings = check(&tree, RULES);
    findings.iter().for_each(|finding| println!("{finding}"));
    if !findings.is_empty() {
        bail!("tidy found {} problems", findings.len());
    }
    println!("    {} rules hold for {} files", RULES.len(), tree.files.len());
    Ok(())
}

fn check(tree: &Tree, rules: &[Rule]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules {
        let begin = findings.len();
        (rule.check)(tree, &mut findings);
        findings[begin..]
            .iter_mut()
            .for_each(|finding| finding.rule = rule.name);
    }
    findings.sort();
    findings
}

/// Checks that `rule` says exactly `expected` about a tree of the given files.
#[cfg(test)]
#[track_caller]
fn expect(rule: fn(&Tree, &mut Vec<Finding>), files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<_> = check(
        &Tree::of(files),
        &[Rule {
            name: "rule",
            check: rule,
        }],
    )
    .iter()
    .map(Finding::to_string)
    .collect();
    assert_eq!(found, expected);
}
