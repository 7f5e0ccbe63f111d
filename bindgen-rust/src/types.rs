//! How WIT types are written in Rust.
//!
//! Values are owned everywhere but in the parameters of synchronous imports, where what holds heap memory or borrow handles, and
//! nothing that is given away, is borrowed: `&str`, `&[T]`, `&Record`, and inside anonymous types `Option<&str>` or `(&str, u32)`.
//! How deep references go is the matter of [`crate::ownership`].
//!
//! A borrow handle is a reference to the resource, or `XBorrow<'_>` if the guest defines the resource. Types that hold one have a
//! lifetime, which [`Lifetime`] says how to write.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use wit_parser::{Handle, Type, TypeDefKind, TypeId};
use witflow_bindgen_core::abi::dealias;

use crate::ownership::{Form, Style};
use crate::paths::ModulePath;
use crate::{Generator, Side};

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
    style: Style,
    lifetime: Lifetime,
}

impl Mode {
    /// Whether strings and lists are references.
    fn borrows(self) -> bool {
        self.style != Style::Owned
    }
}

impl Generator<'_> {
    /// The owned form of `ty`, as seen from the module `from`.
    pub(crate) fn owned(&self, from: &ModulePath, ty: &Type) -> TokenStream {
        self.owned_for(from, ty, Lifetime::Elided)
    }

    /// The owned form of `ty` with its lifetime, if it has one, as given.
    pub(crate) fn owned_for(&self, from: &ModulePath, ty: &Type, lifetime: Lifetime) -> TokenStream {
        let style = Style::Owned;
        self.ty(from, ty, Mode { style, lifetime })
    }

    /// The form a parameter of a synchronous import has, and whether that is a reference to the value.
    pub(crate) fn borrowed(&self, from: &ModulePath, ty: &Type) -> (TokenStream, bool) {
        let (style, lifetime) = (self.style_of(ty, self.param_style()), Lifetime::Elided);
        (
            self.ty(from, ty, Mode { style, lifetime }),
            self.is_reference(ty, style),
        )
    }

    /// A part of a definition that has this style.
    pub(crate) fn part(&self, home: &ModulePath, ty: &Type, style: Style) -> TokenStream {
        let (style, lifetime) = (self.style_of(ty, style), Lifetime::Named);
        self.ty(home, ty, Mode { style, lifetime })
    }

    /// One of a type's definitions, as seen from the module `from`.
    pub(crate) fn defined(&self, from: &ModulePath, id: TypeId, form: Form) -> TokenStream {
        let (style, lifetime) = (self.form_style(id, form), Lifetime::Elided);
        self.path(from, id, Mode { style, lifetime })
    }

    /// Whether a type of this style is `&` and something: not if it is written out and has parts, and not if it is a handle, which is a
    /// reference already.
    fn is_reference(&self, ty: &Type, style: Style) -> bool {
        let Type::Id(id) = ty else {
            return *ty == Type::String && style != Style::Owned;
        };
        let is_text_or_list = match dealias(self.resolve(), *ty) {
            Type::Id(id) => matches!(
                self.resolve().types[id].kind,
                TypeDefKind::List(_) | TypeDefKind::Map(..)
            ),
            ty => ty == Type::String,
        };
        match style {
            Style::Owned => false,
            Style::Top => is_text_or_list || self.resolve().types[*id].name.is_some(),
            Style::Deep => is_text_or_list,
        }
    }

    /// The owned form of an optional type; nothing is `()`.
    pub(crate) fn optional(&self, from: &ModulePath, ty: Option<&Type>) -> TokenStream {
        ty.map_or_else(|| quote!(()), |ty| self.owned(from, ty))
    }

    /// The parameter `<'a>` of one of a type's definitions, if it needs one.
    pub(crate) fn generics(&self, id: TypeId, form: Form) -> Option<TokenStream> {
        self.has_lifetime(id, self.form_style(id, form))
            .then(|| Lifetime::Named.argument())
    }

    fn has_lifetime(&self, id: TypeId, style: Style) -> bool {
        let borrowed = self.side == Side::Guest && self.world.types.facts(&Type::Id(id)).borrowed;
        style == Style::Deep || borrowed
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
            Type::String => self.text(mode),
            Type::ErrorContext => quote!(#rt::ErrorContext),
            Type::Id(id) => self.ty_id(from, *id, mode),
        }
    }

    fn text(&self, mode: Mode) -> TokenStream {
        let (rt, lifetime) = (&self.rt, mode.lifetime.after_and());
        match (mode.borrows(), self.options.raw_strings) {
            (true, false) => quote!(&#lifetime str),
            (true, true) => quote!(&#lifetime [u8]),
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
        if mode.borrows() {
            // Aliases of strings and lists are borrowed as `&str` and `&[T]`, so that callers need no owned copy.
            match dealias(resolve, Type::Id(id)) {
                Type::String => return self.text(mode),
                Type::Id(target)
                    if matches!(resolve.types[target].kind, TypeDefKind::List(_) | TypeDefKind::Map(..)) =>
                {
                    return self.written_out(from, target, mode);
                }
                _ => {}
            }
        }
        let path = self.path(from, id, mode);
        // What is made of references is none itself.
        match (mode.style, mode.lifetime.after_and()) {
            (Style::Top, lifetime) => quote!(&#lifetime #path),
            _ => path,
        }
    }

    /// The path of a named type with its lifetime.
    fn path(&self, from: &ModulePath, id: TypeId, mode: Mode) -> TokenStream {
        let form = self.form(id, mode.style);
        let path = self.paths.type_path(self.resolve(), from, id, form);
        let has_lifetime = self.has_lifetime(id, self.form_style(id, form));
        let argument = has_lifetime.then(|| mode.lifetime.argument());
        quote!(#path #argument)
    }

    /// `&`, with the lifetime where that has a name.
    fn reference(&self, mode: Mode) -> Option<TokenStream> {
        let lifetime = mode.lifetime.after_and();
        mode.borrows().then(|| quote!(&#lifetime))
    }

    /// What an alias stands for, in one of its forms.
    pub(crate) fn aliased(&self, from: &ModulePath, id: TypeId, form: Form) -> TokenStream {
        let (style, lifetime) = (self.form_style(id, form), Lifetime::Named);
        self.written_out(from, id, Mode { style, lifetime })
    }

    /// A type written out, as anonymous types are wherever they occur and named ones are in their definition.
    fn written_out(&self, from: &ModulePath, id: TypeId, mode: Mode) -> TokenStream {
        let rt = &self.rt;
        let reference = self.reference(mode);
        let inner = |ty: &Type| self.inner(from, ty, mode);
        let element = |ty: &Type| self.element(from, ty, mode);
        match &self.resolve().types[id].kind {
            TypeDefKind::Type(ty) => inner(ty),
            TypeDefKind::List(ty) => {
                let element = element(ty);
                match reference {
                    Some(reference) => quote!(#reference [#element]),
                    None => quote!(#rt::Vec<#element>),
                }
            }
            TypeDefKind::FixedLengthList(ty, n) => {
                let element = element(ty);
                let n = Literal::u32_unsuffixed(*n);
                quote!([#element; #n])
            }
            TypeDefKind::Map(key, value) => {
                let (key, value) = (element(key), element(value));
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

    /// A part of a type that is written out.
    fn inner(&self, from: &ModulePath, ty: &Type, mode: Mode) -> TokenStream {
        // Each as far as it can be, and plain parts not at all.
        let style = self.style_of(ty, mode.style);
        self.ty(from, ty, Mode { style, ..mode })
    }

    /// What lies in memory one after the other, so that it is borrowed together or deeply.
    fn element(&self, from: &ModulePath, ty: &Type, mode: Mode) -> TokenStream {
        match mode.style {
            Style::Deep => self.inner(from, ty, mode),
            Style::Owned | Style::Top => self.owned_for(from, ty, mode.lifetime),
        }
    }

    fn handle(&self, from: &ModulePath, handle: Handle, lifetime: Lifetime) -> TokenStream {
        let resolve = self.resolve();
        if self.side == Side::Host {
            return self.host_handle(from, handle);
        }
        match handle {
            Handle::Own(id) => self.paths.type_path(resolve, from, id, Form::Main),
            Handle::Borrow(id) if self.world.types.defines(id) => {
                let (path, argument) = (self.paths.borrow_path(resolve, from, id), lifetime.argument());
                quote!(#path #argument)
            }
            Handle::Borrow(id) => {
                let (path, lifetime) = (
                    self.paths.type_path(resolve, from, id, Form::Main),
                    lifetime.after_and(),
                );
                quote!(&#lifetime #path)
            }
        }
    }
}
