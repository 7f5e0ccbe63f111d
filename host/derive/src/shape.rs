//! What the user's type is: its WIT kind, and its members with their WIT names. Errors point at the user's tokens.

use heck::ToKebabCase;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Ident, LitStr, Result, Visibility, spanned::Spanned};

/// The WIT kind a Rust type stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    Flags,
    Enum,
    Variant,
}

/// One field of a record, flag of a flags type, or case of an enum or variant.
pub(crate) struct Member {
    pub(crate) ident: Ident,
    pub(crate) wit_name: String,
    pub(crate) ty: Option<syn::Type>,
}

/// A type the derive accepts.
pub(crate) struct Type {
    pub(crate) ident: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) kind: Kind,
    pub(crate) members: Vec<Member>,
}

#[derive(Default)]
struct Options {
    name: Option<String>,
    flags: bool,
    variant: bool,
}

impl Type {
    pub(crate) fn parse(input: &DeriveInput) -> Result<Self> {
        if !input.generics.params.is_empty() {
            return Err(Error::new(input.generics.span(), "a WIT type has no type parameters"));
        }
        let options = Options::parse(&input.attrs)?;
        let (kind, members) = match &input.data {
            Data::Struct(data) => {
                let kind = if options.flags { Kind::Flags } else { Kind::Record };
                (kind, fields(&data.fields)?)
            }
            Data::Enum(data) => {
                let cases = data.variants.iter().map(case).collect::<Result<Vec<_>>>()?;
                let plain = cases.iter().all(|case| case.ty.is_none()) && !options.variant;
                (if plain { Kind::Enum } else { Kind::Variant }, cases)
            }
            Data::Union(_) => return Err(Error::new(input.ident.span(), "WIT has no unions")),
        };
        if members.is_empty() {
            return Err(Error::new(
                input.ident.span(),
                "a WIT type needs at least one field, flag or case",
            ));
        }
        Ok(Self {
            ident: input.ident.clone(),
            visibility: input.vis.clone(),
            kind,
            members,
        })
    }
}

impl Options {
    fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("component"))
        {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    options.name = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if meta.path.is_ident("flags") {
                    options.flags = true;
                } else if meta.path.is_ident("variant") {
                    options.variant = true;
                } else if !meta.path.is_ident("record") && !meta.path.is_ident("enumeration") {
                    return Err(meta.error("unknown option: there are `name = \"…\"`, `flags`, `variant`, `record`"));
                }
                Ok(())
            })?;
        }
        Ok(options)
    }
}

fn wit_name(ident: &Ident, attributes: &[Attribute]) -> Result<String> {
    let plain = ident.to_string();
    let plain = plain.strip_prefix("r#").unwrap_or(&plain);
    Ok(Options::parse(attributes)?
        .name
        .unwrap_or_else(|| plain.to_kebab_case()))
}

fn fields(fields: &Fields) -> Result<Vec<Member>> {
    let Fields::Named(named) = fields else {
        return Err(Error::new(
            fields.span(),
            "a WIT record has named fields; a WIT tuple is a Rust tuple",
        ));
    };
    let members = named.named.iter().filter_map(|field| {
        let ident = field.ident.clone()?;
        let name = wit_name(&ident, &field.attrs);
        Some(name.map(|wit_name| Member {
            ident,
            wit_name,
            ty: Some(field.ty.clone()),
        }))
    });
    members.collect()
}

fn case(variant: &syn::Variant) -> Result<Member> {
    let ty = match &variant.fields {
        Fields::Unit => None,
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Some(fields.unnamed[0].ty.clone()),
        other => {
            return Err(Error::new(
                other.span(),
                "a case of a WIT variant has at most one unnamed payload",
            ));
        }
    };
    Ok(Member {
        ident: variant.ident.clone(),
        wit_name: wit_name(&variant.ident, &variant.attrs)?,
        ty,
    })
}
