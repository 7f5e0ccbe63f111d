//! Assembling the pieces: modules for interfaces, the root, traits and the export macro.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use wit_parser::TypeId;
use witflow_bindgen_core::abi::{Function, Resource};
use witflow_bindgen_core::world::{Direction, Interface, Item, PayloadKind};

use crate::Generator;
use crate::component_type::ComponentType;
use crate::docs::docs;
use crate::exports::{Entry, Target};
use crate::names::{Case, Scope, ident, spell};
use crate::paths::ModulePath;

/// The contents of one module: its documentation and items, and its submodules in order of their names.
#[derive(Default)]
pub(crate) struct Module {
    docs: TokenStream,
    pub(crate) items: Vec<TokenStream>,
    children: BTreeMap<String, Module>,
}

impl Module {
    pub(crate) fn at(&mut self, path: &ModulePath) -> &mut Self {
        path.iter()
            .fold(self, |module, name| module.children.entry(name.clone()).or_default())
    }

    /// The items and submodules. `allow` quiets lints about code nobody wrote; submodules inherit it.
    pub(crate) fn render(&self, allow: Option<&TokenStream>) -> TokenStream {
        let items = &self.items;
        let children = self.children.iter().map(|(name, module)| {
            let (name, docs, body) = (ident(name), &module.docs, module.render(None));
            quote!(#docs #allow pub mod #name { #body })
        });
        quote!(#(#items)* #(#children)*)
    }
}

/// Quiets lints about code nobody wrote. Submodules inherit it.
pub(crate) fn allow() -> TokenStream {
    quote! {
        #[allow(
            async_fn_in_trait, dead_code, missing_docs, non_camel_case_types, non_snake_case, unreachable_pub, unused_imports,
            unused_unsafe, clippy::all,
            clippy::undocumented_unsafe_blocks
        )]
    }
}

/// [`allow`] for items that are in no module of ours.
pub(crate) fn root_allow(home: &ModulePath) -> Option<TokenStream> {
    home.is_empty().then(allow)
}

impl Generator<'_> {
    /// The whole of the generated code.
    pub(crate) fn bindings(&self, component_type: &ComponentType) -> TokenStream {
        let rt = &self.runtime;
        let mut root = Module::default();
        root.items.push(quote!(#[allow(unused_imports)] use #rt as _rt;));
        root.items.push(self.paths.external_uses());
        let mut exports = Vec::new();
        self.imports(&mut root);
        self.exports(&mut root, &mut exports);
        let streams = self.payload_module(PayloadKind::Stream);
        let futures = self.payload_module(PayloadKind::Future);
        let modules = root.render(Some(&allow()));
        let abi = self.abi_module();
        let describe = self.component_type(component_type);
        let export_macro = self.export_macro(&exports, component_type);
        let stubs = self.stub_type();
        quote!(#modules #streams #futures #abi #describe #export_macro #stubs)
    }

    fn imports(&self, root: &mut Module) {
        let mut functions = Vec::new();
        for item in &self.world.imports {
            match item {
                Item::Interface(interface) => self.interface_imports(root, interface),
                Item::Function(function) => functions.push(&**function),
                Item::Type(id) | Item::Resource(Resource { id, .. }) => root.items.extend(self.root_type(*id)),
            }
        }
        root.items
            .extend(self.import_all(&Vec::new(), &functions, &mut Scope::default()));
    }

    fn interface_imports(&self, root: &mut Module, interface: &Interface) {
        let Some(home) = self.paths.module_of(self.resolve(), Direction::Import, &interface.key) else {
            return;
        };
        let module = root.at(home);
        self.interface_types(module, home, interface);
        let functions: Vec<&Function> = interface.functions.iter().collect();
        module
            .items
            .extend(self.import_all(home, &functions, &mut Scope::default()));
    }

    pub(crate) fn interface_types(&self, module: &mut Module, home: &ModulePath, interface: &Interface) {
        let def = &self.resolve().interfaces[interface.id];
        module.docs = docs(&def.docs);
        let rt = &self.runtime;
        module.items.push(quote!(use #rt as _rt;));
        let types = def.types.values().filter(|id| self.defines(**id));
        module.items.extend(types.map(|id| self.type_item(home, *id)));
    }

    /// What there is at the root for a type of the world.
    pub(crate) fn root_type(&self, id: TypeId) -> Option<TokenStream> {
        self.defines(id).then(|| self.type_item(&Vec::new(), id))
    }

    /// The definitions of a type, or a name for those it shares with another.
    fn type_item(&self, home: &ModulePath, id: TypeId) -> TokenStream {
        let first = self.world.types.first(id);
        if first == id {
            let (definition, conversions) = (self.definition(home, id), self.conversions(home, id));
            return quote!(#definition #conversions);
        }
        let resolve = self.resolve();
        let uses = self.forms(id).iter().map(|form| {
            let (path, name) = (
                self.paths.type_path(resolve, home, first, *form),
                self.paths.form_ident(resolve, id, *form),
            );
            match name == self.paths.form_ident(resolve, first, *form) {
                true => quote!(pub use self::#path;),
                false => quote!(pub use self::#path as #name;),
            }
        });
        uses.collect()
    }

    /// Whether a type of the world has a definition here.
    pub(crate) fn defines(&self, id: TypeId) -> bool {
        !self.paths.is_external(id) && self.used.defines(self.resolve(), id)
    }

    fn exports(&self, root: &mut Module, entries: &mut Vec<(ModulePath, Entry)>) {
        let mut functions = Vec::new();
        for item in &self.world.exports {
            match item {
                Item::Interface(interface) => {
                    let Some(home) = self.paths.module_of(self.resolve(), Direction::Export, &interface.key) else {
                        continue;
                    };
                    let module = root.at(home);
                    self.interface_types(module, home, interface);
                    let docs = &self.resolve().interfaces[interface.id].docs;
                    let functions: Vec<&Function> = interface.functions.iter().collect();
                    let items = self.guest(home, docs, &interface.resources, &functions, entries);
                    module.items.push(items);
                }
                Item::Function(function) => functions.push(&**function),
                Item::Type(_) | Item::Resource(_) => unreachable!("a world exports no types of its own"),
            }
        }
        if !functions.is_empty() {
            let docs = &self.resolve().worlds[self.world.id].docs;
            let items = self.guest(&Vec::new(), docs, &[], &functions, entries);
            root.items.push(items);
        }
    }

    fn export_macro(&self, entries: &[(ModulePath, Entry)], component_type: &ComponentType) -> TokenStream {
        if entries.is_empty() && self.world.exports.is_empty() {
            return quote!();
        }
        let rt = &self.runtime;
        let world = spell(&self.resolve().worlds[self.world.id].name, Case::Snake);
        let inner = format_ident!("__export_{world}_impl");
        let name: Ident = ident(self.options.export_macro_name.as_deref().unwrap_or("export"));
        let prefix = self.options.export_prefix.as_deref().unwrap_or_default();
        let exports = entries.iter().map(|(home, entry)| {
            let Entry {
                name,
                target,
                params,
                result,
            } = entry;
            let modules: Vec<Ident> = home.iter().map(|name| ident(name)).collect();
            let function = match target {
                Target::Generic(function) => quote!($($path)*:: #(#modules ::)* #function::<$ty>),
                Target::Plain(function) => quote!($($path)*:: #(#modules ::)* #function),
                Target::Callback => quote!(#rt::callback),
            };
            let names: Vec<Ident> = (0..params.len()).map(|index| format_ident!("a{index}")).collect();
            let arrow = result.as_ref().map(|ty| quote!(-> #ty));
            let name = format!("{prefix}{name}");
            quote! {
                #name = fn(#(#names: #params),*) #arrow { #function(#(#names),*) }
            }
        });
        let default = crate::parse_path(self.options.default_bindings_module.as_deref().unwrap_or("self"));
        let constructors = match self.options.disable_run_ctors_once_workaround {
            true => ident("linker"),
            false => ident("once"),
        };
        let described = self.exported_component_type(component_type);
        let (macro_export, visibility) = if self.options.pub_export_macro {
            (quote!(#[macro_export]), quote!(pub))
        } else {
            (quote!(), quote!(pub(crate)))
        };
        quote! {
            #[doc(hidden)]
            #[allow(unused_macros)]
            #macro_export
            macro_rules! #inner {
                ($ty:ident) => { #default::#name!($ty with_types_in #default); };
                ($ty:ident with_types_in $($path:tt)*) => {
                    #rt::exports! {
                        for $ty, component_type = $($path)*::_COMPONENT_TYPE, constructors = #constructors;
                        #(#exports)*
                    }
                    #described
                };
            }
            #[doc(inline)]
            #[allow(unused_imports)]
            #visibility use #inner as #name;
        }
    }
}
