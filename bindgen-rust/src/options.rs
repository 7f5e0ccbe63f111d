//! The options every front end shares, and how their text forms are read.
//!
//! The documentation of each field is what `bindgen rust --help` prints. An option that names something and matches nothing is
//! an error; [`crate::generate`] reports it. The names are those of wit-bindgen 0.63, docs/guide/src/options.md has both side by side.

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
        arg(
            long = "async",
            value_name = "FILTER",
            allow_hyphen_values = true,
            value_delimiter = ','
        )
    )]
    pub async_: Vec<String>,
    /// Which `async` functions get synchronous bindings after all: filters as those of `async`, without `-`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILTER", value_delimiter = ','))]
    pub sync: Vec<String>,
    /// Functions to make no bindings for, by their names in WIT, on both sides of the world.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FUNCTION"))]
    pub skip: Vec<String>,
    /// Uses existing bindings: `ns:pkg/iface=path::of::module` for an imported interface, `ns:pkg/iface/type=path::of::Type` for
    /// a single type, or `generate` for the path.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "NAME=PATH", value_parser = parse_with, value_delimiter = ',')
    )]
    pub with: Vec<(String, With)>,
    /// Accepted for compatibility: every interface without a `with` entry is generated anyway.
    #[cfg_attr(feature = "clap", arg(long))]
    pub generate_all: bool,
    /// Also defines the types of an interface that none of its functions needs.
    #[cfg_attr(feature = "clap", arg(long))]
    pub generate_unused_types: bool,
    /// Which imported methods that return nothing give their resource back instead: `[-|&]ns:pkg/iface#resource[.method]`, where
    /// `all` stands for every method, `-` excludes, and `&` takes and gives a reference instead of the value. The first filter that
    /// matches decides.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "FILTER", allow_hyphen_values = true, value_delimiter = ',')
    )]
    pub chainable_methods: Vec<String>,
    /// How types hold their parts where a synchronous import only reads them: `owning`, `borrowing` or
    /// `borrowing-duplicate-if-necessary`.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "MODE", value_parser = Ownership::parse, default_value = "owning", hide_default_value = true)
    )]
    pub ownership: Ownership,
    /// Defines types of equal structure once; the others become aliases.
    #[cfg_attr(
        feature = "clap",
        arg(
            long,
            value_name = "true|false",
            num_args = 0..=1,
            require_equals = true,
            action = clap::ArgAction::Set,
            default_value = "false",
            default_missing_value = "true",
            hide_default_value = true,
            hide_possible_values = true
        )
    )]
    pub merge_structurally_equal_types: bool,
    /// Passes text as bytes: `&[u8]` and `Vec<u8>` instead of `&str` and `String`. It has to be UTF-8 all the same.
    #[cfg_attr(feature = "clap", arg(long))]
    pub raw_strings: bool,
    /// Derives added to every record, variant and enum, for example `PartialEq`.
    #[cfg_attr(
        feature = "clap",
        arg(
            short = 'd',
            long = "additional-derive-attributes",
            alias = "additional-derive",
            value_name = "DERIVE"
        )
    )]
    pub additional_derives: Vec<String>,
    /// WIT names of types that get no additional derives, or selectors as those of `additional-type-attributes`.
    #[cfg_attr(feature = "clap", arg(long = "additional-derive-ignore", value_name = "TYPE"))]
    pub additional_derives_ignore: Vec<String>,
    /// Attributes for chosen records, variants and enums: `ns:pkg/iface/type=#[attr]`. The selector may leave out segments at
    /// its start or end (`iface/type`, `ns:pkg`) and have `*` for any text.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "SELECTOR=ATTRIBUTE", value_parser = parse_attribute)
    )]
    pub additional_type_attributes: Vec<(String, String)>,
    /// Attributes for chosen fields and cases: the selector of a type, a full stop, and the name of the member, or `*`.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "SELECTOR.MEMBER=ATTRIBUTE", value_parser = parse_attribute)
    )]
    pub additional_member_attributes: Vec<(String, String)>,
    /// Makes `impl Error` depend on the feature `std` of the crate with the bindings.
    #[cfg_attr(feature = "clap", arg(long))]
    pub std_feature: bool,
    /// Adds a type `Stub` that implements all exports, and panics when one is called.
    #[cfg_attr(feature = "clap", arg(long))]
    pub stubs: bool,
    /// Path of the runtime module, by default `::witflow::rt`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub runtime_path: Option<String>,
    /// Path of the crate `bitflags`, by default that of the runtime.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub bitflags_path: Option<String>,
    /// Path of the type for `map<K, V>`, which implements the runtime's `WitMap`; by default its `Map`, a `BTreeMap`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub map_type: Option<String>,
    /// Name of the macro that exports an implementation, by default `export`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub export_macro_name: Option<String>,
    /// Makes the export macro usable from other crates. The world's exports then count from where it is used.
    #[cfg_attr(feature = "clap", arg(long))]
    pub pub_export_macro: bool,
    /// Where the export macro looks for the bindings if it is not told, by default `self`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub default_bindings_module: Option<String>,
    /// Put before the names of all exported functions, so that several copies of them fit in one module.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PREFIX", allow_hyphen_values = true))]
    pub export_prefix: Option<String>,
    /// Appended to the name of the section that describes the world.
    #[cfg_attr(feature = "clap", arg(long, value_name = "SUFFIX", allow_hyphen_values = true))]
    pub type_section_suffix: Option<String>,
    /// Of host bindings: which imported functions the host implements as `async fn`: `[-]ns:pkg/iface#func`, where `all` stands for
    /// every function and `-` excludes. The last filter that matches decides; without one, those that are `async` in WIT. `true` and
    /// `false` stand for `all` and `-all`.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "FILTER", allow_hyphen_values = true, value_delimiter = ',')
    )]
    pub concurrent_imports: Vec<String>,
    /// Of host bindings: which exported functions are called beside others, with a promise of their result; the rest run the store
    /// until they have returned. Filters as those of `concurrent_imports`.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "FILTER", allow_hyphen_values = true, value_delimiter = ',')
    )]
    pub concurrent_exports: Vec<String>,
    /// Leaves it to the linker when constructors of C libraries run: at the start of every exported function, as it does in
    /// programs that have no initialisation of their own.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disable_run_ctors_once_workaround: bool,
    /// Leaves out what makes the linker keep the section that describes the world, and what the host allocates with, in a library
    /// none of whose functions is used.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disable_custom_section_link_helpers: bool,
}

/// The value of `with` for one interface or type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum With {
    /// Generate bindings here.
    Generate,
    /// Use this module's types and functions, or this type.
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

/// How types hold strings and lists where a synchronous import only reads them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ownership {
    /// Types own their parts; a parameter is a reference to one: `&Record`.
    #[default]
    Owning,
    /// Types that only parameters need hold references: `Record<'_>`.
    Borrowing {
        /// Also types that are needed with and without: `RecordParam<'_>` and `RecordResult`.
        duplicate_if_necessary: bool,
    },
}

impl Ownership {
    /// The names on the command line.
    pub const NAMES: [&str; 3] = ["owning", "borrowing", "borrowing-duplicate-if-necessary"];

    /// Reads one of [`Self::NAMES`].
    ///
    /// # Errors
    ///
    /// What to say about any other text.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "owning" => Ok(Self::Owning),
            "borrowing" => Ok(Self::Borrowing {
                duplicate_if_necessary: false,
            }),
            "borrowing-duplicate-if-necessary" => Ok(Self::Borrowing {
                duplicate_if_necessary: true,
            }),
            _ => Err(match did_you_mean(text, Self::NAMES) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("the modes are {}", Self::NAMES.join(", ")),
            }),
        }
    }
}

/// Reads `ns:pkg/iface=path` as the command line has it.
#[cfg(feature = "clap")]
fn parse_with(text: &str) -> Result<(String, With), String> {
    let (interface, path) = text
        .split_once('=')
        .ok_or("`=` and the path of a module or type, or `generate`, are missing")?;
    Ok((interface.to_owned(), With::parse(path)))
}

/// Reads `selector=#[attribute]` as the command line has it. The attribute may hold a `=` itself.
#[cfg(feature = "clap")]
fn parse_attribute(text: &str) -> Result<(String, String), String> {
    let (selector, attribute) = text
        .split_once('=')
        .ok_or("`=` and an attribute, for example `#[repr(C)]`, are missing")?;
    Ok((selector.to_owned(), attribute.to_owned()))
}

/// The names of all options as users write them.
pub const OPTION_NAMES: &[&str] = &[
    "world",
    "path",
    "inline",
    "features",
    "all_features",
    "async",
    "sync",
    "skip",
    "with",
    "generate_all",
    "generate_unused_types",
    "chainable_methods",
    "ownership",
    "merge_structurally_equal_types",
    "raw_strings",
    "additional_derives",
    "additional_derives_ignore",
    "additional_type_attributes",
    "additional_member_attributes",
    "std_feature",
    "stubs",
    "runtime_path",
    "bitflags_path",
    "map_type",
    "export_macro_name",
    "pub_export_macro",
    "default_bindings_module",
    "export_prefix",
    "type_section_suffix",
    "concurrent_imports",
    "concurrent_exports",
    "disable_run_ctors_once_workaround",
    "disable_custom_section_link_helpers",
];

/// The names of options that only the macro has: the others write files anyway.
pub const MACRO_OPTION_NAMES: &[&str] = &["debug"];

/// The error for an option the macro does not know.
pub fn unknown_option(name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(format!("there is no option `{name}`"));
    let known = || OPTION_NAMES.iter().chain(MACRO_OPTION_NAMES).copied();
    match did_you_mean(name, known()) {
        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
        None => diagnostic.help(format!("the options are {}", known().collect::<Vec<_>>().join(", "))),
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
