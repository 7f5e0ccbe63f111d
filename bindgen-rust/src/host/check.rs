//! What a host has no Rust types for, though a guest has.

use wit_parser::{LiveTypes, TypeDefKind};
use witflow_bindgen_core::diagnostic::{Diagnostic, Diagnostics};
use witflow_bindgen_core::world::World;

/// The longest tuple that stands for something in WIT, and the longest list of parameters.
const LONGEST: usize = 17;

/// Reports functions that the host cannot define or call with types.
pub(super) fn functions(world: &World<'_>, errors: &mut Diagnostics) {
    let resolve = world.resolve();
    for function in world.items_with_direction().flat_map(|(_, item)| item.functions()) {
        let func = &function.func;
        if func.params.len() > LONGEST {
            let message = format!(
                "`{}` has {} parameters; a host's have up to {LONGEST}",
                func.name,
                func.params.len()
            );
            let help = "pass a record, or leave the function out with `skip` and define it by hand";
            errors.push(Diagnostic::new(message).help(help).at(resolve, func.span));
        }
        let mut live = LiveTypes::default();
        let params = func.params.iter().map(|param| &param.ty);
        params.chain(&func.result).for_each(|ty| live.add_type(resolve, ty));
        let longest = live.iter().filter_map(|id| match &resolve.types[id].kind {
            TypeDefKind::Tuple(tuple) => Some(tuple.types.len()),
            _ => None,
        });
        if let Some(length) = longest.max().filter(|length| *length > LONGEST) {
            let message = format!(
                "`{}` has a tuple of {length} values; a host's have up to {LONGEST}",
                func.name
            );
            let help = "use a record, or leave the function out with `skip` and define it by hand";
            errors.push(Diagnostic::new(message).help(help).at(resolve, func.span));
        }
    }
}
