//! Calls of exported functions, as jobs for the store.

use super::trap::from_wasmtime;
use super::{Data, Job, WireCx, values};
use crate::backend;
use crate::error::Result;
use crate::instance::{Exports, Resolver};
use crate::val::Val;
use crate::value::NamedList;
use anyhow::Context as _;
use wasmtime::AsContextMut;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{self as wc, Accessor, AccessorTask, ComponentExportIndex, HasSelf, TypedFuncCallConcurrent};

/// The exported functions of a component by their full names.
pub(crate) fn exported_functions(
    component: &wc::Component,
    instance: wc::Instance,
    engine: &wasmtime::Engine,
) -> Exports {
    let mut exports = Exports::default();
    let functions = &mut exports.functions;
    let function = |index| backend::Func::Wasmtime(Func { instance, index });
    for (name, export) in component.component_type().exports(engine) {
        let Some(index) = component.get_export_index(None, name) else {
            continue;
        };
        match export.ty {
            ComponentItem::ComponentFunc(_) => {
                functions.insert(name.to_owned(), function(index));
            }
            ComponentItem::ComponentInstance(interface) => {
                for (item, export) in interface.exports(engine) {
                    if let (ComponentItem::ComponentFunc(_), Some(index)) =
                        (export.ty, component.get_export_index(Some(&index), item))
                    {
                        functions.insert(format!("{name}#{item}"), function(index));
                    }
                }
            }
            _ => {}
        }
    }
    exports
}

/// An exported function of an instance.
#[derive(Clone, Copy)]
pub(crate) struct Func {
    instance: wc::Instance,
    index: ComponentExportIndex,
}

fn lookup(func: Func, store: impl AsContextMut<Data = Data>) -> Result<wc::Func> {
    let found = func.instance.get_func(store, func.index);
    found.context("the export is no function")
}

/// A typed call that has started.
struct TypedCall<P: NamedList, R: NamedList> {
    func: wc::TypedFunc<P::Wire, R::Wire>,
    call: TypedFuncCallConcurrent<Data, P::Wire, R::Wire>,
    resolver: Resolver<R>,
}

impl<P: NamedList, R: NamedList> AccessorTask<Data, HasSelf<Data>> for TypedCall<P, R> {
    async fn run(self, accessor: &Accessor<Data>) -> wasmtime::Result<()> {
        let Self { func, call, resolver } = self;
        let returned = func.finish_call_concurrent(accessor, call).await.map_err(from_wasmtime);
        let result = returned.and_then(|wire| R::from_wire(wire, &resolver.cx));
        resolver.resolve(result);
        Ok(())
    }
}

/// The job that makes a typed call.
pub(crate) fn typed<P: NamedList, R: NamedList>(func: Func, params: P, resolver: Resolver<R>) -> Job {
    Box::new(move |accessor| {
        let started = accessor.with(|mut access| {
            let mut store = access.as_context_mut();
            let typed = lookup(func, &mut store)?;
            let typed = typed.typed::<P::Wire, R::Wire>(&store).map_err(from_wasmtime)?;
            let params = params.into_wire(&mut WireCx {
                store: store.as_context_mut(),
            })?;
            let call = typed.start_call_concurrent(store, params).map_err(from_wasmtime)?;
            Ok::<_, crate::Error>((typed, call))
        });
        match started.with_context(|| format!("calling `{}`", resolver.path)) {
            Err(error) => resolver.resolve(Err(error)),
            // Spawning fails only when the store's concurrency support is off, which it never is here.
            Ok((func, call)) => drop(accessor.spawn(TypedCall::<P, R> { func, call, resolver })),
        }
    })
}

/// A dynamic call that is about to start.
struct DynamicCall {
    func: Func,
    params: Vec<Val>,
    resolver: Resolver<Option<Val>>,
}

async fn call_dynamic(func: Func, params: Vec<Val>, accessor: &Accessor<Data>) -> Result<Vec<wc::Val>> {
    let (raw, params, mut results) = accessor.with(|mut access| {
        let mut store = access.as_context_mut();
        let raw = lookup(func, &mut store)?;
        let params = values::all_into(
            params,
            &mut WireCx {
                store: store.as_context_mut(),
            },
        )?;
        let results = raw
            .ty(&store)
            .results()
            .map(|_| wc::Val::Bool(false))
            .collect::<Vec<_>>();
        Ok::<_, crate::Error>((raw, params, results))
    })?;
    raw.call_concurrent(accessor, &params, &mut results)
        .await
        .map_err(from_wasmtime)?;
    Ok(results)
}

impl AccessorTask<Data, HasSelf<Data>> for DynamicCall {
    async fn run(self, accessor: &Accessor<Data>) -> wasmtime::Result<()> {
        let Self { func, params, resolver } = self;
        let returned = call_dynamic(func, params, accessor)
            .await
            .with_context(|| format!("calling `{}`", resolver.path));
        let result = returned.map(|vals| values::all_from(vals, &resolver.cx).pop());
        resolver.resolve(result);
        Ok(())
    }
}

/// The job that makes a dynamic call.
pub(crate) fn dynamic(func: Func, params: Vec<Val>, resolver: Resolver<Option<Val>>) -> Job {
    Box::new(move |accessor| {
        // As above.
        drop(accessor.spawn(DynamicCall { func, params, resolver }));
    })
}
