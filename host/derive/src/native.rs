//! The half for native guests: whether the type stands for a WIT type, and its conversion to canonical values.

use crate::expand::parts;
use crate::shape::{Kind, Type};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The implementation of `Natively`.
pub(crate) fn expand(ty: &Type) -> TokenStream {
    let parts = match ty.kind {
        Kind::Record => record(ty),
        Kind::Flags => flags(ty),
        Kind::Enum | Kind::Variant => cases(ty),
    };
    let ident = &ty.ident;
    let Parts { check, into, from } = parts;
    quote! {
        use ::witflow_host::__private::native;
        impl native::Natively for #ident {
            fn check(ty: &native::Type) -> ::witflow_host::Result<()> { #check }
            fn into_value(self, ty: &native::Type, store: &native::NativeStore) -> ::witflow_host::Result<native::Value> {
                let _ = (ty, store);
                #into
            }
            fn from_value(value: native::Value, ty: &native::Type, store: &native::NativeStore) -> ::witflow_host::Result<Self> {
                let _ = (ty, store);
                #from
            }
        }
    }
}

/// The bodies of the three functions.
struct Parts {
    check: TokenStream,
    into: TokenStream,
    from: TokenStream,
}

fn record(ty: &Type) -> Parts {
    let (idents, names, _) = parts(&ty.members);
    let types = ty.members.iter().filter_map(|member| member.ty.as_ref());
    Parts {
        check: quote!(native::check_record::<Self>(ty, &[#((#names, <#types as native::Natively>::check),)*])),
        into: quote! {
            let mut record = native::RecordTo::new(ty, store);
            #(record.field(self.#idents)?;)*
            ::std::result::Result::Ok(record.finish())
        },
        from: quote! {
            let mut record = native::RecordFrom::new(value, ty, store)?;
            ::std::result::Result::Ok(Self { #(#idents: record.field()?,)* })
        },
    }
}

fn flags(ty: &Type) -> Parts {
    let (idents, names, _) = parts(&ty.members);
    let bits = (0..ty.members.len()).map(Literal::usize_unsuffixed).collect::<Vec<_>>();
    Parts {
        check: quote!(native::check_flags::<Self>(ty, &[#(#names),*])),
        into: quote!(::std::result::Result::Ok(native::Value::Flags(0 #(| (self.#idents as u32) << #bits)*))),
        from: quote! {
            let bits = native::flag_bits(value)?;
            ::std::result::Result::Ok(Self { #(#idents: bits >> #bits & 1 == 1,)* })
        },
    }
}

fn cases(ty: &Type) -> Parts {
    let (idents, names, _) = parts(&ty.members);
    let mut into = Vec::new();
    let mut from = Vec::new();
    let mut checks = Vec::new();
    for (index, (ident, member)) in idents.iter().zip(&ty.members).enumerate() {
        let index = Literal::usize_unsuffixed(index);
        match &member.ty {
            Some(payload) => {
                into.push(quote!(Self::#ident(payload) => native::case_to(#index, payload, ty, store)));
                from.push(quote!(#index => ::std::result::Result::Ok(Self::#ident(case.payload()?))));
                checks.push(quote!(::std::option::Option::Some(
                    <#payload as native::Natively>::check as native::Check
                )));
            }
            None => {
                let value = quote!(native::Value::Case(#index, ::std::option::Option::None));
                into.push(quote!(Self::#ident => ::std::result::Result::Ok(#value)));
                from.push(quote!(#index => ::std::result::Result::Ok(Self::#ident)));
                checks.push(quote!(::std::option::Option::None));
            }
        }
    }
    let check = match ty.kind {
        Kind::Enum => quote!(native::check_enum::<Self>(ty, &[#(#names),*])),
        _ => quote!(native::check_variant::<Self>(ty, &[#((#names, #checks),)*])),
    };
    Parts {
        check,
        into: quote!(match self { #(#into,)* }),
        from: quote! {
            let case = native::CaseFrom::new(value, ty, store)?;
            match case.index { #(#from,)* _ => ::std::result::Result::Err(case.unknown()) }
        },
    }
}
