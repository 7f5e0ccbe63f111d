//! [`ErrorContext`]: a message that travels by reference.

/// An error context. Several handles, in several instances, may stand for one.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorContext {
    /// What the guest said, unless the host dropped it.
    pub message: String,
}
