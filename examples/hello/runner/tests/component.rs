//! The program runs the component, and says what is missing when there is none.

use std::process::{Command, Output};

fn run(argument: &std::path::Path) -> Output {
    let mut runner = Command::new(env!("CARGO_BIN_EXE_hello-runner"));
    runner
        .arg(argument)
        .output()
        .expect("Cargo has built the runner")
}

#[test]
fn the_component_greets_and_shouts() {
    let output = run(&example_support::component("hello"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{err}");
    assert_eq!(
        out,
        "the guest logs: greeting Ada\n\
         greet returns: Hello, Ada!\n\
         shout hears: over hill\n\
         shout hears: , over dale\n\
         shout says: OVER HILL, OVER DALE\n"
    );
    assert!(err.is_empty(), "{err}");
}

#[test]
fn a_missing_component_is_reported() {
    let output = run("nowhere.wasm".as_ref());
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && err.contains("cargo build --release --target wasm32-wasip2"),
        "{err}"
    );
}
