//! Where things live in the generated module tree, and how to name them from elsewhere in it.
//!
//! The layout is the one users of wit-bindgen know: an imported interface `ns:pkg/iface` is `ns::pkg::iface`, an exported one
//! `exports::ns::pkg::iface`, functions and types of the world itself are at the root. A package of which several versions
//! occur has its version in the module's name.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use wit_parser::{PackageId, Resolve, TypeDefKind, TypeId, TypeOwner, WorldKey};
use witflow_bindgen_core::abi::{Resource, Types};
use witflow_bindgen_core::world::{Direction, Interface, Item, World};

use crate::names::{Case, Scope, ident, spell};
use crate::ownership::Form;
use crate::selection::External;

/// Modules from the root inwards.
pub(crate) type ModulePath = Vec<String>;

/// Where a type is to be found.
#[derive(Clone, Debug)]
enum Home {
    /// In a module of the generated code.
    Here(ModulePath),
    /// In bindings that exist already, under a name at the root.
    There(Ident),
}

/// The homes of all interfaces and the identifiers of all types.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Where the types of an interface are to be found. An interface that occurs several times in the world has several ids.
    homes: BTreeMap<usize, Home>,
    /// The module of each interface on each side by its key in the world, unless its bindings exist already.
    modules: BTreeMap<(Direction, String), ModulePath>,
    /// The interface of each module.
    interfaces: BTreeMap<ModulePath, usize>,
    types: BTreeMap<usize, Ident>,
    /// Types that exist already, by their name at the root.
    external: BTreeMap<usize, Ident>,
    /// What the names at the root stand for. Paths in options are meant as seen from there.
    uses: Vec<(Ident, TokenStream)>,
    /// For each type that is defined twice: its definition with references.
    params: BTreeMap<usize, Ident>,
    /// For each resource the guest defines, and each alias of one: the type of borrows.
    borrows: BTreeMap<usize, Ident>,
    /// For each resource the guest defines: the trait its implementation has.
    guests: BTreeMap<usize, Ident>,
    /// For each resource the guest imports: the trait its implementation has in a host.
    hosts: BTreeMap<usize, Ident>,
}

/// Names of types that generated code takes for itself.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'t> {
    /// At the root.
    pub(crate) root: &'t [&'t str],
    /// In the module of each interface.
    pub(crate) interface: &'t [&'t str],
}

impl Paths {
    /// Assigns modules and identifiers. `external` are the interfaces found in existing bindings.
    pub(crate) fn new(world: &World<'_>, external: External, taken: Taken<'_>, twice: &dyn Fn(TypeId) -> bool) -> Self {
        let mut paths = Self::default();
        for (index, path) in external.types {
            let name = paths.use_at_root(path);
            paths.external.insert(index, name);
        }
        let mut modules = ModuleNames::default();
        let mut root = Scope::with(taken.root);
        for (direction, item) in world.items_with_direction() {
            match item {
                Item::Interface(interface) => {
                    let index = interface.id.index();
                    let existing = external.interfaces.get(&index);
                    let home = match existing.filter(|_| direction == Direction::Import) {
                        Some(path) => Home::There(paths.use_at_root(path.clone())),
                        None => {
                            let path = modules.path(world.resolve(), direction, interface);
                            let key = world.resolve().name_world_key(&interface.key);
                            paths.modules.insert((direction, key), path.clone());
                            paths.interfaces.insert(path.clone(), index);
                            Home::Here(path)
                        }
                    };
                    paths.homes.entry(index).or_insert(home);
                    let types = &world.resolve().interfaces[interface.id].types;
                    let mut scope = Scope::with(taken.interface);
                    paths.define(&world.types, &mut scope, types.values().copied(), twice);
                }
                Item::Type(id) | Item::Resource(Resource { id, .. }) => {
                    paths.define(&world.types, &mut root, [*id], twice);
                }
                Item::Function(_) => {}
            }
        }
        paths
    }

    fn use_at_root(&mut self, path: TokenStream) -> Ident {
        let name = format_ident!("__with{}", self.uses.len());
        self.uses.push((name.clone(), path));
        name
    }

    /// The names at the root for what exists elsewhere.
    pub(crate) fn external_uses(&self) -> TokenStream {
        let uses = self.uses.iter().map(|(name, path)| quote!(use #path as #name;));
        quote!(#(#[allow(unused_imports)] #uses)*)
    }

    /// Whether a type exists elsewhere by itself, and not with its interface.
    pub(crate) fn is_external(&self, id: TypeId) -> bool {
        self.external.contains_key(&id.index())
    }

    /// Gives the types of one scope identifiers. Those the WIT names come first, what is derived from them gets what is left.
    fn define(
        &mut self,
        types: &Types<'_>,
        scope: &mut Scope,
        ids: impl IntoIterator<Item = TypeId> + Clone,
        twice: &dyn Fn(TypeId) -> bool,
    ) {
        let name = |id: TypeId| types.resolve.types[id].name.as_deref().unwrap_or("type");
        for id in ids.clone().into_iter().filter(|id| !twice(*id)) {
            self.types.insert(id.index(), scope.define(name(id), Case::Camel));
        }
        for id in ids.clone().into_iter().filter(|id| twice(*id)) {
            let name = spell(name(id), Case::Camel);
            let (result, param) = (
                scope.fresh(format!("{name}Result")),
                scope.fresh(format!("{name}Param")),
            );
            self.types.insert(id.index(), ident(&result));
            self.params.insert(id.index(), ident(&param));
        }
        let is_resource = |id: &TypeId| matches!(types.resolve.types[*id].kind, TypeDefKind::Resource);
        for id in ids
            .clone()
            .into_iter()
            .filter(|id| is_resource(id) && !types.defines(*id))
        {
            let host = scope.fresh(format!("Host{}", self.types[&id.index()]));
            self.hosts.insert(id.index(), ident(&host));
        }
        for id in ids.into_iter().filter(|id| types.defines(*id)) {
            let name = self.types[&id.index()].to_string();
            let borrow = scope.fresh(format!("{name}Borrow"));
            self.borrows.insert(id.index(), ident(&borrow));
            if is_resource(&id) {
                let guest = scope.fresh(format!("Guest{name}"));
                self.guests.insert(id.index(), ident(&guest));
            }
        }
    }

    /// The identifier of the type of borrows, for a resource the guest defines or an alias of one.
    pub(crate) fn borrow_ident(&self, id: TypeId) -> Option<&Ident> {
        self.borrows.get(&id.index())
    }

    /// The trait that the implementation of a resource has.
    pub(crate) fn guest_ident(&self, id: TypeId) -> Ident {
        let guest = self.guests.get(&id.index()).cloned();
        guest.expect("every resource the guest defines was given a trait")
    }

    /// The trait that the functions of an imported resource are in a host.
    pub(crate) fn host_ident(&self, id: TypeId) -> Ident {
        let host = self.hosts.get(&id.index()).cloned();
        host.expect("every resource the guest imports was given a trait")
    }

    /// The way from the root to the bindings of an imported interface, wherever they are.
    pub(crate) fn import_path(&self, resolve: &Resolve, interface: &Interface) -> TokenStream {
        if let Some(module) = self.module_of(resolve, Direction::Import, &interface.key) {
            let modules = module.iter().map(|name| ident(name));
            return quote!(#(#modules)::*);
        }
        match self.homes.get(&interface.id.index()) {
            Some(Home::There(name)) => quote!(#name),
            _ => unreachable!("an interface without a module exists elsewhere"),
        }
    }

    /// The module of an interface on one side of the world, unless its bindings exist already.
    pub(crate) fn module_of(&self, resolve: &Resolve, direction: Direction, key: &WorldKey) -> Option<&ModulePath> {
        self.modules.get(&(direction, resolve.name_world_key(key)))
    }

    /// The identifier a type is defined under.
    pub(crate) fn type_ident(&self, resolve: &Resolve, id: TypeId) -> Ident {
        let spelled = || ident(&spell(resolve.types[id].name.as_deref().unwrap_or("type"), Case::Camel));
        self.types.get(&id.index()).cloned().unwrap_or_else(spelled)
    }

    /// The identifier of one of a type's definitions.
    pub(crate) fn form_ident(&self, resolve: &Resolve, id: TypeId, form: Form) -> Ident {
        let param = self.params.get(&id.index()).filter(|_| form == Form::Param);
        param.cloned().unwrap_or_else(|| self.type_ident(resolve, id))
    }

    /// One of the definitions of a named type as seen from the module `from`.
    pub(crate) fn type_path(&self, resolve: &Resolve, from: &ModulePath, id: TypeId, form: Form) -> TokenStream {
        if let Some(name) = self.external.get(&id.index()) {
            let root = to_root(from);
            return quote!(#root #name);
        }
        let (module, name) = (self.module_path(resolve, from, id), self.form_ident(resolve, id, form));
        quote!(#module #name)
    }

    /// The type of borrows of a resource the guest defines, as seen from the module `from`.
    pub(crate) fn borrow_path(&self, resolve: &Resolve, from: &ModulePath, id: TypeId) -> TokenStream {
        let (module, name) = (self.module_path(resolve, from, id), self.borrow_ident(id));
        quote!(#module #name)
    }

    /// The way from the module `from` to where a type is to be found, up to its last `::`.
    fn module_path(&self, resolve: &Resolve, from: &ModulePath, id: TypeId) -> TokenStream {
        // Every module of an interface has its types in scope, wherever they are defined.
        if let TypeOwner::Interface(interface) = resolve.types[id].owner
            && self.interfaces.get(from) == Some(&interface.index())
        {
            return quote!();
        }
        let home = match resolve.types[id].owner {
            TypeOwner::Interface(interface) => self.homes.get(&interface.index()),
            TypeOwner::World(_) | TypeOwner::None => None,
        };
        match home {
            Some(Home::Here(path)) => relative(from, path),
            Some(Home::There(module)) => {
                let root = to_root(from);
                quote!(#root #module ::)
            }
            None => to_root(from),
        }
    }

    /// A name for a type that is unique in the world and an identifier: its path with underscores.
    pub(crate) fn flat_name(&self, resolve: &Resolve, id: TypeId, form: Form) -> String {
        let owner = match resolve.types[id].owner {
            TypeOwner::Interface(interface) => match self.homes.get(&interface.index()) {
                Some(Home::Here(path)) => path.join("_"),
                Some(Home::There(module)) => module.to_string(),
                None => String::new(),
            },
            TypeOwner::World(_) | TypeOwner::None => String::new(),
        };
        let name = spell(&self.form_ident(resolve, id, form).to_string(), Case::Snake);
        if owner.is_empty() {
            name
        } else {
            format!("{owner}_{name}")
        }
    }
}

/// Leads from `from` to the root, followed by `::`; empty at the root itself.
pub(crate) fn to_root(from: &ModulePath) -> TokenStream {
    from.iter().map(|_| quote!(super::)).collect()
}

fn relative(from: &ModulePath, to: &ModulePath) -> TokenStream {
    let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| quote!(super::));
    let down = to[shared..].iter().map(|name| {
        let name = ident(name);
        quote!(#name ::)
    });
    up.chain(down).collect()
}

/// The modules at the root that belong to no interface.
const PAYLOADS: [&str; 2] = ["wit_stream", "wit_future"];

/// Hands out module names and keeps those that fall together apart.
#[derive(Default)]
struct ModuleNames {
    taken: BTreeSet<ModulePath>,
}

impl ModuleNames {
    fn path(&mut self, resolve: &Resolve, direction: Direction, interface: &Interface) -> ModulePath {
        let mut path = Vec::new();
        if direction == Direction::Export {
            path.push("exports".to_owned());
        }
        match &interface.key {
            WorldKey::Name(name) => path.push(spell(name, Case::Snake)),
            WorldKey::Interface(id) => {
                let def = &resolve.interfaces[*id];
                if let Some(package) = def.package {
                    path.push(spell(&resolve.packages[package].name.namespace, Case::Snake));
                    path.push(package_module(resolve, package));
                }
                path.push(spell(def.name.as_deref().unwrap_or("interface"), Case::Snake));
            }
        }
        if PAYLOADS.contains(&path[0].as_str()) {
            path[0].push('_');
        }
        while !self.taken.insert(path.clone()) {
            path.last_mut().expect("a path names at least one module").push('_');
        }
        path
    }
}

fn package_module(resolve: &Resolve, package: PackageId) -> String {
    let name = &resolve.packages[package].name;
    let same = |other: &wit_parser::Package| other.name.namespace == name.namespace && other.name.name == name.name;
    let versions = resolve.packages.iter().filter(|(_, other)| same(other)).count();
    match &name.version {
        Some(version) if versions > 1 => {
            let version = version.to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            format!("{}{}", name.name.to_snake_case(), version.to_snake_case())
        }
        _ => spell(&name.name, Case::Snake),
    }
}
