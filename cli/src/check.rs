//! `bindgen check`: whether worlds have bindings, and whether those that were written before are what would be written now.

use std::io::Write;
use std::path::{Path, PathBuf};

use witflow_bindgen_rust::core::diagnostic::Diagnostics;
use witflow_bindgen_rust::{Options, generate};

use crate::console::{Ink, Output};
use crate::rust::Side;
use crate::{Failure, RustArgs};

/// Arguments of `bindgen check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// What to check; without a world, all of them.
    #[command(flatten)]
    pub options: Options,
    /// Also compare the bindings in this directory, which `bindgen rust` has written with the same options; for those of
    /// `bindgen host` that has `--check` itself.
    #[arg(short, long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// Check again whenever a file has changed.
    #[arg(long)]
    pub watch: bool,
}

impl CheckArgs {
    pub(crate) fn run(&self, out: &mut Output<'_>) -> Result<bool, Failure> {
        let current = match &self.out_dir {
            Some(folder) => self.rust(folder).run(Side::Guest, out)?,
            None => true,
        };
        let mut errors = Diagnostics::default();
        for options in self.worlds()? {
            match valid(&options) {
                Ok(text) => writeln!(out, "{} {text}", out.ink(Ink::Good, "ok"))?,
                Err(found) => errors.0.extend(found.0),
            }
        }
        errors.finish()?;
        Ok(current)
    }

    /// The options for each world.
    fn worlds(&self) -> Result<Vec<Options>, Failure> {
        let mut all = Vec::new();
        for options in self.rust(Path::new("")).inputs()? {
            // The bindings in a directory are those of one world, or of one for each package.
            if options.world.is_some() || self.out_dir.is_some() {
                all.push(options);
                continue;
            }
            let names = options.input().worlds()?;
            if names.is_empty() {
                // Loading says what is missing.
                options.input().load()?;
            }
            all.extend(names.into_iter().map(|name| Options {
                world: Some(name),
                ..options.clone()
            }));
        }
        Ok(all)
    }

    /// What writes the bindings that are compared.
    fn rust(&self, folder: &Path) -> RustArgs {
        RustArgs {
            options: self.options.clone(),
            out_dir: folder.to_owned(),
            check: true,
            format: false,
            watch: false,
        }
    }

    /// Everything that can change what the check says.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = self.options.input().files();
        if let Some(folder) = &self.out_dir {
            let entries = folder.read_dir().into_iter().flatten().flatten();
            files.extend(entries.map(|entry| entry.path()));
            files.push(folder.clone());
        }
        files
    }
}

/// A line about a world that has bindings.
fn valid(options: &Options) -> Result<String, Diagnostics> {
    let loaded = options.input().load()?;
    generate(&loaded, options, None)?;
    let world = &loaded.resolve.worlds[loaded.world];
    let package = world.package.expect("a world that was selected is part of a package");
    Ok(format!(
        "{}: {}, {}",
        loaded.resolve.id_of_name(package, &world.name),
        count(world.imports.len(), "import"),
        count(world.exports.len(), "export")
    ))
}

fn count(number: usize, of: &str) -> String {
    match number {
        1 => format!("1 {of}"),
        _ => format!("{number} {of}s"),
    }
}
