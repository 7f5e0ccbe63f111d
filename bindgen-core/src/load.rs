//! From paths and inline text to a resolved world.
//!
//! This is the only file of the generator that reads WIT. It parses what it is given, selects the world, and reports parse
//! errors of several inputs at once. It looks at no environment variable; relative paths are taken from the process's current
//! directory, so the macro makes them absolute first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wit_parser::{
    PackageId, PackageName, ParseError, ParseErrorKind, Resolve, ResolveError, ResolveErrorKind, SourceMap, WorldId,
};

use crate::check;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};

/// The name under which inline WIT appears in diagnostics.
pub const INLINE: &str = "<inline>";

/// Where the WIT comes from and which world is meant.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// WIT files, or directories with a package and its `deps`. Later ones may use packages of earlier ones.
    pub paths: Vec<PathBuf>,
    /// WIT text, parsed after the paths and able to use them.
    pub inline: Option<String>,
    /// `name`, `ns:pkg/name` or `ns:pkg/name@version`; may be left out if there is only one world.
    pub world: Option<String>,
    /// `@unstable(feature = ..)` gates to open.
    pub features: Vec<String>,
    /// Opens every gate.
    pub all_features: bool,
}

/// A resolved world and the files it came from.
#[derive(Debug)]
pub struct Loaded {
    /// Everything that was parsed. An interface that occurs several times in the world is there once for each occurrence.
    pub resolve: Resolve,
    /// The same as it was written, each interface once: what is described to the tools that make components.
    pub written: Resolve,
    /// The selected world.
    pub world: WorldId,
    /// Every file and directory whose change can change the world, sorted.
    pub files: Vec<PathBuf>,
}

impl Input {
    /// Parses, resolves and selects the world.
    ///
    /// # Errors
    ///
    /// Missing paths, syntax errors, unresolved names, and an unknown or ambiguous world.
    pub fn load(&self) -> Result<Loaded, Diagnostics> {
        let (mut resolve, packages) = self.parse()?;
        let world = select_world(&resolve, &packages, self.world.as_deref())?;
        let written = resolve.clone();
        resolve.generate_nominal_type_ids(world);
        Ok(Loaded {
            resolve,
            written,
            world,
            files: self.files(),
        })
    }

    /// The full names of the worlds that can be selected.
    ///
    /// # Errors
    ///
    /// As [`Input::load`], but for those about the world.
    pub fn worlds(&self) -> Result<Vec<String>, Diagnostics> {
        let (resolve, packages) = self.parse()?;
        Ok(world_names(&resolve, &packages))
    }

    /// Every file and directory whose change can change the world, sorted. They are known even when loading fails.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = BTreeSet::new();
        self.paths.iter().for_each(|path| watch(path, DEPTH, &mut files));
        files.into_iter().collect()
    }

    /// Everything that is given, and the packages the world is looked for in.
    fn parse(&self) -> Result<(Resolve, Vec<PackageId>), Diagnostics> {
        let mut resolve = Resolve::new();
        resolve.features = self.features.iter().cloned().collect();
        resolve.all_features = self.all_features;
        let mut errors = Diagnostics::default();
        let mut packages = Vec::new();
        for path in &self.paths {
            match push_path(&mut resolve, path) {
                Ok(package) => packages.push(package),
                Err(error) => errors.push(error),
            }
        }
        if let Some(text) = &self.inline {
            match resolve.push_source(INLINE, text) {
                // Inline text names the world; the paths beside it are its dependencies.
                Ok(package) => packages = vec![package],
                Err(error) => errors.push(parse_error(&resolve, &error)),
            }
        }
        errors.finish()?;
        Ok((resolve, packages))
    }
}

fn push_path(resolve: &mut Resolve, path: &Path) -> Result<PackageId, Diagnostic> {
    if !path.exists() {
        return Err(Diagnostic::new(format!("there is no WIT file or directory at `{}`", path.display()))
            .help(
                "paths are relative to the directory of Cargo.toml in the macro and in build.rs, and to the current \
                 directory on the command line",
            )
            .option("path", path.to_str()));
    }
    if let Some(name) = given_twice(resolve, path) {
        return Err(
            Diagnostic::new(format!("package `{name}` of `{}` was given before", path.display()))
                .help("give each package once; packages of earlier paths need not be in the `deps` of later ones")
                .option("path", path.to_str()),
        );
    }
    let pushed = resolve.push_path(path);
    pushed
        .map(|(package, _)| package)
        .map_err(|error| match place_of(&error) {
            Some((span, ..)) if span.is_known() => parse_error(resolve, &error),
            _ => Diagnostic::new(format!("the WIT at `{}` cannot be read: {error:#}", path.display()))
                .help("a path names a WIT file, or a directory with the `.wit` files of one package")
                .option("path", path.to_str()),
        })
}

/// A package below `path` that the resolve has already. wit-parser expects that there is none.
fn given_twice(resolve: &Resolve, path: &Path) -> Option<PackageName> {
    if resolve.package_names.is_empty() {
        return None;
    }
    let deps = path
        .join("deps")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let groups = std::iter::once(path.to_owned()).chain(deps).filter_map(|path| {
        let mut sources = SourceMap::default();
        let read = if path.is_dir() {
            sources.push_dir(&path)
        } else {
            sources.push_file(&path)
        };
        read.ok()?;
        sources.parse().ok()
    });
    let mut names = groups.flat_map(|group| {
        let nested = group.nested.into_iter().map(|package| package.name);
        std::iter::once(group.main.name).chain(nested)
    });
    names.find(|name| resolve.package_names.contains_key(name))
}

/// How deep WIT lies below a path: the package, its `deps`, and the folders of packages there.
const DEPTH: usize = 3;

/// Every file under `path` and every directory, so that an added file is noticed too.
fn watch(path: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) {
    files.insert(path.to_owned());
    if depth == 0 {
        return;
    }
    let Ok(entries) = path.read_dir() else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_wit = path
            .extension()
            .is_some_and(|extension| extension == "wit" || extension == "wasm");
        if is_wit || path.is_dir() {
            watch(&path, depth - 1, files);
        }
    }
}

fn place_of(error: &anyhow::Error) -> Option<(wit_parser::Span, String, String)> {
    error.chain().find_map(|layer| {
        if let Some(error) = layer.downcast_ref::<ParseError>() {
            let help = match error.kind() {
                ParseErrorKind::ItemNotFound { .. } => "define it, or bring it in by `use`",
                ParseErrorKind::TypeCycle { .. } => "nothing in WIT can hold itself: keep an index or a handle instead",
                kind if kind.to_string().contains("32 flags") => check::TOO_MANY_FLAGS,
                kind if is_keyword_as_name(&kind.to_string()) => {
                    "a keyword of WIT that is meant as a name begins with `%`"
                }
                _ => "the mark shows where reading stopped",
            };
            Some((error.kind().span(), error.kind().to_string(), help.to_owned()))
        } else {
            let kind = layer.downcast_ref::<ResolveError>()?.kind();
            let help = match kind {
                ResolveErrorKind::PackageNotFound { requested, known, .. } => {
                    let message = format!("package '{requested}' not found");
                    return Some((kind.span(), message, missing_package(requested, known)));
                }
                ResolveErrorKind::WorldNotFound { .. } | ResolveErrorKind::InterfaceNotFound { .. } => {
                    "the package is there, but without this; is it another version, or behind `@unstable`?"
                }
                ResolveErrorKind::DuplicatePackage { .. } => "keep one of the two",
                _ => "the mark shows what does not fit",
            };
            Some((kind.span(), kind.to_string(), help.to_owned()))
        }
    })
}

/// Whether a parser's message is about a keyword where a name was possible.
fn is_keyword_as_name(message: &str) -> bool {
    ["identifier, found keyword", "`func`, found keyword"]
        .iter()
        .any(|part| message.contains(part))
}

fn missing_package(requested: &PackageName, known: &[PackageName]) -> String {
    let known: Vec<String> = known.iter().map(ToString::to_string).collect();
    match did_you_mean(&requested.to_string(), known.iter().map(String::as_str)) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "a package used by the world belongs in the `deps` folder beside it, or in a path given before it"
            .to_owned(),
    }
}

fn parse_error(resolve: &Resolve, error: &anyhow::Error) -> Diagnostic {
    let Some((span, message, help)) = place_of(error) else {
        return Diagnostic::new(format!("the WIT cannot be resolved: {error:#}"));
    };
    let mut lines = message.lines();
    let first = lines.next().unwrap_or("the WIT is not valid");
    let rest: Vec<&str> = lines.map(str::trim).chain([help.as_str()]).collect();
    Diagnostic::new(first).help(rest.join(" ")).at(resolve, span)
}

/// The hint where a world is missing.
const NO_WORLD: &str = "bindings are generated for a world: add one, for example `world my-world { export run: func(); }`; one \
                        behind `@unstable` is hidden until its feature is opened";

fn select_world(resolve: &Resolve, packages: &[PackageId], world: Option<&str>) -> Result<WorldId, Diagnostic> {
    resolve.select_world(packages, world).map_err(|error| {
        let names = world_names(resolve, packages);
        let list = names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let Some(wanted) = world else {
            let message = match names.len() {
                0 => "the WIT defines no world".to_owned(),
                n => format!("the WIT defines {n} worlds and none was chosen"),
            };
            let help = if names.is_empty() {
                NO_WORLD.to_owned()
            } else {
                format!("choose one of {list}")
            };
            return Diagnostic::new(message).help(help).option("world", None);
        };
        let diagnostic = match names.is_empty() {
            true => Diagnostic::new(format!("there is no world `{wanted}`: the WIT defines none")),
            false if error.to_string().contains("failed to parse") => {
                Diagnostic::new(format!("`{wanted}` is not the name of a world"))
            }
            false => Diagnostic::new(format!("there is no world `{wanted}`")),
        };
        let short = names.iter().map(|name| name.rsplit('/').next().unwrap_or(name));
        let candidates: Vec<&str> = names.iter().map(String::as_str).chain(short).collect();
        match did_you_mean(wanted, candidates.iter().copied()) {
            Some(close) if close != wanted => diagnostic.help(format!("did you mean `{close}`?")),
            Some(_) => diagnostic.help(format!("several packages are given; say which: {list}")),
            None if names.is_empty() => diagnostic.help(NO_WORLD),
            None => diagnostic.help(format!("the worlds are {list}")),
        }
        .option("world", Some(wanted))
    })
}

/// The worlds that can be chosen: those of the given packages first, then those of their dependencies.
fn world_names(resolve: &Resolve, packages: &[PackageId]) -> Vec<String> {
    let full_names = |id: PackageId| {
        resolve.packages[id]
            .worlds
            .keys()
            .map(move |world| resolve.id_of_name(id, world))
    };
    let names: Vec<String> = packages.iter().flat_map(|id| full_names(*id)).collect();
    if !names.is_empty() {
        return names;
    }
    resolve.packages.iter().flat_map(|(id, _)| full_names(id)).collect()
}
