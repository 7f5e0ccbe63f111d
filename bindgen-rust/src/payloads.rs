//! The modules `wit_stream` and `wit_future`: which types can travel, how, and the functions that make new pairs.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use witflow_bindgen_core::world::{Payload, PayloadKind};

use crate::Generator;
use crate::code::{Callees, Code, Expr};
use crate::names::{Scope, ident};
use crate::paths::ModulePath;

impl Generator<'_> {
    /// The module for streams or futures, if the world has any.
    pub(crate) fn payload_module(&self, kind: PayloadKind) -> TokenStream {
        let rt = &self.rt;
        let payloads: Vec<&Payload> = self
            .world
            .payloads
            .iter()
            .filter(|payload| payload.kind == kind)
            .collect();
        if payloads.is_empty() {
            return quote!();
        }
        let (module, payload_trait, vtable) = match kind {
            PayloadKind::Stream => ("wit_stream", "StreamPayload", "StreamVtable"),
            PayloadKind::Future => ("wit_future", "FuturePayload", "FutureVtable"),
        };
        let (module, payload_trait, vtable) = (ident(module), ident(payload_trait), ident(vtable));
        let (home, allow) = (vec![module.to_string()], crate::world::allow());
        let impls = payloads
            .iter()
            .map(|payload| self.payload_impl(&home, payload, &payload_trait, &vtable));
        let new = self.new_pair(kind);
        let about = match kind {
            PayloadKind::Stream => " Types that are the payload of a stream of this world.",
            PayloadKind::Future => " Types that are the payload of a future of this world.",
        };
        quote! {
            #allow
            pub mod #module {
                use super::_rt;
                #[doc = #about]
                pub trait #payload_trait: Sized + 'static {
                    #[doc(hidden)]
                    const VTABLE: &'static #rt::#vtable<Self>;
                }
                #new
                #(#impls)*
            }
        }
    }

    /// The function that makes a stream or future.
    fn new_pair(&self, kind: PayloadKind) -> TokenStream {
        let rt = &self.rt;
        match kind {
            PayloadKind::Stream => quote! {
                /// Makes a stream: what is written to the writer comes out of the reader.
                pub fn new<T: StreamPayload>() -> (#rt::StreamWriter<T>, #rt::StreamReader<T>) {
                    #rt::stream_new(T::VTABLE)
                }
            },
            PayloadKind::Future => quote! {
                /// Makes a future: what is written to the writer comes out of the reader. A writer that is dropped unwritten
                /// writes what `default` gives.
                pub fn new<T: FuturePayload>(default: fn() -> T) -> (#rt::FutureWriter<T>, #rt::FutureReader<T>) {
                    #rt::future_new(T::VTABLE, default)
                }
            },
        }
    }

    fn payload_impl(
        &self,
        home: &ModulePath,
        payload: &Payload,
        payload_trait: &proc_macro2::Ident,
        vtable: &proc_macro2::Ident,
    ) -> TokenStream {
        let rt = &self.rt;
        let ty = self.optional(home, payload.ty.as_ref());
        let (size, align) = (self.size(payload.layout.size), self.align(payload.layout.align));
        let macro_name = match payload.kind {
            PayloadKind::Stream => format_ident!("stream_intrinsics"),
            PayloadKind::Future => format_ident!("future_intrinsics"),
        };
        let module = &payload.module;
        let names = payload.intrinsics.named().into_iter().map(|(key, field)| {
            let key = format_ident!("{key}");
            quote!(#key = #field)
        });
        let intrinsics = quote!(#rt::#macro_name!(#module, #(#names),*));
        let (lower, lift) = match &payload.transfer {
            Some((store, load)) => {
                let store = self.payload_store(home, &ty, store);
                let load = self.payload_load(home, &ty, load);
                (
                    quote!(::core::option::Option::Some({ #store lower })),
                    quote!(::core::option::Option::Some({ #load lift })),
                )
            }
            None => (
                quote!(::core::option::Option::None),
                quote!(::core::option::Option::None),
            ),
        };
        quote! {
            impl #payload_trait for #ty {
                const VTABLE: &'static #rt::#vtable<Self> = &#rt::#vtable::new(
                    #size,
                    #align,
                    #lower,
                    #lift,
                    #intrinsics,
                );
            }
        }
    }

    fn payload_store(
        &self,
        home: &ModulePath,
        ty: &TokenStream,
        program: &witflow_bindgen_core::abi::Program,
    ) -> TokenStream {
        let rt = &self.rt;
        let cleanup = if self.uses_cleanup(&program.body, false) {
            format_ident!("cleanup")
        } else {
            format_ident!("_cleanup")
        };
        let values = vec![Expr::Place(quote!(value), true), Expr::Core(quote!(base))];
        let scope = Scope::with(&["value", "base", "cleanup"]);
        let callees = Callees {
            cleanup: quote!(#cleanup),
            ..Callees::default()
        };
        let (statements, _) = Code::run(self, home, program, values, scope, callees);
        quote! {
            unsafe fn lower(value: &#ty, base: *mut u8, #cleanup: &mut #rt::Cleanup) {
                // SAFETY: the runtime passes room for one element.
                unsafe { #statements }
            }
        }
    }

    fn payload_load(
        &self,
        home: &ModulePath,
        ty: &TokenStream,
        program: &witflow_bindgen_core::abi::Program,
    ) -> TokenStream {
        let scope = Scope::with(&["base"]);
        let values = vec![Expr::Core(quote!(base))];
        let (statements, results) = Code::run(self, home, program, values, scope, Callees::default());
        let value = &results[0];
        quote! {
            unsafe fn lift(base: *mut u8) -> #ty {
                // SAFETY: the runtime passes one element that the host has written, once.
                unsafe { #statements #value }
            }
        }
    }
}
