//! The option `stubs`: a type that implements every export and panics when one is called.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;

use crate::Generator;
use crate::names::ident;
use crate::paths::{ModulePath, to_root};
use crate::world::root_allow;

impl Generator<'_> {
    /// How the type implements a trait of the module `home`, given the resources in it and the declarations of its methods.
    pub(crate) fn stub(
        &self,
        home: &ModulePath,
        name: &Ident,
        resources: &[Ident],
        methods: &[TokenStream],
    ) -> Option<TokenStream> {
        let (root, allow) = (to_root(home), root_allow(home));
        let methods = methods.iter().map(stub_method);
        self.options.stubs.then(|| {
            quote! {
                #allow
                #[allow(unused_variables)]
                impl #name for #root Stub { #(type #resources = #root Stub;)* #(#methods)* }
            }
        })
    }

    /// The type itself, and its export if there is anything to export.
    pub(crate) fn stub_type(&self) -> Option<TokenStream> {
        let export = ident(self.options.export_macro_name.as_deref().unwrap_or("export"));
        let export = (!self.world.exports.is_empty()).then(|| quote!(#export!(Stub);));
        self.options.stubs.then(|| {
            quote! {
                /// Implements every export and panics when one is called.
                #[derive(Debug)]
                pub struct Stub;
                #export
            }
        })
    }
}

/// A declaration with a body instead of its semicolon.
fn stub_method(declaration: &TokenStream) -> TokenStream {
    let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';');
    let mut signature: Vec<TokenTree> = declaration.clone().into_iter().collect();
    if signature.last().is_some_and(is_end) {
        signature.pop();
    }
    quote!(#(#signature)* { ::core::panic!("this is a stub") })
}
