//! Defines host functions in Wasmtime's linker.
//!
//! Wasmtime distinguishes by the WIT type: an `async func` may run beside the guest, a plain `func` blocks the guest, and the
//! store with it, until it is done. A definition here serves either; which one it becomes is known when it meets a component.

use super::trap::{from_wasmtime, into_wasmtime};
use super::{Data, WireCx, values};
use crate::cx::{Cx, Waiting};
use crate::error::Result;
use crate::val::Val;
use crate::value::NamedList;
use anyhow::Context as _;
use futures::future::BoxFuture;
use std::marker::PhantomData;
use std::sync::Arc;
use wasmtime::AsContextMut;
use wasmtime::component as wc;

/// A host function that can be defined for a component.
pub(crate) trait HostFunction: Send + Sync {
    /// Defines it as `name` in `linker`; `path` is its full name, for errors; `is_async` as the component's import says.
    fn define(
        &self,
        linker: &mut wc::LinkerInstance<'_, Data>,
        name: &str,
        path: Arc<str>,
        is_async: bool,
    ) -> wasmtime::Result<()>;
}

/// The Rust function of a typed definition.
pub(crate) type TypedBody<P, R> = dyn Fn(Cx, P) -> BoxFuture<'static, Result<R>> + Send + Sync;

/// The Rust function of a dynamic definition.
pub(crate) type DynamicBody = dyn Fn(Cx, Vec<Val>) -> BoxFuture<'static, Result<Option<Val>>> + Send + Sync;

/// A function whose types are known when the program is compiled.
pub(crate) struct Typed<P, R> {
    body: Arc<TypedBody<P, R>>,
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

fn failed(path: &str) -> String {
    format!("the host function `{path}` failed")
}

/// Runs the body, in the ledger under its name.
async fn run_typed<P: NamedList, R>(body: &TypedBody<P, R>, path: &Arc<str>, cx: Cx, wire: P::Wire) -> Result<R> {
    let _entry = cx.enter(Waiting::HostFunction, path);
    let params = P::from_wire(wire, &cx).with_context(|| format!("the parameters of `{path}`"))?;
    body(cx.clone(), params).await.with_context(|| failed(path))
}

async fn run_dynamic(body: &DynamicBody, path: &Arc<str>, cx: Cx, vals: Vec<wc::Val>) -> Result<Option<Val>> {
    let _entry = cx.enter(Waiting::HostFunction, path);
    body(cx.clone(), values::all_from(vals, &cx))
        .await
        .with_context(|| failed(path))
}

impl<P: NamedList, R: NamedList> HostFunction for Typed<P, R> {
    fn define(
        &self,
        linker: &mut wc::LinkerInstance<'_, Data>,
        name: &str,
        path: Arc<str>,
        is_async: bool,
    ) -> wasmtime::Result<()> {
        let body = self.body.clone();
        if is_async {
            linker.func_wrap_concurrent(name, move |accessor: &wc::Accessor<Data>, wire: P::Wire| {
                let (body, path) = (body.clone(), path.clone());
                Box::pin(async move {
                    let cx = accessor.with(|mut access| access.data_mut().cx.clone());
                    let results = run_typed::<P, R>(&*body, &path, cx, wire)
                        .await
                        .map_err(into_wasmtime)?;
                    let wire = accessor.with(|mut access| {
                        results.into_wire(&mut WireCx {
                            store: access.as_context_mut(),
                        })
                    });
                    wire.map_err(into_wasmtime)
                })
            })
        } else {
            linker.func_wrap_async(name, move |store, wire: P::Wire| {
                let (body, path) = (body.clone(), path.clone());
                Box::new(async move {
                    let cx = store.data().cx.clone();
                    let results = run_typed::<P, R>(&*body, &path, cx, wire)
                        .await
                        .map_err(into_wasmtime)?;
                    results.into_wire(&mut WireCx { store }).map_err(into_wasmtime)
                })
            })
        }
    }
}

/// A function over [`Val`]s.
pub(crate) struct Dynamic(pub(crate) Arc<DynamicBody>);

/// Stores what a dynamic function returned where Wasmtime wants it.
fn deliver(result: Option<Val>, slots: &mut [wc::Val], path: &str, cx: &mut WireCx<'_>) -> Result<()> {
    match (result, slots) {
        (None, []) => Ok(()),
        (Some(val), [slot]) => {
            *slot = values::into_wasmtime(val, cx)?;
            Ok(())
        }
        (result, slots) => {
            let (due, given) = (slots.len(), usize::from(result.is_some()));
            anyhow::bail!("the host function `{path}` returned {given} values where {due} are due")
        }
    }
}

impl HostFunction for Dynamic {
    fn define(
        &self,
        linker: &mut wc::LinkerInstance<'_, Data>,
        name: &str,
        path: Arc<str>,
        is_async: bool,
    ) -> wasmtime::Result<()> {
        let body = self.0.clone();
        if is_async {
            linker.func_new_concurrent(name, move |accessor: &wc::Accessor<Data>, _, params, slots| {
                let (body, path) = (body.clone(), path.clone());
                Box::pin(async move {
                    let cx = accessor.with(|mut access| access.data_mut().cx.clone());
                    let result = run_dynamic(&*body, &path, cx, params.to_vec())
                        .await
                        .map_err(into_wasmtime)?;
                    accessor
                        .with(|mut access| {
                            deliver(
                                result,
                                slots,
                                &path,
                                &mut WireCx {
                                    store: access.as_context_mut(),
                                },
                            )
                        })
                        .map_err(into_wasmtime)
                })
            })
        } else {
            linker.func_new_async(name, move |store, _, params, slots| {
                let (body, path) = (body.clone(), path.clone());
                Box::new(async move {
                    let cx = store.data().cx.clone();
                    let result = run_dynamic(&*body, &path, cx, params.to_vec())
                        .await
                        .map_err(into_wasmtime)?;
                    deliver(result, slots, &path, &mut WireCx { store }).map_err(into_wasmtime)
                })
            })
        }
    }
}

/// Adds what Wasmtime says to an error of ours.
pub(crate) fn with_path<T>(result: wasmtime::Result<T>, path: impl FnOnce() -> String) -> Result<T> {
    result.map_err(from_wasmtime).with_context(path)
}
