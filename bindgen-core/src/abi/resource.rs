//! A resource as the core module sees it: the built-ins for its handles and, where the guest defines it, its destructor.
//!
//! A handle is an index into the instance's table, whoever defines the resource. Its definer gives each resource a representation,
//! an `i32` that is its own business: `resource.new` makes a handle of it, `resource.rep` reads it, and the destructor gets it back.
//! A borrow that reaches the definer is the representation itself, and nothing has to be dropped.
//!
//! Sources: CanonicalABI.md, "canon resource.new", "canon resource.drop", "canon resource.rep", "Lifting" and "Lowering" of handles.

use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic, TypeId, WasmExport, WasmImport, WorldKey};

/// A resource of an imported or exported interface, or of the world itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The type.
    pub id: TypeId,
    /// Module of the core imports.
    pub module: String,
    /// Field of `resource.drop`.
    pub drop: String,
    /// What the guest has to do with it if it defines the resource.
    pub definition: Option<Definition>,
}

/// What only the definer of a resource has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Field of `resource.new`: representation to handle.
    pub new: String,
    /// Field of `resource.rep`: handle to representation.
    pub rep: String,
    /// Name of the core export that drops a representation.
    pub destructor: String,
}

/// Names are mangled alike for functions of both ABIs.
const MANGLING: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

impl Resource {
    /// A resource that somebody else defines.
    pub(crate) fn imported(resolve: &Resolve, interface: Option<&WorldKey>, id: TypeId) -> Self {
        let (module, drop) = intrinsic(resolve, interface, id, ResourceIntrinsic::ImportedDrop);
        Self {
            id,
            module,
            drop,
            definition: None,
        }
    }

    /// A resource of an interface that the guest exports.
    pub(crate) fn exported(resolve: &Resolve, interface: &WorldKey, id: TypeId) -> Self {
        let name = |name| intrinsic(resolve, Some(interface), id, name);
        let (module, drop) = name(ResourceIntrinsic::ExportedDrop);
        let destructor = WasmExport::ResourceDtor {
            interface,
            resource: id,
        };
        let definition = Definition {
            new: name(ResourceIntrinsic::ExportedNew).1,
            rep: name(ResourceIntrinsic::ExportedRep).1,
            destructor: resolve.wasm_export_name(MANGLING, destructor),
        };
        Self {
            id,
            module,
            drop,
            definition: Some(definition),
        }
    }
}

fn intrinsic(
    resolve: &Resolve,
    interface: Option<&WorldKey>,
    resource: TypeId,
    intrinsic: ResourceIntrinsic,
) -> (String, String) {
    let import = WasmImport::ResourceIntrinsic {
        interface,
        resource,
        intrinsic,
    };
    resolve.wasm_import_name(MANGLING, import)
}
