//! The definitions of named types: structs, enums, flags and aliases, with the WIT documentation.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use wit_parser::{Docs, Enum, Flags, Record, Type, TypeDefKind, TypeId, Variant};

use crate::docs::docs;
use crate::names::{Case, define_all};
use crate::ownership::Form;
use crate::paths::ModulePath;
use crate::selection::type_names;
use crate::selectors::selects;
use crate::{Generator, Side};

impl Generator<'_> {
    /// The definitions of a type, in the module it lives in.
    pub(crate) fn definition(&self, home: &ModulePath, id: TypeId) -> TokenStream {
        let forms = self.forms(id).iter();
        forms.map(|form| self.form_definition(home, id, *form)).collect()
    }

    fn form_definition(&self, home: &ModulePath, id: TypeId, form: Form) -> TokenStream {
        let def = &self.resolve().types[id];
        let name = self.paths.form_ident(self.resolve(), id, form);
        let docs = docs(&def.docs);
        match &def.kind {
            TypeDefKind::Record(record) => self.record(home, id, form, &docs, record),
            TypeDefKind::Variant(variant) => self.variant(home, id, form, &docs, variant),
            TypeDefKind::Enum(def) => self.enumeration(id, &name, &docs, def),
            TypeDefKind::Flags(flags) if self.side == Side::Host => self.host_flags(&name, &docs, flags),
            TypeDefKind::Flags(flags) => self.flags(&name, &docs, flags),
            TypeDefKind::Resource if self.side == Side::Host => self.host_resource(id, &name, &docs),
            TypeDefKind::Resource => self.resource(home, id, &name, &docs),
            _ => self.alias(home, id, form, &docs),
        }
    }

    fn alias(&self, home: &ModulePath, id: TypeId, form: Form, docs: &TokenStream) -> TokenStream {
        let name = self.paths.form_ident(self.resolve(), id, form);
        let (target, generics) = (self.aliased(home, id, form), self.generics(id, form));
        let borrow = self.paths.borrow_ident(id).filter(|_| self.side == Side::Guest);
        let borrow = borrow.map(|borrow| {
            let TypeDefKind::Type(Type::Id(aliased)) = self.resolve().types[id].kind else {
                unreachable!("a resource's alias is an alias")
            };
            let target = self.paths.borrow_path(self.resolve(), home, aliased);
            quote!(#docs pub type #borrow<'a> = #target<'a>;)
        });
        quote!(#docs pub type #name #generics = #target; #borrow)
    }

    fn record(&self, home: &ModulePath, id: TypeId, form: Form, docs: &TokenStream, record: &Record) -> TokenStream {
        let name = self.paths.form_ident(self.resolve(), id, form);
        let (attributes, style) = (self.type_attributes(id, &["Debug"]), self.form_style(id, form));
        // Copyable records have the layout WIT gives them, as users of wit-bindgen expect.
        let facts = self.world.types.facts(&Type::Id(id));
        let copyable = self.side == Side::Guest && !facts.heap && !facts.handle();
        let repr = copyable.then(|| quote!(#[repr(C)]));
        let fields = define_all(record.fields.iter().map(|field| field.name.as_str()), Case::Snake);
        let fields = record.fields.iter().zip(fields).map(|(field, name)| {
            let docs = self.member_attributes(id, &field.name, &field.docs);
            let ty = self.part(home, &field.ty, style);
            quote!(#docs pub #name: #ty)
        });
        let generics = self.generics(id, form);
        let error = self.error_impl(id, &quote!(#name #generics), generics.as_ref());
        quote! {
            #docs
            #repr
            #attributes
            pub struct #name #generics { #(#fields,)* }
            #error
        }
    }

    fn variant(&self, home: &ModulePath, id: TypeId, form: Form, docs: &TokenStream, variant: &Variant) -> TokenStream {
        let name = self.paths.form_ident(self.resolve(), id, form);
        let (attributes, style) = (self.type_attributes(id, &["Debug"]), self.form_style(id, form));
        let cases = define_all(variant.cases.iter().map(|case| case.name.as_str()), Case::Camel);
        let cases = variant.cases.iter().zip(cases).map(|(case, name)| {
            let docs = self.member_attributes(id, &case.name, &case.docs);
            let payload = case.ty.as_ref().map(|ty| {
                let ty = self.part(home, ty, style);
                quote!((#ty))
            });
            quote!(#docs #name #payload)
        });
        let generics = self.generics(id, form);
        let error = self.error_impl(id, &quote!(#name #generics), generics.as_ref());
        quote! {
            #docs
            #attributes
            pub enum #name #generics { #(#cases,)* }
            #error
        }
    }

    fn enumeration(&self, id: TypeId, name: &Ident, docs: &TokenStream, def: &Enum) -> TokenStream {
        let attributes = self.type_attributes(id, &["Debug", "PartialEq", "Eq", "PartialOrd", "Ord"]);
        let cases = define_all(def.cases.iter().map(|case| case.name.as_str()), Case::Camel);
        let cases = def.cases.iter().zip(cases).map(|(case, name)| {
            let docs = self.member_attributes(id, &case.name, &case.docs);
            quote!(#docs #name)
        });
        let lift = (self.side == Side::Guest).then(|| self.lifted_enumeration(name, def));
        let repr = lift.as_ref().map(|_| {
            let repr = int_type(def.tag());
            quote!(#[repr(#repr)])
        });
        let error = self.error_enumeration(id, name, def);
        quote! {
            #docs
            #repr
            #attributes
            pub enum #name { #(#cases,)* }
            #lift
            #error
        }
    }

    fn lifted_enumeration(&self, name: &Ident, def: &Enum) -> TokenStream {
        let (rt, repr) = (&self.rt, int_type(def.tag()));
        let last = Literal::usize_unsuffixed(def.cases.len() - 1);
        quote! {
            impl #name {
                #[doc(hidden)]
                pub unsafe fn _lift(value: i32) -> Self {
                    match value {
                        // SAFETY: the discriminants are exactly the numbers of this range.
                        0..=#last => unsafe { ::core::mem::transmute::<#repr, Self>(value as #repr) },
                        _ => #rt::invalid_discriminant(),
                    }
                }
            }
        }
    }

    fn flags(&self, name: &Ident, docs: &TokenStream, flags: &Flags) -> TokenStream {
        let rt = &self.rt;
        let bitflags = match &self.options.bitflags_path {
            Some(path) => crate::parse_path(path),
            None => quote!(#rt::bitflags),
        };
        let repr = flags_type(flags);
        let names = define_all(flags.flags.iter().map(|flag| flag.name.as_str()), Case::Shouty);
        let constants = flags.flags.iter().zip(names).enumerate().map(|(bit, (flag, name))| {
            let docs = crate::docs::docs(&flag.docs);
            let bit = Literal::usize_unsuffixed(bit);
            quote!(#docs const #name = 1 << #bit;)
        });
        quote! {
            #bitflags::bitflags! {
                #docs
                #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
                pub struct #name: #repr { #(#constants)* }
            }
        }
    }

    /// The attributes of a type: derives as its contents allow, as it needs itself and as the options add, and what else these add.
    fn type_attributes(&self, id: TypeId, own: &[&str]) -> TokenStream {
        let facts = self.world.types.facts(&Type::Id(id));
        let additions = self.attributes.of_type(self.resolve(), id);
        let mut derives: Vec<TokenStream> = Vec::new();
        if !facts.handle() {
            derives.push(quote!(Clone));
        }
        if !facts.handle() && !facts.heap {
            derives.push(quote!(Copy));
        }
        derives.extend(own.iter().map(|name| crate::parse_path(name)));
        if self.side == Side::Host {
            derives.extend(self.host_derives(facts));
        }
        let names = type_names(self.resolve(), id);
        let ignored = |selector: &String| selects(selector, &names);
        if !self.options.additional_derives_ignore.iter().any(ignored) {
            let additional = self.options.additional_derives.iter();
            derives.extend(additional.map(|derive| crate::parse_path(derive)));
        }
        derives.extend(additions.derives.iter().map(ToTokens::to_token_stream));
        let mut seen = BTreeSet::new();
        derives.retain(|derive| seen.insert(last_segment(derive)));
        let attributes = additions.attributes;
        let variant = self.side == Side::Host && matches!(self.resolve().types[id].kind, TypeDefKind::Variant(_));
        let shape = variant.then(|| quote!(#[component(variant)]));
        quote!(#[derive(#(#derives),*)] #shape #attributes)
    }

    /// The documentation of a field or case, and the attributes that the options add.
    fn member_attributes(&self, id: TypeId, member: &str, docs: &Docs) -> TokenStream {
        let docs = crate::docs::docs(docs);
        let attributes = self.attributes.of_member(self.resolve(), id, member);
        let name = self.host_member(member);
        quote!(#docs #name #attributes)
    }

    fn is_error(&self, id: TypeId) -> bool {
        self.error_types.contains(&self.world.types.first(id).index())
    }

    /// Types that functions return as errors are errors.
    fn error_impl(&self, id: TypeId, ty: &TokenStream, generics: Option<&TokenStream>) -> Option<TokenStream> {
        let gate = self.options.std_feature.then(|| quote!(#[cfg(feature = "std")]));
        self.is_error(id).then(|| {
            quote! {
                impl #generics ::core::fmt::Display for #ty {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        ::core::fmt::Debug::fmt(self, f)
                    }
                }
                #gate
                impl #generics ::core::error::Error for #ty {}
            }
        })
    }

    /// An enum that functions return as an error tells the names that WIT has for its cases, and what the documentation says of them.
    fn error_enumeration(&self, id: TypeId, ty: &Ident, def: &Enum) -> Option<TokenStream> {
        let gate = self.options.std_feature.then(|| quote!(#[cfg(feature = "std")]));
        let cases = define_all(def.cases.iter().map(|case| case.name.as_str()), Case::Camel);
        let names = def.cases.iter().map(|case| &case.name);
        let messages = def
            .cases
            .iter()
            .map(|case| case.docs.contents.as_deref().unwrap_or_default().trim());
        self.is_error(id).then(|| {
            quote! {
                impl #ty {
                    /// The name of the case in WIT.
                    pub fn name(&self) -> &'static str {
                        match self { #(Self::#cases => #names,)* }
                    }
                    /// What the WIT says about the case.
                    pub fn message(&self) -> &'static str {
                        match self { #(Self::#cases => #messages,)* }
                    }
                }
                impl ::core::fmt::Display for #ty {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        ::core::write!(f, "{} (error {})", self.name(), *self as i32)
                    }
                }
                #gate
                impl ::core::error::Error for #ty {}
            }
        })
    }
}

/// The name of a derive without the path to it.
fn last_segment(path: &TokenStream) -> Option<String> {
    path.clone().into_iter().last().map(|last| last.to_string())
}

/// The Rust type of a discriminant.
pub(crate) fn int_type(int: wit_parser::Int) -> TokenStream {
    match int {
        wit_parser::Int::U8 => quote!(u8),
        wit_parser::Int::U16 => quote!(u16),
        wit_parser::Int::U32 => quote!(u32),
        wit_parser::Int::U64 => quote!(u64),
    }
}

/// The Rust type that holds flags.
pub(crate) fn flags_type(flags: &Flags) -> TokenStream {
    match flags.repr() {
        wit_parser::FlagsRepr::U8 => quote!(u8),
        wit_parser::FlagsRepr::U16 => quote!(u16),
        wit_parser::FlagsRepr::U32(_) => quote!(u32),
    }
}
