//! The runtime tests: guests that call each other, with one line of their manifests changed.
//!
//! Each guest is built by our side. Where a folder has guests for all its worlds, they are composed and run on Wasmtime: all of ours, and
//! then the runner of ours with everything else of wit-bindgen's, and the other way around. Folders with guests in other languages
//! besides are built only.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::cases::{Case, Guest};
use super::side::{Side, TARGET, output};
use super::{Args, Outcome, cases, report};
use crate::process;

/// Runs all cases.
pub(super) fn run(checkout: &Path, args: &Args) -> Result<Vec<Outcome>> {
    let folder = process::target_folder()?.join("upstream");
    let runner = runner()?;
    let ours = Side::ours(&folder)?;
    let theirs = if args.ours_only {
        None
    } else {
        Some(Side::theirs(&folder)?)
    };
    let filter = args.filter.as_deref().unwrap_or_default();
    let mut outcomes = Vec::new();
    for case in cases::all(checkout)?.iter().filter(|case| case.name.contains(filter)) {
        let mut run = Run {
            case,
            folder: folder.join("runtime").join(&case.name),
            runner: &runner,
            built: BTreeMap::new(),
        };
        let mut add = |outcome: Outcome| {
            report(&outcome, args.verbose);
            outcomes.push(outcome);
        };
        if !case.is_complete() {
            for guest in case.worlds.iter().flat_map(|(_, guests)| guests) {
                add(run.build_only(guest, &ours));
            }
            continue;
        }
        for choice in case.choices() {
            let sides: Vec<_> = choice.iter().map(|_| &ours).collect();
            let alone = theirs
                .as_ref()
                .map(|theirs| run.choice(&choice, &vec![theirs; choice.len()]));
            if let Some(Outcome { name, problem: Some(_) }) = &alone {
                println!("    ------ {name}: fails for wit-bindgen alone");
                continue;
            }
            add(run.choice(&choice, &sides));
            if let Some(theirs) = &theirs {
                for (runner, others) in [(&ours, theirs), (theirs, &ours)] {
                    let others = choice[1..].iter().map(|_| others);
                    let sides: Vec<_> = std::iter::once(runner).chain(others).collect();
                    add(run.choice(&choice, &sides));
                }
            }
        }
    }
    Ok(outcomes)
}

/// The program that composes and runs, built.
fn runner() -> Result<PathBuf> {
    let target = process::target_folder()?;
    let mut build = process::cargo([
        "build",
        "--package",
        "upstream-runner",
        "--features",
        "wac",
        "--target-dir",
    ]);
    process::run(build.arg(&target))?;
    Ok(target
        .join("debug/upstream-runner")
        .with_extension(std::env::consts::EXE_EXTENSION))
}

/// The cases of one folder.
struct Run<'a> {
    case: &'a Case,
    folder: PathBuf,
    runner: &'a Path,
    /// The component of each guest by side and name, or why there is none.
    built: BTreeMap<(&'static str, String), Result<PathBuf, String>>,
}

impl Run<'_> {
    fn build_only(&mut self, guest: &Guest, side: &Side) -> Outcome {
        Outcome {
            name: format!("{}: {} is built", self.case.name, guest.name),
            problem: self.built(guest, side).err(),
        }
    }

    /// Builds, composes and runs one choice of guests.
    fn choice(&mut self, guests: &[&Guest], sides: &[&Side]) -> Outcome {
        let named = guests
            .iter()
            .zip(sides)
            .map(|(guest, side)| format!("{} ({})", guest.name, side.name));
        let name = format!("{}: {}", self.case.name, named.collect::<Vec<_>>().join(" + "));
        let mut components = Vec::new();
        let mut problem = String::new();
        for (guest, side) in guests.iter().zip(sides) {
            match self.built(guest, side) {
                Ok(component) => components.push(format!("test:{}={}", guest.world, component.display())),
                Err(error) => problem += &format!("{} ({}): {error}\n", guest.name, side.name),
            }
        }
        if problem.is_empty()
            && let Err(error) = self.compose_and_run(&components)
        {
            problem = format!("{error:#}");
        }
        Outcome {
            name,
            problem: (!problem.is_empty()).then_some(problem),
        }
    }

    fn compose_and_run(&self, components: &[String]) -> Result<()> {
        let mut runner = Command::new(self.runner);
        if let Some(document) = &self.case.wac {
            runner.arg("--document").arg(document);
        }
        output(runner.args(components))
    }

    fn built(&mut self, guest: &Guest, side: &Side) -> Result<PathBuf, String> {
        let key = (side.name, guest.name.clone());
        if !self.built.contains_key(&key) {
            let built = self.build(guest, side).map_err(|error| format!("{error:#}"));
            self.built.insert(key.clone(), built);
        }
        self.built[&key].clone()
    }

    fn build(&self, guest: &Guest, side: &Side) -> Result<PathBuf> {
        let folder = self.folder.join(side.name).join(&guest.name);
        let mut args = guest.args.clone();
        if self.case.default_args {
            args.extend(["--generate-all".to_owned(), "--format".to_owned()]);
        }
        let bindings = side.generate(&self.case.wit(), &guest.world, &args, &folder)?;
        let mut externs = Vec::new();
        for name in &guest.externs {
            let source = self.case.folder.join(name);
            let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let library = folder.join(format!("lib{stem}.rlib"));
            let mut rustc = self.rustc(side, guest, &source, &library);
            compile(rustc.arg("--crate-type=rlib"), &[&source], &library)?;
            externs.push(format!("--extern={stem}={}", library.display()));
        }
        let component = folder.join(format!("{}.wasm", guest.name));
        let mut rustc = self.rustc(side, guest, &guest.source, &component);
        rustc
            .arg("--crate-type=cdylib")
            .args(externs)
            .env("BINDINGS", &bindings);
        compile(&mut rustc, &[&guest.source, &bindings], &component)?;
        Ok(component)
    }

    fn rustc(&self, side: &Side, guest: &Guest, source: &Path, to: &Path) -> Command {
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition=2021", "--target", TARGET, "-Dwarnings", "-Cdebuginfo=1"]);
        rustc.args(&side.rustc).args(&guest.flags).arg(source).arg("-o").arg(to);
        rustc.env("CARGO_MANIFEST_DIR", &self.case.folder);
        rustc
    }
}

/// Compiles, unless that was done with the same command, sources and libraries before.
fn compile(rustc: &mut Command, sources: &[&Path], to: &Path) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    process::show(rustc).hash(&mut hasher);
    for source in sources {
        std::fs::read(source)?.hash(&mut hasher);
    }
    for library in rustc
        .get_args()
        .filter_map(|arg| arg.to_str()?.strip_prefix("--extern=")?.split_once('='))
    {
        std::fs::metadata(library.1)?.modified()?.hash(&mut hasher);
    }
    let (stamp, key) = (to.with_extension("stamp"), hasher.finish().to_string());
    if to.exists() && std::fs::read_to_string(&stamp).is_ok_and(|before| before == key) {
        return Ok(());
    }
    output(rustc)?;
    Ok(std::fs::write(stamp, key)?)
}
