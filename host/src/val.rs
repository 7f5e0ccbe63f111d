//! [`Val`]: a value of any WIT type, known only when the program runs.

use crate::backend::{ErrorContextHandle, GuestFutureAny, GuestStreamAny, ResourceHandle};
use crate::error::Result;
use crate::stream::{FutureReader, StreamReader};
use crate::value::ComponentType;
use anyhow::{anyhow, bail};
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A value of any WIT type.
///
/// Equality compares contents; streams, futures and resources are equal when they are the same handle.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the variants are the WIT types of their names")]
pub enum Val {
    Bool(bool),
    S8(i8),
    U8(u8),
    S16(i16),
    U16(u16),
    S32(i32),
    U32(u32),
    S64(i64),
    U64(u64),
    Float32(f32),
    Float64(f64),
    Char(char),
    String(String),
    List(Vec<Val>),
    /// The items of a `list<T, N>`.
    FixedLengthList(Vec<Val>),
    /// The entries of a map in the order they crossed the boundary.
    Map(Vec<(Val, Val)>),
    /// The fields by name, in the order of the WIT declaration.
    Record(Vec<(String, Val)>),
    Tuple(Vec<Val>),
    /// The case by name, with its payload.
    Variant(String, Option<Box<Val>>),
    Enum(String),
    Option(Option<Box<Val>>),
    Result(Result<Option<Box<Val>>, Option<Box<Val>>>),
    /// The names of the flags that are set.
    Flags(Vec<String>),
    Stream(AnyStream),
    Future(AnyFuture),
    Resource(Resource),
    ErrorContext(ErrorContext),
}

impl Val {
    /// This value as a `T`.
    ///
    /// # Errors
    /// When the value is not of the WIT type that `T` stands for.
    pub fn get<T: ComponentType>(self) -> Result<T> {
        T::from_val(self)
    }

    /// The WIT kind of this value.
    pub fn kind(&self) -> &'static str {
        match self {
            Val::Bool(_) => "bool",
            Val::S8(_) => "s8",
            Val::U8(_) => "u8",
            Val::S16(_) => "s16",
            Val::U16(_) => "u16",
            Val::S32(_) => "s32",
            Val::U32(_) => "u32",
            Val::S64(_) => "s64",
            Val::U64(_) => "u64",
            Val::Float32(_) => "f32",
            Val::Float64(_) => "f64",
            Val::Char(_) => "char",
            Val::String(_) => "string",
            Val::List(_) => "list",
            Val::FixedLengthList(_) => "fixed-length list",
            Val::Map(_) => "map",
            Val::Record(_) => "record",
            Val::Tuple(_) => "tuple",
            Val::Variant(..) => "variant",
            Val::Enum(_) => "enum",
            Val::Option(_) => "option",
            Val::Result(_) => "result",
            Val::Flags(_) => "flags",
            Val::Stream(_) => "stream",
            Val::Future(_) => "future",
            Val::Resource(_) => "resource",
            Val::ErrorContext(_) => "error-context",
        }
    }
}

impl<T: ComponentType> From<T> for Val {
    fn from(value: T) -> Self {
        value.into_val()
    }
}

/// A handle that may be cloned with the [`Val`] around it, and is used up by whoever takes it first.
struct Shared<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Shared<T> {
    fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Some(value))))
    }

    fn take(&self, kind: &str) -> Result<T> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take()
            .ok_or_else(|| anyhow!("this {kind} was passed on or converted before"))
    }
}

macro_rules! any_end {
    ($name:ident, $reader:ident, $guest:ident, $erased:ident, $guest_end:ident, $kind:literal, $wasmtime:ident, $into_wasmtime:ident, $into_native:ident) => {
        #[doc = concat!("The reading end of a ", $kind, " whose payload type is known only when the program runs.")]
        #[derive(Clone)]
        pub struct $name(Shared<$guest_end>);

        /// What the handle holds.
        pub(crate) enum $guest_end {
            /// A typed reader the host made or touched.
            Host(Box<dyn $erased>),
            /// A guest's end, as it came.
            Guest($guest),
        }

        /// A typed reader, its type forgotten.
        pub(crate) trait $erased: Send {
            /// Its handle for a guest on Wasmtime.
            #[cfg(feature = "wasmtime")]
            fn into_wasmtime(
                self: Box<Self>,
                cx: &mut crate::wasmtime::WireCx<'_>,
            ) -> Result<crate::wasmtime::$wasmtime>;
            /// Its handle for a native guest.
            #[cfg(feature = "native")]
            fn into_native(
                self: Box<Self>,
                payload: Option<&crate::native::Type>,
                store: &crate::native::NativeStore,
            ) -> Result<crate::native::Value>;
            /// Itself, to be downcast.
            fn into_any(self: Box<Self>) -> Box<dyn Any>;
        }

        impl<T: ComponentType> $erased for $reader<T> {
            #[cfg(feature = "wasmtime")]
            fn into_wasmtime(
                self: Box<Self>,
                cx: &mut crate::wasmtime::WireCx<'_>,
            ) -> Result<crate::wasmtime::$wasmtime> {
                crate::wasmtime::$into_wasmtime(*self, cx)
            }
            #[cfg(feature = "native")]
            fn into_native(
                self: Box<Self>,
                payload: Option<&crate::native::Type>,
                store: &crate::native::NativeStore,
            ) -> Result<crate::native::Value> {
                crate::native::$into_native(*self, payload, store)
            }
            fn into_any(self: Box<Self>) -> Box<dyn Any> {
                self
            }
        }

        impl $name {
            pub(crate) fn from_end(end: $guest_end) -> Self {
                Self(Shared::new(end))
            }

            pub(crate) fn take(&self) -> Result<$guest_end> {
                self.0.take($kind)
            }

            #[doc = concat!("Hides the payload type of `reader`.")]
            pub fn new<T: ComponentType>(reader: $reader<T>) -> Self {
                Self::from_end($guest_end::Host(Box::new(reader)))
            }

            /// The reader, with payloads of type `T`.
            ///
            /// # Errors
            /// When the payload is of another type, or the handle was used already, through this value or a clone.
            pub fn into_reader<T: ComponentType>(self) -> Result<$reader<T>> {
                match self.take()? {
                    $guest_end::Guest(guest) => Ok($reader::from_guest(guest.typed::<T>()?)),
                    $guest_end::Host(reader) => match reader.into_any().downcast() {
                        Ok(reader) => Ok(*reader),
                        Err(_) => bail!(
                            concat!($kind, " has a payload other than `{}`"),
                            std::any::type_name::<T>()
                        ),
                    },
                }
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0.0, &other.0.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

any_end!(
    AnyStream,
    StreamReader,
    GuestStreamAny,
    ErasedStream,
    StreamEnd,
    "stream",
    StreamAny,
    stream_into_any,
    stream_into_value
);
any_end!(
    AnyFuture,
    FutureReader,
    GuestFutureAny,
    ErasedFuture,
    FutureEnd,
    "future",
    FutureAny,
    future_into_any,
    future_into_value
);

/// A handle on a resource, owned or borrowed, opaque to the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource(pub(crate) ResourceHandle);

/// A handle on an `error-context`, opaque to the host.
#[derive(Debug, Clone)]
pub struct ErrorContext(pub(crate) ErrorContextHandle);

impl PartialEq for ErrorContext {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
