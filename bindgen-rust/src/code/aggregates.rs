//! Values made of others: records, tuples, flags, variants.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use wit_parser::{TypeDefKind, TypeId};
use witflow_bindgen_core::abi::{Block, Inst, Op, cases};

use super::memory::read;
use super::{Code, Expr};
use crate::definitions::flags_type;
use crate::named::one_or_tuple;
use crate::names::{Case, define_all};
use crate::ownership::Style;

impl Code<'_> {
    pub(super) fn path(&self, id: TypeId) -> TokenStream {
        self.styled_path(id, Style::Owned)
    }

    /// The path of the definition that a value of this style is of.
    fn styled_path(&self, id: TypeId, style: Style) -> TokenStream {
        let (generator, form) = (self.generator, self.generator.form(id, style));
        generator.paths.type_path(generator.resolve(), self.from, id, form)
    }

    pub(super) fn split(&mut self, op: &Op) {
        let whole = self.reference(op.args[0]);
        let (pattern, names) = match &op.inst {
            Inst::SplitRecord(id) => {
                let fields = self.fields(*id);
                let names: Vec<Ident> = fields.iter().map(|field| self.fresh(&field.to_string())).collect();
                let path = self.styled_path(*id, self.style(op.args[0]));
                let bound = fields.iter().zip(&names).map(|(field, name)| {
                    if field == name {
                        quote!(#field)
                    } else {
                        quote!(#field: #name)
                    }
                });
                (quote!(#path { #(#bound),* }), names)
            }
            inst => {
                let names: Vec<Ident> = op.results.iter().map(|_| self.fresh("part")).collect();
                let pattern = match inst {
                    Inst::SplitTuple(_) => quote!((#(#names,)*)),
                    _ => quote!([#(#names),*]),
                };
                (pattern, names)
            }
        };
        self.statements.push(quote!(let #pattern = #whole;));
        self.parts(&op.results, op.args[0]);
        for (result, name) in op.results.iter().zip(names) {
            self.set(*result, Expr::Place(quote!(#name), true));
        }
    }

    pub(super) fn fields(&self, id: TypeId) -> Vec<Ident> {
        match &self.generator.resolve().types[id].kind {
            TypeDefKind::Record(record) => {
                define_all(record.fields.iter().map(|field| field.name.as_str()), Case::Snake)
            }
            kind => unreachable!("{} has no fields", kind.as_str()),
        }
    }

    pub(super) fn join(&mut self, op: &Op) {
        let parts: Vec<TokenStream> = op.args.iter().map(|id| self.take(*id)).collect();
        let whole = match &op.inst {
            Inst::JoinRecord(id) => {
                let (path, fields) = (self.path(*id), self.fields(*id));
                quote!(#path { #(#fields: #parts),* })
            }
            Inst::JoinTuple(_) => quote!((#(#parts,)*)),
            _ => quote!([#(#parts),*]),
        };
        self.owned(op, whole);
    }

    pub(super) fn lift_flags(&mut self, op: &Op, id: TypeId) {
        let TypeDefKind::Flags(flags) = &self.generator.resolve().types[id].kind else {
            unreachable!("core emits flags instructions for flags only")
        };
        let repr = flags_type(flags);
        let path = self.path(id);
        let bits = match self.get(op.args[0]) {
            Expr::Loaded(_, address) => quote!(#address.cast::<#repr>().read()),
            _ => {
                let core = self.core(op.args[0]);
                quote!(#core as #repr)
            }
        };
        self.owned(op, quote!(#path::from_bits_truncate(#bits)));
    }

    pub(super) fn lift_enum(&mut self, op: &Op, id: TypeId) {
        let (path, core) = (self.path(id), self.core(op.args[0]));
        self.owned(op, quote!(#path::_lift(#core)));
    }

    /// The constructor of each case.
    fn constructors(&self, id: TypeId, style: Style) -> Vec<TokenStream> {
        match &self.generator.resolve().types[id].kind {
            TypeDefKind::Option(_) => vec![
                quote!(::core::option::Option::None),
                quote!(::core::option::Option::Some),
            ],
            TypeDefKind::Result(_) => vec![quote!(::core::result::Result::Ok), quote!(::core::result::Result::Err)],
            TypeDefKind::Variant(variant) => {
                let path = self.styled_path(id, style);
                let names = define_all(variant.cases.iter().map(|case| case.name.as_str()), Case::Camel);
                names.iter().map(|name| quote!(#path::#name)).collect()
            }
            kind => unreachable!("{} has no cases", kind.as_str()),
        }
    }

    /// Results have a `()` where WIT has nothing; other cases without payload have no parentheses.
    pub(super) fn has_unit_payload(&self, id: TypeId) -> bool {
        matches!(self.generator.resolve().types[id].kind, TypeDefKind::Result(_))
    }

    pub(super) fn match_cases(&mut self, op: &Op, id: TypeId, blocks: &[Block], results: usize) {
        let scrutinee = self.reference(op.args[0]);
        let payloads = cases(self.generator.resolve(), id);
        let mut arms = Vec::new();
        let constructors = self.constructors(id, self.style(op.args[0]));
        for ((constructor, payload), block) in constructors.into_iter().zip(payloads).zip(blocks) {
            self.parts(&block.params, op.args[0]);
            let outer_locals = self.locals.clone();
            let (pattern, params) = match payload {
                Some(_) => {
                    let name = self.fresh("payload");
                    (quote!(#constructor(#name)), vec![Expr::Place(quote!(#name), true)])
                }
                None if self.has_unit_payload(id) => (quote!(#constructor(())), Vec::new()),
                None => (constructor, Vec::new()),
            };
            let (statements, values) = self.block(block, params);
            self.locals = outer_locals;
            let value = one_or_tuple(&values);
            arms.push(match (statements.is_empty(), values.is_empty()) {
                (true, false) => quote!(#pattern => #value,),
                _ => quote!(#pattern => { #(#statements)* #value }),
            });
        }
        let whole = quote!(match #scrutinee { #(#arms)* });
        match results {
            0 => self.statements.push(whole),
            _ => self.bind(op, whole),
        }
    }

    pub(super) fn select_case(&mut self, op: &Op, id: TypeId, blocks: &[Block]) {
        let rt = &self.generator.rt;
        let scrutinee = match self.get(op.args[0]) {
            // A byte with 256 cases would leave the last arm unreachable.
            Expr::Loaded(mem, address) if blocks.len() < 256 => read(mem, &address),
            _ => self.core(op.args[0]),
        };
        let mut arms = Vec::new();
        for (index, (constructor, block)) in self.constructors(id, Style::Owned).into_iter().zip(blocks).enumerate() {
            let (statements, values) = self.block(block, Vec::new());
            let value = match &values[..] {
                [] if self.has_unit_payload(id) => quote!(#constructor(())),
                [] => constructor,
                [payload, ..] => quote!(#constructor(#payload)),
            };
            let index = Literal::usize_unsuffixed(index);
            arms.push(if statements.is_empty() {
                quote!(#index => #value,)
            } else {
                quote!(#index => { #(#statements)* #value })
            });
        }
        self.owned(
            op,
            quote!(match #scrutinee { #(#arms)* _ => #rt::invalid_discriminant() }),
        );
    }
}
