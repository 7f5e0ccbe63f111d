//! The memory of guests, checked: which blocks are theirs, and which of them the host was lent.
//!
//! A test binary that installs [`CheckedAllocator`] has every block registered that a guest allocates, with the call it
//! happened in. The host says which areas it was lent and for how long ([`lend`]); it is told when an area is not what
//! the guest says it is, and later when the guest changed or freed it too early. At the end of an instance the blocks that are
//! still alive are its leaks ([`live`]). In a binary without the allocator all this does nothing, see [`is_active`].
//!
//! # Whose block it is
//!
//! A cell of the thread says for which activation guest code runs ([`Scope`]). The host sets it where it enters a guest
//! ([`in_guest`]) and clears it where the guest enters the host ([`in_host`]), so that the host's own allocations are not
//! the guest's. A fiber suspends only in the host, hence with the cell clear: nothing is saved when fibers switch. Blocks
//! may be freed anywhere.
//!
//! # What happens to a freed block
//!
//! Its bytes are overwritten and it stays out of use for a while, so that who uses it later is seen: a freed area that
//! is lent, a block freed twice, and bytes that have changed when the block is finally given back. A block that is freed while
//! it is lent stays until the host gives it back; what the host does to it meanwhile is no undefined behaviour. Under Miri,
//! which sees such things itself, only the last kind of block is kept.
//!
//! # Reports
//!
//! The allocator cannot fail a test, so what it notices is kept for the host to fetch ([`take_reports`]). What the host asks
//! about is answered at once.
//!
//! # Rules
//!
//! Every `unsafe` block here cites one of these, or the contract of its function.
//!
//! 1. **The system's blocks.** A block that is registered, or was and is kept, is a block of the system's allocator with
//!    the layout that is recorded; its pointer has the provenance the system gave it.
//! 2. **Kept is ours.** A block that was freed and is kept belongs to the registry alone: its owner has given it up. It is
//!    given to the system once, by whoever takes it out of the registry.
//! 3. **No detour.** While the registry is busy on a thread, what that thread allocates goes straight to the system, and no
//!    lock is taken twice. Nothing in it panics.

mod allocator;
mod lease;
mod places;
mod quarantine;
mod registry;
mod report;
mod scope;
#[cfg(test)]
mod tests;

pub use allocator::CheckedAllocator;
pub(crate) use lease::{Access, Lease, lend};
#[cfg(test)]
pub(crate) use registry::live;
pub(crate) use registry::{retire, take_reports};
pub(crate) use report::Report;
pub(crate) use scope::{Instance, Name, Scope, in_guest, in_host, is_active};
