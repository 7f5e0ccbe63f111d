//! What the `bindgen` command does: `new` makes a guest to begin with; `rust` and `host` write bindings, `check` looks whether they could be
//! written; `inspect` shows a world, `listing` the instructions its bindings are made from; `component` turns a core module into a
//! component.
//!
//! Commands write to the streams they are given and say whether they succeeded; they never end the process.

mod check;
mod completions;
mod component;
mod console;
mod inspect;
mod new;
mod rust;
mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Parser;
use witflow_bindgen_rust::Options;
use witflow_bindgen_rust::core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_rust::core::listing;
use witflow_bindgen_rust::core::world::World;

pub use check::CheckArgs;
pub use component::ComponentArgs;
pub use console::Output;
pub use inspect::InspectArgs;
pub use new::{NewArgs, SourceArgs};
pub use rust::RustArgs;
use rust::Side;

/// Rust bindings for WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "bindgen", version)]
pub enum Command {
    /// Make a guest to begin with: a crate with a world, its tests and a program that runs it.
    New(NewArgs),
    /// Write the bindings of a world, for a guest that implements it.
    #[command(mut_args = rust::hide_options_for_hosts)]
    Rust(RustArgs),
    /// Write the bindings of a world for its host, or for tests: traits for what it imports, typed calls of what it exports.
    #[command(mut_args = rust::hide_options_for_guests)]
    Host(RustArgs),
    /// Look whether worlds are valid and have bindings, and whether bindings are up to date.
    Check(CheckArgs),
    /// Show a world: its functions, types and payloads, and what they are below WIT.
    Inspect(InspectArgs),
    /// Print the ABI of a world: core signatures, and lifting and lowering as instructions.
    Listing {
        /// Where the WIT is.
        #[command(flatten)]
        options: Options,
    },
    /// Make a component of a core module that was built with bindings.
    Component(ComponentArgs),
    /// Print a script that lets a shell complete the arguments of this command.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
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

    /// Runs the command, without colours. Problems are written to `err`; `false` stands for a failure. With `--watch` it ends with
    /// the process.
    pub fn run(&self, out: &mut dyn Write, err: &mut dyn Write) -> bool {
        self.run_on(&mut Output::plain(out), &mut Output::plain(err))
    }

    /// As [`Command::run`], on streams that may have colours.
    pub fn run_on(&self, out: &mut Output<'_>, err: &mut Output<'_>) -> bool {
        self.run_while(out, err, &mut watch::pause)
    }

    /// As [`Command::run_on`], but with `--watch` it calls `pause` between looks at the files, and ends when that gives `false`.
    pub fn run_while(&self, out: &mut Output<'_>, err: &mut Output<'_>, pause: &mut dyn FnMut() -> bool) -> bool {
        let Some(files) = self.watched() else {
            return self.once(out, err);
        };
        watch::repeat(&files, pause, &mut |seen| {
            let done = self.once(out, err);
            // Nothing can be done about a closed stderr, here and below.
            let _ = writeln!(err, "watching {} files and folders; end with ctrl-c", seen.count());
            done
        })
    }

    /// What `--watch` watches, if it was given.
    fn watched(&self) -> Option<Box<dyn Fn() -> Vec<PathBuf> + '_>> {
        match self {
            Self::Rust(args) | Self::Host(args) if args.watch => Some(Box::new(|| args.options.input().files())),
            Self::Check(args) if args.watch => Some(Box::new(|| args.files())),
            _ => None,
        }
    }

    fn once(&self, out: &mut Output<'_>, err: &mut Output<'_>) -> bool {
        let result = match self {
            Self::New(args) => args.run(out),
            Self::Rust(args) => args.run(Side::Guest, out),
            Self::Host(args) => args.run(Side::Host, out),
            Self::Check(args) => args.run(out),
            Self::Inspect(args) => args.run(out),
            Self::Listing { options } => list(options, out),
            Self::Component(args) => args.run(out),
            Self::Completions { shell } => completions::run(*shell, out),
        };
        match result {
            Ok(done) => done,
            Err(error) => {
                let _ = writeln!(err, "{}", err.errors(&in_flags(error)));
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
        "concurrent_exports" => "--concurrent-exports",
        "concurrent_imports" => "--concurrent-imports",
        "chainable_methods" => "--chainable-methods",
        "bitflags_path" => "--bitflags-path",
        "default_bindings_module" => "--default-bindings-module",
        "disable_custom_section_link_helpers" => "--disable-custom-section-link-helpers",
        "disable_run_ctors_once_workaround" => "--disable-run-ctors-once-workaround",
        "export_prefix" => "--export-prefix",
        "ownership" => "--ownership",
        "pub_export_macro" => "--pub-export-macro",
        "raw_strings" => "--raw-strings",
        "std_feature" => "--std-feature",
        "stubs" => "--stubs",
        "type_section_suffix" => "--type-section-suffix",
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
