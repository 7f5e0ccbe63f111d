//! The module `_abi`: one function for each way a named type is lifted or lowered somewhere.
//!
//! Translating code asks for a function by [`Generator::named_function`], which notes the wish; [`Generator::abi_module`] then
//! fulfils wishes until none is left, since functions call each other.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;
use wit_parser::{Type, TypeId};
use witflow_bindgen_core::abi::{Kind, NamedOp, Program, ValueId, named};

use crate::Generator;
use crate::code::{Callees, Code, Expr, core_type};
use crate::names::Scope;
use crate::ownership::Form;
use crate::paths::ModulePath;
use crate::types::Lifetime;

impl Generator<'_> {
    /// The name of a named type's function in `_abi`, which will exist.
    pub(crate) fn named_function(&self, id: TypeId, op: NamedOp, form: Form) -> Ident {
        let id = self.world.types.first(id);
        self.wishes.borrow_mut().insert((id, op, form));
        let name = self.paths.flat_name(self.resolve(), id, form);
        match op {
            NamedOp::Store => format_ident!("store_{name}"),
            NamedOp::Load => format_ident!("load_{name}"),
            NamedOp::Lower => format_ident!("lower_{name}"),
            NamedOp::Lift => format_ident!("lift_{name}"),
        }
    }

    /// The module with all functions that were wished for.
    pub(crate) fn abi_module(&self) -> TokenStream {
        let mut functions = BTreeMap::new();
        loop {
            let wishes: Vec<(TypeId, NamedOp, Form)> = self.wishes.borrow().iter().copied().collect();
            let open = wishes
                .into_iter()
                .filter(|wish| !functions.contains_key(wish))
                .collect::<Vec<_>>();
            if open.is_empty() {
                break;
            }
            for (id, op, form) in open {
                functions.insert((id, op, form), self.abi_function(id, op, form));
            }
        }
        if functions.is_empty() {
            return quote!();
        }
        let (functions, allow) = (functions.values(), crate::world::allow());
        quote! {
            #allow
            mod _abi {
                use super::_rt;
                #(#functions)*
            }
        }
    }

    fn abi_function(&self, id: TypeId, op: NamedOp, form: Form) -> TokenStream {
        let home = vec!["_abi".to_owned()];
        let name = self.named_function(id, op, form);
        let program = named(&self.world.types, id, op);
        let (params, values, result) = self.abi_signature(&home, id, op, form, &program);
        let mut taken = ["value", "base", "cleanup", "borrows"].map(str::to_owned).to_vec();
        taken.extend((0..program.body.params.len()).map(|index| format!("a{index}")));
        let scope = Scope::with(&taken.iter().map(String::as_str).collect::<Vec<_>>());
        let callees = Callees {
            cleanup: quote!(cleanup),
            lends: true,
            styles: vec![self.form_style(id, form)],
            borrows: quote!(borrows),
            ..Callees::default()
        };
        let (statements, results) = Code::run(self, &home, &program, values, scope, callees);
        let (value, arrow) = (one_or_tuple(&results), result.map(|ty| quote!(-> #ty)));
        let lifted = matches!(op, NamedOp::Load | NamedOp::Lift);
        let generics = self.generics(id, form).filter(|_| lifted);
        quote! {
            pub(super) unsafe fn #name #generics(#params) #arrow {
                // SAFETY: the caller passes memory or core values of this type.
                unsafe { #statements #value }
            }
        }
    }

    /// Parameters, what the program takes for them, and the result type.
    fn abi_signature(
        &self,
        home: &ModulePath,
        id: TypeId,
        op: NamedOp,
        form: Form,
        program: &Program,
    ) -> (TokenStream, Vec<Expr>, Option<TokenStream>) {
        let rt = &self.rt;
        let facts = self.world.types.facts(&Type::Id(id));
        let ty = self.defined(home, id, form);
        let lifted = self.owned_for(home, &Type::Id(id), Lifetime::Named);
        let cleanup = facts.cleanup.then(|| quote!(cleanup: &mut #rt::Cleanup));
        let borrows = facts.lent.then(|| quote!(borrows: &#rt::Borrows));
        let (value, base) = (Expr::Place(quote!(value), true), Expr::Core(quote!(base)));
        match op {
            NamedOp::Store => (quote!(value: &#ty, base: *mut u8, #cleanup), vec![value, base], None),
            NamedOp::Load => (quote!(base: *mut u8, #borrows), vec![base], Some(lifted)),
            NamedOp::Lower => {
                let types = self.core_types(program, &program.body.results);
                (quote!(value: &#ty, #cleanup), vec![value], Some(one_or_tuple(&types)))
            }
            NamedOp::Lift => {
                let types = self.core_types(program, &program.body.params);
                let names: Vec<Ident> = (0..types.len()).map(|index| format_ident!("a{index}")).collect();
                let values = names.iter().map(|name| Expr::Core(quote!(#name))).collect();
                (quote!(#(#names: #types,)* #borrows), values, Some(lifted))
            }
        }
    }

    fn core_types(&self, program: &Program, values: &[ValueId]) -> Vec<TokenStream> {
        let ty = |id: &ValueId| match program.kind(*id) {
            Kind::Core(ty) => core_type(&self.rt, ty),
            Kind::Wit(_) => unreachable!("a flat form has core values only"),
        };
        values.iter().map(ty).collect()
    }
}

/// Nothing, the only one, or a tuple.
pub(crate) fn one_or_tuple(tokens: &[TokenStream]) -> TokenStream {
    match tokens {
        [] => quote!(),
        [one] => quote!(#one),
        several => quote!((#(#several),*)),
    }
}
