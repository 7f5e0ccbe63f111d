//! `bindgen new`: a guest to begin with, its tests and a program that runs it.
//!
//! What is written is the template of [`template`], with names in the place of its own. Everything is checked before the first
//! file is written, so that a name nobody accepts leaves nothing behind.

mod source;
mod template;

use std::io::Write;
use std::path::{Path, PathBuf};

use heck::ToKebabCase as _;
use witflow_bindgen_rust::core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_rust::core::load::Input;

use crate::{Failure, unwritable};
pub use source::SourceArgs;
use template::File;

/// Arguments of `bindgen new`.
#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// The name of the guest, in kebab-case: that of its crate, its WIT package and its world.
    pub name: String,
    /// The folder to make; by default one of that name.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where the new crate takes witflow from.
    #[command(flatten)]
    pub source: SourceArgs,
}

impl NewArgs {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<bool, Failure> {
        let source = self.source.source().map_err(Diagnostics::from)?;
        let files = template::files(&self.name, &source);
        check_name(&self.name, &files).map_err(Diagnostics::from)?;
        let folder = self.dir.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        check_free(&folder).map_err(Diagnostics::from)?;
        for File { path, text } in &files {
            write(&folder.join(path), text)?;
            writeln!(out, "wrote {}", folder.join(path).display())?;
        }
        write!(out, "{}", next_steps(&self.name, &folder))?;
        Ok(true)
    }
}

/// Names that Rust or the crates a guest depends on have already.
const TAKEN: &[&str] = &[
    "alloc",
    "core",
    "futures",
    "futures-util",
    "proc-macro",
    "std",
    "test",
    "witflow",
    "witflow-host",
];

/// Reports a name that a crate cannot have, or that is a keyword where `files` have it.
fn check_name(name: &str, files: &[File]) -> Result<(), Diagnostic> {
    let refuse = |help: String| Err(Diagnostic::new(format!("`{name}` cannot be the name of a guest")).help(help));
    if !is_kebab(name) {
        let rule = "a name has words of lower case letters and digits, each beginning with a letter, joined by `-`";
        let close = name.to_kebab_case();
        return refuse(match is_kebab(&close) {
            true => format!("{rule}: `{close}`"),
            false => rule.to_owned(),
        });
    }
    if TAKEN.contains(&name) {
        return refuse("Rust or a crate the guest depends on has this name already".to_owned());
    }
    if syn::parse_str::<syn::Ident>(&name.replace('-', "_")).is_err() {
        return refuse("it is a keyword of Rust".to_owned());
    }
    let wit = files.iter().find(|file| file.path.ends_with(".wit"));
    let wit = Input {
        inline: wit.map(|file| file.text.clone()),
        ..Input::default()
    };
    if wit.load().is_err() {
        return refuse("it is a keyword of WIT".to_owned());
    }
    Ok(())
}

fn is_kebab(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    name.split('-').all(is_word)
}

/// Reports a folder that holds something already: what is there is nobody's to overwrite.
fn check_free(folder: &Path) -> Result<(), Diagnostic> {
    let entry = match folder.read_dir() {
        Ok(mut entries) => entries.next(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(unwritable(folder, &error)),
    };
    match entry {
        None => Ok(()),
        Some(_) => Err(
            Diagnostic::new(format!("there is something in `{}` already", folder.display()))
                .help("choose another name, or another folder by --dir"),
        ),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, text));
    written.map_err(|error| Diagnostics::from(unwritable(file, &error)).into())
}

/// What to type now.
fn next_steps(name: &str, folder: &Path) -> String {
    let steps = [
        (format!("cd {}", folder.display()), ""),
        ("cargo test".to_owned(), "# its tests, without WebAssembly"),
        (
            "cargo build --release --target wasm32-wasip2".to_owned(),
            "# the component",
        ),
        (
            format!("cargo run -p {name}-runner"),
            "# the component at work, on Wasmtime",
        ),
    ];
    let line = |(command, comment): &(String, &str)| format!("  {command:<46}{comment}").trim_end().to_owned() + "\n";
    format!("\nNow:\n{}", steps.iter().map(line).collect::<String>())
}
