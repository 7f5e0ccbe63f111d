//! [`World`]: what a guest imports and exports, read from the description that its bindings carry.
//!
//! The description is a component type in the encoding of the component model's tools. Its types become those of the
//! Canonical ABI here; nothing else looks at it.

use crate::canonical::{Case, Field, FuncType, ResourceIndex, Type};
use crate::error::Result;
use anyhow::bail;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use wit_parser::{Handle, IndexMap, InterfaceId, Resolve, TypeDefKind, TypeId, WorldItem, WorldKey};

/// Imports and exports, each interface by itself.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) imports: Vec<Interface>,
    pub(crate) exports: Vec<Interface>,
    /// How many resource types there are.
    pub(crate) resources: u32,
}

/// An interface, or the functions of the world itself.
#[derive(Debug, Default, Clone)]
pub(crate) struct Interface {
    /// The name it is imported or exported under; empty for the world itself.
    pub(crate) name: Arc<str>,
    /// Which interface it is, where the name is only a label.
    pub(crate) implements: Option<Arc<str>>,
    pub(crate) functions: Vec<Function>,
    pub(crate) resources: Vec<(Arc<str>, ResourceIndex)>,
}

/// A function and its type.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) ty: Arc<FuncType>,
}

impl Interface {
    /// The name of an item of it: `ns:pkg/iface#item`, or `item` of the world itself.
    pub(crate) fn path(&self, item: &str) -> String {
        if self.name.is_empty() {
            item.to_owned()
        } else {
            format!("{}#{item}", self.name)
        }
    }
}

impl World {
    /// Reads a description. Each is read once in the life of the process.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn decode(description: &'static [u8]) -> Result<Arc<World>> {
        static READ: Mutex<BTreeMap<&'static [u8], Arc<World>>> = Mutex::new(BTreeMap::new());
        let known = || READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = known().get(description) {
            return Ok(world.clone());
        }
        let world = Arc::new(read(description)?);
        known().insert(description, world.clone());
        Ok(world)
    }
}

impl World {
    /// The same, with numbers of resource types from `first` on.
    pub(crate) fn renumbered(&self, first: u32) -> World {
        let number = |index: &ResourceIndex| ResourceIndex(index.0 + first);
        let interfaces = |interfaces: &[Interface]| interfaces.iter().map(|it| it.renumbered(&number)).collect();
        World {
            imports: interfaces(&self.imports),
            exports: interfaces(&self.exports),
            resources: self.resources,
        }
    }
}

type Number<'a> = &'a dyn Fn(&ResourceIndex) -> ResourceIndex;

impl Interface {
    fn renumbered(&self, number: Number<'_>) -> Interface {
        let resources = self.resources.iter().map(|(name, index)| (name.clone(), number(index)));
        let functions = self.functions.iter().map(|function| Function {
            name: function.name.clone(),
            ty: function.renumbered(number),
        });
        Interface {
            resources: resources.collect(),
            functions: functions.collect(),
            ..self.clone()
        }
    }
}

impl Function {
    fn renumbered(&self, number: Number<'_>) -> Arc<FuncType> {
        let params = self
            .ty
            .params
            .iter()
            .map(|(name, ty)| (name.clone(), renumber(ty, number)));
        Arc::new(FuncType {
            params: params.collect(),
            result: self.ty.result.as_ref().map(|ty| renumber(ty, number)),
            is_async: self.ty.is_async,
        })
    }
}

/// The type with other numbers of resource types.
fn renumber(ty: &Type, number: Number<'_>) -> Type {
    let shared = |ty: &Arc<Type>| Arc::new(renumber(ty, number));
    let optional = |ty: &Option<Arc<Type>>| ty.as_ref().map(shared);
    match ty {
        Type::Own(index) => Type::Own(number(index)),
        Type::Borrow(index) => Type::Borrow(number(index)),
        Type::List(item) => Type::List(shared(item)),
        Type::FixedLengthList(item, length) => Type::FixedLengthList(shared(item), *length),
        Type::Map(key, value) => Type::Map(shared(key), shared(value)),
        Type::Option(some) => Type::Option(shared(some)),
        Type::Result(ok, err) => Type::Result(optional(ok), optional(err)),
        Type::Stream(payload) => Type::Stream(optional(payload)),
        Type::Future(payload) => Type::Future(optional(payload)),
        Type::Tuple(types) => Type::Tuple(types.iter().map(|ty| renumber(ty, number)).collect()),
        Type::Record(fields) => {
            let field = |field: &Field| Field {
                name: field.name.clone(),
                ty: renumber(&field.ty, number),
            };
            Type::Record(fields.iter().map(field).collect())
        }
        Type::Variant(cases) => {
            let case = |case: &Case| Case {
                name: case.name.clone(),
                ty: case.ty.as_ref().map(|ty| renumber(ty, number)),
            };
            Type::Variant(cases.iter().map(case).collect())
        }
        other => other.clone(),
    }
}

fn read(description: &[u8]) -> Result<World> {
    let (mut resolve, world) = wit_parser::decoding::decode_world(description)?;
    // An interface that is both imported and exported has its resources twice.
    resolve.generate_nominal_type_ids(world);
    let mut reader = Reader {
        resolve: &resolve,
        resources: BTreeMap::new(),
        types: BTreeMap::new(),
    };
    let world = &resolve.worlds[world];
    Ok(World {
        imports: reader.items(&world.imports)?,
        exports: reader.items(&world.exports)?,
        resources: u32::try_from(reader.resources.len())?,
    })
}

/// Translates types, each once.
struct Reader<'a> {
    resolve: &'a Resolve,
    resources: BTreeMap<TypeId, ResourceIndex>,
    types: BTreeMap<TypeId, Type>,
}

impl Reader<'_> {
    /// The imports or the exports. What belongs to the world itself comes first.
    fn items(&mut self, items: &IndexMap<WorldKey, WorldItem>) -> Result<Vec<Interface>> {
        let mut root = Interface::default();
        let mut interfaces = Vec::new();
        for (key, item) in items {
            match item {
                WorldItem::Interface { id, .. } => {
                    let implements = self.resolve.implements_interface(key, item);
                    interfaces.push(Interface {
                        name: self.resolve.name_world_key(key).into(),
                        implements: implements.and_then(|id| self.resolve.id_of(id)).map(Arc::from),
                        ..self.interface(*id)?
                    });
                }
                WorldItem::Function(function) => root.functions.push(self.function(function)?),
                WorldItem::Type { id, .. } => root.resources.extend(self.new_resource(*id)?),
            }
        }
        if !root.functions.is_empty() || !root.resources.is_empty() {
            interfaces.insert(0, root);
        }
        Ok(interfaces)
    }

    fn interface(&mut self, id: InterfaceId) -> Result<Interface> {
        let interface = &self.resolve.interfaces[id];
        let resources = interface.types.values().map(|id| self.new_resource(*id));
        let resources = resources.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        let functions = interface.functions.values().map(|function| self.function(function));
        Ok(Interface {
            functions: functions.collect::<Result<_>>()?,
            resources,
            ..Interface::default()
        })
    }

    /// Numbers the resource type that `id` declares, if it does.
    fn new_resource(&mut self, id: TypeId) -> Result<Option<(Arc<str>, ResourceIndex)>> {
        let def = &self.resolve.types[id];
        match (&def.kind, &def.name) {
            (TypeDefKind::Resource, Some(name)) => Ok(Some((name.as_str().into(), self.resource(id)?))),
            _ => Ok(None),
        }
    }

    /// The number of the resource type that `id` is a name of.
    fn resource(&mut self, mut id: TypeId) -> Result<ResourceIndex> {
        while let TypeDefKind::Type(wit_parser::Type::Id(aliased)) = self.resolve.types[id].kind {
            id = aliased;
        }
        let next = ResourceIndex(u32::try_from(self.resources.len())?);
        Ok(*self.resources.entry(id).or_insert(next))
    }

    fn function(&mut self, function: &wit_parser::Function) -> Result<Function> {
        let params = function.params.iter();
        let params = params.map(|param| Ok((param.name.as_str().into(), self.ty(&param.ty)?)));
        let ty = FuncType {
            params: params.collect::<Result<_>>()?,
            result: function.result.as_ref().map(|ty| self.ty(ty)).transpose()?,
            is_async: function.kind.is_async(),
        };
        Ok(Function {
            name: function.name.as_str().into(),
            ty: Arc::new(ty),
        })
    }

    fn ty(&mut self, ty: &wit_parser::Type) -> Result<Type> {
        Ok(match ty {
            wit_parser::Type::Bool => Type::Bool,
            wit_parser::Type::U8 => Type::U8,
            wit_parser::Type::U16 => Type::U16,
            wit_parser::Type::U32 => Type::U32,
            wit_parser::Type::U64 => Type::U64,
            wit_parser::Type::S8 => Type::S8,
            wit_parser::Type::S16 => Type::S16,
            wit_parser::Type::S32 => Type::S32,
            wit_parser::Type::S64 => Type::S64,
            wit_parser::Type::F32 => Type::F32,
            wit_parser::Type::F64 => Type::F64,
            wit_parser::Type::Char => Type::Char,
            wit_parser::Type::String => Type::String,
            wit_parser::Type::ErrorContext => Type::ErrorContext,
            wit_parser::Type::Id(id) => return self.named(*id),
        })
    }

    fn named(&mut self, id: TypeId) -> Result<Type> {
        if let Some(ty) = self.types.get(&id) {
            return Ok(ty.clone());
        }
        let ty = self.definition(id)?;
        self.types.insert(id, ty.clone());
        Ok(ty)
    }

    fn definition(&mut self, id: TypeId) -> Result<Type> {
        Ok(match &self.resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.ty(ty)?,
            TypeDefKind::List(item) => Type::List(self.shared(item)?),
            TypeDefKind::FixedLengthList(item, length) => Type::FixedLengthList(self.shared(item)?, *length),
            TypeDefKind::Map(key, value) => Type::Map(self.shared(key)?, self.shared(value)?),
            TypeDefKind::Option(some) => Type::Option(self.shared(some)?),
            TypeDefKind::Result(result) => Type::Result(self.optional(&result.ok)?, self.optional(&result.err)?),
            TypeDefKind::Stream(payload) => Type::Stream(self.optional(payload)?),
            TypeDefKind::Future(payload) => Type::Future(self.optional(payload)?),
            TypeDefKind::Handle(Handle::Own(id)) => Type::Own(self.resource(*id)?),
            TypeDefKind::Handle(Handle::Borrow(id)) => Type::Borrow(self.resource(*id)?),
            TypeDefKind::Tuple(tuple) => {
                let types = tuple.types.iter().map(|ty| self.ty(ty));
                Type::Tuple(types.collect::<Result<_>>()?)
            }
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields = fields.map(|field| {
                    Ok(Field {
                        name: field.name.as_str().into(),
                        ty: self.ty(&field.ty)?,
                    })
                });
                Type::Record(fields.collect::<Result<_>>()?)
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().map(|case| {
                    let ty = case.ty.as_ref().map(|ty| self.ty(ty)).transpose()?;
                    Ok(Case {
                        name: case.name.as_str().into(),
                        ty,
                    })
                });
                Type::Variant(cases.collect::<Result<_>>()?)
            }
            TypeDefKind::Enum(ty) => Type::Enum(ty.cases.iter().map(|case| case.name.as_str().into()).collect()),
            TypeDefKind::Flags(ty) => Type::Flags(ty.flags.iter().map(|flag| flag.name.as_str().into()).collect()),
            TypeDefKind::Resource => bail!("a resource stands where a value is due"),
            TypeDefKind::Unknown => bail!("a type is not known"),
        })
    }

    fn shared(&mut self, ty: &wit_parser::Type) -> Result<Arc<Type>> {
        self.ty(ty).map(Arc::new)
    }

    fn optional(&mut self, ty: &Option<wit_parser::Type>) -> Result<Option<Arc<Type>>> {
        ty.as_ref().map(|ty| self.shared(ty)).transpose()
    }
}
