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

/// Small blocks are handed out in multiples of this many bytes, larger ones in powers of two.
const STEP: usize = 32;
/// How many classes of small blocks there are.
const SMALL: usize = 32;
/// All classes: the largest holds more than a call can need.
const CLASSES: usize = SMALL + 19;
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

/// A layout, and the number of its free list, worked out ahead.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    /// How far the list is from the first, in bytes.
    offset: usize,
    layout: Layout,
}

/// The size of a list.
const LIST: usize = core::mem::size_of::<Cell<*mut u8>>();

impl Block {
    /// Works out the class of a layout whose size is not 0.
    pub(crate) const fn new(layout: Layout) -> Block {
        let class = if !sys::POOLED || layout.align() > ALIGN {
            // None: such blocks are not pooled.
            CLASSES
        } else if layout.size() <= SMALL * STEP {
            (layout.size() - 1) / STEP
        } else {
            // 11 bits are the first too many for a small block.
            let bits = (usize::BITS - (layout.size() - 1).leading_zeros()) as usize;
            SMALL + bits - 11
        };
        assert!(class <= CLASSES, "no value of the canonical ABI is that large");
        Block {
            offset: class * LIST,
            layout,
        }
    }

    const fn class(self) -> usize {
        self.offset / LIST
    }

    /// The layout pooled blocks of this class have.
    const fn rounded(self) -> Layout {
        let class = self.class();
        let size = if class < SMALL {
            (class + 1) * STEP
        } else {
            1 << (class - SMALL + 11)
        };
        // SAFETY: `ALIGN` is a power of two, and no class is as large as the address space.
        unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
    }

    /// The free list of the current instance, for blocks that are pooled.
    #[inline(always)]
    fn list(self) -> &'static Cell<*mut u8> {
        // SAFETY: pooled blocks have a class below `CLASSES`.
        unsafe { &*sys::instance().pool.free.as_ptr().byte_add(self.offset) }
    }

    /// A block with arbitrary contents. `pooled` says that blocks of this kind are, as far as is known at compile time.
    #[inline(always)]
    fn take(self, pooled: bool) -> *mut u8 {
        if !pooled {
            return alloc_exactly(self.layout);
        }
        let list = self.list();
        let block = list.get();
        if block.is_null() {
            return alloc_rounded(self);
        }
        // SAFETY: a block on a free list holds the pointer to the next in its first word, written by `give`.
        list.set(unsafe { block.cast::<*mut u8>().read() });
        block
    }

    /// # Safety
    ///
    /// `block` came from `take` of the same, and nothing refers to it any more.
    #[inline(always)]
    unsafe fn give(self, block: *mut u8, pooled: bool) {
        // SAFETY: promised by the caller; blocks go back the way they came. A pooled one is at least a word long and
        // aligned for one.
        unsafe {
            if pooled {
                let list = self.list();
                block.cast::<*mut u8>().write(list.get());
                list.set(block);
            } else {
                alloc::alloc::dealloc(block, self.layout);
            }
        }
    }

    /// As [`take`], for a block aligned as `T` at least whose size is not known at compile time.
    #[inline(always)]
    pub(crate) fn take_for<T>(self) -> *mut u8 {
        self.take(sys::POOLED && core::mem::align_of::<T>() <= ALIGN)
    }

    /// Gives back a block from [`Block::take_for`].
    ///
    /// # Safety
    ///
    /// As for [`give`].
    #[inline(always)]
    pub(crate) unsafe fn give_for<T>(self, block: *mut u8) {
        // SAFETY: promised by the caller.
        unsafe { self.give(block, sys::POOLED && core::mem::align_of::<T>() <= ALIGN) }
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

/// Memory for values of the canonical ABI, or for items of streams: the size is not 0 and the alignment at most 8.
pub(crate) fn raw_alloc(layout: Layout) -> *mut u8 {
    // SAFETY: no type of the canonical ABI has a stricter alignment (rule 8), nor has an item. Knowing it keeps the allocator's code for
    // strict alignments out of guests.
    unsafe { hint::assert_unchecked(layout.align() <= ALIGN) };
    alloc_exactly(layout)
}

#[cold]
#[inline(never)]
fn alloc_rounded(block: Block) -> *mut u8 {
    raw_alloc(block.rounded())
}

/// A block of at least `layout`, whose size is not 0 and known at compile time. Its contents are arbitrary.
#[inline(always)]
pub(crate) fn take(layout: Layout) -> *mut u8 {
    let block = Block::new(layout);
    block.take(block.class() < CLASSES)
}

/// As [`take`], where its code would be there often, and a call costs little beside what it is for.
#[inline(always)]
pub(crate) fn take_outlined(layout: Layout) -> *mut u8 {
    let block = Block::new(layout);
    if block.class() < CLASSES {
        take_pooled(block)
    } else {
        alloc_exactly(layout)
    }
}

#[inline(never)]
fn take_pooled(block: Block) -> *mut u8 {
    block.take(true)
}

/// Gives back a block from [`take`].
///
/// # Safety
///
/// `block` came from `take` with the same layout and nothing refers to it any more.
#[inline(always)]
pub(crate) unsafe fn give(block: *mut u8, layout: Layout) {
    let kind = Block::new(layout);
    // SAFETY: promised by the caller.
    unsafe { kind.give(block, kind.class() < CLASSES) }
}
