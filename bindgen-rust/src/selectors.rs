//! Which types and members the options with attributes and derives are about.
//!
//! A type is selected by its name as in `with`, `ns:pkg/iface@1.0.0/type`, where the version may be left out. A selector may also be
//! the beginning of a name (`ns:pkg`, `ns:pkg/iface`) or its end (`type`, `iface/type`), both only whole segments, and a `*` in it stands
//! for any text. A member is selected by a selector for its type, a full stop, and its own name or a pattern with `*`.

use std::cell::Cell;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use wit_parser::{Resolve, TypeDefKind, TypeId};
use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_core::world::World;

use crate::options::Options;
use crate::selection::{hint, type_names, world_types};

/// The rules with what they have matched so far.
#[derive(Default)]
pub(crate) struct Attributes {
    types: Vec<Rule>,
    members: Vec<Rule>,
}

/// One entry of an option with attributes.
struct Rule {
    option: &'static str,
    selector: String,
    /// What the attribute derives, if it is a `derive`.
    derives: Vec<syn::Path>,
    /// The attribute otherwise.
    attribute: TokenStream,
    matched: Cell<bool>,
}

/// What the rules add to a type.
#[derive(Default)]
pub(crate) struct Additions {
    pub(crate) derives: Vec<syn::Path>,
    pub(crate) attributes: TokenStream,
}

impl Attributes {
    /// Reads the options; what is no attribute is reported at once.
    pub(crate) fn new(options: &Options, errors: &mut Diagnostics) -> Self {
        let mut read = |option, entries: &[(String, String)]| {
            let rules = entries
                .iter()
                .filter_map(|(selector, text)| match Rule::parse(option, selector, text) {
                    Ok(rule) => Some(rule),
                    Err(error) => {
                        errors.push(error);
                        None
                    }
                });
            rules.collect()
        };
        Self {
            types: read("additional_type_attributes", &options.additional_type_attributes),
            members: read("additional_member_attributes", &options.additional_member_attributes),
        }
    }

    /// What the options add to a record, variant or enum.
    pub(crate) fn of_type(&self, resolve: &Resolve, id: TypeId) -> Additions {
        let names = type_names(resolve, id);
        let mut additions = Additions::default();
        for rule in self.types.iter().filter(|rule| selects(&rule.selector, &names)) {
            rule.matched.set(true);
            additions.derives.extend(rule.derives.iter().cloned());
            additions.attributes.extend(rule.attribute.clone());
        }
        additions
    }

    /// The attributes of a field or case.
    pub(crate) fn of_member(&self, resolve: &Resolve, id: TypeId, member: &str) -> TokenStream {
        let names = type_names(resolve, id);
        let mut attributes = TokenStream::new();
        for rule in &self.members {
            let Some((types, members)) = rule.selector.rsplit_once('.') else {
                continue;
            };
            if selects(types, &names) && matches(members, member) {
                rule.matched.set(true);
                attributes.extend(rule.attribute.clone());
            }
        }
        attributes
    }

    /// Reports rules that have picked nothing, which is known when all types are written.
    pub(crate) fn finish(&self, world: &World<'_>, errors: &mut Diagnostics) {
        let resolve = world.resolve();
        for rule in self.types.iter().filter(|rule| !rule.matched.get()) {
            let known = selectable(world).into_iter().flat_map(|id| type_names(resolve, id));
            let what = "record, variant or enum with bindings here";
            errors.push(rule.unmatched(what, known.collect(), "the world has none"));
        }
        for rule in self.members.iter().filter(|rule| !rule.matched.get()) {
            let of_type = |id: TypeId| {
                let members = member_names(&resolve.types[id].kind).into_iter();
                members.flat_map(move |member| {
                    let names = type_names(resolve, id).into_iter();
                    names.map(move |name| format!("{name}.{member}"))
                })
            };
            let known = selectable(world).into_iter().flat_map(of_type);
            errors.push(rule.unmatched(
                "field or case with bindings here",
                known.collect(),
                "the world has none",
            ));
        }
    }
}

impl Rule {
    fn parse(option: &'static str, selector: &str, text: &str) -> Result<Self, Diagnostic> {
        let wrong = |what: &str| {
            let diagnostic = Diagnostic::new(format!("`{text}` is {what}"));
            let help = "for example `#[derive(serde::Serialize)]` or `#[serde(rename = \"x\")]`";
            Err(diagnostic.help(help).option(option, Some(selector)))
        };
        let mut attributes = match syn::Attribute::parse_outer.parse_str(text) {
            Ok(attributes) => attributes,
            Err(error) => return wrong(&format!("not an attribute: {error}")),
        };
        let (Some(attribute), true) = (attributes.pop(), attributes.is_empty()) else {
            return wrong("not one attribute");
        };
        let is_derive = option == "additional_type_attributes" && attribute.path().is_ident("derive");
        let list = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
        let derives = match is_derive.then(|| attribute.parse_args_with(list)) {
            Some(Ok(derives)) => derives.into_iter().collect(),
            Some(Err(error)) => return wrong(&format!("not a list of derives: {error}")),
            None => Vec::new(),
        };
        Ok(Self {
            option,
            selector: selector.to_owned(),
            derives,
            attribute: if is_derive { quote!() } else { quote!(#attribute) },
            matched: Cell::new(false),
        })
    }

    fn unmatched(&self, what: &str, known: Vec<String>, if_none: &str) -> Diagnostic {
        let diagnostic = Diagnostic::new(format!("`{}` selects no {what}", self.selector));
        let known = known.iter().map(String::as_str);
        let diagnostic = hint(diagnostic, &self.selector, known, if_none, "there are");
        diagnostic.option(self.option, Some(&self.selector))
    }
}

/// The types that attributes can be put on.
fn selectable(world: &World<'_>) -> Vec<TypeId> {
    let types = world_types(world).into_iter();
    let kind = |id: &TypeId| &world.resolve().types[*id].kind;
    types.filter(|id| !member_names(kind(id)).is_empty()).collect()
}

fn member_names(kind: &TypeDefKind) -> Vec<&str> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.name.as_str()).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| case.name.as_str()).collect(),
        TypeDefKind::Enum(def) => def.cases.iter().map(|case| case.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Whether a selector is about a type with these names.
pub(crate) fn selects(selector: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        if selector.contains('*') {
            return matches(selector, name);
        }
        let begins = |rest: &str| rest.is_empty() || rest.starts_with([':', '/', '@']);
        let ends = |rest: &str| rest.is_empty() || rest.ends_with(['/', ':']);
        name.strip_prefix(selector).is_some_and(begins) || name.strip_suffix(selector).is_some_and(ends)
    })
}

/// Whether `text` is what `pattern` says, where `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first occurrence leaves the most for what follows.
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(selector: &str, expected: bool) {
        let names = ["my:pkg/types@1.0.0/point".to_owned(), "my:pkg/types/point".to_owned()];
        assert_eq!(selects(selector, &names), expected, "{selector}");
    }

    #[test]
    fn selectors_are_whole_segments_or_patterns() {
        for selector in [
            "my:pkg/types@1.0.0/point",
            "my:pkg/types/point",
            "my:pkg/types",
            "my:pkg",
            "my",
            "point",
        ] {
            check(selector, true);
        }
        for selector in ["types/point", "pkg/types/point", "*", "my:*/point", "*po*t", "*@1.*"] {
            check(selector, true);
        }
        for selector in ["", "oint", "my:pk", "types", "my:pkg/types/poin", "*points", "a*"] {
            check(selector, false);
        }
    }
}
