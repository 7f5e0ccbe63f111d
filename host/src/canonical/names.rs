//! [`ImportName`]: what the name of a core import stands for.
//!
//! The names are those of the mangling that wit-component understands, the only one that has asynchronous functions. A name
//! says which built-in is meant and for which function; which types that function has, the embedder knows.

use super::builtins::{Builtin, Payload};
use super::ty::{FuncType, Type};

/// Where a function or resource is: in an interface, or, without one, in the world.
pub type Interface<'a> = Option<&'a str>;

/// A core import.
#[derive(Clone, Debug)]
pub enum ImportName<'a> {
    /// A function the world imports.
    Func {
        /// Where it is.
        interface: Interface<'a>,
        /// Its name in WIT.
        name: &'a str,
        /// Whether it is lowered with `async`.
        is_async: bool,
    },
    /// A built-in for a resource type.
    Resource {
        /// Where it is.
        interface: Interface<'a>,
        /// Whether the instance exports it.
        exported: bool,
        /// Its name in WIT.
        resource: &'a str,
        /// What is to be done.
        op: ResourceOp,
    },
    /// `task.return` of an exported function.
    TaskReturn {
        /// Where the function is.
        interface: Interface<'a>,
        /// Its name in WIT.
        name: &'a str,
    },
    /// A built-in for the streams or futures of one payload type of a function.
    Copy {
        /// Where the function is.
        interface: Interface<'a>,
        /// Whether it is exported.
        exported: bool,
        /// Its name in WIT.
        name: &'a str,
        /// Which of the streams and futures in its type it is; none for those without payload.
        ordinal: Option<usize>,
        /// Whether it is a future.
        is_future: bool,
        /// Whether the built-in has its asynchronous form.
        is_async: bool,
        /// What is to be done.
        op: CopyOp,
    },
    /// A built-in that needs no types.
    Plain(Builtin),
}

/// A built-in for a resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the built-ins under their own names")]
pub enum ResourceOp {
    New,
    Rep,
    Drop,
}

/// A built-in for streams or futures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the built-ins under their own names")]
pub enum CopyOp {
    New,
    Read,
    Write,
    CancelRead,
    CancelWrite,
    DropReadable,
    DropWritable,
}

impl CopyOp {
    /// The built-in for a payload.
    pub fn builtin(self, payload: Payload, is_async: bool) -> Builtin {
        match self {
            CopyOp::New => Builtin::EndsNew(payload),
            CopyOp::Read => Builtin::Read { payload, is_async },
            CopyOp::Write => Builtin::Write { payload, is_async },
            CopyOp::CancelRead => Builtin::CancelRead { payload, is_async },
            CopyOp::CancelWrite => Builtin::CancelWrite { payload, is_async },
            CopyOp::DropReadable => Builtin::DropReadable(payload),
            CopyOp::DropWritable => Builtin::DropWritable(payload),
        }
    }
}

/// What the import `field` of `module` stands for, or nothing when it is no name there is.
pub fn parse_import<'a>(module: &'a str, field: &'a str) -> Option<ImportName<'a>> {
    let (exported, place) = match module.strip_prefix("[export]") {
        Some(rest) => (true, rest),
        None => (false, module),
    };
    let interface = (place != "$root").then_some(place);
    let (is_async, rest) = match field.strip_prefix("[async-lower]") {
        Some(rest) => (true, rest),
        None => (false, field),
    };
    let Some((tag, name)) = split_tag(rest) else {
        return (!exported).then_some(ImportName::Func {
            interface,
            name: rest,
            is_async,
        });
    };
    if let Some(op) = resource_op(tag) {
        return Some(ImportName::Resource {
            interface,
            exported,
            resource: name,
            op,
        });
    }
    if tag == "task-return" && exported {
        return Some(ImportName::TaskReturn { interface, name });
    }
    if let Some((is_future, op, ordinal)) = copy_op(tag) {
        return Some(ImportName::Copy {
            interface,
            exported,
            name,
            ordinal,
            is_future,
            is_async,
            op,
        });
    }
    if matches!(tag, "method" | "static" | "constructor") {
        return (!exported).then_some(ImportName::Func {
            interface,
            name: rest,
            is_async,
        });
    }
    plain(tag, name, is_async).map(ImportName::Plain)
}

/// `[tag]name`.
fn split_tag(field: &str) -> Option<(&str, &str)> {
    field.strip_prefix('[')?.split_once(']')
}

fn resource_op(tag: &str) -> Option<ResourceOp> {
    Some(match tag {
        "resource-new" => ResourceOp::New,
        "resource-rep" => ResourceOp::Rep,
        "resource-drop" => ResourceOp::Drop,
        _ => return None,
    })
}

/// `stream-cancel-read-0` and the like.
fn copy_op(tag: &str) -> Option<(bool, CopyOp, Option<usize>)> {
    let (is_future, rest) = match tag.strip_prefix("future-") {
        Some(rest) => (true, rest),
        None => (false, tag.strip_prefix("stream-")?),
    };
    let (op, ordinal) = rest.rsplit_once('-')?;
    let op = match op {
        "new" => CopyOp::New,
        "read" => CopyOp::Read,
        "write" => CopyOp::Write,
        "cancel-read" => CopyOp::CancelRead,
        "cancel-write" => CopyOp::CancelWrite,
        "drop-readable" => CopyOp::DropReadable,
        "drop-writable" => CopyOp::DropWritable,
        _ => return None,
    };
    let ordinal = if ordinal == "unit" {
        None
    } else {
        Some(ordinal.parse().ok()?)
    };
    Some((is_future, op, ordinal))
}

fn plain(tag: &str, name: &str, is_async: bool) -> Option<Builtin> {
    if tag == "cancellable" {
        return match split_tag(name)? {
            ("waitable-set-wait", "") => Some(Builtin::WaitableSetWait { cancellable: true }),
            ("waitable-set-poll", "") => Some(Builtin::WaitableSetPoll { cancellable: true }),
            ("thread-yield", "") => Some(Builtin::ThreadYield { cancellable: true }),
            _ => None,
        };
    }
    if !name.is_empty() {
        return None;
    }
    Some(match tag {
        "context-get-0" => Builtin::ContextGet(0),
        "context-get-1" => Builtin::ContextGet(1),
        "context-set-0" => Builtin::ContextSet(0),
        "context-set-1" => Builtin::ContextSet(1),
        "backpressure-inc" => Builtin::BackpressureInc,
        "backpressure-dec" => Builtin::BackpressureDec,
        "task-cancel" => Builtin::TaskCancel,
        "waitable-set-new" => Builtin::WaitableSetNew,
        "waitable-set-wait" => Builtin::WaitableSetWait { cancellable: false },
        "waitable-set-poll" => Builtin::WaitableSetPoll { cancellable: false },
        "waitable-set-drop" => Builtin::WaitableSetDrop,
        "waitable-join" => Builtin::WaitableJoin,
        "subtask-cancel" => Builtin::SubtaskCancel { is_async },
        "subtask-drop" => Builtin::SubtaskDrop,
        "thread-yield" => Builtin::ThreadYield { cancellable: false },
        "error-context-new-utf8" => Builtin::ErrorContextNew,
        "error-context-debug-message-utf8" => Builtin::ErrorContextDebugMessage,
        "error-context-drop" => Builtin::ErrorContextDrop,
        _ => return None,
    })
}

impl FuncType {
    /// The streams and futures in the type, in the order in which names number them: parameters before the result, and
    /// what is inside a payload before the stream or future around it.
    pub fn payloads(&self) -> Vec<Payload> {
        let mut found = Vec::new();
        self.params.iter().for_each(|(_, ty)| find(ty, &mut found));
        self.result.iter().for_each(|ty| find(ty, &mut found));
        found
    }
}

fn find(ty: &Type, found: &mut Vec<Payload>) {
    match ty {
        Type::Stream(payload) | Type::Future(payload) => {
            payload.iter().for_each(|ty| find(ty, found));
            let is_future = matches!(ty, Type::Future(_));
            found.push(Payload {
                is_future,
                ty: payload.as_deref().cloned(),
            });
        }
        Type::List(item) | Type::FixedLengthList(item, _) | Type::Option(item) => find(item, found),
        Type::Map(key, value) => {
            find(key, found);
            find(value, found);
        }
        Type::Record(fields) => fields.iter().for_each(|field| find(&field.ty, found)),
        Type::Tuple(types) => types.iter().for_each(|ty| find(ty, found)),
        Type::Variant(cases) => cases
            .iter()
            .filter_map(|case| case.ty.as_ref())
            .for_each(|ty| find(ty, found)),
        Type::Result(ok, err) => [ok, err].into_iter().flatten().for_each(|ty| find(ty, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Builtin, CopyOp, FuncType, ImportName, Payload, ResourceOp, Type, parse_import};
    use std::sync::Arc;

    #[test]
    fn functions_of_interfaces_and_of_the_world() {
        let Some(ImportName::Func {
            interface: Some("a:b/c@1.0.0"),
            name: "f",
            is_async: true,
        }) = parse_import("a:b/c@1.0.0", "[async-lower]f")
        else {
            panic!("an asynchronous function of an interface")
        };
        let Some(ImportName::Func {
            interface: None,
            name: "[method]r.f",
            is_async: false,
        }) = parse_import("$root", "[method]r.f")
        else {
            panic!("a method of the world")
        };
        assert!(parse_import("[export]a:b/c", "f").is_none());
    }

    #[test]
    fn built_ins() {
        let Some(ImportName::Copy {
            interface: Some("a:b/c"),
            exported: true,
            name: "f",
            ordinal: Some(12),
            is_future: true,
            is_async: false,
            op: CopyOp::CancelRead,
        }) = parse_import("[export]a:b/c", "[future-cancel-read-12]f")
        else {
            panic!("a cancel")
        };
        let Some(ImportName::Copy {
            ordinal: None,
            is_async: true,
            op: CopyOp::Write,
            ..
        }) = parse_import("$root", "[async-lower][stream-write-unit]")
        else {
            panic!("a write of nothing")
        };
        let Some(ImportName::Resource {
            exported: false,
            resource: "r",
            op: ResourceOp::Drop,
            ..
        }) = parse_import("a:b/c", "[resource-drop]r")
        else {
            panic!("a drop")
        };
        let Some(ImportName::TaskReturn {
            interface: None,
            name: "run",
        }) = parse_import("[export]$root", "[task-return]run")
        else {
            panic!("a return")
        };
        let Some(ImportName::Plain(Builtin::WaitableSetWait { cancellable: true })) =
            parse_import("$root", "[cancellable][waitable-set-wait]")
        else {
            panic!("a wait")
        };
        assert!(parse_import("$root", "[waitable-set-rejoice]").is_none());
    }

    #[test]
    fn payloads_are_numbered_from_the_inside() {
        let future = |ty| Type::Future(Some(Arc::new(ty)));
        let ty = FuncType {
            params: vec![("x".into(), future(future(Type::U32)))],
            result: Some(Type::Stream(Some(Arc::new(Type::String)))),
            is_async: false,
        };
        let payload = |is_future, ty| Payload {
            is_future,
            ty: Some(ty),
        };
        let expected = [
            payload(true, Type::U32),
            payload(true, future(Type::U32)),
            payload(false, Type::String),
        ];
        assert_eq!(ty.payloads(), expected);
    }
}
