//! The option `generate_unused_types`: which types have definitions.
//!
//! Unless it is set, a record, variant or alias has one only if some function takes or gives it, in whichever world of the WIT: bindings
//! for one world serve code that another world shares. Enums, flags and resources are always defined.

use std::collections::BTreeSet;

use wit_parser::{Function, LiveTypes, Resolve, TypeDefKind, TypeId, WorldItem};
use witflow_bindgen_core::abi::Types;

use crate::options::Options;

/// The types that functions need.
#[derive(Debug)]
pub(crate) struct Used {
    /// `None` if all types are defined anyway.
    types: Option<BTreeSet<usize>>,
}

impl Used {
    /// Looks for types in all functions of all worlds.
    pub(crate) fn new(options: &Options, known: &Types<'_>) -> Self {
        let resolve = known.resolve;
        let types = (!options.generate_unused_types).then(|| {
            let mut live = LiveTypes::default();
            let mut add = |function: &Function| {
                let params = function.params.iter().map(|param| &param.ty);
                params.chain(&function.result).for_each(|ty| live.add_type(resolve, ty));
            };
            for (_, world) in resolve.worlds.iter() {
                for item in world.imports.values().chain(world.exports.values()) {
                    match item {
                        WorldItem::Interface { id, .. } => {
                            resolve.interfaces[*id].functions.values().for_each(&mut add)
                        }
                        WorldItem::Function(function) => add(function),
                        WorldItem::Type { .. } => {}
                    }
                }
            }
            let used = live.iter().flat_map(|id| [id, known.first(id)]);
            used.map(|id| id.index()).collect()
        });
        Self { types }
    }

    /// Whether a type has a definition.
    pub(crate) fn defines(&self, resolve: &Resolve, id: TypeId) -> bool {
        let always = matches!(
            resolve.types[id].kind,
            TypeDefKind::Enum(_) | TypeDefKind::Flags(_) | TypeDefKind::Resource
        );
        always || self.types.as_ref().is_none_or(|types| types.contains(&id.index()))
    }
}
