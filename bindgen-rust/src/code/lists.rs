//! Strings, lists, maps and fixed-length lists.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use wit_parser::{TypeDefKind, TypeId};
use witflow_bindgen_core::abi::{Block, Op, ValueId};

use super::{Code, Expr};
use crate::named::one_or_tuple;
use crate::names::ident;

impl Code<'_> {
    pub(super) fn lower_slice(&mut self, op: &Op, cast: &TokenStream) {
        let slice = self.receiver(op.args[0]);
        self.set(op.results[0], Expr::Core(quote!(#slice.as_ptr().cast_mut()#cast)));
        self.set(op.results[1], Expr::Core(quote!(#slice.len())));
    }

    pub(super) fn lift_parts(&mut self, op: &Op, function: &str, generics: &TokenStream) {
        let rt = &self.generator.rt;
        let function = ident(function);
        let (pointer, length) = (self.core(op.args[0]), self.core(op.args[1]));
        self.owned(op, quote!(#rt::#function #generics(#pointer, #length)));
    }

    pub(super) fn lift_string(&mut self, op: &Op) {
        if self.generator.options.raw_strings {
            self.lift_parts(op, "lift_plain_list", &quote!(::<u8>));
        } else {
            self.lift_parts(op, "lift_string", &quote!());
        }
    }

    pub(super) fn lift_plain_list(&mut self, op: &Op, id: TypeId) {
        let TypeDefKind::List(element) = &self.generator.resolve().types[id].kind else {
            unreachable!("core emits plain lists for lists only")
        };
        let element = self.generator.owned(self.from, element);
        self.lift_parts(op, "lift_plain_list", &quote!(::<#element>));
    }

    /// A closure that stores one element: `|element.., base, cleanup| { .. }`.
    fn store_closure(&mut self, whole: ValueId, block: &Block, elements: &[&str], cleanup: bool) -> TokenStream {
        self.parts(&block.params, whole);
        let outer_locals = self.locals.clone();
        let names: Vec<Ident> = elements.iter().map(|name| self.fresh(name)).collect();
        let base = self.fresh("base");
        let mut params: Vec<Expr> = names.iter().map(|name| Expr::Place(quote!(#name), true)).collect();
        params.push(Expr::Core(quote!(#base)));
        let outer = self.callees.cleanup.clone();
        let cleanup = if cleanup {
            self.fresh("cleanup")
        } else {
            ident("_cleanup")
        };
        self.callees.cleanup = quote!(#cleanup);
        let (statements, _) = self.block(block, params);
        self.callees.cleanup = outer;
        self.locals = outer_locals;
        quote!(|#(#names,)* #base, #cleanup| { #(#statements)* })
    }

    pub(super) fn load_closure(&mut self, block: &Block) -> TokenStream {
        let outer_locals = self.locals.clone();
        let base = self.fresh("base");
        let (statements, results) = self.block(block, vec![Expr::Core(quote!(#base))]);
        self.locals = outer_locals;
        let result = one_or_tuple(&results);
        if statements.is_empty() {
            quote!(|#base| #result)
        } else {
            quote!(|#base| { #(#statements)* #result })
        }
    }

    /// Size and alignment of one element of a list or map.
    pub(super) fn element_layout(&self, id: TypeId) -> (TokenStream, TokenStream) {
        let types = &self.generator.world.types;
        let layout = match &self.generator.resolve().types[id].kind {
            TypeDefKind::List(element) | TypeDefKind::FixedLengthList(element, _) => types.layout(element),
            TypeDefKind::Map(key, value) => types.record(&[*key, *value]),
            kind => unreachable!("{} has no elements", kind.as_str()),
        };
        (self.generator.size(layout.size), self.generator.align(layout.align))
    }

    /// Whether the code that stores one element needs a clean-up list.
    fn needs_cleanup(&self, block: &Block) -> bool {
        self.generator.uses_cleanup(block, self.callees.lends)
    }

    pub(super) fn lower_list(&mut self, op: &Op, id: TypeId, block: &Block) {
        let closure = self.store_closure(op.args[0], block, &["item"], self.needs_cleanup(block));
        self.bind_lowered(op, quote!(lower_list), id, &closure);
    }

    pub(super) fn lower_map(&mut self, op: &Op, id: TypeId, block: &Block) {
        let closure = self.store_closure(op.args[0], block, &["key", "value"], self.needs_cleanup(block));
        // The type lets a reference to a reference become what the function wants.
        let map = self.generator.map_type();
        self.bind_lowered(op, quote!(lower_map::<#map<_, _>, _, _>), id, &closure);
    }

    pub(super) fn bind_lowered(&mut self, op: &Op, function: TokenStream, id: TypeId, closure: &TokenStream) {
        let rt = &self.generator.rt;
        let list = self.reference(op.args[0]);
        let (size, align) = self.element_layout(id);
        let cleanup = self.callees.cleanup.clone();
        let call = quote!(#rt::#function(#list, #size, #align, #cleanup, #closure));
        self.bind(op, call);
    }

    pub(super) fn lift_list(&mut self, op: &Op, function: &str, id: TypeId, block: &Block) {
        let rt = &self.generator.rt;
        let function = ident(function);
        let (pointer, length) = (self.core(op.args[0]), self.core(op.args[1]));
        let (size, align) = self.element_layout(id);
        let closure = self.load_closure(block);
        self.owned(op, quote!(#rt::#function(#pointer, #length, #size, #align, #closure)));
    }

    pub(super) fn store_fixed_list(&mut self, op: &Op, id: TypeId, block: &Block) {
        let rt = &self.generator.rt;
        let cleanup_used = self.needs_cleanup(block);
        let (list, pointer) = (self.reference(op.args[0]), self.core(op.args[1]));
        let (size, _) = self.element_layout(id);
        let outer = self.callees.cleanup.clone();
        let closure = self.store_closure(op.args[0], block, &["item"], cleanup_used);
        let cleanup = if cleanup_used {
            outer
        } else {
            quote!(&mut #rt::Cleanup::new())
        };
        self.statements
            .push(quote!(#rt::store_fixed_list(#list, #pointer, #size, #cleanup, #closure);));
    }

    pub(super) fn load_fixed_list(&mut self, op: &Op, id: TypeId, block: &Block) {
        let rt = &self.generator.rt;
        let pointer = self.core(op.args[0]);
        let (size, _) = self.element_layout(id);
        let closure = self.load_closure(block);
        self.owned(op, quote!(#rt::load_fixed_list(#pointer, #size, #closure)));
    }
}
