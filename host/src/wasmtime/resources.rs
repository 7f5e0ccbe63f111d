//! Resources of the host on Wasmtime: each Rust type that implements one is a resource type of its own.

use super::{Data, OnTheWire, WireCx};
use crate::cx::Cx;
use crate::error::Result;
use crate::resource::{Borrow, HostResource, Own};
use std::marker::PhantomData;
use wasmtime::AsContextMut as _;
use wasmtime::component as wc;
use wasmtime::component::ResourceAny;

/// What tells Wasmtime the types apart.
pub struct HostSide<T>(PhantomData<fn() -> T>);

/// What depends on the Rust type.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    ty: fn() -> wc::ResourceType,
    handle: fn(u32, &mut WireCx<'_>) -> wasmtime::Result<ResourceAny>,
}

impl Kind {
    pub(crate) fn of<T: Send + Sync + 'static>() -> Self {
        Self {
            ty: || wc::ResourceType::host::<HostSide<T>>(),
            handle: |rep, cx| {
                ResourceAny::try_from_resource(wc::Resource::<HostSide<T>>::new_own(rep), cx.store.as_context_mut())
            },
        }
    }

    /// Defines the resource as `name`.
    pub(crate) fn define(self, linker: &mut wc::LinkerInstance<'_, Data>, name: &str) -> wasmtime::Result<()> {
        linker.resource(name, (self.ty)(), |store, rep| {
            let cx = store.data().cx.clone();
            let dropped = cx.resources(|table| table.remove(rep));
            drop(dropped);
            Ok(())
        })
    }

    /// The handle that gives `resource` to a guest.
    pub(crate) fn hand_out(self, resource: HostResource, cx: &mut WireCx<'_>) -> Result<ResourceAny> {
        let rep = resource.hand_out(&cx.cx(), false);
        (self.handle)(rep, cx).map_err(super::trap::from_wasmtime)
    }
}

impl<T: Send + Sync + 'static> OnTheWire for Own<T> {
    type Wire = wc::Resource<HostSide<T>>;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        Ok(wc::Resource::new_own(self.into_rep(&cx.cx())))
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        Own::from_rep(wire.rep(), cx)
    }
}

impl<T: Send + Sync + 'static> OnTheWire for Borrow<T> {
    type Wire = wc::Resource<HostSide<T>>;
    fn into_wire(self, cx: &mut WireCx<'_>) -> Result<Self::Wire> {
        Ok(wc::Resource::new_borrow(self.into_rep(&cx.cx())))
    }
    fn from_wire(wire: Self::Wire, cx: &Cx) -> Result<Self> {
        Borrow::from_rep(wire.rep(), cx)
    }
}
