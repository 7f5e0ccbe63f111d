//! Futures of the component model: a value that one side writes once and the other reads once.
//!
//! A writable end must not be dropped before its write was delivered, so every [`FutureWriter`] writes something: the
//! value given to it, or else a default.

mod reader;
mod writer;

pub use reader::{FutureRead, FutureReadMut, FutureReader};
pub use writer::{FutureWrite, FutureWriteCancel, FutureWriteError, FutureWriter};

use crate::rt::cleanup::Cleanup;
use crate::sys::{CancelFn, DropFn, FutureCopyFn, NewFn};

/// The canonical built-ins of one future type.
#[derive(Clone, Copy)]
pub struct FutureIntrinsics {
    /// `future.new`
    pub new: NewFn,
    /// `future.read`
    pub read: FutureCopyFn,
    /// `future.write`
    pub write: FutureCopyFn,
    /// `future.cancel-read`
    pub cancel_read: CancelFn,
    /// `future.cancel-write`
    pub cancel_write: CancelFn,
    /// `future.drop-readable`
    pub drop_readable: DropFn,
    /// `future.drop-writable`
    pub drop_writable: DropFn,
}

/// What generated code provides for one future type.
pub struct FutureVtable<T: 'static> {
    size: usize,
    align: usize,
    lower: Option<unsafe fn(&T, *mut u8, &mut Cleanup)>,
    lift: Option<unsafe fn(*mut u8) -> T>,
    intrinsics: FutureIntrinsics,
}

impl<T> FutureVtable<T> {
    /// `size` and `align` are those of the value in the canonical ABI. `lower` writes its canonical form, and `lift` reads
    /// it back; there is neither when the Rust value is its own canonical form.
    pub const fn new(
        size: usize,
        align: usize,
        lower: Option<unsafe fn(&T, *mut u8, &mut Cleanup)>,
        lift: Option<unsafe fn(*mut u8) -> T>,
        intrinsics: FutureIntrinsics,
    ) -> FutureVtable<T> {
        FutureVtable {
            size,
            align,
            lower,
            lift,
            intrinsics,
        }
    }
}

/// A new future. `default` makes the value that is written if the writer is dropped without having written.
pub fn future_new<T>(vtable: &'static FutureVtable<T>, default: fn() -> T) -> (FutureWriter<T>, FutureReader<T>) {
    // SAFETY: rule 8: the built-in is the one of this future type.
    let ends = unsafe { (vtable.intrinsics.new)() };
    // SAFETY: `future.new` returns two fresh ends: the readable one in the low half.
    unsafe {
        (
            FutureWriter::from_handle((ends >> 32) as u32, vtable, default),
            future_lift(ends as u32 as i32, vtable),
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
