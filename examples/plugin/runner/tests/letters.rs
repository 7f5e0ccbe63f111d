//! The two components as one on Wasmtime, as README.md shows it.

use std::process::{Command, Output};
use std::sync::LazyLock;

/// The app and its plugin.
static COMPONENTS: LazyLock<[std::path::PathBuf; 2]> =
    LazyLock::new(|| ["plugin-app", "plugin-template"].map(example_support::component));

fn run(args: &[&str]) -> Output {
    let mut runner = Command::new(env!("CARGO_BIN_EXE_plugin-runner"));
    runner.args(&*COMPONENTS).args(args);
    runner.output().expect("Cargo has built the runner")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn check(args: &[&str], code: i32, out: &str) -> String {
    let output = run(args);
    let err = text(&output.stderr);
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(code), out),
        "{err}"
    );
    err
}

const ADA: &str = "to ada: Dear A. of LONDON.\n  The town clerk of London\n";
const GRACE: &str = "to grace: Dear G. of NEW YORK.\n  The town clerk of New York\n";
const TEMPLATE: &str = "Dear {name|initial} of {town|upper}.{>signature}";

#[test]
fn everybody_gets_a_letter() {
    let err = check(&[TEMPLATE, "ada", "grace"], 0, &[ADA, GRACE].concat());
    assert!(err.is_empty(), "{err}");
}

#[test]
fn a_plugin_that_traps_costs_one_letter() {
    let err = check(&[TEMPLATE, "ada", "nobody", "grace"], 1, &[ADA, GRACE].concat());
    for part in ["everybody has a name", "no letter to nobody: ", "trap"] {
        assert!(err.contains(part), "{err}");
    }
    println!("{err}");
}

#[test]
fn a_wrong_template_is_reported() {
    let err = check(&["Dear {name|loud}", "ada"], 1, "");
    assert_eq!(err, "the template is wrong: there is no filter `loud`\n");
}

#[test]
fn a_wrong_component_is_reported() {
    let mut runner = Command::new(env!("CARGO_BIN_EXE_plugin-runner"));
    // The app is not its own plugin.
    let [app, _] = &*COMPONENTS;
    let output = runner.args([app, app]).args([TEMPLATE, "ada"]).output();
    let output = output.expect("Cargo has built the runner");
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(70), "{err}");
    assert!(err.contains("imports nothing that the others export"), "{err}");
}
