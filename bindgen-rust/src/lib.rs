//! Rust bindings for guests of the Component Model, as tokens.
//!
//! The way through: a front end fills [`Options`], `bindgen-core` loads the world they name, and [`generate`] makes a
//! [`TokenStream`] of it: it checks the options against the world, assigns modules and identifiers (`paths`, `names`), writes
//! type definitions (`definitions`), functions (`functions`), stream and future payloads (`payloads`), translates programs
//! (`code`) and puts the pieces together (`world`). This crate reads no file and no environment, and makes no text of code but
//! in [`output`].

mod chains;
mod code;
mod component_type;
mod conversions;
mod definitions;
mod docs;
mod exports;
mod filters;
mod functions;
mod guests;
pub mod host;
mod imports;
mod named;
pub mod names;
pub mod options;
#[cfg(feature = "print")]
pub mod output;
mod ownership;
mod paths;
mod payloads;
mod resources;
mod selection;
mod selectors;
mod stubs;
mod types;
mod unused;
mod world;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::quote;
use wit_parser::{Resolve, Type, TypeDefKind, TypeId};
use witflow_bindgen_core::abi::{NamedOp, dealias};
use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_core::load::Loaded;
use witflow_bindgen_core::world::{AsyncChoice, World};

pub use options::{Options, Ownership, With};
pub use witflow_bindgen_core as core;

use chains::Chains;
use component_type::ComponentType;
use conversions::Definition;
use filters::Filters;
use ownership::{Form, Uses};
use paths::{Paths, Taken};
use selection::External;
use selectors::Attributes;
use unused::Used;

/// Who is given bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// What implements the world.
    Guest,
    /// What runs an implementation of the world.
    Host,
}

/// Everything translation needs to know.
struct Generator<'a> {
    side: Side,
    world: &'a World<'a>,
    options: &'a Options,
    attributes: Attributes,
    chains: Chains,
    uses: Uses,
    used: Used,
    /// The runtime module as users reach it.
    runtime: TokenStream,
    /// The runtime module as generated modules have it in scope.
    rt: TokenStream,
    paths: Paths,
    /// Types that functions return as errors.
    error_types: BTreeSet<usize>,
    /// Functions of named types that something calls.
    wishes: RefCell<BTreeSet<(TypeId, NamedOp, Form)>>,
    /// Pairs of definitions of a type, and whether there is a conversion from the first.
    conversions: RefCell<BTreeMap<(Definition, Definition), bool>>,
}

/// Makes the bindings of a loaded world.
///
/// `runtime` is the path of the runtime module; the `runtime_path` option overrides it, and `None` stands for `::witflow::rt`.
///
/// # Errors
///
/// Options that are malformed or match nothing in the world, and everything in the world that is not supported.
pub fn generate(loaded: &Loaded, options: &Options, runtime: Option<TokenStream>) -> Result<TokenStream, Diagnostics> {
    let mut errors = Diagnostics::default();
    host::options::refuse_for_guests(options, &mut errors);
    selection::check_syntax(options, &mut errors);
    let attributes = Attributes::new(options, &mut errors);
    let mut filters = Filters::new(options);
    let (world, external) = select(loaded, options, &mut errors, &mut |key, func, direction| {
        filters.choice(&loaded.resolve, key, func, direction, true)
    })?;
    filters.finish(&mut errors);
    let chains = Chains::new(options, &world, &mut errors);
    let runtime = runtime_path(options, runtime, &mut errors);
    errors.finish()?;
    let described = ComponentType::new(loaded, options)?;
    let uses = Uses::new(&world);
    let generator = Generator {
        side: Side::Guest,
        paths: Paths::new(
            &world,
            external,
            Taken {
                root: if options.stubs { &["Stub"] } else { &[] },
                interface: &[],
            },
            &|id| ownership::has_two_forms(options, &world.types, &uses, id),
        ),
        error_types: error_types(&world),
        world: &world,
        options,
        attributes,
        chains,
        uses,
        used: Used::new(options, &world.types),
        runtime,
        rt: quote!(_rt),
        wishes: RefCell::default(),
        conversions: RefCell::default(),
    };
    let bindings = generator.bindings(&described);
    generator.finish(bindings)
}

/// What the options leave of a world, and which interfaces of it exist already. `is_async` says of each function how it crosses.
fn select<'a>(
    loaded: &'a Loaded,
    options: &Options,
    errors: &mut Diagnostics,
    is_async: &mut AsyncChoice<'_>,
) -> Result<(World<'a>, External), Diagnostics> {
    let resolve = &loaded.resolve;
    let sharing = ownership::sharing(options, resolve, loaded.world);
    let world = World::sharing(resolve, loaded.world, &sharing, is_async);
    let mut world = match world {
        Ok(world) => world,
        Err(found) => return Err(Diagnostics([std::mem::take(&mut errors.0), found.0].concat())),
    };
    selection::skip(options, &mut world, errors);
    let external = selection::external(options, &world, errors);
    selection::check_features(options, resolve, errors);
    selection::check_ignored(options, resolve, errors);
    Ok((world, external))
}

impl Generator<'_> {
    /// The bindings, unless attributes were for what they do not have.
    fn finish(&self, bindings: TokenStream) -> Result<TokenStream, Diagnostics> {
        let mut errors = Diagnostics::default();
        self.attributes.finish(self.world, &mut errors);
        errors.finish()?;
        Ok(bindings)
    }

    fn resolve(&self) -> &Resolve {
        self.world.resolve()
    }
}

fn runtime_path(options: &Options, runtime: Option<TokenStream>, errors: &mut Diagnostics) -> TokenStream {
    match &options.runtime_path {
        Some(path) => parse_option_path("runtime_path", path, errors),
        None => runtime.unwrap_or_else(|| quote!(::witflow::rt)),
    }
}

/// A path written in an option; if it is none, that is an error and any path serves until it is reported.
fn parse_option_path(option: &'static str, path: &str, errors: &mut Diagnostics) -> TokenStream {
    match syn::parse_str::<syn::Path>(path) {
        Ok(path) => quote!(#path),
        Err(_) => {
            let message = format!("`{path}` is not a Rust path");
            errors.push(
                Diagnostic::new(message)
                    .help("for example `crate::bindings`")
                    .option(option, Some(path)),
            );
            quote!(self)
        }
    }
}

/// A path that was checked by [`selection`] or that the generator wrote itself.
fn parse_path(path: &str) -> TokenStream {
    syn::parse_str::<syn::Path>(path).map_or_else(|_| quote!(self), |path| quote!(#path))
}

/// Named types that occur as the error of a function's result.
fn error_types(world: &World<'_>) -> BTreeSet<usize> {
    let resolve = world.resolve();
    let mut found = BTreeSet::new();
    for (_, item) in world.items_with_direction() {
        for function in item.functions() {
            let Some(Type::Id(id)) = function.func.result.map(|ty| dealias(resolve, ty)) else {
                continue;
            };
            let TypeDefKind::Result(result) = &resolve.types[id].kind else {
                continue;
            };
            if let Some(Type::Id(error)) = result.err.map(|ty| dealias(resolve, ty)) {
                found.insert(world.types.first(error).index());
            }
        }
    }
    found
}
