//! The implementations written for a [`Type`]: the half over `Val` here, those for the back ends in modules of their own.

use crate::shape::{Kind, Member, Type};
use crate::{native, wire};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// All parts of the expansion.
pub(crate) fn expand(ty: &Type) -> TokenStream {
    let ident = &ty.ident;
    let (into_val, from_val) = match ty.kind {
        Kind::Record => record_val(ty),
        Kind::Flags => flags_val(ty),
        Kind::Enum | Kind::Variant => cases_val(ty),
    };
    let (native, wire) = (native::expand(ty), wire::expand(ty));
    quote! {
        impl ::witflow_host::ComponentType for #ident {
            fn into_val(self) -> ::witflow_host::Val { #into_val }
            fn from_val(val: ::witflow_host::Val) -> ::witflow_host::Result<Self> { #from_val }
        }
        ::witflow_host::__natively! { const _: () = { #native }; }
        ::witflow_host::__on_the_wire! { const _: () = { #wire }; }
    }
}

pub(crate) fn parts(members: &[Member]) -> (Vec<&Ident>, Vec<&str>, Vec<Ident>) {
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
