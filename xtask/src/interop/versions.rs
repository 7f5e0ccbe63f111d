//! Two versions of our runtime in one component: this one, and a copy of it that has another version.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::components::Lab;
use super::host::Host;
use super::lack::{Got, Lack};
use super::report::Report;
use crate::files::write_changed;
use crate::process;

/// The version of the copy: not this one.
const LATER: &str = "999.0.0";

/// Runs all of them.
pub(super) fn run(lab: &Lab, report: &mut Report) {
    // The guest needs a clock, which jco has only of WASI 0.3.0.
    for host in Host::all(lab).iter().filter(|host| !matches!(host, Host::Jco)) {
        for (case, step) in [("this", None), ("the later", Some(1))] {
            report.scenario(
                &format!("mixed: {case} of two versions exports on {}", host.name()),
                || host.say(lab, &lab.once("versions", || build(lab))?, step),
            );
        }
    }
}

/// Copies the runtime, gives the copy its version, and builds the guest that has both.
fn build(lab: &Lab) -> Got<PathBuf> {
    let folder = lab.folder.join("versions");
    let (later, guest) = (folder.join("later"), folder.join("guest"));
    let made: Result<()> = (|| {
        copy(&process::root().join("async-rt/src"), &later.join("async-rt/src"))?;
        for file in ["async-rt/Cargo.toml", "async-rt/build.rs"] {
            write_changed(&later.join(file), fs::read(process::root().join(file))?)?;
        }
        let manifest = fs::read_to_string(process::root().join("Cargo.toml"))?;
        write_changed(&later.join("Cargo.toml"), workspace(&manifest))?;
        copy(&lab.source("versions"), &guest)?;
        // The versions of everything else are ours, as far as the guest has it. Cargo drops the rest.
        if !guest.join("Cargo.lock").exists() {
            fs::copy(process::root().join("Cargo.lock"), guest.join("Cargo.lock"))?;
        }
        write_changed(&guest.join("Cargo.toml"), guest_manifest(&later))
    })();
    made.map_err(Lack::broken)?;
    let mut cargo = process::cargo(["build", "--target", "wasm32-wasip2", "--target-dir"]);
    process::run(cargo.arg(folder.join("target")).current_dir(&guest)).map_err(Lack::broken)?;
    Ok(folder.join("target/wasm32-wasip2/debug/two_versions.wasm"))
}

/// The workspace of the copy: ours, with only the runtime in it, and with the other version.
fn workspace(manifest: &str) -> String {
    let workspace = manifest.split("\n[package]").next().unwrap_or_default();
    let (before, after) = workspace.split_once("members = [").unwrap_or((workspace, "]"));
    let (_, after) = after.split_once("\n[workspace.package]").unwrap_or_default();
    let ours = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"");
    let after = after.replacen(ours, &format!("version = \"{LATER}\""), 1);
    format!("{before}members = [\"async-rt\"]\n[workspace.package]{after}\n")
}

fn guest_manifest(later: &Path) -> String {
    let (ours, later) = (process::root(), later.join("async-rt"));
    format!(
        "[workspace]\n\n\
         [package]\nname = \"two-versions\"\nedition = \"2024\"\npublish = false\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nfutures = \"0.3\"\nwitflow = {{ path = {ours:?} }}\n\
         witflow-later = {{ package = \"witflow-async-rt\", path = {later:?}, version = \"={LATER}\" }}\n\n\
         [profile.dev]\ndebug = false\n"
    )
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in from.read_dir()? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            write_changed(&to, fs::read(&path)?)?;
        }
    }
    Ok(())
}
