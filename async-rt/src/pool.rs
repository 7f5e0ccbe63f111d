//! Memory for the runtime's own blocks: tasks, calls, ends, journal pages.
//!
//! On wasm, freed blocks go to per-instance free lists by size class, so that in a steady state no call, task or
//! operation touches the allocator (a pair of allocator calls costs more than everything else such a call does). A
//! native process uses the global allocator directly, so that Miri and sanitizers see every use after free.

use crate::sys;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::ptr;

/// Blocks are handed out in multiples of this many bytes.
const STEP: usize = 32;
/// Larger blocks than `CLASSES * STEP` bytes are not pooled.
const CLASSES: usize = 32;
/// Alignment of pooled blocks. Stricter ones are not pooled.
const ALIGN: usize = 16;

/// The free lists of one instance. The first word of a free block points to the next one.
pub(crate) struct Pool {
    free: [Cell<*mut u8>; CLASSES],
}

impl Pool {
    pub(crate) const fn new() -> Pool {
        Pool {
            free: [const { Cell::new(ptr::null_mut()) }; CLASSES],
        }
    }

    fn list(&self, layout: Layout) -> Option<(&Cell<*mut u8>, Layout)> {
        let class = layout.size().wrapping_sub(1) / STEP;
        let list = self.free.get(class)?;
        if layout.align() > ALIGN {
            return None;
        }
        // SAFETY: `ALIGN` is a power of two and the size is far below the limit.
        Some((list, unsafe {
            Layout::from_size_align_unchecked((class + 1) * STEP, ALIGN)
        }))
    }
}

/// Allocates from the global allocator; never returns null. The size of `layout` is not 0.
pub(crate) fn raw_alloc(layout: Layout) -> *mut u8 {
    // SAFETY: every caller passes a layout of non-zero size.
    let block = unsafe { alloc::alloc::alloc(layout) };
    if block.is_null() {
        sys::out_of_memory();
    }
    block
}

/// A block of at least `layout`; its size is not 0. Its contents are arbitrary.
pub(crate) fn take(layout: Layout) -> *mut u8 {
    if !sys::POOLED {
        return raw_alloc(layout);
    }
    let Some((list, class)) = sys::instance().pool.list(layout) else {
        return raw_alloc(layout);
    };
    let block = list.get();
    if block.is_null() {
        return raw_alloc(class);
    }
    // SAFETY: a block on a free list holds the pointer to the next in its first word, written by `give`.
    list.set(unsafe { block.cast::<*mut u8>().read() });
    block
}

/// Gives back a block from [`take`].
///
/// # Safety
///
/// `block` came from `take` with the same layout and nothing refers to it any more.
pub(crate) unsafe fn give(block: *mut u8, layout: Layout) {
    if sys::POOLED
        && let Some((list, _)) = sys::instance().pool.list(layout)
    {
        // SAFETY: the block is ours again, is at least a word long and aligned for one.
        unsafe { block.cast::<*mut u8>().write(list.get()) };
        list.set(block);
        return;
    }
    // SAFETY: unpooled blocks were allocated with exactly this layout.
    unsafe { alloc::alloc::dealloc(block, layout) }
}
