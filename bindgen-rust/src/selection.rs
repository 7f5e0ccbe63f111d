//! Options that name something in the world: `with`, `skip`, `features`, and those whose value is a name or path of Rust. What
//! names nothing is an error.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use wit_parser::{InterfaceId, Resolve, Stability, TypeId, TypeOwner, WorldId, WorldItem, WorldKey};
use witflow_bindgen_core::abi::Resource;
use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use witflow_bindgen_core::world::{Direction, Item, World};

use crate::options::{Options, With};
use crate::selectors::selects;

/// What `with` finds elsewhere: interfaces and types by their index.
#[derive(Debug, Default)]
pub(crate) struct External {
    pub(crate) interfaces: BTreeMap<usize, TokenStream>,
    pub(crate) types: BTreeMap<usize, TokenStream>,
}

/// Reports names and paths of Rust that are none.
pub(crate) fn check_syntax(options: &Options, errors: &mut Diagnostics) {
    for derive in &options.additional_derives {
        if syn::parse_str::<syn::Path>(derive).is_err() {
            let message = format!("`{derive}` is not the path of a derive macro");
            let help = "for example `PartialEq` or `serde::Serialize`";
            errors.push(
                Diagnostic::new(message)
                    .help(help)
                    .option("additional_derives", Some(derive)),
            );
        }
    }
    if let Some(name) = &options.export_macro_name
        && syn::parse_str::<syn::Ident>(name).is_err()
    {
        let message = format!("`{name}` is not a name for a macro");
        let help = "a macro's name is one identifier, for example `export`";
        errors.push(
            Diagnostic::new(message)
                .help(help)
                .option("export_macro_name", Some(name)),
        );
    }
    let paths = [
        ("bitflags_path", &options.bitflags_path),
        ("map_type", &options.map_type),
        ("default_bindings_module", &options.default_bindings_module),
    ];
    for (option, path) in paths {
        if let Some(path) = path {
            crate::parse_option_path(option, path, errors);
        }
    }
}

/// Takes the functions out of the world that `skip` names.
pub(crate) fn skip(options: &Options, world: &mut World<'_>, errors: &mut Diagnostics) {
    let mut known = BTreeSet::new();
    let mut skipped = |name: &str| {
        known.insert(name.to_owned());
        options.skip.iter().any(|skip| skip == name)
    };
    for items in [&mut world.imports, &mut world.exports] {
        items.retain_mut(|item| match item {
            Item::Interface(interface) => {
                interface.functions.retain(|function| !skipped(&function.func.name));
                true
            }
            Item::Function(function) => !skipped(&function.func.name),
            Item::Type(_) | Item::Resource(_) => true,
        });
    }
    for name in options.skip.iter().filter(|name| !known.contains(*name)) {
        let diagnostic = Diagnostic::new(format!("`skip` names `{name}`, which is no function of the world"));
        let known = known.iter().map(String::as_str);
        let diagnostic = hint(
            diagnostic,
            name,
            known,
            "the world has no function",
            "the functions are",
        );
        errors.push(diagnostic.option("skip", Some(name)));
    }
}

/// The imported interfaces whose bindings exist elsewhere.
pub(crate) fn external_interfaces(options: &Options, resolve: &Resolve, world: WorldId) -> BTreeSet<InterfaceId> {
    let imports = resolve.worlds[world].imports.iter();
    let found = imports.filter_map(|(key, item)| {
        let WorldItem::Interface { id, .. } = item else {
            return None;
        };
        let names = interface_names(resolve, key);
        let (_, with) = options.with.iter().find(|(name, _)| names.contains(name))?;
        matches!(with, With::Path(_)).then_some(*id)
    });
    found.collect()
}

/// The interfaces and types whose bindings exist elsewhere.
pub(crate) fn external(options: &Options, world: &World<'_>, errors: &mut Diagnostics) -> External {
    let resolve = world.resolve();
    let mut with = Mappings {
        entries: &options.with,
        known: BTreeSet::new(),
        used: BTreeSet::new(),
    };
    let mut external = External::default();
    for (direction, item) in world.items_with_direction() {
        let Item::Interface(interface) = item else { continue };
        // What the guest exports it implements here, whatever bindings exist for imports of the same interface.
        if let Some(path) = with.find(&interface_names(resolve, &interface.key))
            && direction == Direction::Import
        {
            external
                .interfaces
                .insert(interface.id.index(), crate::parse_option_path("with", path, errors));
        }
    }
    // A resource the guest defines exists here.
    for id in world_types(world).into_iter().filter(|id| !world.types.defines(*id)) {
        if let Some(path) = with.find(&type_names(resolve, id)) {
            external
                .types
                .insert(id.index(), crate::parse_option_path("with", path, errors));
        }
    }
    with.finish(errors);
    external
}

/// The entries of `with` and what they have been asked for.
struct Mappings<'o> {
    entries: &'o [(String, With)],
    known: BTreeSet<String>,
    used: BTreeSet<&'o str>,
}

impl<'o> Mappings<'o> {
    /// The path for what goes by one of these names, if there is one.
    fn find(&mut self, names: &[String]) -> Option<&'o str> {
        self.known.extend(names.iter().cloned());
        let (name, with) = self.entries.iter().find(|(name, _)| names.contains(name))?;
        self.used.insert(name);
        match with {
            With::Generate => None,
            With::Path(path) => Some(path),
        }
    }

    fn finish(self, errors: &mut Diagnostics) {
        let unused = |name: &&String| !self.used.contains(name.as_str());
        for name in self.entries.iter().map(|(name, _)| name).filter(unused) {
            let diagnostic = Diagnostic::new(format!("`with` names `{name}`, which the world does not use"));
            // Types are named after interfaces, of which there are fewer: a list of all would help nobody.
            let close = did_you_mean(name, self.known.iter().map(String::as_str)).map(str::to_owned);
            let interfaces: BTreeSet<&str> = self.known.iter().map(|name| interface_part(name)).collect();
            let diagnostic = match close {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None if interfaces.is_empty() => diagnostic.help("the world uses no interface"),
                None => diagnostic.help(format!("the world uses {}", list(interfaces))),
            };
            errors.push(diagnostic.option("with", Some(name)));
        }
    }
}

/// The interface in the name of an interface or type.
fn interface_part(name: &str) -> &str {
    match name.match_indices('/').nth(1) {
        Some((at, _)) => &name[..at],
        None => name,
    }
}

/// The types that imports and exports bring in, each once.
pub(crate) fn world_types(world: &World<'_>) -> BTreeSet<TypeId> {
    let resolve = world.resolve();
    let mut types = BTreeSet::new();
    for (_, item) in world.items_with_direction() {
        match item {
            Item::Interface(interface) => types.extend(resolve.interfaces[interface.id].types.values().copied()),
            Item::Type(id) | Item::Resource(Resource { id, .. }) => drop(types.insert(*id)),
            Item::Function(_) => {}
        }
    }
    types
}

/// Reports types that should be spared derives and do not exist.
pub(crate) fn check_ignored(options: &Options, resolve: &Resolve, errors: &mut Diagnostics) {
    let named = resolve.types.iter().filter(|(_, def)| def.name.is_some());
    let types: Vec<Vec<String>> = named.map(|(id, _)| type_names(resolve, id)).collect();
    let unknown = |selector: &&String| !types.iter().any(|names| selects(selector, names));
    for selector in options.additional_derives_ignore.iter().filter(unknown) {
        let diagnostic = Diagnostic::new(format!("there is no type `{selector}`"));
        let short = types
            .iter()
            .flatten()
            .map(|name| name.rsplit('/').next().unwrap_or(name));
        let diagnostic = hint(diagnostic, selector, short, "the WIT defines none", "there are");
        errors.push(diagnostic.option("additional_derives_ignore", Some(selector)));
    }
}

/// Reports gates that are named and do not exist.
pub(crate) fn check_features(options: &Options, resolve: &Resolve, errors: &mut Diagnostics) {
    let gates = open_gates(resolve);
    let unknown = |name: &&String| !gates.contains(name.as_str());
    for name in options.features.iter().filter(unknown) {
        let diagnostic = Diagnostic::new(format!("nothing in the WIT is gated by the feature `{name}`"));
        let diagnostic = diagnostic.help("gates are written `@unstable(feature = name)`");
        errors.push(diagnostic.option("features", Some(name)));
    }
}

/// Adds the known name that is closest to `name`, or all of them.
pub(crate) fn hint<'a>(
    diagnostic: Diagnostic,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    if_none: &str,
    else_: &str,
) -> Diagnostic {
    let known: BTreeSet<&str> = known.into_iter().collect();
    match did_you_mean(name, known.iter().copied()) {
        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
        None if known.is_empty() => diagnostic.help(if_none),
        None => diagnostic.help(format!("{else_} {}", list(known))),
    }
}

/// How many names a sentence has at most.
const LISTED: usize = 12;

/// Names as a sentence has them.
fn list(names: BTreeSet<&str>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The features that gate something in the WIT and are open. What a closed gate hides is gone from the resolve.
fn open_gates(resolve: &Resolve) -> BTreeSet<&str> {
    let interfaces = resolve.interfaces.iter().flat_map(|(_, interface)| {
        let functions = interface.functions.values().map(|function| &function.stability);
        functions.chain([&interface.stability])
    });
    let worlds = resolve.worlds.iter().flat_map(|(_, world)| {
        let items = world.imports.values().chain(world.exports.values());
        items.map(|item| item.stability(resolve)).chain([&world.stability])
    });
    let types = resolve.types.iter().map(|(_, ty)| &ty.stability);
    let gates = interfaces
        .chain(worlds)
        .chain(types)
        .filter_map(|stability| match stability {
            Stability::Unstable { feature, .. } => Some(feature.as_str()),
            _ => None,
        });
    gates.collect()
}

/// The names an interface goes by in options: with its version, and without.
pub(crate) fn interface_names(resolve: &Resolve, key: &WorldKey) -> Vec<String> {
    unversioned(resolve.name_world_key(key))
}

/// The names a type goes by in options, the fullest one first: that of its interface or world with its own, and for one of a world or
/// of an interface without a name only its own.
pub(crate) fn type_names(resolve: &Resolve, id: TypeId) -> Vec<String> {
    let def = &resolve.types[id];
    let name = def.name.as_deref().unwrap_or_default();
    let within = |owner: String| {
        let owners = unversioned(owner).into_iter();
        owners.map(|owner| format!("{owner}/{name}"))
    };
    match def.owner {
        TypeOwner::Interface(interface) => match resolve.id_of(interface) {
            Some(owner) => within(owner).collect(),
            None => vec![name.to_owned()],
        },
        TypeOwner::World(world) => {
            let world = &resolve.worlds[world];
            let full = world.package.map(|package| resolve.id_of_name(package, &world.name));
            let names = full.into_iter().flat_map(within);
            names
                .chain([format!("{}/{name}", world.name), name.to_owned()])
                .collect()
        }
        TypeOwner::None => vec![name.to_owned()],
    }
}

fn unversioned(full: String) -> Vec<String> {
    match full.split_once('@') {
        Some((short, _)) => vec![full.clone(), short.to_owned()],
        None => vec![full],
    }
}
