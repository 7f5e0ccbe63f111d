//! What a world must not contain, found before any program is made.
//!
//! Each refusal names the use that caused it, so that an error about a type says which parameter brought it in.

use std::collections::BTreeSet;

use wit_parser::{FunctionKind, Resolve, Span, Type, TypeDefKind, TypeId, WorldId, WorldItem};

use crate::abi::{Types, dealias, inner_types};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Reports everything in the world that bindings cannot be made for.
pub fn world(resolve: &Resolve, id: WorldId) -> Result<(), Diagnostics> {
    let mut check = Check {
        resolve,
        seen: BTreeSet::new(),
        errors: Diagnostics::default(),
    };
    let world = &resolve.worlds[id];
    for item in world.imports.values().chain(world.exports.values()) {
        match item {
            WorldItem::Interface { id, .. } => {
                let interface = &resolve.interfaces[*id];
                interface.types.values().for_each(|id| check.named_type(*id));
                interface.functions.values().for_each(|func| check.function(func));
            }
            WorldItem::Function(func) => check.function(func),
            WorldItem::Type { id, .. } => check.named_type(*id),
        }
    }
    check.errors.finish()
}

/// The place a type is used at.
struct Use {
    span: Span,
    what: String,
}

struct Check<'a> {
    resolve: &'a Resolve,
    seen: BTreeSet<(u32, u32)>,
    errors: Diagnostics,
}

impl Check<'_> {
    fn refuse(&mut self, span: Span, message: String, help: &str) {
        // A type used in several places is reported once for each place, an interface on both sides of the world only once.
        if self.seen.insert((span.start(), span.end())) || !span.is_known() {
            self.errors
                .push(Diagnostic::new(message).at(self.resolve, span).help(help));
        }
    }

    fn function(&mut self, func: &wit_parser::Function) {
        match func.kind {
            FunctionKind::Freestanding | FunctionKind::AsyncFreestanding => {}
            _ => {
                let message = format!(
                    "`{}` belongs to a resource, and resources are not supported yet",
                    func.item_name()
                );
                self.refuse(func.span, message, "free functions and all other types work");
                return;
            }
        }
        for param in &func.params {
            let what = format!("parameter `{}` of `{}`", param.name, func.name);
            self.ty(&param.ty, &Use { span: param.span, what });
        }
        if let Some(ty) = &func.result {
            self.ty(
                ty,
                &Use {
                    span: func.span,
                    what: format!("the result of `{}`", func.name),
                },
            );
        }
    }

    fn named_type(&mut self, id: TypeId) {
        let def = &self.resolve.types[id];
        let name = def.name.as_deref().unwrap_or("type");
        self.def(
            id,
            &Use {
                span: def.span,
                what: format!("type `{name}`"),
            },
        );
    }

    fn ty(&mut self, ty: &Type, at: &Use) {
        match ty {
            Type::ErrorContext => {
                let message = format!("{} holds an `error-context`, which is not supported yet", at.what);
                self.refuse(at.span, message, "use a `string` for the message");
            }
            // Named types are checked where they are defined.
            Type::Id(id) if self.resolve.types[*id].name.is_some() => {
                if matches!(dealias(self.resolve, *ty), Type::Id(id) if matches!(self.resolve.types[id].kind, TypeDefKind::Resource))
                {
                    self.resource(at);
                }
            }
            Type::Id(id) => self.def(*id, at),
            _ => {}
        }
    }

    fn resource(&mut self, at: &Use) {
        let message = format!(
            "{} is or holds a resource, and resources are not supported yet",
            at.what
        );
        self.refuse(at.span, message, "free functions and all other types work");
    }

    /// Elements of a fixed-length list, those of its elements counted.
    fn fixed_elements(&self, id: TypeId) -> u64 {
        match &self.resolve.types[id].kind {
            TypeDefKind::FixedLengthList(element, n) => match dealias(self.resolve, *element) {
                Type::Id(id) => u64::from(*n).saturating_mul(self.fixed_elements(id)),
                _ => u64::from(*n),
            },
            _ => 1,
        }
    }

    fn def(&mut self, id: TypeId, at: &Use) {
        match &self.resolve.types[id].kind {
            TypeDefKind::Resource | TypeDefKind::Handle(_) => self.resource(at),
            TypeDefKind::Flags(flags) if flags.flags.len() > 32 => {
                let message = format!(
                    "{} has {} flags; the Component Model allows 32",
                    at.what,
                    flags.flags.len()
                );
                self.refuse(at.span, message, "split it into several `flags` types");
            }
            TypeDefKind::Record(record) => {
                for field in &record.fields {
                    self.ty(
                        &field.ty,
                        &Use {
                            span: field.span,
                            what: format!("field `{}` of {}", field.name, at.what),
                        },
                    );
                }
            }
            TypeDefKind::Variant(variant) => {
                for case in &variant.cases {
                    if let Some(ty) = &case.ty {
                        self.ty(
                            ty,
                            &Use {
                                span: case.span,
                                what: format!("case `{}` of {}", case.name, at.what),
                            },
                        );
                    }
                }
            }
            TypeDefKind::FixedLengthList(..) if !(1..MAX_BYTES).contains(&self.fixed_elements(id)) => {
                let message = format!(
                    "{} is a fixed-length list of {} elements",
                    at.what,
                    self.fixed_elements(id)
                );
                self.refuse(
                    at.span,
                    message,
                    "the Component Model allows from 1 element to less than 2^28 bytes",
                );
            }
            TypeDefKind::Stream(Some(ty)) if dealias(self.resolve, *ty) == Type::Char => {
                let message = format!(
                    "{} is a `stream<char>`, which the Component Model does not have",
                    at.what
                );
                self.refuse(at.span, message, "use a `stream<u8>` of UTF-8, or a `stream<string>`");
            }
            kind => inner_types(kind).iter().for_each(|ty| self.ty(ty, at)),
        }
    }
}

/// The Component Model's bound of a value in memory.
const MAX_BYTES: u64 = 1 << 28;

/// How many parts a type may have where it is written out, so that code for it stays within bounds.
const MAX_PARTS: u64 = 10_000;

/// Reports types whose values or whose code would be too large. Sizes are known here, so it comes after [`world`].
pub fn sizes(types: &Types<'_>) -> Result<(), Diagnostics> {
    let resolve = types.resolve;
    let mut errors = Diagnostics::default();
    let mut parts: Vec<u64> = Vec::new();
    for (id, def) in resolve.types.iter() {
        if matches!(def.kind, TypeDefKind::Resource) {
            parts.push(1);
            continue;
        }
        let of = |ty: &Type| match ty {
            Type::Id(id) if types.is_named(*id) => 1,
            Type::Id(id) => parts.get(id.index()).copied().unwrap_or(1),
            _ => 1,
        };
        let inner: u64 = inner_types(&def.kind).iter().map(of).fold(1, u64::saturating_add);
        parts.push(inner);
        let size = types.layout(&Type::Id(id)).size.size_wasm64() as u64;
        if size >= MAX_BYTES || inner > MAX_PARTS {
            let name = def.name.as_deref().unwrap_or("a type");
            let message = format!("`{name}` is too large: {size} bytes in {inner} parts");
            let help = "the Component Model allows less than 2^28 bytes, witflow 10000 parts: use records, which are \
                        counted once, and lists";
            errors.push(Diagnostic::new(message).at(resolve, def.span).help(help));
            // What holds it is too large because of it.
            return Err(errors);
        }
    }
    errors.finish()
}
