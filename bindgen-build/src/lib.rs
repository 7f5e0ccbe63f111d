//! Bindings from a build script.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), witflow_build::Error> {
//!     witflow_build::configure().world("pipeline").compile("wit")
//! }
//! ```
//!
//! ```text
//! // src/lib.rs: the file is named after the world
//! include!(concat!(env!("OUT_DIR"), "/pipeline.rs"));
//! ```
//!
//! Cargo runs the script again when a WIT file is changed, added or removed, and at no other time.

mod setters;

use std::fmt;
use std::path::{Path, PathBuf};

use witflow_bindgen_rust::core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_rust::core::load::Loaded;
use witflow_bindgen_rust::{generate, host, output};

pub use witflow_bindgen_rust::{Options, Ownership, With};

/// Everything that went wrong. Prints the same under `{}` and `{:?}`, since a failing build script shows the latter.
pub struct Error(Diagnostics);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.0)
    }
}

impl std::error::Error for Error {}

/// Starts with the default options.
pub fn configure() -> Builder {
    Builder {
        options: Options::default(),
        out_dir: None,
    }
}

/// Bindings to be: the options, and where the file goes.
#[derive(Clone, Debug)]
pub struct Builder {
    options: Options,
    out_dir: Option<PathBuf>,
}

impl Builder {
    /// Where the file goes; by default the directory Cargo gives build scripts.
    #[must_use]
    pub fn out_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(directory.into());
        self
    }

    /// Generates the bindings of the WIT at `wit` as `<world>.rs`, and tells Cargo which files they depend on.
    ///
    /// # Errors
    ///
    /// Everything wrong with the WIT and the options, and a file that cannot be written.
    pub fn compile(self, wit: impl AsRef<Path>) -> Result<(), Error> {
        self.write(wit.as_ref(), "", |loaded, options| {
            let tokens = generate(loaded, options, None)?;
            Ok(output::print(tokens)?)
        })
    }

    /// The same for the host of the world: `<world>_host.rs`, which needs the crate `witflow-host`.
    ///
    /// # Errors
    ///
    /// As [`Builder::compile`].
    pub fn compile_host(self, wit: impl AsRef<Path>) -> Result<(), Error> {
        self.write(wit.as_ref(), "_host", |loaded, options| {
            let tokens = host::generate(loaded, options)?;
            Ok(output::print(tokens)?)
        })
    }

    fn write(mut self, wit: &Path, suffix: &str, generate: Generate) -> Result<(), Error> {
        self.options.path.push(wit.to_owned());
        // Said before anything can fail, so that mending a file runs the script again.
        for path in &self.options.path {
            rerun_if_changed(path);
        }
        let loaded = self.options.input().load().map_err(Error)?;
        loaded.files.iter().for_each(|file| rerun_if_changed(file));
        let text = generate(&loaded, &self.options).map_err(Error)?;
        let name = loaded.resolve.worlds[loaded.world].name.replace('-', "_");
        let directory = self.out_dir.or_else(|| std::env::var_os("OUT_DIR").map(PathBuf::from));
        let directory = directory.ok_or_else(|| {
            let diagnostic = Diagnostic::new("there is no directory for the bindings");
            Error(
                diagnostic
                    .help("Cargo gives build scripts one; elsewhere call `out_dir`")
                    .into(),
            )
        })?;
        let file = directory.join(format!("{name}{suffix}.rs"));
        let written = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&file, text));
        written
            .map_err(|error| Error(Diagnostic::new(format!("`{}` cannot be written: {error}", file.display())).into()))
    }
}

/// What makes the text of bindings of a world.
type Generate = fn(&Loaded, &Options) -> Result<String, Diagnostics>;

fn rerun_if_changed(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
