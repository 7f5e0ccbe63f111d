//! What the native half of `#[derive(ComponentType)]` calls. Not for use by hand.
//!
//! Fields and cases come in the order of the Rust type; that this is the order of the WIT type is what `check` is for.

use super::store::NativeStore;
use super::typed::{Natively, mismatch};
use crate::canonical::{Type, Value};
use crate::error::{Error, Result};
use anyhow::{Context as _, anyhow, bail, ensure};

/// Checks the type of a field or payload.
pub type Check = fn(&Type) -> Result<()>;

/// Checks that `ty` is a record with these fields.
///
/// # Errors
/// When it is not.
pub fn check_record<T>(ty: &Type, fields: &[(&str, Check)]) -> Result<()> {
    let Type::Record(declared) = ty else {
        return Err(mismatch::<T>(ty));
    };
    let names: Vec<_> = declared.iter().map(|field| &*field.name).collect();
    same_names::<T>(
        "fields",
        &names,
        &fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
    )?;
    for (field, (name, check)) in declared.iter().zip(fields) {
        check(&field.ty).with_context(|| format!("field `{name}` of `{}`", std::any::type_name::<T>()))?;
    }
    Ok(())
}

/// Checks that `ty` is a flags type with these names.
///
/// # Errors
/// When it is not.
pub fn check_flags<T>(ty: &Type, names: &[&str]) -> Result<()> {
    let Type::Flags(declared) = ty else {
        return Err(mismatch::<T>(ty));
    };
    same_names::<T>("flags", &declared.iter().map(|name| &**name).collect::<Vec<_>>(), names)
}

/// Checks that `ty` is an enum with these cases.
///
/// # Errors
/// When it is not.
pub fn check_enum<T>(ty: &Type, names: &[&str]) -> Result<()> {
    let Type::Enum(declared) = ty else {
        return Err(mismatch::<T>(ty));
    };
    same_names::<T>("cases", &declared.iter().map(|name| &**name).collect::<Vec<_>>(), names)
}

/// Checks that `ty` is a variant with these cases.
///
/// # Errors
/// When it is not.
pub fn check_variant<T>(ty: &Type, cases: &[(&str, Option<Check>)]) -> Result<()> {
    let Type::Variant(declared) = ty else {
        return Err(mismatch::<T>(ty));
    };
    let names: Vec<_> = declared.iter().map(|case| &*case.name).collect();
    same_names::<T>(
        "cases",
        &names,
        &cases.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
    )?;
    for (case, (name, check)) in declared.iter().zip(cases) {
        let place = || format!("case `{name}` of `{}`", std::any::type_name::<T>());
        match (&case.ty, check) {
            (Some(ty), Some(check)) => check(ty).with_context(place)?,
            (None, None) => {}
            (Some(_), None) => return Err(anyhow!("WIT has a payload where Rust has none").context(place())),
            (None, Some(_)) => return Err(anyhow!("Rust has a payload where WIT has none").context(place())),
        }
    }
    Ok(())
}

fn same_names<T>(what: &str, wit: &[&str], rust: &[&str]) -> Result<()> {
    ensure!(
        wit == rust,
        "the {what} are `{}` in WIT and `{}` in `{}`",
        wit.join("`, `"),
        rust.join("`, `"),
        std::any::type_name::<T>()
    );
    Ok(())
}

/// A record on its way to a guest.
pub struct RecordTo<'a> {
    ty: &'a Type,
    store: &'a NativeStore,
    values: Vec<Value>,
}

impl<'a> RecordTo<'a> {
    /// Begins a record of type `ty`.
    pub fn new(ty: &'a Type, store: &'a NativeStore) -> Self {
        Self {
            ty,
            store,
            values: Vec::new(),
        }
    }

    /// Adds the next field.
    ///
    /// # Errors
    /// As [`Natively::into_value`].
    pub fn field<T: Natively>(&mut self, value: T) -> Result<()> {
        let ty = field_type(self.ty, self.values.len())?;
        self.values.push(value.into_value(ty, self.store)?);
        Ok(())
    }

    /// The value.
    pub fn finish(self) -> Value {
        Value::Record(self.values)
    }
}

fn field_type(ty: &Type, index: usize) -> Result<&Type> {
    let field = match ty {
        Type::Record(fields) => fields.get(index),
        _ => None,
    };
    field.map(|field| &field.ty).ok_or_else(|| anyhow!("a field too many"))
}

/// A record that came from a guest.
pub struct RecordFrom<'a> {
    ty: &'a Type,
    store: &'a NativeStore,
    values: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl<'a> RecordFrom<'a> {
    /// # Errors
    /// When `value` is no record.
    pub fn new(value: Value, ty: &'a Type, store: &'a NativeStore) -> Result<Self> {
        match value {
            Value::Record(values) => Ok(Self {
                ty,
                store,
                values: values.into_iter().enumerate(),
            }),
            other => bail!("a value of type {} is not a record", other.kind()),
        }
    }

    /// Takes the next field.
    ///
    /// # Errors
    /// As [`Natively::from_value`].
    pub fn field<T: Natively>(&mut self) -> Result<T> {
        let (index, value) = self.values.next().ok_or_else(|| anyhow!("a field is missing"))?;
        T::from_value(value, field_type(self.ty, index)?, self.store)
    }
}

/// Case `index` of a variant, with its payload, for a guest.
///
/// # Errors
/// As [`Natively::into_value`].
pub fn case_to<T: Natively>(index: u32, payload: T, ty: &Type, store: &NativeStore) -> Result<Value> {
    let ty = payload_type(ty, index)?;
    Ok(Value::Case(index, Some(Box::new(payload.into_value(ty, store)?))))
}

fn payload_type(ty: &Type, index: u32) -> Result<&Type> {
    let case = match ty {
        Type::Variant(cases) => cases.get(index as usize),
        _ => None,
    };
    case.and_then(|case| case.ty.as_ref())
        .ok_or_else(|| anyhow!("case {index} has no payload"))
}

/// A case of an enum or variant that came from a guest.
pub struct CaseFrom<'a> {
    /// Its number.
    pub index: u32,
    payload: Option<Box<Value>>,
    ty: &'a Type,
    store: &'a NativeStore,
}

impl<'a> CaseFrom<'a> {
    /// # Errors
    /// When `value` is no case.
    pub fn new(value: Value, ty: &'a Type, store: &'a NativeStore) -> Result<Self> {
        match value {
            Value::Case(index, payload) => Ok(Self {
                index,
                payload,
                ty,
                store,
            }),
            other => bail!("a value of type {} is neither an enum nor a variant", other.kind()),
        }
    }

    /// The payload.
    ///
    /// # Errors
    /// As [`Natively::from_value`].
    pub fn payload<T: Natively>(self) -> Result<T> {
        let value = self.payload.ok_or_else(|| anyhow!("a payload is missing"))?;
        T::from_value(*value, payload_type(self.ty, self.index)?, self.store)
    }

    /// The error for a number that is no case.
    pub fn unknown(&self) -> Error {
        anyhow!("there is no case {}", self.index)
    }
}

/// The bits of a flags value.
///
/// # Errors
/// When `value` is something else.
pub fn flag_bits(value: Value) -> Result<u32> {
    match value {
        Value::Flags(bits) => Ok(bits),
        other => bail!("a value of type {} is not a flags value", other.kind()),
    }
}
