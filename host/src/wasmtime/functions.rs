//! Defines host functions in Wasmtime's linker.
//!
//! Wasmtime distinguishes by the WIT type: an `async func` may run beside the guest, a plain `func` blocks the guest, and the
//! store with it, until it is done. A definition here serves either; which one it becomes is known when it meets a component.

use super::trap::{from_wasmtime, into_wasmtime};
use super::{Data, WireCx, values};
use crate::cx::Cx;
use crate::error::Result;
use crate::functions::{DynamicBody, TypedBody, run};
use crate::val::Val;
use crate::value::NamedList;
use anyhow::Context as _;
use std::sync::Arc;
use wasmtime::AsContextMut;
use wasmtime::component as wc;

/// Where a definition goes.
pub(crate) struct Place<'a, 'b> {
    pub(crate) linker: &'a mut wc::LinkerInstance<'b, Data>,
    pub(crate) name: &'a str,
    /// The function's full name, for errors.
    pub(crate) path: Arc<str>,
    /// Whether the component imports it as an `async func`.
    pub(crate) is_async: bool,
}

impl Place<'_, '_> {
    /// Defines a function whose types are known when the program is compiled.
    pub(crate) fn define_typed<P: NamedList, R: NamedList>(self, body: Arc<TypedBody<P, R>>) -> Result<()> {
        let Self {
            linker,
            name,
            path,
            is_async,
        } = self;
        let import = path.clone();
        let defined = if is_async {
            linker.func_wrap_concurrent(name, move |accessor: &wc::Accessor<Data>, wire: P::Wire| {
                let (body, path) = (body.clone(), path.clone());
                Box::pin(async move {
                    let cx = accessor.with(|mut access| access.data_mut().cx.clone());
                    let params = P::from_wire(wire, &cx);
                    let results = run(&*body, &path, cx, params).await.map_err(into_wasmtime)?;
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
                    let params = P::from_wire(wire, &cx);
                    let results = run(&*body, &path, cx, params).await.map_err(into_wasmtime)?;
                    results.into_wire(&mut WireCx { store }).map_err(into_wasmtime)
                })
            })
        };
        with_path(defined, || format!("import `{import}`"))
    }

    /// Defines a function over [`Val`]s.
    pub(crate) fn define_dynamic(self, body: Arc<DynamicBody>) -> Result<()> {
        let Self {
            linker,
            name,
            path,
            is_async,
        } = self;
        let import = path.clone();
        let defined = if is_async {
            linker.func_new_concurrent(name, move |accessor: &wc::Accessor<Data>, _, params, slots| {
                let (body, path) = (body.clone(), path.clone());
                Box::pin(async move {
                    let cx = accessor.with(|mut access| access.data_mut().cx.clone());
                    let result = run_dynamic(&body, &path, cx, params).await?;
                    accessor
                        .with(|mut access| {
                            let store = access.as_context_mut();
                            deliver(result, slots, &path, &mut WireCx { store })
                        })
                        .map_err(into_wasmtime)
                })
            })
        } else {
            linker.func_new_async(name, move |store, _, params, slots| {
                let (body, path) = (body.clone(), path.clone());
                Box::new(async move {
                    let cx = store.data().cx.clone();
                    let result = run_dynamic(&body, &path, cx, params).await?;
                    deliver(result, slots, &path, &mut WireCx { store }).map_err(into_wasmtime)
                })
            })
        };
        with_path(defined, || format!("import `{import}`"))
    }
}

async fn run_dynamic(
    body: &Arc<DynamicBody>,
    path: &Arc<str>,
    cx: Cx,
    params: &[wc::Val],
) -> wasmtime::Result<Option<Val>> {
    let params = values::all_from(params.to_vec(), &cx);
    run(&**body, path, cx, Ok(params)).await.map_err(into_wasmtime)
}

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

/// Adds what Wasmtime says to an error of ours.
pub(crate) fn with_path<T>(result: wasmtime::Result<T>, path: impl FnOnce() -> String) -> Result<T> {
    result.map_err(from_wasmtime).with_context(path)
}
