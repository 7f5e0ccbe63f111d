//! [`Builtin`]: the canonical built-ins, by what they do, callable with core values.
//!
//! Whoever links core code finds out which built-in an import names, and the types it is for; a call then checks the core
//! values, does what the specification's section of that name says, and leaves the call's text in a trap that it raises.

mod copies;
mod errors;
mod slots;
mod waiting;

use super::end_kind::EndKind;
use super::lift::end_at;
use super::memory::CoreVal;
use super::observe::Step;
use super::store::Store;
use super::task;
use super::trap::{Result, Rule, Trap, trap};
use super::ty::{CoreType, FuncType, ResourceIndex, Type};
use super::{resource_ops, subtask};
use std::fmt;
use std::rc::Rc;

/// The payload of a stream or future that a built-in is for, and which of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Whether it is a future.
    pub is_future: bool,
    /// The type, if there is a payload.
    pub ty: Option<Type>,
}

impl Payload {
    fn kind(&self, readable: bool) -> EndKind {
        match (self.is_future, readable) {
            (false, true) => EndKind::StreamReadable,
            (false, false) => EndKind::StreamWritable,
            (true, true) => EndKind::FutureReadable,
            (true, false) => EndKind::FutureWritable,
        }
    }
}

/// A canonical built-in.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the variants are the built-ins under their own names")]
pub enum Builtin {
    ResourceNew(ResourceIndex),
    ResourceRep(ResourceIndex),
    ResourceDrop(ResourceIndex),
    ContextGet(u32),
    ContextSet(u32),
    BackpressureInc,
    BackpressureDec,
    /// For an export of this type.
    TaskReturn(Rc<FuncType>),
    TaskCancel,
    WaitableSetNew,
    WaitableSetWait {
        cancellable: bool,
    },
    WaitableSetPoll {
        cancellable: bool,
    },
    WaitableSetDrop,
    WaitableJoin,
    SubtaskCancel {
        is_async: bool,
    },
    SubtaskDrop,
    ThreadYield {
        cancellable: bool,
    },
    EndsNew(Payload),
    Read {
        payload: Payload,
        is_async: bool,
    },
    Write {
        payload: Payload,
        is_async: bool,
    },
    CancelRead {
        payload: Payload,
        is_async: bool,
    },
    CancelWrite {
        payload: Payload,
        is_async: bool,
    },
    DropReadable(Payload),
    DropWritable(Payload),
    ErrorContextNew,
    ErrorContextDebugMessage,
    ErrorContextDrop,
}

/// The core arguments of a built-in, checked.
struct Args<'a>(&'a [CoreVal]);

impl Args<'_> {
    fn word(&self, index: usize) -> u32 {
        self.0[index].bits() as u32
    }

    fn length(&self, index: usize) -> usize {
        self.0[index].bits() as usize
    }

    fn pointer(&self, index: usize) -> *mut u8 {
        match self.0[index] {
            CoreVal::Ptr(pointer) => pointer,
            _ => super::memory::address(0),
        }
    }
}

impl Builtin {
    /// The name in the specification.
    pub fn name(&self) -> &'static str {
        let pick = |payload: &Payload, stream, future| if payload.is_future { future } else { stream };
        match self {
            Builtin::ResourceNew(_) => "resource.new",
            Builtin::ResourceRep(_) => "resource.rep",
            Builtin::ResourceDrop(_) => "resource.drop",
            Builtin::ContextGet(_) => "context.get",
            Builtin::ContextSet(_) => "context.set",
            Builtin::BackpressureInc => "backpressure.inc",
            Builtin::BackpressureDec => "backpressure.dec",
            Builtin::TaskReturn(_) => "task.return",
            Builtin::TaskCancel => "task.cancel",
            Builtin::WaitableSetNew => "waitable-set.new",
            Builtin::WaitableSetWait { .. } => "waitable-set.wait",
            Builtin::WaitableSetPoll { .. } => "waitable-set.poll",
            Builtin::WaitableSetDrop => "waitable-set.drop",
            Builtin::WaitableJoin => "waitable.join",
            Builtin::SubtaskCancel { .. } => "subtask.cancel",
            Builtin::SubtaskDrop => "subtask.drop",
            Builtin::ThreadYield { .. } => "thread.yield",
            Builtin::EndsNew(payload) => pick(payload, "stream.new", "future.new"),
            Builtin::Read { payload, .. } => pick(payload, "stream.read", "future.read"),
            Builtin::Write { payload, .. } => pick(payload, "stream.write", "future.write"),
            Builtin::CancelRead { payload, .. } => pick(payload, "stream.cancel-read", "future.cancel-read"),
            Builtin::CancelWrite { payload, .. } => pick(payload, "stream.cancel-write", "future.cancel-write"),
            Builtin::DropReadable(payload) => pick(payload, "stream.drop-readable", "future.drop-readable"),
            Builtin::DropWritable(payload) => pick(payload, "stream.drop-writable", "future.drop-writable"),
            Builtin::ErrorContextNew => "error-context.new",
            Builtin::ErrorContextDebugMessage => "error-context.debug-message",
            Builtin::ErrorContextDrop => "error-context.drop",
        }
    }

    /// Whether what it does depends on how far a peer is, which may be the host.
    fn concerns_peers(&self) -> bool {
        matches!(
            self,
            Builtin::WaitableSetWait { .. }
                | Builtin::WaitableSetPoll { .. }
                | Builtin::WaitableJoin
                | Builtin::SubtaskCancel { .. }
                | Builtin::Read { .. }
                | Builtin::Write { .. }
                | Builtin::CancelRead { .. }
                | Builtin::CancelWrite { .. }
                | Builtin::DropReadable(_)
                | Builtin::DropWritable(_)
        )
    }

    /// The core types of the arguments. Those of `task.return` depend on the export.
    pub(crate) fn params(&self) -> Option<&'static [CoreType]> {
        use CoreType::{I32, Len, Ptr};
        Some(match self {
            Builtin::TaskReturn(_) => return None,
            Builtin::BackpressureInc | Builtin::BackpressureDec | Builtin::TaskCancel => &[],
            Builtin::WaitableSetNew | Builtin::ContextGet(_) => &[],
            Builtin::ThreadYield { .. } | Builtin::EndsNew(_) => &[],
            Builtin::ContextSet(_) => &[Ptr],
            Builtin::WaitableSetWait { .. } | Builtin::WaitableSetPoll { .. } => &[I32, Ptr],
            Builtin::WaitableJoin => &[I32, I32],
            Builtin::Read { payload, .. } | Builtin::Write { payload, .. } => {
                if payload.is_future {
                    &[I32, Ptr]
                } else {
                    &[I32, Ptr, Len]
                }
            }
            Builtin::ErrorContextNew => &[Ptr, Len],
            Builtin::ErrorContextDebugMessage => &[I32, Ptr],
            _ => &[I32],
        })
    }

    /// Calls the built-in from the activation that is running.
    ///
    /// # Errors
    /// The trap, if a rule was broken.
    pub fn call(&self, store: &Store, args: &[CoreVal]) -> Result<Option<CoreVal>> {
        called(store, &Calling::new(Callable::BuiltIn(self.name()), args), args, || {
            if self.concerns_peers() {
                store.let_host_act();
            }
            if let Some(params) = self.params()
                && !params.iter().copied().eq(args.iter().map(CoreVal::ty))
            {
                return Err(Trap::new(Rule::CoreSignature).with(format!("its parameters are {params:?}")));
            }
            self.run(store, args)
        })
    }

    fn run(&self, store: &Store, core: &[CoreVal]) -> Result<Option<CoreVal>> {
        let args = Args(core);
        let word = |value: u32| Ok(Some(CoreVal::I32(value as i32)));
        let nothing = |()| None;
        match self {
            Builtin::ResourceNew(ty) => word(resource_ops::new(store, *ty, args.word(0))?),
            Builtin::ResourceRep(ty) => word(resource_ops::rep(store, *ty, args.word(0))?),
            Builtin::ResourceDrop(ty) => resource_ops::drop(store, *ty, args.word(0)).map(nothing),
            Builtin::ContextGet(slot) => slots::context_get(store, *slot),
            Builtin::ContextSet(slot) => slots::context_set(store, *slot, args.pointer(0)).map(nothing),
            Builtin::BackpressureInc => slots::backpressure(store, 1).map(nothing),
            Builtin::BackpressureDec => slots::backpressure(store, -1).map(nothing),
            Builtin::TaskReturn(ty) => task::task_return(store, ty, core).map(nothing),
            Builtin::TaskCancel => task::task_cancel(store).map(nothing),
            Builtin::WaitableSetNew => word(waiting::set_new(store)?),
            Builtin::WaitableSetWait { cancellable } => {
                word(waiting::set_wait(store, *cancellable, args.word(0), args.pointer(1))?)
            }
            Builtin::WaitableSetPoll { cancellable } => {
                word(waiting::set_poll(store, *cancellable, args.word(0), args.pointer(1))?)
            }
            Builtin::WaitableSetDrop => waiting::set_drop(store, args.word(0)).map(nothing),
            Builtin::WaitableJoin => waiting::join(store, args.word(0), args.word(1)).map(nothing),
            Builtin::SubtaskCancel { is_async } => word(subtask::cancel(store, *is_async, args.word(0))?),
            Builtin::SubtaskDrop => subtask::drop(store, args.word(0)).map(nothing),
            Builtin::ThreadYield { cancellable } => word(waiting::thread_yield(store, *cancellable)?),
            Builtin::EndsNew(payload) => Ok(Some(CoreVal::I64(copies::ends_new(store, payload)? as i64))),
            Builtin::ErrorContextNew => word(errors::error_context_new(store, args.pointer(0), args.length(1))?),
            Builtin::ErrorContextDebugMessage => {
                errors::debug_message(store, args.word(0), args.pointer(1)).map(nothing)
            }
            Builtin::ErrorContextDrop => errors::error_context_drop(store, args.word(0)).map(nothing),
            _ => self.run_at_end(store, &args),
        }
    }

    /// The built-ins at an end of a stream or future.
    fn run_at_end(&self, store: &Store, args: &Args<'_>) -> Result<Option<CoreVal>> {
        let word = |value: u32| Ok(Some(CoreVal::I32(value as i32)));
        let index = args.word(0);
        let (payload, readable) = match self {
            Builtin::Read { payload, .. } | Builtin::CancelRead { payload, .. } | Builtin::DropReadable(payload) => {
                (payload, true)
            }
            Builtin::Write { payload, .. } | Builtin::CancelWrite { payload, .. } | Builtin::DropWritable(payload) => {
                (payload, false)
            }
            _ => return trap(Rule::UnknownImport),
        };
        let instance = store.running_instance()?;
        let end = end_at(&instance, index, payload.kind(readable), payload.ty.as_ref())?;
        match self {
            Builtin::Read { is_async, .. } | Builtin::Write { is_async, .. } => {
                let length = if payload.is_future { 1 } else { args.length(2) };
                word(copies::copy(
                    store,
                    &instance,
                    &end,
                    *is_async,
                    args.pointer(1),
                    length,
                )?)
            }
            Builtin::CancelRead { is_async, .. } | Builtin::CancelWrite { is_async, .. } => {
                word(copies::cancel_copy(store, &end, *is_async)?)
            }
            _ => {
                end.close(store, index)?;
                instance.remove(index)?;
                Ok(None)
            }
        }
    }
}

/// What core code can call.
#[derive(Clone, Debug)]
pub(crate) enum Callable {
    /// By its name in the specification.
    BuiltIn(&'static str),
    /// By its name in reports.
    Import(Rc<str>),
}

/// A call of core code, to be shown in messages and traces. It is noted at each call, so it is small and kept as it is.
#[derive(Clone, Debug)]
pub(crate) struct Calling {
    callee: Callable,
    /// The first arguments: those of built-ins are at most three, and more would tell little.
    args: [Option<CoreVal>; SHOWN],
    count: usize,
}

/// How many arguments are shown.
const SHOWN: usize = 4;

impl Calling {
    pub(crate) fn new(callee: Callable, args: &[CoreVal]) -> Calling {
        let mut shown = [None; SHOWN];
        shown.iter_mut().zip(args).for_each(|(shown, arg)| *shown = Some(*arg));
        Calling {
            callee,
            args: shown,
            count: args.len(),
        }
    }

    fn name(&self) -> &str {
        match &self.callee {
            Callable::BuiltIn(name) => name,
            Callable::Import(name) => name,
        }
    }
}

impl fmt::Display for Calling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        let args: Vec<_> = self.args.iter().flatten().copied().collect();
        let more = if self.count > SHOWN { ", ..." } else { "" };
        write!(f, "{name}({}{more})", list(&args))
    }
}

/// Core values as text. Addresses differ from run to run, and what is shown must not.
fn list(args: &[CoreVal]) -> String {
    args.iter().map(CoreVal::to_string).collect::<Vec<_>>().join(", ")
}

/// Runs a call of core code, showing it to the observer, and completes the trap it may end in.
pub(crate) fn called(
    store: &Store,
    calling: &Calling,
    args: &[CoreVal],
    body: impl FnOnce() -> Result<Option<CoreVal>>,
) -> Result<Option<CoreVal>> {
    let caller = store.current();
    let instance = caller.as_ref().map_or("", |thread| thread.instance.name());
    let task = || caller.as_ref().and_then(|thread| thread.describe());
    let name = calling.name();
    store.observe(|| Step::Call {
        instance,
        task: task(),
        name,
        args,
    });
    if let Some(thread) = &caller {
        thread.calling.replace(Some(calling.clone()));
    }
    let outcome = store.count_call().and_then(|()| body()).map_err(|mut trap| {
        if trap.call.is_none() {
            trap.call = Some(calling.to_string());
            trap.instance = caller.as_ref().map(|thread| thread.instance.name().clone());
            trap.task = caller.as_ref().and_then(|thread| thread.describe());
        }
        trap
    });
    if let Ok(result) = outcome {
        store.observe(|| Step::Return {
            instance,
            task: task(),
            name,
            result,
        });
    }
    outcome
}

impl subtask::Lowered {
    /// Calls the function as [`Lowered::call`](subtask::Lowered::call) does, as a call of core code of its instance.
    ///
    /// # Errors
    /// The trap, if a rule was broken on the way, by whomever.
    pub fn call_import(&self, store: &Store, args: &[CoreVal]) -> Result<Option<CoreVal>> {
        called(
            store,
            &Calling::new(Callable::Import(self.name().clone()), args),
            args,
            || self.call(store, args),
        )
    }
}
