//! What the `bindgen` command does: `rust` writes bindings, `listing` prints the instructions they are made from, `component`
//! turns a core module into a component.
//!
//! Commands write to the streams they are given and say whether they succeeded; they never end the process.

mod component;
mod rust;

use std::io::Write;
use std::path::Path;

use clap::Parser;
use witflow_bindgen_rust::Options;
use witflow_bindgen_rust::core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_rust::core::listing;
use witflow_bindgen_rust::core::world::World;

pub use component::ComponentArgs;
pub use rust::RustArgs;

/// Rust bindings for WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "bindgen", version)]
pub enum Command {
    /// Write the bindings of a world.
    Rust(RustArgs),
    /// Print the ABI of a world: core signatures, and lifting and lowering as instructions.
    Listing {
        /// Where the WIT is.
        #[command(flatten)]
        options: Options,
    },
    /// Make a component of a core module that was built with bindings.
    Component(ComponentArgs),
}

impl Command {
    /// The command that arguments name, the first one being the program's own name.
    ///
    /// # Errors
    ///
    /// What `bindgen` would print: a misuse, or the help that was asked for.
    pub fn from_args<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        Self::try_parse_from(args).map_err(|error| error.to_string())
    }

    /// Runs the command. Problems are written to `err`; `false` stands for a failure.
    pub fn run(&self, out: &mut dyn Write, err: &mut dyn Write) -> bool {
        let result = match self {
            Self::Rust(args) => args.run(out),
            Self::Listing { options } => list(options, out),
            Self::Component(args) => args.run(out),
        };
        match result {
            Ok(done) => done,
            Err(error) => {
                // Nothing can be done about a closed stderr.
                let _ = writeln!(err, "{}", in_flags(error));
                false
            }
        }
    }
}

/// An error with options named as they are on the command line.
fn in_flags(error: Failure) -> String {
    let mut errors = match error.downcast::<Diagnostics>() {
        Ok(errors) => errors,
        Err(error) => return error.to_string(),
    };
    for option in errors.0.iter_mut().filter_map(|error| error.option.as_mut()) {
        option.name = flag(option.name);
    }
    errors.to_string()
}

/// The flag of an option.
fn flag(option: &'static str) -> &'static str {
    match option {
        "path" => "WIT",
        "additional_derives" => "--additional-derive-attributes",
        "additional_derives_ignore" => "--additional-derive-ignore",
        "additional_type_attributes" => "--additional-type-attributes",
        "additional_member_attributes" => "--additional-member-attributes",
        "async" => "--async",
        "bitflags_path" => "--bitflags-path",
        "default_bindings_module" => "--default-bindings-module",
        "export_macro_name" => "--export-macro-name",
        "features" => "--features",
        "map_type" => "--map-type",
        "runtime_path" => "--runtime-path",
        "skip" => "--skip",
        "sync" => "--sync",
        "with" => "--with",
        "world" => "--world",
        name => name,
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::new(format!("`{}` cannot be read: {error}", path.display())).help("give the path of a file")
}

fn unwritable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::new(format!("`{}` cannot be written: {error}", path.display()))
        .help("give a path that can be written, or make its directory")
}

/// What a command can fail with, as it is printed.
type Failure = Box<dyn std::error::Error>;

fn list(options: &Options, out: &mut dyn Write) -> Result<bool, Failure> {
    let loaded = options.input().load()?;
    let world = World::new(&loaded.resolve, loaded.world, &mut |_, _, _| true)?;
    write!(out, "{}", listing::list(&world))?;
    Ok(true)
}
