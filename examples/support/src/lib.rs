//! What tests of the examples share: building components, and a host of `wasi:http` for guests that run natively.

#[cfg(feature = "http")]
pub mod http;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The component that a member of this workspace is built into, as it is shipped.
///
/// # Panics
///
/// If it does not build, for example because the target is not installed; the message says what to do.
pub fn component(package: &str) -> PathBuf {
    const TARGET: &str = "wasm32-wasip2";
    let this = std::env::current_exe().expect("a running program has a path");
    // Tests are in target/debug/deps.
    let builds = this.ancestors().nth(3).expect("Cargo puts tests three levels deep");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--package", package, "--profile", "guest", "--target", TARGET])
        .arg("--target-dir")
        .arg(builds)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("Cargo runs this test, so it is there");
    assert!(
        output.status.success(),
        "{package} does not build; if its target is missing: rustup target add {TARGET}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let file = format!("{}.wasm", package.replace('-', "_"));
    builds.join(TARGET).join("guest").join(file)
}
