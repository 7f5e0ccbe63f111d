//! The Canonical ABI: the state machines of the component model, free of any engine.
//!
//! Written from the specification of August 2026 and nothing else. A [`Store`] holds instances and schedules their tasks; core
//! code is functions over [`CoreVal`]s and a [`Memory`]; what blocks is suspended on [`Stacks`]. Neither wasm nor Rust guests
//! are known here: `native` runs the latter.
//!
//! # Map
//!
//! `ty`, `value` and `memory` are what moves; `lift`, `lower` and `transcode` move it. `table` and `instance` hold handles;
//! `waitable`, `subtask`, `copy` and `resource` are what handles stand for. `task` and `thread` are what runs, and `store` with
//! `schedule` runs it. `builtins` is what core code calls, by the names in `names`; `host_call` and `host_end` are what the host calls. `profile`, `choose` and `fault` say what
//! the specification leaves open, `trap` what it forbids, `observe`, `report` and `fingerprint` show what happens.
//!
//! # Rules
//!
//! 1. **One thread of control.** A store and everything in it is used from one thread at a time, handed on with its stacks.
//! 2. **No borrow across guest code.** No cell is borrowed while core code, the chooser, the observer or a callback of the host
//!    is called: any of them may come back here, and a trap leaves their callers where they stand for good.
//! 3. **First trap wins.** After it nothing runs; every operation gives the same trap.

mod buffer;
mod builtins;
mod call;
mod choose;
#[cfg(all(test, feature = "native"))]
mod conformance;
mod copy;
mod end_kind;
mod errctx;
mod fault;
mod fingerprint;
mod host_call;
mod host_end;
mod instance;
mod lift;
#[cfg(all(test, feature = "native"))]
mod linear;
mod lower;
mod memory;
mod names;
mod observe;
mod profile;
#[cfg(all(test, feature = "native"))]
mod reference;
mod report;
mod resource;
mod resource_ops;
mod schedule;
mod store;
mod subtask;
mod table;
mod task;
mod thread;
mod transcode;
mod trap;
mod ty;
mod value;
mod waitable;

pub use builtins::{Builtin, Payload};
pub use call::Func;
pub use choose::{Actor, Canonical, Choice, Choose};
pub use copy::{BLOCKED, CopyResult};
pub use errctx::ErrorContext;
pub use fault::Fault;
pub use fingerprint::Fnv;
pub use host_call::{Done, HostBody, HostCall, Invocation, host_func, invoke};
pub use host_end::{HostCopy, HostEnd};
pub use instance::{CoreFunc, CoreParts, Instance, Realloc, StringEncoding};
pub use memory::{Access, CoreVal, Lease, Memory};
pub use names::{CopyOp, ImportName, Interface, ResourceOp, parse_import};
pub use observe::{HostPhase, Observer, Step};
pub use profile::{Profile, RacyCancel, Reentrance};
pub use report::{Report, Waiting};
pub use resource::ResourceType;
pub(crate) use schedule::{ActorKind, Turn, actor};
pub use store::{Bystander, Store};
pub use subtask::{Lowered, SubtaskState};
pub use task::{LiftOptions, lift};
pub use thread::{Stack, Stacks};
pub use trap::{Result, Rule, Trap};
pub use ty::{Case, CoreType, Field, FuncType, Layout, ResourceIndex, Type, Width};
pub use value::{Chunk, OwnedResource, Readable, Value};
pub use waitable::{Event, EventCode};
