//! Bindings of functions: imports that are called, exports that call the user's trait.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use witflow_bindgen_core::abi::{
    AsyncExport, AsyncImport, Function, FunctionAbi, Inst, Program, Signature, SyncExport, SyncImport,
};

use crate::Generator;
use crate::code::{Callees, Code, Expr, core_type};
use crate::definitions::docs;
use crate::names::{Case, Scope, define_all, ident};
use crate::paths::ModulePath;
use crate::world::root_allow;

/// What an export adds to the generated code.
pub(crate) struct Export {
    /// The method of the `Guest` trait.
    pub method: TokenStream,
    /// The functions that the export macro calls.
    pub glue: TokenStream,
    /// The entries of the export macro.
    pub entries: Vec<Entry>,
}

/// One core export.
pub(crate) struct Entry {
    /// Its name.
    pub name: String,
    /// What implements it.
    pub target: Target,
    /// Its parameters' and result's types.
    pub params: Vec<TokenStream>,
    pub result: Option<TokenStream>,
}

/// The function behind a core export.
pub(crate) enum Target {
    /// A function of the module, generic over the user's type.
    Generic(Ident),
    /// A function of the module.
    Plain(Ident),
    /// The callback of all asynchronous exports.
    Callback,
}

impl Generator<'_> {
    fn param_names(&self, function: &Function) -> Vec<Ident> {
        define_all(
            function.func.params.iter().map(|param| param.name.as_str()),
            Case::Snake,
        )
    }

    fn scope_of(names: &[Ident]) -> Scope {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        Scope::with(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The declaration of a core import under a local name.
    fn declare_import(&self, module: &str, field: &str, name: &Ident, signature: &Signature) -> TokenStream {
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

    /// The statement that makes a clean-up list, where the program needs one.
    fn cleanup_list(&self, program: &Program, scope: &mut Scope) -> (Option<TokenStream>, TokenStream) {
        let rt = &self.rt;
        if !self.uses_cleanup(program) {
            return (None, quote!());
        }
        let name = scope.local("cleanup");
        (Some(quote!(let mut #name = #rt::Cleanup::new();)), quote!(&mut #name))
    }

    /// Whether the program allocates or takes handles.
    pub(crate) fn uses_cleanup(&self, program: &Program) -> bool {
        let mut uses = false;
        program.visit(&mut |inst| {
            uses |= match inst {
                Inst::LowerList(..) | Inst::LowerMap(..) | Inst::LowerStream(_) | Inst::LowerFuture(_) => true,
                Inst::StoreNamed(id) | Inst::LowerNamed(id) => {
                    self.world.types.facts(&wit_parser::Type::Id(*id)).cleanup
                }
                _ => false,
            }
        });
        uses
    }

    /// An imported function.
    pub(crate) fn import(&self, home: &ModulePath, name: &Ident, function: &Function) -> TokenStream {
        match &function.abi {
            FunctionAbi::SyncImport(abi) => self.sync_import(home, name, function, abi),
            FunctionAbi::AsyncImport(abi) => self.async_import(home, name, function, abi),
            FunctionAbi::SyncExport(_) | FunctionAbi::AsyncExport(_) => unreachable!("imports have an import's ABI"),
        }
    }

    fn sync_import(&self, home: &ModulePath, name: &Ident, function: &Function, abi: &SyncImport) -> TokenStream {
        let docs = docs(&function.func.docs);
        let names = self.param_names(function);
        let mut scope = Self::scope_of(&names);
        let import = scope.local("import");
        let declaration = self.declare_import(&abi.module, &abi.field, &import, &abi.signature);
        let types: Vec<TokenStream> = function
            .func
            .params
            .iter()
            .map(|param| self.borrowed(home, &param.ty))
            .collect();
        let params = names
            .iter()
            .zip(&function.func.params)
            .map(|(name, param)| Expr::Place(quote!(#name), self.is_borrowed_param(home, &param.ty)));
        let result = function.func.result.map(|ty| {
            let ty = self.owned(home, &ty);
            quote!(-> #ty)
        });
        let (cleanup_list, cleanup) = self.cleanup_list(&abi.program, &mut scope);
        let callees = Callees {
            import: Some(import),
            user: None,
            cleanup,
        };
        let (statements, results) = Code::run(self, home, &abi.program, params.collect(), scope, callees);
        let result_value = results.first();
        quote! {
            #docs
            pub fn #name(#(#names: #types),*) #result {
                #declaration
                #cleanup_list
                // SAFETY: the arguments are what the Canonical ABI asks of this function, and live until it returns.
                unsafe { #statements #result_value }
            }
        }
    }

    /// Whether a parameter's type is a reference at its top, and not merely holds some.
    fn is_borrowed_param(&self, home: &ModulePath, ty: &wit_parser::Type) -> bool {
        self.borrowed(home, ty).to_string().starts_with('&')
    }

    fn async_import(&self, home: &ModulePath, name: &Ident, function: &Function, abi: &AsyncImport) -> TokenStream {
        let rt = &self.rt;
        let docs = docs(&function.func.docs);
        let names = self.param_names(function);
        let types: Vec<TokenStream> = function
            .func
            .params
            .iter()
            .map(|param| self.owned(home, &param.ty))
            .collect();
        let params = quote!((#(#types,)*));
        let result = self.optional(home, function.func.result.as_ref());
        let size = self.size(abi.area.size);
        let start = self.call_start(home, &names, &params, abi);
        let lift = self.call_lift(home, &result, abi);
        let kind = if self.uses_cleanup(&abi.start) {
            ident("new")
        } else {
            ident("plain")
        };
        quote! {
            #docs
            pub fn #name(#(#names: #types),*) -> #rt::Call<#params, #result> {
                #start
                #lift
                static CALL: #rt::CallVtable<#params, #result> = #rt::CallVtable::#kind(#size, start, lift);
                #rt::call(&CALL, (#(#names,)*))
            }
        }
    }

    fn call_start(&self, home: &ModulePath, names: &[Ident], params: &TokenStream, abi: &AsyncImport) -> TokenStream {
        let rt = &self.rt;
        let mut scope = Self::scope_of(names);
        let import = scope.local("import");
        let declaration = self.declare_import(&abi.module, &abi.field, &import, &abi.signature);
        let uses_area = !abi.area.size.is_empty();
        let area = if uses_area { scope.local("area") } else { ident("_area") };
        let cleanup = self.uses_cleanup(&abi.start).then(|| scope.local("cleanup"));
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
            user: None,
            cleanup: quote!(#cleanup),
        };
        let (statements, results) = Code::run(self, home, &abi.start, values, scope, callees);
        let status = &results[0];
        quote! {
            unsafe fn start(#params_name: &#params, #area: *mut u8 #cleanup_param) -> u32 {
                #declaration
                #open
                // SAFETY: the runtime keeps parameters, area and clean-up list until the host is done with them.
                unsafe { #statements #status as u32 }
            }
        }
    }

    fn call_lift(&self, home: &ModulePath, result: &TokenStream, abi: &AsyncImport) -> TokenStream {
        let Some(program) = &abi.lift else {
            return quote!(
                unsafe fn lift(_area: *mut u8) {}
            );
        };
        let scope = Scope::with(&["area"]);
        let callees = Callees {
            import: None,
            user: None,
            cleanup: quote!(),
        };
        let (statements, results) = Code::run(self, home, program, vec![Expr::Core(quote!(area))], scope, callees);
        let value = &results[0];
        quote! {
            unsafe fn lift(area: *mut u8) -> #result {
                // SAFETY: the runtime calls this once, after the host has written the result.
                unsafe { #statements #value }
            }
        }
    }

    /// An exported function; `name` is its method in the trait.
    pub(crate) fn export(&self, home: &ModulePath, name: &Ident, function: &Function) -> Export {
        let method = self.method(home, name, function);
        match &function.abi {
            FunctionAbi::SyncExport(abi) => self.sync_export(home, name, method, abi),
            FunctionAbi::AsyncExport(abi) => self.async_export(home, name, method, function, abi),
            FunctionAbi::SyncImport(_) | FunctionAbi::AsyncImport(_) => unreachable!("exports have an export's ABI"),
        }
    }

    fn method(&self, home: &ModulePath, name: &Ident, function: &Function) -> TokenStream {
        let docs = docs(&function.func.docs);
        let names = self.param_names(function);
        let types = function.func.params.iter().map(|param| self.owned(home, &param.ty));
        let asyncness = function.is_async().then(|| quote!(async));
        let result = function.func.result.map(|ty| {
            let ty = self.owned(home, &ty);
            quote!(-> #ty)
        });
        quote!(#docs #asyncness fn #name(#(#names: #types),*) #result;)
    }

    fn core_params(&self, signature: &Signature) -> (Vec<Ident>, Vec<TokenStream>) {
        let types = signature.params.iter().map(|ty| core_type(&self.rt, *ty));
        let names = (0..signature.params.len()).map(|index| format_ident!("a{index}"));
        (names.collect(), types.collect())
    }

    fn sync_export(&self, home: &ModulePath, name: &Ident, method: TokenStream, abi: &SyncExport) -> Export {
        let rt = &self.rt;
        let allow = root_allow(home);
        let glue_name = format_ident!("_export_{}_cabi", name);
        let (names, types) = self.core_params(&abi.signature);
        let result = abi.signature.results.first().map(|ty| core_type(rt, *ty));
        let mut scope = Self::scope_of(&names);
        let held = abi.post_return.is_some();
        let (cleanup_list, cleanup) = if held {
            (None, quote!())
        } else {
            self.cleanup_list(&abi.program, &mut scope)
        };
        let callees = Callees {
            import: None,
            user: Some(quote!(_G::#name)),
            cleanup,
        };
        let params = names.iter().map(|name| Expr::Core(quote!(#name))).collect();
        let (statements, results) = Code::run(self, home, &abi.program, params, scope, callees);
        let (value, arrow) = (results.first(), result.as_ref().map(|ty| quote!(-> #ty)));
        let mut entries = vec![Entry {
            name: abi.name.clone(),
            target: Target::Generic(glue_name.clone()),
            params: types.clone(),
            result: result.clone(),
        }];
        let mut glue = quote! {
            #[doc(hidden)]
            #allow
            pub unsafe fn #glue_name<_G: Guest>(#(#names: #types),*) #arrow {
                #cleanup_list
                // SAFETY: the host passes what the Canonical ABI says.
                unsafe { #statements #value }
            }
        };
        if let Some((post_return, layout)) = &abi.post_return {
            let function = format_ident!("_post_return_{}_cabi", name);
            let size = self.const_size(layout.size);
            let (result_type, pointer) = (self.held_type(home, &abi.program), quote!(*mut u8));
            glue.extend(quote! {
                #[doc(hidden)]
                #allow
                pub unsafe fn #function(area: #pointer) {
                    // SAFETY: post-return is called once with what the export returned.
                    unsafe { #rt::Held::<#result_type, #size>::release(area) }
                }
            });
            let target = Target::Plain(function);
            entries.push(Entry {
                name: post_return.clone(),
                target,
                params: vec![pointer],
                result: None,
            });
        }
        Export { method, glue, entries }
    }

    /// The type of the value a synchronous export holds until post-return.
    fn held_type(&self, home: &ModulePath, program: &Program) -> TokenStream {
        let mut held = None;
        program.visit(&mut |inst| {
            if let Inst::Hold(ty, _) = inst {
                held = Some(self.owned(home, ty));
            }
        });
        held.expect("an export with post-return holds its result")
    }

    fn async_export(
        &self,
        home: &ModulePath,
        name: &Ident,
        method: TokenStream,
        function: &Function,
        abi: &AsyncExport,
    ) -> Export {
        let rt = &self.rt;
        let allow = root_allow(home);
        let glue_name = format_ident!("_export_{}_cabi", name);
        let (names, types) = self.core_params(&abi.signature);
        let scope = Self::scope_of(&names);
        let callees = Callees {
            import: None,
            user: None,
            cleanup: quote!(),
        };
        let params = names.iter().map(|name| Expr::Core(quote!(#name))).collect();
        let (statements, values) = Code::run(self, home, &abi.lift, params, scope, callees);
        let args = (0..values.len())
            .map(|index| format_ident!("arg{index}"))
            .collect::<Vec<_>>();
        let task_return = self.task_return(home, function, abi);
        let bind = function.func.result.map(|_| quote!(let result =));
        let glue = quote! {
            #[doc(hidden)]
            #allow
            pub unsafe fn #glue_name<_G: Guest + 'static>(#(#names: #types),*) -> i32 {
                // SAFETY: the host passes what the Canonical ABI says.
                unsafe {
                    #statements
                    #(let #args = #values;)*
                    #rt::start_task(async move {
                        #bind _G::#name(#(#args),*).await;
                        #task_return
                    })
                }
            }
        };
        let result = Some(quote!(i32));
        let entries = vec![
            Entry {
                name: abi.name.clone(),
                target: Target::Generic(glue_name),
                params: types,
                result: result.clone(),
            },
            Entry {
                name: abi.callback.clone(),
                target: Target::Callback,
                params: vec![quote!(i32); 3],
                result,
            },
        ];
        Export { method, glue, entries }
    }

    fn task_return(&self, home: &ModulePath, function: &Function, abi: &AsyncExport) -> TokenStream {
        let task_return = &abi.task_return;
        let mut scope = Scope::with(&["result"]);
        let import = scope.local("task_return");
        let declaration = self.declare_import(&task_return.module, &task_return.field, &import, &task_return.signature);
        let (cleanup_list, cleanup) = self.cleanup_list(&task_return.program, &mut scope);
        let callees = Callees {
            import: Some(import),
            user: None,
            cleanup,
        };
        let params = function
            .func
            .result
            .iter()
            .map(|_| Expr::Place(quote!(result), false))
            .collect();
        let (statements, _) = Code::run(self, home, &task_return.program, params, scope, callees);
        quote!(#declaration #cleanup_list #statements)
    }
}
