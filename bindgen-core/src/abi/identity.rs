//! Which definitions are one type.
//!
//! An interface that occurs several times in a world (imported and exported, or under labels) is there once for each occurrence,
//! and so are its types. Of types that hold resources each is a type of its own, as in the Component Model: a handle of the
//! imported resource is none of the exported one. All others have the same values everywhere, so bindings define the first and
//! use it for the rest. [`Sharing`] may say that they define each, or that types of equal structure are one whatever their names.

use std::collections::{BTreeMap, BTreeSet};

use wit_parser::{Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, World, WorldItem};

use super::layout::{TypeFacts, dealias};

/// Which definitions bindings define once.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    /// What makes two definitions one type.
    pub rule: SharingRule,
    /// Interfaces whose types exist already and are nobody else's.
    pub apart: BTreeSet<InterfaceId>,
}

/// What makes two definitions one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SharingRule {
    /// That they are the same in WIT and hold no resource.
    #[default]
    Definition,
    /// That they are the same in WIT and plain: they hold no resource, nothing that is given away, and no memory on the heap.
    Plain,
    /// That they have the same structure.
    Structure,
}

/// The resources the guest defines, and the first definition of each type.
#[derive(Default)]
pub(super) struct Identities {
    defined: BTreeSet<TypeId>,
    first: BTreeMap<TypeId, TypeId>,
    /// For each type that holds no resource: the definitions that are the same in WIT and come before it.
    earlier: BTreeMap<TypeId, Vec<TypeId>>,
}

impl Identities {
    /// Looks through the interfaces of `world` in order. `facts` says what a type holds.
    pub(super) fn new(
        resolve: &Resolve,
        world: &World,
        sharing: &Sharing,
        facts: impl Fn(TypeId) -> TypeFacts,
    ) -> Self {
        let mut identities = Self::default();
        let mut known = BTreeMap::new();
        let mut occurrences: BTreeMap<TypeId, Vec<TypeId>> = BTreeMap::new();
        let imports = world.imports.values().map(|item| (item, false));
        let exports = world.exports.values().map(|item| (item, true));
        for (item, exported) in imports.chain(exports) {
            let types = match item {
                WorldItem::Interface { id, .. } => resolve.interfaces[*id].types.values().copied().collect(),
                WorldItem::Type { id, .. } => vec![*id],
                WorldItem::Function(_) => Vec::new(),
            };
            let is_resource = |id: &TypeId| matches!(resolve.types[*id].kind, TypeDefKind::Resource);
            if exported {
                identities.defined.extend(types.iter().copied().filter(is_resource));
            }
            let apart = matches!(item, WorldItem::Interface { id, .. } if sharing.apart.contains(id));
            for id in types.into_iter().filter(|_| !apart) {
                let (root, facts) = (root(resolve, item, id), facts(id));
                if !facts.resource {
                    let occurrences = occurrences.entry(root).or_default();
                    identities.earlier.insert(id, occurrences.clone());
                    occurrences.push(id);
                }
                let is_shared = match sharing.rule {
                    SharingRule::Definition => !facts.resource,
                    SharingRule::Plain => !(facts.resource || facts.owned || facts.heap),
                    SharingRule::Structure => false,
                };
                let key = match sharing.rule {
                    _ if is_shared => format!("{}", root.index()),
                    SharingRule::Structure if is_nominal(&resolve.types[id].kind) => identities.structure(resolve, id),
                    _ => continue,
                };
                let first = *known.entry(key).or_insert(id);
                identities.first.insert(id, first);
            }
        }
        identities
    }

    /// A text that is equal for types of equal structure. Types come after those they hold, so these are known.
    fn structure(&self, resolve: &Resolve, id: TypeId) -> String {
        let of = |ty: &Type| self.structure_of(resolve, ty);
        let optional = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), of);
        let list = |items: Vec<String>| items.join(", ");
        match &resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                let field = |field: &wit_parser::Field| format!("{}: {}", field.name, of(&field.ty));
                format!("record {}", list(record.fields.iter().map(field).collect()))
            }
            TypeDefKind::Variant(variant) => {
                let case = |case: &wit_parser::Case| format!("{}({})", case.name, optional(&case.ty));
                format!("variant {}", list(variant.cases.iter().map(case).collect()))
            }
            TypeDefKind::Enum(def) => {
                let cases = def.cases.iter().map(|case| case.name.clone());
                format!("enum {}", list(cases.collect()))
            }
            TypeDefKind::Flags(flags) => {
                let flags = flags.flags.iter().map(|flag| flag.name.clone());
                format!("flags {}", list(flags.collect()))
            }
            TypeDefKind::List(ty) => format!("list<{}>", of(ty)),
            TypeDefKind::FixedLengthList(ty, length) => format!("list<{}, {length}>", of(ty)),
            TypeDefKind::Map(key, value) => format!("map<{}, {}>", of(key), of(value)),
            TypeDefKind::Option(ty) => format!("option<{}>", of(ty)),
            TypeDefKind::Result(result) => format!("result<{}, {}>", optional(&result.ok), optional(&result.err)),
            TypeDefKind::Tuple(tuple) => format!("tuple<{}>", list(tuple.types.iter().map(of).collect())),
            TypeDefKind::Stream(ty) => format!("stream<{}>", optional(ty)),
            TypeDefKind::Future(ty) => format!("future<{}>", optional(ty)),
            TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", of(&Type::Id(*id))),
            TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", of(&Type::Id(*id))),
            TypeDefKind::Type(ty) => of(ty),
            TypeDefKind::Resource | TypeDefKind::Unknown => format!("#{}", id.index()),
        }
    }

    /// As [`Self::structure`], with a definition that is known by its number alone, so that texts stay short.
    fn structure_of(&self, resolve: &Resolve, ty: &Type) -> String {
        match dealias(resolve, *ty) {
            Type::Id(id) => match self.first.get(&id) {
                Some(first) => format!("#{}", first.index()),
                None => self.structure(resolve, id),
            },
            ty => super::type_name(resolve, &ty),
        }
    }

    /// Whether the guest defines this resource, aliases followed.
    pub(super) fn defines(&self, resolve: &Resolve, resource: TypeId) -> bool {
        matches!(dealias(resolve, Type::Id(resource)), Type::Id(id) if self.defined.contains(&id))
    }

    /// The definitions of the same type that come before this one and are types of their own.
    pub(super) fn earlier(&self, id: TypeId) -> impl Iterator<Item = TypeId> {
        let earlier = self.earlier.get(&id).into_iter().flatten().copied();
        earlier.filter(move |earlier| self.first(*earlier) == *earlier)
    }

    /// The definition that stands for this one.
    pub(super) fn first(&self, id: TypeId) -> TypeId {
        self.first.get(&id).copied().unwrap_or(id)
    }
}

/// The definition that a type of an interface was cloned from.
fn root(resolve: &Resolve, item: &WorldItem, id: TypeId) -> TypeId {
    let (WorldItem::Interface { id: interface, .. }, Some(name)) = (item, &resolve.types[id].name) else {
        return id;
    };
    let mut root = *interface;
    while let Some(original) = resolve.interfaces[root].clone_of {
        root = original;
    }
    resolve.interfaces[root].types.get(name).copied().unwrap_or(id)
}

/// Whether two types of this kind differ although they look the same.
fn is_nominal(kind: &TypeDefKind) -> bool {
    matches!(
        kind,
        TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_) | TypeDefKind::Flags(_)
    )
}
