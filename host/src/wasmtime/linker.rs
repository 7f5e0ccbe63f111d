//! Links a component on Wasmtime: the definitions of a [`Linker`] meet the imports of a component.

use super::functions::{Place, with_path};
use super::wasi::{Wasi, waits::defined_name};
use super::{Component, Data, WasmtimeStore, calls};
use crate::error::Result;
use crate::idle;
use crate::instance::Exports;
use crate::linker::Linker;
use anyhow::Context as _;
use wasmtime::component as wc;
use wasmtime::component::types::{ComponentInstance, ComponentItem};

/// Instantiates `component`, whose name is `name`.
///
/// # Errors
/// As [`Linker::instantiate`].
pub(crate) async fn instantiate(
    definitions: &Linker,
    store: &mut WasmtimeStore,
    component: &Component,
    name: &str,
) -> Result<Exports> {
    let engine = store.inner.engine().clone();
    let mut linker = wc::Linker::<Data>::new(&engine);
    linker.allow_shadowing(true);
    let wasi = match &definitions.wasi {
        Some(options) => options.add_to(&mut linker, component, store)?,
        None => Wasi::Absent,
    };
    let mut linking = Linking {
        definitions,
        linker: &mut linker,
        engine: &engine,
        wasi,
        missing: Vec::new(),
    };
    linking
        .define(component)
        .with_context(|| format!("component `{name}`"))?;
    let missing = linking.missing;
    definitions.nothing_missing(name, missing)?;
    let linked = with_path(linker.instantiate_pre(&component.inner), || {
        format!("linking component `{name}`")
    })?;
    let cx = store.inner.data().cx.clone();
    let starting = idle::or_deadlock(&cx, linked.instantiate_async(&mut store.inner), || cx.deadlock()).await;
    let context = || format!("instantiating component `{name}`");
    let instance = with_path(starting.with_context(context)?, context)?;
    Ok(calls::exported_functions(&component.inner, instance, &engine))
}

/// The definitions of a linker on their way into one of Wasmtime's.
struct Linking<'a> {
    definitions: &'a Linker,
    linker: &'a mut wc::Linker<Data>,
    engine: &'a wasmtime::Engine,
    wasi: Wasi,
    /// The names of imports that nothing defines.
    missing: Vec<String>,
}

impl Linking<'_> {
    /// Defines what the component imports.
    fn define(&mut self, component: &Component) -> Result<()> {
        let ty = component.inner.component_type();
        for (name, import) in ty.imports(self.engine) {
            match import.ty {
                ComponentItem::ComponentFunc(func) => match self
                    .definitions
                    .find(&[""], name)
                    .cloned()
                    .or_else(|| self.definitions.stand_in(name))
                {
                    Some(function) => function.define(Place {
                        linker: &mut self.linker.root(),
                        name,
                        path: name.into(),
                        is_async: func.async_(),
                    })?,
                    None => self.missing.push(name.to_owned()),
                },
                ComponentItem::ComponentInstance(interface) => {
                    self.define_interface(name, import.implements.unwrap_or(name), &interface)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Defines what is imported of the interface `implements` under the name `name`.
    fn define_interface(&mut self, name: &str, implements: &str, interface: &ComponentInstance) -> Result<()> {
        let by_wasi = self.wasi.provides(name);
        // Opening an instance of the linker makes it, and an empty one would hide WASI's of another version.
        let defined = if by_wasi { defined_name(name) } else { name.to_owned() };
        for (item, export) in interface.exports(self.engine) {
            let path = format!("{name}#{item}");
            let func = match export.ty {
                ComponentItem::ComponentFunc(func) => func,
                ComponentItem::Resource(_) => {
                    let stand_in = || self.definitions.resource_stand_in().filter(|_| !by_wasi);
                    match self
                        .definitions
                        .find_resource(&[name, implements], item)
                        .or_else(stand_in)
                    {
                        Some(kind) => {
                            let instance = self.linker.instance(&defined);
                            let defined = instance.and_then(|mut instance| kind.wasmtime.define(&mut instance, item));
                            with_path(defined, || format!("import `{path}`"))?;
                        }
                        None if by_wasi => {}
                        None => self.missing.push(format!("{path} (a resource)")),
                    }
                    continue;
                }
                _ => continue,
            };
            let stand_in = || self.definitions.stand_in(&path).filter(|_| !by_wasi);
            let function = self.definitions.find(&[name, implements], item).cloned();
            match function.or_else(stand_in) {
                Some(function) => {
                    let instance = self.linker.instance(&defined);
                    function.define(Place {
                        linker: &mut with_path(instance, || format!("import `{path}`"))?,
                        name: item,
                        path: path.as_str().into(),
                        is_async: func.async_(),
                    })?;
                }
                None if by_wasi => {}
                None => self.missing.push(path),
            }
        }
        Ok(())
    }
}
