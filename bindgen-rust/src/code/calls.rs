//! Calls: functions of named types, core imports, the user's functions.

use proc_macro2::TokenStream;
use quote::quote;
use wit_parser::{Type, TypeId};
use witflow_bindgen_core::abi::{NamedOp, Op};

use super::{Code, Expr};
use crate::ownership::Form;
use crate::paths::to_root;

impl Code<'_> {
    pub(super) fn call_named(&mut self, op: &Op, id: TypeId, named: NamedOp) {
        let function = match named {
            NamedOp::Store | NamedOp::Lower => {
                let form = self.generator.form(id, self.style(op.args[0]));
                self.generator.named_function(id, named, form)
            }
            NamedOp::Load | NamedOp::Lift => self.generator.named_function(id, named, Form::Main),
        };
        let root = to_root(self.from);
        let path = quote!(#root _abi::#function);
        let cleanup = self.generator.world.types.facts(&Type::Id(id)).cleanup;
        let cleanup = cleanup.then(|| self.callees.cleanup.clone());
        match named {
            NamedOp::Store => {
                let (value, pointer) = (self.reference(op.args[0]), self.core(op.args[1]));
                self.statements.push(quote!(#path(#value, #pointer, #cleanup);));
            }
            NamedOp::Lower => {
                let value = self.reference(op.args[0]);
                self.bind(op, quote!(#path(#value, #cleanup)));
            }
            NamedOp::Load | NamedOp::Lift => {
                let mut args: Vec<TokenStream> = op.args.iter().map(|id| self.core(*id)).collect();
                if self.generator.world.types.facts(&Type::Id(id)).lent {
                    args.push(self.callees.borrows.clone());
                }
                self.owned(op, quote!(#path(#(#args),*)));
            }
        }
    }

    pub(super) fn call_import(&mut self, op: &Op) {
        let import = self
            .callees
            .import
            .clone()
            .expect("a program that calls an import has one");
        let args = op.args.iter().map(|id| self.core(*id));
        let call = quote!(#import(#(#args),*));
        self.bind(op, call);
    }

    pub(super) fn call_user(&mut self, op: &Op) {
        let args: Vec<TokenStream> = op.args.iter().map(|id| self.take(*id)).collect();
        let user = self
            .callees
            .user
            .as_ref()
            .expect("a program that calls the user knows the function");
        let call = user.call(args);
        match op.results[..] {
            [] => self.statements.push(quote!(#call;)),
            [result, ..] => {
                let name = self.fresh("result");
                self.statements.push(quote!(let #name = #call;));
                self.set(result, Expr::Place(quote!(#name), false));
            }
        }
    }
}
