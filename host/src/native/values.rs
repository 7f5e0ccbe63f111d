//! Converts between [`Val`] and canonical values, as the WIT type says.

use super::store::NativeStore;
use crate::backend::{self, ResourceHandle};
use crate::canonical::{Case, Type, Value};
use crate::error::{Error, Result};
use crate::val::{AnyFuture, AnyStream, FutureEnd, Resource, StreamEnd, Val};
use anyhow::{Context as _, anyhow, ensure};
use std::sync::Arc;

/// The value for a guest.
///
/// # Errors
/// When the value is not of the type, or holds a handle that belongs elsewhere.
pub(crate) fn into_value(val: Val, ty: &Type, store: &NativeStore) -> Result<Value> {
    Ok(match (val, ty) {
        (Val::Bool(value), Type::Bool) => Value::Bool(value),
        (Val::S8(value), Type::S8) => Value::S8(value),
        (Val::U8(value), Type::U8) => Value::U8(value),
        (Val::S16(value), Type::S16) => Value::S16(value),
        (Val::U16(value), Type::U16) => Value::U16(value),
        (Val::S32(value), Type::S32) => Value::S32(value),
        (Val::U32(value), Type::U32) => Value::U32(value),
        (Val::S64(value), Type::S64) => Value::S64(value),
        (Val::U64(value), Type::U64) => Value::U64(value),
        (Val::Float32(value), Type::F32) => Value::F32(value),
        (Val::Float64(value), Type::F64) => Value::F64(value),
        (Val::Char(value), Type::Char) => Value::Char(value),
        (Val::String(value), Type::String) => Value::String(value),
        (Val::List(items), Type::List(item)) => list_into(items, item, store)?,
        (Val::FixedLengthList(items), Type::FixedLengthList(item, length)) => {
            let given = items.len();
            ensure!(
                given == *length as usize,
                "a list of {given} items where {length} are due"
            );
            list_into(items, item, store)?
        }
        (Val::Map(entries), Type::Map(key, value)) => map_into(entries, key, value, store)?,
        (Val::Record(fields), Type::Record(_)) => record_into(fields, ty, store)?,
        (Val::Tuple(items), Type::Tuple(types)) => {
            Value::Record(all_into(items, &types.iter().collect::<Vec<_>>(), store)?)
        }
        (Val::Variant(name, payload), Type::Variant(cases)) => variant_into(&name, payload, cases, store)?,
        (Val::Enum(name), Type::Enum(names)) => Value::Case(position(&name, names, "case")?, None),
        (Val::Option(None), Type::Option(_)) => Value::Case(0, None),
        (Val::Option(Some(value)), Type::Option(some)) => Value::Case(1, payload_into(Some(value), Some(some), store)?),
        (Val::Result(Ok(value)), Type::Result(ok, _)) => Value::Case(0, payload_into(value, ok.as_deref(), store)?),
        (Val::Result(Err(value)), Type::Result(_, err)) => Value::Case(1, payload_into(value, err.as_deref(), store)?),
        (Val::Flags(set), Type::Flags(names)) => Value::Flags(flags_into(&set, names)?),
        (Val::Stream(stream), Type::Stream(payload)) => match stream.take()? {
            StreamEnd::Host(reader) => reader.into_native(payload.as_deref(), store)?,
            StreamEnd::Guest(backend::GuestStreamAny::Native(end)) => Value::Stream(end.take(store)?),
            #[cfg(feature = "wasmtime")]
            StreamEnd::Guest(_) => return Err(untyped_elsewhere()),
        },
        (Val::Future(future), Type::Future(payload)) => match future.take()? {
            FutureEnd::Host(reader) => reader.into_native(payload.as_deref(), store)?,
            FutureEnd::Guest(backend::GuestFutureAny::Native(end)) => Value::Future(end.take(store)?),
            #[cfg(feature = "wasmtime")]
            FutureEnd::Guest(_) => return Err(untyped_elsewhere()),
        },
        (Val::Resource(Resource(ResourceHandle::Host(resource))), Type::Own(_) | Type::Borrow(_)) => {
            store.hand_out(resource, ty)
        }
        (Val::Resource(resource), Type::Own(_) | Type::Borrow(_)) => store.resource_into_value(&resource, ty)?,
        (Val::ErrorContext(context), Type::ErrorContext) => store.error_context_into_value(&context)?,
        (val, ty) => return Err(mismatch(&val, ty)),
    })
}

/// The values for a guest, each of its type.
///
/// # Errors
/// As [`into_value`], and when their number is not that of the types.
pub(crate) fn all_into(vals: Vec<Val>, types: &[&Type], store: &NativeStore) -> Result<Vec<Value>> {
    ensure!(
        vals.len() == types.len(),
        "{} values where {} are due",
        vals.len(),
        types.len()
    );
    let pairs = vals.into_iter().zip(types);
    pairs.map(|(val, ty)| into_value(val, ty, store)).collect()
}

fn mismatch(val: &Val, ty: &Type) -> Error {
    anyhow!("a value of type {} where {} is due", val.kind(), ty.kind())
}

#[cfg(feature = "wasmtime")]
fn untyped_elsewhere() -> Error {
    anyhow!("an untyped handle cannot move to another store")
}

fn list_into(items: Vec<Val>, item: &Type, store: &NativeStore) -> Result<Value> {
    if *item == Type::U8 {
        let bytes = items.into_iter().map(|item| match item {
            Val::U8(byte) => Ok(byte),
            other => Err(mismatch(&other, &Type::U8)),
        });
        return Ok(Value::Bytes(bytes.collect::<Result<_>>()?));
    }
    let items = items.into_iter().map(|val| into_value(val, item, store));
    Ok(Value::List(items.collect::<Result<_>>()?))
}

fn map_into(entries: Vec<(Val, Val)>, key: &Type, value: &Type, store: &NativeStore) -> Result<Value> {
    let entries = entries.into_iter().map(|(k, v)| {
        Ok(Value::Record(vec![
            into_value(k, key, store)?,
            into_value(v, value, store)?,
        ]))
    });
    Ok(Value::List(entries.collect::<Result<_>>()?))
}

fn flags_into(set: &[String], names: &[Arc<str>]) -> Result<u32> {
    let mut bits = 0;
    for name in set {
        bits |= 1 << position(name, names, "flag")?;
    }
    Ok(bits)
}

fn record_into(mut given: Vec<(String, Val)>, ty: &Type, store: &NativeStore) -> Result<Value> {
    let Type::Record(fields) = ty else {
        return Err(anyhow!("not a record"));
    };
    let mut values = Vec::with_capacity(fields.len());
    for field in fields.iter() {
        let place = given.iter().position(|(name, _)| **name == *field.name);
        let place = place.with_context(|| format!("the record has no field `{}`", field.name))?;
        let value = into_value(given.swap_remove(place).1, &field.ty, store);
        values.push(value.with_context(|| format!("field `{}`", field.name))?);
    }
    match given.first() {
        None => Ok(Value::Record(values)),
        Some((name, _)) => Err(anyhow!("the record has a field `{name}` too many")),
    }
}

fn variant_into(name: &str, payload: Option<Box<Val>>, cases: &[Case], store: &NativeStore) -> Result<Value> {
    let index = cases.iter().position(|case| *case.name == *name);
    let index = index.with_context(|| format!("there is no case `{name}`"))?;
    let payload = payload_into(payload, cases[index].ty.as_ref(), store).with_context(|| format!("case `{name}`"))?;
    Ok(Value::Case(u32::try_from(index)?, payload))
}

fn payload_into(payload: Option<Box<Val>>, ty: Option<&Type>, store: &NativeStore) -> Result<Option<Box<Value>>> {
    match (payload, ty) {
        (Some(val), Some(ty)) => Ok(Some(Box::new(into_value(*val, ty, store)?))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(anyhow!("there is a payload where none is due")),
        (None, Some(_)) => Err(anyhow!("a payload is missing")),
    }
}

fn position(name: &str, names: &[Arc<str>], what: &str) -> Result<u32> {
    let found = names.iter().position(|other| **other == *name);
    Ok(u32::try_from(
        found.with_context(|| format!("there is no {what} `{name}`"))?,
    )?)
}

/// The value of a guest.
///
/// # Errors
/// When the value is not of the type, which lifting excludes.
pub(crate) fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Val> {
    Ok(match (value, ty) {
        (Value::Bool(value), _) => Val::Bool(value),
        (Value::S8(value), _) => Val::S8(value),
        (Value::U8(value), _) => Val::U8(value),
        (Value::S16(value), _) => Val::S16(value),
        (Value::U16(value), _) => Val::U16(value),
        (Value::S32(value), _) => Val::S32(value),
        (Value::U32(value), _) => Val::U32(value),
        (Value::S64(value), _) => Val::S64(value),
        (Value::U64(value), _) => Val::U64(value),
        (Value::F32(value), _) => Val::Float32(value),
        (Value::F64(value), _) => Val::Float64(value),
        (Value::Char(value), _) => Val::Char(value),
        (Value::String(value), _) => Val::String(value),
        (value, Type::List(item)) => Val::List(list_from(value, item, store)?),
        (value, Type::FixedLengthList(item, _)) => Val::FixedLengthList(list_from(value, item, store)?),
        (Value::List(entries), Type::Map(key, value)) => {
            let entries = entries.into_iter().map(|entry| {
                let (k, v) = super::typed::pair(entry)?;
                Ok((from_value(k, key, store)?, from_value(v, value, store)?))
            });
            Val::Map(entries.collect::<Result<_>>()?)
        }
        (Value::Record(values), Type::Record(fields)) => {
            let fields = values.into_iter().zip(fields.iter());
            let fields =
                fields.map(|(value, field)| Ok((field.name.to_string(), from_value(value, &field.ty, store)?)));
            Val::Record(fields.collect::<Result<_>>()?)
        }
        (Value::Record(values), Type::Tuple(types)) => {
            Val::Tuple(all_from(values, &types.iter().collect::<Vec<_>>(), store)?)
        }
        (Value::Case(index, payload), ty) => case_from(index, payload, ty, store)?,
        (Value::Flags(bits), Type::Flags(names)) => {
            let set = names.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
            Val::Flags(set.map(|(_, name)| name.to_string()).collect())
        }
        (Value::Stream(end), Type::Stream(payload)) => {
            let end = store.keep_any_stream(end, payload.as_deref());
            Val::Stream(AnyStream::from_end(StreamEnd::Guest(backend::GuestStreamAny::Native(
                end,
            ))))
        }
        (Value::Future(end), Type::Future(payload)) => {
            let end = store.keep_any_future(end, payload.as_deref());
            Val::Future(AnyFuture::from_end(FutureEnd::Guest(backend::GuestFutureAny::Native(
                end,
            ))))
        }
        (value @ (Value::Own(_) | Value::Borrow(..)), _) => Val::Resource(store.resource_from_value(value)?),
        (Value::ErrorContext(context), _) => Val::ErrorContext(store.keep_error_context(context)),
        (value, ty) => return Err(unexpected(&value, ty)),
    })
}

/// The values of a guest.
///
/// # Errors
/// As [`from_value`].
pub(crate) fn all_from(values: Vec<Value>, types: &[&Type], store: &NativeStore) -> Result<Vec<Val>> {
    let pairs = values.into_iter().zip(types);
    pairs.map(|(value, ty)| from_value(value, ty, store)).collect()
}

fn unexpected(value: &Value, ty: &Type) -> Error {
    anyhow!("a value of type {} came where {} is due", value.kind(), ty.kind())
}

fn list_from(value: Value, item: &Type, store: &NativeStore) -> Result<Vec<Val>> {
    match value {
        Value::Bytes(bytes) => Ok(bytes.into_iter().map(Val::U8).collect()),
        Value::List(items) => items.into_iter().map(|value| from_value(value, item, store)).collect(),
        other => Err(unexpected(&other, item)),
    }
}

fn case_from(index: u32, payload: Option<Box<Value>>, ty: &Type, store: &NativeStore) -> Result<Val> {
    let payload = |ty: Option<&Type>| match (payload, ty) {
        (Some(value), Some(ty)) => Ok::<_, Error>(Some(Box::new(from_value(*value, ty, store)?))),
        _ => Ok(None),
    };
    Ok(match (index, ty) {
        (_, Type::Variant(cases)) => {
            let case = cases.get(index as usize).context("there is no such case")?;
            Val::Variant(case.name.to_string(), payload(case.ty.as_ref())?)
        }
        (_, Type::Enum(names)) => Val::Enum(names.get(index as usize).context("there is no such case")?.to_string()),
        (0, Type::Option(_)) => Val::Option(None),
        (_, Type::Option(some)) => Val::Option(payload(Some(some))?),
        (0, Type::Result(ok, _)) => Val::Result(Ok(payload(ok.as_deref())?)),
        (_, Type::Result(_, err)) => Val::Result(Err(payload(err.as_deref())?)),
        (_, other) => return Err(anyhow!("a case came where {} is due", other.kind())),
    })
}
