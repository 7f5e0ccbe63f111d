//! What imported and exported functions have in common: names, scopes, the core imports they call.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use wit_parser::{FunctionKind, Handle, Type, TypeDefKind};
use witflow_bindgen_core::abi::{Block, Function, Inst, Program, Signature, dealias, is_method};

use crate::Generator;
use crate::code::core_type;
use crate::names::{Case, Scope, ident};

/// How a constructor gives the resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constructor {
    /// As such.
    Plain,
    /// In a result that may be an error.
    Fallible(Option<Type>),
}

impl Generator<'_> {
    /// Identifiers for functions of one scope, in their order. A constructor is always `new`; another function of that name gives way.
    pub(crate) fn function_names(&self, functions: &[&Function], scope: &mut Scope) -> Vec<Ident> {
        let is_constructor = |function: &Function| matches!(function.func.kind, FunctionKind::Constructor(_));
        let constructor = functions.iter().any(|function| is_constructor(function));
        let new = constructor.then(|| scope.define("new", Case::Snake));
        let name = |function: &&Function| match (&new, &function.func.kind) {
            (Some(new), FunctionKind::Constructor(_)) => new.clone(),
            (_, FunctionKind::Setter | FunctionKind::MethodSetter(_) | FunctionKind::StaticSetter(_)) => {
                scope.define(&format!("set-{}", function.func.item_name()), Case::Snake)
            }
            _ => scope.define(function.func.item_name(), Case::Snake),
        };
        functions.iter().map(name).collect()
    }

    /// Identifiers of the parameters. That of a method's resource is `self`.
    pub(crate) fn param_names(&self, function: &Function) -> Vec<Ident> {
        let mut scope = Scope::default();
        let params = function.func.params.iter().enumerate();
        let name = params.map(|(index, param)| {
            if index == 0 && is_method(&function.func.kind) {
                ident("self")
            } else {
                scope.define(&param.name, Case::Snake)
            }
        });
        name.collect()
    }

    pub(crate) fn scope_of(names: &[Ident]) -> Scope {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        Scope::with(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What a constructor gives, if the function is one.
    pub(crate) fn constructor(&self, function: &Function) -> Option<Constructor> {
        let FunctionKind::Constructor(_) = function.func.kind else {
            return None;
        };
        let Some(Type::Id(id)) = function.func.result.map(|ty| dealias(self.resolve(), ty)) else {
            return Some(Constructor::Plain);
        };
        match &self.resolve().types[id].kind {
            TypeDefKind::Result(result) => Some(Constructor::Fallible(result.err)),
            _ => Some(Constructor::Plain),
        }
    }

    /// The declaration of a core import under a local name.
    pub(crate) fn declare_import(&self, module: &str, field: &str, name: &Ident, signature: &Signature) -> TokenStream {
        let rt = &self.rt;
        let params = signature.params.iter().enumerate().map(|(index, ty)| {
            let (name, ty) = (format_ident!("a{index}"), core_type(rt, *ty));
            quote!(#name: #ty)
        });
        let result = signature.results.first().map(|ty| {
            let ty = core_type(rt, *ty);
            quote!(-> #ty)
        });
        quote!(#rt::import!(#module, #field, fn #name(#(#params),*) #result);)
    }

    /// The statement that makes a clean-up list, where the program needs one. `new` is the function that makes it.
    pub(crate) fn cleanup_list(
        &self,
        program: &Program,
        scope: &mut Scope,
        new: &str,
    ) -> (Option<TokenStream>, TokenStream) {
        let rt = &self.rt;
        if !self.uses_cleanup(&program.body, false) {
            return (None, quote!());
        }
        let (name, new) = (scope.local("cleanup"), ident(new));
        (Some(quote!(let mut #name = #rt::Cleanup::#new();)), quote!(&mut #name))
    }

    /// Whether the code of a block needs a clean-up list; `lends` says whether borrows are noted there.
    pub(crate) fn uses_cleanup(&self, block: &Block, lends: bool) -> bool {
        let types = &self.world.types;
        let mut uses = false;
        block.visit(&mut |inst| {
            uses |= match inst {
                Inst::LowerList(..) | Inst::LowerMap(..) | Inst::LowerStream(_) | Inst::LowerFuture(_) => true,
                Inst::LowerErrorContext => true,
                Inst::LowerHandle(id) => lends || self.is_own(*id),
                Inst::StoreNamed(id) | Inst::LowerNamed(id) => types.facts(&Type::Id(*id)).cleanup,
                _ => false,
            }
        });
        uses
    }

    /// Whether users have put a type of theirs in the place of a handle's resource.
    pub(crate) fn is_foreign(&self, handle: wit_parser::TypeId) -> bool {
        let resolve = self.resolve();
        let TypeDefKind::Handle(Handle::Own(resource) | Handle::Borrow(resource)) = resolve.types[handle].kind else {
            return false;
        };
        let target = dealias(resolve, Type::Id(resource));
        self.paths.is_external(resource) || matches!(target, Type::Id(id) if self.paths.is_external(id))
    }

    /// Whether a handle type is `own`, not `borrow`.
    pub(crate) fn is_own(&self, id: wit_parser::TypeId) -> bool {
        matches!(self.resolve().types[id].kind, TypeDefKind::Handle(Handle::Own(_)))
    }
}
