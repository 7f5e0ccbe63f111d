//! The cases of the `generate!` macro: the compiler has to point at the token an error is about.
//!
//! All of them are modules of one small crate, which is checked once: the compiler reports the errors of each.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::case::{missing, panics};
use super::sandbox::Sandbox;
use super::{Outcome, marks};
use crate::files::write;
use crate::process;

/// A use of the macro.
struct Case {
    name: &'static str,
    /// The call. Each mark (see `marks`) is a place that an error has to be reported at: the token it is about, or the call if
    /// that is in the WIT or not there.
    call: &'static str,
    /// What the error has to contain, the hint included.
    says: &'static [&'static str],
}

const FILES: &[(&str, &str)] = &[
    (
        "there/two.wit",
        "package demo:two;\ninterface log { write: async func(line: string); }\n\
         world pipeline { import log; export run: async func(); }\nworld client { import log; }\n",
    ),
    (
        "there/bad.wit",
        "package demo:bad;\n\nworld w {\n  export run: func(x u32);\n}\n",
    ),
    (
        "there/chars.wit",
        "package demo:bad;\nworld w {\n  import take: func(x: stream<char>);\n}\n",
    ),
];

const CASES: &[Case] = &[
    Case {
        name: "macro: unknown option",
        call: "witflow::generate!({ path: \"there/two.wit\", ‸wrold: \"client\" })",
        says: &["there is no option `wrold`", "help: did you mean `world`?"],
    },
    Case {
        name: "macro: string of the wrong type",
        call: "witflow::generate!({ path: \"there/two.wit\", world: ‸1 })",
        says: &["expected string literal", "help: for example `world: \"text\"`"],
    },
    Case {
        name: "macro: list of the wrong type",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"client\", features: ‸true })",
        says: &["expected"],
    },
    Case {
        name: "macro: several options",
        call: "witflow::generate!({ ‸pahts: \"wit\", world: ‸true, ‸asnyc: { a: [1, 2] } })",
        says: &[],
    },
    Case {
        name: "macro: missing WIT",
        call: "witflow::generate!({ path: ‸\"nowhere\" })",
        says: &["no WIT file or directory", "nowhere", "help: "],
    },
    Case {
        name: "macro: one of several paths missing",
        call: "witflow::generate!({ path: [\"there/two.wit\", ‸\"nowhere\"], world: \"client\" })",
        says: &["no WIT file or directory", "nowhere", "help: "],
    },
    Case {
        name: "macro: syntax error",
        call: "‸witflow::generate!({ path: \"there/bad.wit\" })",
        says: &["expected ':', found keyword `u32`", "bad.wit:4:22", "help: "],
    },
    Case {
        name: "macro: syntax error in inline WIT",
        call: "witflow::generate!({ inline: ‸\"package demo:bad;\\nworld w {\\n  export run: func(x u32);\\n}\" })",
        says: &["expected ':', found keyword `u32`", "<inline>:3:22", "help: "],
    },
    Case {
        name: "macro: unknown world",
        call: "witflow::generate!({ path: \"there/two.wit\", world: ‸\"piepline\" })",
        says: &["no world `piepline`", "help: did you mean `pipeline`?"],
    },
    Case {
        name: "macro: unknown world, short form",
        call: "witflow::generate!(‸\"piepline\" in \"there/two.wit\")",
        says: &["no world `piepline`", "help: did you mean `pipeline`?"],
    },
    Case {
        name: "macro: ambiguous world",
        call: "witflow::generate!({ path: ‸\"there/two.wit\" })",
        says: &["2 worlds", "help: choose one of `demo:two/pipeline`, `demo:two/client`"],
    },
    Case {
        name: "macro: with that matches nothing",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"client\", with: { ‸\"demo:two/lgo\": crate::log } })",
        says: &["`demo:two/lgo`", "help: did you mean `demo:two/log`?"],
    },
    Case {
        name: "macro: with and async that match nothing",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"pipeline\", with: { ‸\"a:b/c\": generate }, async: [\"run\", ‸\"rnu\"] })",
        says: &[],
    },
    Case {
        name: "macro: async that matches nothing",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"pipeline\", async: [‸\"export:rnu\"] })",
        says: &["`export:rnu` matches no `async` function", "help: "],
    },
    Case {
        name: "macro: option given twice",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"client\", ‸path: \"there/two.wit\" })",
        says: &["`path` is given twice", "help: "],
    },
    Case {
        name: "macro: path by an unknown macro",
        call: "witflow::generate!({ path: ‸include_str!(\"there/two.wit\") })",
        says: &["`include_str!` is not known here", "help: a path is text"],
    },
    Case {
        name: "macro: path by an unknown variable",
        call: "witflow::generate!({ path: concat!(env!(‸\"NO_SUCH_VARIABLE\"), \"/wit\") })",
        says: &["environment variable `NO_SUCH_VARIABLE` is not set", "help: "],
    },
    Case {
        name: "macro: attributes that are none",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"client\", additional_type_attributes: { \"x\": [‸Eq] } })",
        says: &[
            "expected attributes",
            "help: for example `additional_type_attributes: {",
        ],
    },
    Case {
        name: "macro: attributes for nothing",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"client\", additional_type_attributes: { ‸\"x\": [#[derive(Eq)]] } })",
        says: &["`x` selects no record, variant or enum", "help: "],
    },
    Case {
        name: "macro: skip that matches nothing",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"client\", skip: [\"write\", ‸\"wriet\"] })",
        says: &["`wriet`", "help: "],
    },
    Case {
        name: "macro: option of guests for a host",
        call: "witflow::host::generate!({ path: \"there/two.wit\", world: \"client\", ‸stubs })",
        says: &["`stubs` is an option of guests' bindings", "help: leave it out"],
    },
    Case {
        name: "macro: option of hosts for a guest",
        call: "witflow::generate!({ path: \"there/two.wit\", world: \"client\", ‸concurrent_exports: true })",
        says: &[
            "`concurrent_exports` is an option of hosts' bindings",
            "help: `async` and `sync`",
        ],
    },
    Case {
        name: "macro: concurrent function that is not there",
        call: "witflow::host::generate!({ path: \"there/two.wit\", world: \"client\", concurrent_imports: [‸\"demo:two/log#wirte\"] })",
        says: &[
            "matches no imported function",
            "help: did you mean `demo:two/log#write`?",
        ],
    },
    Case {
        name: "macro: unsupported type",
        call: "‸witflow::generate!({ path: \"there/chars.wit\" })",
        says: &["`stream<char>`", "chars.wit:3:21", "help: "],
    },
];

/// Checks the crate of all cases that are asked for.
pub(crate) fn run(sandbox: &Sandbox, filter: &str) -> Result<Vec<Outcome>> {
    let cases: Vec<_> = CASES.iter().filter(|case| case.name.contains(filter)).collect();
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let folder = sandbox.folder("macro", FILES)?;
    let (source, places) = source(&cases);
    write(&folder.join("src/lib.rs"), &source)?;
    write(&folder.join("Cargo.toml"), &manifest(&process::root())?)?;
    // The versions of the workspace, which are there already.
    std::fs::copy(process::root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("Cargo.lock cannot be copied")?;
    let said = check(sandbox, &folder)?;
    let errors = errors(&said);
    Ok(cases
        .iter()
        .zip(&places)
        .map(|(case, places)| judge(case, places, &errors))
        .collect())
}

/// The crate's text: one module for each case, on one line, so that the line tells the case. The places of a case follow.
fn source(cases: &[&Case]) -> (String, Vec<Vec<String>>) {
    let mut source = "//! Bad uses of the macro.\n".to_owned();
    let mut places = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let (line, marks) = marks::take(&format!("mod case{index} {{ {}; }}\n", case.call));
        source += &line;
        places.push(
            marks
                .into_iter()
                .map(|(_, column)| format!("src/lib.rs:{}:{column}", index + 2))
                .collect(),
        );
    }
    (source, places)
}

/// The crate's manifest. It has the profiles of the workspace, so that dependencies which are built already serve.
fn manifest(root: &Path) -> Result<String> {
    let workspace = std::fs::read_to_string(root.join("Cargo.toml"))?;
    let sections = workspace
        .split("\n[")
        .filter(|section| section.starts_with("profile.dev"));
    let profiles: String = sections.map(|section| format!("[{}\n", section.trim_end())).collect();
    let root = root.display().to_string();
    Ok(format!(
        "[package]\nname = \"bad-input\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\nwitflow.path = {root:?}\n\n{profiles}"
    ))
}

fn check(sandbox: &Sandbox, folder: &Path) -> Result<String> {
    let mut check = process::cargo(["check", "--quiet", "--color", "never", "--target-dir"]);
    check.arg(sandbox.target()).current_dir(folder).stdin(Stdio::null());
    let output = check.output().context("Cargo cannot be started")?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The compiler's errors, each a block that begins with the word.
fn errors(said: &str) -> Vec<&str> {
    let begins = said
        .match_indices("error")
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || said[..*at].ends_with('\n'));
    let begins: Vec<_> = begins.collect();
    let ends = begins.iter().copied().skip(1).chain([said.len()]);
    begins.iter().zip(ends).map(|(begin, end)| &said[*begin..end]).collect()
}

/// Looks for an error at each of the places with all the words, and for none anywhere else in the case's line.
fn judge(case: &Case, places: &[String], errors: &[&str]) -> Outcome {
    let line = places[0].rsplit_once(':').map_or("", |(line, _)| line);
    let own: Vec<_> = errors
        .iter()
        .filter(|error| arrow(error).is_some_and(|at| at.starts_with(&format!("{line}:"))))
        .collect();
    let output: String = own.iter().map(|error| **error).collect();
    let mut problems = Vec::new();
    for place in places {
        match own.iter().find(|error| arrow(error) == Some(place)) {
            Some(error) => problems.extend(missing("the message", error, case.says.iter().copied())),
            None => problems.push(format!("no error is reported at {place}")),
        }
    }
    if own.len() > places.len() {
        problems.push(format!("{} errors are reported instead of {}", own.len(), places.len()));
    }
    problems.extend(panics(&output));
    let shown = format!("{}\n{output}", marks::take(case.call).0);
    Outcome {
        name: case.name.to_owned(),
        output: shown,
        problems,
    }
}

/// The place an error is reported at. The text of an error may hold such an arrow too, but into WIT.
fn arrow(error: &str) -> Option<&str> {
    error.lines().find_map(|line| {
        line.trim_start()
            .strip_prefix("--> ")
            .filter(|place| place.starts_with("src/lib.rs:"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "error: no `a`\n       --> a.wit:1:1\n --> src/lib.rs:2:5\n\nerror: b\n --> src/lib.rs:3:1\n";

    #[test]
    fn errors_are_told_apart_by_their_place() {
        let errors = errors(SAID);
        assert_eq!(
            errors.iter().map(|error| arrow(error)).collect::<Vec<_>>(),
            [Some("src/lib.rs:2:5"), Some("src/lib.rs:3:1")]
        );
        let case = Case {
            name: "a",
            call: "",
            says: &["`a`"],
        };
        assert!(
            judge(&case, &["src/lib.rs:2:5".to_owned()], &errors)
                .problems
                .is_empty()
        );
        let found = judge(&case, &["src/lib.rs:2:6".to_owned()], &errors).problems;
        assert_eq!(found, ["no error is reported at src/lib.rs:2:6"]);
    }

    #[test]
    fn places_are_those_of_the_assembled_file() {
        let cases = [
            &Case {
                name: "a",
                call: "‸x",
                says: &[],
            },
            &Case {
                name: "b",
                call: "y, ‸z",
                says: &[],
            },
        ];
        let (source, places) = source(&cases);
        assert_eq!(places, [["src/lib.rs:2:13"], ["src/lib.rs:3:16"]]);
        assert_eq!(&source.lines().nth(2).unwrap()[15..16], "z");
    }

    #[test]
    fn the_manifest_has_the_profiles_of_the_workspace() {
        let manifest = manifest(&process::root()).unwrap();
        assert!(
            manifest.contains("\n[profile.dev]\n") && !manifest.contains("[profile.guest]"),
            "{manifest}"
        );
    }
}
