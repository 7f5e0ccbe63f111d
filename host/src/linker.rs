//! [`Linker`]: the host functions a component may import, by interface and name.
//!
//! A linker holds definitions only. They meet an engine when a component is instantiated, which is also when it is known
//! which of them the component wants, whether it wants them as `async func`, and which it wants in vain.

use crate::cx::Cx;
use crate::engine::{Code, Component};
use crate::error::{MissingImports, Result};
use crate::functions::{Dynamic, HostFunction, Typed};
use crate::instance::Instance;
use crate::resource::Kind;
use crate::store::{BackEnd, Store};
use crate::val::Val;
use crate::value::NamedList;
#[cfg(feature = "wasmtime")]
use crate::wasmtime::wasi::WasiOptions;
use anyhow::{anyhow, bail};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Things by interface and name. The empty interface is the world itself.
pub(crate) type Definitions<T> = BTreeMap<String, BTreeMap<String, T>>;

/// What components may import: functions of the host, and exports of other instances.
#[derive(Default)]
pub struct Linker {
    interfaces: Definitions<Arc<dyn HostFunction>>,
    resources: Definitions<Kind>,
    missing_fail_late: bool,
    #[cfg(feature = "native")]
    pub(crate) links: Definitions<crate::native::Link>,
    #[cfg(feature = "wasmtime")]
    pub(crate) wasi: Option<WasiOptions>,
}

/// The functions of one interface of a [`Linker`].
pub struct LinkerInstance<'a> {
    interface: String,
    functions: &'a mut BTreeMap<String, Arc<dyn HostFunction>>,
    resources: &'a mut BTreeMap<String, Kind>,
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
        LinkerInstance {
            interface: interface.to_owned(),
            functions: self.interfaces.entry(interface.to_owned()).or_default(),
            resources: self.resources.entry(interface.to_owned()).or_default(),
        }
    }

    /// Lets components import the interface `name` from a native instance of the same store.
    ///
    /// What the host defines for the interface takes precedence. Components on Wasmtime are joined before they are
    /// instantiated, by [`Component::compose`], which serves native ones too.
    ///
    /// # Errors
    /// When the instance is not native, or exports no such interface, or the interface is linked already.
    #[cfg(feature = "native")]
    pub fn link(&mut self, name: &str, instance: &Instance) -> Result<&mut Self> {
        let links = crate::native::links_of(instance, name)?;
        if links.is_empty() {
            bail!("component `{}` exports no interface `{name}`", instance.component);
        }
        if self.links.contains_key(name) {
            bail!("the interface `{name}` is linked twice");
        }
        self.links.insert(name.to_owned(), links);
        Ok(self)
    }

    /// Offers WASI 0.2 and 0.3 to components on Wasmtime that import it. Definitions made here take precedence over WASI's.
    ///
    /// Native guests are not offered it: what they import of it is to be defined here.
    #[cfg(feature = "wasmtime")]
    pub fn with_wasi(&mut self, options: WasiOptions) -> &mut Self {
        self.wasi = Some(options);
        self
    }

    /// Lets components be instantiated although some of their imports are not defined here: calling one of those fails, and
    /// names it. A test of a guest with many imports then defines those that matter to it.
    pub fn allow_missing(&mut self) -> &mut Self {
        self.missing_fail_late = true;
        self
    }

    /// What serves an import that is not defined, if that is allowed.
    pub(crate) fn stand_in(&self, path: &str) -> Option<Arc<dyn HostFunction>> {
        let path: Arc<str> = path.into();
        let body = move |_, _| -> BoxFuture<'static, Result<Option<Val>>> {
            let error = anyhow!("the linker does not define `{path}`, and a guest has called it");
            std::future::ready(Err(error)).boxed()
        };
        self.missing_fail_late.then(|| Arc::new(Dynamic(Arc::new(body))) as _)
    }

    /// The type of resources that are not defined, if that is allowed. There are no values of it.
    pub(crate) fn resource_stand_in(&self) -> Option<Kind> {
        enum Missing {}
        self.missing_fail_late.then(Kind::of::<Missing>)
    }

    /// Instantiates `component` in `store`.
    ///
    /// # Errors
    /// [`MissingImports`], with all of them, unless they are [allowed](Self::allow_missing); or a definition whose type is not the import's; or a trap in a start function;
    /// or the component was made for another back end than the store's.
    pub async fn instantiate(&self, store: &mut Store, component: &Component) -> Result<Instance> {
        let exports = match (&mut store.back_end, &component.code) {
            #[cfg(feature = "wasmtime")]
            (BackEnd::Wasmtime(store), Code::Wasmtime(code)) => {
                crate::wasmtime::linker::instantiate(self, store, code, component.name()).await?
            }
            #[cfg(feature = "native")]
            (BackEnd::Native(store), Code::Native(program)) => {
                crate::native::linker::instantiate(self, store, program, &component.name)?
            }
            #[cfg(all(feature = "wasmtime", feature = "native"))]
            (BackEnd::Native(_), Code::Wasmtime(_)) => bail!(
                "component `{}` was compiled for Wasmtime, and the store is native",
                component.name()
            ),
            #[cfg(all(feature = "wasmtime", feature = "native"))]
            (BackEnd::Wasmtime(_), Code::Native(_)) => {
                bail!(
                    "component `{}` is native, and the store is Wasmtime's",
                    component.name()
                )
            }
        };
        Ok(Instance::new(component, exports, store.cx()))
    }

    /// The function that serves an import of `name` from an interface with one of the names, the first that fits.
    pub(crate) fn find(&self, interfaces: &[&str], name: &str) -> Option<&Arc<dyn HostFunction>> {
        find(&self.interfaces, interfaces, name)
    }

    /// The type of the host that implements the resource `name` of an interface with one of the names.
    pub(crate) fn find_resource(&self, interfaces: &[&str], name: &str) -> Option<Kind> {
        find(&self.resources, interfaces, name).copied()
    }

    /// Reports the imports of a component that are not defined, if there are any.
    pub(crate) fn nothing_missing(&self, component: &str, missing: Vec<String>) -> Result<()> {
        if missing.is_empty() {
            return Ok(());
        }
        Err(MissingImports {
            component: component.to_owned(),
            imports: missing,
        }
        .into())
    }
}

/// What serves an import of `name` from an interface with one of the names, the first that fits.
pub(crate) fn find<'a, T>(definitions: &'a Definitions<T>, interfaces: &[&str], name: &str) -> Option<&'a T> {
    interfaces.iter().find_map(|interface| {
        let exact = definitions.get(*interface).and_then(|items| items.get(name));
        exact.or_else(|| {
            let mut compatible = definitions.iter().filter(|(defined, _)| serves(defined, interface));
            compatible.find_map(|(_, items)| items.get(name))
        })
    })
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
    /// Defines the resource `name`, which the host implements as a `T`: functions take and give [`Own<T>`](crate::Own) and
    /// [`Borrow<T>`](crate::Borrow) for it.
    ///
    /// Its constructor, methods and static functions are functions named `[constructor]name`, `[method]name.f` and
    /// `[static]name.f`.
    ///
    /// # Errors
    /// When `name` is defined already.
    pub fn resource<T: Send + Sync + 'static>(&mut self, name: &str) -> Result<&mut Self> {
        if self.resources.contains_key(name) {
            bail!("the resource `{name}` of `{}` is defined twice", self.interface);
        }
        self.resources.insert(name.to_owned(), Kind::of::<T>());
        Ok(self)
    }

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
