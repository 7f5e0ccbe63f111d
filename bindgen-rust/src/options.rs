//! The options every front end shares, and how their text forms are read.
//!
//! The documentation of each field is what `bindgen rust --help` prints. An option that names something and matches nothing is
//! an error; [`crate::generate`] reports it.

use std::path::PathBuf;

use witflow_bindgen_core::diagnostic::{Diagnostic, did_you_mean};
use witflow_bindgen_core::load::Input;

/// What bindings are made of and how they look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Options {
    /// The world: `name`, `ns:pkg/name` or `ns:pkg/name@version`. May be left out if there is only one.
    #[cfg_attr(feature = "clap", arg(short, long, value_name = "WORLD"))]
    pub world: Option<String>,
    /// WIT files or directories (a package with its `deps`), by default `wit`; later ones may use packages of earlier ones.
    #[cfg_attr(feature = "clap", arg(value_name = "WIT"))]
    pub path: Vec<PathBuf>,
    /// WIT text, able to use the packages of the paths.
    #[cfg_attr(feature = "clap", arg(long, value_name = "TEXT"))]
    pub inline: Option<String>,
    /// Opens `@unstable(feature = NAME)` gates.
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", value_delimiter = ','))]
    pub features: Vec<String>,
    /// Opens every gate.
    #[cfg_attr(feature = "clap", arg(long))]
    pub all_features: bool,
    /// Which `async` functions get asynchronous bindings: `[-][import:|export:]ns:pkg/iface#func`, where `all` stands for every
    /// function and `-` excludes. The last filter that matches decides; without one a function is asynchronous. `true` and
    /// `false` stand for `all` and `-all`.
    #[cfg_attr(
        feature = "clap",
        arg(long = "async", value_name = "FILTER", allow_hyphen_values = true)
    )]
    pub async_: Vec<String>,
    /// Uses existing bindings for an imported interface: `ns:pkg/iface=path::of::module`, or `generate` for the path.
    #[cfg_attr(feature = "clap", arg(long, value_name = "INTERFACE=PATH", value_parser = parse_with))]
    pub with: Vec<(String, With)>,
    /// Accepted for compatibility: every interface without a `with` entry is generated anyway.
    #[cfg_attr(feature = "clap", arg(long))]
    pub generate_all: bool,
    /// Derives added to every record, variant and enum, for example `PartialEq`.
    #[cfg_attr(feature = "clap", arg(long = "additional-derive", value_name = "DERIVE"))]
    pub additional_derives: Vec<String>,
    /// WIT names of types that get no additional derives.
    #[cfg_attr(feature = "clap", arg(long = "additional-derive-ignore", value_name = "TYPE"))]
    pub additional_derives_ignore: Vec<String>,
    /// Path of the runtime module, by default `::witflow::rt`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub runtime_path: Option<String>,
    /// Name of the macro that exports an implementation, by default `export`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub export_macro_name: Option<String>,
    /// Makes the export macro usable from other crates.
    #[cfg_attr(feature = "clap", arg(long))]
    pub pub_export_macro: bool,
    /// Appended to the name of the section that describes the world, for several crates that generate the same world.
    #[cfg_attr(feature = "clap", arg(long, value_name = "SUFFIX", allow_hyphen_values = true))]
    pub type_section_suffix: Option<String>,
}

/// The value of `with` for one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum With {
    /// Generate bindings here.
    Generate,
    /// Use this module's types and functions.
    Path(String),
}

impl With {
    /// Reads the part after the interface's name.
    pub fn parse(text: &str) -> Self {
        if text == "generate" {
            Self::Generate
        } else {
            Self::Path(text.to_owned())
        }
    }
}

/// Reads `ns:pkg/iface=path` as the command line has it.
#[cfg(feature = "clap")]
fn parse_with(text: &str) -> Result<(String, With), String> {
    let (interface, path) = text
        .split_once('=')
        .ok_or("`=` and the path of a module, or `generate`, are missing")?;
    Ok((interface.to_owned(), With::parse(path)))
}

/// The names of all options as users write them.
pub const OPTION_NAMES: &[&str] = &[
    "world",
    "path",
    "inline",
    "features",
    "all_features",
    "async",
    "with",
    "generate_all",
    "additional_derives",
    "additional_derives_ignore",
    "runtime_path",
    "export_macro_name",
    "pub_export_macro",
    "type_section_suffix",
];

/// The error for an option nobody knows.
pub fn unknown_option(name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(format!("there is no option `{name}`"));
    match did_you_mean(name, OPTION_NAMES.iter().copied()) {
        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
        None => diagnostic.help(format!("the options are {}", OPTION_NAMES.join(", "))),
    }
}

impl Options {
    /// What the loader needs of the options. Without any WIT that is the folder `wit`.
    pub fn input(&self) -> Input {
        let none = self.path.is_empty() && self.inline.is_none();
        Input {
            paths: if none { vec!["wit".into()] } else { self.path.clone() },
            inline: self.inline.clone(),
            world: self.world.clone(),
            features: self.features.clone(),
            all_features: self.all_features,
        }
    }
}
