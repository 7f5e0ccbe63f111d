//! The generator's tests: for each of their WIT files there are bindings, which compile with warnings denied.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::side::output;
use super::{Args, Outcome, report};
use crate::batch::{Batch, Target};
use crate::process;

/// What bindings are compiled for.
const TARGETS: &[(&str, Target)] = &[("native", None), ("wasm32", Some("wasm32-unknown-unknown"))];

/// Options that bindings are generated with, by what stands for them in the names of modules.
const MODES: &[(&str, &[&str])] = &[
    ("owning", &[]),
    ("borrowing", &["--ownership", "borrowing"]),
    ("duplicating", &["--ownership", "borrowing-duplicate-if-necessary"]),
];

/// The worlds of packages that have several.
const WORLDS: &[(&str, &[&str])] = &[
    ("wasi-cli", &["imports", "command"]),
    ("wasi-http", &["imports", "proxy"]),
];

/// A WIT file, or a folder with a package, under one ownership mode.
struct Case {
    name: String,
    module: String,
    wit: PathBuf,
    world: Option<&'static str>,
    args: &'static [&'static str],
}

/// Runs all cases.
pub(super) fn run(checkout: &Path, args: &Args) -> Result<Vec<Outcome>> {
    let bindgen = bindgen()?;
    let batch = Batch::new("upstream/codegen")?;
    let filter = args.filter.as_deref().unwrap_or_default();
    let cases: Vec<Case> = cases(checkout)?
        .into_iter()
        .filter(|case| case.name.contains(filter))
        .collect();
    let mut problems: Vec<Option<String>> = Vec::new();
    for case in &cases {
        let generated = generate(&bindgen, &batch, case);
        problems.push(generated.err().map(|error| format!("{error:#}")));
    }
    let generated = cases.iter().zip(&problems).filter(|(_, problem)| problem.is_none());
    let modules: Vec<String> = generated.map(|(case, _)| case.module.clone()).collect();
    for (name, target) in TARGETS {
        let mut found = batch.check(&modules, *target)?;
        for (case, problem) in cases.iter().zip(&mut problems) {
            if let Some(text) = found.remove(&case.module) {
                problem.get_or_insert_default().push_str(&format!("{name}:\n{text}"));
            }
        }
    }
    let outcome = |(case, problem): (Case, _)| Outcome {
        name: format!("codegen: {}", case.name),
        problem,
    };
    let outcomes: Vec<Outcome> = cases.into_iter().zip(problems).map(outcome).collect();
    outcomes.iter().for_each(|outcome| report(outcome, args.verbose));
    Ok(outcomes)
}

/// Our generator, built.
fn bindgen() -> Result<PathBuf> {
    let target = process::target_folder()?;
    let mut build = process::cargo(["build", "--package", "witflow-cli", "--target-dir"]);
    process::run(build.arg(&target))?;
    Ok(target
        .join("debug/bindgen")
        .with_extension(std::env::consts::EXE_EXTENSION))
}

/// The cases in order. A folder without WIT is a submodule that was not fetched, which is said.
fn cases(checkout: &Path) -> Result<Vec<Case>> {
    let folder = checkout.join("tests/codegen");
    let entries = std::fs::read_dir(&folder);
    let entries = entries.with_context(|| format!("`{}` is no checkout of wit-bindgen", checkout.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wit = if path.is_dir() { path.join("wit") } else { path };
        if !wit.exists() {
            println!("    ------ codegen: {name}: the submodule was not fetched");
            continue;
        }
        let module = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let several = WORLDS.iter().find(|(package, _)| *package == name);
        let worlds = several.map_or(vec![None], |(_, worlds)| worlds.iter().copied().map(Some).collect());
        for (world, (mode, args)) in worlds
            .into_iter()
            .flat_map(|world| MODES.iter().map(move |mode| (world, mode)))
        {
            let suffix = world.map_or_else(|| (*mode).to_owned(), |world| format!("{world}_{mode}"));
            cases.push(Case {
                name: format!("{name} ({suffix})"),
                module: format!("case_{module}_{suffix}"),
                wit: wit.clone(),
                world,
                args,
            });
        }
    }
    Ok(cases)
}

/// Writes the bindings of a case to where the batch expects them.
fn generate(bindgen: &Path, batch: &Batch, case: &Case) -> Result<()> {
    let source = batch.source(&case.module);
    let folder = source.with_extension("");
    output(
        Command::new(bindgen)
            .arg("rust")
            .arg(&case.wit)
            .args(case.args)
            .args(case.world.iter().flat_map(|world| ["--world", world]))
            .arg("--out-dir")
            .arg(&folder),
    )?;
    let mut written = std::fs::read_dir(&folder)?;
    let file = written.next().context("no file was written")??;
    std::fs::rename(file.path(), source)?;
    Ok(())
}
