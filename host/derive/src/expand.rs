//! The implementations written for a [`Type`], one function per WIT kind and half.

use crate::shape::{Kind, Member, Type};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// Both halves of the expansion.
pub(crate) fn expand(ty: &Type) -> TokenStream {
    let ident = &ty.ident;
    let (into_val, from_val) = match ty.kind {
        Kind::Record => record_val(ty),
        Kind::Flags => flags_val(ty),
        Kind::Enum | Kind::Variant => cases_val(ty),
    };
    let wire = match ty.kind {
        Kind::Record => record_wire(ty),
        Kind::Flags => flags_wire(ty),
        Kind::Enum | Kind::Variant => cases_wire(ty),
    };
    quote! {
        impl ::witflow_host::ComponentType for #ident {
            fn into_val(self) -> ::witflow_host::Val { #into_val }
            fn from_val(val: ::witflow_host::Val) -> ::witflow_host::Result<Self> { #from_val }
        }
        ::witflow_host::__on_the_wire! { const _: () = { #wire }; }
    }
}

fn parts(members: &[Member]) -> (Vec<&Ident>, Vec<&str>, Vec<Ident>) {
    let idents = members.iter().map(|member| &member.ident).collect();
    let names = members.iter().map(|member| member.wit_name.as_str()).collect();
    let numbered = (0..members.len()).map(|index| format_ident!("m{index}")).collect();
    (idents, names, numbered)
}

fn record_val(ty: &Type) -> (TokenStream, TokenStream) {
    let (idents, names, _) = parts(&ty.members);
    let rust_name = ty.ident.to_string();
    let into = quote! {
        ::witflow_host::Val::Record(::std::vec![
            #((::std::string::String::from(#names), ::witflow_host::ComponentType::into_val(self.#idents)),)*
        ])
    };
    let from = quote! {
        let mut fields = ::witflow_host::__private::RecordFields::new(#rust_name, val)?;
        let value = Self { #(#idents: fields.take(#names)?,)* };
        fields.finish()?;
        ::std::result::Result::Ok(value)
    };
    (into, from)
}

fn flags_val(ty: &Type) -> (TokenStream, TokenStream) {
    let (idents, names, _) = parts(&ty.members);
    let rust_name = ty.ident.to_string();
    let into = quote! {
        let mut names = ::std::vec::Vec::new();
        #(if self.#idents { names.push(::std::string::String::from(#names)); })*
        ::witflow_host::Val::Flags(names)
    };
    let from = quote! {
        let names = ::witflow_host::__private::flag_names(#rust_name, val, &[#(#names),*])?;
        ::std::result::Result::Ok(Self { #(#idents: names.iter().any(|name| name == #names),)* })
    };
    (into, from)
}

fn cases_val(ty: &Type) -> (TokenStream, TokenStream) {
    let rust_name = ty.ident.to_string();
    let is_enum = ty.kind == Kind::Enum;
    let into = ty.members.iter().map(|case| {
        let (ident, name) = (&case.ident, &case.wit_name);
        let name = quote!(::std::string::String::from(#name));
        match case.ty {
            Some(_) => quote! { Self::#ident(payload) => ::witflow_host::Val::Variant(
                #name, ::std::option::Option::Some(::std::boxed::Box::new(::witflow_host::ComponentType::into_val(payload)))) },
            None if is_enum => quote! { Self::#ident => ::witflow_host::Val::Enum(#name) },
            None => quote! { Self::#ident => ::witflow_host::Val::Variant(#name, ::std::option::Option::None) },
        }
    });
    let from = ty.members.iter().map(|case| {
        let (ident, name) = (&case.ident, &case.wit_name);
        match case.ty {
            Some(_) => quote!(#name => ::std::result::Result::Ok(Self::#ident(case.payload()?))),
            None => quote!(#name => { case.no_payload()?; ::std::result::Result::Ok(Self::#ident) }),
        }
    });
    let into = quote!(match self { #(#into,)* });
    let from = quote! {
        let case = ::witflow_host::__private::Case::new(#rust_name, val)?;
        match case.name().as_str() { #(#from,)* _ => ::std::result::Result::Err(case.unknown()) }
    };
    (into, from)
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
