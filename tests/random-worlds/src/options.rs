//! The options of a world, and whether its bindings are for a host. A line of its text names them, so that the same bindings can be
//! made again.

use witflow_bindgen_rust::{Options, Ownership};

use crate::random::Random;

/// What that line begins with.
const OPTIONS: &str = "// options:";

/// What that line has where the bindings are for a host.
const FOR_HOST: &str = "for-host";

/// The choices that hosts have too.
const OF_BOTH: &[&str] = &["merging", "unused-types"];

/// What a world may be made with. Of those that exclude each other the last one counts.
const CHOICES: &[(&str, fn(&mut Options))] = &[
    ("borrowing", |options| options.ownership = borrowing(false)),
    ("duplicating", |options| options.ownership = borrowing(true)),
    ("merging", |options| options.merge_structurally_equal_types = true),
    ("raw-strings", |options| options.raw_strings = true),
    ("unused-types", |options| options.generate_unused_types = true),
    ("stubs", |options| options.stubs = true),
    ("sync", |options| options.sync.push("all".to_owned())),
    ("chaining", |options| options.chainable_methods.push("all".to_owned())),
    ("chaining-references", |options| {
        options.chainable_methods.push("&all".to_owned())
    }),
    ("std-feature", |options| options.std_feature = true),
    ("prefix", |options| options.export_prefix = Some("p-".to_owned())),
];

fn borrowing(duplicate_if_necessary: bool) -> Ownership {
    Ownership::Borrowing { duplicate_if_necessary }
}

/// The text with a line that names options. Half of all worlds have none. One of eight is for a host.
pub(crate) fn choose(text: &str, random: &mut Random) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut line = OPTIONS.to_owned();
    let for_host = random.once_in(8);
    if for_host {
        line.push(' ');
        line.push_str(FOR_HOST);
    }
    if random.once_in(2) {
        for (name, _) in CHOICES.iter().filter(|_| random.once_in(4)) {
            if for_host && !OF_BOTH.contains(name) {
                continue;
            }
            line.push(' ');
            line.push_str(name);
        }
    }
    format!("{first}\n{line}\n{rest}")
}

/// The names in that line of a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let line = text.lines().find_map(|line| line.strip_prefix(OPTIONS));
    line.unwrap_or_default().split_whitespace()
}

/// Whether a text says that the bindings are for a host.
pub(crate) fn for_host(text: &str) -> bool {
    names(text).any(|name| name == FOR_HOST)
}

/// The options that a text names.
pub(crate) fn of(text: &str) -> Options {
    let mut options = Options::default();
    let names = names(text);
    for set in names.filter_map(|name| CHOICES.iter().find(|(known, _)| *known == name)) {
        set.1(&mut options);
    }
    options
}
