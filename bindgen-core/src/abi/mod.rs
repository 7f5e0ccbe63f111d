//! The Canonical ABI of functions and types, as instruction sequences.
//!
//! A [`Program`] is straight-line code over numbered values: each [`Op`] takes values, runs one [`Inst`] and gives values. Lists
//! and variants hold nested [`Block`]s, which may use values of the blocks around them. Every value has a [`Kind`], either a core
//! type or a WIT type, and the [`Builder`] checks each instruction's effect against them where it is emitted: a program that was
//! built is well typed.
//!
//! Conventions that emitters rely on:
//!
//! 1. *Lowering borrows, lifting owns.* Lowering reads a value and leaves it in place; strings and lists of plain numbers are
//!    passed by pointing into the value, everything else that needs memory is allocated through a clean-up list which outlives
//!    the host's reading. So results of exports and parameters of calls are freed by dropping the value and the clean-up list, and
//!    no program walks canonical memory to free it.
//! 2. *Handles are taken.* Lowering a stream, future or own handle takes the handle out of the value and notes where it came from,
//!    so that a call that was cancelled before it started gives it back. Lowering a borrow leaves the handle in place; a call that
//!    the host answers later notes what was lent. An error context is shared and stays as well, until the host has read it.
//! 3. *Named types are called.* A record or variant with a name is stored, loaded, lowered and lifted by one function each
//!    ([`named`]), which every use calls; only tuples, options, results and lists are written out where they occur.
//! 4. *Layout is symbolic.* Sizes and offsets are [`ArchitectureSize`]s: bytes plus a number of pointers.
//!
//! Sources: CanonicalABI.md, "Flattening", "Lifting and lowering values", "Storing" and "Loading", "canon lift", "canon lower".

pub(crate) mod call;
mod identity;
mod inst;
pub(crate) mod layout;
mod lift;
mod listing;
mod lower;
pub(crate) mod named;
mod program;
mod resource;

pub use call::{
    AsyncExport, AsyncImport, Function, FunctionAbi, Signature, SyncExport, SyncImport, TaskReturn, is_method,
};
pub use identity::{Sharing, SharingRule};
pub use inst::{Inst, MemOp, Scalar};
pub use layout::{Layout, TypeFacts, Types, cases, dealias, inner_types, is_resource};
pub use listing::{list_function, list_program, type_name};
pub use named::{NamedOp, named, transfer};
pub use program::{Block, Builder, Kind, Op, Program, ValueId};
pub use resource::{Definition, Resource};
pub use wit_parser::abi::WasmType;
pub use wit_parser::{Alignment, ArchitectureSize};
