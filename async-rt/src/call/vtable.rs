//! What generated code provides for one imported function.

use super::block::Block;
use crate::pool;
use crate::rt::cleanup::Cleanup;
use alloc::alloc::Layout;
use core::mem;

/// What generated code provides for one imported function.
pub struct CallVtable<P, R> {
    /// The block of a call, with its area.
    pub(super) block: pool::Block,
    pub(super) start: Start<P>,
    pub(super) lift: unsafe fn(*mut u8) -> R,
}

/// How a call is made: the function lowers the parameters, calls the import and returns the status word.
pub(super) enum Start<P> {
    /// Lowering leaves nothing behind.
    Plain(unsafe fn(&P, *mut u8) -> u32),
    /// Lowering leaves memory and handles behind.
    Cleaning(unsafe fn(&P, *mut u8, &mut Cleanup) -> u32),
    /// And the parameters hold references to resources the call borrows.
    Lending(unsafe fn(&P, *mut u8, &mut Cleanup) -> u32),
}

impl<P, R> CallVtable<P, R> {
    const fn with(area: usize, start: Start<P>, lift: unsafe fn(*mut u8) -> R) -> CallVtable<P, R> {
        let align = mem::align_of::<Block<P>>();
        let align = if align < 8 { 8 } else { align };
        let Ok(layout) = Layout::from_size_align(Block::<P>::AREA + area, align) else {
            panic!("the area is larger than the address space")
        };
        let block = pool::Block::new(layout);
        CallVtable { block, start, lift }
    }

    /// `area` bytes, aligned to 8, are what the lowered parameters and the result need together. `start` lowers the
    /// parameters, calls the import and returns the status word; `lift` lifts the result from the same area.
    ///
    /// # Panics
    ///
    /// If the area is larger than any of the canonical ABI.
    pub const fn new(
        area: usize,
        start: unsafe fn(&P, *mut u8, &mut Cleanup) -> u32,
        lift: unsafe fn(*mut u8) -> R,
    ) -> CallVtable<P, R> {
        CallVtable::with(area, Start::Cleaning(start), lift)
    }

    /// The same for parameters whose lowering leaves nothing to clean up.
    ///
    /// # Panics
    ///
    /// As [`CallVtable::new`].
    pub const fn plain(
        area: usize,
        start: unsafe fn(&P, *mut u8) -> u32,
        lift: unsafe fn(*mut u8) -> R,
    ) -> CallVtable<P, R> {
        CallVtable::with(area, Start::Plain(start), lift)
    }

    /// The same for parameters that hold references to resources the call borrows.
    ///
    /// # Panics
    ///
    /// As [`CallVtable::new`].
    pub const fn lending(
        area: usize,
        start: unsafe fn(&P, *mut u8, &mut Cleanup) -> u32,
        lift: unsafe fn(*mut u8) -> R,
    ) -> CallVtable<P, R> {
        CallVtable::with(area, Start::Lending(start), lift)
    }
}
