//! The instructions, each with its effect.
//!
//! An instruction knows what it takes and what it gives; it does not know how a language spells it, nor does it emit anything.

use wit_parser::abi::WasmType;
use wit_parser::{ArchitectureSize, Resolve, Type, TypeDefKind, TypeId};

use super::layout::{Layout, cases};
use super::program::{Block, Kind};

/// A WIT type that is one core value without further structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of WIT")]
pub enum Scalar {
    Bool,
    U8,
    S8,
    U16,
    S16,
    U32,
    S32,
    U64,
    S64,
    F32,
    F64,
    Char,
}

impl Scalar {
    /// The scalar `ty` is, if it is one.
    pub fn of(ty: &Type) -> Option<Self> {
        Some(match ty {
            Type::Bool => Self::Bool,
            Type::U8 => Self::U8,
            Type::S8 => Self::S8,
            Type::U16 => Self::U16,
            Type::S16 => Self::S16,
            Type::U32 => Self::U32,
            Type::S32 => Self::S32,
            Type::U64 => Self::U64,
            Type::S64 => Self::S64,
            Type::F32 => Self::F32,
            Type::F64 => Self::F64,
            Type::Char => Self::Char,
            Type::String | Type::ErrorContext | Type::Id(_) => return None,
        })
    }

    /// The WIT type.
    pub fn ty(self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::U8 => Type::U8,
            Self::S8 => Type::S8,
            Self::U16 => Type::U16,
            Self::S16 => Type::S16,
            Self::U32 => Type::U32,
            Self::S32 => Type::S32,
            Self::U64 => Type::U64,
            Self::S64 => Type::S64,
            Self::F32 => Type::F32,
            Self::F64 => Type::F64,
            Self::Char => Type::Char,
        }
    }

    /// The core type it flattens to.
    pub fn core(self) -> WasmType {
        match self {
            Self::U64 | Self::S64 => WasmType::I64,
            Self::F32 => WasmType::F32,
            Self::F64 => WasmType::F64,
            _ => WasmType::I32,
        }
    }

    /// How its core value is kept in memory.
    pub fn mem(self) -> MemOp {
        match self {
            Self::Bool | Self::U8 => MemOp::U8,
            Self::S8 => MemOp::S8,
            Self::U16 => MemOp::U16,
            Self::S16 => MemOp::S16,
            Self::U32 | Self::S32 | Self::Char => MemOp::I32,
            Self::U64 | Self::S64 => MemOp::I64,
            Self::F32 => MemOp::F32,
            Self::F64 => MemOp::F64,
        }
    }
}

/// A load or store of one core value: its width, and for loads how it is extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named for width and extension")]
pub enum MemOp {
    U8,
    S8,
    U16,
    S16,
    I32,
    I64,
    F32,
    F64,
    Pointer,
    Length,
}

impl MemOp {
    /// The core type that is loaded or stored.
    pub fn core(self) -> WasmType {
        match self {
            Self::U8 | Self::S8 | Self::U16 | Self::S16 | Self::I32 => WasmType::I32,
            Self::I64 => WasmType::I64,
            Self::F32 => WasmType::F32,
            Self::F64 => WasmType::F64,
            Self::Pointer => WasmType::Pointer,
            Self::Length => WasmType::Length,
        }
    }
}

/// One instruction. The comment beside each variant is its effect: what it takes `->` what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inst {
    /// `-> i32`
    Const(i32),
    /// `-> core`: what an unused slot of a variant holds.
    Zero(WasmType),
    /// `from -> to`: between a case's slot and the joined slot; bits are kept, narrowed or zero-extended.
    Cast(WasmType, WasmType),
    /// `scalar -> core`
    LowerScalar(Scalar),
    /// `core -> scalar`
    LiftScalar(Scalar),
    /// `string -> pointer length`
    LowerString,
    /// `pointer length -> string`
    LiftString,
    /// `list -> pointer length`: elements whose representation is the canonical one; the list itself is passed.
    LowerPlainList(TypeId),
    /// `pointer length -> list`: takes the memory over.
    LiftPlainList(TypeId),
    /// `list -> pointer length`; the block stores one element: `element pointer ->`.
    LowerList(TypeId, Block),
    /// `pointer length -> list`; the block loads one element: `pointer -> element`.
    LiftList(TypeId, Block),
    /// `map -> pointer length`; the block stores one entry: `key value pointer ->`.
    LowerMap(TypeId, Block),
    /// `pointer length -> map`; the block loads one entry: `pointer -> key value`.
    LiftMap(TypeId, Block),
    /// `list -> element..`, as many as the type says.
    SplitFixedList(TypeId),
    /// `element.. -> list`
    JoinFixedList(TypeId),
    /// `list pointer ->`; the block stores one element: `element pointer ->`.
    StoreFixedList(TypeId, Block),
    /// `pointer -> list`; the block loads one element: `pointer -> element`.
    LoadFixedList(TypeId, Block),
    /// `record -> field..`
    SplitRecord(TypeId),
    /// `field.. -> record`
    JoinRecord(TypeId),
    /// `tuple -> element..`
    SplitTuple(TypeId),
    /// `element.. -> tuple`
    JoinTuple(TypeId),
    /// `flags -> i32`
    LowerFlags(TypeId),
    /// `i32 -> flags`: unknown bits are ignored.
    LiftFlags(TypeId),
    /// `enum -> i32`
    LowerEnum(TypeId),
    /// `i32 -> enum`
    LiftEnum(TypeId),
    /// `variant -> core..`: one block for each case, `payload? -> core..`; also options and results.
    Match(TypeId, Vec<Block>, Vec<WasmType>),
    /// `i32 -> variant`: one block for each case, `-> payload?`; also options and results.
    Select(TypeId, Vec<Block>),
    /// `stream -> i32`
    LowerStream(TypeId),
    /// `i32 -> stream`
    LiftStream(TypeId),
    /// `future -> i32`
    LowerFuture(TypeId),
    /// `i32 -> future`
    LiftFuture(TypeId),
    /// `handle -> i32`: an own or borrow handle of a resource.
    LowerHandle(TypeId),
    /// `i32 -> handle`: an own or borrow handle; a borrow of a resource the guest defines is its representation.
    LiftHandle(TypeId),
    /// `error-context -> i32`
    LowerErrorContext,
    /// `i32 -> error-context`
    LiftErrorContext,
    /// `pointer -> pointer`
    Offset(ArchitectureSize),
    /// `pointer -> core`
    Load(MemOp, ArchitectureSize),
    /// `core pointer ->`
    Store(MemOp, ArchitectureSize),
    /// `value pointer ->`: the type's own function.
    StoreNamed(TypeId),
    /// `pointer -> value`: the type's own function.
    LoadNamed(TypeId),
    /// `value -> core..`: the type's own function.
    LowerNamed(TypeId),
    /// `core.. -> value`: the type's own function.
    LiftNamed(TypeId),
    /// `-> pointer`: memory for this call, freed when the call has returned.
    Area(Layout),
    /// `value -> value pointer`: keeps the value and an area alive until post-return.
    Hold(Type, Layout),
    /// `pointer ->`: frees a parameter area the host allocated.
    FreeArea(Layout),
    /// `core.. -> core..`: calls the core import.
    CallImport(Vec<WasmType>, Vec<WasmType>),
    /// `value.. -> value?`: calls the user's function.
    CallUser(Vec<Type>, Option<Type>),
}

/// What an instruction takes and gives.
pub struct Effect {
    /// Kinds of its operands.
    pub takes: Vec<Kind>,
    /// Kinds of its results.
    pub gives: Vec<Kind>,
}

fn effect(takes: impl Into<Vec<Kind>>, gives: impl Into<Vec<Kind>>) -> Effect {
    Effect {
        takes: takes.into(),
        gives: gives.into(),
    }
}

fn cores(types: &[WasmType]) -> Vec<Kind> {
    types.iter().map(|ty| Kind::Core(*ty)).collect()
}

const PTR: Kind = Kind::Core(WasmType::Pointer);
const LEN: Kind = Kind::Core(WasmType::Length);
const I32: Kind = Kind::Core(WasmType::I32);

impl Inst {
    /// The effect; each arm says it once for both directions.
    pub fn effect(&self, resolve: &Resolve, flat: impl Fn(&Type) -> Vec<WasmType>) -> Effect {
        let value = |id: &TypeId| Kind::wit(resolve, Type::Id(*id));
        match self {
            Self::Const(_) => effect([], [I32]),
            Self::Zero(ty) => effect([], [Kind::Core(*ty)]),
            Self::Cast(from, to) => effect([Kind::Core(*from)], [Kind::Core(*to)]),
            Self::LowerScalar(scalar) => effect([Kind::Wit(scalar.ty())], [Kind::Core(scalar.core())]),
            Self::LiftScalar(scalar) => effect([Kind::Core(scalar.core())], [Kind::Wit(scalar.ty())]),
            Self::LowerString => effect([Kind::Wit(Type::String)], [PTR, LEN]),
            Self::LiftString => effect([PTR, LEN], [Kind::Wit(Type::String)]),
            Self::LowerPlainList(id) | Self::LowerList(id, _) | Self::LowerMap(id, _) => {
                effect([value(id)], [PTR, LEN])
            }
            Self::LiftPlainList(id) | Self::LiftList(id, _) | Self::LiftMap(id, _) => effect([PTR, LEN], [value(id)]),
            Self::SplitFixedList(id) | Self::SplitRecord(id) | Self::SplitTuple(id) => {
                effect([value(id)], parts(resolve, *id))
            }
            Self::JoinFixedList(id) | Self::JoinRecord(id) | Self::JoinTuple(id) => {
                effect(parts(resolve, *id), [value(id)])
            }
            Self::StoreFixedList(id, _) | Self::StoreNamed(id) => effect([value(id), PTR], []),
            Self::LoadFixedList(id, _) | Self::LoadNamed(id) => effect([PTR], [value(id)]),
            Self::LowerFlags(id)
            | Self::LowerEnum(id)
            | Self::LowerStream(id)
            | Self::LowerFuture(id)
            | Self::LowerHandle(id) => effect([value(id)], [I32]),
            Self::LiftFlags(id)
            | Self::LiftEnum(id)
            | Self::LiftStream(id)
            | Self::LiftFuture(id)
            | Self::LiftHandle(id) => effect([I32], [value(id)]),
            Self::LowerErrorContext => effect([Kind::Wit(Type::ErrorContext)], [I32]),
            Self::LiftErrorContext => effect([I32], [Kind::Wit(Type::ErrorContext)]),
            Self::Match(id, _, results) => effect([value(id)], cores(results)),
            Self::Select(id, _) => effect([I32], [value(id)]),
            Self::Offset(_) => effect([PTR], [PTR]),
            Self::Load(op, _) => effect([PTR], [Kind::Core(op.core())]),
            Self::Store(op, _) => effect([Kind::Core(op.core()), PTR], []),
            Self::LowerNamed(id) => effect([value(id)], cores(&flat(&Type::Id(*id)))),
            Self::LiftNamed(id) => effect(cores(&flat(&Type::Id(*id))), [value(id)]),
            Self::Area(_) => effect([], [PTR]),
            Self::Hold(ty, _) => effect([Kind::wit(resolve, *ty)], [Kind::wit(resolve, *ty), PTR]),
            Self::FreeArea(_) => effect([PTR], []),
            Self::CallImport(params, results) => effect(cores(params), cores(results)),
            Self::CallUser(params, result) => effect(
                params.iter().map(|ty| Kind::wit(resolve, *ty)).collect::<Vec<_>>(),
                result.iter().map(|ty| Kind::wit(resolve, *ty)).collect::<Vec<_>>(),
            ),
        }
    }

    /// What each nested block takes and gives, in order.
    pub fn block_effects(&self, resolve: &Resolve) -> Vec<(&Block, Effect)> {
        let wit = |ty: &Type| Kind::wit(resolve, *ty);
        match self {
            Self::LowerList(id, block) | Self::StoreFixedList(id, block) => {
                vec![(block, effect([wit(&element(resolve, *id)), PTR], []))]
            }
            Self::LiftList(id, block) | Self::LoadFixedList(id, block) => {
                vec![(block, effect([PTR], [wit(&element(resolve, *id))]))]
            }
            Self::LowerMap(id, block) => {
                let (key, value) = entry(resolve, *id);
                vec![(block, effect([wit(&key), wit(&value), PTR], []))]
            }
            Self::LiftMap(id, block) => {
                let (key, value) = entry(resolve, *id);
                vec![(block, effect([PTR], [wit(&key), wit(&value)]))]
            }
            Self::Match(id, blocks, results) => {
                let payload = |case: Option<Type>| case.iter().map(wit).collect::<Vec<_>>();
                cases(resolve, *id)
                    .into_iter()
                    .zip(blocks)
                    .map(|(case, block)| (block, effect(payload(case), cores(results))))
                    .collect()
            }
            Self::Select(id, blocks) => {
                let payload = |case: Option<Type>| case.iter().map(wit).collect::<Vec<_>>();
                cases(resolve, *id)
                    .into_iter()
                    .zip(blocks)
                    .map(|(case, block)| (block, effect([], payload(case))))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The element type of a list or fixed-length list.
pub(super) fn element(resolve: &Resolve, id: TypeId) -> Type {
    match &resolve.types[id].kind {
        TypeDefKind::List(ty) | TypeDefKind::FixedLengthList(ty, _) => *ty,
        kind => unreachable!("list instructions are emitted for lists, not for {}", kind.as_str()),
    }
}

/// Key and value type of a map.
pub(super) fn entry(resolve: &Resolve, id: TypeId) -> (Type, Type) {
    match &resolve.types[id].kind {
        TypeDefKind::Map(key, value) => (*key, *value),
        kind => unreachable!("map instructions are emitted for maps, not for {}", kind.as_str()),
    }
}

/// The values a record, tuple or fixed-length list consists of.
fn parts(resolve: &Resolve, id: TypeId) -> Vec<Kind> {
    super::layout::parts(resolve, id)
        .into_iter()
        .map(|ty| Kind::wit(resolve, ty))
        .collect()
}
