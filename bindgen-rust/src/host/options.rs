//! Options that are for guests only, or for hosts only. Where one makes no sense it is an error, with what to do instead.

use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics};

use crate::options::{Options, Ownership};

/// An option that is for guests: its name, whether it was given, and what to do instead.
type ForGuests = (&'static str, fn(&Options) -> bool, &'static str);

const WHOLE: &str = "leave it out: a host owns all values it takes and gives";
const NO_EXPORT: &str = "leave it out: a host exports nothing";
const NO_SECTION: &str = "leave it out: nothing describes a host to other tools";

const FOR_GUESTS: &[ForGuests] = &[
    (
        "async",
        |options| !options.async_.is_empty(),
        "`concurrent_imports` and `concurrent_exports` choose for a host",
    ),
    (
        "sync",
        |options| !options.sync.is_empty(),
        "`concurrent_imports` and `concurrent_exports` choose for a host, with `-` before what is excluded",
    ),
    (
        "chainable_methods",
        |options| !options.chainable_methods.is_empty(),
        "leave it out: a host implements the methods that a guest chains",
    ),
    ("ownership", |options| options.ownership != Ownership::Owning, WHOLE),
    (
        "raw_strings",
        |options| options.raw_strings,
        "leave it out: text of a host is `String`",
    ),
    (
        "std_feature",
        |options| options.std_feature,
        "leave it out: a host has the standard library",
    ),
    (
        "stubs",
        |options| options.stubs,
        "leave it out: functions of the host's traits fail by name unless they are implemented",
    ),
    (
        "runtime_path",
        |options| options.runtime_path.is_some(),
        "bindings name the crate `witflow_host`; `extern crate other_name as witflow_host;` at the root of a crate says which that is",
    ),
    (
        "bitflags_path",
        |options| options.bitflags_path.is_some(),
        "leave it out: flags of a host are a struct of `bool` fields",
    ),
    (
        "export_macro_name",
        |options| options.export_macro_name.is_some(),
        NO_EXPORT,
    ),
    ("pub_export_macro", |options| options.pub_export_macro, NO_EXPORT),
    (
        "default_bindings_module",
        |options| options.default_bindings_module.is_some(),
        NO_EXPORT,
    ),
    ("export_prefix", |options| options.export_prefix.is_some(), NO_EXPORT),
    (
        "type_section_suffix",
        |options| options.type_section_suffix.is_some(),
        NO_SECTION,
    ),
    (
        "disable_run_ctors_once_workaround",
        |options| options.disable_run_ctors_once_workaround,
        NO_EXPORT,
    ),
    (
        "disable_custom_section_link_helpers",
        |options| options.disable_custom_section_link_helpers,
        NO_SECTION,
    ),
];

/// Options that are for hosts.
const FOR_HOSTS: [&str; 2] = ["concurrent_imports", "concurrent_exports"];

/// Whether an option says something about guests only.
pub fn is_for_guests(option: &str) -> bool {
    FOR_GUESTS.iter().any(|(name, ..)| *name == option)
}

/// Whether an option says something about hosts only.
pub fn is_for_hosts(option: &str) -> bool {
    FOR_HOSTS.contains(&option)
}

/// Reports options that say nothing about a host.
pub(super) fn refuse_for_hosts(options: &Options, errors: &mut Diagnostics) {
    for (name, _, help) in FOR_GUESTS.iter().filter(|(_, is_given, _)| is_given(options)) {
        let diagnostic = Diagnostic::new(format!("`{name}` is an option of guests' bindings"));
        errors.push(diagnostic.help(*help).option(name, None));
    }
}

/// Reports options that say nothing about a guest.
pub(crate) fn refuse_for_guests(options: &Options, errors: &mut Diagnostics) {
    let filters = [&options.concurrent_imports, &options.concurrent_exports];
    for (name, filters) in FOR_HOSTS.into_iter().zip(filters) {
        if !filters.is_empty() {
            let diagnostic = Diagnostic::new(format!("`{name}` is an option of hosts' bindings"));
            let help = "`async` and `sync` choose which functions of a guest are asynchronous";
            errors.push(diagnostic.help(help).option(name, None));
        }
    }
}
