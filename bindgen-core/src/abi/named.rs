//! The four functions of a named record or variant.

use wit_parser::abi::WasmType;
use wit_parser::{Type, TypeId};

use super::layout::Types;
use super::lower::Address;
use super::program::{Builder, Kind, Program};

/// One of the functions a named type can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedOp {
    /// `value pointer ->`
    Store,
    /// `pointer -> value`
    Load,
    /// `value -> core..`
    Lower,
    /// `core.. -> value`
    Lift,
}

/// The body of a named type's function.
pub fn named(types: &Types<'_>, id: TypeId, op: NamedOp) -> Program {
    let value = Kind::wit(types.resolve, Type::Id(id));
    let pointer = Kind::Core(WasmType::Pointer);
    match op {
        NamedOp::Store => {
            let (mut builder, params) = Builder::new(types, &[value, pointer]);
            builder.store_def(id, params[0], Address::new(params[1]));
            builder.finish(Vec::new())
        }
        NamedOp::Load => {
            let (mut builder, params) = Builder::new(types, &[pointer]);
            let loaded = builder.load_def(id, Address::new(params[0]));
            builder.finish(vec![loaded])
        }
        NamedOp::Lower => {
            let (mut builder, params) = Builder::new(types, &[value]);
            let lowered = builder.lower_def(id, params[0]);
            builder.finish(lowered)
        }
        NamedOp::Lift => {
            let flat: Vec<Kind> = types.flat(&Type::Id(id)).into_iter().map(Kind::Core).collect();
            let (mut builder, params) = Builder::new(types, &flat);
            let lifted = builder.lift_def(id, &params);
            builder.finish(vec![lifted])
        }
    }
}

/// How one value of any type is stored and loaded, as the payload functions of streams and futures do.
pub fn transfer(types: &Types<'_>, ty: &Type) -> (Program, Program) {
    let value = Kind::wit(types.resolve, *ty);
    let pointer = Kind::Core(WasmType::Pointer);
    let (mut store, params) = Builder::new(types, &[value, pointer]);
    store.store(ty, params[0], Address::new(params[1]));
    let (mut load, params) = Builder::new(types, &[pointer]);
    let loaded = load.load(ty, Address::new(params[0]));
    (store.finish(Vec::new()), load.finish(vec![loaded]))
}
