//! The structs that stand for resources.
//!
//! An imported resource is a struct with a handle, and the methods are its functions (`imports`). A resource the guest
//! defines has such a struct for own handles, which makes a resource of the user's value and gets at it, another for borrows, and
//! a trait that the user's type implements (`guests`).

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use wit_parser::TypeId;
use witflow_bindgen_core::abi::{Definition, Resource};

use crate::Generator;
use crate::paths::ModulePath;
use crate::world::root_allow;

impl Generator<'_> {
    /// The definition of a resource.
    pub(crate) fn resource(&self, home: &ModulePath, id: TypeId, name: &Ident, docs: &TokenStream) -> TokenStream {
        let resource = self.world.resource(id);
        let owned = self.handle_struct(home, resource, name, docs);
        let Some(definition) = &resource.definition else {
            return owned;
        };
        let values = self.values(name, resource, definition);
        let borrow = self.borrow_struct(name, resource);
        quote!(#owned #values #borrow)
    }

    /// The struct with a handle, and what the runtime needs to know of it.
    fn handle_struct(&self, home: &ModulePath, resource: &Resource, name: &Ident, docs: &TokenStream) -> TokenStream {
        let rt = &self.rt;
        let allow = root_allow(home);
        let Resource { module, drop, .. } = resource;
        quote! {
            #docs
            #allow
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct #name {
                handle: #rt::Handle<#name>,
            }
            #allow
            impl #name {
                #[doc(hidden)]
                pub unsafe fn from_handle(handle: u32) -> Self {
                    // SAFETY: the caller's promise.
                    Self { handle: unsafe { #rt::Handle::from_handle(handle) } }
                }
                #[doc(hidden)]
                pub fn take_handle(&self) -> u32 {
                    self.handle.take_handle()
                }
                #[doc(hidden)]
                pub fn handle(&self) -> u32 {
                    self.handle.handle()
                }
            }
            // SAFETY: the built-in is that of this resource; the handle is the only field.
            #allow
            unsafe impl #rt::WasmResource for #name {
                unsafe fn drop(handle: u32) {
                    #rt::import!(#module, #drop, fn resource_drop(handle: u32));
                    // SAFETY: the caller's promise.
                    unsafe { resource_drop(handle) }
                }
                fn of_handle(handle: #rt::Handle<Self>) -> Self {
                    Self { handle }
                }
                fn as_handle(&self) -> &#rt::Handle<Self> {
                    &self.handle
                }
            }
        }
    }

    /// From the user's values to own handles and back.
    fn values(&self, name: &Ident, resource: &Resource, definition: &Definition) -> TokenStream {
        let rt = &self.rt;
        let guest = self.paths.guest_ident(resource.id);
        let module = &resource.module;
        let Definition { new, rep, .. } = definition;
        quote! {
            impl #name {
                /// Makes a resource of a value.
                pub fn new<_T: #guest>(value: _T) -> Self {
                    let rep = <_T::Rep as #rt::ResourceRep<_T>>::rep_new(value);
                    // SAFETY: the trait's functions put the representation where it stays, and take it from there.
                    unsafe { #rt::resource_new::<Self, _T>(_T::resource_into_raw_(rep)) }
                }
                /// The value of the resource.
                pub fn get<_T: #guest>(&self) -> &_T {
                    #rt::resource_get(self)
                }
                /// The value of the resource, to be changed.
                pub fn get_mut<_T: #guest>(&mut self) -> &mut _T {
                    #rt::resource_get_mut(self)
                }
                /// Takes the value out of the resource, which ends.
                pub fn into_inner<_T: #guest>(self) -> _T {
                    #rt::resource_into_inner(self)
                }
            }
            // SAFETY: the built-ins are those of this resource, and so is the static.
            unsafe impl #rt::Defined for #name {
                unsafe fn resource_new(rep: u32) -> u32 {
                    #rt::import!(#module, #new, fn resource_new(rep: u32) -> u32);
                    // SAFETY: the caller's promise.
                    unsafe { resource_new(rep) }
                }
                unsafe fn resource_rep(handle: u32) -> u32 {
                    #rt::import!(#module, #rep, fn resource_rep(handle: u32) -> u32);
                    // SAFETY: the caller's promise.
                    unsafe { resource_rep(handle) }
                }
                fn implemented_by() -> &'static #rt::ImplementedBy {
                    static TYPE: #rt::ImplementedBy = #rt::ImplementedBy::new();
                    &TYPE
                }
            }
        }
    }

    /// The struct for borrows.
    fn borrow_struct(&self, name: &Ident, resource: &Resource) -> TokenStream {
        let rt = &self.rt;
        let guest = self.paths.guest_ident(resource.id);
        let borrow = self.paths.borrow_ident(resource.id);
        let about = format!(" A borrow of a [`{name}`], which lasts as long as the call that was passed it.");
        quote! {
            #[doc = #about]
            #[derive(Debug)]
            #[repr(transparent)]
            pub struct #borrow<'a> {
                rep: u32,
                call: ::core::marker::PhantomData<(&'a #name, *const ())>,
            }
            impl<'a> #borrow<'a> {
                #[doc(hidden)]
                pub unsafe fn lift(rep: i32) -> Self {
                    Self { rep: rep as u32, call: ::core::marker::PhantomData }
                }
                /// The value of the resource.
                pub fn get<_T: #guest>(&self) -> &'a _T {
                    // SAFETY: the caller of the current call keeps the resource.
                    unsafe { #rt::resource_get_borrowed::<#name, _T>(self.rep) }
                }
            }
        }
    }
}
