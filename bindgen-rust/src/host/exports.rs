//! What a host calls: a struct for each exported interface, with a method for each function.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use wit_parser::{TypeId, WorldKey};
use witflow_bindgen_core::abi::{Function, Resource};
use witflow_bindgen_core::world::Direction;

use super::Concurrent;
use super::functions::{full_name, own_name};
use crate::Generator;
use crate::docs::{docs, gap_after};
use crate::names::{Case, Scope};
use crate::paths::ModulePath;

/// The functions that a struct calls.
pub(super) struct Called {
    /// The fields, declared.
    pub(super) fields: TokenStream,
    /// The fields, initialised from `instance`.
    pub(super) found: TokenStream,
    /// The methods for functions that belong to no resource.
    pub(super) methods: TokenStream,
    /// The methods for those of each resource.
    resources: BTreeMap<TypeId, OfResource>,
}

/// The methods for the functions of a resource.
#[derive(Default)]
struct OfResource {
    scope: Scope,
    methods: TokenStream,
}

impl Generator<'_> {
    /// The struct of an exported interface, and those of its resources.
    pub(super) fn guest_struct(
        &self,
        home: &ModulePath,
        key: &WorldKey,
        resources: &[Resource],
        functions: &[&Function],
        concurrent: &Concurrent,
    ) -> TokenStream {
        let rt = &self.rt;
        let mut scope = Scope::with(&["new"]);
        let called = self.called(home, Some(key), functions, concurrent, &mut scope);
        let Called {
            fields, found, methods, ..
        } = &called;
        let accessors = resources.iter().map(|resource| {
            let name = self.resolve().types[resource.id].name.as_deref().unwrap_or_default();
            let (method, wrapper) = (scope.define(name, Case::Snake), self.paths.guest_ident(resource.id));
            let about = format!(" The functions of the resource `{name}`.");
            let own = called.resources.get(&resource.id).map(|of| &of.methods);
            let accessor = quote!(#[doc = #about] pub fn #method(&self) -> #wrapper<'_> { #wrapper(self) });
            let wrapper = quote! {
                #[doc = #about]
                #[derive(Clone, Copy, Debug)]
                pub struct #wrapper<'a>(&'a Guest);
                impl #wrapper<'_> { #own }
            };
            (accessor, wrapper)
        });
        let (accessors, wrappers): (Vec<_>, Vec<_>) = accessors.unzip();
        let about = format!(
            " The functions of `{}` in an instance.",
            self.resolve().name_world_key(key)
        );
        quote! {
            #[doc = #about]
            #[derive(Clone, Debug)]
            pub struct Guest { #fields }
            impl Guest {
                /// Finds the functions.
                ///
                /// # Errors
                /// When the instance does not export one of them.
                pub fn new(instance: &#rt::Instance) -> #rt::Result<Self> {
                    ::core::result::Result::Ok(Self { #found })
                }
                #methods
                #(#accessors)*
            }
            #(#wrappers)*
        }
    }

    /// Fields and methods for functions. `scope` has the names of other methods.
    pub(super) fn called(
        &self,
        home: &ModulePath,
        key: Option<&WorldKey>,
        functions: &[&Function],
        concurrent: &Concurrent,
        scope: &mut Scope,
    ) -> Called {
        let rt = &self.rt;
        let fields = self.flat_idents(functions, "call-", Case::Snake);
        let mut called = Called {
            fields: quote!(),
            found: quote!(),
            methods: quote!(),
            resources: BTreeMap::new(),
        };
        for (function, field) in functions.iter().zip(fields) {
            let (shape, full) = (self.shape(home, function), full_name(self.resolve(), key, function));
            let (params, results) = (shape.params(), shape.results());
            called.fields.extend(quote!(#field: #rt::TypedFunc<#params, #results>,));
            called.found.extend(quote!(#field: instance.typed_func(#full)?,));
            let concurrent = concurrent.contains(Direction::Export, &full);
            let own = format!("call-{}", own_name(function));
            let Some(resource) = function.func.kind.resource() else {
                let name = scope.define(&own, Case::Snake);
                let method = self.call(home, function, &name, &quote!(self.#field), concurrent);
                called.methods.extend(method);
                continue;
            };
            let of = called.resources.entry(resource).or_default();
            let name = of.scope.define(&own, Case::Snake);
            let method = self.call(home, function, &name, &quote!(self.0.#field), concurrent);
            of.methods.extend(method);
        }
        called
    }

    fn call(
        &self,
        home: &ModulePath,
        function: &Function,
        name: &Ident,
        place: &TokenStream,
        concurrent: bool,
    ) -> TokenStream {
        let rt = &self.rt;
        let allow = crate::world::root_allow(home);
        let docs = docs(&function.func.docs);
        let mut shape = self.shape(home, function);
        let (declared, tuple, result) = (shape.declared(), shape.tuple(), shape.returned());
        let single = shape.result.as_ref().map(|_| quote!(.single()));
        if concurrent {
            let cx = shape.scope.local("cx");
            return quote! {
                #docs
                #allow
                pub fn #name(&self, #cx: &#rt::Cx, #declared) -> #rt::Promise<#result> {
                    #place.call_concurrent(#cx, #tuple)#single
                }
            };
        }
        let (store, gap) = (shape.scope.local("store"), gap_after(&docs));
        quote! {
            #docs
            #gap
            #[doc = " Runs the store until the function has returned."]
            #[doc = ""]
            #[doc = " # Errors"]
            #[doc = " Those of the call, and of running the store."]
            #allow
            pub async fn #name(&self, #store: &mut #rt::Store, #declared) -> #rt::Result<#result> {
                #place.call_concurrent(&#store.cx(), #tuple)#single.get(#store).await
            }
        }
    }
}
