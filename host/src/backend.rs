//! The seam between the API and what can be behind it: one enum for each noun whose representation differs.
//!
//! Each has a variant for each back end that is compiled in. What needs a store to do its work does not hold one: it holds
//! a [`Cx`](crate::Cx) and leaves a [`Job`] in that store's queue.

use crate::channel::Input;
use crate::error::{Error, Result};
use crate::resource::HostResource;
use crate::value::ComponentType;
use futures::future::BoxFuture;

/// Something to be done by a store when it next runs.
pub(crate) enum Job {
    /// Run this future beside everything else.
    Spawn(BoxFuture<'static, ()>),
    #[cfg(feature = "wasmtime")]
    Wasmtime(crate::wasmtime::Job),
    #[cfg(feature = "native")]
    Native(crate::native::Job),
}

/// A resource handle and the store it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ResourceHandle {
    #[cfg(feature = "wasmtime")]
    Wasmtime(crate::wasmtime::ResourceHandle),
    #[cfg(feature = "native")]
    Native(crate::native::ResourceHandle),
    /// The host's own, which no guest has.
    Host(HostResource),
}

impl ResourceHandle {
    /// The error of using a handle where it does not belong.
    pub(crate) fn of_another_store() -> Error {
        anyhow::anyhow!("a resource handle cannot move to another store")
    }
}

/// An `error-context`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ErrorContextHandle {
    #[cfg(feature = "wasmtime")]
    Wasmtime(crate::wasmtime::ErrorContextHandle),
    #[cfg(feature = "native")]
    Native(crate::native::ErrorContextHandle),
}

macro_rules! guest_end {
    ($(#[$doc:meta])* $name:ident, $any:ident) => {
        $(#[$doc])*
        pub(crate) enum $name<T: ComponentType> {
            #[cfg(feature = "wasmtime")]
            Wasmtime(crate::wasmtime::$name<T>),
            #[cfg(feature = "native")]
            Native(crate::native::$name<T>),
        }

        impl<T: ComponentType> $name<T> {
            /// Lets the guest's writes flow into `input`, from when the store runs next.
            pub(crate) fn connect(self, input: Input<T>) {
                match self {
                    #[cfg(feature = "wasmtime")]
                    Self::Wasmtime(end) => end.connect(input),
                    #[cfg(feature = "native")]
                    Self::Native(end) => end.connect(input),
                }
            }

            /// Tells the guest, when the store runs next, that nobody reads.
            pub(crate) fn close(self) {
                match self {
                    #[cfg(feature = "wasmtime")]
                    Self::Wasmtime(end) => end.close(),
                    #[cfg(feature = "native")]
                    Self::Native(end) => end.close(),
                }
            }
        }

        /// The same, its payload type unknown. Closes itself when it is dropped unused.
        pub(crate) enum $any {
            #[cfg(feature = "wasmtime")]
            Wasmtime(crate::wasmtime::$any),
            #[cfg(feature = "native")]
            Native(crate::native::$any),
        }

        impl $any {
            /// The end with its payload type.
            pub(crate) fn typed<T: ComponentType>(self) -> Result<$name<T>> {
                match self {
                    #[cfg(feature = "wasmtime")]
                    Self::Wasmtime(end) => end.typed().map($name::Wasmtime),
                    #[cfg(feature = "native")]
                    Self::Native(end) => end.typed().map($name::Native),
                }
            }
        }
    };
}

guest_end!(
    /// The reading end of a guest's stream, not read from yet.
    GuestStream, GuestStreamAny
);
guest_end!(
    /// The reading end of a guest's future, not awaited yet.
    GuestFuture, GuestFutureAny
);

/// An exported function of an instance.
#[derive(Clone)]
pub(crate) enum Func {
    #[cfg(feature = "wasmtime")]
    Wasmtime(crate::wasmtime::Func),
    #[cfg(feature = "native")]
    Native(crate::native::Func),
}

/// What the API asks of types for a back end's sake: nothing more than the rest, where that back end is not compiled in.
#[cfg(not(feature = "wasmtime"))]
mod without_wasmtime {
    /// Any type.
    pub trait OnTheWire: Sized + Send + 'static {}
    impl<T: Sized + Send + 'static> OnTheWire for T {}

    /// Any type.
    pub trait WireList {}
    impl<T> WireList for T {}

    /// Any type.
    pub trait WireKey {}
    impl<T> WireKey for T {}
}
#[cfg(feature = "wasmtime")]
pub(crate) use crate::wasmtime::{OnTheWire, WireKey, WireList};
#[cfg(not(feature = "wasmtime"))]
pub(crate) use without_wasmtime::{OnTheWire, WireKey, WireList};

/// As above, for native guests.
#[cfg(not(feature = "native"))]
mod without_native {
    /// Any type.
    pub trait Natively: Sized + Send + 'static {}
    impl<T: Sized + Send + 'static> Natively for T {}

    /// Any type.
    pub trait NativeList {}
    impl<T> NativeList for T {}
}
#[cfg(feature = "native")]
pub(crate) use crate::native::{NativeList, Natively};
#[cfg(not(feature = "native"))]
pub(crate) use without_native::{NativeList, Natively};
