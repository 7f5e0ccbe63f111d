//! A world as a generator sees it: its imports and exports in order, each function with its ABI, and the payloads of streams and
//! futures it exchanges.

use wit_parser::{
    Function as WitFunction, FutureIntrinsic, Handle, InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve,
    StreamIntrinsic, Type, TypeDefKind, TypeId, WasmImport, WorldId, WorldItem, WorldKey,
};

use crate::abi::call::function;
use crate::abi::{Function, Layout, Program, Resource, Sharing, Types, dealias, transfer};
use crate::check;
use crate::diagnostic::Diagnostics;

/// Which side of the world something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The guest calls it.
    Import,
    /// The guest implements it.
    Export,
}

/// An import or export of a world.
#[derive(Clone, Debug)]
pub enum Item {
    /// An interface with its functions.
    Interface(Interface),
    /// A function of the world itself.
    Function(Box<Function>),
    /// A type of the world itself.
    Type(TypeId),
    /// A resource of the world itself.
    Resource(Resource),
}

impl Item {
    /// The functions of an interface, or the function it is.
    pub fn functions(&self) -> &[Function] {
        match self {
            Self::Interface(interface) => &interface.functions,
            Self::Function(function) => std::slice::from_ref(&**function),
            Self::Type(_) | Self::Resource(_) => &[],
        }
    }

    /// The resources of an interface, or the one it is.
    pub fn resources(&self) -> &[Resource] {
        match self {
            Self::Interface(interface) => &interface.resources,
            Self::Resource(resource) => std::slice::from_ref(resource),
            Self::Function(_) | Self::Type(_) => &[],
        }
    }
}

/// An imported or exported interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its key in the world: what its functions are named by.
    pub key: WorldKey,
    /// The interface.
    pub id: InterfaceId,
    /// Its resources in order.
    pub resources: Vec<Resource>,
    /// Its functions in order, those of resources among them.
    pub functions: Vec<Function>,
}

/// A world with everything a generator needs to know.
pub struct World<'a> {
    /// The types.
    pub types: Types<'a>,
    /// The world.
    pub id: WorldId,
    /// Imports in order.
    pub imports: Vec<Item>,
    /// Exports in order.
    pub exports: Vec<Item>,
    /// One entry for each distinct payload of streams and futures, in order of first use.
    pub payloads: Vec<Payload>,
}

/// What travels through a stream or future, and the built-ins for it.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Stream or future.
    pub kind: PayloadKind,
    /// The payload's type, if there is one.
    pub ty: Option<Type>,
    /// A name that is equal for equal payload types, see [`structural_key`].
    pub key: String,
    /// Size and alignment of one element.
    pub layout: Layout,
    /// Module of the built-ins.
    pub module: String,
    /// Their names.
    pub intrinsics: Intrinsics,
    /// `value pointer ->` and `pointer -> value`, unless the value in memory is the canonical representation.
    pub transfer: Option<(Program, Program)>,
}

/// Stream or future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PayloadKind {
    /// `stream<T>`
    Stream,
    /// `future<T>`
    Future,
}

/// Fields of the built-ins' core imports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the specification")]
pub struct Intrinsics {
    pub new: String,
    pub read: String,
    pub write: String,
    pub cancel_read: String,
    pub cancel_write: String,
    pub drop_readable: String,
    pub drop_writable: String,
}

impl Intrinsics {
    /// Every built-in under the name generated code uses, in order.
    pub fn named(&self) -> [(&'static str, &str); 7] {
        [
            ("new", &self.new),
            ("read", &self.read),
            ("write", &self.write),
            ("cancel_read", &self.cancel_read),
            ("cancel_write", &self.cancel_write),
            ("drop_readable", &self.drop_readable),
            ("drop_writable", &self.drop_writable),
        ]
    }
}

/// Asks whether a function is bound asynchronously: its interface as in [`WorldKey`], the function, its direction.
pub type AsyncChoice<'c> = dyn FnMut(Option<&WorldKey>, &WitFunction, Direction) -> bool + 'c;

impl<'a> World<'a> {
    /// Collects the world. `choose_async` is asked for `async` functions only; others have the sync ABI.
    ///
    /// # Errors
    ///
    /// Everything in the world that is not supported, all at once.
    pub fn new(resolve: &'a Resolve, id: WorldId, choose_async: &mut AsyncChoice<'_>) -> Result<Self, Diagnostics> {
        Self::sharing(resolve, id, &Sharing::default(), choose_async)
    }

    /// As [`Self::new`], with types shared as `sharing` says.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sharing(
        resolve: &'a Resolve,
        id: WorldId,
        sharing: &Sharing,
        choose_async: &mut AsyncChoice<'_>,
    ) -> Result<Self, Diagnostics> {
        check::world(resolve, id)?;
        let types = Types::new(resolve, id, sharing)?;
        check::sizes(&types)?;
        let mut world = Self {
            types,
            id,
            imports: Vec::new(),
            exports: Vec::new(),
            payloads: Vec::new(),
        };
        world.imports = world.items(Direction::Import, choose_async);
        world.exports = world.items(Direction::Export, choose_async);
        Ok(world)
    }

    /// The resolve the world belongs to.
    pub fn resolve(&self) -> &'a Resolve {
        self.types.resolve
    }

    /// Imports and exports with their direction.
    pub fn items_with_direction(&self) -> impl Iterator<Item = (Direction, &Item)> {
        let imports = self.imports.iter().map(|item| (Direction::Import, item));
        imports.chain(self.exports.iter().map(|item| (Direction::Export, item)))
    }

    /// A resource of the world.
    ///
    /// # Panics
    ///
    /// If the type is none.
    pub fn resource(&self, id: TypeId) -> &Resource {
        let mut resources = self.items_with_direction().flat_map(|(_, item)| item.resources());
        let found = resources.find(|resource| resource.id == id);
        found.expect("the interfaces of all resources are items of the world")
    }

    fn items(&mut self, direction: Direction, choose_async: &mut AsyncChoice<'_>) -> Vec<Item> {
        let resolve = self.resolve();
        let world = &resolve.worlds[self.id];
        let items = if direction == Direction::Import {
            &world.imports
        } else {
            &world.exports
        };
        let mut collected = Vec::new();
        for (key, item) in items {
            collected.push(match item {
                WorldItem::Interface { id, .. } => {
                    let types = resolve.interfaces[*id].types.values();
                    let resources = types.filter(|id| matches!(resolve.types[**id].kind, TypeDefKind::Resource));
                    let resources = resources.map(|id| match direction {
                        Direction::Import => Resource::imported(resolve, Some(key), *id),
                        Direction::Export => Resource::exported(resolve, key, *id),
                    });
                    let functions = resolve.interfaces[*id].functions.values();
                    let functions = functions
                        .map(|func| self.function(Some(key), func, direction, choose_async))
                        .collect();
                    Item::Interface(Interface {
                        key: key.clone(),
                        id: *id,
                        resources: resources.collect(),
                        functions,
                    })
                }
                WorldItem::Function(func) => {
                    Item::Function(Box::new(self.function(None, func, direction, choose_async)))
                }
                WorldItem::Type { id, .. } if matches!(resolve.types[*id].kind, TypeDefKind::Resource) => {
                    Item::Resource(Resource::imported(resolve, None, *id))
                }
                WorldItem::Type { id, .. } => Item::Type(*id),
            });
        }
        collected
    }

    fn function(
        &mut self,
        key: Option<&WorldKey>,
        func: &WitFunction,
        direction: Direction,
        choose_async: &mut AsyncChoice<'_>,
    ) -> Function {
        let asynchronous = func.kind.is_async() && choose_async(key, func, direction);
        let exported = direction == Direction::Export;
        for id in func.find_futures_and_streams(self.resolve()) {
            self.add_payload(key, func, id, exported);
        }
        function(&self.types, key, func, exported, asynchronous)
    }

    fn add_payload(&mut self, interface: Option<&WorldKey>, func: &WitFunction, id: TypeId, exported: bool) {
        let resolve = self.resolve();
        let (kind, ty) = match &resolve.types[id].kind {
            TypeDefKind::Stream(ty) => (PayloadKind::Stream, *ty),
            TypeDefKind::Future(ty) => (PayloadKind::Future, *ty),
            kind => unreachable!("wit-parser lists streams and futures, not {}", kind.as_str()),
        };
        let key = ty.map_or_else(|| "()".to_owned(), |ty| structural_key(&self.types, &ty));
        if self
            .payloads
            .iter()
            .any(|payload| payload.kind == kind && payload.key == key)
        {
            return;
        }
        let cx = IntrinsicNames {
            resolve,
            interface,
            func,
            ty: ty.map(|_| id),
            exported,
        };
        let (module, intrinsics) = match kind {
            PayloadKind::Stream => cx.stream(),
            PayloadKind::Future => cx.future(),
        };
        let transfer = ty
            .filter(|ty| !self.types.is_plain(ty))
            .map(|ty| transfer(&self.types, &ty));
        let layout = self.types.payload_layout(ty.as_ref());
        self.payloads.push(Payload {
            kind,
            ty,
            key,
            layout,
            module,
            intrinsics,
            transfer,
        });
    }
}

struct IntrinsicNames<'a> {
    resolve: &'a Resolve,
    interface: Option<&'a WorldKey>,
    func: &'a WitFunction,
    ty: Option<TypeId>,
    exported: bool,
}

/// Only reads and writes are lowered with `async`: cancelling has no such form in the baseline (it is behind the feature 🚝).
impl IntrinsicNames<'_> {
    fn name(&self, import: WasmImport<'_>) -> (String, String) {
        self.resolve
            .wasm_import_name(ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback), import)
    }

    fn stream(&self) -> (String, Intrinsics) {
        use StreamIntrinsic::{CancelRead, CancelWrite, DropReadable, DropWritable, New, Read, Write};
        let Self {
            interface,
            func,
            ty,
            exported,
            ..
        } = *self;
        let all = [New, Read, Write, CancelRead, CancelWrite, DropReadable, DropWritable];
        in_order(all.map(|intrinsic| {
            let async_ = matches!(intrinsic, Read | Write);
            self.name(WasmImport::StreamIntrinsic {
                interface,
                func,
                ty,
                intrinsic,
                exported,
                async_,
            })
        }))
    }

    fn future(&self) -> (String, Intrinsics) {
        use FutureIntrinsic::{CancelRead, CancelWrite, DropReadable, DropWritable, New, Read, Write};
        let Self {
            interface,
            func,
            ty,
            exported,
            ..
        } = *self;
        let all = [New, Read, Write, CancelRead, CancelWrite, DropReadable, DropWritable];
        in_order(all.map(|intrinsic| {
            let async_ = matches!(intrinsic, Read | Write);
            self.name(WasmImport::FutureIntrinsic {
                interface,
                func,
                ty,
                intrinsic,
                exported,
                async_,
            })
        }))
    }
}

/// The module, which all have in common, and the fields: those of [`Intrinsics`] in order.
fn in_order(names: [(String, String); 7]) -> (String, Intrinsics) {
    let module = names[0].0.clone();
    let [
        new,
        read,
        write,
        cancel_read,
        cancel_write,
        drop_readable,
        drop_writable,
    ] = names.map(|(_, field)| field);
    (
        module,
        Intrinsics {
            new,
            read,
            write,
            cancel_read,
            cancel_write,
            drop_readable,
            drop_writable,
        },
    )
}

/// A name for the type that is equal for types bindings represent equally: aliases are followed, anonymous types are written out,
/// named ones are identified by their definition.
pub fn structural_key(types: &Types<'_>, ty: &Type) -> String {
    let resolve = types.resolve;
    let Type::Id(id) = dealias(resolve, *ty) else {
        return crate::abi::type_name(resolve, &dealias(resolve, *ty));
    };
    let of = |ty: &Type| structural_key(types, ty);
    let optional = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), of);
    match &resolve.types[id].kind {
        TypeDefKind::List(ty) => format!("list<{}>", of(ty)),
        TypeDefKind::FixedLengthList(ty, n) => format!("list<{}, {n}>", of(ty)),
        TypeDefKind::Map(key, value) => format!("map<{}, {}>", of(key), of(value)),
        TypeDefKind::Option(ty) => format!("option<{}>", of(ty)),
        TypeDefKind::Result(result) => format!("result<{}, {}>", optional(&result.ok), optional(&result.err)),
        TypeDefKind::Tuple(tuple) => format!("tuple<{}>", tuple.types.iter().map(of).collect::<Vec<_>>().join(", ")),
        TypeDefKind::Stream(ty) => format!("stream<{}>", optional(ty)),
        TypeDefKind::Future(ty) => format!("future<{}>", optional(ty)),
        TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", of(&Type::Id(*id))),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", of(&Type::Id(*id))),
        _ => format!("#{}", types.first(id).index()),
    }
}
