//! Converts between [`Val`] and Wasmtime's dynamic values.

use super::{GuestFutureAny, GuestStreamAny, WireCx};
use crate::backend;
use crate::cx::Cx;
use crate::error::Result;
use crate::val::{AnyFuture, AnyStream, ErrorContext, FutureEnd, Resource, StreamEnd, Val};
use wasmtime::AsContextMut as _;
use wasmtime::component as wc;
use wasmtime::component::ResourceAny;

/// A resource handle and the store it belongs to.
#[derive(Clone)]
pub(crate) struct ResourceHandle {
    raw: ResourceAny,
    cx: Cx,
}

impl ResourceHandle {
    /// The handle, for use in the store of `cx`.
    pub(crate) fn for_store(&self, cx: &Cx) -> Result<ResourceAny> {
        if self.cx.same_store(cx) {
            Ok(self.raw)
        } else {
            Err(backend::ResourceHandle::of_another_store())
        }
    }
}

impl PartialEq for ResourceHandle {
    fn eq(&self, other: &Self) -> bool {
        self.cx.same_store(&other.cx) && self.raw == other.raw
    }
}

impl std::fmt::Debug for ResourceHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.raw.fmt(f)
    }
}

/// The handle of `resource` for the store of `cx`.
pub(crate) fn resource_for(resource: &Resource, cx: &Cx) -> Result<ResourceAny> {
    match &resource.0 {
        backend::ResourceHandle::Wasmtime(handle) => handle.for_store(cx),
        _ => Err(backend::ResourceHandle::of_another_store()),
    }
}

/// The resource behind a handle of the store of `cx`.
pub(crate) fn resource_of(raw: ResourceAny, cx: &Cx) -> Resource {
    Resource(backend::ResourceHandle::Wasmtime(ResourceHandle {
        raw,
        cx: cx.clone(),
    }))
}

#[cfg(feature = "native")]
fn untyped_elsewhere() -> crate::Error {
    anyhow::anyhow!("an untyped handle cannot move to another store")
}

/// An `error-context` as Wasmtime holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ErrorContextHandle(wc::Val);

fn error_context_value(context: ErrorContext) -> Result<wc::Val> {
    match context.0 {
        backend::ErrorContextHandle::Wasmtime(context) => Ok(context.0),
        #[cfg(feature = "native")]
        _ => anyhow::bail!("an error-context cannot move to another store"),
    }
}

/// The `error-context` for a guest.
pub(super) fn error_context_for(context: ErrorContext, cx: &mut WireCx<'_>) -> Result<wc::ErrorContext> {
    let value = error_context_value(context)?;
    wc::ErrorContext::from_val(cx.store.as_context_mut(), &value).map_err(super::trap::from_wasmtime)
}

/// The `error-context` of a guest.
pub(super) fn error_context_of(value: wc::Val) -> ErrorContext {
    ErrorContext(backend::ErrorContextHandle::Wasmtime(ErrorContextHandle(value)))
}

/// The value for a guest.
pub(crate) fn into_wasmtime(val: Val, cx: &mut WireCx<'_>) -> Result<wc::Val> {
    Ok(match val {
        Val::Bool(value) => wc::Val::Bool(value),
        Val::S8(value) => wc::Val::S8(value),
        Val::U8(value) => wc::Val::U8(value),
        Val::S16(value) => wc::Val::S16(value),
        Val::U16(value) => wc::Val::U16(value),
        Val::S32(value) => wc::Val::S32(value),
        Val::U32(value) => wc::Val::U32(value),
        Val::S64(value) => wc::Val::S64(value),
        Val::U64(value) => wc::Val::U64(value),
        Val::Float32(value) => wc::Val::Float32(value),
        Val::Float64(value) => wc::Val::Float64(value),
        Val::Char(value) => wc::Val::Char(value),
        Val::String(value) => wc::Val::String(value),
        Val::List(items) => wc::Val::List(all_into(items, cx)?),
        Val::FixedLengthList(items) => wc::Val::FixedLengthList(all_into(items, cx)?),
        Val::Tuple(items) => wc::Val::Tuple(all_into(items, cx)?),
        Val::Map(entries) => wc::Val::Map(
            entries
                .into_iter()
                .map(|(key, value)| Ok((into_wasmtime(key, cx)?, into_wasmtime(value, cx)?)))
                .collect::<Result<_>>()?,
        ),
        Val::Record(fields) => wc::Val::Record(
            fields
                .into_iter()
                .map(|(name, value)| Ok((name, into_wasmtime(value, cx)?)))
                .collect::<Result<_>>()?,
        ),
        Val::Variant(name, payload) => wc::Val::Variant(name, payload_into(payload, cx)?),
        Val::Enum(name) => wc::Val::Enum(name),
        Val::Option(payload) => wc::Val::Option(payload_into(payload, cx)?),
        Val::Result(Ok(payload)) => wc::Val::Result(Ok(payload_into(payload, cx)?)),
        Val::Result(Err(payload)) => wc::Val::Result(Err(payload_into(payload, cx)?)),
        Val::Flags(names) => wc::Val::Flags(names),
        Val::Stream(stream) => wc::Val::Stream(match stream.take()? {
            StreamEnd::Host(reader) => reader.into_wasmtime(cx)?,
            StreamEnd::Guest(backend::GuestStreamAny::Wasmtime(guest)) => guest.into_raw(&cx.cx())?,
            #[cfg(feature = "native")]
            StreamEnd::Guest(_) => return Err(untyped_elsewhere()),
        }),
        Val::Future(future) => wc::Val::Future(match future.take()? {
            FutureEnd::Host(reader) => reader.into_wasmtime(cx)?,
            FutureEnd::Guest(backend::GuestFutureAny::Wasmtime(guest)) => guest.into_raw(&cx.cx())?,
            #[cfg(feature = "native")]
            FutureEnd::Guest(_) => return Err(untyped_elsewhere()),
        }),
        Val::Resource(Resource(backend::ResourceHandle::Host(resource))) => {
            wc::Val::Resource(resource.kind.wasmtime.hand_out(resource, cx)?)
        }
        Val::Resource(resource) => wc::Val::Resource(resource_for(&resource, &cx.cx())?),
        Val::ErrorContext(context) => error_context_value(context)?,
    })
}

/// All of them for a guest.
pub(crate) fn all_into(vals: Vec<Val>, cx: &mut WireCx<'_>) -> Result<Vec<wc::Val>> {
    vals.into_iter().map(|val| into_wasmtime(val, cx)).collect()
}

fn payload_into(payload: Option<Box<Val>>, cx: &mut WireCx<'_>) -> Result<Option<Box<wc::Val>>> {
    payload.map(|val| into_wasmtime(*val, cx).map(Box::new)).transpose()
}

/// The value of a guest.
pub(crate) fn from_wasmtime(val: wc::Val, cx: &Cx) -> Val {
    match val {
        wc::Val::Bool(value) => Val::Bool(value),
        wc::Val::S8(value) => Val::S8(value),
        wc::Val::U8(value) => Val::U8(value),
        wc::Val::S16(value) => Val::S16(value),
        wc::Val::U16(value) => Val::U16(value),
        wc::Val::S32(value) => Val::S32(value),
        wc::Val::U32(value) => Val::U32(value),
        wc::Val::S64(value) => Val::S64(value),
        wc::Val::U64(value) => Val::U64(value),
        wc::Val::Float32(value) => Val::Float32(value),
        wc::Val::Float64(value) => Val::Float64(value),
        wc::Val::Char(value) => Val::Char(value),
        wc::Val::String(value) => Val::String(value),
        wc::Val::List(items) => Val::List(all_from(items, cx)),
        wc::Val::FixedLengthList(items) => Val::FixedLengthList(all_from(items, cx)),
        wc::Val::Tuple(items) => Val::Tuple(all_from(items, cx)),
        wc::Val::Map(entries) => Val::Map(
            entries
                .into_iter()
                .map(|(key, value)| (from_wasmtime(key, cx), from_wasmtime(value, cx)))
                .collect(),
        ),
        wc::Val::Record(fields) => Val::Record(
            fields
                .into_iter()
                .map(|(name, value)| (name, from_wasmtime(value, cx)))
                .collect(),
        ),
        wc::Val::Variant(name, payload) => Val::Variant(name, payload_from(payload, cx)),
        wc::Val::Enum(name) => Val::Enum(name),
        wc::Val::Option(payload) => Val::Option(payload_from(payload, cx)),
        wc::Val::Result(Ok(payload)) => Val::Result(Ok(payload_from(payload, cx))),
        wc::Val::Result(Err(payload)) => Val::Result(Err(payload_from(payload, cx))),
        wc::Val::Flags(names) => Val::Flags(names),
        wc::Val::Stream(raw) => Val::Stream(AnyStream::from_end(StreamEnd::Guest(
            backend::GuestStreamAny::Wasmtime(GuestStreamAny::new(raw, cx)),
        ))),
        wc::Val::Future(raw) => Val::Future(AnyFuture::from_end(FutureEnd::Guest(
            backend::GuestFutureAny::Wasmtime(GuestFutureAny::new(raw, cx)),
        ))),
        wc::Val::Resource(raw) => Val::Resource(resource_of(raw, cx)),
        context @ wc::Val::ErrorContext(_) => Val::ErrorContext(error_context_of(context)),
    }
}

/// All of them, of a guest.
pub(crate) fn all_from(vals: Vec<wc::Val>, cx: &Cx) -> Vec<Val> {
    vals.into_iter().map(|val| from_wasmtime(val, cx)).collect()
}

fn payload_from(payload: Option<Box<wc::Val>>, cx: &Cx) -> Option<Box<Val>> {
    payload.map(|val| Box::new(from_wasmtime(*val, cx)))
}
