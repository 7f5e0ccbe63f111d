//! `cargo xtask package`: what is published can be published.
//!
//! Cargo makes the packages as for a registry, unpacks each and builds it with nothing but the others: what a manifest leaves out,
//! or what lies outside a package's folder, is missed here and not by the first user. Nothing is uploaded.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// Licences have to be in every package, since each may be passed on alone.
const FILES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT", "README.md", "Cargo.toml"];

/// A package that is published.
struct Package {
    name: String,
    version: String,
    /// What its manifest lacks.
    lacks: Vec<&'static str>,
    /// What has to be published before it, of whatever place.
    needs: Vec<String>,
}

/// Makes the packages and builds each from what would be published.
pub(crate) fn run() -> Result<()> {
    let packages = checked()?;
    forget_unpacked(&packages)?;
    let builds = process::target_folder()?.join("package-builds");
    remove(&builds)?;
    process::run(cargo_package(&packages).arg("--target-dir").arg(&builds))?;
    remove(&builds)?;
    println!("    {} packages build as they would be published", packages.len());
    Ok(())
}

/// Makes the packages without building them, which takes seconds.
pub(crate) fn check() -> Result<()> {
    let packages = checked()?;
    process::run(cargo_package(&packages).arg("--no-verify"))?;
    println!("    {} packages can be made", packages.len());
    Ok(())
}

/// The packages that are published, whose manifests say all they have to.
fn checked() -> Result<Vec<Package>> {
    let packages = published(&metadata()?);
    for package in &packages {
        if !package.lacks.is_empty() {
            bail!("the manifest of {} lacks {}", package.name, package.lacks.join(", "));
        }
        holds_files(&package.name)?;
    }
    no_circle(&packages)?;
    Ok(packages)
}

/// Removes what Cargo keeps of the packages from the last time. It takes packages of one version for the same, as those of a
/// registry are, and would build what was published then.
fn forget_unpacked(packages: &[Package]) -> Result<()> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))) else {
        return Ok(());
    };
    // A registry without a host is one that Cargo has made of the packages.
    let Ok(registries) = home.join("registry/src").read_dir() else {
        return Ok(());
    };
    for registry in registries.flatten() {
        if !registry.file_name().to_string_lossy().starts_with('-') {
            continue;
        }
        for package in packages {
            remove(&registry.path().join(format!("{}-{}", package.name, package.version)))?;
        }
    }
    Ok(())
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("`{}` cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

fn cargo_package(packages: &[Package]) -> Command {
    let mut cargo = process::cargo(["package", "--allow-dirty", "--quiet"]);
    cargo.args(packages.iter().flat_map(|package| ["--package", &package.name]));
    cargo
}

/// Whether the packages can be published one after the other. A dependency without a version is left out of what is published.
fn no_circle(packages: &[Package]) -> Result<()> {
    let mut left: Vec<&Package> = packages.iter().collect();
    while !left.is_empty() {
        let needs = |package: &Package| {
            package
                .needs
                .iter()
                .any(|need| left.iter().any(|other| other.name == *need))
        };
        let Some(next) = left.iter().position(|package| !needs(package)) else {
            let names: Vec<_> = left.iter().map(|package| package.name.as_str()).collect();
            bail!(
                "none of {} can be published first; a dev-dependency by path and without a version is not published",
                names.join(", ")
            );
        };
        left.remove(next);
    }
    Ok(())
}

/// The names of the packages that are published.
pub(crate) fn names() -> Result<Vec<String>> {
    Ok(published(&metadata()?)
        .into_iter()
        .map(|package| package.name)
        .collect())
}

fn metadata() -> Result<Value> {
    let output = process::cargo(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    serde_json::from_slice(&output.stdout).context("`cargo metadata` gives no JSON")
}

/// The packages of the workspace without `publish = false`.
fn published(metadata: &Value) -> Vec<Package> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let packages = packages.filter(|package| package["publish"].is_null());
    packages.map(package).collect()
}

fn package(package: &Value) -> Package {
    let wanted = [
        "description",
        "license",
        "documentation",
        "readme",
        "rust_version",
        "keywords",
        "categories",
    ];
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let lacks = wanted.into_iter().filter(|key| is_empty(&package[*key]));
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    // Cargo says `*` where there is no version.
    let needs = dependencies.filter(|dependency| dependency["req"] != "*");
    let name = |package: &Value| package["name"].as_str().unwrap_or_default().to_owned();
    Package {
        name: name(package),
        version: package["version"].as_str().unwrap_or_default().to_owned(),
        lacks: lacks.collect(),
        needs: needs.map(name).collect(),
    }
}

/// Whether Cargo would put the files in the package that belong in each.
fn holds_files(package: &str) -> Result<()> {
    let output = process::cargo(["package", "--list", "--allow-dirty", "--package", package]).output()?;
    let listed = String::from_utf8_lossy(&output.stdout);
    match FILES.iter().find(|file| !listed.lines().any(|line| line == **file)) {
        Some(missing) => bail!("the package {package} lacks {missing}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_manifest_lacks_is_named() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "inner", "publish": [] },
            { "name": "outer", "publish": null, "description": "d", "license": "MIT", "readme": "README.md", "rust_version": "1.95",
              "keywords": [], "categories": ["wasm"] },
        ] });
        let packages = published(&metadata);
        assert_eq!(packages.len(), 1, "what is not published needs nothing");
        assert_eq!(
            (packages[0].name.as_str(), &packages[0].lacks[..]),
            ("outer", &["documentation", "keywords"][..])
        );
    }

    #[test]
    fn packages_that_need_each_other_are_named() {
        let package = |name: &str, dependency: &str, req: &str| serde_json::json!({ "name": name, "publish": null, "dependencies": [{ "name": dependency, "req": req }] });
        let check = |req: &str| {
            let packages = [
                package("a", "b", "^1"),
                package("b", "a", req),
                package("c", "serde", "^1"),
            ];
            no_circle(&published(&serde_json::json!({ "packages": packages })))
        };
        assert!(check("*").is_ok());
        let error = check("^1").unwrap_err().to_string();
        assert!(error.starts_with("none of a, b can be published first"), "{error}");
    }
}
