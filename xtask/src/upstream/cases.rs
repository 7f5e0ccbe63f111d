//! Finding wit-bindgen's runtime tests: folders with a `test.wit` and, for the worlds in it, guests in Rust.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::config::Config;

/// A folder with tests.
#[derive(Debug)]
pub(super) struct Case {
    /// The path below `tests/runtime`.
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// Whether bindings are generated with the arguments all tests have.
    pub(super) default_args: bool,
    /// The document that says how components are composed.
    pub(super) wac: Option<PathBuf>,
    /// For each world, the one that is run first, its guests.
    pub(super) worlds: Vec<(String, Vec<Guest>)>,
}

/// A source file that becomes a component.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// Its file's name.
    pub(super) name: String,
    pub(super) source: PathBuf,
    pub(super) world: String,
    /// Arguments for the generator.
    pub(super) args: Vec<String>,
    /// Crates that are compiled before.
    pub(super) externs: Vec<String>,
    /// Arguments for the compiler.
    pub(super) flags: Vec<String>,
}

/// All folders below `tests/runtime` that have a guest in Rust.
pub(super) fn all(checkout: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let root = checkout.join("tests/runtime");
    collect(&root, &root, &mut cases)?;
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn collect(root: &Path, folder: &Path, cases: &mut Vec<Case>) -> Result<()> {
    let entries = folder
        .read_dir()
        .with_context(|| format!("`{}` is no folder: is this wit-bindgen?", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    if !folder.join("test.wit").exists() {
        for path in paths.iter().filter(|path| path.is_dir()) {
            collect(root, path, cases)?;
        }
        return Ok(());
    }
    let case = Case::read(root, folder, &paths).with_context(|| format!("reading `{}`", folder.display()))?;
    if case.worlds.iter().any(|(_, guests)| !guests.is_empty()) {
        cases.push(case);
    }
    Ok(())
}

impl Case {
    fn read(root: &Path, folder: &Path, paths: &[PathBuf]) -> Result<Self> {
        let config = Config::parse(&std::fs::read_to_string(folder.join("test.wit"))?)?;
        let mut worlds = vec![config.text("runner").unwrap_or("runner").to_owned()];
        match config.list("dependencies") {
            none if none.is_empty() => worlds.push("test".to_owned()),
            some => worlds.extend(some),
        }
        let mut worlds: Vec<(String, Vec<Guest>)> = worlds.into_iter().map(|world| (world, Vec::new())).collect();
        for path in paths
            .iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let world = worlds.iter_mut().find(|(world, _)| stem.starts_with(world.as_str()));
            if let Some((world, guests)) = world {
                guests.push(Guest::read(path, &stem, world)?);
            }
        }
        Ok(Self {
            name: folder.strip_prefix(root).unwrap_or(folder).display().to_string(),
            folder: folder.to_owned(),
            default_args: config.text("default-bindgen-args") != Some("false"),
            wac: config.text("wac").map(|wac| folder.join(wac)),
            worlds,
        })
    }

    /// The WIT: the folder if there are dependencies in it.
    pub(super) fn wit(&self) -> PathBuf {
        if self.folder.join("deps").exists() {
            self.folder.clone()
        } else {
            self.folder.join("test.wit")
        }
    }

    /// Whether there is a guest in Rust for each world.
    pub(super) fn is_complete(&self) -> bool {
        self.worlds.iter().all(|(_, guests)| !guests.is_empty())
    }

    /// Every choice of one guest for each world.
    pub(super) fn choices(&self) -> Vec<Vec<&Guest>> {
        let mut choices: Vec<Vec<&Guest>> = vec![Vec::new()];
        for (_, guests) in &self.worlds {
            let with = |guest| choices.iter().map(move |choice| [&choice[..], &[guest]].concat());
            choices = guests.iter().flat_map(with).collect();
        }
        choices
    }
}

impl Guest {
    fn read(path: &Path, name: &str, world: &str) -> Result<Self> {
        let config = Config::parse(&std::fs::read_to_string(path)?)?;
        Ok(Self {
            name: name.to_owned(),
            source: path.to_owned(),
            world: world.to_owned(),
            args: config.list("args"),
            externs: config.list("externs"),
            flags: config.list("rustflags"),
        })
    }
}
