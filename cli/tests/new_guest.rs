//! What `bindgen new` makes works: its tests pass, and its component builds. That the program beside it runs a component is tested
//! where Wasmtime is built anyway, in `examples/hello`.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{bindgen, text};

/// Runs Cargo in the new guest, which shares its folder of builds with earlier runs of this test.
#[track_caller]
fn cargo(guest: &Path, args: &[&str]) -> String {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(args)
        .current_dir(guest)
        .env("CARGO_TARGET_DIR", builds())
        .output()
        .expect("Cargo runs this test, so it is there");
    let (out, err) = (support::string(output.stdout), support::string(output.stderr));
    assert!(output.status.success(), "cargo {args:?}\n{out}\n{err}");
    out + &err
}

fn builds() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-guest")
}

#[test]
fn a_new_guest_tests_itself_and_becomes_a_component() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = support::scratch();
    let guest = folder.path().join("first-guest");
    let (done, _, err) = bindgen(&[
        "new",
        "first-guest",
        "--dir",
        text(&guest),
        "--witflow-path",
        text(&workspace),
    ]);
    assert!(done, "{err}");
    // With the versions of this workspace nothing has to be downloaded that is not here already.
    std::fs::copy(workspace.join("Cargo.lock"), guest.join("Cargo.lock"))
        .expect("the workspace has its versions fixed");

    let tested = cargo(&guest, &["test"]);
    assert!(tested.contains("3 passed; 0 failed"), "{tested}");
    assert!(!tested.contains("warning"), "{tested}");
    let built = cargo(&guest, &["build", "--release", "--target", "wasm32-wasip2"]);
    assert!(!built.contains("warning"), "{built}");
    let component = std::fs::read(builds().join("wasm32-wasip2/release/first_guest.wasm")).expect("it was built");
    // The header says that it is a component and no core module.
    assert_eq!(component[..8], *b"\0asm\x0d\0\x01\0");
    assert!(component.len() < 200_000, "{} bytes", component.len());
    // The program that runs the component is described well enough to be built.
    let packages = cargo(&guest, &["metadata", "--format-version", "1"]);
    assert!(packages.contains("first-guest-runner"));
}
