//! Lifting: from core values ([`Builder::lift`]) or memory ([`Builder::load`]) to values.
//!
//! Lifted values own what they hold: memory behind pointers was allocated by the host for them.

use wit_parser::abi::WasmType;
use wit_parser::{Type, TypeDefKind, TypeId};

use super::inst::{Inst, MemOp, element, entry};
use super::layout::{cases, discriminant, parts};
use super::lower::{Address, discriminant_op, flags_op, scalar};
use super::program::{Block, Builder, Kind, ValueId};

impl Builder<'_> {
    /// Makes a value of the core values it was flattened to.
    pub fn lift(&mut self, ty: &Type, flat: &[ValueId]) -> ValueId {
        match ty {
            Type::Id(id) if self.types.is_named(*id) => self.emit1(Inst::LiftNamed(*id), flat),
            Type::Id(id) => self.lift_def(*id, flat),
            Type::String => self.emit1(Inst::LiftString, flat),
            Type::ErrorContext => self.emit1(Inst::LiftErrorContext, flat),
            ty => self.emit1(Inst::LiftScalar(scalar(ty)), flat),
        }
    }

    /// [`Builder::lift`] of a type definition, written out one level deep.
    pub(super) fn lift_def(&mut self, id: TypeId, flat: &[ValueId]) -> ValueId {
        let resolve = self.types.resolve;
        match &resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.lift(ty, flat),
            TypeDefKind::Record(_) => self.lift_parts(id, Inst::JoinRecord(id), flat),
            TypeDefKind::Tuple(_) => self.lift_parts(id, Inst::JoinTuple(id), flat),
            TypeDefKind::FixedLengthList(..) => self.lift_parts(id, Inst::JoinFixedList(id), flat),
            TypeDefKind::Flags(_) => self.emit1(Inst::LiftFlags(id), flat),
            TypeDefKind::Enum(_) => self.emit1(Inst::LiftEnum(id), flat),
            TypeDefKind::Stream(_) => self.emit1(Inst::LiftStream(id), flat),
            TypeDefKind::Future(_) => self.emit1(Inst::LiftFuture(id), flat),
            TypeDefKind::Handle(_) => self.emit1(Inst::LiftHandle(id), flat),
            TypeDefKind::List(_) => self.lift_list(id, flat),
            TypeDefKind::Map(..) => self.lift_map(id, flat),
            TypeDefKind::Variant(_) | TypeDefKind::Option(_) | TypeDefKind::Result(_) => self.lift_variant(id, flat),
            kind => unreachable!("{} was refused before", kind.as_str()),
        }
    }

    fn lift_parts(&mut self, id: TypeId, join: Inst, flat: &[ValueId]) -> ValueId {
        let values = self.lift_all(&parts(self.types.resolve, id), flat);
        self.emit1(join, &values)
    }

    /// Lifts several values from consecutive core values.
    pub(super) fn lift_all(&mut self, types: &[Type], mut flat: &[ValueId]) -> Vec<ValueId> {
        let mut values = Vec::new();
        for ty in types {
            let (own, rest) = flat.split_at(self.types.flat(ty).len());
            values.push(self.lift(ty, own));
            flat = rest;
        }
        values
    }

    fn lift_list(&mut self, id: TypeId, flat: &[ValueId]) -> ValueId {
        let element = element(self.types.resolve, id);
        if self.types.is_plain(&element) {
            return self.emit1(Inst::LiftPlainList(id), flat);
        }
        let block = self.load_element(&element);
        self.emit1(Inst::LiftList(id, block), flat)
    }

    fn load_element(&mut self, element: &Type) -> Block {
        let params = self.begin(&[Kind::Core(WasmType::Pointer)]);
        let value = self.load(element, Address::new(params[0]));
        self.end(vec![value])
    }

    fn lift_map(&mut self, id: TypeId, flat: &[ValueId]) -> ValueId {
        let (key, item) = entry(self.types.resolve, id);
        let params = self.begin(&[Kind::Core(WasmType::Pointer)]);
        let values = self.load_record(&[key, item], Address::new(params[0]));
        let block = self.end(values);
        self.emit1(Inst::LiftMap(id, block), flat)
    }

    fn lift_variant(&mut self, id: TypeId, flat: &[ValueId]) -> ValueId {
        let joined = self.types.flat(&Type::Id(id));
        let mut blocks = Vec::new();
        for case in cases(self.types.resolve, id) {
            self.begin(&[]);
            let mut results = Vec::new();
            if let Some(ty) = case {
                let wanted = self.types.flat(&ty);
                let slots = flat[1..].iter().zip(&joined[1..]).zip(wanted);
                let own: Vec<ValueId> = slots.map(|((slot, from), to)| self.cast(*slot, *from, to)).collect();
                results.push(self.lift(&ty, &own));
            }
            blocks.push(self.end(results));
        }
        self.emit1(Inst::Select(id, blocks), &flat[..1])
    }

    /// Loads a value from `address`.
    pub(super) fn load(&mut self, ty: &Type, address: Address) -> ValueId {
        match ty {
            Type::Id(id) if self.types.is_named(*id) => {
                let pointer = self.pointer(address);
                self.emit1(Inst::LoadNamed(*id), &[pointer])
            }
            Type::Id(id) => self.load_def(*id, address),
            Type::String => {
                let parts = self.load_pair(address);
                self.emit1(Inst::LiftString, &parts)
            }
            Type::ErrorContext => {
                let core = self.load_core(MemOp::I32, address);
                self.emit1(Inst::LiftErrorContext, &[core])
            }
            ty => {
                let scalar = scalar(ty);
                let core = self.load_core(scalar.mem(), address);
                self.emit1(Inst::LiftScalar(scalar), &[core])
            }
        }
    }

    /// [`Builder::load`] of a type definition, written out one level deep.
    pub(super) fn load_def(&mut self, id: TypeId, address: Address) -> ValueId {
        let resolve = self.types.resolve;
        match &resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.load(ty, address),
            TypeDefKind::Record(_) => self.load_parts(id, Inst::JoinRecord(id), address),
            TypeDefKind::Tuple(_) => self.load_parts(id, Inst::JoinTuple(id), address),
            TypeDefKind::FixedLengthList(element, _) => {
                let block = self.load_element(element);
                let pointer = self.pointer(address);
                self.emit1(Inst::LoadFixedList(id, block), &[pointer])
            }
            TypeDefKind::Flags(flags) => self.load_lift(flags_op(flags.repr()), id, address),
            TypeDefKind::Enum(def) => self.load_lift(discriminant_op(def.tag()), id, address),
            TypeDefKind::Stream(_) | TypeDefKind::Future(_) | TypeDefKind::Handle(_) => {
                self.load_lift(MemOp::I32, id, address)
            }
            TypeDefKind::List(_) | TypeDefKind::Map(..) => {
                let parts = self.load_pair(address);
                self.lift_def(id, &parts)
            }
            TypeDefKind::Variant(_) | TypeDefKind::Option(_) | TypeDefKind::Result(_) => self.load_variant(id, address),
            kind => unreachable!("{} was refused before", kind.as_str()),
        }
    }

    fn load_lift(&mut self, op: MemOp, id: TypeId, address: Address) -> ValueId {
        let core = self.load_core(op, address);
        self.lift_def(id, &[core])
    }

    fn load_parts(&mut self, id: TypeId, join: Inst, address: Address) -> ValueId {
        let values = self.load_record(&parts(self.types.resolve, id), address);
        self.emit1(join, &values)
    }

    /// Loads values stored one after another as in a record.
    pub(super) fn load_record(&mut self, types: &[Type], address: Address) -> Vec<ValueId> {
        let offsets = self.types.offsets(types);
        types
            .iter()
            .zip(offsets)
            .map(|(ty, offset)| self.load(ty, address.plus(offset)))
            .collect()
    }

    fn load_variant(&mut self, id: TypeId, address: Address) -> ValueId {
        let op = discriminant_op(discriminant(self.types.resolve, id));
        let case_index = self.load_core(op, address);
        let payload = address.plus(self.types.payload_offset(id));
        let mut blocks = Vec::new();
        for case in cases(self.types.resolve, id) {
            self.begin(&[]);
            let results = case.iter().map(|ty| self.load(ty, payload)).collect();
            blocks.push(self.end(results));
        }
        self.emit1(Inst::Select(id, blocks), &[case_index])
    }

    fn load_pair(&mut self, address: Address) -> [ValueId; 2] {
        [
            self.load_core(MemOp::Pointer, address),
            self.load_core(MemOp::Length, address.plus_pointer()),
        ]
    }

    pub(super) fn load_core(&mut self, op: MemOp, address: Address) -> ValueId {
        self.emit1(Inst::Load(op, address.offset), &[address.base])
    }
}
