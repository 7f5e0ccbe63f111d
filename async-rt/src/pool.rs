//! Memory for the runtime's own blocks: tasks, calls, ends, journal pages.
//!
//! On wasm, freed blocks go to per-instance free lists by size class, so that in a steady state no call, task or
//! operation touches the allocator (a pair of allocator calls costs more than everything else such a call does). A
//! native process uses the global allocator directly, so that Miri and sanitizers see every use after free.

use crate::sys;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::hint;
use core::ptr;

/// Blocks are handed out in multiples of this many bytes.
const STEP: usize = 32;
/// Larger blocks than `CLASSES * STEP` bytes are not pooled.
const CLASSES: usize = 32;
/// Alignment of pooled blocks, which every allocator of a wasm guest gives without ado. Stricter ones are not pooled.
const ALIGN: usize = 8;

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
}

/// Allocates from the global allocator; never returns null. The size of `layout` is not 0.
fn alloc_exactly(layout: Layout) -> *mut u8 {
    // SAFETY: every caller passes a layout of non-zero size.
    let block = unsafe { alloc::alloc::alloc(layout) };
    if block.is_null() {
        sys::out_of_memory();
    }
    block
}

/// Memory for values of the canonical ABI: the size is not 0 and the alignment at most 8.
pub(crate) fn raw_alloc(layout: Layout) -> *mut u8 {
    // SAFETY: no type of the canonical ABI has a stricter alignment (rule 8). Knowing it keeps the allocator's code for
    // strict alignments out of guests.
    unsafe { hint::assert_unchecked(layout.align() <= ALIGN) };
    alloc_exactly(layout)
}

/// A block of at least `layout`, whose size is not 0. Its contents are arbitrary.
#[inline]
pub(crate) fn take(layout: Layout) -> *mut u8 {
    // Alignments are known at compile time wherever this is inlined, so only one branch is left.
    if sys::POOLED && layout.align() <= ALIGN {
        take_pooled(layout.size())
    } else {
        alloc_exactly(layout)
    }
}

/// Gives back a block from [`take`].
///
/// # Safety
///
/// `block` came from `take` with the same layout and nothing refers to it any more.
#[inline]
pub(crate) unsafe fn give(block: *mut u8, layout: Layout) {
    // SAFETY: promised by the caller; blocks go back the way they came.
    unsafe {
        if sys::POOLED && layout.align() <= ALIGN {
            give_pooled(block, layout.size());
        } else {
            alloc::alloc::dealloc(block, layout);
        }
    }
}

/// The layout a pooled block of this size has.
fn class_layout(size: usize) -> Layout {
    // SAFETY: `ALIGN` is a power of two, and a size that came from a layout is far from overflowing.
    unsafe { Layout::from_size_align_unchecked((size + STEP - 1) & !(STEP - 1), ALIGN) }
}

fn take_pooled(size: usize) -> *mut u8 {
    let list = sys::instance().pool.free.get(size.wrapping_sub(1) / STEP);
    if let Some(list) = list {
        let block = list.get();
        if !block.is_null() {
            // SAFETY: a block on a free list holds the pointer to the next in its first word, written by `give_pooled`.
            list.set(unsafe { block.cast::<*mut u8>().read() });
            return block;
        }
    }
    alloc_exactly(class_layout(size))
}

/// # Safety
///
/// As for [`give`].
unsafe fn give_pooled(block: *mut u8, size: usize) {
    let list = sys::instance().pool.free.get(size.wrapping_sub(1) / STEP);
    // SAFETY: the block is ours again, is at least a word long and aligned for one; larger ones were allocated with this
    // layout.
    unsafe {
        match list {
            Some(list) => {
                block.cast::<*mut u8>().write(list.get());
                list.set(block);
            }
            None => alloc::alloc::dealloc(block, class_layout(size)),
        }
    }
}
