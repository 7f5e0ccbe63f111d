//! The `component-type` section of a guest: its WIT world, encoded as a component.
//!
//! A guest's core module says nothing about the WIT types of its imports and exports. Tools that turn the module into a
//! component (`wasm-component-ld`, `wasm-tools component new`) learn them from this section. It is a component which
//! exports one component type; that type exports another one, the world: an import for each import, an export for each
//! export.
//!
//! The order of the definitions, and which of them are shared, follows `wit-component` byte for byte, so that a section
//! written here and one written by another bindings generator can be merged and compared. Three things this module
//! refuses to do: it writes no `producers` section, it does not validate what it wrote (the component tools do), and it
//! knows UTF-8 as the only string encoding.

mod binary;
mod error;
mod types;
mod world;

use binary::{Declarations, Extern, ExternName};
use wit_parser::{Resolve, WorldId};

pub use error::Error;

/// The custom section inside the component that says how to read the rest of it.
const ENCODING_SECTION: &str = "wit-component-encoding";

/// Version 4 of the format, strings in UTF-8.
const ENCODING: [u8; 2] = [4, 0];

/// Encodes `world` as the content of a `component-type` custom section.
///
/// The name of the section is the caller's: it has to begin with `component-type`, and sections of one name are
/// concatenated by the linker, so each world needs a name of its own.
///
/// # Errors
///
/// If the world can't be encoded: see [`Error`]. Worlds that `wit-parser` resolved from text encode; those which were
/// built or changed by hand may not.
///
/// # Panics
///
/// If an item of `resolve` refers to one of another `Resolve`. `wit-parser` makes none that does.
pub fn encode(resolve: &Resolve, world: WorldId) -> Result<Vec<u8>, Error> {
    let Some(world) = resolve.worlds.get(world) else {
        return Err(Error::new("the world", "it is not part of this `Resolve`"));
    };
    let Some(package) = world.package else {
        return Err(Error::new(
            format!("world `{}`", world.name),
            "it belongs to no package",
        ));
    };

    let mut wrapper = Declarations::default();
    wrapper.define().component(&world::Encoder::new(resolve).encode(world)?);
    let id = resolve.id_of_name(package, &world.name);
    wrapper.export(&ExternName::plain(&id), Extern::Component(0));
    Ok(binary::component((ENCODING_SECTION, &ENCODING), &world.name, &wrapper))
}
