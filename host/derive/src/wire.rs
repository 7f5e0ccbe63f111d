//! The half for Wasmtime: a mirror of the type made of what Wasmtime itself can lift and lower, and the conversion to it.

use crate::expand::parts;
use crate::shape::{Kind, Type};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The mirror and the implementation of `OnTheWire`.
///
/// What Wasmtime derives for the mirror names a few types of the standard library, and has type parameters. So the user's types are
/// named outside, where they may have the same names, and the mirror sees numbered ones.
pub(crate) fn expand(ty: &Type) -> TokenStream {
    let name = &ty.ident;
    let mirrored = ty.members.iter().enumerate().filter_map(|(index, member)| {
        let (wire, of) = (wire_name(index), member.ty.as_ref()?);
        Some(quote!(type #wire = <#of as ::witflow_host::__private::OnTheWire>::Wire;))
    });
    let mirrored = mirrored.collect::<Vec<_>>();
    let mirror = match ty.kind {
        Kind::Record => record_wire(ty),
        Kind::Flags => flags_wire(ty),
        Kind::Enum | Kind::Variant => cases_wire(ty),
    };
    let mirrored = match ty.kind {
        Kind::Flags => &[][..],
        _ => &mirrored,
    };
    quote! {
        type This = #name;
        #(#mirrored)*
        const _: () = {
            #[allow(unused_imports)]
            use ::core::{option::Option, result::Result};
            #mirror
        };
    }
}

/// The name of the mirror of a member's type.
fn wire_name(index: usize) -> Ident {
    format_ident!("Wire{index}")
}

/// The implementation of `OnTheWire` around the two conversions, given the type `Wire`.
fn wire_impl(into: &TokenStream, from: &TokenStream) -> TokenStream {
    quote! {
        impl ::witflow_host::__private::OnTheWire for This {
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
    let types = (0..ty.members.len()).map(wire_name);
    let into = quote!(Wire { #(#numbered: ::witflow_host::__private::OnTheWire::into_wire(self.#idents, cx)?,)* });
    let from = quote!(This { #(#idents: ::witflow_host::__private::OnTheWire::from_wire(wire.#numbered, cx)?,)* });
    let prelude = prelude();
    let implementation = wire_impl(&into, &from);
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
    let from = quote!(This { #(#idents: wire.contains(Wire::#constants),)* });
    let prelude = prelude();
    let implementation = wire_impl(&into, &from);
    quote! {
        #prelude
        wasmtime::component::flags! { Wire { #(#[component(name = #names)] const #constants;)* } }
        #implementation
    }
}

fn cases_wire(ty: &Type) -> TokenStream {
    let constants: Vec<_> = (0..ty.members.len()).map(|index| format_ident!("M{index}")).collect();
    let mut declared = Vec::new();
    let mut into = Vec::new();
    let mut from = Vec::new();
    for (index, (case, wire)) in ty.members.iter().zip(&constants).enumerate() {
        let (ident, wit_name) = (&case.ident, &case.wit_name);
        match &case.ty {
            Some(_) => {
                let payload = wire_name(index);
                declared.push(quote!(#[component(name = #wit_name)] #wire(#payload)));
                into.push(
                    quote!(This::#ident(it) => Wire::#wire(::witflow_host::__private::OnTheWire::into_wire(it, cx)?)),
                );
                from.push(
                    quote!(Wire::#wire(it) => This::#ident(::witflow_host::__private::OnTheWire::from_wire(it, cx)?)),
                );
            }
            None => {
                declared.push(quote!(#[component(name = #wit_name)] #wire));
                into.push(quote!(This::#ident => Wire::#wire));
                from.push(quote!(Wire::#wire => This::#ident));
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
    let implementation = wire_impl(&quote!(match self { #(#into,)* }), &quote!(match wire { #(#from,)* }));
    let visibility = &ty.visibility;
    quote! {
        #prelude
        #[derive(ComponentType, Lift, Lower)]
        #attributes
        #visibility enum Wire { #(#declared,)* }
        #implementation
    }
}
