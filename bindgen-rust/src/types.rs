//! How WIT types are written in Rust.
//!
//! Values are owned everywhere but in the parameters of synchronous imports, where what holds heap memory or borrow handles, and
//! nothing that is given away, is borrowed: `&str`, `&[T]`, `&Record`, and inside anonymous types `Option<&str>` or `(&str, u32)`.
//!
//! A borrow handle is a reference to the resource, or `XBorrow<'_>` if the guest defines the resource. Types that hold one have a
//! lifetime, which [`Lifetime`] says how to write.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use wit_parser::{Handle, Type, TypeDefKind, TypeId};
use witflow_bindgen_core::abi::dealias;

use crate::Generator;
use crate::paths::ModulePath;

/// How the lifetime of borrow handles is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// In signatures: nothing after `&`, and `'_` as an argument.
    Elided,
    /// In definitions, and in signatures that need the name: `'a`.
    Named,
    /// In statics: `'static`.
    Static,
}

impl Lifetime {
    /// What follows `&`.
    fn after_and(self) -> TokenStream {
        match self {
            Self::Elided => quote!(),
            Self::Named => quote!('a),
            Self::Static => quote!('static),
        }
    }

    /// The generic argument.
    fn argument(self) -> TokenStream {
        match self {
            Self::Elided => quote!(<'_>),
            Self::Named => quote!(<'a>),
            Self::Static => quote!(<'static>),
        }
    }
}

/// How a type is written at one place.
#[derive(Clone, Copy)]
struct Mode {
    borrow: bool,
    lifetime: Lifetime,
}

impl Generator<'_> {
    /// The owned form of `ty`, as seen from the module `from`.
    pub(crate) fn owned(&self, from: &ModulePath, ty: &Type) -> TokenStream {
        self.owned_for(from, ty, Lifetime::Elided)
    }

    /// The owned form of `ty` with its lifetime, if it has one, as given.
    pub(crate) fn owned_for(&self, from: &ModulePath, ty: &Type, lifetime: Lifetime) -> TokenStream {
        let mode = Mode {
            borrow: false,
            lifetime,
        };
        self.ty(from, ty, mode)
    }

    /// The form a parameter of a synchronous import has, and whether that is a reference to the value.
    pub(crate) fn borrowed(&self, from: &ModulePath, ty: &Type) -> (TokenStream, bool) {
        let facts = self.world.types.facts(ty);
        let mode = Mode {
            borrow: (facts.heap || facts.borrowed) && !facts.owned,
            lifetime: Lifetime::Elided,
        };
        (self.ty(from, ty, mode), mode.borrow && self.is_behind_reference(ty))
    }

    /// Whether the borrowed form of a type is `&` and something: not for types that are written out and have parts, and not
    /// for handles, which are references already.
    fn is_behind_reference(&self, ty: &Type) -> bool {
        match ty {
            Type::Id(id) => {
                let def = &self.resolve().types[*id];
                let parts = matches!(
                    def.kind,
                    TypeDefKind::Option(_) | TypeDefKind::Result(_) | TypeDefKind::Tuple(_) | TypeDefKind::Handle(_)
                );
                def.name.is_some() || !parts
            }
            _ => *ty == Type::String,
        }
    }

    /// The owned form of an optional type; nothing is `()`.
    pub(crate) fn optional(&self, from: &ModulePath, ty: Option<&Type>) -> TokenStream {
        ty.map_or_else(|| quote!(()), |ty| self.owned(from, ty))
    }

    /// The parameter `<'a>` of a type's definition, if it needs one.
    pub(crate) fn generics(&self, id: TypeId) -> Option<TokenStream> {
        let borrowed = self.world.types.facts(&Type::Id(id)).borrowed;
        borrowed.then(|| Lifetime::Named.argument())
    }

    fn ty(&self, from: &ModulePath, ty: &Type, mode: Mode) -> TokenStream {
        let rt = &self.rt;
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
            Type::String => self.text(mode.borrow),
            Type::ErrorContext => quote!(#rt::ErrorContext),
            Type::Id(id) => self.ty_id(from, *id, mode),
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

    /// The type for maps, without its parameters.
    pub(crate) fn map_type(&self) -> TokenStream {
        let rt = &self.rt;
        match &self.options.map_type {
            Some(path) => crate::parse_path(path),
            None => quote!(#rt::Map),
        }
    }

    fn ty_id(&self, from: &ModulePath, id: TypeId, mode: Mode) -> TokenStream {
        let resolve = self.resolve();
        if resolve.types[id].name.is_none() {
            return self.written_out(from, id, mode);
        }
        if mode.borrow {
            // Aliases of strings and lists are borrowed as `&str` and `&[T]`, so that callers need no owned copy.
            match dealias(resolve, Type::Id(id)) {
                Type::String => return self.text(true),
                Type::Id(target)
                    if matches!(resolve.types[target].kind, TypeDefKind::List(_) | TypeDefKind::Map(..)) =>
                {
                    return self.written_out(from, target, mode);
                }
                _ => {}
            }
        }
        let path = self.paths.type_path(resolve, from, id);
        let borrowed = self.world.types.facts(&Type::Id(id)).borrowed;
        let argument = borrowed.then(|| mode.lifetime.argument());
        if mode.borrow {
            quote!(&#path #argument)
        } else {
            quote!(#path #argument)
        }
    }

    /// What an alias stands for.
    pub(crate) fn aliased(&self, from: &ModulePath, id: TypeId) -> TokenStream {
        let mode = Mode {
            borrow: false,
            lifetime: Lifetime::Named,
        };
        self.written_out(from, id, mode)
    }

    /// A type written out, as anonymous types are wherever they occur and named ones are in their definition.
    fn written_out(&self, from: &ModulePath, id: TypeId, mode: Mode) -> TokenStream {
        let rt = &self.rt;
        let reference = mode.borrow.then(|| quote!(&));
        let inner = |ty: &Type| self.ty(from, ty, mode);
        let owned = |ty: &Type| self.owned_for(from, ty, mode.lifetime);
        match &self.resolve().types[id].kind {
            TypeDefKind::Type(ty) => inner(ty),
            TypeDefKind::List(ty) => {
                let element = owned(ty);
                if mode.borrow {
                    quote!(&[#element])
                } else {
                    quote!(#rt::Vec<#element>)
                }
            }
            TypeDefKind::FixedLengthList(ty, n) => {
                let element = owned(ty);
                let n = Literal::u32_unsuffixed(*n);
                quote!(#reference [#element; #n])
            }
            TypeDefKind::Map(key, value) => {
                let (key, value) = (owned(key), owned(value));
                let map = self.map_type();
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
            TypeDefKind::Handle(handle) => self.handle(from, *handle, mode.lifetime),
            kind => unreachable!("{} always has a name", kind.as_str()),
        }
    }

    fn handle(&self, from: &ModulePath, handle: Handle, lifetime: Lifetime) -> TokenStream {
        let resolve = self.resolve();
        match handle {
            Handle::Own(id) => self.paths.type_path(resolve, from, id),
            Handle::Borrow(id) if self.world.types.defines(id) => {
                let (path, argument) = (self.paths.borrow_path(resolve, from, id), lifetime.argument());
                quote!(#path #argument)
            }
            Handle::Borrow(id) => {
                let (path, lifetime) = (self.paths.type_path(resolve, from, id), lifetime.after_and());
                quote!(&#lifetime #path)
            }
        }
    }
}
