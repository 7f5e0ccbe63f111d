//! Resources of the host for native guests: each Rust type that implements one is a resource type of its store.

use super::store::NativeStore;
use super::typed::{Natively, mismatch, unexpected};
use crate::canonical::{OwnedResource, ResourceType, Type, Value};
use crate::error::{Error, Result};
use crate::resource::{Borrow, HostResource, Kind, Own};
use anyhow::{anyhow, bail};
use std::any::type_name;
use std::rc::Rc;

impl NativeStore {
    /// The resource type that a type of the host is in this store.
    pub(crate) fn host_resource(&self, kind: Kind) -> Rc<ResourceType> {
        let cx = self.cx().clone();
        let make = || {
            let drop_value = move |rep| {
                let dropped = cx.resources(|table| table.remove(rep));
                drop(dropped);
            };
            ResourceType::of_host(kind.name, Rc::new(drop_value))
        };
        self.held().host_resource(kind.id, make)
    }

    /// The value that gives or lends a resource of the host to a guest, as `ty` says.
    pub(crate) fn hand_out(&self, resource: HostResource, ty: &Type) -> Value {
        let resource_type = self.host_resource(resource.kind);
        let lent = matches!(ty, Type::Borrow(_));
        let rep = resource.hand_out(self.cx(), lent);
        if lent {
            Value::Borrow(resource_type, rep)
        } else {
            Value::Own(OwnedResource::new(resource_type, rep, self.canonical()))
        }
    }

    /// Whether a handle of this type is on a `T` of the host.
    fn check_host_resource<T: Send + Sync + 'static>(&self, found: &Rc<ResourceType>) -> Result<()> {
        if Rc::ptr_eq(found, &self.host_resource(Kind::of::<T>())) {
            return Ok(());
        }
        bail!(
            "a handle on the resource `{}` is none on a `{}` of the host",
            found.name(),
            type_name::<T>()
        )
    }
}

impl<T: Send + Sync + 'static> Natively for Own<T> {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::Own(_) => Ok(()),
            other => Err(mismatch::<Self>(other)),
        }
    }

    fn into_value(self, _: &Type, store: &NativeStore) -> Result<Value> {
        let ty = store.host_resource(Kind::of::<T>());
        Ok(Value::Own(OwnedResource::new(
            ty,
            self.into_rep(store.cx()),
            store.canonical(),
        )))
    }

    fn from_value(value: Value, _: &Type, store: &NativeStore) -> Result<Self> {
        let Value::Own(own) = value else {
            return Err(unexpected::<Self>(&value));
        };
        store.check_host_resource::<T>(own.ty())?;
        Own::from_rep(own.into_rep().ok_or_else(used::<T>)?, store.cx())
    }
}

impl<T: Send + Sync + 'static> Natively for Borrow<T> {
    fn check(ty: &Type) -> Result<()> {
        match ty {
            Type::Borrow(_) => Ok(()),
            other => Err(mismatch::<Self>(other)),
        }
    }

    fn into_value(self, _: &Type, store: &NativeStore) -> Result<Value> {
        let ty = store.host_resource(Kind::of::<T>());
        Ok(Value::Borrow(ty, self.into_rep(store.cx())))
    }

    fn from_value(value: Value, _: &Type, store: &NativeStore) -> Result<Self> {
        let Value::Borrow(ty, rep) = &value else {
            return Err(unexpected::<Self>(&value));
        };
        store.check_host_resource::<T>(ty)?;
        Borrow::from_rep(*rep, store.cx())
    }
}

fn used<T>() -> Error {
    anyhow!("the handle of a `{}` was used before", type_name::<T>())
}
