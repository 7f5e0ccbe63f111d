//! The half for Wasmtime: a mirror of the type made of what Wasmtime itself can lift and lower, and the conversion to it.

use crate::expand::parts;
use crate::shape::{Kind, Type};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The mirror and the implementation of `OnTheWire`.
pub(crate) fn expand(ty: &Type) -> TokenStream {
    match ty.kind {
        Kind::Record => record_wire(ty),
        Kind::Flags => flags_wire(ty),
        Kind::Enum | Kind::Variant => cases_wire(ty),
    }
}

fn wire_type(ty: &syn::Type) -> TokenStream {
    quote!(<#ty as ::witflow_host::__private::OnTheWire>::Wire)
}

/// The implementation of `OnTheWire` around the two conversions, given the type `Wire`.
fn wire_impl(ty: &Type, into: &TokenStream, from: &TokenStream) -> TokenStream {
    let ident = &ty.ident;
    quote! {
        impl ::witflow_host::__private::OnTheWire for #ident {
            type Wire = Wire;
            fn into_wire(self, cx: &mut ::witflow_host::__private::WireCx<'_>) -> ::witflow_host::Result<Wire> {
                let _ = &cx;
                ::std::result::Result::Ok(#into)
            }
            fn from_wire(wire: Wire, cx: &::witflow_host::Cx) -> ::witflow_host::Result<Self> {
                let _ = cx;
                ::std::result::Result::Ok(#from)
            }
        }
    }
}

fn prelude() -> TokenStream {
    quote! {
        use ::witflow_host::__private::wasmtime;
        use ::witflow_host::__private::wasmtime::component::{ComponentType, Lift, Lower};
    }
}

fn record_wire(ty: &Type) -> TokenStream {
    let (idents, names, numbered) = parts(&ty.members);
    let types = ty.members.iter().filter_map(|member| member.ty.as_ref()).map(wire_type);
    let into = quote!(Wire { #(#numbered: ::witflow_host::__private::OnTheWire::into_wire(self.#idents, cx)?,)* });
    let name = &ty.ident;
    let from = quote!(#name { #(#idents: ::witflow_host::__private::OnTheWire::from_wire(wire.#numbered, cx)?,)* });
    let prelude = prelude();
    let implementation = wire_impl(ty, &into, &from);
    // As visible as the type: more would leak the private types of its fields.
    let visibility = &ty.visibility;
    quote! {
        #prelude
        #[derive(ComponentType, Lift, Lower)]
        #[component(record)]
        #visibility struct Wire { #(#[component(name = #names)] #numbered: #types,)* }
        #implementation
    }
}

fn flags_wire(ty: &Type) -> TokenStream {
    let (idents, names, _) = parts(&ty.members);
    let constants: Vec<_> = (0..ty.members.len()).map(|index| format_ident!("M{index}")).collect();
    let into = quote!({
        let mut wire = Wire::default();
        #(if self.#idents { wire |= Wire::#constants; })*
        wire
    });
    let name = &ty.ident;
    let from = quote!(#name { #(#idents: wire.contains(Wire::#constants),)* });
    let prelude = prelude();
    let implementation = wire_impl(ty, &into, &from);
    quote! {
        #prelude
        wasmtime::component::flags! { Wire { #(#[component(name = #names)] const #constants;)* } }
        #implementation
    }
}

fn cases_wire(ty: &Type) -> TokenStream {
    let constants: Vec<_> = (0..ty.members.len()).map(|index| format_ident!("M{index}")).collect();
    let name = &ty.ident;
    let mut declared = Vec::new();
    let mut into = Vec::new();
    let mut from = Vec::new();
    for (case, wire) in ty.members.iter().zip(&constants) {
        let (ident, wit_name) = (&case.ident, &case.wit_name);
        match &case.ty {
            Some(payload) => {
                let payload = wire_type(payload);
                declared.push(quote!(#[component(name = #wit_name)] #wire(#payload)));
                into.push(
                    quote!(#name::#ident(it) => Wire::#wire(::witflow_host::__private::OnTheWire::into_wire(it, cx)?)),
                );
                from.push(
                    quote!(Wire::#wire(it) => #name::#ident(::witflow_host::__private::OnTheWire::from_wire(it, cx)?)),
                );
            }
            None => {
                declared.push(quote!(#[component(name = #wit_name)] #wire));
                into.push(quote!(#name::#ident => Wire::#wire));
                from.push(quote!(Wire::#wire => #name::#ident));
            }
        }
    }
    let attributes = match ty.kind {
        Kind::Enum => {
            let repr = match ty.members.len() {
                0..=256 => quote!(u8),
                257..=65_536 => quote!(u16),
                _ => quote!(u32),
            };
            quote!(#[derive(Clone, Copy)] #[component(enum)] #[repr(#repr)])
        }
        _ => quote!(#[component(variant)]),
    };
    let prelude = prelude();
    let implementation = wire_impl(
        ty,
        &quote!(match self { #(#into,)* }),
        &quote!(match wire { #(#from,)* }),
    );
    let visibility = &ty.visibility;
    quote! {
        #prelude
        #[derive(ComponentType, Lift, Lower)]
        #attributes
        #visibility enum Wire { #(#declared,)* }
        #implementation
    }
}
