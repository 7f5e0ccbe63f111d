//! Compiling many generated modules in few runs of `rustc`, and saying which of them do not compile.
//!
//! The modules become crates of a workspace of their own, some in each, with warnings denied. What `rustc` says names the file, hence
//! the module. A crate that fails is tried again without the modules that are known to fail, because an error in one may keep `rustc`
//! from looking at the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::process;

/// How much source one crate has at most, unless a single module is larger.
const CRATE_BYTES: u64 = 4 << 20;

/// Modules that are compiled together.
pub(crate) struct Batch {
    folder: PathBuf,
}

/// A target, or the machine itself.
pub(crate) type Target = Option<&'static str>;

impl Batch {
    /// An empty batch in a folder of the target folder.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let folder = process::target_folder()?.join(name);
        if folder.exists() {
            // What was built stays, so that dependencies are compiled once.
            for entry in std::fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                    std::fs::remove_dir_all(path)?;
                }
            }
        }
        std::fs::create_dir_all(folder.join("src"))?;
        Ok(Self { folder })
    }

    /// The file a module has to be written to. Its name is an identifier.
    pub(crate) fn source(&self, module: &str) -> PathBuf {
        self.folder().join(format!("{module}.rs"))
    }

    /// The folder of those files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.join("src")
    }

    /// Removes them.
    pub(crate) fn clear(&self) -> Result<()> {
        std::fs::remove_dir_all(self.folder())?;
        Ok(std::fs::create_dir_all(self.folder())?)
    }

    /// Compiles modules for a target; gives what is wrong with those that fail.
    pub(crate) fn check(&self, modules: &[String], target: Target) -> Result<BTreeMap<String, String>> {
        let mut problems = BTreeMap::new();
        for (index, chunk) in self.chunks(modules)?.iter().enumerate() {
            let mut left: Vec<&String> = chunk.iter().collect();
            loop {
                let found = self.check_crate(index, &left, target)?;
                if found.is_empty() {
                    break;
                }
                left.retain(|module| !found.contains_key(*module));
                problems.extend(found);
            }
        }
        Ok(problems)
    }

    fn chunks(&self, modules: &[String]) -> Result<Vec<Vec<String>>> {
        let mut chunks: Vec<Vec<String>> = Vec::new();
        let mut bytes = CRATE_BYTES;
        for module in modules {
            let size = std::fs::metadata(self.source(module))?.len();
            if bytes + size > CRATE_BYTES {
                chunks.push(Vec::new());
                bytes = 0;
            }
            bytes += size;
            chunks.last_mut().expect("one was pushed").push(module.clone());
        }
        Ok(chunks)
    }

    /// Compiles one crate; gives the problems of its modules, and fails if there are others.
    fn check_crate(&self, index: usize, modules: &[&String], target: Target) -> Result<BTreeMap<String, String>> {
        let folder = self.folder.join(format!("crate{index}"));
        self.write_crate(&folder, modules)?;
        let mut check = process::cargo(["check", "--quiet", "--message-format", "json", "--target-dir"]);
        check.arg(self.folder.join("target")).current_dir(&folder);
        check.args(target.iter().flat_map(|target| ["--target", target]));
        let said = check
            .stderr(Stdio::piped())
            .output()
            .context("Cargo cannot be started")?;
        let problems = problems(&String::from_utf8_lossy(&said.stdout), modules)?;
        if problems.is_empty() && !said.status.success() {
            let errors = String::from_utf8_lossy(&said.stderr).into_owned();
            bail!("`{}` failed ({}): {errors}", process::show(&check), said.status);
        }
        Ok(problems)
    }

    fn write_crate(&self, folder: &Path, modules: &[&String]) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let root = process::root();
        let manifest = format!(
            "[package]\nname = \"batch\"\nedition = \"2024\"\n\n[workspace]\n\n[lib]\npath = \"lib.rs\"\n\n[features]\nstd = []\n\n[dependencies]\n\
             witflow = {{ path = {:?}, default-features = false, features = [\"std\"] }}\n\
             [target.'cfg(not(target_family = \"wasm\"))'.dependencies]\nwitflow-host = {{ path = {:?} }}\n",
            root.display().to_string(),
            root.join("host").display().to_string()
        );
        let mut source = "#![deny(warnings)]\n".to_owned();
        for module in modules {
            let path = self.source(module).display().to_string();
            writeln!(source, "#[path = {path:?}]\npub mod {module};")?;
        }
        std::fs::write(folder.join("Cargo.toml"), manifest)?;
        std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(std::fs::write(folder.join("lib.rs"), source)?)
    }
}

/// The errors in Cargo's JSON messages by the module whose file they are in.
fn problems(messages: &str, modules: &[&String]) -> Result<BTreeMap<String, String>> {
    let known: BTreeSet<&str> = modules.iter().map(|module| module.as_str()).collect();
    let mut problems: BTreeMap<String, String> = BTreeMap::new();
    for line in messages.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        let message = &line["message"];
        if message["level"] != "error" {
            continue;
        }
        let spans = message["spans"].as_array().into_iter().flatten();
        let files = spans.filter_map(|span| span["file_name"].as_str());
        let modules = files.filter_map(|file| Path::new(file).file_stem()?.to_str());
        for module in modules.filter(|module| known.contains(module)).collect::<BTreeSet<_>>() {
            let text = message["rendered"].as_str().unwrap_or("an error without a text");
            problems.entry(module.to_owned()).or_default().push_str(text);
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_those_of_the_module_they_are_in() {
        let line = |level: &str, file: &str| {
            format!(
                r#"{{"message":{{"level":"{level}","rendered":"wrong\n","spans":[{{"file_name":"src/{file}.rs"}}]}}}}"#
            )
        };
        let said = [
            line("error", "a"),
            line("warning", "b"),
            line("error", "c"),
            "{}".to_owned(),
        ]
        .join("\n");
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let found = problems(&said, &[&a, &b]).expect("the messages are JSON");
        assert_eq!(found, BTreeMap::from([("a".to_owned(), "wrong\n".to_owned())]));
    }
}
