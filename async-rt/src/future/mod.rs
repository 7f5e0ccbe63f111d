//! Futures of the component model: a value that one side writes once and the other reads once.
//!
//! A writable end must not be dropped before its write was delivered, so every [`FutureWriter`] writes something: the
//! value given to it, or else a default.

mod block;
mod feed;
mod reader;
mod vtable;
mod writer;

pub(crate) use block::Unattended;
pub use feed::from_future;
pub use reader::{FutureRead, FutureReadMut, FutureReader};
pub use vtable::{FutureIntrinsics, FutureVtable};
pub use writer::{FutureWrite, FutureWriteCancel, FutureWriteError, FutureWriter};

use crate::copy::fresh_ends;
use crate::rt::cleanup::Cleanup;

/// A new future. `default` makes the value that is written if the writer is dropped without having written.
pub fn future_new<T>(vtable: &'static FutureVtable<T>, default: fn() -> T) -> (FutureWriter<T>, FutureReader<T>) {
    // SAFETY: rule 8: the built-in is the one of this future type, and its ends are fresh.
    unsafe {
        let (readable, writable) = fresh_ends(vtable.intrinsics.new);
        (
            FutureWriter::from_handle(writable, vtable, default),
            future_lift(readable as i32, vtable),
        )
    }
}

/// The readable end the host passed.
///
/// # Safety
///
/// `handle` is the readable end of a future of this type, and nobody else's.
pub unsafe fn future_lift<T>(handle: i32, vtable: &'static FutureVtable<T>) -> FutureReader<T> {
    // SAFETY: promised by the caller.
    unsafe { FutureReader::from_handle(handle as u32, vtable) }
}

/// Takes the readable end out of a reader in order to pass it on, noting it in `cleanup`.
///
/// A value that has already arrived is passed on through a future of its own.
///
/// # Safety
///
/// The reader stays where it is until `cleanup` is dropped, forgotten or restored.
pub unsafe fn future_lower<T>(reader: &FutureReader<T>, cleanup: &mut Cleanup) -> i32 {
    // SAFETY: promised by the caller.
    unsafe { reader.lower(cleanup) as i32 }
}
