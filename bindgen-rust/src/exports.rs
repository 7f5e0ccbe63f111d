//! Exported functions: the methods of the traits users implement, and the core functions between those and the host.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use witflow_bindgen_core::abi::{AsyncExport, Function, FunctionAbi, Inst, Program, Signature, SyncExport, is_method};

use crate::Generator;
use crate::code::{Callees, Code, Expr, core_type};
use crate::docs::docs;
use crate::functions::Constructor;
use crate::guests::Implementer;
use crate::names::Scope;
use crate::ownership::Form;
use crate::paths::ModulePath;
use crate::world::root_allow;

/// What an export adds to the generated code.
pub(crate) struct Export {
    /// The method of the trait.
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

/// The user's function as generated code calls it.
pub(crate) struct User {
    /// The path of the function.
    function: TokenStream,
    /// The type that a method's resource is given as.
    receiver: Option<TokenStream>,
    /// How the value a constructor gives becomes a resource.
    constructor: Option<(Constructor, TokenStream)>,
}

impl User {
    /// The call, with lifted arguments.
    pub(crate) fn call(&self, mut args: Vec<TokenStream>) -> TokenStream {
        if let (Some(ty), Some(receiver)) = (&self.receiver, args.first_mut()) {
            *receiver = quote!(#receiver.get::<#ty>());
        }
        let function = &self.function;
        let call = quote!(#function(#(#args),*));
        match &self.constructor {
            None => call,
            Some((Constructor::Plain, new)) => quote!(#new(#call)),
            Some((Constructor::Fallible(_), new)) => quote!(#call.map(#new)),
        }
    }
}

/// One export while its code is made.
struct Context<'a> {
    home: &'a ModulePath,
    /// The name of the core function behind it.
    glue: Ident,
    function: &'a Function,
    user: User,
}

impl Generator<'_> {
    /// An exported function; `name` is its method in the trait that `implementer` has, `glue` the core function behind it.
    pub(crate) fn export(
        &self,
        home: &ModulePath,
        name: &Ident,
        implementer: &Implementer,
        glue: Ident,
        function: &Function,
    ) -> Export {
        let method = self.method(home, name, function);
        let (ty, guest) = (&implementer.ty, &implementer.guest);
        let own = |constructor| {
            let resource = function
                .func
                .kind
                .resource()
                .expect("a constructor belongs to a resource");
            let path = self.paths.type_path(self.resolve(), home, resource, Form::Main);
            (constructor, quote!(#path::new::<#ty>))
        };
        let user = User {
            function: match function.func.kind.resource() {
                Some(_) => quote!(<#ty as #guest>::#name),
                None => quote!(#ty::#name),
            },
            receiver: is_method(&function.func.kind).then(|| ty.clone()),
            constructor: self.constructor(function).map(own),
        };
        let cx = Context {
            home,
            glue,
            function,
            user,
        };
        let (glue, entries) = match &function.abi {
            FunctionAbi::SyncExport(abi) => self.sync_export(cx, abi),
            FunctionAbi::AsyncExport(abi) => self.async_export(cx, abi),
            FunctionAbi::SyncImport(_) | FunctionAbi::AsyncImport(_) => unreachable!("exports have an export's ABI"),
        };
        Export { method, glue, entries }
    }

    fn method(&self, home: &ModulePath, name: &Ident, function: &Function) -> TokenStream {
        let docs = docs(&function.func.docs);
        let receiver = is_method(&function.func.kind);
        let names = self.param_names(function);
        let params = names.iter().zip(&function.func.params).enumerate();
        let params = params.map(|(index, (name, param))| match index {
            0 if receiver => quote!(&self),
            _ => {
                let ty = self.owned(home, &param.ty);
                quote!(#name: #ty)
            }
        });
        let asyncness = function.is_async().then(|| quote!(async));
        let result = match self.constructor(function) {
            Some(Constructor::Plain) => Some(quote!(-> Self)),
            Some(Constructor::Fallible(error)) => {
                let error = self.optional(home, error.as_ref());
                Some(quote!(-> ::core::result::Result<Self, #error>))
            }
            None => function.func.result.map(|ty| {
                let ty = self.owned(home, &ty);
                quote!(-> #ty)
            }),
        };
        quote!(#docs #asyncness fn #name(#(#params),*) #result;)
    }

    fn core_params(&self, signature: &Signature) -> (Vec<Ident>, Vec<TokenStream>) {
        let types = signature.params.iter().map(|ty| core_type(&self.rt, *ty));
        let names = (0..signature.params.len()).map(|index| format_ident!("a{index}"));
        (names.collect(), types.collect())
    }

    /// The statement that makes room for the borrows an export is passed, if it is passed any, and the expression that refers to it.
    fn borrows(&self, function: &Function, scope: &mut Scope) -> Option<(TokenStream, Ident)> {
        let rt = &self.rt;
        let mut params = function.func.params.iter();
        params.any(|param| self.world.types.facts(&param.ty).lent).then(|| {
            let name = scope.local("borrows");
            (quote!(let #name = #rt::Borrows::new();), name)
        })
    }

    fn sync_export(&self, cx: Context<'_>, abi: &SyncExport) -> (TokenStream, Vec<Entry>) {
        let Context {
            home,
            glue,
            function,
            user,
        } = cx;
        let rt = &self.rt;
        let allow = root_allow(home);
        let (names, types) = self.core_params(&abi.signature);
        let result = abi.signature.results.first().map(|ty| core_type(rt, *ty));
        let mut scope = Self::scope_of(&names);
        let (cleanup_list, cleanup) = if abi.post_return.is_some() {
            (None, quote!())
        } else {
            self.cleanup_list(&abi.program, &mut scope, "for_result")
        };
        let (borrow_list, borrows) = self.borrows(function, &mut scope).unzip();
        let callees = Callees {
            user: Some(user),
            cleanup,
            borrows: quote!(&#borrows),
            ..Callees::default()
        };
        let params = names.iter().map(|name| Expr::Core(quote!(#name))).collect();
        let (statements, results) = Code::run(self, home, &abi.program, params, scope, callees);
        let (value, arrow) = (results.first(), result.as_ref().map(|ty| quote!(-> #ty)));
        let mut entries = vec![Entry {
            name: abi.name.clone(),
            target: Target::Generic(glue.clone()),
            params: types.clone(),
            result: result.clone(),
        }];
        let mut code = quote! {
            #[doc(hidden)]
            #allow
            pub unsafe fn #glue<_G: Guest>(#(#names: #types),*) #arrow {
                #borrow_list
                #cleanup_list
                // SAFETY: the host passes what the Canonical ABI says.
                unsafe { #statements #value }
            }
        };
        if let Some((function, entry)) = self.post_return(home, &glue, abi) {
            code.extend(function);
            entries.push(entry);
        }
        (code, entries)
    }

    /// What frees the result of an export that is returned in memory.
    fn post_return(&self, home: &ModulePath, glue: &Ident, abi: &SyncExport) -> Option<(TokenStream, Entry)> {
        let rt = &self.rt;
        let (name, layout) = abi.post_return.as_ref()?;
        let function = format_ident!("{}", glue.to_string().replacen("_export", "_post_return", 1));
        let (allow, size) = (root_allow(home), self.const_size(layout.size));
        let (result_type, pointer) = (self.held_type(home, &abi.program), quote!(*mut u8));
        let code = quote! {
            #[doc(hidden)]
            #allow
            pub unsafe fn #function(area: #pointer) {
                // SAFETY: post-return is called once with what the export returned.
                unsafe { #rt::Held::<#result_type, #size>::release(area) }
            }
        };
        let entry = Entry {
            name: name.clone(),
            target: Target::Plain(function),
            params: vec![pointer],
            result: None,
        };
        Some((code, entry))
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

    fn async_export(&self, cx: Context<'_>, abi: &AsyncExport) -> (TokenStream, Vec<Entry>) {
        let Context {
            home,
            glue,
            function,
            user,
        } = &cx;
        let allow = root_allow(home);
        let (names, types) = self.core_params(&abi.signature);
        let mut scope = Self::scope_of(&names);
        let (borrow_list, borrows) = self.borrows(function, &mut scope).unzip();
        let callees = Callees {
            borrows: quote!(&#borrows),
            ..Callees::default()
        };
        let params = names.iter().map(|name| Expr::Core(quote!(#name))).collect();
        let (statements, values) = Code::run(self, home, &abi.lift, params, scope, callees);
        let args: Vec<Ident> = (0..values.len()).map(|index| format_ident!("arg{index}")).collect();
        let call = user.call(args.iter().map(|arg| quote!(#arg)).collect());
        let end_borrows = borrows.map(|borrows| quote!(#borrows.unlent().await; ::core::mem::drop(#borrows);));
        let task_return = self.task_return(home, function, abi);
        let start = self.start(&cx, &call, end_borrows.as_ref(), &task_return);
        let code = quote! {
            #[doc(hidden)]
            #allow
            pub unsafe fn #glue<_G: Guest + 'static>(#(#names: #types),*) -> i32 {
                // SAFETY: the host passes what the Canonical ABI says.
                unsafe {
                    #borrow_list
                    #statements
                    #(let #args = #values;)*
                    #start
                }
            }
        };
        let result = Some(quote!(i32));
        let entries = vec![
            Entry {
                name: abi.name.clone(),
                target: Target::Generic(glue.clone()),
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
        (code, entries)
    }

    /// Starts the task of an asynchronous export.
    fn start(
        &self,
        cx: &Context<'_>,
        call: &TokenStream,
        end_borrows: Option<&TokenStream>,
        task_return: &TokenStream,
    ) -> TokenStream {
        let (rt, result) = (&self.rt, cx.function.func.result);
        if end_borrows.is_none() && cx.user.receiver.is_none() {
            let result = result.map_or_else(|| quote!(()), |_| quote!(result));
            return quote!(#rt::start_export(move || #call, |#result| { #task_return }));
        }
        // The user's future refers to what has to live as long.
        let bind = result.map(|_| quote!(let result =));
        quote! {
            #rt::start_task(async move {
                #bind #call.await;
                #end_borrows
                #task_return
            })
        }
    }

    fn task_return(&self, home: &ModulePath, function: &Function, abi: &AsyncExport) -> TokenStream {
        let task_return = &abi.task_return;
        let mut scope = Scope::with(&["result"]);
        let import = scope.local("task_return");
        let declaration = self.declare_import(&task_return.module, &task_return.field, &import, &task_return.signature);
        let (cleanup_list, cleanup) = self.cleanup_list(&task_return.program, &mut scope, "new");
        let callees = Callees {
            import: Some(import),
            cleanup,
            ..Callees::default()
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
