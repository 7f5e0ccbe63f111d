//! What the host holds for guests: readable ends not read from, resources, and error contexts.
//!
//! The objects themselves stay with their store, on its thread. What leaves it, inside readers and values, is a number and
//! the store's [`Cx`], which can go anywhere; whoever comes back with it gets the object.

use super::store::NativeStore;
use super::transfer::{GuestFuture, GuestStream};
use crate::backend::{self, Job};
use crate::canonical::{self, OwnedResource, Readable, ResourceType, Type, Value};
use crate::cx::Cx;
use crate::error::Result;
use crate::val::{ErrorContext, Resource};
use crate::value::ComponentType;
use anyhow::{Context as _, anyhow, bail};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A readable end, with the type of its payload.
pub(crate) struct HeldEnd {
    pub(crate) readable: Readable,
    pub(crate) payload: Option<Type>,
}

/// A resource.
enum HeldResource {
    Own(OwnedResource),
    Borrow(Rc<ResourceType>, u32),
}

/// The objects, by number. Numbers are never used again.
#[derive(Default)]
pub(crate) struct Held {
    next: Cell<u64>,
    ends: RefCell<BTreeMap<u64, HeldEnd>>,
    resources: RefCell<BTreeMap<u64, HeldResource>>,
    error_contexts: RefCell<BTreeMap<u64, Rc<canonical::ErrorContext>>>,
    /// What each type of the host that implements a resource is in this store.
    host_resources: RefCell<BTreeMap<TypeId, Rc<ResourceType>>>,
}

impl Held {
    fn next(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    /// The resource type that a type of the host is, made when it is first asked for.
    pub(crate) fn host_resource(&self, id: TypeId, make: impl FnOnce() -> Rc<ResourceType>) -> Rc<ResourceType> {
        self.host_resources.borrow_mut().entry(id).or_insert_with(make).clone()
    }

    /// Lets go of everything.
    pub(crate) fn clear(&self) {
        // Out of the cells first: what a destructor does may come back here.
        let ends = self.ends.take();
        let resources = self.resources.take();
        drop((ends, resources));
        self.error_contexts.take();
    }
}

/// A readable end the store holds.
struct EndKey {
    number: u64,
    payload: Option<Type>,
    cx: Cx,
}

impl EndKey {
    /// Tells the guest, when the store runs next, that nobody reads.
    fn close(self) {
        let number = self.number;
        self.cx.push(Job::Native(Box::new(move |store: &NativeStore| {
            let end = store.held().ends.borrow_mut().remove(&number);
            drop(end);
        })));
    }
}

macro_rules! any_end {
    ($(#[$doc:meta])* $name:ident, $typed:ident) => {
        $(#[$doc])*
        pub(crate) struct $name(Option<EndKey>);

        impl $name {
            /// The end with its payload type.
            pub(crate) fn typed<T: ComponentType>(mut self) -> Result<$typed<T>> {
                let key = self.0.as_ref().ok_or_else(|| anyhow!("the handle was used before"))?;
                T::check_payload(key.payload.as_ref()).context("the payload is of another type")?;
                let typed = $typed::new(key.number, &key.cx);
                self.0 = None;
                Ok(typed)
            }

            /// The end itself, for use in `store`.
            pub(crate) fn take(mut self, store: &NativeStore) -> Result<Readable> {
                let key = self.0.take().ok_or_else(|| anyhow!("the handle was used before"))?;
                if !key.cx.same_store(store.cx()) {
                    key.close();
                    bail!("an untyped handle cannot move to another store");
                }
                Ok(store.take_end(key.number)?.readable)
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                if let Some(key) = self.0.take() {
                    key.close();
                }
            }
        }
    };
}
any_end!(
    /// The readable end of a stream whose payload type is not known.
    GuestStreamAny, GuestStream
);
any_end!(
    /// The readable end of a future whose payload type is not known.
    GuestFutureAny, GuestFuture
);

/// A resource and the store it belongs to.
#[derive(Clone)]
pub(crate) struct ResourceHandle {
    number: u64,
    cx: Cx,
}

impl PartialEq for ResourceHandle {
    fn eq(&self, other: &Self) -> bool {
        self.cx.same_store(&other.cx) && self.number == other.number
    }
}

impl std::fmt::Debug for ResourceHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "resource {}", self.number)
    }
}

/// An error context and the store it belongs to.
#[derive(Clone)]
pub(crate) struct ErrorContextHandle {
    number: u64,
    cx: Cx,
}

impl PartialEq for ErrorContextHandle {
    fn eq(&self, other: &Self) -> bool {
        self.cx.same_store(&other.cx) && self.number == other.number
    }
}

impl std::fmt::Debug for ErrorContextHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error context {}", self.number)
    }
}

impl NativeStore {
    fn keep_end(&self, readable: Readable, payload: Option<&Type>) -> u64 {
        let number = self.held().next();
        let payload = payload.cloned();
        self.held()
            .ends
            .borrow_mut()
            .insert(number, HeldEnd { readable, payload });
        number
    }

    /// The reader of a stream that came from a guest.
    pub(crate) fn keep_stream<T: ComponentType>(&self, end: Readable, payload: Option<&Type>) -> GuestStream<T> {
        GuestStream::new(self.keep_end(end, payload), self.cx())
    }

    /// The reader of a future that came from a guest.
    pub(crate) fn keep_future<T: ComponentType>(&self, end: Readable, payload: Option<&Type>) -> GuestFuture<T> {
        GuestFuture::new(self.keep_end(end, payload), self.cx())
    }

    /// A stream that came from a guest.
    pub(crate) fn keep_any_stream(&self, end: Readable, payload: Option<&Type>) -> GuestStreamAny {
        GuestStreamAny(Some(self.end_key(end, payload)))
    }

    /// A future that came from a guest.
    pub(crate) fn keep_any_future(&self, end: Readable, payload: Option<&Type>) -> GuestFutureAny {
        GuestFutureAny(Some(self.end_key(end, payload)))
    }

    fn end_key(&self, end: Readable, payload: Option<&Type>) -> EndKey {
        EndKey {
            number: self.keep_end(end, payload),
            payload: payload.cloned(),
            cx: self.cx().clone(),
        }
    }

    /// Hands out an end that was kept.
    ///
    /// # Errors
    /// When it is not here any more.
    pub(crate) fn take_end(&self, number: u64) -> Result<HeldEnd> {
        let end = self.held().ends.borrow_mut().remove(&number);
        end.ok_or_else(|| anyhow!("the handle was used before"))
    }

    /// The value of a resource, which for an owned one is used up.
    ///
    /// # Errors
    /// When it belongs to another store, or was given away, or is only borrowed where it is to be owned.
    pub(crate) fn resource_into_value(&self, resource: &Resource, ty: &Type) -> Result<Value> {
        let handle = self.own_handle(resource)?;
        let mut resources = self.held().resources.borrow_mut();
        match (ty, resources.get(&handle.number)) {
            (_, None) => bail!("the resource was given away or dropped, or its borrow is over"),
            (Type::Borrow(_), Some(HeldResource::Own(own))) => match own.rep() {
                Some(rep) => Ok(Value::Borrow(own.ty().clone(), rep)),
                None => bail!("the resource was given away or dropped"),
            },
            (Type::Borrow(_), Some(HeldResource::Borrow(ty, rep))) => Ok(Value::Borrow(ty.clone(), *rep)),
            (_, Some(HeldResource::Borrow(..))) => bail!("a borrowed resource cannot be given away"),
            (_, Some(HeldResource::Own(_))) => match resources.remove(&handle.number) {
                Some(HeldResource::Own(own)) => Ok(Value::Own(own)),
                _ => bail!("the resource was given away or dropped"),
            },
        }
    }

    fn own_handle<'a>(&self, resource: &'a Resource) -> Result<&'a ResourceHandle> {
        match &resource.0 {
            backend::ResourceHandle::Native(handle) if handle.cx.same_store(self.cx()) => Ok(handle),
            _ => Err(backend::ResourceHandle::of_another_store()),
        }
    }

    /// The resource of a guest.
    ///
    /// # Errors
    /// When the value is none.
    pub(crate) fn resource_from_value(&self, value: Value) -> Result<Resource> {
        let resource = match value {
            Value::Own(own) => HeldResource::Own(own),
            Value::Borrow(ty, rep) => HeldResource::Borrow(ty, rep),
            other => bail!("a value of type {} is not a resource", other.kind()),
        };
        let number = self.held().next();
        self.held().resources.borrow_mut().insert(number, resource);
        let cx = self.cx().clone();
        Ok(Resource(backend::ResourceHandle::Native(ResourceHandle { number, cx })))
    }

    /// The number that the next object will exceed.
    pub(crate) fn mark(&self) -> u64 {
        self.held().next.get()
    }

    /// Ends the borrows that were received with the parameters of one call, between two marks.
    pub(crate) fn end_borrows(&self, marks: std::ops::Range<u64>) {
        let mut resources = self.held().resources.borrow_mut();
        let is_over = |number| number > marks.start && number <= marks.end;
        resources.retain(|number, resource| !(is_over(*number) && matches!(resource, HeldResource::Borrow(..))));
    }

    /// Drops a resource the host owns.
    ///
    /// # Errors
    /// When it is not the host's to drop.
    pub(crate) fn drop_resource(&self, handle: &ResourceHandle) -> Result<()> {
        if !handle.cx.same_store(self.cx()) {
            return Err(backend::ResourceHandle::of_another_store());
        }
        let resource = self.held().resources.borrow_mut().remove(&handle.number);
        match resource {
            Some(resource) => {
                // Its store runs the destructor.
                drop(resource);
                Ok(())
            }
            None => bail!("the resource was given away or dropped before"),
        }
    }

    /// The error context of a guest.
    pub(crate) fn keep_error_context(&self, context: Rc<canonical::ErrorContext>) -> ErrorContext {
        let number = self.held().next();
        self.held().error_contexts.borrow_mut().insert(number, context);
        let cx = self.cx().clone();
        ErrorContext(backend::ErrorContextHandle::Native(ErrorContextHandle { number, cx }))
    }

    /// The value of an error context.
    ///
    /// # Errors
    /// When it is of another store.
    pub(crate) fn error_context_into_value(&self, context: &ErrorContext) -> Result<Value> {
        match &context.0 {
            backend::ErrorContextHandle::Native(handle) if handle.cx.same_store(self.cx()) => {
                let context = self.held().error_contexts.borrow().get(&handle.number).cloned();
                context
                    .map(Value::ErrorContext)
                    .ok_or_else(|| anyhow!("the error context is gone"))
            }
            _ => bail!("an error-context cannot move to another store"),
        }
    }
}
