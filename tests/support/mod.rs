//! Building guests for tests.

use std::path::PathBuf;
use std::process::Command;

/// A target guests are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The linker makes a component by itself.
    Wasip2,
    /// The linker makes a core module, `bindgen component` a component of it.
    Unknown,
}

impl Target {
    fn triple(self) -> &'static str {
        match self {
            Self::Wasip2 => "wasm32-wasip2",
            Self::Unknown => "wasm32-unknown-unknown",
        }
    }
}

/// The component a workspace package is built into.
///
/// # Panics
///
/// If it does not build, for example because the target is not installed; the message says what to do.
pub(crate) fn component(package: &str, target: Target) -> Vec<u8> {
    let triple = target.triple();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--package",
            package,
            "--target",
            triple,
            "--profile",
            "guest-test",
            "--message-format",
            "json",
        ])
        .output()
        .expect("cargo runs, since it runs this test");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{package} does not build for {triple}; if the target is missing, `rustup target add {triple}` adds it\n{log}"
    );
    let artifact = wasm_file(&String::from_utf8_lossy(&output.stdout), package);
    if target == Target::Wasip2 {
        return std::fs::read(artifact).expect("cargo names a file it wrote");
    }
    let made = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let path = made.path().to_str().expect("temporary paths are text");
    let core = artifact.to_str().expect("the target directory's path is text");
    let command = witflow_cli::Command::from_args(["bindgen", "component", core, "-o", path]);
    let command = command.unwrap_or_else(|misuse| panic!("{misuse}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert!(command.run(&mut out, &mut err), "{}", String::from_utf8_lossy(&err));
    std::fs::read(path).expect("bindgen wrote the file")
}

/// The wasm file in Cargo's JSON messages that belongs to `package`.
fn wasm_file(messages: &str, package: &str) -> PathBuf {
    let stem = format!("{}.wasm\"", package.replace('-', "_"));
    let file = messages.lines().rev().find_map(|line| {
        let end = line.find(&stem)? + stem.len() - 1;
        let start = line[..end].rfind('"')? + 1;
        Some(PathBuf::from(&line[start..end]))
    });
    file.unwrap_or_else(|| panic!("cargo built no {stem}: {messages}"))
}
