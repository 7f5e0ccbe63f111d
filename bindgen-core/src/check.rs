//! What a world must not contain, found before any program is made.
//!
//! Each refusal names the use that caused it, so that an error about a type says which parameter brought it in.

use std::collections::BTreeSet;

use wit_parser::{Handle, Resolve, Span, Type, TypeDefKind, TypeId, WorldId, WorldItem};

use crate::abi::{Types, dealias, inner_types, is_resource};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Reports everything in the world that bindings cannot be made for.
pub fn world(resolve: &Resolve, id: WorldId) -> Result<(), Diagnostics> {
    let mut check = Check {
        resolve,
        borrowed: holds(resolve, is_borrow),
        handles: holds(resolve, is_handle),
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

/// For each type whether it holds something of the given kind. `in_itself` is asked for types on their own.
fn holds(resolve: &Resolve, in_itself: impl Fn(&TypeDefKind) -> bool) -> Vec<bool> {
    let mut known: Vec<bool> = Vec::new();
    // Types come after those they hold.
    for (_, def) in resolve.types.iter() {
        let inner = inner_types(&def.kind);
        let mut inner = inner.iter().filter_map(|ty| match ty {
            Type::Id(id) => known.get(id.index()),
            _ => None,
        });
        known.push(inner.any(|holds| *holds) || in_itself(&def.kind));
    }
    known
}

fn is_borrow(kind: &TypeDefKind) -> bool {
    matches!(kind, TypeDefKind::Handle(Handle::Borrow(_)))
}

fn is_handle(kind: &TypeDefKind) -> bool {
    let handle = matches!(
        kind,
        TypeDefKind::Handle(_) | TypeDefKind::Stream(_) | TypeDefKind::Future(_)
    );
    handle || inner_types(kind).contains(&Type::ErrorContext)
}

/// The place a type is used at.
struct Use {
    span: Span,
    what: String,
}

struct Check<'a> {
    resolve: &'a Resolve,
    /// Which types hold a borrow, indexed like the types of the resolve.
    borrowed: Vec<bool>,
    /// Which types hold a handle of any kind.
    handles: Vec<bool>,
    seen: BTreeSet<(u32, u32)>,
    errors: Diagnostics,
}

impl Check<'_> {
    fn refuse(&mut self, span: Span, diagnostic: Diagnostic) {
        // A type used in several places is reported once for each place, an interface on both sides of the world only once.
        if self.seen.insert((span.start(), span.end())) || !span.is_known() {
            self.errors.push(diagnostic.at(self.resolve, span));
        }
    }

    fn function(&mut self, func: &wit_parser::Function) {
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
            // Named types are checked where they are defined.
            Type::Id(id) if self.resolve.types[*id].name.is_none() => self.def(*id, at),
            _ => {}
        }
    }

    /// Key and value of a map.
    fn entry(&mut self, key: &Type, value: &Type, at: &Use) {
        let handle = *value == Type::ErrorContext || matches!(value, Type::Id(id) if self.handles[id.index()]);
        if handle {
            let message = format!("{} is a map whose values hold a handle", at.what);
            let help =
                "values of the Component Model's maps hold no resources, streams or futures: use a list of tuples";
            self.refuse(at.span, Diagnostic::new(message).help(help));
        }
        self.ty(key, at);
        self.ty(value, at);
    }

    /// The payload of a stream or future.
    fn payload(&mut self, ty: &Type, at: &Use) {
        if matches!(ty, Type::Id(id) if self.borrowed[id.index()]) {
            let message = format!("{} is a stream or future of something that holds a `borrow`", at.what);
            let help = "a borrow ends with the call it was passed to, and a stream or future does not: pass the resource itself";
            self.refuse(at.span, Diagnostic::new(message).help(help));
        }
        self.ty(ty, at);
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
            TypeDefKind::Flags(flags) if flags.flags.len() > 32 => {
                let message = format!(
                    "{} has {} flags; the Component Model allows 32",
                    at.what,
                    flags.flags.len()
                );
                self.refuse(at.span, Diagnostic::new(message).help(TOO_MANY_FLAGS));
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
                let help = "the Component Model allows from 1 element to less than 2^28 bytes";
                self.refuse(at.span, Diagnostic::new(message).help(help));
            }
            TypeDefKind::Stream(Some(ty)) if dealias(self.resolve, *ty) == Type::Char => {
                let message = format!(
                    "{} is a `stream<char>`, which the Component Model does not have",
                    at.what
                );
                let help = "use a `stream<u8>` of UTF-8, or a `stream<string>`";
                self.refuse(at.span, Diagnostic::new(message).help(help));
            }
            TypeDefKind::Stream(Some(ty)) | TypeDefKind::Future(Some(ty)) => self.payload(ty, at),
            TypeDefKind::Map(key, value) => self.entry(key, value, at),
            kind => inner_types(kind).iter().for_each(|ty| self.ty(ty, at)),
        }
    }
}

/// The hint where `flags` have more than 32.
pub(crate) const TOO_MANY_FLAGS: &str = "split it into several `flags` types";

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
        if is_resource(resolve, id) {
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
