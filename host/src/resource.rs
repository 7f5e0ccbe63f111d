//! Resources that the host implements: [`Own`] and [`Borrow`] are a guest's handles on values of the host.
//!
//! The values are in a table of the store, by a number that the guest's handle stands for. Who owns a resource decides when
//! it leaves the table: a guest, by dropping its handle or giving it back; the host holds the value itself. A value that the
//! host lends is in the table until the store ends, once for each value.
//!
//! ```
//! use witflow_host::{Borrow, Linker, Own};
//! use std::sync::Mutex;
//!
//! struct Counter(Mutex<u32>);
//!
//! # fn main() -> witflow_host::Result<()> {
//! let mut linker = Linker::new();
//! let mut counters = linker.instance("demo:counters/types")?;
//! counters.resource::<Counter>("counter")?;
//! counters.func_wrap("[constructor]counter", |_, (start,): (u32,)| Ok((Own::new(Counter(start.into())),)))?;
//! counters.func_wrap("[method]counter.next", |_, (counter,): (Borrow<Counter>,)| {
//!     let mut count = counter.0.lock().unwrap();
//!     *count += 1;
//!     Ok((*count,))
//! })?;
//! # Ok(())
//! # }
//! ```

use crate::backend::ResourceHandle;
use crate::cx::Cx;
use crate::error::{Error, Result};
use crate::val::{Resource, Val};
use crate::value::ComponentType;
use anyhow::{anyhow, bail};
#[cfg(feature = "native")]
use std::any::TypeId;
use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A value of the host that a guest has a handle on.
type Object = Arc<dyn Any + Send + Sync>;

/// An owned handle on a resource that the host implements as a `T`.
///
/// It is `own<R>` in WIT, where `R` was defined as `T` by [`LinkerInstance::resource`](crate::LinkerInstance::resource).
/// The guest that gets it owns the value, and dropping it there drops it here.
pub struct Own<T>(Arc<T>);

/// A borrowed handle on a resource that the host implements as a `T`: `borrow<R>` in WIT.
pub struct Borrow<T>(Arc<T>);

impl<T> Own<T> {
    /// A new resource.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The value, unless a [`Borrow`] of it is still somewhere, which then shares it.
    pub fn into_inner(self) -> Result<T, Arc<T>> {
        Arc::try_unwrap(self.0)
    }

    /// A handle to lend to a guest.
    pub fn borrow(&self) -> Borrow<T> {
        Borrow(self.0.clone())
    }
}

macro_rules! handles {
    ($($handle:ident),*) => {$(
        impl<T> Deref for $handle<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> fmt::Debug for $handle<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($handle), "<{}>"), type_name::<T>())
            }
        }

        impl<T: Send + Sync + 'static> ComponentType for $handle<T> {
            fn into_val(self) -> Val {
                Val::Resource(Resource(ResourceHandle::Host(HostResource::new(self.0))))
            }

            fn from_val(val: Val) -> Result<Self> {
                match val {
                    Val::Resource(Resource(ResourceHandle::Host(resource))) => resource.object().map(Self),
                    Val::Resource(_) => bail!("the resource is a guest's, not a `{}` of the host", type_name::<T>()),
                    other => Err(crate::value::mismatch::<Self>(&other)),
                }
            }
        }
    )*};
}
handles!(Own, Borrow);

/// A resource of the host that has not been given to a guest, its type forgotten.
#[derive(Clone)]
pub(crate) struct HostResource {
    object: Object,
    pub(crate) kind: Kind,
}

impl HostResource {
    fn new<T: Send + Sync + 'static>(object: Arc<T>) -> Self {
        Self {
            object,
            kind: Kind::of::<T>(),
        }
    }

    fn object<T: Send + Sync + 'static>(self) -> Result<Arc<T>> {
        let found = self.kind.name;
        let object = self.object.downcast().map_err(|_| ());
        object.map_err(|()| anyhow!("the resource is a `{found}`, not a `{}`", type_name::<T>()))
    }

    /// Puts the resource into the table of a store, for a guest to own or to borrow.
    pub(crate) fn hand_out(self, cx: &Cx, lent: bool) -> u32 {
        cx.resources(|table| table.insert(self.object, lent))
    }
}

impl PartialEq for HostResource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.object, &other.object)
    }
}

impl fmt::Debug for HostResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name)
    }
}

/// A type of the host that implements a resource, and what the back ends do with it.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    #[cfg(feature = "native")]
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
    #[cfg(feature = "wasmtime")]
    pub(crate) wasmtime: crate::wasmtime::resources::Kind,
}

impl Kind {
    pub(crate) fn of<T: Send + Sync + 'static>() -> Self {
        Self {
            #[cfg(feature = "native")]
            id: TypeId::of::<T>(),
            name: type_name::<T>(),
            #[cfg(feature = "wasmtime")]
            wasmtime: crate::wasmtime::resources::Kind::of::<T>(),
        }
    }
}

/// The values of a store that guests have handles on.
#[derive(Default)]
pub(crate) struct Table {
    next: u32,
    objects: BTreeMap<u32, Object>,
}

impl Table {
    /// The number of an object, which with `lent` is the one it has already.
    fn insert(&mut self, object: Object, lent: bool) -> u32 {
        let mut known = self.objects.iter();
        if lent && let Some((number, _)) = known.find(|(_, other)| Arc::ptr_eq(other, &object)) {
            return *number;
        }
        self.next += 1;
        self.objects.insert(self.next, object);
        self.next
    }

    /// Takes out what nobody owns any more; it is to be dropped when the table is not in use.
    pub(crate) fn remove(&mut self, number: u32) -> Option<Object> {
        self.objects.remove(&number)
    }
}

fn gone<T>() -> Error {
    anyhow!(
        "the handle of a `{}` was used before, or is of another store",
        type_name::<T>()
    )
}

fn typed<T: Send + Sync + 'static>(object: Option<Object>) -> Result<Arc<T>> {
    object.ok_or_else(gone::<T>)?.downcast().map_err(|_| gone::<T>())
}

impl<T: Send + Sync + 'static> Own<T> {
    /// The number to give to a guest, which owns the value from then on.
    pub(crate) fn into_rep(self, cx: &Cx) -> u32 {
        HostResource::new(self.0).hand_out(cx, false)
    }

    /// The value a guest gives back.
    pub(crate) fn from_rep(rep: u32, cx: &Cx) -> Result<Self> {
        typed(cx.resources(|table| table.remove(rep))).map(Self)
    }
}

impl<T: Send + Sync + 'static> Borrow<T> {
    /// The number to lend to a guest.
    pub(crate) fn into_rep(self, cx: &Cx) -> u32 {
        HostResource::new(self.0).hand_out(cx, true)
    }

    /// The value a guest lends.
    pub(crate) fn from_rep(rep: u32, cx: &Cx) -> Result<Self> {
        typed(cx.resources(|table| table.objects.get(&rep).cloned())).map(Self)
    }
}
