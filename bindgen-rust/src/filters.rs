//! The options `async` and `sync`: which `async` functions of WIT get asynchronous bindings; and `concurrent_imports` and
//! `concurrent_exports`, which are the same for hosts, and about all functions.

use wit_parser::{Function, Resolve, WorldKey};
use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_core::world::Direction;

use crate::options::Options;
use crate::selection::{hint, interface_names};

/// The filters with what they have matched so far, and the functions they could have matched.
pub(crate) struct Filters {
    filters: Vec<Filter>,
    functions: Vec<(Direction, Vec<String>)>,
}

/// One entry of `async: [..]` or `sync: [..]`.
#[derive(Clone)]
struct Filter {
    option: &'static str,
    text: String,
    includes: bool,
    direction: Option<Direction>,
    /// `None` for `all`.
    name: Option<String>,
    matched: bool,
}

impl Filter {
    /// One of a host's options, which each are about one side of the world.
    fn of_host(option: &'static str, text: &str, direction: Direction) -> Self {
        let mut filter = Self::parse(option, text);
        filter.direction = Some(direction);
        filter
    }

    fn parse(option: &'static str, text: &str) -> Self {
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
            option,
            text: text.to_owned(),
            includes: includes == (option != "sync"),
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

impl Filters {
    /// Reads the options. Filters of `sync` come last, so they prevail.
    pub(crate) fn new(options: &Options) -> Self {
        let read = |option, texts: &[String]| {
            let filters = texts.iter().map(|text| Filter::parse(option, text));
            filters.collect::<Vec<_>>()
        };
        Self {
            filters: [read("async", &options.async_), read("sync", &options.sync)].concat(),
            functions: Vec::new(),
        }
    }

    /// Reads the options of a host.
    pub(crate) fn of_host(options: &Options) -> Self {
        let imports = options.concurrent_imports.iter();
        let imports = imports.map(|text| Filter::of_host("concurrent_imports", text, Direction::Import));
        let exports = options.concurrent_exports.iter();
        let exports = exports.map(|text| Filter::of_host("concurrent_exports", text, Direction::Export));
        Self {
            filters: imports.chain(exports).collect(),
            functions: Vec::new(),
        }
    }

    /// What the last filter that matches a function says of it, or else `choice`.
    pub(crate) fn choice(
        &mut self,
        resolve: &Resolve,
        key: Option<&WorldKey>,
        func: &Function,
        direction: Direction,
        mut choice: bool,
    ) -> bool {
        let names = match key {
            Some(key) => interface_names(resolve, key)
                .into_iter()
                .map(|name| format!("{name}#{}", func.name))
                .collect(),
            None => vec![func.name.clone()],
        };
        for filter in &mut self.filters {
            if filter.matches(&names, direction) {
                filter.matched = true;
                choice = filter.includes;
            }
        }
        self.functions.push((direction, names));
        choice
    }

    /// Reports filters that picked nothing. `all` picks whatever there is.
    pub(crate) fn finish(self, errors: &mut Diagnostics) {
        let unmatched = |filter: &&Filter| !filter.matched && filter.name.is_some();
        for filter in self.filters.iter().filter(unmatched) {
            let what = match filter.option {
                "concurrent_imports" => "imported",
                "concurrent_exports" => "exported",
                _ => "`async`",
            };
            let diagnostic = Diagnostic::new(format!("the filter `{}` matches no {what} function", filter.text));
            let name = filter.name.as_deref().unwrap_or_default();
            let of_host = filter.option.starts_with("concurrent");
            let side = |(direction, _): &&(Direction, _)| !of_host || filter.direction == Some(*direction);
            let known = self.functions.iter().filter(side).flat_map(|(_, names)| names);
            let diagnostic = hint(
                diagnostic,
                name,
                known.map(String::as_str),
                &format!("the world has no {what} function"),
                &format!("the {what} functions are"),
            );
            errors.push(diagnostic.option(filter.option, Some(&filter.text)));
        }
    }
}
