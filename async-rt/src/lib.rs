//! The guest runtime of witflow: tasks, calls, streams and futures of the Component Model.
//!
//! # Map
//!
//! `sys` is the seam to whatever runs the guest, and `heap` an allocator that a guest may choose. Above it, `instance` keeps who waits for
//! which waitable, unless a task keeps it itself, `cabi` is the interface with other runtimes, and `waitable` one operation that the host
//! answers later. `task` runs exports; `call`, `stream` and `future` are what they wait for, the latter two sharing `copy`. `rt` is what
//! generated code uses, `async_support` what people use.
//!
//! # Rules
//!
//! Every `unsafe` block cites one of these, or the contract of the function it is in.
//!
//! 1. **One thread at a time.** The state of an instance, and every block that belongs to it, is touched only on a thread
//!    where that instance is the current one, and by one such thread at a time. On wasm that is trivially so. Natively
//!    values record their instance ([`sys`]'s `InstanceId`) and check it before they touch anything; a destructor that
//!    finds its instance gone does nothing. Only reference counts and the done flag of a node are used from elsewhere, and
//!    they are atomic.
//! 2. **Blocks.** Tasks, nodes, calls, ports and writes are heap blocks reached by raw pointers that cover the whole block.
//!    Shared parts are cells; no `&mut` to a block is made. A block is freed by the owner its file names.
//! 3. **No borrows across the host.** No reference to the contents of a cell is held while a built-in, an import, a waker,
//!    or user code is called: any of them may re-enter the runtime.
//! 4. **Registered means alive.** A pointer in the slot table, in a task (`alone`), or handed to a foreign task, is removed before its
//!    block is freed, and before its handle is dropped: the host reuses numbers at once.
//! 5. **Memory in flight.** Memory the host was given belongs to a block, or to a buffer owned by one or by an end, and is
//!    not moved, written or freed before the host's answer was seen. Forgetting the owner leaks it.
//! 6. **One place for a handle.** A handle is in exactly one cell, end or block; 0 means that it is elsewhere.
//! 7. **Futures are pinned.** The future of a node is polled and dropped in its block, and dropped exactly once.
//! 8. **Generated tables are right.** Sizes, alignments, lifting, lowering and built-ins in a vtable are those of its type.
//! 9. **The C ABI is kept.** Whatever publishes a `wasip3_task` keeps the contract described in `cabi`.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod abi;
pub mod async_support;
mod cabi;
mod call;
mod copy;
mod future;
#[doc(hidden)]
pub mod heap;
mod instance;
mod pool;
#[doc(hidden)]
pub mod rt;
mod stream;
#[doc(hidden)]
pub mod sys;
mod task;
mod waitable;
