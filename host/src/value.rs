//! [`ComponentType`]: the Rust types that stand for WIT types, and [`NamedList`]: the tuples that stand for parameter and
//! result lists.
//!
//! Why a trait of our own and not Wasmtime's: a stream's end must be the same type whichever engine, or none, is behind it,
//! and Wasmtime's traits are unsafe to implement and tied to its stores. Ours has two safe halves: [`Val`], which every
//! back end understands, and a hidden mirror of the type made of Wasmtime's own types, which keeps calls typed and byte
//! streams as fast as Wasmtime moves them. `#[derive(ComponentType)]` writes both.
//!
//! | WIT | Rust |
//! |---|---|
//! | `bool`, `s8` … `u64`, `f32`, `f64`, `char`, `string` | `bool`, `i8` … `u64`, `f32`, `f64`, `char`, `String` |
//! | `list<T>`, `list<T, N>` | `Vec<T>`, `[T; N]` |
//! | `option<T>`, `result<T, E>`, `tuple<A, B>` | `Option<T>`, `Result<T, E>` (`()` where WIT has nothing), `(A, B)` |
//! | `map<K, V>` | `HashMap<K, V>` or `BTreeMap<K, V>` |
//! | `stream<T>`, `future<T>` | [`StreamReader<T>`], [`FutureReader<T>`] (`T` is `()` where WIT has nothing) |
//! | `record`, `variant`, `enum`, `flags` | a type with `#[derive(ComponentType)]` |
//! | `error-context` | [`ErrorContext`] |
//! | a handle on a guest's resource | [`Resource`] |
//! | a handle on a resource of the host | [`Own<T>`](crate::Own), [`Borrow<T>`](crate::Borrow) |

use crate::backend::{NativeList, Natively, OnTheWire, WireKey, WireList};
use crate::error::{Error, Result};
use crate::stream::{FutureReader, StreamReader};
use crate::val::{AnyFuture, AnyStream, ErrorContext, Resource, Val};
use anyhow::{anyhow, bail};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A Rust type that stands for a WIT type. Implemented by `#[derive(ComponentType)]`.
pub trait ComponentType: OnTheWire + Natively {
    /// This value as a [`Val`].
    fn into_val(self) -> Val;

    /// The value that `val` is.
    ///
    /// # Errors
    /// When `val` is of another WIT type than `Self` stands for.
    fn from_val(val: Val) -> Result<Self>;

    /// This value as the payload of a `result`, where `()` means that there is none.
    #[doc(hidden)]
    fn into_payload(self) -> Option<Box<Val>> {
        Some(Box::new(self.into_val()))
    }

    /// The reverse of [`ComponentType::into_payload`].
    #[doc(hidden)]
    fn from_payload(payload: Option<Box<Val>>) -> Result<Self> {
        payload.map_or_else(|| bail!("a payload is missing"), |val| Self::from_val(*val))
    }
}

/// A tuple of [`ComponentType`]s: the parameters of a function, or its results, which are `()` or `(T,)`.
pub trait NamedList: ComponentType + WireList + NativeList {
    /// The members as [`Val`]s.
    fn into_vals(self) -> Vec<Val>;

    /// The reverse of [`NamedList::into_vals`].
    ///
    /// # Errors
    /// When the number of values or the type of one is wrong.
    fn from_vals(vals: Vec<Val>) -> Result<Self>;
}

pub(crate) fn mismatch<T>(val: &Val) -> Error {
    anyhow!(
        "a value of type {} is not a `{}`",
        val.kind(),
        std::any::type_name::<T>()
    )
}

macro_rules! plain {
    ($($ty:ty => $variant:ident),* $(,)?) => {$(
        impl ComponentType for $ty {
            fn into_val(self) -> Val {
                Val::$variant(self)
            }
            fn from_val(val: Val) -> Result<Self> {
                match val {
                    Val::$variant(value) => Ok(value),
                    other => Err(mismatch::<Self>(&other)),
                }
            }
        }
    )*};
}

plain! {
    bool => Bool, i8 => S8, u8 => U8, i16 => S16, u16 => U16, i32 => S32, u32 => U32, i64 => S64, u64 => U64,
    f32 => Float32, f64 => Float64, char => Char, String => String, Resource => Resource,
    ErrorContext => ErrorContext,
}

impl<T: ComponentType> ComponentType for Vec<T> {
    fn into_val(self) -> Val {
        Val::List(self.into_iter().map(T::into_val).collect())
    }
    fn from_val(val: Val) -> Result<Self> {
        match val {
            Val::List(items) => items.into_iter().map(T::from_val).collect(),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

impl<T: ComponentType, const N: usize> ComponentType for [T; N] {
    fn into_val(self) -> Val {
        Val::FixedLengthList(self.into_iter().map(T::into_val).collect())
    }
    fn from_val(val: Val) -> Result<Self> {
        let Val::FixedLengthList(items) = val else {
            return Err(mismatch::<Self>(&val));
        };
        let items = items.into_iter().map(T::from_val).collect::<Result<Vec<_>>>()?;
        items
            .try_into()
            .map_err(|items: Vec<T>| anyhow!("a list of {} items where {N} are due", items.len()))
    }
}

impl<T: ComponentType> ComponentType for Option<T> {
    fn into_val(self) -> Val {
        Val::Option(self.map(|value| Box::new(value.into_val())))
    }
    fn from_val(val: Val) -> Result<Self> {
        match val {
            Val::Option(value) => value.map(|value| T::from_val(*value)).transpose(),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

impl<T: ComponentType, E: ComponentType> ComponentType for Result<T, E> {
    fn into_val(self) -> Val {
        Val::Result(self.map(T::into_payload).map_err(E::into_payload))
    }
    fn from_val(val: Val) -> Result<Self> {
        match val {
            Val::Result(Ok(payload)) => T::from_payload(payload).map(Ok),
            Val::Result(Err(payload)) => E::from_payload(payload).map(Err),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

macro_rules! maps {
    ($($map:ident: $($bound:ident),*;)*) => {$(
        impl<K: ComponentType + WireKey $(+ $bound)*, V: ComponentType> ComponentType for $map<K, V> {
            fn into_val(self) -> Val {
                Val::Map(self.into_iter().map(|(key, value)| (key.into_val(), value.into_val())).collect())
            }
            fn from_val(val: Val) -> Result<Self> {
                let Val::Map(entries) = val else { return Err(mismatch::<Self>(&val)) };
                entries.into_iter().map(|(key, value)| Ok((K::from_val(key)?, V::from_val(value)?))).collect()
            }
        }
    )*};
}
maps! { HashMap: Eq, Hash; BTreeMap: Ord; }

impl<T: ComponentType> ComponentType for StreamReader<T> {
    fn into_val(self) -> Val {
        Val::Stream(AnyStream::new(self))
    }
    fn from_val(val: Val) -> Result<Self> {
        match val {
            Val::Stream(stream) => stream.into_reader(),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

impl<T: ComponentType> ComponentType for FutureReader<T> {
    fn into_val(self) -> Val {
        Val::Future(AnyFuture::new(self))
    }
    fn from_val(val: Val) -> Result<Self> {
        match val {
            Val::Future(future) => future.into_reader(),
            other => Err(mismatch::<Self>(&other)),
        }
    }
}

impl ComponentType for () {
    fn into_val(self) -> Val {
        Val::Tuple(Vec::new())
    }
    fn from_val(val: Val) -> Result<Self> {
        match val {
            Val::Tuple(items) if items.is_empty() => Ok(()),
            other => Err(mismatch::<Self>(&other)),
        }
    }
    fn into_payload(self) -> Option<Box<Val>> {
        None
    }
    fn from_payload(payload: Option<Box<Val>>) -> Result<Self> {
        payload.map_or(Ok(()), |val| Err(mismatch::<Self>(&val)))
    }
}

impl NamedList for () {
    fn into_vals(self) -> Vec<Val> {
        Vec::new()
    }
    fn from_vals(vals: Vec<Val>) -> Result<Self> {
        Self::from_val(Val::Tuple(vals))
    }
}

/// Calls `$macro` with the parameter names of every tuple size a function can have.
macro_rules! for_each_tuple {
    ($macro:ident) => {
        $macro! {
            (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
            (A, B, C, D, E, F, G, H) (A, B, C, D, E, F, G, H, I) (A, B, C, D, E, F, G, H, I, J)
            (A, B, C, D, E, F, G, H, I, J, K) (A, B, C, D, E, F, G, H, I, J, K, L)
            (A, B, C, D, E, F, G, H, I, J, K, L, M) (A, B, C, D, E, F, G, H, I, J, K, L, M, N)
            (A, B, C, D, E, F, G, H, I, J, K, L, M, N, O) (A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P)
            (A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q)
        }
    };
}

pub(crate) use for_each_tuple;

macro_rules! tuples {
    ($(($($ty:ident),+))*) => {$(
        impl<$($ty: ComponentType),+> ComponentType for ($($ty,)+) {
            fn into_val(self) -> Val {
                Val::Tuple(self.into_vals())
            }
            fn from_val(val: Val) -> Result<Self> {
                match val {
                    Val::Tuple(items) => Self::from_vals(items),
                    other => Err(mismatch::<Self>(&other)),
                }
            }
        }

        impl<$($ty: ComponentType),+> NamedList for ($($ty,)+) {
            #[expect(non_snake_case, reason = "a type parameter names its member")]
            fn into_vals(self) -> Vec<Val> {
                let ($($ty,)+) = self;
                vec![$($ty.into_val()),+]
            }
            fn from_vals(vals: Vec<Val>) -> Result<Self> {
                let expected = [$(stringify!($ty)),+].len();
                if vals.len() != expected {
                    bail!("{} values where {expected} are due", vals.len());
                }
                let mut vals = vals.into_iter();
                Ok(($($ty::from_val(vals.next().ok_or_else(|| anyhow!("a value is missing"))?)?,)+))
            }
        }
    )*};
}
for_each_tuple!(tuples);
