//! [`HostFunction`]: a Rust function as a linker holds it, before it is known which back end will call it.

use crate::cx::{Cx, Waiting};
use crate::error::Result;
use crate::val::Val;
use crate::value::NamedList;
use anyhow::Context as _;
use futures::future::BoxFuture;
use std::marker::PhantomData;
use std::sync::Arc;

/// A host function that can be defined for a component.
pub(crate) trait HostFunction: Send + Sync {
    /// Defines it in a linker of Wasmtime's.
    #[cfg(feature = "wasmtime")]
    fn define(&self, place: crate::wasmtime::functions::Place<'_, '_>) -> Result<()>;

    /// What a native store calls; `None` for what has nothing to check.
    #[cfg(feature = "native")]
    fn native(&self) -> crate::native::HostBody;
}

/// The Rust function of a typed definition.
pub(crate) type TypedBody<P, R> = dyn Fn(Cx, P) -> BoxFuture<'static, Result<R>> + Send + Sync;

/// The Rust function of a dynamic definition.
pub(crate) type DynamicBody = dyn Fn(Cx, Vec<Val>) -> BoxFuture<'static, Result<Option<Val>>> + Send + Sync;

/// A function whose types are known when the program is compiled.
pub(crate) struct Typed<P, R> {
    pub(crate) body: Arc<TypedBody<P, R>>,
    _types: PhantomData<fn(P) -> R>,
}

impl<P, R> Typed<P, R> {
    pub(crate) fn new(body: Arc<TypedBody<P, R>>) -> Self {
        Self {
            body,
            _types: PhantomData,
        }
    }
}

/// A function over [`Val`]s.
pub(crate) struct Dynamic(pub(crate) Arc<DynamicBody>);

/// Runs the body of a host function, in the ledger under its name.
pub(crate) async fn run<P, R>(
    body: &(dyn Fn(Cx, P) -> BoxFuture<'static, Result<R>> + Send + Sync),
    path: &Arc<str>,
    cx: Cx,
    params: Result<P>,
) -> Result<R> {
    let _entry = cx.enter(Waiting::HostFunction, path);
    let params = params.with_context(|| format!("the parameters of `{path}`"))?;
    let returned = body(cx.clone(), params).await;
    returned.with_context(|| format!("the host function `{path}` failed"))
}

impl<P: NamedList, R: NamedList> HostFunction for Typed<P, R> {
    #[cfg(feature = "wasmtime")]
    fn define(&self, place: crate::wasmtime::functions::Place<'_, '_>) -> Result<()> {
        place.define_typed::<P, R>(self.body.clone())
    }

    #[cfg(feature = "native")]
    fn native(&self) -> crate::native::HostBody {
        crate::native::HostBody::typed::<P, R>(self.body.clone())
    }
}

impl HostFunction for Dynamic {
    #[cfg(feature = "wasmtime")]
    fn define(&self, place: crate::wasmtime::functions::Place<'_, '_>) -> Result<()> {
        place.define_dynamic(self.0.clone())
    }

    #[cfg(feature = "native")]
    fn native(&self) -> crate::native::HostBody {
        crate::native::HostBody::dynamic(self.0.clone())
    }
}
