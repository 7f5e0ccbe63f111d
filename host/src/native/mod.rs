//! What runs a guest that is linked into the process: stacks for its activations.
//!
//! Nothing here knows the Canonical ABI.

pub(crate) mod fiber;
