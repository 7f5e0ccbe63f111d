//! How WIT types are written in Rust.
//!
//! Values are owned everywhere but in the parameters of synchronous imports, where what holds heap memory and no handles is
//! borrowed: `&str`, `&[T]`, `&Record`, and inside anonymous types `Option<&str>` or `(&str, u32)`.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use wit_parser::{Type, TypeDefKind, TypeId};
use witflow_bindgen_core::abi::dealias;

use crate::Generator;
use crate::paths::ModulePath;

impl Generator<'_> {
    /// The owned form of `ty`, as seen from the module `from`.
    pub(crate) fn owned(&self, from: &ModulePath, ty: &Type) -> TokenStream {
        self.ty(from, ty, false)
    }

    /// The form a parameter of a synchronous import has.
    pub(crate) fn borrowed(&self, from: &ModulePath, ty: &Type) -> TokenStream {
        let facts = self.world.types.facts(ty);
        self.ty(from, ty, facts.heap && !facts.handle)
    }

    /// The owned form of an optional type; nothing is `()`.
    pub(crate) fn optional(&self, from: &ModulePath, ty: Option<&Type>) -> TokenStream {
        ty.map_or_else(|| quote!(()), |ty| self.owned(from, ty))
    }

    fn ty(&self, from: &ModulePath, ty: &Type, borrow: bool) -> TokenStream {
        match ty {
            Type::Bool => quote!(bool),
            Type::U8 => quote!(u8),
            Type::S8 => quote!(i8),
            Type::U16 => quote!(u16),
            Type::S16 => quote!(i16),
            Type::U32 => quote!(u32),
            Type::S32 => quote!(i32),
            Type::U64 => quote!(u64),
            Type::S64 => quote!(i64),
            Type::F32 => quote!(f32),
            Type::F64 => quote!(f64),
            Type::Char => quote!(char),
            Type::String => self.text(borrow),
            Type::ErrorContext => unreachable!("error-context was refused before"),
            Type::Id(id) => self.ty_id(from, *id, borrow),
        }
    }

    fn text(&self, borrow: bool) -> TokenStream {
        let rt = &self.rt;
        match (borrow, self.options.raw_strings) {
            (true, false) => quote!(&str),
            (true, true) => quote!(&[u8]),
            (false, false) => quote!(#rt::String),
            (false, true) => quote!(#rt::Vec<u8>),
        }
    }

    fn ty_id(&self, from: &ModulePath, id: TypeId, borrow: bool) -> TokenStream {
        let resolve = self.resolve();
        if resolve.types[id].name.is_none() {
            return self.anonymous(from, id, borrow);
        }
        if borrow {
            // Aliases of strings and lists are borrowed as `&str` and `&[T]`, so that callers need no owned copy.
            match dealias(resolve, Type::Id(id)) {
                Type::String => return self.text(true),
                Type::Id(target)
                    if matches!(resolve.types[target].kind, TypeDefKind::List(_) | TypeDefKind::Map(..)) =>
                {
                    return self.anonymous(from, target, borrow);
                }
                _ => {}
            }
        }
        let path = self.paths.type_path(resolve, from, id);
        if borrow { quote!(&#path) } else { path }
    }

    /// A type written out, as anonymous types are wherever they occur and named ones are in their definition.
    pub(crate) fn anonymous(&self, from: &ModulePath, id: TypeId, borrow: bool) -> TokenStream {
        let rt = &self.rt;
        let inner = |ty: &Type| self.ty(from, ty, borrow);
        let owned = |ty: &Type| self.owned(from, ty);
        match &self.resolve().types[id].kind {
            TypeDefKind::Type(ty) => inner(ty),
            TypeDefKind::List(ty) => {
                let element = owned(ty);
                if borrow {
                    quote!(&[#element])
                } else {
                    quote!(#rt::Vec<#element>)
                }
            }
            TypeDefKind::FixedLengthList(ty, n) => {
                let element = owned(ty);
                let n = Literal::u32_unsuffixed(*n);
                if borrow {
                    quote!(&[#element; #n])
                } else {
                    quote!([#element; #n])
                }
            }
            TypeDefKind::Map(key, value) => {
                let (key, value) = (owned(key), owned(value));
                let map = match &self.options.map_type {
                    Some(path) => crate::parse_path(path),
                    None => quote!(#rt::Map),
                };
                let reference = borrow.then(|| quote!(&));
                quote!(#reference #map<#key, #value>)
            }
            TypeDefKind::Option(ty) => {
                let some = inner(ty);
                quote!(::core::option::Option<#some>)
            }
            TypeDefKind::Result(result) => {
                let part = |ty: &Option<Type>| ty.as_ref().map_or_else(|| quote!(()), inner);
                let (ok, err) = (part(&result.ok), part(&result.err));
                quote!(::core::result::Result<#ok, #err>)
            }
            TypeDefKind::Tuple(tuple) => {
                let parts = tuple.types.iter().map(inner);
                quote!((#(#parts,)*))
            }
            TypeDefKind::Stream(ty) => {
                let payload = self.optional(from, ty.as_ref());
                quote!(#rt::StreamReader<#payload>)
            }
            TypeDefKind::Future(ty) => {
                let payload = self.optional(from, ty.as_ref());
                quote!(#rt::FutureReader<#payload>)
            }
            kind => unreachable!("{} always has a name", kind.as_str()),
        }
    }
}
