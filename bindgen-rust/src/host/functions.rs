//! What imported and exported functions of a host have in common.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use wit_parser::{FunctionKind, Resolve, WorldKey};
use witflow_bindgen_core::abi::{Function, is_method};

use crate::Generator;
use crate::names::{Case, Scope};
use crate::paths::ModulePath;

/// The parameters and the result of a function.
pub(super) struct Shape {
    pub(super) names: Vec<Ident>,
    pub(super) types: Vec<TokenStream>,
    /// The only type of the result list, if there is one.
    pub(super) result: Option<TokenStream>,
    /// The parameters' names, and those that generated code takes beside them.
    pub(super) scope: Scope,
}

impl Shape {
    /// The parameters as they are declared.
    pub(super) fn declared(&self) -> TokenStream {
        let (names, types) = (&self.names, &self.types);
        quote!(#(#names: #types),*)
    }

    /// The parameters' types as a tuple.
    pub(super) fn params(&self) -> TokenStream {
        let types = &self.types;
        quote!((#(#types,)*))
    }

    /// The parameters as a tuple.
    pub(super) fn tuple(&self) -> TokenStream {
        let names = &self.names;
        quote!((#(#names,)*))
    }

    /// The result by itself.
    pub(super) fn returned(&self) -> TokenStream {
        self.result.clone().unwrap_or_else(|| quote!(()))
    }

    /// The result as a list.
    pub(super) fn results(&self) -> TokenStream {
        let result = self.result.iter();
        quote!((#(#result,)*))
    }
}

impl Generator<'_> {
    /// The parameters and the result of a function, as seen from the module `home`.
    pub(super) fn shape(&self, home: &ModulePath, function: &Function) -> Shape {
        let names = self.param_names(function);
        let mut scope = Self::scope_of(&names);
        let mut names = names;
        if is_method(&function.func.kind) {
            names[0] = scope.local("this");
        }
        let params = function.func.params.iter();
        Shape {
            names,
            types: params.map(|param| self.owned(home, &param.ty)).collect(),
            result: function.func.result.map(|ty| self.owned(home, &ty)),
            scope,
        }
    }

    /// Identifiers that tell functions of one interface apart, those of its resources included. All begin with `prefix`.
    pub(super) fn flat_idents(&self, functions: &[&Function], prefix: &str, case: Case) -> Vec<Ident> {
        let mut scope = Scope::default();
        let name = |function: &&Function| {
            let own = own_name(function);
            let resource = function.func.kind.resource();
            let resource = resource.and_then(|id| self.resolve().types[id].name.as_deref());
            let resource = resource.map(|resource| format!("{resource}-")).unwrap_or_default();
            let name = format!("{prefix}{resource}{own}");
            scope.define(&name, case)
        };
        functions.iter().map(name).collect()
    }
}

/// The full name of a function, as errors have it.
pub(super) fn full_name(resolve: &Resolve, key: Option<&WorldKey>, function: &Function) -> String {
    match key {
        Some(key) => format!("{}#{}", resolve.name_world_key(key), function.func.name),
        None => function.func.name.clone(),
    }
}

/// A name in WIT's style that tells a function from others of its resource, or from others without one.
pub(super) fn own_name(function: &Function) -> String {
    let func = &function.func;
    match func.kind {
        FunctionKind::Constructor(_) => "new".to_owned(),
        FunctionKind::Setter | FunctionKind::MethodSetter(_) | FunctionKind::StaticSetter(_) => {
            format!("set-{}", func.item_name())
        }
        _ => func.item_name().to_owned(),
    }
}
