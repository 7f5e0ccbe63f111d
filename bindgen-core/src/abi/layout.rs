//! Facts about types: sizes, flattening, what they contain.

use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Alignment, ArchitectureSize, Handle, Int, Resolve, SizeAlign, Type, TypeDefKind, TypeId, WorldId};

use super::identity::{Identities, Sharing};
use crate::diagnostic::Diagnostic;

/// Size and alignment, symbolic in the width of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes plus pointers.
    pub size: ArchitectureSize,
    /// Alignment.
    pub align: Alignment,
}

/// What a value of a type may hold, directly or deep inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TypeFacts {
    /// A string, list or map: memory on the heap.
    pub heap: bool,
    /// A stream, future, error context or own handle: what is given away when it is passed on.
    pub owned: bool,
    /// A borrow handle: what is only valid during a call.
    pub borrowed: bool,
    /// A handle of a resource, also as the payload of a stream or future.
    pub resource: bool,
    /// Lowering it may allocate or note handles, so it needs a clean-up list.
    pub cleanup: bool,
    /// Lifting it as part of an export's parameters makes handles that have to be dropped when the call ends: borrows of resources
    /// that others define.
    pub lent: bool,
}

impl TypeFacts {
    fn merge(self, other: Self) -> Self {
        Self {
            heap: self.heap || other.heap,
            owned: self.owned || other.owned,
            borrowed: self.borrowed || other.borrowed,
            resource: self.resource || other.resource,
            cleanup: self.cleanup || other.cleanup,
            lent: self.lent || other.lent,
        }
    }

    /// Whether values cannot be copied: they hold handles of some kind.
    pub fn handle(self) -> bool {
        self.owned || self.borrowed
    }
}

/// A resolve with the sizes of its types, seen from a world.
pub struct Types<'a> {
    /// The resolved WIT.
    pub resolve: &'a Resolve,
    sizes: SizeAlign,
    facts: Vec<TypeFacts>,
    identities: Identities,
}

impl<'a> Types<'a> {
    /// Computes all sizes.
    ///
    /// # Errors
    ///
    /// A fixed-length list that no address space holds.
    pub fn new(resolve: &'a Resolve, world: WorldId, sharing: &Sharing) -> Result<Self, Diagnostic> {
        let mut sizes = SizeAlign::default();
        sizes
            .fill(resolve)
            .map_err(|error| Diagnostic::new(error.to_string()))?;
        let mut types = Self {
            resolve,
            sizes,
            facts: Vec::new(),
            identities: Identities::default(),
        };
        types.collect_facts();
        let facts = |id| types.facts(&Type::Id(id));
        types.identities = Identities::new(resolve, &resolve.worlds[world], sharing, facts);
        // Which borrows have to be dropped depends on who defines the resource.
        types.collect_facts();
        Ok(types)
    }

    fn collect_facts(&mut self) {
        self.facts.clear();
        // Types come after those they hold.
        for (_, def) in self.resolve.types.iter() {
            self.facts.push(self.facts_of(&def.kind));
        }
    }

    /// Whether the guest defines this resource: then its borrows arrive as representations. Aliases are followed.
    pub fn defines(&self, resource: TypeId) -> bool {
        self.identities.defines(self.resolve, resource)
    }

    /// The definition that bindings have for this one: another if its interface occurs in the world several times.
    pub fn first(&self, id: TypeId) -> TypeId {
        self.identities.first(id)
    }

    /// The definitions of the same WIT type that come before this one in the world and that bindings do not share with others. Types
    /// that hold resources differ from each other, and have none.
    pub fn earlier(&self, id: TypeId) -> impl Iterator<Item = TypeId> {
        self.identities.earlier(id)
    }

    /// Size and alignment of one value in memory.
    pub fn layout(&self, ty: &Type) -> Layout {
        Layout {
            size: self.sizes.size(ty),
            align: self.sizes.align(ty),
        }
    }

    /// Layout of the optional payload of a stream or future; nothing takes no space.
    pub fn payload_layout(&self, ty: Option<&Type>) -> Layout {
        ty.map_or_else(|| self.record(&[]), |ty| self.layout(ty))
    }

    /// Layout of values stored one after another as in a record.
    pub fn record(&self, types: &[Type]) -> Layout {
        let info = self.sizes.record(types);
        Layout {
            size: info.size,
            align: info.align,
        }
    }

    /// The offset of each of `types` in a record of them.
    pub fn offsets(&self, types: &[Type]) -> Vec<ArchitectureSize> {
        self.sizes
            .field_offsets(types)
            .into_iter()
            .map(|(offset, _)| offset)
            .collect()
    }

    /// The offset of a variant's payload.
    pub fn payload_offset(&self, id: TypeId) -> ArchitectureSize {
        let cases = cases(self.resolve, id);
        self.sizes
            .payload_offset(discriminant(self.resolve, id), cases.iter().map(Option::as_ref))
    }

    /// The core types `ty` flattens to. Callers have checked that it fits a signature; beyond 1024 they are cut off.
    pub fn flat(&self, ty: &Type) -> Vec<WasmType> {
        let mut storage = [WasmType::I32; 1024];
        let mut flat = FlatTypes::new(&mut storage);
        self.resolve.push_flat(ty, &mut flat);
        flat.to_vec()
    }

    /// What `ty` holds.
    pub fn facts(&self, ty: &Type) -> TypeFacts {
        match ty {
            Type::String => TypeFacts {
                heap: true,
                ..TypeFacts::default()
            },
            Type::ErrorContext => TypeFacts {
                owned: true,
                cleanup: true,
                ..TypeFacts::default()
            },
            Type::Id(id) => self.facts.get(id.index()).copied().unwrap_or_default(),
            _ => TypeFacts::default(),
        }
    }

    /// Facts of a definition, those of the types inside it being known.
    fn facts_of(&self, kind: &TypeDefKind) -> TypeFacts {
        let own = match kind {
            TypeDefKind::Stream(payload) | TypeDefKind::Future(payload) => {
                return TypeFacts {
                    owned: true,
                    cleanup: true,
                    resource: payload.is_some_and(|ty| self.facts(&ty).resource),
                    ..TypeFacts::default()
                };
            }
            TypeDefKind::Handle(Handle::Own(_)) => TypeFacts {
                owned: true,
                cleanup: true,
                resource: true,
                ..TypeFacts::default()
            },
            TypeDefKind::Handle(Handle::Borrow(id)) => TypeFacts {
                borrowed: true,
                cleanup: true,
                resource: true,
                lent: !self.defines(*id),
                ..TypeFacts::default()
            },
            TypeDefKind::Resource => TypeFacts {
                resource: true,
                ..TypeFacts::default()
            },
            TypeDefKind::List(element) => TypeFacts {
                heap: true,
                cleanup: !self.is_plain(element),
                ..TypeFacts::default()
            },
            TypeDefKind::Map(..) => TypeFacts {
                heap: true,
                cleanup: true,
                ..TypeFacts::default()
            },
            _ => TypeFacts::default(),
        };
        inner_types(kind)
            .iter()
            .map(|ty| self.facts(ty))
            .fold(own, TypeFacts::merge)
    }

    /// Whether the value in memory is the canonical representation, for every value and without change: the numbers.
    pub fn is_plain(&self, ty: &Type) -> bool {
        !matches!(
            dealias(self.resolve, *ty),
            Type::Bool | Type::Char | Type::String | Type::ErrorContext | Type::Id(_)
        )
    }

    /// Whether the type has functions of its own for lifting and lowering.
    pub fn is_named(&self, id: TypeId) -> bool {
        let ty = &self.resolve.types[id];
        ty.name.is_some() && matches!(ty.kind, TypeDefKind::Record(_) | TypeDefKind::Variant(_))
    }
}

/// `ty` with all aliases followed.
pub fn dealias(resolve: &Resolve, mut ty: Type) -> Type {
    while let Type::Id(id) = ty {
        match resolve.types[id].kind {
            TypeDefKind::Type(target) => ty = target,
            _ => break,
        }
    }
    ty
}

/// Whether the type is a resource or another name of one. Only handles of these have a size.
pub fn is_resource(resolve: &Resolve, id: TypeId) -> bool {
    matches!(dealias(resolve, Type::Id(id)), Type::Id(id) if matches!(resolve.types[id].kind, TypeDefKind::Resource))
}

/// The payload of each case of a variant, option or result.
pub fn cases(resolve: &Resolve, id: TypeId) -> Vec<Option<Type>> {
    match &resolve.types[id].kind {
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| case.ty).collect(),
        TypeDefKind::Option(some) => vec![None, Some(*some)],
        TypeDefKind::Result(result) => vec![result.ok, result.err],
        kind => unreachable!("only variants, options and results have cases, not {}", kind.as_str()),
    }
}

/// The types directly inside a type.
pub fn inner_types(kind: &TypeDefKind) -> Vec<Type> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::Option(ty)
        | TypeDefKind::List(ty)
        | TypeDefKind::FixedLengthList(ty, _)
        | TypeDefKind::Type(ty) => vec![*ty],
        TypeDefKind::Map(key, value) => vec![*key, *value],
        TypeDefKind::Result(result) => result.ok.into_iter().chain(result.err).collect(),
        TypeDefKind::Stream(ty) | TypeDefKind::Future(ty) => ty.iter().copied().collect(),
        _ => Vec::new(),
    }
}

/// The integer that holds a variant's discriminant in memory.
pub(crate) fn discriminant(resolve: &Resolve, id: TypeId) -> Int {
    match &resolve.types[id].kind {
        TypeDefKind::Variant(variant) => variant.tag(),
        TypeDefKind::Enum(def) => def.tag(),
        TypeDefKind::Option(_) | TypeDefKind::Result(_) => Int::U8,
        kind => unreachable!("only variants and enums have discriminants, not {}", kind.as_str()),
    }
}

/// The types a record, tuple or fixed-length list consists of.
pub(crate) fn parts(resolve: &Resolve, id: TypeId) -> Vec<Type> {
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.ty).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.clone(),
        TypeDefKind::FixedLengthList(element, n) => vec![*element; *n as usize],
        kind => unreachable!(
            "only records, tuples and fixed-length lists have parts, not {}",
            kind.as_str()
        ),
    }
}
