//! [`Natively`]: for every Rust type that stands for a WIT type, how it becomes a canonical value and comes back.
//!
//! Conversions follow the WIT type, which knows what the Rust type does not: payloads of streams, and places where names
//! have numbers. Whether the two fit is checked once, when a function is linked or called, so that conversions may rely on
//! it; what does not fit all the same is an error, never a panic.

use super::store::NativeStore;
use super::transfer;
use crate::backend;
use crate::canonical::{Chunk, Type, Value};
use crate::error::{Error, Result};
use crate::stream::{FutureReader, StreamReader};
use crate::val::{ErrorContext, Resource};
use anyhow::{Context as _, anyhow, bail, ensure};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A type that a native store can lift and lower. Written by `#[derive(ComponentType)]`.
pub trait Natively: Sized + Send + 'static {
    /// Whether this Rust type stands for `ty`.
    ///
    /// # Errors
    /// When it does not; the error names the first place where they differ.
    fn check(ty: &Type) -> Result<()>;

    /// Converts a value for a guest.
    ///
    /// # Errors
    /// When it holds a handle that belongs elsewhere, or does not fit `ty`.
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value>;

    /// Converts a value of a guest.
    ///
    /// # Errors
    /// When the value does not fit.
    fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self>;

    /// [`Natively::check`] where a type may be missing, as the payload of a stream or a `result`.
    ///
    /// # Errors
    /// As [`Natively::check`].
    fn check_payload(ty: Option<&Type>) -> Result<()> {
        ty.map_or_else(|| Err(does_not_stand_for::<Self>("no type at all")), Self::check)
    }

    /// [`Natively::into_value`] where a type may be missing.
    ///
    /// # Errors
    /// As [`Natively::into_value`].
    fn payload_into_value(self, ty: Option<&Type>, store: &NativeStore) -> Result<Option<Box<Value>>> {
        let ty = ty.ok_or_else(missing_payload)?;
        Ok(Some(Box::new(self.into_value(ty, store)?)))
    }

    /// [`Natively::from_value`] where a type may be missing.
    ///
    /// # Errors
    /// As [`Natively::from_value`].
    fn payload_from_value(value: Option<Box<Value>>, ty: Option<&Type>, store: &NativeStore) -> Result<Self> {
        let (value, ty) = value.zip(ty).ok_or_else(missing_payload)?;
        Self::from_value(*value, ty, store)
    }

    /// Converts a list for a guest, given the type of its items.
    ///
    /// # Errors
    /// As [`Natively::into_value`].
    fn list_into_value(items: Vec<Self>, ty: &Type, store: &NativeStore) -> Result<Value> {
        let items = items.into_iter().map(|item| item.into_value(ty, store));
        Ok(Value::List(items.collect::<Result<_>>()?))
    }

    /// Converts a list of a guest, given the type of its items.
    ///
    /// # Errors
    /// As [`Natively::from_value`].
    fn list_from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Vec<Self>> {
        match value {
            Value::List(items) => items
                .into_iter()
                .map(|item| Self::from_value(item, ty, store))
                .collect(),
            other => Err(unexpected::<Vec<Self>>(&other)),
        }
    }

    /// Converts what a guest reads from a stream or future.
    ///
    /// # Errors
    /// As [`Natively::into_value`].
    fn into_chunk(items: Vec<Self>, ty: Option<&Type>, store: &NativeStore) -> Result<Chunk> {
        let ty = ty.ok_or_else(missing_payload)?;
        let items = items.into_iter().map(|item| item.into_value(ty, store));
        Ok(Chunk::Values(items.collect::<Result<_>>()?))
    }

    /// Converts what a guest wrote to a stream or future.
    ///
    /// # Errors
    /// As [`Natively::from_value`].
    fn from_chunk(chunk: Chunk, ty: Option<&Type>, store: &NativeStore) -> Result<Vec<Self>> {
        let ty = ty.ok_or_else(missing_payload)?;
        let items = chunk.into_values().into_iter();
        items.map(|item| Self::from_value(item, ty, store)).collect()
    }
}

fn does_not_stand_for<T>(kind: &str) -> Error {
    anyhow!("WIT has {kind} where Rust has `{}`", std::any::type_name::<T>())
}

/// The error of a Rust type that does not stand for `ty`.
pub(crate) fn mismatch<T>(ty: &Type) -> Error {
    does_not_stand_for::<T>(&format!("`{}`", ty.kind()))
}

pub(crate) fn unexpected<T>(value: &Value) -> Error {
    anyhow!(
        "a value of type {} is not a `{}`",
        value.kind(),
        std::any::type_name::<T>()
    )
}

pub(crate) fn missing_payload() -> Error {
    anyhow!("a payload is missing")
}

macro_rules! scalars {
    ($($rust:ty => $ty:ident),* $(,)?) => {$(
        impl Natively for $rust {
            fn check(ty: &Type) -> Result<()> {
                match ty {
                    Type::$ty => Ok(()),
                    other => Err(mismatch::<Self>(other)),
                }
            }
            fn into_value(self, _: &Type, _: &NativeStore) -> Result<Value> {
                Ok(Value::$ty(self))
            }
            fn from_value(value: Value, _: &Type, _: &NativeStore) -> Result<Self> {
                match value {
                    Value::$ty(value) => Ok(value),
                    other => Err(unexpected::<Self>(&other)),
                }
            }
        }
    )*};
}
scalars! {
    bool => Bool, i8 => S8, i16 => S16, u16 => U16, i32 => S32, u32 => U32, i64 => S64, u64 => U64,
    f32 => F32, f64 => F64, char => Char, String => String,
}

/// Bytes travel as bytes.
impl Natively for u8 {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::U8 => Ok(()),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, _: &Type, _: &NativeStore) -> Result<Value> {
        Ok(Value::U8(self))
    }
    fn from_value(value: Value, _: &Type, _: &NativeStore) -> Result<Self> {
        match value {
            Value::U8(value) => Ok(value),
            other => Err(unexpected::<Self>(&other)),
        }
    }
    fn list_into_value(items: Vec<Self>, _: &Type, _: &NativeStore) -> Result<Value> {
        Ok(Value::Bytes(items))
    }
    fn list_from_value(value: Value, _: &Type, _: &NativeStore) -> Result<Vec<Self>> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(unexpected::<Vec<u8>>(&other)),
        }
    }
    fn into_chunk(items: Vec<Self>, _: Option<&Type>, _: &NativeStore) -> Result<Chunk> {
        Ok(Chunk::Bytes(items))
    }
    fn from_chunk(chunk: Chunk, _: Option<&Type>, _: &NativeStore) -> Result<Vec<Self>> {
        match chunk {
            Chunk::Bytes(bytes) => Ok(bytes),
            other if other.is_empty() => Ok(Vec::new()),
            _ => bail!("the items of a stream<u8> came as something else than bytes"),
        }
    }
}

/// Nothing, where WIT has no type.
impl Natively for () {
    fn check(ty: &Type) -> Result<()> {
        Err(mismatch::<Self>(ty))
    }
    fn into_value(self, ty: &Type, _: &NativeStore) -> Result<Value> {
        Err(mismatch::<Self>(ty))
    }
    fn from_value(value: Value, _: &Type, _: &NativeStore) -> Result<Self> {
        Err(unexpected::<Self>(&value))
    }
    fn check_payload(ty: Option<&Type>) -> Result<()> {
        ty.map_or(Ok(()), |ty| Err(mismatch::<Self>(ty)))
    }
    fn payload_into_value(self, _: Option<&Type>, _: &NativeStore) -> Result<Option<Box<Value>>> {
        Ok(None)
    }
    fn payload_from_value(value: Option<Box<Value>>, _: Option<&Type>, _: &NativeStore) -> Result<Self> {
        value.map_or(Ok(()), |value| Err(unexpected::<Self>(&value)))
    }
    fn into_chunk(items: Vec<Self>, _: Option<&Type>, _: &NativeStore) -> Result<Chunk> {
        Ok(Chunk::Units(items.len()))
    }
    fn from_chunk(chunk: Chunk, _: Option<&Type>, _: &NativeStore) -> Result<Vec<Self>> {
        Ok(vec![(); chunk.len()])
    }
}

impl<T: Natively> Natively for Vec<T> {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::List(item) => T::check(item).context("the items of a list"),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
        match ty {
            Type::List(item) => T::list_into_value(self, item, store),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
        match ty {
            Type::List(item) => T::list_from_value(value, item, store),
            other => Err(mismatch::<Self>(other)),
        }
    }
}

impl<T: Natively, const N: usize> Natively for [T; N] {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::FixedLengthList(item, length) => {
                ensure!(
                    *length as usize == N,
                    "WIT has a list of {length} items where Rust has {N}"
                );
                T::check(item).context("the items of a list")
            }
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
        match ty {
            Type::FixedLengthList(item, _) => T::list_into_value(self.into(), item, store),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
        let Type::FixedLengthList(item, _) = ty else {
            return Err(mismatch::<Self>(ty));
        };
        let items = T::list_from_value(value, item, store)?;
        let too_many = |items: Vec<T>| anyhow!("a list of {} items where {N} are due", items.len());
        items.try_into().map_err(too_many)
    }
}

impl<T: Natively> Natively for Option<T> {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::Option(some) => T::check(some).context("the value of an option"),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
        match (self, ty) {
            (None, _) => Ok(Value::Case(0, None)),
            (Some(value), Type::Option(some)) => Ok(Value::Case(1, Some(Box::new(value.into_value(some, store)?)))),
            (_, other) => Err(mismatch::<Self>(other)),
        }
    }
    fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
        match (value, ty) {
            (Value::Case(0, _), _) => Ok(None),
            (Value::Case(1, Some(value)), Type::Option(some)) => Ok(Some(T::from_value(*value, some, store)?)),
            (other, _) => Err(unexpected::<Self>(&other)),
        }
    }
}

impl<T: Natively, E: Natively> Natively for Result<T, E> {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::Result(ok, err) => {
                T::check_payload(ok.as_deref()).context("the value of a result")?;
                E::check_payload(err.as_deref()).context("the error of a result")
            }
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
        match (self, ty) {
            (Ok(value), Type::Result(ok, _)) => Ok(Value::Case(0, value.payload_into_value(ok.as_deref(), store)?)),
            (Err(value), Type::Result(_, err)) => Ok(Value::Case(1, value.payload_into_value(err.as_deref(), store)?)),
            (_, other) => Err(mismatch::<Self>(other)),
        }
    }
    fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
        match (value, ty) {
            (Value::Case(0, value), Type::Result(ok, _)) => T::payload_from_value(value, ok.as_deref(), store).map(Ok),
            (Value::Case(1, value), Type::Result(_, err)) => {
                E::payload_from_value(value, err.as_deref(), store).map(Err)
            }
            (other, _) => Err(unexpected::<Self>(&other)),
        }
    }
}

macro_rules! maps {
    ($($map:ident: $($bound:ident),*;)*) => {$(
        impl<K: Natively $(+ $bound)*, V: Natively> Natively for $map<K, V> {
            fn check(ty: &Type) -> Result<()> {
                match ty {
                    Type::Map(key, value) => {
                        K::check(key).context("the keys of a map")?;
                        V::check(value).context("the values of a map")
                    }
                    other => Err(mismatch::<Self>(other)),
                }
            }
            fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
                let Type::Map(key, value) = ty else { return Err(mismatch::<Self>(ty)) };
                let entries = self.into_iter().map(|(k, v)| {
                    Ok(Value::Record(vec![k.into_value(key, store)?, v.into_value(value, store)?]))
                });
                Ok(Value::List(entries.collect::<Result<_>>()?))
            }
            fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
                let Type::Map(key_type, value_type) = ty else { return Err(mismatch::<Self>(ty)) };
                let Value::List(entries) = value else { return Err(unexpected::<Self>(&value)) };
                let entries = entries.into_iter().map(|entry| {
                    let (key, value) = pair(entry)?;
                    Ok((K::from_value(key, key_type, store)?, V::from_value(value, value_type, store)?))
                });
                entries.collect()
            }
        }
    )*};
}
maps! { HashMap: Eq, Hash; BTreeMap: Ord; }

/// Key and value of a map's entry.
pub(crate) fn pair(entry: Value) -> Result<(Value, Value)> {
    match entry {
        Value::Record(fields) => match <[Value; 2]>::try_from(fields) {
            Ok([key, value]) => Ok((key, value)),
            Err(fields) => bail!("an entry of a map has {} parts", fields.len()),
        },
        other => bail!("an entry of a map is a {}", other.kind()),
    }
}

impl<T: crate::ComponentType> Natively for StreamReader<T> {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::Stream(payload) => T::check_payload(payload.as_deref()).context("the items of a stream"),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
        match ty {
            Type::Stream(payload) => transfer::stream_into_value(self, payload.as_deref(), store),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
        match (value, ty) {
            (Value::Stream(end), Type::Stream(payload)) => Ok(Self::from_guest(backend::GuestStream::Native(
                store.keep_stream(end, payload.as_deref()),
            ))),
            (other, _) => Err(unexpected::<Self>(&other)),
        }
    }
}

impl<T: crate::ComponentType> Natively for FutureReader<T> {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::Future(payload) => T::check_payload(payload.as_deref()).context("the value of a future"),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
        match ty {
            Type::Future(payload) => transfer::future_into_value(self, payload.as_deref(), store),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
        match (value, ty) {
            (Value::Future(end), Type::Future(payload)) => Ok(Self::from_guest(backend::GuestFuture::Native(
                store.keep_future(end, payload.as_deref()),
            ))),
            (other, _) => Err(unexpected::<Self>(&other)),
        }
    }
}

impl Natively for ErrorContext {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::ErrorContext => Ok(()),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, _: &Type, store: &NativeStore) -> Result<Value> {
        store.error_context_into_value(&self)
    }
    fn from_value(value: Value, _: &Type, store: &NativeStore) -> Result<Self> {
        match value {
            Value::ErrorContext(context) => Ok(store.keep_error_context(context)),
            other => Err(unexpected::<Self>(&other)),
        }
    }
}

impl Natively for Resource {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::Own(_) | Type::Borrow(_) => Ok(()),
            other => Err(mismatch::<Self>(other)),
        }
    }
    fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
        store.resource_into_value(&self, ty)
    }
    fn from_value(value: Value, _: &Type, store: &NativeStore) -> Result<Self> {
        store.resource_from_value(value)
    }
}
