//! The traits users implement: `Guest` for each exported interface and for the world, and one for each resource in it.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use wit_parser::Docs;
use witflow_bindgen_core::abi::{Definition, Function, Resource};

use crate::Generator;
use crate::docs::docs;
use crate::exports::{Entry, Target};
use crate::names::{Case, Scope, spell};
use crate::paths::ModulePath;
use crate::world::root_allow;

/// The user's type behind a trait, as code generic over the implementation `_G` of `Guest` has it.
pub(crate) struct Implementer {
    /// The type.
    pub ty: TokenStream,
    /// The trait.
    pub guest: Ident,
    /// What the names of its core functions have in front.
    prefix: String,
}

/// What the traits of one module come to, one after the other.
pub(crate) struct Guests<'e> {
    entries: &'e mut Vec<(ModulePath, Entry)>,
    /// The names of core functions.
    names: Scope,
    glue: TokenStream,
}

impl Guests<'_> {
    /// The name of the core function behind a method.
    pub(crate) fn name(&mut self, implementer: &Implementer, method: &str) -> Ident {
        let method = method.trim_start_matches("r#");
        self.names
            .local(&format!("_export_{}{method}_cabi", implementer.prefix))
    }
}

impl Generator<'_> {
    /// The traits of one interface or of the world itself, and the glue between them and the core exports.
    pub(crate) fn guest(
        &self,
        home: &ModulePath,
        about: &Docs,
        resources: &[Resource],
        functions: &[&Function],
        entries: &mut Vec<(ModulePath, Entry)>,
    ) -> TokenStream {
        let (docs, allow) = (docs(about), root_allow(home));
        let free: Vec<&Function> = functions
            .iter()
            .copied()
            .filter(|function| function.func.kind.resource().is_none())
            .collect();
        let guest = Implementer {
            ty: quote!(_G),
            guest: format_ident!("Guest"),
            prefix: String::new(),
        };
        let mut guests = Guests {
            entries,
            names: Scope::default(),
            glue: TokenStream::new(),
        };
        let methods = self.methods(home, &guest, &free, Scope::default(), &mut guests);
        let (mut types, mut resource_names) = (Vec::new(), Vec::new());
        let mut traits = Vec::new();
        for resource in resources {
            let (name, guest) = (
                self.paths.type_ident(self.resolve(), resource.id),
                self.paths.guest_ident(resource.id),
            );
            types.push(quote!(type #name: #guest;));
            resource_names.push(name);
            traits.push(self.resource_guest(home, resource, functions, &mut guests));
        }
        let glue = guests.glue;
        let stub = self.stub(home, &guest.guest, &resource_names, &methods);
        quote! {
            #docs
            #allow
            pub trait Guest { #(#types)* #(#methods)* }
            #(#traits)*
            #glue
            #stub
        }
    }

    /// The trait of a resource that the guest defines, and its glue.
    fn resource_guest(
        &self,
        home: &ModulePath,
        resource: &Resource,
        functions: &[&Function],
        guests: &mut Guests<'_>,
    ) -> TokenStream {
        let rt = &self.rt;
        let def = &self.resolve().types[resource.id];
        let docs = docs(&def.docs);
        let (name, guest) = (
            self.paths.type_ident(self.resolve(), resource.id),
            self.paths.guest_ident(resource.id),
        );
        let implementer = Implementer {
            ty: quote!(_G::#name),
            guest,
            prefix: format!("{}_", spell(&name.to_string(), Case::Snake)),
        };
        let own: Vec<&Function> = functions
            .iter()
            .copied()
            .filter(|function| function.func.kind.resource() == Some(resource.id))
            .collect();
        let scope = Scope::with(&["resource_into_raw_", "resource_from_raw_"]);
        let methods = self.methods(home, &implementer, &own, scope, guests);
        self.destructor(home, &name, resource, &implementer, guests);
        let guest = &implementer.guest;
        let stub = self.stub(home, guest, &[], &methods);
        quote! {
            #docs
            pub trait #guest: #rt::Resource {
                /// Puts what represents a value where it stays until it is taken back.
                ///
                /// # Safety
                ///
                /// To override this, override the function below as well: it gets the same pointer, once.
                #[doc(hidden)]
                unsafe fn resource_into_raw_(value: Self::Rep) -> *mut Self::Rep {
                    #rt::Box::into_raw(#rt::Box::new(value))
                }
                /// Takes back what the function above has put away.
                ///
                /// # Safety
                ///
                /// The pointer came from it, and is not used again.
                #[doc(hidden)]
                unsafe fn resource_from_raw_(pointer: *mut Self::Rep) -> Self::Rep {
                    // SAFETY: the caller's promise.
                    *unsafe { #rt::Box::from_raw(pointer) }
                }
                #(#methods)*
            }
            #stub
        }
    }

    fn methods(
        &self,
        home: &ModulePath,
        implementer: &Implementer,
        functions: &[&Function],
        mut scope: Scope,
        guests: &mut Guests<'_>,
    ) -> Vec<TokenStream> {
        let names = self.function_names(functions, &mut scope);
        let mut methods = Vec::new();
        for (name, function) in names.iter().zip(functions) {
            let glue = guests.name(implementer, &name.to_string());
            let export = self.export(home, name, implementer, glue, function);
            methods.push(export.method);
            guests.glue.extend(export.glue);
            let entries = export.entries.into_iter().map(|entry| (home.clone(), entry));
            guests.entries.extend(entries);
        }
        methods
    }

    /// What runs when the last handle of a resource is dropped.
    fn destructor(
        &self,
        home: &ModulePath,
        name: &Ident,
        resource: &Resource,
        implementer: &Implementer,
        guests: &mut Guests<'_>,
    ) {
        let rt = &self.rt;
        let Some(Definition { destructor, .. }) = &resource.definition else {
            return;
        };
        let function = guests.name(implementer, "drop");
        let Implementer { ty, guest, .. } = implementer;
        let entry = Entry {
            name: destructor.clone(),
            target: Target::Generic(function.clone()),
            params: vec![quote!(i32)],
            result: None,
        };
        guests.entries.push((home.clone(), entry));
        guests.glue.extend(quote! {
            #[doc(hidden)]
            pub unsafe fn #function<_G: Guest>(rep: i32) {
                // SAFETY: the host calls the destructor once for each representation.
                unsafe {
                    let pointer = #rt::resource_drop_rep::<#name, #ty>(rep as u32);
                    ::core::mem::drop(<#ty as #guest>::resource_from_raw_(pointer));
                }
            }
        });
    }
}
