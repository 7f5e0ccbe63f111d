//! What types look like to a host, where that differs from what a guest has: handles, flags and resources.
//!
//! All values are owned. A handle on a resource that the guest imports is an `Own` or a `Borrow` of the type that implements it: the
//! one that `with` names, or a struct that holds any value. A resource of the guest is opaque.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use wit_parser::{Flags, Handle, TypeId};
use witflow_bindgen_core::abi::TypeFacts;

use crate::docs::docs;
use crate::names::{Case, define_all};
use crate::ownership::Form;
use crate::paths::ModulePath;
use crate::{Generator, Side};

impl Generator<'_> {
    /// A handle as a value of the host.
    pub(crate) fn host_handle(&self, from: &ModulePath, handle: Handle) -> TokenStream {
        let rt = &self.rt;
        let (Handle::Own(id) | Handle::Borrow(id)) = handle;
        let resource = self.paths.type_path(self.resolve(), from, id, Form::Main);
        match handle {
            _ if self.world.types.defines(id) => resource,
            Handle::Own(_) => quote!(#rt::Own<#resource>),
            Handle::Borrow(_) => quote!(#rt::Borrow<#resource>),
        }
    }

    /// What records, variants and enums derive in a host.
    pub(crate) fn host_derives(&self, facts: TypeFacts) -> Vec<TokenStream> {
        let equal = (!facts.handle()).then(|| quote!(PartialEq));
        equal
            .into_iter()
            .chain([quote!(::witflow_host::ComponentType)])
            .collect()
    }

    /// The name that a field or case has in WIT, for a host's derive.
    pub(crate) fn host_member(&self, member: &str) -> Option<TokenStream> {
        (self.side == Side::Host).then(|| quote!(#[component(name = #member)]))
    }

    /// Flags as a struct.
    pub(crate) fn host_flags(&self, name: &Ident, docs: &TokenStream, flags: &Flags) -> TokenStream {
        let fields = define_all(flags.flags.iter().map(|flag| flag.name.as_str()), Case::Snake);
        let fields = flags.flags.iter().zip(fields).map(|(flag, field)| {
            let (docs, attribute) = (self::docs(&flag.docs), self.host_member(&flag.name));
            quote!(#docs #attribute pub #field: bool)
        });
        quote! {
            #docs
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, ::witflow_host::ComponentType)]
            #[component(flags)]
            pub struct #name { #(#fields,)* }
        }
    }

    /// A resource: what holds a value of the host, or the name for handles on one of the guest.
    pub(crate) fn host_resource(&self, id: TypeId, name: &Ident, docs: &TokenStream) -> TokenStream {
        let rt = &self.rt;
        if self.world.types.defines(id) {
            return quote!(#docs pub type #name = #rt::Resource;);
        }
        quote! {
            #docs
            #[derive(Debug)]
            pub struct #name(#rt::Object);
            impl #name {
                /// A resource that `value` implements.
                pub fn new<_T: ::core::marker::Send + ::core::marker::Sync + 'static>(value: _T) -> #rt::Own<Self> {
                    #rt::Own::new(Self(#rt::Object::new(value)))
                }
                /// The value that implements the resource.
                ///
                /// # Errors
                /// When it is not a `_T`.
                pub fn get<_T: ::core::marker::Send + ::core::marker::Sync + 'static>(&self) -> #rt::Result<&_T> {
                    self.0.get()
                }
            }
        }
    }
}
