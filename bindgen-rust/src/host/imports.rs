//! What a host implements: a trait for each imported interface, one for each of its resources, and how a linker is given them.
//!
//! Functions of the traits fail by name unless they are implemented, so that a mock has what its test needs and no more. Each function
//! is a constant too, by which a script prepares answers.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use wit_parser::{Docs, TypeId, WorldKey};
use witflow_bindgen_core::abi::{Function, Resource};
use witflow_bindgen_core::world::Direction;

use super::Concurrent;
use super::functions::{Shape, full_name};
use crate::Generator;
use crate::docs::{docs, gap_after};
use crate::names::{Case, Scope};
use crate::ownership::Form;
use crate::paths::ModulePath;

/// An imported interface, or what a world imports by itself.
pub(super) struct Imported<'a> {
    pub(super) home: ModulePath,
    pub(super) key: Option<&'a WorldKey>,
    pub(super) docs: &'a Docs,
    /// The trait.
    pub(super) name: Ident,
    pub(super) resources: Vec<&'a Resource>,
    pub(super) functions: Vec<&'a Function>,
}

/// A function of a trait.
struct Method<'a> {
    function: &'a Function,
    in_trait: Ident,
    name: Ident,
    constant: Ident,
    concurrent: bool,
    shape: Shape,
}

impl Imported<'_> {
    /// Whether there is anything to implement.
    pub(super) fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.resources.is_empty()
    }
}

impl Generator<'_> {
    /// Constants, traits, and what implements them.
    pub(super) fn host_traits(&self, imported: &Imported<'_>, concurrent: &Concurrent) -> TokenStream {
        let methods = self.host_methods(imported, concurrent);
        let constants = methods.iter().map(|method| self.constant(imported, method));
        let of = |name: &Ident| {
            methods
                .iter()
                .filter(|method| method.in_trait == *name)
                .collect::<Vec<_>>()
        };
        let resources = imported.resources.iter().map(|resource| {
            let (name, def) = (self.paths.host_ident(resource.id), &self.resolve().types[resource.id]);
            let about = format!(
                " The functions of the resource `{}`.",
                def.name.as_deref().unwrap_or_default()
            );
            self.host_trait(imported, &quote!(#[doc = #about]), &name, &[], &of(&name))
        });
        let supers: Vec<Ident> = imported
            .resources
            .iter()
            .map(|resource| self.paths.host_ident(resource.id))
            .collect();
        let docs = docs(imported.docs);
        let main = self.host_trait(imported, &docs, &imported.name, &supers, &of(&imported.name));
        quote!(#(#constants)* #(#resources)* #main)
    }

    fn host_methods<'f>(&self, imported: &Imported<'f>, concurrent: &Concurrent) -> Vec<Method<'f>> {
        let constants = self.flat_idents(&imported.functions, "", Case::Shouty);
        let constants: Vec<(&Function, Ident)> = imported.functions.iter().copied().zip(constants).collect();
        let of = |resource: Option<TypeId>, in_trait: &Ident| {
            let own = constants
                .iter()
                .filter(|(function, _)| function.func.kind.resource() == resource);
            let functions: Vec<&Function> = own.clone().map(|(function, _)| *function).collect();
            let names = self.function_names(&functions, &mut Scope::default());
            let methods = own.zip(names).map(|((function, constant), name)| Method {
                function,
                in_trait: in_trait.clone(),
                name,
                constant: constant.clone(),
                concurrent: concurrent.contains(Direction::Import, &full_name(self.resolve(), imported.key, function)),
                shape: self.shape(&imported.home, function),
            });
            methods.collect::<Vec<_>>()
        };
        let resources = imported.resources.iter();
        let resources = resources.flat_map(|resource| of(Some(resource.id), &self.paths.host_ident(resource.id)));
        of(None, &imported.name).into_iter().chain(resources).collect()
    }

    fn constant(&self, imported: &Imported<'_>, method: &Method<'_>) -> TokenStream {
        let rt = &self.rt;
        let Method { constant, shape, .. } = method;
        let (full, params, result) = (
            full_name(self.resolve(), imported.key, method.function),
            shape.params(),
            shape.returned(),
        );
        let about = format!(" `{full}`, for scripts.");
        quote! {
            #[doc = #about]
            pub const #constant: #rt::Function<#params, #result> = #rt::Function::new(#full);
        }
    }

    fn host_trait(
        &self,
        imported: &Imported<'_>,
        docs: &TokenStream,
        name: &Ident,
        supers: &[Ident],
        methods: &[&Method<'_>],
    ) -> TokenStream {
        let rt = &self.rt;
        let (allow, gap) = (crate::world::root_allow(&imported.home), gap_after(docs));
        let defaults = methods.iter().map(|method| self.default_method(method));
        let scripted = methods.iter().map(|method| self.scripted_method(name, method));
        quote! {
            #docs
            #gap
            #[doc = " Functions that are not implemented fail, and say which they are."]
            #allow
            pub trait #name: #(#supers +)* ::core::marker::Send + ::core::marker::Sync + 'static {
                #(#defaults)*
            }
            #allow
            impl #name for #rt::Strict {}
            #allow
            impl<_H: #name> #name for #rt::Script<_H> {
                #(#scripted)*
            }
        }
    }

    /// The function up to its body, and the name of its context.
    fn signature(&self, method: &Method<'_>) -> (TokenStream, Ident, Scope) {
        let rt = &self.rt;
        let Method { name, shape, .. } = method;
        let mut scope = shape.scope.clone();
        let cx = scope.local("cx");
        let (declared, result) = (shape.declared(), shape.returned());
        let signature = match method.concurrent {
            true => quote! {
                fn #name(&self, #cx: #rt::Cx, #declared)
                    -> impl ::core::future::Future<Output = #rt::Result<#result>> + ::core::marker::Send
            },
            false => quote!(fn #name(&self, #cx: &#rt::Cx, #declared) -> #rt::Result<#result>),
        };
        (signature, cx, scope)
    }

    fn default_method(&self, method: &Method<'_>) -> TokenStream {
        let rt = &self.rt;
        let docs = docs(&method.function.func.docs);
        let (signature, cx, _) = self.signature(method);
        let (constant, names) = (&method.constant, &method.shape.names);
        let fails = quote!(#rt::not_implemented(#constant));
        let fails = match method.concurrent {
            true => quote!(::core::future::ready(#fails)),
            false => fails,
        };
        quote!(#docs #signature { let _ = (#cx, #(#names,)*); #fails })
    }

    fn scripted_method(&self, in_trait: &Ident, method: &Method<'_>) -> TokenStream {
        let rt = &self.rt;
        let (signature, cx, mut scope) = self.signature(method);
        let Method { name, constant, .. } = method;
        let (tuple, names) = (method.shape.tuple(), &method.shape.names);
        let (next, host, result) = (scope.local("next"), scope.local("host"), scope.local("result"));
        let body = |context: TokenStream, wait: TokenStream| {
            quote! {
                match #next {
                    #rt::Next::Answer(#result) => #result,
                    #rt::Next::Rest(#host, #tuple) => #in_trait::#name(#host, #context, #(#names),*)#wait,
                }
            }
        };
        let (context, body) = match method.concurrent {
            true => {
                let body = body(quote!(#cx), quote!(.await));
                (quote!(&#cx), quote!(async move { #body }))
            }
            false => (quote!(#cx), body(quote!(#cx), quote!())),
        };
        quote!(#signature { let #next = self.next(#constant, #context, #tuple); #body })
    }

    /// The function that gives a linker the functions and resources of an interface.
    pub(super) fn add_to_linker(&self, imported: &Imported<'_>, concurrent: &Concurrent) -> TokenStream {
        let rt = &self.rt;
        let (name, definitions) = (&imported.name, self.linker_definitions(imported, concurrent));
        quote! {
            /// Defines what guests import of this interface: they call `host`.
            ///
            /// # Errors
            /// When something of it is defined already.
            pub fn add_to_linker<_H: #name>(linker: &mut #rt::Linker, host: &#rt::Arc<_H>) -> #rt::Result<()> {
                #definitions
                ::core::result::Result::Ok(())
            }
        }
    }

    /// The statements that give the linker `linker` what `host` implements of an interface.
    pub(super) fn linker_definitions(&self, imported: &Imported<'_>, concurrent: &Concurrent) -> TokenStream {
        let interface = match imported.key {
            Some(key) => {
                let name = self.resolve().name_world_key(key);
                quote!(linker.instance(#name)?)
            }
            None => quote!(linker.root()),
        };
        let resources = imported.resources.iter().map(|resource| {
            let name = self.resolve().types[resource.id].name.as_deref().unwrap_or_default();
            let ty = self
                .paths
                .type_path(self.resolve(), &imported.home, resource.id, Form::Main);
            quote!(interface.resource::<#ty>(#name)?;)
        });
        let methods = self.host_methods(imported, concurrent);
        let functions = methods.iter().map(|method| self.definition_of(method));
        quote!(let mut interface = #interface; let _ = host; #(#resources)* #(#functions)*)
    }

    fn definition_of(&self, method: &Method<'_>) -> TokenStream {
        let rt = &self.rt;
        let Method {
            in_trait, name, shape, ..
        } = method;
        let mut scope = shape.scope.clone();
        let [cx, host, result] = ["cx", "host", "result"].map(|name| scope.local(name));
        let (wit_name, tuple, params, names) =
            (&method.function.func.name, shape.tuple(), shape.params(), &shape.names);
        let listed = match shape.result {
            Some(_) => quote!((#result,)),
            None => quote!(#result),
        };
        let body = match method.concurrent {
            true => quote! {
                interface.func_wrap_concurrent(#wit_name, move |#cx, #tuple: #params| {
                    let #host = #rt::Arc::clone(&#host);
                    async move {
                        let #result = #in_trait::#name(&*#host, #cx, #(#names),*).await?;
                        ::core::result::Result::Ok(#listed)
                    }
                })?;
            },
            false => quote! {
                interface.func_wrap(#wit_name, move |#cx, #tuple: #params| {
                    let #result = #in_trait::#name(&*#host, &#cx, #(#names),*)?;
                    ::core::result::Result::Ok(#listed)
                })?;
            },
        };
        quote!({ let #host = #rt::Arc::clone(host); #body })
    }
}
