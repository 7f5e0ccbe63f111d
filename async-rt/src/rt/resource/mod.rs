//! Resources: handles, what is lent during calls, and the representations of resources the guest defines.
//!
//! Bindings make a struct of each resource, with a [`Handle`] as its only field; dropping that drops the handle. A method of an
//! imported resource borrows it. How long the handle has to stay in the table depends on the call:
//!
//! * A *synchronous* call is over when it returns, and until then the reference the caller passed keeps the resource.
//! * An *asynchronous* call may be pending when its future is forgotten, and a reference is worth nothing then. So the call
//!   takes out a [`Loan`](loan::Loan) on the handle, which outlives the resource if it must: the last of the two drops the handle.
//!
//! A resource with loans cannot be given away, since the host would trap. The borrow checker sees to it, unless a future
//! was forgotten; then it is a panic.
//!
//! A borrow that an export receives is the representation itself if the guest defines the resource (`XBorrow`), and a handle
//! otherwise. Such handles belong to the call: [`Borrows`] keeps them, hands out references, and drops them when the call
//! ends.

mod borrows;
mod given;
mod handle;
mod implement;
pub(super) mod loan;

pub use borrows::Borrows;
pub use given::{ByNumber, Given};
pub use handle::{Handle, WasmResource, borrow_lift, borrow_lower, own_lift, own_lower};
pub use implement::{
    Defined, ImplementedBy, Resource, ResourceRep, resource_drop_rep, resource_get, resource_get_borrowed,
    resource_get_mut, resource_into_inner, resource_new,
};
