//! `bindgen rust` and `bindgen host`: bindings as files.

use std::io::Write;
use std::path::{Path, PathBuf};

use witflow_bindgen_rust::core::diagnostic::Diagnostics;
use witflow_bindgen_rust::core::load::Loaded;
use witflow_bindgen_rust::{Options, generate, host, output};

use crate::{Failure, unreadable, unwritable};

/// Who the bindings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Guest,
    Host,
}

impl Side {
    fn generate(self, loaded: &Loaded, options: &Options) -> Result<String, Diagnostics> {
        let tokens = match self {
            Self::Guest => generate(loaded, options, None)?,
            Self::Host => host::generate(loaded, options)?,
        };
        output::print(tokens).map_err(Diagnostics::from)
    }

    /// The command that writes its bindings.
    fn command(self) -> &'static str {
        match self {
            Self::Guest => "bindgen rust",
            Self::Host => "bindgen host",
        }
    }

    /// What the name of a file has behind that of the world.
    fn suffix(self) -> &'static str {
        match self {
            Self::Guest => "",
            Self::Host => "_host",
        }
    }
}

/// Leaves an option that says nothing about a guest out of the help.
pub(crate) fn hide_options_for_hosts(arg: clap::Arg) -> clap::Arg {
    let hidden = arg.is_hide_set() || host::options::is_for_hosts(option(&arg));
    arg.hide(hidden)
}

/// Leaves an option that says nothing about a host out of the help.
pub(crate) fn hide_options_for_guests(arg: clap::Arg) -> clap::Arg {
    let hidden = arg.is_hide_set() || host::options::is_for_guests(option(&arg));
    arg.hide(hidden)
}

/// The name of the option that an argument is, which may differ from that of the field by an underscore.
fn option(arg: &clap::Arg) -> &str {
    arg.get_id().as_str().trim_end_matches('_')
}

/// Arguments of `bindgen rust` and `bindgen host`.
#[derive(Debug, clap::Args)]
pub struct RustArgs {
    /// What to generate.
    #[command(flatten)]
    pub options: Options,
    /// The directory the bindings go to; it is made if it does not exist.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub out_dir: PathBuf,
    /// Write nothing; print a diff and fail if the file is not what would be written.
    #[arg(long)]
    pub check: bool,
    /// Accepted for compatibility: what is written is formatted anyway.
    #[arg(long, hide = true)]
    pub format: bool,
    /// Write again whenever the WIT has changed.
    #[arg(long)]
    pub watch: bool,
}

impl RustArgs {
    pub(crate) fn run(&self, side: Side, out: &mut dyn Write) -> Result<bool, Failure> {
        let inputs = self.inputs()?;
        let mut errors = Diagnostics::default();
        let mut done = true;
        for options in &inputs {
            match self.one(side, options, out) {
                Ok(same) => done &= same,
                Err(failure) => match failure.downcast::<Diagnostics>() {
                    Ok(found) => errors.0.extend(found.0),
                    Err(failure) => return Err(failure),
                },
            }
        }
        errors.finish()?;
        Ok(done)
    }

    /// One world for each run of the generator. A directory whose files are packages of their own (they do not make one package)
    /// stands for each of its files.
    pub(crate) fn inputs(&self) -> Result<Vec<Options>, Failure> {
        let [directory] = &self.options.path[..] else {
            return Ok(vec![self.options.clone()]);
        };
        let files = separate_packages(directory);
        if files.len() < 2 || self.options.inline.is_some() {
            return Ok(vec![self.options.clone()]);
        }
        Ok(files
            .into_iter()
            .map(|file| Options {
                path: vec![file],
                ..self.options.clone()
            })
            .collect())
    }

    fn one(&self, side: Side, options: &Options, out: &mut dyn Write) -> Result<bool, Failure> {
        let loaded = options.input().load()?;
        let text = side.generate(&loaded, options)?;
        let world = &loaded.resolve.worlds[loaded.world];
        let package = world.package.map(|id| loaded.resolve.packages[id].name.name.clone());
        // Worlds of different packages may share a name, so that of a file among others is the package's.
        let name = match package {
            Some(package) if self.options.path != options.path => package,
            _ => world.name.clone(),
        };
        let file = self
            .out_dir
            .join(format!("{}{}.rs", name.replace('-', "_"), side.suffix()));
        if self.check {
            check(&file, &text, side, out)
        } else {
            write(&file, &text, out)
        }
    }
}

/// The WIT files of a directory, if each of them declares a package of another name.
fn separate_packages(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = directory.read_dir() else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wit"));
    files.sort();
    let mut names = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let declaration = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("package ").map(str::to_owned));
        match declaration {
            Some(name) if !names.contains(&name) => names.push(name),
            _ => return Vec::new(),
        }
    }
    files
}

fn write(file: &Path, text: &str, out: &mut dyn Write) -> Result<bool, Failure> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(directory).and_then(|()| std::fs::write(file, text));
    written.map_err(|error| Diagnostics::from(unwritable(file, &error)))?;
    writeln!(out, "wrote {}", file.display())?;
    Ok(true)
}

fn check(file: &Path, text: &str, side: Side, out: &mut dyn Write) -> Result<bool, Failure> {
    let existing = match std::fs::read_to_string(file) {
        Ok(existing) => existing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(Diagnostics::from(unreadable(file, &error)).into());
        }
    };
    if existing == text {
        return Ok(true);
    }
    let diff = similar::TextDiff::from_lines(existing.as_str(), text);
    let name = file.display().to_string();
    write!(out, "{}", diff.unified_diff().header(&name, "what would be generated"))?;
    let command = side.command();
    writeln!(
        out,
        "{name} is out of date: `{command}` with the same options writes it"
    )?;
    Ok(false)
}
