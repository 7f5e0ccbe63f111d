//! Which definitions are one type.
//!
//! An interface that occurs several times in a world (imported and exported, or under labels) is there once for each occurrence,
//! and so are its types. Of types that hold resources each is a type of its own, as in the Component Model: a handle of the
//! imported resource is none of the exported one. All others have the same values everywhere, so bindings define the first and
//! use it for the rest.

use std::collections::{BTreeMap, BTreeSet};

use wit_parser::{Resolve, Type, TypeDefKind, TypeId, World, WorldItem};

use super::layout::dealias;

/// The resources the guest defines, and the first definition of each type.
#[derive(Default)]
pub(super) struct Identities {
    defined: BTreeSet<TypeId>,
    first: BTreeMap<TypeId, TypeId>,
}

impl Identities {
    /// Looks through the interfaces of `world` in order. `holds_resource` says whether a type is to be kept apart.
    pub(super) fn new(resolve: &Resolve, world: &World, holds_resource: impl Fn(TypeId) -> bool) -> Self {
        let mut identities = Self::default();
        let mut first_of_root = BTreeMap::new();
        let imports = world.imports.values().map(|item| (item, false));
        let exports = world.exports.values().map(|item| (item, true));
        for (item, exported) in imports.chain(exports) {
            let WorldItem::Interface { id, .. } = item else {
                continue;
            };
            for (name, ty) in &resolve.interfaces[*id].types {
                if exported && matches!(resolve.types[*ty].kind, TypeDefKind::Resource) {
                    identities.defined.insert(*ty);
                }
                if holds_resource(*ty) {
                    continue;
                }
                let mut root = *id;
                while let Some(original) = resolve.interfaces[root].clone_of {
                    root = original;
                }
                let root = resolve.interfaces[root].types.get(name).unwrap_or(ty);
                let first = *first_of_root.entry(*root).or_insert(*ty);
                identities.first.insert(*ty, first);
            }
        }
        identities
    }

    /// Whether the guest defines this resource, aliases followed.
    pub(super) fn defines(&self, resolve: &Resolve, resource: TypeId) -> bool {
        matches!(dealias(resolve, Type::Id(resource)), Type::Id(id) if self.defined.contains(&id))
    }

    /// The definition that stands for this one.
    pub(super) fn first(&self, id: TypeId) -> TypeId {
        self.first.get(&id).copied().unwrap_or(id)
    }
}
