//! The world as a component type: its imports and exports, the interfaces among them, and their names.
//!
//! An interface becomes an instance type with index spaces of its own. A type it uses from another interface is an
//! alias of an alias: the world takes the type from the other interface's instance, and the instance type takes it from
//! the world. The other interface therefore has to come first, and nothing here reorders a world to make it so.
//!
//! The value types are in [`super::types`].

use std::collections::{BTreeMap, BTreeSet};

use wit_parser::{Function, InterfaceId, Resolve, Type, TypeId, World, WorldItem, WorldKey};

use super::binary::{Bound, Declarations, Definition, Extern, ExternName, ValType};
use super::error::{self, Error};
use super::types::Known;

/// Which side of the world an item is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Import,
    Export,
}

/// The world as far as it is encoded.
pub(super) struct Encoder<'a> {
    pub(super) resolve: &'a Resolve,
    /// The world's own definitions, imports and exports.
    root: Declarations,
    root_known: Known<'a>,
    /// The instance type being written, if the current item is an interface.
    instance: Option<(Declarations, Known<'a>)>,
    /// The interface behind `instance`. An import or export that is no interface has none.
    pub(super) interface: Option<InterfaceId>,
    /// Whether the current item is a type which the world itself imports.
    importing_type: bool,
    /// The latest instance of each interface; an export takes the place of an import.
    instances: BTreeMap<InterfaceId, u32>,
    /// Types of interfaces which the world has taken out of an instance.
    taken: BTreeMap<TypeId, u32>,
    /// The types being defined, to notice one which contains itself.
    pub(super) open: BTreeSet<TypeId>,
    /// The current import or export, for messages.
    item: String,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(resolve: &'a Resolve) -> Encoder<'a> {
        Encoder {
            resolve,
            root: Declarations::default(),
            root_known: Known::default(),
            instance: None,
            interface: None,
            importing_type: false,
            instances: BTreeMap::new(),
            taken: BTreeMap::new(),
            open: BTreeSet::new(),
            item: String::new(),
        }
    }

    pub(super) fn encode(mut self, world: &'a World) -> Result<Declarations, Error> {
        for (key, item) in &world.imports {
            self.world_item(Side::Import, key, item)?;
        }
        for (key, item) in &world.exports {
            self.world_item(Side::Export, key, item)?;
        }
        Ok(self.root)
    }

    fn world_item(&mut self, side: Side, key: &WorldKey, item: &'a WorldItem) -> Result<(), Error> {
        let (name, implements) = self.world_item_name(key, item)?;
        let verb = if side == Side::Import { "import" } else { "export" };
        self.item = format!("{verb} `{name}`");
        self.interface = None;
        let ty = match item {
            WorldItem::Interface { id, .. } => Extern::Instance(self.instance_type(*id)?),
            WorldItem::Function(function) => Extern::Func(self.function(function)?),
            WorldItem::Type { id, .. } if side == Side::Import => {
                self.importing_type = true;
                self.value_type(Type::Id(*id))?;
                self.importing_type = false;
                return Ok(());
            }
            WorldItem::Type { .. } => {
                return Err(Error::new(&self.item, "a world can't export a type of its own"));
            }
        };
        let name = ExternName {
            name: &name,
            implements: implements.as_deref(),
            external_id: self.external_id(item),
        };
        match side {
            Side::Import => self.root.import(&name, ty),
            Side::Export => self.root.export(&name, ty),
        }
        Ok(())
    }

    /// The name of an import or export. One with a label of its own says which interface it implements.
    fn world_item_name(&self, key: &WorldKey, item: &WorldItem) -> Result<(String, Option<String>), Error> {
        Ok(match (key, item) {
            (WorldKey::Interface(id), _) => (self.interface_name(*id)?, None),
            (WorldKey::Name(label), WorldItem::Interface { id, .. }) if self.resolve.interfaces[*id].name.is_some() => {
                (label.clone(), Some(self.interface_name(*id)?))
            }
            (WorldKey::Name(label), _) => (label.clone(), None),
        })
    }

    fn external_id(&self, item: &'a WorldItem) -> Option<&'a str> {
        let id = match item {
            WorldItem::Interface { external_id, .. } => external_id,
            WorldItem::Function(function) => &function.external_id,
            WorldItem::Type { id, .. } => &self.resolve.types[*id].external_id,
        };
        id.as_deref()
    }

    fn interface_name(&self, id: InterfaceId) -> Result<String, Error> {
        let interface = &self.resolve.interfaces[id];
        let fail = |reason| Err(Error::new(error::interface(self.resolve, id), reason));
        match (&interface.name, interface.package) {
            (Some(name), Some(package)) => Ok(self.resolve.id_of_name(package, name)),
            (Some(_), None) => fail("it belongs to no package"),
            (None, _) => fail("it is imported or exported without a name"),
        }
    }

    /// Defines the instance type of an interface: all its types, then its functions, those of resources first.
    fn instance_type(&mut self, id: InterfaceId) -> Result<u32, Error> {
        let interface = &self.resolve.interfaces[id];
        self.interface = Some(id);
        self.instance = Some(Default::default());
        for ty in interface.types.values() {
            self.value_type(Type::Id(*ty))?;
        }

        let mut functions = Vec::with_capacity(interface.functions.len());
        for (name, function) in &interface.functions {
            functions.push((self.rank(id, function)?, name, function));
        }
        functions.sort_by_key(|(rank, ..)| *rank);
        for (_, name, function) in functions {
            let ty = Extern::Func(self.function(function)?);
            self.declare(&extern_name(name, &function.external_id), ty);
        }

        let (instance, _) = self
            .instance
            .take()
            .expect("nothing between here and its start takes the instance");
        let index = self.root.types();
        self.root.define().instance(&instance);
        // The caller imports or exports the instance next, so this is its index.
        self.instances.insert(id, self.root.instances());
        Ok(index)
    }

    /// Where a function belongs among those of its interface: by its resource, free functions last.
    fn rank(&self, interface: InterfaceId, function: &Function) -> Result<usize, Error> {
        let Some(resource) = function.kind.resource() else {
            return Ok(usize::MAX);
        };
        self.resolve.interfaces[interface]
            .types
            .values()
            .position(|id| *id == resource)
            .ok_or_else(|| {
                let item = format!(
                    "function `{}` of {}",
                    function.name,
                    error::interface(self.resolve, interface)
                );
                Error::new(item, "its resource is defined elsewhere")
            })
    }

    fn function(&mut self, function: &'a Function) -> Result<u32, Error> {
        let is_async = function.kind.is_async();
        let params = function
            .params
            .iter()
            .map(|param| (param.name.as_str(), param.ty))
            .collect();
        let signature = (is_async, params, function.result);
        if let Some(index) = self.known().functions.get(&signature) {
            return Ok(*index);
        }

        let params = signature.1.iter().map(|(name, ty)| Ok((*name, self.value_type(*ty)?)));
        let params = params.collect::<Result<Vec<(&str, ValType)>, Error>>()?;
        let result = function.result.map(|ty| self.value_type(ty)).transpose()?;
        let (index, ty) = self.new_type();
        ty.function(is_async, &params, result);
        self.known().functions.insert(signature, index);
        Ok(index)
    }

    /// Makes a type of another interface available in the current index space.
    pub(super) fn use_type(&mut self, owner: InterfaceId, id: TypeId) -> Result<u32, Error> {
        let fail = |reason| Err(Error::new(error::type_(self.resolve, id), reason));
        let Some(name) = &self.resolve.types[id].name else {
            return fail("it is used outside its interface and has no name".to_string());
        };
        let outer = match self.taken.get(&id) {
            Some(index) => *index,
            None => {
                let Some(&instance) = self.instances.get(&owner) else {
                    return fail(format!(
                        "{} uses it, but its interface is not imported before that",
                        self.item
                    ));
                };
                let index = self.root.types();
                self.root.alias_export(instance, name);
                self.taken.insert(id, index);
                index
            }
        };
        Ok(match &mut self.instance {
            Some((instance, _)) => {
                let index = instance.types();
                instance.alias_outer(outer);
                index
            }
            None => outer,
        })
    }

    /// Gives a type its name; the index of the type by that name.
    pub(super) fn name_type(&mut self, name: &ExternName<'_>, bounds: Bound) -> u32 {
        let index = match &self.instance {
            Some((instance, _)) => instance.types(),
            None => self.root.types(),
        };
        self.declare(name, Extern::Type(bounds));
        index
    }

    fn declare(&mut self, name: &ExternName<'_>, ty: Extern) {
        if let Some((instance, _)) = &mut self.instance {
            instance.export(name, ty);
        } else if self.importing_type {
            self.root.import(name, ty);
        } else {
            self.root.export(name, ty);
        }
    }

    /// Starts a type in the current index space.
    pub(super) fn new_type(&mut self) -> (u32, Definition<'_>) {
        match &mut self.instance {
            Some((instance, _)) => (instance.types(), instance.define()),
            None => (self.root.types(), self.root.define()),
        }
    }

    /// What is defined in the current index space.
    pub(super) fn known(&mut self) -> &mut Known<'a> {
        match &mut self.instance {
            Some((_, known)) => known,
            None => &mut self.root_known,
        }
    }
}

/// The name of a type or function.
pub(super) fn extern_name<'n>(name: &'n str, external_id: &'n Option<String>) -> ExternName<'n> {
    ExternName {
        name,
        implements: None,
        external_id: external_id.as_deref(),
    }
}
