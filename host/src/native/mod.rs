//! The side of the host that runs guests which are linked into the process.
//!
//! A guest is what `export!` makes of a type: its core functions and the description of its world. Nothing of it is
//! WebAssembly. [`crate::canonical`] says what its calls mean; this module gives that module what it needs of a process, and
//! puts the API of this crate on top.
//!
//! | file | what it does |
//! |---|---|
//! | `world` | reads the description of a world |
//! | `program` | a guest before it is instantiated |
//! | `linker`, `links` | a linker's definitions, and exports of other instances, meet a guest's imports |
//! | `compose` | several guests as one |
//! | `guest` | an instance: its core functions, and who answers its imports |
//! | `imports` | which built-in or function the name of a core import means |
//! | `stacks`, `apart`, `fiber` | the stacks that guest code runs on, those of one thread and those of one for each instance |
//! | `memory` | the memory of the process, as the Canonical ABI sees it |
//! | `heap` | which of that memory belongs to guests, and what the host was lent of it |
//! | `store`, `beat` | the event loop, and whose turn it is |
//! | `handle` | keeps a store on its thread |
//! | `tasks` | the futures that run beside the guests |
//! | `functions`, `calls` | host functions that guests call; exports that the host calls |
//! | `transfer` | joins ends of streams and futures to the host's channels |
//! | `typed`, `lists`, `derived`, `values` | conversions of values: of Rust types, of tuples, of derived ones, of [`Val`](crate::Val) |
//! | `held` | what the host holds for guests: ends, resources, error contexts |
//! | `resources` | resources that the host implements |
//!
//! # Safety
//!
//! 1. **Core calls.** The core functions of a guest are called with arguments of their core signatures, which the Canonical
//!    ABI computes from the types of the world they are described by. `export!` writes both.
//! 2. **The installed host.** A guest is installed as its thread's host while its code runs, and only then; whoever calls
//!    the code holds the guest.
//! 3. **Abandoned stacks.** A stack is given up only when its store is poisoned or ends. No guest code of the store runs
//!    after that, so nothing follows pointers to what was on it.

mod apart;
mod beat;
pub(crate) mod calls;
mod compose;
mod derived;
mod fiber;
mod functions;
mod guest;
mod handle;
pub(crate) mod heap;
mod held;
mod imports;
pub(crate) mod linker;
mod links;
mod lists;
mod memory;
mod program;
mod resources;
mod stacks;
mod store;
mod tasks;
mod transfer;
mod typed;
mod values;
mod world;

#[cfg(test)]
pub(crate) use fiber::Backend;
#[cfg(test)]
pub(crate) use stacks::NativeStacks;

pub(crate) use beat::Step;
pub(crate) use compose::compose;
pub use derived::{
    CaseFrom, Check, RecordFrom, RecordTo, case_to, check_enum, check_flags, check_record, check_variant, flag_bits,
};
pub(crate) use fiber::fresh_thread;
pub(crate) use functions::HostBody;
pub(crate) use guest::message as panic_message;
pub(crate) use handle::StoreHandle;
pub(crate) use held::{ErrorContextHandle, GuestFutureAny, GuestStreamAny, ResourceHandle};
pub(crate) use links::{Link, links_of};
pub(crate) use lists::NativeList;
pub(crate) use program::Program;
pub use store::NativeStore;
pub(crate) use store::{Func, Job, ResourceTypeId};
pub(crate) use transfer::{GuestFuture, GuestStream, future_into_value, stream_into_value};
pub use typed::Natively;

pub use crate::canonical::{Type, Value};
