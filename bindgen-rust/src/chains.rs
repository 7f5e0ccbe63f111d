//! The option `chainable_methods`: which imported methods give their resource back, so that one call follows another.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;
use wit_parser::{Resolve, WorldKey};
use witflow_bindgen_core::abi::{Function, is_method};
use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_core::world::{Item, World};

use crate::options::Options;
use crate::selection::{hint, interface_names};

/// How a method gives back what it was called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chain {
    /// As the value it took.
    Owned,
    /// As the reference it took.
    Borrowed,
}

impl Chain {
    /// The result of such a method; `lifetime` is that of its receiver.
    pub(crate) fn result(self, lifetime: &TokenStream) -> TokenStream {
        match self {
            Self::Owned => quote!(-> Self),
            Self::Borrowed => quote!(-> &#lifetime Self),
        }
    }
}

/// What filters have chosen: for each method, by its resource and name, how it does so.
#[derive(Debug, Default)]
pub(crate) struct Chains(BTreeMap<(usize, String), Chain>);

/// One entry of the option.
struct Filter<'o> {
    text: &'o str,
    /// `None` for `all`.
    name: Option<String>,
    chain: Option<Chain>,
    matched: bool,
}

impl<'o> Filter<'o> {
    fn parse(text: &'o str) -> Self {
        let (chain, name) = match (text.strip_prefix('-'), text.strip_prefix('&')) {
            (Some(name), _) => (None, name),
            (_, Some(name)) => (Some(Chain::Borrowed), name),
            _ => (Some(Chain::Owned), text),
        };
        Self {
            text,
            name: (name != "all").then(|| name.replace("[method]", "")),
            chain,
            matched: false,
        }
    }
}

impl Chains {
    /// Applies the filters to the methods that return nothing. Of those that match one the first decides.
    pub(crate) fn new(options: &Options, world: &World<'_>, errors: &mut Diagnostics) -> Self {
        let mut filters: Vec<Filter<'_>> = options
            .chainable_methods
            .iter()
            .map(|text| Filter::parse(text))
            .collect();
        let (mut chains, mut known) = (BTreeMap::new(), Vec::new());
        for item in &world.imports {
            let key = match item {
                Item::Interface(interface) => Some(&interface.key),
                Item::Function(_) | Item::Type(_) | Item::Resource(_) => None,
            };
            for function in item.functions().iter().filter(|function| can_chain(function)) {
                let (resource, names) = names(world.resolve(), key, function);
                let mut matching = filters.iter_mut().filter(|filter| {
                    let name = filter.name.as_ref();
                    name.is_none_or(|name| names.contains(name))
                });
                if let Some(filter) = matching.next() {
                    filter.matched = true;
                    chains.extend(
                        filter
                            .chain
                            .map(|chain| ((resource, function.func.name.clone()), chain)),
                    );
                }
                known.extend(names);
            }
        }
        for filter in filters.iter().filter(|filter| !filter.matched) {
            let Some(name) = &filter.name else { continue };
            let message = format!(
                "the filter `{}` matches no imported method that returns nothing",
                filter.text
            );
            let diagnostic = hint(
                Diagnostic::new(message),
                name,
                known.iter().map(String::as_str),
                "the world imports no such method",
                "such methods and their resources are",
            );
            errors.push(diagnostic.option("chainable_methods", Some(filter.text)));
        }
        Self(chains)
    }

    /// How an imported function gives back its resource, if it does.
    pub(crate) fn of(&self, function: &Function) -> Option<Chain> {
        let resource = function.func.kind.resource()?;
        self.0.get(&(resource.index(), function.func.name.clone())).copied()
    }
}

fn can_chain(function: &Function) -> bool {
    is_method(&function.func.kind) && function.func.result.is_none()
}

/// The resource of a method, and the names that stand for it in filters: its own and its resource's.
fn names(resolve: &Resolve, key: Option<&WorldKey>, function: &Function) -> (usize, Vec<String>) {
    let resource = function.func.kind.resource().expect("a method has a resource");
    let name = resolve.types[resource].name.as_deref().unwrap_or_default();
    let names = [name.to_owned(), format!("{name}.{}", function.func.item_name())];
    let Some(key) = key else {
        return (resource.index(), names.to_vec());
    };
    let interfaces = interface_names(resolve, key);
    let within = |interface: &String| names.clone().map(|name| format!("{interface}#{name}"));
    (resource.index(), interfaces.iter().flat_map(within).collect())
}
