//! Conversions between the Rust types of one WIT type.
//!
//! In the borrowing modes a WIT type can have two definitions: one with references beside one with owned parts, or one for each
//! occurrence of its interface in the world. What WIT regards as one type converts, as far as the types allow:
//!
//! - to one that owns its parts from any other, by `From<Other>`: parts are moved, or copied from where references point;
//! - to one made of references from `&Other`, if no reference would point to what exists nowhere. A list of strings is a slice of
//!   `String`s on one side and a slice of `&str`s on the other, so a type that holds one cannot be borrowed.
//!
//! Streams and futures of such a type do not convert, nor does what holds one.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use wit_parser::{Type, TypeDefKind, TypeId};
use witflow_bindgen_core::abi::dealias;

use crate::Generator;
use crate::names::{Case, define_all};
use crate::ownership::{Form, Style};
use crate::paths::ModulePath;

/// A type as it is written at one place.
#[derive(Clone, Copy)]
struct Place<'a> {
    ty: &'a Type,
    style: Style,
}

impl Place<'_> {
    /// The same with everything in it owned.
    fn owned(self) -> Self {
        let style = Style::Owned;
        Self { style, ..self }
    }
}

/// How to get a value at one place from a value at another.
enum Step {
    /// Both have the same type.
    Same,
    /// By an expression.
    Through(TokenStream),
}

impl Step {
    /// The value, from `value`.
    fn of(self, value: TokenStream) -> TokenStream {
        match self {
            Self::Same => value,
            Self::Through(expression) => expression,
        }
    }

    /// Several values at once, by an expression that is only needed if one of them changes.
    fn all(steps: Vec<Step>, names: &[Ident], expression: impl FnOnce(Vec<TokenStream>) -> TokenStream) -> Step {
        if steps.iter().all(|step| matches!(step, Step::Same)) {
            return Step::Same;
        }
        let values = steps.into_iter().zip(names).map(|(step, name)| step.of(quote!(#name)));
        Step::Through(expression(values.collect()))
    }
}

/// One definition of a type.
pub(crate) type Definition = (TypeId, Form);

impl Generator<'_> {
    /// The conversions between the definitions of a type, and between these and those of its earlier occurrences.
    pub(crate) fn conversions(&self, home: &ModulePath, id: TypeId) -> TokenStream {
        let definitions = |id: TypeId| self.forms(id).iter().map(move |form| (id, *form));
        let own: Vec<Definition> = definitions(id).collect();
        let earlier = self.world.types.earlier(id).filter(|id| self.defines(*id));
        let mut pairs: Vec<(Definition, Definition)> = Vec::new();
        if let [main, param] = own[..] {
            pairs.push((main, param));
        }
        for other in earlier.flat_map(definitions) {
            pairs.extend(own.iter().map(|own| (other, *own)));
        }
        let both = pairs.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]);
        both.filter_map(|(from, to)| self.conversion(home, from, to)).collect()
    }

    fn conversion(&self, home: &ModulePath, from: Definition, to: Definition) -> Option<TokenStream> {
        let (style, target) = (self.form_style(from.0, from.1), self.form_style(to.0, to.1));
        let body = match (style, target) {
            (_, Style::Owned) => self.members(home, from, to, &|a, b, name| self.owning(a, b, name))?,
            (Style::Owned, _) => self.members(home, from, to, &|a, b, name| self.borrowing(a, b, name))?,
            _ => return None,
        };
        let [source, goal] = [from, to].map(|(id, form)| {
            let (path, generics) = (
                self.paths.type_path(self.resolve(), home, id, form),
                self.generics(id, form),
            );
            quote!(#path #generics)
        });
        let reference = (target != Style::Owned).then(|| quote!(&'a));
        let generics = (style != target).then(|| quote!(<'a>));
        Some(quote! {
            impl #generics ::core::convert::From<#reference #source> for #goal {
                fn from(value: #reference #source) -> Self { #body }
            }
        })
    }

    /// Goes through fields or cases; `None` if one of them does not convert or the type has neither.
    fn members(
        &self,
        home: &ModulePath,
        from: Definition,
        to: Definition,
        convert: &dyn Fn(Place<'_>, Place<'_>, &Ident) -> Option<Step>,
    ) -> Option<TokenStream> {
        let resolve = self.resolve();
        let styles = [from, to].map(|(id, form)| self.form_style(id, form));
        let value = format_ident!("x");
        let member = |a: &Type, b: &Type| {
            let (a, b) = (self.place(a, styles[0]), self.place(b, styles[1]));
            Some(convert(a, b, &value)?.of(quote!(#value)))
        };
        match (&resolve.types[from.0].kind, &resolve.types[to.0].kind) {
            (TypeDefKind::Record(a), TypeDefKind::Record(b)) => {
                let names = define_all(a.fields.iter().map(|field| field.name.as_str()), Case::Snake);
                let fields = a.fields.iter().zip(&b.fields).zip(&names);
                let fields = fields.map(|((a, b), name)| {
                    let converted = member(&a.ty, &b.ty)?;
                    // A reference to a structure gives references to its fields.
                    let by = (styles[1] != Style::Owned).then(|| quote!(&));
                    Some(quote!(#name: { let x = #by value.#name; #converted }))
                });
                let fields: Vec<TokenStream> = fields.collect::<Option<_>>()?;
                Some(quote!(Self { #(#fields,)* }))
            }
            (TypeDefKind::Variant(a), TypeDefKind::Variant(b)) => {
                let names = define_all(a.cases.iter().map(|case| case.name.as_str()), Case::Camel);
                let path = self.paths.type_path(resolve, home, from.0, from.1);
                let arms = a.cases.iter().zip(&b.cases).zip(&names);
                let arms = arms.map(|((a, b), name)| match (&a.ty, &b.ty) {
                    (Some(a), Some(b)) => {
                        let converted = member(a, b)?;
                        Some(quote!(#path::#name(x) => Self::#name(#converted)))
                    }
                    _ => Some(quote!(#path::#name => Self::#name)),
                });
                let arms: Vec<TokenStream> = arms.collect::<Option<_>>()?;
                Some(quote!(match value { #(#arms,)* }))
            }
            _ => None,
        }
    }

    fn place<'t>(&self, ty: &'t Type, asked: Style) -> Place<'t> {
        let style = self.style_of(ty, asked);
        Place { ty, style }
    }

    /// What follows another of its kind at a place.
    fn element_of<'t>(&self, whole: Place<'_>, ty: &'t Type) -> Place<'t> {
        match whole.style {
            Style::Deep => self.place(ty, Style::Deep),
            Style::Owned | Style::Top => Place { ty, ..whole.owned() },
        }
    }

    /// From a value to one that owns its parts.
    fn owning(&self, from: Place<'_>, to: Place<'_>, x: &Ident) -> Option<Step> {
        let resolve = self.resolve();
        let (Type::Id(a), Type::Id(b)) = (dealias(resolve, *from.ty), dealias(resolve, *to.ty)) else {
            // Numbers, and strings.
            return Some(match from.style {
                Style::Owned => Step::Same,
                _ => Step::Through(quote!(::core::convert::From::from(#x))),
            });
        };
        match (&resolve.types[a].kind, &resolve.types[b].kind) {
            (TypeDefKind::List(ty), TypeDefKind::List(to_ty)) => {
                let step = self.owning(self.element_of(from, ty), self.element_of(to, to_ty), x)?;
                Some(match (step, from.style) {
                    (Step::Same, Style::Owned) => Step::Same,
                    (Step::Same, _) => Step::Through(quote!(#x.to_vec())),
                    (Step::Through(each), Style::Owned) => {
                        Step::Through(quote!(#x.into_iter().map(|#x| #each).collect()))
                    }
                    (Step::Through(each), _) => Step::Through(quote!(#x.iter().cloned().map(|#x| #each).collect())),
                })
            }
            (TypeDefKind::Map(key, value), TypeDefKind::Map(to_key, to_value)) => {
                let steps = [
                    self.owning(
                        self.element_of(from, key),
                        self.element_of(to, to_key),
                        &format_ident!("k"),
                    )?,
                    self.owning(
                        self.element_of(from, value),
                        self.element_of(to, to_value),
                        &format_ident!("v"),
                    )?,
                ];
                Some(owning_map(steps, from.style, x))
            }
            _ if from.style == Style::Top => {
                let copy = quote!(::core::clone::Clone::clone(#x));
                let step = self.owning(from.owned(), to, x)?;
                Some(Step::Through(match step {
                    Step::Same => copy,
                    Step::Through(expression) => quote!({ let #x = #copy; #expression }),
                }))
            }
            (TypeDefKind::Record(_) | TypeDefKind::Variant(_), _) => {
                let ends = [(a, self.form(a, from.style)), (b, Form::Main)];
                self.named(ends, x)
            }
            _ => self.parts(from, to, x, &quote!(#x), &|a, b, x| self.owning(a, b, x)),
        }
    }

    /// From one definition to another by the conversion between them.
    fn named(&self, [from, to]: [Definition; 2], x: &Ident) -> Option<Step> {
        let first = |(id, form): Definition| (self.world.types.first(id), form);
        if first(from) == first(to) {
            return Some(Step::Same);
        }
        self.converts(first(from), first(to))
            .then(|| Step::Through(quote!(::core::convert::From::from(#x))))
    }

    /// Whether there is a conversion between two definitions. It is looked for once, since types may hold each other many times.
    fn converts(&self, from: Definition, to: Definition) -> bool {
        let known = self.conversions.borrow().get(&(from, to)).copied();
        known.unwrap_or_else(|| {
            let types = &self.world.types;
            let related = |a: TypeId, b: TypeId| a == b || types.earlier(a).any(|earlier| earlier == b);
            let converts = (related(from.0, to.0) || related(to.0, from.0))
                && self.defines(from.0)
                && self.defines(to.0)
                && self.conversion(&Vec::new(), from, to).is_some();
            self.conversions.borrow_mut().insert((from, to), converts);
            converts
        })
    }

    /// From a reference to an owned value to one made of references.
    fn borrowing(&self, from: Place<'_>, to: Place<'_>, x: &Ident) -> Option<Step> {
        let resolve = self.resolve();
        let is_same =
            |a: Place<'_>, b: Place<'_>| b.style == Style::Owned && matches!(self.owning(a, b, x), Some(Step::Same));
        match to.style {
            Style::Owned => return is_same(from, to).then(|| Step::Through(quote!(*#x))),
            Style::Top => return is_same(from, to.owned()).then_some(Step::Same),
            Style::Deep => {}
        }
        let (Type::Id(a), Type::Id(b)) = (dealias(resolve, *from.ty), dealias(resolve, *to.ty)) else {
            return Some(Step::Through(quote!(&**#x)));
        };
        let parts = match (&resolve.types[a].kind, &resolve.types[b].kind) {
            (TypeDefKind::Record(_) | TypeDefKind::Variant(_), _) => {
                return self.named([(a, Form::Main), (b, self.form(b, Style::Deep))], x);
            }
            (TypeDefKind::List(ty), TypeDefKind::List(to_ty)) => {
                let same = is_same(self.element_of(from, ty), self.element_of(to, to_ty));
                return same.then(|| Step::Through(quote!(&**#x)));
            }
            (TypeDefKind::Map(key, value), TypeDefKind::Map(to_key, to_value)) => {
                let same = is_same(self.element_of(from, key), self.element_of(to, to_key))
                    && is_same(self.element_of(from, value), self.element_of(to, to_value));
                return same.then_some(Step::Same);
            }
            (TypeDefKind::FixedLengthList(..), _) => quote!(#x.each_ref()),
            (TypeDefKind::Tuple(_), _) => quote!(#x),
            _ => quote!(#x.as_ref()),
        };
        // A part that is a reference already is none of the whole.
        let convert = |a: Place<'_>, b: Place<'_>, x: &Ident| {
            let step = self.borrowing(a, b, x)?;
            Some(Step::Through(step.of(quote!(#x))))
        };
        self.parts(from, to, x, &parts, &convert)
    }

    /// The types that have a few parts each of which converts. `value` has these parts as `convert` takes them.
    fn parts(
        &self,
        from: Place<'_>,
        to: Place<'_>,
        x: &Ident,
        value: &TokenStream,
        convert: &dyn Fn(Place<'_>, Place<'_>, &Ident) -> Option<Step>,
    ) -> Option<Step> {
        let resolve = self.resolve();
        let (Type::Id(a), Type::Id(b)) = (dealias(resolve, *from.ty), dealias(resolve, *to.ty)) else {
            return Some(Step::Same);
        };
        let part = |a: &Type, b: &Type| convert(self.place(a, from.style), self.place(b, to.style), x);
        let optional = |a: &Option<Type>, b: &Option<Type>| match (a, b) {
            (Some(a), Some(b)) => part(a, b),
            _ => Some(Step::Same),
        };
        let mapped = |step: Step| match step {
            Step::Same => Step::Same,
            Step::Through(each) => Step::Through(quote!(#value.map(|#x| #each))),
        };
        match (&resolve.types[a].kind, &resolve.types[b].kind) {
            (TypeDefKind::Option(a), TypeDefKind::Option(b)) => part(a, b).map(mapped),
            (TypeDefKind::FixedLengthList(a, _), TypeDefKind::FixedLengthList(b, _)) => part(a, b).map(mapped),
            (TypeDefKind::Result(a), TypeDefKind::Result(b)) => {
                let steps = vec![optional(&a.ok, &b.ok)?, optional(&a.err, &b.err)?];
                let names = [x.clone(), x.clone()];
                Some(Step::all(steps, &names, |values| {
                    let (ok, err) = (&values[0], &values[1]);
                    quote!(#value.map(|#x| #ok).map_err(|#x| #err))
                }))
            }
            (TypeDefKind::Tuple(a), TypeDefKind::Tuple(b)) => {
                let names: Vec<Ident> = (0..a.types.len()).map(|index| format_ident!("x{index}")).collect();
                let pairs = a.types.iter().zip(&b.types).zip(&names);
                let steps =
                    pairs.map(|((a, b), name)| convert(self.place(a, from.style), self.place(b, to.style), name));
                let steps: Vec<Step> = steps.collect::<Option<_>>()?;
                Some(Step::all(
                    steps,
                    &names,
                    |values| quote!({ let (#(#names,)*) = #value; (#(#values,)*) }),
                ))
            }
            (TypeDefKind::Enum(_) | TypeDefKind::Flags(_), _) => {
                (self.world.types.first(a) == self.world.types.first(b)).then_some(Step::Same)
            }
            (TypeDefKind::Stream(a), TypeDefKind::Stream(b)) | (TypeDefKind::Future(a), TypeDefKind::Future(b)) => {
                let same = match (a, b) {
                    (Some(a), Some(b)) => {
                        let [a, b] = [a, b].map(|ty| self.place(ty, Style::Owned));
                        matches!(self.owning(a, b, x), Some(Step::Same))
                    }
                    _ => true,
                };
                same.then_some(Step::Same)
            }
            _ => None,
        }
    }
}

/// From one map to another, whose keys are `k` and values `v`.
fn owning_map(steps: [Step; 2], style: Style, x: &Ident) -> Step {
    let names = ["k", "v"].map(|name| format_ident!("{name}"));
    let copy = quote!((::core::clone::Clone::clone(k), ::core::clone::Clone::clone(v)));
    let entries = match style {
        Style::Owned => quote!(#x.into_iter()),
        _ => quote!(#x.iter().map(|(k, v)| #copy)),
    };
    let step = Step::all(
        steps.into(),
        &names,
        |values| quote!(#entries.map(|(k, v)| (#(#values),*)).collect()),
    );
    match (step, style) {
        (Step::Same, Style::Owned) => Step::Same,
        (step, _) => Step::Through(step.of(quote!(::core::clone::Clone::clone(#x)))),
    }
}
