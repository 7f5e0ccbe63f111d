//! Assembling a host's bindings: modules for interfaces, and the world as a struct.

use proc_macro2::TokenStream;
use quote::quote;
use witflow_bindgen_core::abi::{Function, Resource};
use witflow_bindgen_core::world::{Direction, Interface, Item};

use super::Concurrent;
use super::exports::Called;
use super::imports::Imported;
use crate::Generator;
use crate::docs::docs;
use crate::names::{Case, Scope, ident};
use crate::paths::ModulePath;
use crate::world::{Module, allow};

/// The methods of a world's struct that are always there.
const METHODS: [&str; 4] = ["add_to_linker", "instantiate", "new", "instance"];

impl Generator<'_> {
    /// The whole of a host's bindings. `name` is that of the world's struct, `imports` that of the trait for what it imports itself.
    pub(super) fn host_bindings(&self, name: &str, imports: &str, concurrent: &Concurrent) -> TokenStream {
        let rt = &self.runtime;
        let mut root = Module::default();
        root.items.push(quote!(#[allow(unused_imports)] use #rt as _rt;));
        root.items.push(self.paths.external_uses());
        let linked = self.host_imports(&mut root, imports, concurrent);
        let world = self.world_struct(&mut root, name, &linked, concurrent);
        root.items.push(world);
        root.render(Some(&allow()))
    }

    /// Adds what is imported. Gives the traits that the world's host implements, and the statements that link it.
    fn host_imports(&self, root: &mut Module, name: &str, concurrent: &Concurrent) -> Linked {
        let mut linked = Linked::default();
        let mut own = Imported {
            home: Vec::new(),
            key: None,
            docs: &self.resolve().worlds[self.world.id].docs,
            name: ident(name),
            resources: Vec::new(),
            functions: Vec::new(),
        };
        for item in &self.world.imports {
            match item {
                Item::Interface(interface) => self.host_interface(root, interface, concurrent, &mut linked),
                Item::Function(function) => own.functions.push(function),
                Item::Type(id) => root.items.extend(self.root_type(*id)),
                Item::Resource(resource) => {
                    root.items.extend(self.root_type(resource.id));
                    own.resources.push(resource);
                }
            }
        }
        if !own.is_empty() {
            root.items.push(self.host_traits(&own, concurrent));
            let (name, definitions) = (&own.name, self.linker_definitions(&own, concurrent));
            linked.traits.push(quote!(#name));
            linked.statements.extend(quote!({ #definitions }));
        }
        linked
    }

    fn host_interface(&self, root: &mut Module, interface: &Interface, concurrent: &Concurrent, linked: &mut Linked) {
        let resolve = self.resolve();
        let imported = Imported {
            home: Vec::new(),
            key: Some(&interface.key),
            docs: &resolve.interfaces[interface.id].docs,
            name: ident("Host"),
            resources: interface.resources.iter().collect(),
            functions: interface.functions.iter().collect(),
        };
        if !imported.is_empty() {
            let path = self.paths.import_path(resolve, interface);
            linked.traits.push(quote!(#path::Host));
            linked.statements.extend(quote!(#path::add_to_linker(linker, host)?;));
        }
        let Some(home) = self.paths.module_of(resolve, Direction::Import, &interface.key) else {
            return;
        };
        let module = root.at(home);
        self.interface_types(module, home, interface);
        if !imported.is_empty() {
            let home: ModulePath = home.clone();
            let imported = Imported { home, ..imported };
            module.items.push(self.host_traits(&imported, concurrent));
            module.items.push(self.add_to_linker(&imported, concurrent));
        }
    }

    /// Adds what is exported. Gives the struct of the world.
    fn world_struct(&self, root: &mut Module, name: &str, linked: &Linked, concurrent: &Concurrent) -> TokenStream {
        let (rt, root_path) = (&self.rt, ModulePath::new());
        let (name, allow) = (ident(name), allow());
        let mut scope = Scope::with(&METHODS);
        let functions: Vec<&Function> = self.world.exports.iter().filter_map(world_function).collect();
        let called = self.called(&root_path, None, &functions, concurrent, &mut scope);
        let Called {
            fields, found, methods, ..
        } = &called;
        let mut guests = Vec::new();
        for item in &self.world.exports {
            if let Item::Interface(interface) = item {
                guests.extend(self.guest_interface(root, interface, concurrent, &mut scope));
            }
        }
        let guest_fields = guests.iter().map(|guest| &guest.field);
        let guests_found = guests.iter().map(|guest| &guest.found);
        let accessors = guests.iter().map(|guest| &guest.accessor);
        let add_to_linker = self.world_add_to_linker(linked);
        let docs = docs(&self.resolve().worlds[self.world.id].docs);
        quote! {
            #docs
            #[derive(Clone, Debug)]
            #allow
            pub struct #name { instance: #rt::Instance, #fields #(#guest_fields,)* }
            #allow
            impl #name {
                #add_to_linker
                /// Instantiates a component of this world.
                ///
                /// # Errors
                /// As `Linker::instantiate`, and when it does not export what the world does.
                pub async fn instantiate(
                    store: &mut #rt::Store,
                    component: &#rt::Component,
                    linker: &#rt::Linker,
                ) -> #rt::Result<Self> {
                    Self::new(&linker.instantiate(store, component).await?)
                }
                /// Finds the exports of the world in an instance.
                ///
                /// # Errors
                /// When the instance does not export what the world does.
                pub fn new(instance: &#rt::Instance) -> #rt::Result<Self> {
                    ::core::result::Result::Ok(Self {
                        #found
                        #(#guests_found,)*
                        instance: instance.clone(),
                    })
                }
                /// The instance.
                pub fn instance(&self) -> &#rt::Instance {
                    &self.instance
                }
                #methods
                #(#accessors)*
            }
        }
    }

    fn world_add_to_linker(&self, linked: &Linked) -> Option<TokenStream> {
        let rt = &self.rt;
        let Linked { traits, statements } = linked;
        (!traits.is_empty()).then(|| {
            quote! {
                /// Defines what guests of the world import: they call `host`.
                ///
                /// # Errors
                /// When something of it is defined already.
                pub fn add_to_linker<_H: #(#traits)+*>(
                    linker: &mut #rt::Linker,
                    host: &#rt::Arc<_H>,
                ) -> #rt::Result<()> {
                    #statements
                    ::core::result::Result::Ok(())
                }
            }
        })
    }

    fn guest_interface(
        &self,
        root: &mut Module,
        interface: &Interface,
        concurrent: &Concurrent,
        scope: &mut Scope,
    ) -> Option<GuestField> {
        let home = self
            .paths
            .module_of(self.resolve(), Direction::Export, &interface.key)?;
        let module = root.at(home);
        self.interface_types(module, home, interface);
        if interface.functions.is_empty() {
            return None;
        }
        let functions: Vec<&Function> = interface.functions.iter().collect();
        let resources: &[Resource] = &interface.resources;
        let guest = self.guest_struct(home, &interface.key, resources, &functions, concurrent);
        module.items.push(guest);
        // Below the module `exports`, which all of them have in common.
        let name = scope.define(&home[1..].join("-"), Case::Snake);
        let path = home.iter().map(|name| ident(name));
        let path = quote!(#(#path::)*Guest);
        let about = format!(" The functions of `{}`.", self.resolve().name_world_key(&interface.key));
        Some(GuestField {
            field: quote!(#name: #path),
            found: quote!(#name: #path::new(instance)?),
            accessor: quote!(#[doc = #about] pub fn #name(&self) -> &#path { &self.#name }),
        })
    }
}

/// What the host of a world implements, and how a linker is given it.
#[derive(Default)]
struct Linked {
    traits: Vec<TokenStream>,
    statements: TokenStream,
}

/// The struct of an exported interface as a part of the world's.
struct GuestField {
    field: TokenStream,
    found: TokenStream,
    accessor: TokenStream,
}

fn world_function(item: &Item) -> Option<&Function> {
    match item {
        Item::Function(function) => Some(function),
        Item::Interface(_) | Item::Type(_) | Item::Resource(_) => None,
    }
}
