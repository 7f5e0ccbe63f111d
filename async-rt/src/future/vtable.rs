//! What generated code provides for one future type.

use super::block::Block;
use crate::pool;
use crate::rt::cleanup::Cleanup;
use crate::sys::{CancelFn, DropFn, FutureCopyFn, NewFn};
use core::mem;

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
    pub(super) size: usize,
    /// Room for a value to be read into.
    pub(super) area: pool::Block,
    /// The block of a write, with room for the canonical form of the value behind it.
    pub(super) write: pool::Block,
    pub(super) lower: Option<unsafe fn(&T, *mut u8, &mut Cleanup)>,
    pub(super) lift: Option<unsafe fn(*mut u8) -> T>,
    pub(super) intrinsics: FutureIntrinsics,
}

impl<T> FutureVtable<T> {
    /// `size` and `align` are those of the value in the canonical ABI. `lower` writes its canonical form, and `lift` reads
    /// it back; there is neither when the Rust value is its own canonical form.
    ///
    /// # Panics
    ///
    /// At compile time, if the value is larger or more strictly aligned than any of the canonical ABI.
    pub const fn new(
        size: usize,
        align: usize,
        lower: Option<unsafe fn(&T, *mut u8, &mut Cleanup)>,
        lift: Option<unsafe fn(*mut u8) -> T>,
        intrinsics: FutureIntrinsics,
    ) -> FutureVtable<T> {
        assert!(
            align <= mem::align_of::<u64>(),
            "no value of the canonical ABI has a stricter alignment"
        );
        FutureVtable {
            size,
            area: pool::Block::new::<u64>(if size == 0 { 1 } else { size }),
            write: pool::Block::new::<Block<T>>(Block::<T>::AREA + size),
            lower,
            lift,
            intrinsics,
        }
    }

    /// The value whose canonical form is at `from`.
    ///
    /// # Safety
    ///
    /// There is one, and it is not read again.
    #[inline]
    pub(super) unsafe fn value(&self, from: *mut u8) -> T {
        // SAFETY: rule 8 for `lift`; without it the bytes are the value.
        unsafe {
            match self.lift {
                Some(lift) => lift(from),
                None => from.cast::<T>().read(),
            }
        }
    }
}
