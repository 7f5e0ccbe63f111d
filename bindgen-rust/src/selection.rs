//! Options that pick something out of the world: `async`, `with` and the derives. What picks nothing is an error.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use wit_parser::{Function, Resolve, Stability, TypeDefKind, WorldKey};
use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use witflow_bindgen_core::world::{Direction, Item, World};

use crate::options::{Options, With};

/// The options with what they have matched so far.
pub(crate) struct Selection<'o> {
    options: &'o Options,
    filters: Vec<Filter>,
    functions: Vec<String>,
}

/// One entry of `async: [..]`.
struct Filter {
    text: String,
    includes: bool,
    direction: Option<Direction>,
    /// `None` for `all`.
    name: Option<String>,
    matched: bool,
}

impl Filter {
    fn parse(text: &str) -> Self {
        let (includes, rest) = text.strip_prefix('-').map_or((true, text), |rest| (false, rest));
        let (direction, name) = match (rest.strip_prefix("import:"), rest.strip_prefix("export:")) {
            (Some(name), _) => (Some(Direction::Import), name),
            (_, Some(name)) => (Some(Direction::Export), name),
            _ => (None, rest),
        };
        // `true` and `false` are what the whole option may be.
        let (includes, name) = match name {
            "all" | "true" => (includes, None),
            "false" => (!includes, None),
            name => (includes, Some(name.to_owned())),
        };
        Self {
            text: text.to_owned(),
            includes,
            direction,
            name,
            matched: false,
        }
    }

    fn matches(&self, names: &[String], direction: Direction) -> bool {
        self.direction.is_none_or(|wanted| wanted == direction)
            && self.name.as_ref().is_none_or(|name| names.contains(name))
    }
}

impl<'o> Selection<'o> {
    /// Reads the options; malformed derives are reported at once.
    pub(crate) fn new(options: &'o Options, errors: &mut Diagnostics) -> Self {
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
        let filters = options.async_.iter().map(|text| Filter::parse(text)).collect();
        Self {
            options,
            filters,
            functions: Vec::new(),
        }
    }

    /// Whether an `async` function gets asynchronous bindings.
    pub(crate) fn is_async(
        &mut self,
        resolve: &Resolve,
        key: Option<&WorldKey>,
        func: &Function,
        direction: Direction,
    ) -> bool {
        let names = match key {
            Some(key) => interface_names(resolve, key)
                .into_iter()
                .map(|name| format!("{name}#{}", func.name))
                .collect(),
            None => vec![func.name.clone()],
        };
        let mut choice = true;
        for filter in &mut self.filters {
            if filter.matches(&names, direction) {
                filter.matched = true;
                choice = filter.includes;
            }
        }
        self.functions.extend(names);
        choice
    }

    /// The interfaces whose bindings exist elsewhere.
    pub(crate) fn external(&self, world: &World<'_>, errors: &mut Diagnostics) -> BTreeMap<usize, TokenStream> {
        let mut external = BTreeMap::new();
        let mut known = Vec::new();
        let mut used = Vec::new();
        for (direction, item) in world.items_with_direction() {
            let Item::Interface(interface) = item else { continue };
            let names = interface_names(world.resolve(), &interface.key);
            let found = names.iter().find_map(|name| Some((name, self.with(name)?)));
            known.extend(names.iter().cloned());
            let Some((name, with)) = found else { continue };
            used.push(name.clone());
            match with {
                // What the guest exports it implements here, whatever bindings exist for imports of the same interface.
                With::Path(path) if direction == Direction::Import => {
                    external.insert(interface.id.index(), crate::parse_option_path("with", path, errors));
                }
                With::Path(_) | With::Generate => {}
            }
        }
        for (name, _) in self.options.with.iter().filter(|(name, _)| !used.contains(name)) {
            let diagnostic = Diagnostic::new(format!("`with` names `{name}`, which the world does not use"));
            let diagnostic = match did_you_mean(name, known.iter().map(String::as_str)) {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None if known.is_empty() => diagnostic.help("the world uses no interface"),
                None => diagnostic.help(format!("the world uses {}", list(known.iter().map(String::as_str)))),
            };
            errors.push(diagnostic.option("with", Some(name)));
        }
        external
    }

    fn with(&self, interface: &str) -> Option<&With> {
        self.options
            .with
            .iter()
            .find(|(name, _)| name == interface)
            .map(|(_, with)| with)
    }

    /// Reports types and gates that are named and do not exist.
    pub(crate) fn check_names(&self, world: &World<'_>, errors: &mut Diagnostics) {
        let resolve = world.resolve();
        let derivable = |kind: &TypeDefKind| {
            matches!(
                kind,
                TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_)
            )
        };
        let types = resolve
            .types
            .iter()
            .filter(|(_, ty)| derivable(&ty.kind))
            .filter_map(|(_, ty)| ty.name.as_deref());
        let types: BTreeSet<&str> = types.collect();
        for name in self
            .options
            .additional_derives_ignore
            .iter()
            .filter(|name| !types.contains(name.as_str()))
        {
            let diagnostic = Diagnostic::new(format!("there is no record, variant or enum `{name}`"));
            errors.push(hint(diagnostic, name, &types).option("additional_derives_ignore", Some(name)));
        }
        let gates = open_gates(resolve);
        for name in self
            .options
            .features
            .iter()
            .filter(|name| !gates.contains(name.as_str()))
        {
            let diagnostic = Diagnostic::new(format!("nothing in the WIT is gated by the feature `{name}`"));
            let diagnostic = diagnostic.help("gates are written `@unstable(feature = name)`");
            errors.push(diagnostic.option("features", Some(name)));
        }
    }

    /// Reports filters that picked nothing. `all` picks whatever there is.
    pub(crate) fn finish(self, errors: &mut Diagnostics) {
        for filter in self
            .filters
            .iter()
            .filter(|filter| !filter.matched && filter.name.is_some())
        {
            let diagnostic = Diagnostic::new(format!("the filter `{}` matches no `async` function", filter.text));
            let name = filter.name.as_deref().unwrap_or_default();
            let diagnostic = match did_you_mean(name, self.functions.iter().map(String::as_str)) {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None if self.functions.is_empty() => diagnostic.help("the world has no `async` function"),
                None => diagnostic.help(format!(
                    "the `async` functions are {}",
                    list(self.functions.iter().map(String::as_str))
                )),
            };
            errors.push(diagnostic.option("async", Some(&filter.text)));
        }
    }
}

fn hint(diagnostic: Diagnostic, name: &str, known: &BTreeSet<&str>) -> Diagnostic {
    match did_you_mean(name, known.iter().copied()) {
        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
        None if known.is_empty() => diagnostic.help("the WIT defines none"),
        None => diagnostic.help(format!("there are {}", list(known.iter().copied()))),
    }
}

/// Names as a sentence has them, each once.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
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
fn interface_names(resolve: &Resolve, key: &WorldKey) -> Vec<String> {
    let full = resolve.name_world_key(key);
    match full.split_once('@') {
        Some((short, _)) => vec![full.clone(), short.to_owned()],
        None => vec![full],
    }
}
