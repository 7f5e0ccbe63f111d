//! Value types: each is defined once for an index space, after the types it is made of, and named if WIT names it.
//!
//! Whether two types are the same is decided by `wit-parser`'s ids and, for types without a name, by their definition.
//! Structurally equal types of different names stay different.

use indexmap::IndexMap;
use std::collections::BTreeMap;

use wit_parser::{Handle, Type, TypeDef, TypeDefKind, TypeId, TypeOwner};

use super::binary::{Bound, Definition, Primitive, ValType};
use super::error::{self, Error};
use super::world::{Encoder, extern_name};

/// Async or not, parameters, result.
type Signature<'a> = (bool, Vec<(&'a str, Type)>, Option<Type>);

/// The types of one index space, by what they were made from.
#[derive(Default)]
pub(super) struct Known<'a> {
    ids: BTreeMap<TypeId, u32>,
    anonymous: IndexMap<&'a TypeDefKind, u32>,
    pub(super) functions: BTreeMap<Signature<'a>, u32>,
}

impl<'a> Known<'a> {
    fn find(&self, id: TypeId, ty: &TypeDef) -> Option<u32> {
        let anonymous = || self.anonymous.get(&ty.kind).filter(|_| ty.name.is_none());
        self.ids.get(&id).or_else(anonymous).copied()
    }

    fn add(&mut self, id: TypeId, ty: &'a TypeDef, index: u32) {
        self.ids.insert(id, index);
        if ty.name.is_none() {
            self.anonymous.insert(&ty.kind, index);
        }
    }
}

impl<'a> Encoder<'a> {
    /// A reference to `ty` for the current index space, which is made to have the definition.
    pub(super) fn value_type(&mut self, ty: Type) -> Result<ValType, Error> {
        let primitive = match ty {
            Type::Bool => Primitive::Bool,
            Type::U8 => Primitive::U8,
            Type::U16 => Primitive::U16,
            Type::U32 => Primitive::U32,
            Type::U64 => Primitive::U64,
            Type::S8 => Primitive::S8,
            Type::S16 => Primitive::S16,
            Type::S32 => Primitive::S32,
            Type::S64 => Primitive::S64,
            Type::F32 => Primitive::F32,
            Type::F64 => Primitive::F64,
            Type::Char => Primitive::Char,
            Type::String => Primitive::String,
            Type::ErrorContext => Primitive::ErrorContext,
            Type::Id(id) => return self.type_by_id(id),
        };
        Ok(ValType::Primitive(primitive))
    }

    fn type_by_id(&mut self, id: TypeId) -> Result<ValType, Error> {
        let def = &self.resolve.types[id];
        if let Some(index) = self.known().find(id, def) {
            return Ok(ValType::Index(index));
        }
        if let TypeOwner::Interface(owner) = def.owner
            && self.interface != Some(owner)
        {
            let index = self.use_type(owner, id)?;
            self.known().add(id, def, index);
            return Ok(ValType::Index(index));
        }
        if !self.open.insert(id) {
            return Err(self.type_error(id, "it contains itself"));
        }

        let mut ty = self.define(id, def)?;
        if let Some(name) = &def.name
            && !matches!(def.kind, TypeDefKind::Resource)
        {
            let index = match ty {
                ValType::Index(index) => index,
                ValType::Primitive(primitive) => self.add(|new| new.primitive(primitive)),
            };
            let index = self.name_type(&extern_name(name, &def.external_id), Bound::Eq(index));
            ty = ValType::Index(index);
        }
        if let ValType::Index(index) = ty {
            self.known().add(id, def, index);
        }
        self.open.remove(&id);
        Ok(ty)
    }

    /// Writes a type's definition, and those of its parts before it.
    fn define(&mut self, id: TypeId, def: &'a TypeDef) -> Result<ValType, Error> {
        let index = match &def.kind {
            TypeDefKind::Record(record) => {
                let fields = record
                    .fields
                    .iter()
                    .map(|field| Ok((field.name.as_str(), self.value_type(field.ty)?)));
                let fields = fields.collect::<Result<Vec<_>, Error>>()?;
                self.add(|new| new.record(&fields))
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant
                    .cases
                    .iter()
                    .map(|case| Ok((case.name.as_str(), self.payload(case.ty)?)));
                let cases = cases.collect::<Result<Vec<_>, Error>>()?;
                self.add(|new| new.variant(&cases))
            }
            TypeDefKind::Tuple(tuple) => {
                let types = tuple.types.iter().map(|ty| self.value_type(*ty));
                let types = types.collect::<Result<Vec<_>, Error>>()?;
                self.add(|new| new.tuple(&types))
            }
            TypeDefKind::Flags(flags) => self.add(|new| new.flags(flags.flags.iter().map(|flag| flag.name.as_str()))),
            TypeDefKind::Enum(cases) => self.add(|new| new.cases(cases.cases.iter().map(|case| case.name.as_str()))),
            TypeDefKind::Map(key, value) => {
                let (key, value) = (self.value_type(*key)?, self.value_type(*value)?);
                self.add(|new| new.map(key, value))
            }
            TypeDefKind::Result(result) => {
                let (ok, err) = (self.payload(result.ok)?, self.payload(result.err)?);
                self.add(|new| new.result(ok, err))
            }
            TypeDefKind::Option(ty) => self.unary(*ty, |new, ty| new.option(ty))?,
            TypeDefKind::List(ty) => self.unary(*ty, |new, ty| new.list(ty))?,
            TypeDefKind::FixedLengthList(ty, length) => {
                self.unary(*ty, |new, ty| new.fixed_length_list(ty, *length))?
            }
            TypeDefKind::Future(ty) => self.carrier(*ty, |new, ty| new.future(ty))?,
            TypeDefKind::Stream(ty) => self.carrier(*ty, |new, ty| new.stream(ty))?,
            TypeDefKind::Handle(Handle::Own(id)) => self.handle(*id, |new, ty| new.own(ty))?,
            TypeDefKind::Handle(Handle::Borrow(id)) => self.handle(*id, |new, ty| new.borrow(ty))?,
            TypeDefKind::Resource => self.resource(id, def)?,
            TypeDefKind::Type(aliased) => return self.value_type(*aliased),
            TypeDefKind::Unknown => {
                return Err(self.type_error(id, "its definition is not resolved"));
            }
        };
        Ok(ValType::Index(index))
    }

    fn resource(&mut self, id: TypeId, def: &TypeDef) -> Result<u32, Error> {
        match &def.name {
            Some(name) => Ok(self.name_type(&extern_name(name, &def.external_id), Bound::Resource)),
            None => Err(self.type_error(id, "a resource needs a name")),
        }
    }

    fn handle(&mut self, id: TypeId, define: impl FnOnce(Definition<'_>, u32)) -> Result<u32, Error> {
        match self.type_by_id(id)? {
            ValType::Index(resource) => Ok(self.add(|new| define(new, resource))),
            ValType::Primitive(_) => Err(self.type_error(id, "a handle refers to it, but it is no resource")),
        }
    }

    fn unary(&mut self, ty: Type, define: impl FnOnce(Definition<'_>, ValType)) -> Result<u32, Error> {
        let ty = self.value_type(ty)?;
        Ok(self.add(|new| define(new, ty)))
    }

    fn carrier(
        &mut self,
        ty: Option<Type>,
        define: impl FnOnce(Definition<'_>, Option<ValType>),
    ) -> Result<u32, Error> {
        let ty = self.payload(ty)?;
        Ok(self.add(|new| define(new, ty)))
    }

    fn payload(&mut self, ty: Option<Type>) -> Result<Option<ValType>, Error> {
        ty.map(|ty| self.value_type(ty)).transpose()
    }

    fn add(&mut self, define: impl FnOnce(Definition<'_>)) -> u32 {
        let (index, ty) = self.new_type();
        define(ty);
        index
    }

    fn type_error(&self, id: TypeId, reason: &str) -> Error {
        Error::new(error::type_(self.resolve, id), reason)
    }
}
