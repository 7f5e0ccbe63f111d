//! [`Linker`]: the host functions a component may import, by interface and name.
//!
//! A linker holds definitions only. They meet an engine when a component is instantiated, which is also when it is known
//! which of them the component wants, whether it wants them as `async func`, and which it wants in vain.

use crate::cx::Cx;
use crate::engine::Component;
use crate::error::{MissingImports, Result};
use crate::instance::Instance;
use crate::store::Store;
use crate::val::Val;
use crate::value::NamedList;
use crate::wasi::WasiOptions;
use crate::wasmtime::Data;
use crate::wasmtime::functions::{Dynamic, HostFunction, Typed, with_path};
use crate::wasmtime::wasi::defined_name;
use anyhow::{Context as _, bail};
use futures::FutureExt as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::component as wc;
use wasmtime::component::types::ComponentItem;

type Functions = BTreeMap<String, Arc<dyn HostFunction>>;

/// Host functions by interface and name. The empty interface is the world itself.
#[derive(Default)]
pub struct Linker {
    interfaces: BTreeMap<String, Functions>,
    wasi: Option<WasiOptions>,
}

/// The functions of one interface of a [`Linker`].
pub struct LinkerInstance<'a> {
    interface: String,
    functions: &'a mut Functions,
}

impl Linker {
    /// A linker without definitions.
    pub fn new() -> Self {
        Self::default()
    }

    /// The functions of the interface `name`, which is `ns:pkg/iface` or `ns:pkg/iface@1.2.3`.
    ///
    /// A definition without version serves an import of any version; one with a version serves the versions that are
    /// compatible with it.
    ///
    /// # Errors
    /// When `name` is not the name of an interface.
    pub fn instance(&mut self, name: &str) -> Result<LinkerInstance<'_>> {
        if name.is_empty() || name.contains('#') || name.contains(char::is_whitespace) {
            bail!(
                "`{name}` is not the name of an interface, as `ns:pkg/iface` is; world-level functions go in `root()`"
            );
        }
        Ok(self.functions(name))
    }

    /// The functions that a world imports directly.
    pub fn root(&mut self) -> LinkerInstance<'_> {
        self.functions("")
    }

    fn functions(&mut self, interface: &str) -> LinkerInstance<'_> {
        let functions = self.interfaces.entry(interface.to_owned()).or_default();
        LinkerInstance {
            interface: interface.to_owned(),
            functions,
        }
    }

    /// Offers WASI 0.2 and 0.3 to components that import it. Definitions made here take precedence over WASI's.
    pub fn with_wasi(&mut self, options: WasiOptions) -> &mut Self {
        self.wasi = Some(options);
        self
    }

    /// Instantiates `component` in `store`.
    ///
    /// # Errors
    /// [`MissingImports`], with all of them; or a definition whose type is not the import's; or a trap in a start function.
    pub async fn instantiate(&self, store: &mut Store, component: &Component) -> Result<Instance> {
        let engine = store.inner.engine().clone();
        let mut linker = wc::Linker::<Data>::new(&engine);
        linker.allow_shadowing(true);
        let wasi = match &self.wasi {
            Some(options) => options.add_to(&mut linker, component, store)?,
            None => Wasi::Absent,
        };
        let name = || format!("component `{}`", component.name());
        let missing = self.define(&mut linker, component, &engine, wasi).with_context(name)?;
        if !missing.is_empty() {
            return Err(MissingImports {
                component: component.name().to_owned(),
                imports: missing,
            }
            .into());
        }
        let linking = linker.instantiate_pre(&component.inner);
        let linked = with_path(linking, || format!("linking component `{}`", component.name()))?;
        let cx = store.cx();
        let starting = crate::wasmtime::idle::or_deadlock(&cx, linked.instantiate_async(&mut store.inner)).await;
        let started = starting.with_context(|| format!("instantiating component `{}`", component.name()))?;
        let inner = with_path(started, || format!("instantiating component `{}`", component.name()))?;
        Ok(Instance::new(inner, component, &engine))
    }

    /// Defines what the component imports, and returns the names of what is not defined here.
    fn define(
        &self,
        linker: &mut wc::Linker<Data>,
        component: &Component,
        engine: &wasmtime::Engine,
        wasi: Wasi,
    ) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        let ty = component.inner.component_type();
        for (name, import) in ty.imports(engine) {
            match import.ty {
                ComponentItem::ComponentFunc(func) => match self.find("", name) {
                    Some(function) => with_path(
                        function.define(&mut linker.root(), name, name.into(), func.async_()),
                        || format!("import `{name}`"),
                    )?,
                    None => missing.push(name.to_owned()),
                },
                ComponentItem::ComponentInstance(interface) => {
                    let implements = import.implements.unwrap_or(name);
                    // Opening an instance of the linker makes it, and an empty one would hide WASI's of another version.
                    let defined = if wasi.provides(name) {
                        defined_name(name)
                    } else {
                        name.to_owned()
                    };
                    for (item, export) in interface.exports(engine) {
                        let path = format!("{name}#{item}");
                        let func = match export.ty {
                            ComponentItem::ComponentFunc(func) => func,
                            ComponentItem::Resource(_) if !wasi.provides(name) => {
                                missing.push(format!("{path} (a resource, which a linker cannot define)"));
                                continue;
                            }
                            _ => continue,
                        };
                        match self.find(name, item).or_else(|| self.find(implements, item)) {
                            Some(function) => with_path(
                                linker.instance(&defined).and_then(|mut instance| {
                                    function.define(&mut instance, item, path.as_str().into(), func.async_())
                                }),
                                || format!("import `{path}`"),
                            )?,
                            None if wasi.provides(name) => {}
                            None => missing.push(path),
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(missing)
    }

    fn find(&self, interface: &str, name: &str) -> Option<&Arc<dyn HostFunction>> {
        let exact = self.interfaces.get(interface).and_then(|functions| functions.get(name));
        exact.or_else(|| {
            let mut compatible = self.interfaces.iter().filter(|(defined, _)| serves(defined, interface));
            compatible.find_map(|(_, functions)| functions.get(name))
        })
    }
}

/// Which interfaces WASI defines in the linker at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wasi {
    Absent,
    Present,
}

impl Wasi {
    fn provides(self, interface: &str) -> bool {
        self == Wasi::Present && interface.starts_with("wasi:")
    }
}

/// Whether the interface `defined` serves an import of `wanted`: the same name, and no version or a compatible one.
fn serves(defined: &str, wanted: &str) -> bool {
    let (defined_name, defined_version) = split_version(defined);
    let (wanted_name, wanted_version) = split_version(wanted);
    let tracks_match = match (defined_version, wanted_version) {
        (None, _) => true,
        (Some(defined), Some(wanted)) => track(defined).is_some() && track(defined) == track(wanted),
        (Some(_), None) => false,
    };
    !defined_name.is_empty() && defined_name == wanted_name && tracks_match
}

fn split_version(name: &str) -> (&str, Option<&str>) {
    name.split_once('@')
        .map_or((name, None), |(name, version)| (name, Some(version)))
}

/// The part of a version that compatible versions share; none for pre-releases, which are compatible with themselves only.
fn track(version: &str) -> Option<String> {
    if version.contains('-') {
        return None;
    }
    let mut parts = version.split('.');
    let (major, minor, patch) = (parts.next()?, parts.next()?, parts.next()?);
    Some(match (major, minor) {
        ("0", "0") => format!("0.0.{patch}"),
        ("0", minor) => format!("0.{minor}"),
        (major, _) => major.to_owned(),
    })
}

impl LinkerInstance<'_> {
    /// Defines `name` as a function that runs beside the guest.
    ///
    /// The parameters are a tuple; the result is `()` or a tuple of one. When the import is a plain `func` and not an `async
    /// func`, the guest, and with it the store, waits until the function is done.
    ///
    /// # Errors
    /// When `name` is defined already.
    pub fn func_wrap_concurrent<P, R, F, Fut>(&mut self, name: &str, function: F) -> Result<&mut Self>
    where
        P: NamedList,
        R: NamedList,
        F: Fn(Cx, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        let body = Arc::new(move |cx: Cx, params: P| function(cx, params).boxed());
        self.insert(name, Arc::new(Typed::new(body)))
    }

    /// Defines `name` as a function that returns at once.
    ///
    /// # Errors
    /// When `name` is defined already.
    pub fn func_wrap<P, R, F>(&mut self, name: &str, function: F) -> Result<&mut Self>
    where
        P: NamedList,
        R: NamedList,
        F: Fn(Cx, P) -> Result<R> + Send + Sync + 'static,
    {
        self.func_wrap_concurrent(name, move |cx, params: P| std::future::ready(function(cx, params)))
    }

    /// Defines `name` as a function over [`Val`]s that runs beside the guest, whatever its type. It returns `None` when the
    /// WIT function has no result.
    ///
    /// # Errors
    /// When `name` is defined already.
    pub fn func_new_concurrent<F, Fut>(&mut self, name: &str, function: F) -> Result<&mut Self>
    where
        F: Fn(Cx, Vec<Val>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Val>>> + Send + 'static,
    {
        self.insert(
            name,
            Arc::new(Dynamic(Arc::new(move |cx, params| function(cx, params).boxed()))),
        )
    }

    fn insert(&mut self, name: &str, function: Arc<dyn HostFunction>) -> Result<&mut Self> {
        if self.functions.contains_key(name) {
            match self.interface.as_str() {
                "" => bail!("the world-level function `{name}` is defined twice"),
                interface => bail!("`{interface}#{name}` is defined twice"),
            }
        }
        self.functions.insert(name.to_owned(), function);
        Ok(self)
    }
}

impl std::fmt::Debug for Linker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.interfaces.iter().flat_map(|(interface, functions)| {
            functions.keys().map(move |name| {
                if interface.is_empty() {
                    name.clone()
                } else {
                    format!("{interface}#{name}")
                }
            })
        });
        f.debug_set().entries(names).finish()
    }
}

impl std::fmt::Debug for LinkerInstance<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkerInstance")
            .field("interface", &self.interface)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn versions_serve_those_compatible_with_them() {
        for (defined, wanted) in [
            ("a:b/c", "a:b/c"),
            ("a:b/c", "a:b/c@1.2.3"),
            ("a:b/c@1.0.0", "a:b/c@1.2.3"),
            ("a:b/c@0.2.0", "a:b/c@0.2.9"),
        ] {
            assert!(serves(defined, wanted), "{defined} {wanted}");
        }
        for (defined, wanted) in [
            ("a:b/c", "a:b/d"),
            ("", "a:b/c"),
            ("a:b/c@1.0.0", "a:b/c"),
            ("a:b/c@1.0.0", "a:b/c@2.0.0"),
            ("a:b/c@0.2.0", "a:b/c@0.3.0"),
            ("a:b/c@0.0.1", "a:b/c@0.0.2"),
            ("a:b/c@1.0.0-rc.1", "a:b/c@1.0.0"),
        ] {
            assert!(!serves(defined, wanted), "{defined} {wanted}");
        }
    }
}
