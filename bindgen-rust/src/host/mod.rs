//! Bindings for hosts: what runs a component, or tests one, is written against the same WIT as the component itself.
//!
//! | WIT | Rust |
//! |---|---|
//! | a type | the same as for guests, all owned, with `ComponentType` of `witflow_host` derived |
//! | a resource that is imported | a struct that holds what implements it, or the type that `with` names; handles are `Own` and `Borrow` of it |
//! | a resource that is exported | another name for `Resource`, which is opaque |
//! | an imported interface | a trait `Host` to implement, and `add_to_linker` (`imports`) |
//! | an exported interface | a struct `Guest` with a method for each function (`exports`) |
//! | the world | a struct with both (`world`) |
//!
//! Modules, names, definitions and their options are those of the bindings for guests. The generator knows of the host's conversions
//! only that a derive writes them: how values cross the boundary is the host's own reading of the Canonical ABI.

mod check;
mod definitions;
mod exports;
mod functions;
mod imports;
pub mod options;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use witflow_bindgen_core::diagnostic::Diagnostics;
use witflow_bindgen_core::load::Loaded;
use witflow_bindgen_core::world::{Direction, Item, World};

use crate::chains::Chains;
use crate::filters::Filters;
use crate::names::{Case, spell};
use crate::options::Options;
use crate::ownership::Uses;
use crate::paths::{Paths, Taken};
use crate::selection;
use crate::selectors::Attributes;
use crate::unused::Used;
use crate::{Generator, Side};

/// The functions that are concurrent: full names as errors have them.
pub(crate) struct Concurrent(BTreeSet<(Direction, String)>);

impl Concurrent {
    fn new(options: &Options, world: &World<'_>, errors: &mut Diagnostics) -> Self {
        let resolve = world.resolve();
        let mut filters = Filters::of_host(options);
        let mut chosen = BTreeSet::new();
        for (direction, item) in world.items_with_direction() {
            let key = match item {
                Item::Interface(interface) => Some(&interface.key),
                _ => None,
            };
            for function in item.functions() {
                if filters.choice(resolve, key, &function.func, direction, function.func.kind.is_async()) {
                    chosen.insert((direction, functions::full_name(resolve, key, function)));
                }
            }
        }
        filters.finish(errors);
        Self(chosen)
    }

    fn contains(&self, direction: Direction, name: &str) -> bool {
        self.0.contains(&(direction, name.to_owned()))
    }
}

/// Makes the bindings of a loaded world for its host.
///
/// # Errors
///
/// Options that are malformed, match nothing in the world or are for guests, and everything in the world that is not supported.
pub fn generate(loaded: &Loaded, options: &Options) -> Result<TokenStream, Diagnostics> {
    let mut errors = Diagnostics::default();
    options::refuse_for_hosts(options, &mut errors);
    selection::check_syntax(options, &mut errors);
    let attributes = Attributes::new(options, &mut errors);
    // What a host is given does not depend on the guest's ABI.
    let (world, external) = crate::select(loaded, options, &mut errors, &mut |_, _, _| true)?;
    let concurrent = Concurrent::new(options, &world, &mut errors);
    check::functions(&world, &mut errors);
    let chains = Chains::new(options, &world, &mut errors);
    errors.finish()?;
    let name = spell(&loaded.resolve.worlds[loaded.world].name, Case::Camel);
    let imports = format!("{name}Imports");
    let taken = Taken {
        root: &[&name, &imports],
        interface: &["Host"],
    };
    let generator = Generator {
        side: Side::Host,
        paths: Paths::new(&world, external, taken, &|_| false),
        error_types: crate::error_types(&world),
        world: &world,
        options,
        attributes,
        chains,
        uses: Uses::new(&world),
        used: Used::new(options, &world.types),
        runtime: quote!(::witflow_host::rt),
        rt: quote!(_rt),
        wishes: RefCell::default(),
        conversions: RefCell::default(),
    };
    let bindings = generator.host_bindings(&name, &imports, &concurrent);
    generator.finish(bindings)
}
