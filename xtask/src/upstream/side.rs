//! Two ways to build a guest: with our generator and runtime, or with wit-bindgen's.
//!
//! Guests are compiled by `rustc` itself, as wit-bindgen does it. What they depend on is built by Cargo for a crate with nothing in it:
//! ours has the line that a user of wit-bindgen changes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;

/// The target of all guests.
pub(super) const TARGET: &str = "wasm32-wasip2";

/// The version of wit-bindgen that options and interfaces are compared with.
const THEIRS: &str = "0.63.0";

/// A generator and its runtime.
pub(super) struct Side {
    pub(super) name: &'static str,
    generator: PathBuf,
    /// Arguments that every run of the generator has.
    args: &'static [&'static str],
    /// How options are written for it.
    translate: fn(&str) -> Vec<String>,
    /// Arguments for `rustc` that find the runtime.
    pub(super) rustc: Vec<String>,
}

impl Side {
    /// Our generator and runtime.
    pub(super) fn ours(folder: &Path) -> Result<Self> {
        let target = process::target_folder()?;
        let mut build = process::cargo(["build", "--package", "witflow-cli", "--target-dir"]);
        process::run(build.arg(&target))?;
        let dependency = format!(
            "{{ package = \"witflow\", path = {:?}",
            process::root().display().to_string()
        );
        Ok(Self {
            name: "ours",
            generator: program(&target.join("debug"), "bindgen"),
            args: &["rust", "--runtime-path", "wit_bindgen::rt"],
            translate: |arg| vec![arg.to_owned()],
            rustc: dependencies(
                &folder.join("ours"),
                &dependency,
                Some(&process::root().join("Cargo.lock")),
            )?,
        })
    }

    /// Those of wit-bindgen, from the registry.
    pub(super) fn theirs(folder: &Path) -> Result<Self> {
        let root = folder.join("theirs/cli");
        let mut install = process::cargo(["install", "wit-bindgen-cli", "--locked", "--version", THEIRS]);
        install
            .args(["--no-default-features", "--features", "rust", "--root"])
            .arg(&root);
        install.arg("--target-dir").arg(folder.join("theirs/target"));
        process::run(&mut install)?;
        Ok(Self {
            name: "theirs",
            generator: program(&root.join("bin"), "wit-bindgen"),
            args: &["rust"],
            translate: in_their_words,
            rustc: dependencies(&folder.join("theirs"), &format!("{{ version = \"={THEIRS}\""), None)?,
        })
    }

    /// Generates bindings into `folder`; gives their file.
    pub(super) fn generate(&self, wit: &Path, world: &str, args: &[String], folder: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let mut command = Command::new(&self.generator);
        command
            .args(self.args)
            .arg(wit)
            .args(["--world", world, "--out-dir"])
            .arg(folder);
        command.args(args.iter().flat_map(|arg| (self.translate)(arg)));
        output(&mut command)?;
        Ok(folder.join(format!("{}.rs", world.replace('-', "_"))))
    }
}

/// Options that had other names in older versions, which the tests of those have.
fn in_their_words(arg: &str) -> Vec<String> {
    let words: &[&str] = match arg {
        "--async=-all" => &["--sync", "all"],
        "--enable-method-chaining" => &["--chainable-methods", "&all"],
        _ => return vec![arg.to_owned()],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Builds what guests depend on; gives the arguments that let `rustc` find it.
fn dependencies(folder: &Path, dependency: &str, lock: Option<&Path>) -> Result<Vec<String>> {
    let manifest = format!(
        "[package]\nname = \"dependencies\"\nedition = \"2024\"\n\n[workspace]\n\n[lib]\npath = \"lib.rs\"\n\n[dependencies]\n\
         wit-bindgen = {dependency}, features = [\"async-spawn\", \"inter-task-wakeup\", \"futures-stream\"] }}\n\
         futures = \"0.3.31\"\n"
    );
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    std::fs::write(folder.join("lib.rs"), "")?;
    if let Some(lock) = lock {
        std::fs::copy(lock, folder.join("Cargo.lock"))?;
    }
    let mut build = process::cargo(["build", "--target", TARGET, "--message-format", "json", "--target-dir"]);
    build
        .arg(folder.join("target"))
        .current_dir(folder)
        .stderr(Stdio::inherit());
    let said = build.output().context("Cargo cannot be started")?;
    if !said.status.success() {
        bail!("`{}` failed ({})", process::show(&build), said.status);
    }
    let mut args = Vec::new();
    for line in String::from_utf8_lossy(&said.stdout).lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        let strings = |value: &serde_json::Value| {
            let items = value.as_array().cloned().unwrap_or_default();
            items
                .into_iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        for path in strings(&message["linked_paths"]) {
            args.push(format!("-L{path}"));
        }
        for file in strings(&message["filenames"]) {
            let parent = Path::new(&file)
                .parent()
                .unwrap_or(Path::new("."))
                .display()
                .to_string();
            args.push(format!("-Ldependency={parent}"));
            let wasm = file.contains(TARGET) && file.ends_with(".rlib");
            match message["target"]["name"].as_str() {
                Some("witflow" | "wit_bindgen") if wasm => args.push(format!("--extern=wit_bindgen={file}")),
                Some("futures") if wasm => args.push(format!("--extern=futures={file}")),
                _ => {}
            }
        }
    }
    args.sort();
    args.dedup();
    Ok(args)
}

fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Runs a program that has to succeed; what it printed is the error otherwise.
pub(super) fn output(command: &mut Command) -> Result<()> {
    let shown = process::show(command);
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("`{shown}` cannot be started"))?;
    if !output.status.success() {
        let (said, printed) = (
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout),
        );
        bail!("{said}{printed}({})", output.status);
    }
    Ok(())
}
