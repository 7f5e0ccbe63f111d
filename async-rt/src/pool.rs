//! Memory for the runtime's own blocks: tasks, calls, ends, journal pages.
//!
//! On wasm, freed blocks go to per-instance free lists by size class, so that in a steady state no call, task or
//! operation touches the allocator (a pair of allocator calls costs more than everything else such a call does). A
//! native process uses the global allocator directly, so that Miri and sanitizers see every use after free.

use crate::sys;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::hint;
use core::mem;
use core::ptr;

/// Small blocks are handed out in multiples of this many bytes, larger ones in powers of two.
const STEP: usize = 32;
/// How many classes of small blocks there are.
const SMALL: usize = 32;
/// All classes: the largest holds more than a call can need.
pub(crate) const CLASSES: usize = SMALL + 19;
/// Alignment of pooled blocks, which every allocator of a wasm guest gives without ado. Stricter ones are not pooled.
const ALIGN: usize = 8;

/// The head of a free list. The first word of a free block points to the next one.
pub(crate) type List = Cell<*mut u8>;

/// The class of blocks of a layout, whose size is not 0; `CLASSES` if they are not pooled.
const fn class_of(layout: Layout) -> usize {
    if !sys::POOLED || layout.align() > ALIGN {
        return CLASSES;
    }
    let class = if layout.size() <= SMALL * STEP {
        (layout.size() - 1) / STEP
    } else {
        // 11 bits are the first too many for a small block.
        let bits = (usize::BITS - (layout.size() - 1).leading_zeros()) as usize;
        SMALL + bits - 11
    };
    assert!(class < CLASSES, "no value of the canonical ABI is that large");
    class
}

/// The layout that all pooled blocks of a class have.
fn rounded(class: usize) -> Layout {
    let size = if class < SMALL {
        (class + 1) * STEP
    } else {
        1 << (class - SMALL + 11)
    };
    // SAFETY: `ALIGN` is a power of two, and no class is as large as the address space.
    unsafe { Layout::from_size_align_unchecked(size, ALIGN) }
}

/// The free list of blocks of a layout, whose size is not 0 and known at compile time, if they are pooled.
#[inline(always)]
pub(crate) fn list_for(layout: Layout) -> Option<*const List> {
    let class = class_of(layout);
    (class < CLASSES).then(|| list_of(class))
}

/// The free list of a class, of which there are fewer than `CLASSES`.
const fn list_of(class: usize) -> *const List {
    assert!(class < CLASSES, "blocks that are not pooled have no list");
    // SAFETY: there are `CLASSES` of them.
    unsafe { sys::free_lists().cast::<List>().add(class) }
}

/// A block with arbitrary contents.
///
/// # Safety
///
/// The list is one from `list_of`.
#[inline(always)]
pub(crate) unsafe fn take_from(list: *const List) -> *mut u8 {
    // SAFETY: promised by the caller; lists live as long as the instance. A block on one holds the pointer to the next in its first
    // word, written by `give_to`.
    unsafe {
        let block = (*list).get();
        if block.is_null() {
            return alloc_rounded(list);
        }
        (*list).set(block.cast::<*mut u8>().read());
        block
    }
}

/// # Safety
///
/// `block` came from `take_from` of the same list, and nothing refers to it any more.
#[inline(always)]
unsafe fn give_to(list: *const List, block: *mut u8) {
    // SAFETY: promised by the caller. A block is at least a word long and aligned for one.
    unsafe {
        block.cast::<*mut u8>().write((*list).get());
        (*list).set(block);
    }
}

/// A size that is known at compile time, and how blocks of it are taken, in one word: where their free list is, or the size itself as
/// an address, if they are not pooled.
#[derive(Clone, Copy)]
pub(crate) struct Block(*const List);

// SAFETY: it is only a number; lists are touched where their instance is (rule 1).
unsafe impl Sync for Block {}
// SAFETY: as above.
unsafe impl Send for Block {}

impl Block {
    /// For blocks of `size` bytes, which is not 0, aligned as `T`, and to 8 at least.
    pub(crate) const fn new<T>(size: usize) -> Block {
        let Ok(layout) = Layout::from_size_align(size, Block::align::<T>()) else {
            panic!("the block is larger than the address space")
        };
        let class = class_of(layout);
        if class < CLASSES {
            Block(list_of(class))
        } else {
            Block(ptr::without_provenance(size))
        }
    }

    const fn align<T>() -> usize {
        if mem::align_of::<T>() < ALIGN {
            ALIGN
        } else {
            mem::align_of::<T>()
        }
    }

    const fn is_pooled<T>() -> bool {
        sys::POOLED && Block::align::<T>() <= ALIGN
    }

    /// The layout of blocks that are not pooled.
    fn layout<T>(self) -> Layout {
        // SAFETY: it is the one that `new` made.
        unsafe { Layout::from_size_align_unchecked(self.0.addr(), Block::align::<T>()) }
    }

    /// A block with arbitrary contents.
    ///
    /// # Safety
    ///
    /// This was made for the same type.
    #[inline(always)]
    pub(crate) unsafe fn take<T>(self) -> *mut u8 {
        if Block::is_pooled::<T>() {
            // SAFETY: `new` put a list there.
            unsafe { take_from(self.0) }
        } else {
            alloc_exactly(self.layout::<T>())
        }
    }

    /// Gives back a block.
    ///
    /// # Safety
    ///
    /// `block` came from `take` of the same, for the same type, and nothing refers to it any more.
    #[inline(always)]
    pub(crate) unsafe fn give<T>(self, block: *mut u8) {
        // SAFETY: promised by the caller; blocks go back the way they came.
        unsafe {
            if Block::is_pooled::<T>() {
                give_to(self.0, block);
            } else {
                alloc::alloc::dealloc(block, self.layout::<T>());
            }
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

/// Memory for values of the canonical ABI, or for items of streams: the size is not 0 and the alignment at most 8.
pub(crate) fn raw_alloc(layout: Layout) -> *mut u8 {
    // SAFETY: no type of the canonical ABI has a stricter alignment (rule 8), nor has an item. Knowing it keeps the allocator's code for
    // strict alignments out of guests.
    unsafe { hint::assert_unchecked(layout.align() <= ALIGN) };
    alloc_exactly(layout)
}

/// # Safety
///
/// The list is one from `list_of`.
#[cold]
#[inline(never)]
unsafe fn alloc_rounded(list: *const List) -> *mut u8 {
    // SAFETY: promised by the caller.
    let class = unsafe { list.offset_from_unsigned(sys::free_lists().cast()) };
    raw_alloc(rounded(class))
}

/// A block of at least `layout`, whose size is not 0 and known at compile time. Its contents are arbitrary.
#[inline(always)]
pub(crate) fn take(layout: Layout) -> *mut u8 {
    match list_for(layout) {
        // SAFETY: it is one of the lists.
        Some(list) => unsafe { take_from(list) },
        None => alloc_exactly(layout),
    }
}

/// As [`take`], where its code would be there often, and a call costs little beside what it is for.
#[inline(always)]
pub(crate) fn take_outlined(layout: Layout) -> *mut u8 {
    match list_for(layout) {
        // SAFETY: it is one of the lists.
        Some(list) => unsafe { take_outlined_from(list) },
        None => alloc_exactly(layout),
    }
}

/// As [`take_from`].
///
/// # Safety
///
/// As for [`take_from`].
#[inline(never)]
unsafe fn take_outlined_from(list: *const List) -> *mut u8 {
    // SAFETY: promised by the caller.
    unsafe { take_from(list) }
}

/// Gives back a block from [`take`].
///
/// # Safety
///
/// `block` came from `take` with the same layout and nothing refers to it any more.
#[inline(always)]
pub(crate) unsafe fn give(block: *mut u8, layout: Layout) {
    // SAFETY: promised by the caller; blocks go back the way they came.
    unsafe {
        match list_for(layout) {
            Some(list) => give_to(list, block),
            None => alloc::alloc::dealloc(block, layout),
        }
    }
}
