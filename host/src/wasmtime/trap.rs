//! Carries errors across Wasmtime, in both directions, with their causes.

use crate::cx::{Cx, Waiting};
use crate::error::{Error, Exit, Trap};
use std::fmt;

/// One of our errors inside one of Wasmtime's.
struct Ours(Error);

impl fmt::Debug for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Ours {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Wraps one of our errors for Wasmtime to carry.
pub(crate) fn into_wasmtime(error: Error) -> wasmtime::Error {
    wasmtime::Error::new(Ours(error))
}

/// An error of Wasmtime's, or of ours that it carried, as one of ours.
pub(crate) fn from_wasmtime(error: wasmtime::Error) -> Error {
    match error.downcast::<Ours>() {
        Ok(Ours(error)) => error,
        Err(error) => Error::from_boxed(error.into()),
    }
}

/// An error that ended the store's event loop: a trap, or a host function's failure. Names the calls in flight.
pub(crate) fn trap(error: wasmtime::Error, cx: &Cx) -> Error {
    let calls = cx.names(Waiting::Call);
    if error.downcast_ref::<Ours>().is_some() {
        let error = from_wasmtime(error);
        return match calls.as_slice() {
            [] => error,
            calls => error.context(format!("while `{}` was running", calls.join("`, `"))),
        };
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Error::new(Exit { code: exit.0 });
    }
    let reason = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Error::new(Trap { calls, reason })
}
