//! [`OnTheWire`]: for every type that stands for a WIT type, its mirror made of what Wasmtime lifts and lowers itself.
//!
//! For plain values the mirror is the type itself and conversion costs nothing, vectors of them included. Only what holds a
//! stream, a future, or a derived type is rebuilt. Going out, a conversion may need the store, to register a host stream
//! with it; coming in, it only remembers which store a handle belongs to.

use super::Data;
use crate::backend;
use crate::cx::Cx;
use crate::error::Result;
use crate::stream::{FutureReader, StreamReader};
use crate::val::{ErrorContext, Resource};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use wasmtime::component::{
    self as wc, Destination, Lift, Lower, ReadBuffer, ResourceAny, Source, VecBuffer, WriteBuffer,
};
use wasmtime::{AsContextMut as _, StoreContextMut};

/// What a conversion towards the guest may use.
pub struct WireCx<'a> {
    pub(super) store: StoreContextMut<'a, Data>,
}

impl WireCx<'_> {
    pub(super) fn cx(&self) -> Cx {
        self.store.data().cx.clone()
    }
}

/// A type with a mirror that Wasmtime can lift and lower. Written by `#[derive(ComponentType)]`.
pub trait OnTheWire: Sized + Send + 'static {
    /// The mirror.
    type Wire: wc::ComponentType + Lift + Lower + Send + Sync + 'static;

    /// Converts a value for the guest.
    ///
    /// # Errors
    /// When a stream or future in it cannot be registered with the store.
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire>;

    /// Converts a value of the guest.
    ///
    /// # Errors
    /// When the guest's value does not fit `Self`.
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self>;

    /// Converts many values for the guest.
    ///
    /// # Errors
    /// As [`OnTheWire::into_wire`].
    fn many_into_wire(values: Vec<Self>, cx: &mut WireCx<'_>) -> Result<Vec<Self::Wire>> {
        values.into_iter().map(|value| value.into_wire(cx)).collect()
    }

    /// Converts many values of the guest.
    ///
    /// # Errors
    /// As [`OnTheWire::from_wire`].
    fn many_from_wire(wires: Vec<Self::Wire>, cx: &Cx) -> Result<Vec<Self>> {
        wires.into_iter().map(|wire| Self::from_wire(wire, cx)).collect()
    }

    /// Hands values to a guest that reads them.
    ///
    /// # Errors
    /// As [`OnTheWire::into_wire`].
    fn deliver(
        values: Vec<Self>,
        mut to: Destination<'_, Self::Wire, VecBuffer<Self::Wire>>,
        cx: &mut WireCx<'_>,
    ) -> Result<()> {
        to.set_buffer(Self::many_into_wire(values, cx)?.into());
        Ok(())
    }

    /// Takes up to `max` values from a guest that writes them.
    ///
    /// # Errors
    /// As [`OnTheWire::from_wire`].
    fn accept(mut from: Source<'_, Self::Wire>, max: usize, cx: &mut WireCx<'_>) -> Result<Vec<Self>> {
        let mut wires = UpTo {
            items: Vec::with_capacity(max),
            most: max,
        };
        from.read(cx.store.as_context_mut(), &mut wires)
            .map_err(super::trap::from_wasmtime)?;
        Self::many_from_wire(wires.items, &cx.cx())
    }
}

/// Room for so many items. A vector may have more, and has room for any number of items without size.
struct UpTo<T> {
    items: Vec<T>,
    most: usize,
}

impl<T: Send + Sync + 'static> ReadBuffer<T> for UpTo<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        Extend::extend(&mut self.items, items);
    }

    fn remaining_capacity(&self) -> usize {
        self.most - self.items.len()
    }

    fn move_from(&mut self, input: &mut dyn WriteBuffer<T>, count: usize) {
        self.items.move_from(input, count);
    }
}

/// A tuple whose mirror is a parameter or result list.
pub trait WireList: OnTheWire<Wire: wc::ComponentNamedList> {}
impl<T: OnTheWire<Wire: wc::ComponentNamedList>> WireList for T {}

/// A type whose mirror is the key of a map.
pub trait WireKey: OnTheWire<Wire: Eq + Hash> {}
impl<T: OnTheWire<Wire: Eq + Hash>> WireKey for T {}

/// What a type says of itself that is its own mirror.
macro_rules! own_mirror {
    () => {
        type Wire = Self;
        fn into_wire(self, _: &mut WireCx<'_>) -> Result<Self> {
            Ok(self)
        }
        fn from_wire(wire: Self, _: &Cx) -> Result<Self> {
            Ok(wire)
        }
        fn many_into_wire(values: Vec<Self>, _: &mut WireCx<'_>) -> Result<Vec<Self>> {
            Ok(values)
        }
        fn many_from_wire(wires: Vec<Self>, _: &Cx) -> Result<Vec<Self>> {
            Ok(wires)
        }
    };
}

macro_rules! identical {
    ($($ty:ty),* $(,)?) => {$(
        impl OnTheWire for $ty {
            own_mirror!();
        }
    )*};
}
identical!((), bool, i8, i16, u16, i32, u32, i64, u64, f32, f64, char, String);

/// Bytes are copied at once, between the guest's memory and the vector.
impl OnTheWire for u8 {
    own_mirror!();
    fn deliver(values: Vec<Self>, to: Destination<'_, Self, VecBuffer<Self>>, cx: &mut WireCx<'_>) -> Result<()> {
        let mut direct = to.as_direct(cx.store.as_context_mut(), values.len());
        direct.remaining()[..values.len()].copy_from_slice(&values);
        direct.mark_written(values.len());
        Ok(())
    }
    fn accept(from: Source<'_, Self>, max: usize, cx: &mut WireCx<'_>) -> Result<Vec<Self>> {
        let mut direct = from.as_direct(cx.store.as_context_mut());
        let offered = direct.remaining();
        let values = offered[..max.min(offered.len())].to_vec();
        direct.mark_read(values.len());
        Ok(values)
    }
}

impl<T: OnTheWire> OnTheWire for Vec<T> {
    type Wire = Vec<T::Wire>;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        T::many_into_wire(self, cx)
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        T::many_from_wire(wire, cx)
    }
}

impl<T: OnTheWire, const N: usize> OnTheWire for [T; N] {
    type Wire = [T::Wire; N];
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        into_array(T::many_into_wire(Vec::from(self), cx)?)
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        into_array(T::many_from_wire(Vec::from(wire), cx)?)
    }
}

fn into_array<T, const N: usize>(items: Vec<T>) -> Result<[T; N]> {
    items
        .try_into()
        .map_err(|items: Vec<T>| anyhow::anyhow!("{} items where {N} are due", items.len()))
}

impl<T: OnTheWire> OnTheWire for Option<T> {
    type Wire = Option<T::Wire>;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        self.map(|value| value.into_wire(cx)).transpose()
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        wire.map(|wire| T::from_wire(wire, cx)).transpose()
    }
}

impl<T: OnTheWire, E: OnTheWire> OnTheWire for Result<T, E> {
    type Wire = Result<T::Wire, E::Wire>;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        Ok(match self {
            Ok(value) => Ok(value.into_wire(cx)?),
            Err(value) => Err(value.into_wire(cx)?),
        })
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        Ok(match wire {
            Ok(wire) => Ok(T::from_wire(wire, cx)?),
            Err(wire) => Err(E::from_wire(wire, cx)?),
        })
    }
}

macro_rules! maps {
    ($($map:ident: $($bound:ident),*;)*) => {$(
        impl<K: WireKey $(+ $bound)*, V: OnTheWire> OnTheWire for $map<K, V> {
            type Wire = HashMap<K::Wire, V::Wire>;
            fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
                self.into_iter().map(|(key, value)| Ok((key.into_wire(cx)?, value.into_wire(cx)?))).collect()
            }
            fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
                wire.into_iter().map(|(key, value)| Ok((K::from_wire(key, cx)?, V::from_wire(value, cx)?))).collect()
            }
        }
    )*};
}
maps! { HashMap: Eq, Hash; BTreeMap: Ord; }

impl<T: crate::ComponentType> OnTheWire for StreamReader<T> {
    type Wire = wc::StreamReader<T::Wire>;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        super::transfer::stream_into_wire(self, cx)
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        Ok(Self::from_guest(backend::GuestStream::Wasmtime(
            super::GuestStream::new(wire, cx),
        )))
    }
}

impl<T: crate::ComponentType> OnTheWire for FutureReader<T> {
    type Wire = wc::FutureReader<T::Wire>;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        super::transfer::future_into_wire(self, cx)
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        Ok(Self::from_guest(backend::GuestFuture::Wasmtime(
            super::GuestFuture::new(wire, cx),
        )))
    }
}

impl OnTheWire for Resource {
    type Wire = ResourceAny;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<ResourceAny> {
        super::values::resource_for(&self, &cx.cx())
    }
    fn from_wire(wire: ResourceAny, cx: &Cx) -> Result<Self> {
        Ok(super::values::resource_of(wire, cx))
    }
}

impl OnTheWire for ErrorContext {
    type Wire = wc::ErrorContext;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<wc::ErrorContext> {
        super::values::error_context_for(self, cx)
    }
    fn from_wire(wire: wc::ErrorContext, _: &Cx) -> Result<Self> {
        Ok(super::values::error_context_of(wire.into_val()))
    }
}

macro_rules! tuples {
    ($(($($ty:ident),+))*) => {$(
        #[expect(non_snake_case, reason = "a type parameter names its member")]
        impl<$($ty: OnTheWire),+> OnTheWire for ($($ty,)+) {
            type Wire = ($($ty::Wire,)+);
            fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
                let ($($ty,)+) = self;
                Ok(($($ty.into_wire(cx)?,)+))
            }
            fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
                let ($($ty,)+) = wire;
                Ok(($($ty::from_wire($ty, cx)?,)+))
            }
        }
    )*};
}
crate::value::for_each_tuple!(tuples);
