//! Where a new crate takes witflow from: the registry, a repository, or a checkout on this machine.

use std::path::{Path, PathBuf};

use witflow_bindgen_rust::core::diagnostic::Diagnostic;

/// Options that choose the source; without any of them it is the registry.
#[derive(Debug, Default, clap::Args)]
#[group(multiple = false)]
pub struct SourceArgs {
    /// Take witflow from a checkout of its repository on this machine.
    #[arg(long, value_name = "DIR")]
    pub witflow_path: Option<PathBuf>,
    /// Take witflow from a git repository.
    #[arg(long, value_name = "URL")]
    pub witflow_git: Option<String>,
    /// The version to take from the registry; by default that of this command.
    #[arg(long, value_name = "REQUIREMENT")]
    pub witflow_version: Option<String>,
}

/// What a manifest says about the two crates a guest depends on, as keys and values of TOML.
pub(super) struct Source {
    pub(super) witflow: String,
    pub(super) host: String,
}

impl SourceArgs {
    /// # Errors
    ///
    /// A folder that is no checkout.
    pub(super) fn source(&self) -> Result<Source, Diagnostic> {
        if let Some(folder) = &self.witflow_path {
            let path = |folder: PathBuf| format!("path = {}", quoted(&folder.display().to_string()));
            return Ok(Source {
                witflow: path(package(folder, "witflow")?),
                host: path(package(&folder.join("host"), "witflow-host")?),
            });
        }
        let both = match (&self.witflow_git, &self.witflow_version) {
            (Some(url), _) => format!("git = {}", quoted(url)),
            (None, Some(version)) => format!("version = {}", quoted(version)),
            (None, None) => format!("version = {}", quoted(env!("CARGO_PKG_VERSION"))),
        };
        Ok(Source {
            witflow: both.clone(),
            host: both,
        })
    }
}

/// The absolute path of a folder, which has to be that of a package.
fn package(folder: &Path, name: &str) -> Result<PathBuf, Diagnostic> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let line = format!("name = \"{name}\"");
    match folder.canonicalize() {
        Ok(absolute) if manifest.lines().any(|found| found.trim() == line) => Ok(absolute),
        _ => Err(
            Diagnostic::new(format!("`{}` is not the package `{name}`", folder.display()))
                .help("--witflow-path takes the top folder of a checkout of witflow's repository"),
        ),
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn strings_keep_what_toml_would_read_otherwise() {
        assert_eq!(quoted("C:\\dir\\\"a\""), r#""C:\\dir\\\"a\"""#);
        assert_eq!(quoted("a\nb"), "\"a\\u000Ab\"");
    }
}
