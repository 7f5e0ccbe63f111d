//! Imported functions: what users call.
//!
//! A function with the synchronous ABI is called at once, with parameters that are borrowed where possible. One with the
//! asynchronous ABI takes its parameters and gives a future. Functions of a resource are methods of its struct.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use wit_parser::{Param, Type, TypeId};
use witflow_bindgen_core::abi::{AsyncImport, Function, FunctionAbi, SyncImport, is_method};

use crate::Generator;
use crate::chains::Chain;
use crate::code::{Callees, Code, Expr};
use crate::docs::docs;
use crate::names::{Scope, ident};
use crate::paths::ModulePath;
use crate::types::Lifetime;

impl Generator<'_> {
    /// The functions of an interface or of the world itself, those of each resource in one block.
    pub(crate) fn import_all(&self, home: &ModulePath, functions: &[&Function], scope: &mut Scope) -> Vec<TokenStream> {
        let allow = crate::world::root_allow(home);
        let of = |resource: Option<TypeId>| {
            let own = functions
                .iter()
                .filter(|function| function.func.kind.resource() == resource);
            own.copied().collect::<Vec<&Function>>()
        };
        let free = of(None);
        let names = self.function_names(&free, scope);
        let mut items: Vec<TokenStream> = names
            .iter()
            .zip(free)
            .map(|(name, function)| {
                let import = self.import(home, name, function);
                quote!(#allow #import)
            })
            .collect();
        let mut resources: Vec<TypeId> = functions
            .iter()
            .filter_map(|function| function.func.kind.resource())
            .collect();
        resources.dedup();
        // A struct that exists elsewhere has its methods there.
        for resource in resources.into_iter().filter(|id| !self.paths.is_external(*id)) {
            let methods = of(Some(resource));
            let names = self.function_names(&methods, &mut Scope::with(&["from_handle", "take_handle", "handle"]));
            let methods = names
                .iter()
                .zip(methods)
                .map(|(name, function)| self.import(home, name, function));
            let ty = self.paths.type_ident(self.resolve(), resource);
            items.push(quote!(#allow impl #ty { #(#methods)* }));
        }
        items
    }

    fn import(&self, home: &ModulePath, name: &Ident, function: &Function) -> TokenStream {
        match &function.abi {
            FunctionAbi::SyncImport(abi) => self.sync_import(home, name, function, abi),
            FunctionAbi::AsyncImport(abi) => self.async_import(home, name, function, abi),
            FunctionAbi::SyncExport(_) | FunctionAbi::AsyncExport(_) => unreachable!("imports have an import's ABI"),
        }
    }

    /// Parameters as they are declared; a method's resource is its receiver.
    fn declared(
        &self,
        function: &Function,
        names: &[Ident],
        types: &[TokenStream],
        lifetime: &TokenStream,
    ) -> Vec<TokenStream> {
        let receiver = is_method(&function.func.kind);
        let owned = self.chains.of(function) == Some(Chain::Owned);
        let params = names.iter().zip(types).enumerate();
        params
            .map(|(index, (name, ty))| match index {
                0 if owned => quote!(self),
                0 if receiver => quote!(&#lifetime self),
                _ => quote!(#name: #ty),
            })
            .collect()
    }

    fn sync_import(&self, home: &ModulePath, name: &Ident, function: &Function, abi: &SyncImport) -> TokenStream {
        let docs = docs(&function.func.docs);
        let names = self.param_names(function);
        let mut scope = Self::scope_of(&names);
        let import = scope.local("import");
        let declaration = self.declare_import(&abi.module, &abi.field, &import, &abi.signature);
        let params = function.func.params.iter().map(|param| self.borrowed(home, &param.ty));
        let (types, references): (Vec<TokenStream>, Vec<bool>) = params.unzip();
        let declared = self.declared(function, &names, &types, &quote!());
        let values = names.iter().zip(references);
        let values = values.map(|(name, is_reference)| Expr::Place(quote!(#name), is_reference));
        let result = match self.chains.of(function) {
            Some(chain) => Some(chain.result(&quote!())),
            None => function.func.result.map(|ty| {
                let ty = self.owned(home, &ty);
                quote!(-> #ty)
            }),
        };
        let back = self.chains.of(function).map(|_| quote!(self));
        let (cleanup_list, cleanup) = self.cleanup_list(&abi.program, &mut scope, "new");
        let params = function.func.params.iter().map(|param| &param.ty);
        let callees = Callees {
            import: Some(import),
            cleanup,
            styles: params.map(|ty| self.style_of(ty, self.param_style())).collect(),
            ..Callees::default()
        };
        let (statements, results) = Code::run(self, home, &abi.program, values.collect(), scope, callees);
        let result_value = results.first();
        quote! {
            #docs
            pub fn #name(#(#declared),*) #result {
                #declaration
                #cleanup_list
                // SAFETY: the arguments are what the Canonical ABI asks of this function, and live until it returns.
                unsafe { #statements #result_value }
                #back
            }
        }
    }

    /// The parameters' types as a tuple.
    fn param_tuple(&self, home: &ModulePath, function: &Function, lifetime: Lifetime) -> TokenStream {
        let types = function
            .func
            .params
            .iter()
            .map(|param| self.owned_for(home, &param.ty, lifetime));
        quote!((#(#types,)*))
    }

    fn async_import(&self, home: &ModulePath, name: &Ident, function: &Function, abi: &AsyncImport) -> TokenStream {
        let rt = &self.rt;
        let docs = docs(&function.func.docs);
        let names = self.param_names(function);
        let chain = self.chains.of(function);
        let borrowed = |param: &Param| self.world.types.facts(&param.ty).borrowed;
        let lends = function.func.params.iter().any(borrowed);
        // A receiver that is taken whole has no lifetime.
        let declared_from = usize::from(chain == Some(Chain::Owned));
        let has_lifetime = function.func.params[declared_from..].iter().any(borrowed);
        let owned = |ty: &Type| self.owned_for(home, ty, Lifetime::Named);
        let types: Vec<TokenStream> = function.func.params.iter().map(|param| owned(&param.ty)).collect();
        let (generics, lifetime) = if has_lifetime {
            (quote!(<'a>), quote!('a))
        } else {
            (quote!(), quote!())
        };
        let declared = self.declared(function, &names, &types, &lifetime);
        let params = quote!((#(#types,)*));
        let lifted = self.optional(home, function.func.result.as_ref());
        let size = self.size(abi.area.size);
        let mut scope = Self::scope_of(&names);
        let (call, start, lift) = (scope.local("CALL"), scope.local("start"), scope.local("lift"));
        let start_function = self.call_start(home, &start, &names, function, abi);
        let lift_function = self.call_lift(home, &lift, &lifted, abi);
        let kind = match (lends, self.uses_cleanup(&abi.start.body, true)) {
            (true, _) => ident("lending"),
            (false, true) => ident("new"),
            (false, false) => ident("plain"),
        };
        let vtable = quote!(#rt::CallVtable::#kind(#size, #start, #lift));
        let fixed = self.param_tuple(home, function, Lifetime::Static);
        let args = names
            .iter()
            .enumerate()
            .map(|(index, name)| match index < declared_from {
                true => quote!(&#name),
                false => quote!(#name),
            });
        let future = if lends {
            // SAFETY: the two types differ in lifetimes only, which `start` leaves open.
            quote!(unsafe { #rt::call_lending(&#call, (#(#args,)*)) })
        } else {
            quote!(#rt::call(&#call, (#(#args,)*)))
        };
        let (asyncness, result, future) = match chain {
            Some(chain) => (quote!(async), chain.result(&lifetime), quote!(#future.await; self)),
            None => (quote!(), quote!(-> #rt::Call<#params, #lifted>), future),
        };
        quote! {
            #docs
            pub #asyncness fn #name #generics(#(#declared),*) #result {
                #start_function
                #lift_function
                static #call: #rt::CallVtable<#fixed, #lifted> = #vtable;
                #future
            }
        }
    }

    fn call_start(
        &self,
        home: &ModulePath,
        start: &Ident,
        names: &[Ident],
        function: &Function,
        abi: &AsyncImport,
    ) -> TokenStream {
        let rt = &self.rt;
        let params = self.param_tuple(home, function, Lifetime::Elided);
        let mut scope = Self::scope_of(names);
        let mut names = names.to_vec();
        if is_method(&function.func.kind) {
            names[0] = scope.local("this");
        }
        let import = scope.local("import");
        let declaration = self.declare_import(&abi.module, &abi.field, &import, &abi.signature);
        let uses_area = !abi.area.size.is_empty();
        let area = if uses_area { scope.local("area") } else { ident("_area") };
        let uses_cleanup = self.uses_cleanup(&abi.start.body, true);
        let cleanup = uses_cleanup.then(|| scope.local("cleanup"));
        let cleanup_param = cleanup.as_ref().map(|cleanup| quote!(, #cleanup: &mut #rt::Cleanup));
        let params_name = if names.is_empty() {
            ident("_params")
        } else {
            scope.local("params")
        };
        let open = (!names.is_empty()).then(|| quote!(let (#(#names,)*) = #params_name;));
        let mut values: Vec<Expr> = names.iter().map(|name| Expr::Place(quote!(#name), true)).collect();
        values.push(Expr::Core(quote!(#area)));
        let callees = Callees {
            import: Some(import),
            cleanup: quote!(#cleanup),
            lends: true,
            ..Callees::default()
        };
        let (statements, results) = Code::run(self, home, &abi.start, values, scope, callees);
        let status = &results[0];
        quote! {
            unsafe fn #start(#params_name: &#params, #area: *mut u8 #cleanup_param) -> u32 {
                #declaration
                #open
                // SAFETY: the runtime keeps parameters, area and clean-up list until the host is done with them.
                unsafe { #statements #status as u32 }
            }
        }
    }

    fn call_lift(&self, home: &ModulePath, lift: &Ident, result: &TokenStream, abi: &AsyncImport) -> TokenStream {
        let Some(program) = &abi.lift else {
            return quote!(
                unsafe fn #lift(_area: *mut u8) {}
            );
        };
        let scope = Scope::with(&["area"]);
        let values = vec![Expr::Core(quote!(area))];
        let (statements, results) = Code::run(self, home, program, values, scope, Callees::default());
        let value = &results[0];
        quote! {
            unsafe fn #lift(area: *mut u8) -> #result {
                // SAFETY: the runtime calls this once, after the host has written the result.
                unsafe { #statements #value }
            }
        }
    }
}
