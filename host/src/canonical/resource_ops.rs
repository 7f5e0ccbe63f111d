//! `resource.new`, `resource.rep`, `resource.drop`, and destructors.

use super::call::Caller;
use super::instance::{CoreFunc, Instance};
use super::lift::resource_at;
use super::memory::CoreVal;
use super::resource::{ResourceHandle, ResourceType};
use super::store::Store;
use super::table::Entry;
use super::task::{LiftOptions, lift};
use super::trap::{Result, Rule, trap_if_at};
use super::ty::{FuncType, ResourceIndex, Type};
use super::value::Value;
use std::rc::Rc;

/// `resource.new`.
pub(crate) fn new(store: &Store, ty: ResourceIndex, rep: u32) -> Result<u32> {
    let instance = store.running_instance()?;
    let resource = instance.resource(ty)?;
    instance.add(Entry::Resource(Rc::new(ResourceHandle::own(resource, rep))))
}

/// `resource.rep`.
pub(crate) fn rep(store: &Store, ty: ResourceIndex, index: u32) -> Result<u32> {
    Ok(resource_at(&store.running()?.instance, index, ty)?.rep)
}

/// `resource.drop`.
pub(crate) fn drop(store: &Store, ty: ResourceIndex, index: u32) -> Result<()> {
    let instance = store.running_instance()?;
    let handle = resource_at(&instance, index, ty)?;
    trap_if_at(handle.lends.get() != 0, Rule::ResourceLent, index)?;
    instance.remove(index)?;
    match &handle.borrowed_by {
        Some(task) => {
            task.borrows.set(task.borrows.get() - 1);
            Ok(())
        }
        None => store.destroy(&handle.ty, handle.rep),
    }
}

/// The caller of a destructor. Nobody waits for a result.
struct Dropper(CoreVal);

impl Caller for Dropper {
    fn start(&self, _: &Store) -> Result<Vec<Value>> {
        let CoreVal::I32(rep) = self.0 else {
            return Ok(Vec::new());
        };
        Ok(vec![Value::U32(rep as u32)])
    }

    fn resolve(&self, _: &Store, _: Option<Vec<Value>>) -> Result<()> {
        Ok(())
    }

    fn describe(&self) -> String {
        "resource.drop".to_owned()
    }
}

/// Runs the destructor of a resource of `instance`, as a call of a plain function.
pub(crate) fn run_destructor(
    store: &Store,
    instance: &Rc<Instance>,
    ty: &ResourceType,
    core: CoreFunc,
    rep: CoreVal,
) -> Result<()> {
    let signature = FuncType {
        params: vec![("rep".into(), Type::U32)],
        result: None,
        is_async: false,
    };
    let name = format!("[dtor]{}", ty.name());
    let func = lift(instance, &name, core, Rc::new(signature), LiftOptions::default());
    let from = store.current().map(|thread| thread.instance.clone());
    func.callee
        .call(store, Rc::new(Dropper(rep)), from.as_ref())
        .map(|_| ())
}
