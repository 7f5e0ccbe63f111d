//! Lowering: from values to core values ([`Builder::lower`]) or into memory ([`Builder::store`]).
//!
//! Nothing here frees anything or takes a value over: see convention 1 of the parent module.

use wit_parser::abi::WasmType;
use wit_parser::{ArchitectureSize, FlagsRepr, Int, Type, TypeDefKind, TypeId};

use super::inst::{Inst, MemOp, Scalar, element, entry};
use super::layout::{cases, discriminant, parts};
use super::program::{Builder, Kind, ValueId};

/// A pointer and a distance from it.
#[derive(Clone, Copy)]
pub(super) struct Address {
    pub(super) base: ValueId,
    pub(super) offset: ArchitectureSize,
}

impl Address {
    pub(super) fn new(base: ValueId) -> Self {
        Self {
            base,
            offset: ArchitectureSize::default(),
        }
    }

    pub(super) fn plus(self, offset: ArchitectureSize) -> Self {
        Self {
            base: self.base,
            offset: self.offset + offset,
        }
    }

    pub(super) fn plus_pointer(self) -> Self {
        self.plus(ArchitectureSize::new(0, 1))
    }
}

/// How a discriminant of this width is kept in memory.
pub(super) fn discriminant_op(int: Int) -> MemOp {
    match int {
        Int::U8 => MemOp::U8,
        Int::U16 => MemOp::U16,
        Int::U32 => MemOp::I32,
        Int::U64 => MemOp::I64,
    }
}

/// How flags of this representation are kept in memory.
pub(super) fn flags_op(repr: FlagsRepr) -> MemOp {
    match repr {
        FlagsRepr::U8 => MemOp::U8,
        FlagsRepr::U16 => MemOp::U16,
        FlagsRepr::U32(_) => MemOp::I32,
    }
}

impl Builder<'_> {
    /// Flattens `value`.
    pub fn lower(&mut self, ty: &Type, value: ValueId) -> Vec<ValueId> {
        match ty {
            Type::Id(id) if self.types.is_named(*id) => self.emit(Inst::LowerNamed(*id), &[value]),
            Type::Id(id) => self.lower_def(*id, value),
            Type::String => self.emit(Inst::LowerString, &[value]),
            Type::ErrorContext => self.emit(Inst::LowerErrorContext, &[value]),
            ty => self.emit(Inst::LowerScalar(scalar(ty)), &[value]),
        }
    }

    /// Flattens `value` of a type definition, written out one level deep.
    pub(super) fn lower_def(&mut self, id: TypeId, value: ValueId) -> Vec<ValueId> {
        let resolve = self.types.resolve;
        match &resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.lower(ty, value),
            TypeDefKind::Record(_) => self.lower_parts(id, Inst::SplitRecord(id), value),
            TypeDefKind::Tuple(_) => self.lower_parts(id, Inst::SplitTuple(id), value),
            TypeDefKind::FixedLengthList(..) => self.lower_parts(id, Inst::SplitFixedList(id), value),
            TypeDefKind::Flags(_) => self.emit(Inst::LowerFlags(id), &[value]),
            TypeDefKind::Enum(_) => self.emit(Inst::LowerEnum(id), &[value]),
            TypeDefKind::Stream(_) => self.emit(Inst::LowerStream(id), &[value]),
            TypeDefKind::Future(_) => self.emit(Inst::LowerFuture(id), &[value]),
            TypeDefKind::Handle(_) => self.emit(Inst::LowerHandle(id), &[value]),
            TypeDefKind::List(_) => self.lower_list(id, value),
            TypeDefKind::Map(..) => self.lower_map(id, value),
            TypeDefKind::Variant(_) | TypeDefKind::Option(_) | TypeDefKind::Result(_) => self.lower_variant(id, value),
            kind => unreachable!("{} was refused before", kind.as_str()),
        }
    }

    fn lower_parts(&mut self, id: TypeId, split: Inst, value: ValueId) -> Vec<ValueId> {
        let values = self.emit(split, &[value]);
        let types = parts(self.types.resolve, id);
        types
            .iter()
            .zip(values)
            .flat_map(|(ty, value)| self.lower(ty, value))
            .collect()
    }

    fn lower_list(&mut self, id: TypeId, value: ValueId) -> Vec<ValueId> {
        let element = element(self.types.resolve, id);
        if self.types.is_plain(&element) {
            return self.emit(Inst::LowerPlainList(id), &[value]);
        }
        let block = self.store_element(&element);
        self.emit(Inst::LowerList(id, block), &[value])
    }

    fn store_element(&mut self, element: &Type) -> super::program::Block {
        let kinds = [Kind::wit(self.types.resolve, *element), Kind::Core(WasmType::Pointer)];
        let params = self.begin(&kinds);
        self.store(element, params[0], Address::new(params[1]));
        self.end(Vec::new())
    }

    fn lower_map(&mut self, id: TypeId, value: ValueId) -> Vec<ValueId> {
        let (key, item) = entry(self.types.resolve, id);
        let offsets = self.types.offsets(&[key, item]);
        let wit = |ty| Kind::wit(self.types.resolve, ty);
        let params = self.begin(&[wit(key), wit(item), Kind::Core(WasmType::Pointer)]);
        self.store(&key, params[0], Address::new(params[2]).plus(offsets[0]));
        self.store(&item, params[1], Address::new(params[2]).plus(offsets[1]));
        let block = self.end(Vec::new());
        self.emit(Inst::LowerMap(id, block), &[value])
    }

    fn lower_variant(&mut self, id: TypeId, value: ValueId) -> Vec<ValueId> {
        let joined = self.types.flat(&Type::Id(id));
        let mut blocks = Vec::new();
        for (index, case) in (0..).zip(cases(self.types.resolve, id)) {
            let params = self.begin_case(case);
            let mut results = vec![self.emit1(Inst::Const(index), &[])];
            if let Some(ty) = case {
                let flat = self.types.flat(&ty);
                let lowered = self.lower(&ty, params[0]);
                for ((value, from), to) in lowered.into_iter().zip(flat).zip(&joined[1..]) {
                    results.push(self.cast(value, from, *to));
                }
            }
            for ty in &joined[results.len()..] {
                results.push(self.emit1(Inst::Zero(*ty), &[]));
            }
            blocks.push(self.end(results));
        }
        self.emit(Inst::Match(id, blocks, joined), &[value])
    }

    pub(super) fn cast(&mut self, value: ValueId, from: WasmType, to: WasmType) -> ValueId {
        if from == to {
            value
        } else {
            self.emit1(Inst::Cast(from, to), &[value])
        }
    }

    fn begin_case(&mut self, payload: Option<Type>) -> Vec<ValueId> {
        let kind = payload.map(|ty| Kind::wit(self.types.resolve, ty));
        self.begin(kind.as_slice())
    }

    /// Stores `value` at `address`.
    pub(super) fn store(&mut self, ty: &Type, value: ValueId, address: Address) {
        match ty {
            Type::Id(id) if self.types.is_named(*id) => {
                let pointer = self.pointer(address);
                self.emit(Inst::StoreNamed(*id), &[value, pointer]);
            }
            Type::Id(id) => self.store_def(*id, value, address),
            Type::String => {
                let parts = self.emit(Inst::LowerString, &[value]);
                self.store_pair(&parts, address);
            }
            Type::ErrorContext => {
                let handle = self.lower(ty, value);
                self.store_core(MemOp::I32, handle[0], address);
            }
            ty => {
                let scalar = scalar(ty);
                let core = self.emit1(Inst::LowerScalar(scalar), &[value]);
                self.store_core(scalar.mem(), core, address);
            }
        }
    }

    /// Stores `value` of a type definition, written out one level deep.
    pub(super) fn store_def(&mut self, id: TypeId, value: ValueId, address: Address) {
        let resolve = self.types.resolve;
        match &resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.store(ty, value, address),
            TypeDefKind::Record(_) => self.store_parts(id, Inst::SplitRecord(id), value, address),
            TypeDefKind::Tuple(_) => self.store_parts(id, Inst::SplitTuple(id), value, address),
            TypeDefKind::FixedLengthList(element, _) => {
                let block = self.store_element(element);
                let pointer = self.pointer(address);
                self.emit(Inst::StoreFixedList(id, block), &[value, pointer]);
            }
            TypeDefKind::Flags(flags) => {
                let core = self.emit1(Inst::LowerFlags(id), &[value]);
                self.store_core(flags_op(flags.repr()), core, address);
            }
            TypeDefKind::Enum(def) => {
                let core = self.emit1(Inst::LowerEnum(id), &[value]);
                self.store_core(discriminant_op(def.tag()), core, address);
            }
            TypeDefKind::Stream(_) | TypeDefKind::Future(_) | TypeDefKind::Handle(_) => {
                let handle = self.lower_def(id, value);
                self.store_core(MemOp::I32, handle[0], address);
            }
            TypeDefKind::List(_) | TypeDefKind::Map(..) => {
                let parts = self.lower_def(id, value);
                self.store_pair(&parts, address);
            }
            TypeDefKind::Variant(_) | TypeDefKind::Option(_) | TypeDefKind::Result(_) => {
                self.store_variant(id, value, address)
            }
            kind => unreachable!("{} was refused before", kind.as_str()),
        }
    }

    fn store_parts(&mut self, id: TypeId, split: Inst, value: ValueId, address: Address) {
        let values = self.emit(split, &[value]);
        self.store_record(&parts(self.types.resolve, id), &values, address);
    }

    /// Stores values one after another as in a record.
    pub(super) fn store_record(&mut self, types: &[Type], values: &[ValueId], address: Address) {
        for ((ty, value), offset) in types.iter().zip(values).zip(self.types.offsets(types)) {
            self.store(ty, *value, address.plus(offset));
        }
    }

    fn store_variant(&mut self, id: TypeId, value: ValueId, address: Address) {
        let op = discriminant_op(discriminant(self.types.resolve, id));
        let payload = address.plus(self.types.payload_offset(id));
        let mut blocks = Vec::new();
        for (index, case) in (0..).zip(cases(self.types.resolve, id)) {
            let params = self.begin_case(case);
            let core = self.emit1(Inst::Const(index), &[]);
            self.store_core(op, core, address);
            if let Some(ty) = case {
                self.store(&ty, params[0], payload);
            }
            blocks.push(self.end(Vec::new()));
        }
        self.emit(Inst::Match(id, blocks, Vec::new()), &[value]);
    }

    fn store_pair(&mut self, parts: &[ValueId], address: Address) {
        self.store_core(MemOp::Pointer, parts[0], address);
        self.store_core(MemOp::Length, parts[1], address.plus_pointer());
    }

    pub(super) fn store_core(&mut self, op: MemOp, value: ValueId, address: Address) {
        self.emit(Inst::Store(op, address.offset), &[value, address.base]);
    }

    /// `address` as one value.
    pub(super) fn pointer(&mut self, address: Address) -> ValueId {
        if address.offset.is_empty() {
            return address.base;
        }
        self.emit1(Inst::Offset(address.offset), &[address.base])
    }
}

pub(super) fn scalar(ty: &Type) -> Scalar {
    Scalar::of(ty).unwrap_or_else(|| unreachable!("{ty:?} was refused before or handled by its own arm"))
}
