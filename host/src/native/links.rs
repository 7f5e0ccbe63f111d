//! [`Link`]: an export of an instance that serves an import of another.

use super::store::{Func, NativeStore, ResourceTypeId};
use super::world::Interface;
use crate::backend;
use crate::canonical::{self, FuncType, Type};
use crate::cx::Cx;
use crate::error::Result;
use crate::instance::{Exports, Instance};
use crate::linker::Definitions;
use anyhow::{bail, ensure};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An export of an instance.
#[derive(Clone)]
pub(crate) struct Link {
    item: Item,
    /// The component that exports it.
    component: Arc<str>,
    cx: Cx,
}

#[derive(Clone, Copy)]
enum Item {
    Func(Func),
    Resource(ResourceTypeId),
}

/// The exports of an instance that are in the interface `name`.
///
/// # Errors
/// When the instance is not native.
pub(crate) fn links_of(instance: &Instance, name: &str) -> Result<BTreeMap<String, Link>> {
    let link = |item| Link {
        item,
        component: instance.component.clone(),
        cx: instance.cx.clone(),
    };
    items_of(&instance.exports, name, link)
}

/// The exports that are in the interface `name`, which is empty for those of the world itself.
fn items_of(exports: &Exports, name: &str, link: impl Fn(Item) -> Link) -> Result<BTreeMap<String, Link>> {
    let within = |path: &str| match path.split_once('#') {
        Some((interface, item)) => (interface == name).then(|| item.to_owned()),
        None => name.is_empty().then(|| path.to_owned()),
    };
    let mut links = BTreeMap::new();
    for (path, func) in &exports.functions {
        let Some(item) = within(path) else { continue };
        match func {
            backend::Func::Native(func) => links.insert(item, link(Item::Func(*func))),
            #[cfg(feature = "wasmtime")]
            backend::Func::Wasmtime(_) => {
                bail!("instances on Wasmtime cannot be linked; join their components by `Component::compose`")
            }
        };
    }
    for (path, resource) in &exports.resources {
        if let Some(item) = within(path) {
            links.insert(item, link(Item::Resource(*resource)));
        }
    }
    Ok(links)
}

/// Adds what a dependency exports, of each of its interfaces, to `links`.
///
/// # Errors
/// As [`links_of`].
pub(crate) fn add_exports(
    links: &mut Definitions<Link>,
    interfaces: &[Interface],
    exports: &Exports,
    component: &Arc<str>,
    cx: &Cx,
) -> Result<()> {
    for interface in interfaces {
        let link = |item| Link {
            item,
            component: component.clone(),
            cx: cx.clone(),
        };
        let items = items_of(exports, &interface.name, link)?;
        links.entry(interface.name.to_string()).or_default().extend(items);
    }
    Ok(())
}

impl Link {
    /// The function, if `ty` is its type.
    ///
    /// # Errors
    /// When it has another type, or is in another store.
    pub(crate) fn func(&self, store: &NativeStore, ty: &FuncType) -> Result<canonical::Func> {
        let component = &self.component;
        ensure!(
            self.cx.same_store(store.cx()),
            "component `{component}`, which it is linked to, has its instance in another store"
        );
        let func = match self.item {
            Item::Func(func) => store.func(func),
            Item::Resource(_) => None,
        };
        let Some(func) = func else {
            bail!("component `{component}` exports no function of that name")
        };
        ensure!(
            same_signature(func.ty(), ty),
            "type mismatch: component `{component}` exports it with another type"
        );
        Ok(func)
    }

    /// The resource type, if it is one of `store`.
    pub(crate) fn resource(&self, store: &NativeStore) -> Option<ResourceTypeId> {
        match self.item {
            Item::Resource(resource) if self.cx.same_store(store.cx()) => Some(resource),
            _ => None,
        }
    }
}

/// Whether two functions have one type, whatever numbers their resource types have.
pub(crate) fn same_signature(one: &FuncType, other: &FuncType) -> bool {
    let params = |ty: &FuncType| ty.params.iter().map(|(_, ty)| ty.clone()).collect::<Vec<_>>();
    let results = |ty: &FuncType| ty.result.iter().cloned().collect::<Vec<_>>();
    one.is_async == other.is_async && all_same(&params(one), &params(other)) && all_same(&results(one), &results(other))
}

fn all_same(one: &[Type], other: &[Type]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn same(one: &Type, other: &Type) -> bool {
    let optional = |one: &Option<Arc<Type>>, other: &Option<Arc<Type>>| match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    match (one, other) {
        (Type::Own(_), Type::Own(_)) | (Type::Borrow(_), Type::Borrow(_)) => true,
        (Type::List(one), Type::List(other)) | (Type::Option(one), Type::Option(other)) => same(one, other),
        (Type::FixedLengthList(one, n), Type::FixedLengthList(other, m)) => n == m && same(one, other),
        (Type::Map(k, v), Type::Map(l, w)) => same(k, l) && same(v, w),
        (Type::Tuple(one), Type::Tuple(other)) => all_same(one, other),
        (Type::Result(ok, err), Type::Result(fine, bad)) => optional(ok, fine) && optional(err, bad),
        (Type::Stream(one), Type::Stream(other)) | (Type::Future(one), Type::Future(other)) => optional(one, other),
        (Type::Record(one), Type::Record(other)) => {
            let fields = || one.iter().zip(other.iter());
            one.len() == other.len() && fields().all(|(one, other)| one.name == other.name && same(&one.ty, &other.ty))
        }
        (Type::Variant(one), Type::Variant(other)) => {
            let payload = |one: &Option<Type>, other: &Option<Type>| match (one, other) {
                (Some(one), Some(other)) => same(one, other),
                (one, other) => one.is_none() && other.is_none(),
            };
            let cases = || one.iter().zip(other.iter());
            one.len() == other.len()
                && cases().all(|(one, other)| one.name == other.name && payload(&one.ty, &other.ty))
        }
        (one, other) => one == other,
    }
}
