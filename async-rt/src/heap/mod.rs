//! An allocator for guests: a quarter of the code of the standard library's, and fewer instructions.
//!
//! It relies on two things a guest can be sure of: one thread, and memory that only grows. So it keeps nothing beside a
//! block, and asks the layout for the size when a block comes back.
//!
//! * *Blocks* of up to `SMALL` bytes come in size classes: steps of 16 bytes at first, then four for each doubling. Each
//!   class has a list of free blocks, and what has been a block of a class stays one.
//! * *Runs* serve everything larger or stricter aligned, and are what blocks are carved from. They consist of units of
//!   `UNIT` bytes. Free runs are kept by address, and neighbours are merged.
//!
//! What is sound is:
//!
//! 1. A free block or run is on exactly one list, and nobody else's; its first words are the list's.
//! 2. Everything was handed out by the source and is aligned to its quantum: blocks to 16 bytes, runs to a unit.

#[cfg(test)]
mod tests;

use alloc::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

/// The largest block of a size class.
const SMALL: usize = 32 * 1024;

/// What small sizes are multiples of, and what every block is aligned to.
const QUANTUM: usize = 16;

/// Up to here classes are a quantum apart.
const FINE: usize = 256;

const CLASSES: usize = class_of(SMALL) + 1;

/// What runs are multiples of, and aligned to.
const UNIT: usize = 4096;

/// What blocks are carved from at a time, and the least that is asked of the source.
const CHUNK: usize = 64 * 1024;

/// Where memory comes from.
///
/// # Safety
///
/// What `grow` answers is null or fresh memory of that size, aligned to a unit, which is the heap's for ever. A heap of this
/// source is used by one thread at a time.
pub unsafe trait Source {
    /// More memory; `size` is a multiple of 64 KiB.
    fn grow(&self, size: usize) -> *mut u8;
}

struct Free {
    next: *mut Free,
}

struct Run {
    next: *mut Run,
    size: usize,
}

struct State {
    free: [*mut Free; CLASSES],
    /// What has not been carved yet, and how much of it.
    rest: *mut u8,
    left: usize,
    /// The free runs, by address.
    runs: *mut Run,
}

/// The heap of a guest. `witflow::heap!()` makes it the global allocator.
pub struct Heap<S> {
    state: UnsafeCell<State>,
    source: S,
}

// SAFETY: the contract of `Source`.
unsafe impl<S: Source> Sync for Heap<S> {}
// SAFETY: as above.
unsafe impl<S: Source> Send for Heap<S> {}

/// The class of a size up to `FINE`.
#[inline(always)]
const fn class_of_fine(size: usize) -> usize {
    size.div_ceil(QUANTUM)
}

const fn class_of(size: usize) -> usize {
    if size <= FINE {
        return class_of_fine(size);
    }
    let top = (size - 1).ilog2();
    let quarter = ((size - 1) >> (top - 2)) & 3;
    FINE / QUANTUM + 1 + (top - FINE.ilog2()) as usize * 4 + quarter
}

const fn size_of_class(class: usize) -> usize {
    match class.checked_sub(FINE / QUANTUM + 1) {
        None => class * QUANTUM,
        Some(coarse) => {
            let base = FINE << (coarse / 4);
            base + base / 4 * (coarse % 4 + 1)
        }
    }
}

/// Whether a layout is served by one of the first classes, which nearly all are.
#[inline(always)]
const fn is_fine(layout: &Layout) -> bool {
    layout.size() <= FINE && layout.align() <= QUANTUM
}

/// Whether a layout is served by a class.
#[inline(always)]
const fn is_small(layout: &Layout) -> bool {
    layout.size() <= SMALL && layout.align() <= QUANTUM
}

/// The size of the run for `size` bytes, or too much for any source.
const fn run_size(size: usize) -> usize {
    match size.checked_next_multiple_of(UNIT) {
        Some(size) => size,
        None => usize::MAX,
    }
}

impl<S: Source> Heap<S> {
    /// A heap with nothing in it.
    pub const fn new(source: S) -> Heap<S> {
        Heap {
            state: UnsafeCell::new(State {
                free: [ptr::null_mut(); CLASSES],
                rest: ptr::null_mut(),
                left: 0,
                runs: ptr::null_mut(),
            }),
            source,
        }
    }

    #[allow(clippy::mut_from_ref, reason = "each use ends before the next begins")]
    #[inline(always)]
    fn state(&self) -> &mut State {
        // SAFETY: one thread, by the contract of `Source`; a source does not call back.
        unsafe { &mut *self.state.get() }
    }

    /// The list of a class.
    #[allow(clippy::mut_from_ref, reason = "each use ends before the next begins")]
    #[inline(always)]
    fn list(&self, class: usize) -> &mut *mut Free {
        debug_assert!(class < CLASSES);
        // SAFETY: a class of a size up to `SMALL` is one of them. Not even the code of a failed check is worth its size here.
        unsafe { self.state().free.get_unchecked_mut(class) }
    }

    /// A block of a class, whose size is worked out only if there is none.
    #[inline(always)]
    fn take_block(&self, class: usize, size: impl FnOnce() -> usize) -> *mut u8 {
        let list = self.list(class);
        let block = *list;
        if block.is_null() {
            return self.carve(size());
        }
        // SAFETY: rule 1.
        *list = unsafe { (*block).next };
        block.cast()
    }

    /// As `alloc`, for what none of the first classes serves.
    #[inline(never)]
    fn alloc_large(&self, layout: Layout) -> *mut u8 {
        if is_small(&layout) {
            let class = class_of(layout.size());
            self.take_block(class, || size_of_class(class))
        } else {
            self.alloc_run(layout)
        }
    }

    /// As `dealloc`, for what none of the first classes serves.
    ///
    /// # Safety
    ///
    /// As for `dealloc`.
    #[inline(never)]
    unsafe fn dealloc_large(&self, block: *mut u8, layout: Layout) {
        // SAFETY: promised by the caller.
        unsafe {
            if is_small(&layout) {
                push(self.list(class_of(layout.size())), block);
            } else {
                self.give_run(block, run_size(layout.size()));
            }
        }
    }

    /// Carves a block of a size, that of a class whose list is empty.
    #[inline(never)]
    fn carve(&self, size: usize) -> *mut u8 {
        if self.state().left < size {
            self.give_up_rest();
            let chunk = self.take_run(CHUNK);
            if chunk.is_null() {
                return chunk;
            }
            let state = self.state();
            (state.rest, state.left) = (chunk, CHUNK);
        }
        let state = self.state();
        let block = state.rest;
        state.left -= size;
        // SAFETY: there was enough left.
        state.rest = unsafe { block.add(size) };
        block
    }

    /// Makes blocks of what is left: nobody asks for it again.
    fn give_up_rest(&self) {
        while self.state().left != 0 {
            let state = self.state();
            let mut class = class_of(state.left.min(SMALL));
            if size_of_class(class) > state.left {
                class -= 1;
            }
            let size = size_of_class(class);
            let block = state.rest;
            state.left -= size;
            // SAFETY: rule 1: the block lies in what was left. That is a multiple of the quantum, so a class fits.
            unsafe {
                state.rest = block.add(size);
                push(self.list(class), block);
            }
        }
    }

    /// Takes a run of so many units, from the source if need be. Null when that has no more.
    #[inline(never)]
    fn take_run(&self, size: usize) -> *mut u8 {
        let run = self.find_run(size);
        if !run.is_null() {
            return run;
        }
        let Some(more) = size.checked_next_multiple_of(CHUNK) else {
            return ptr::null_mut();
        };
        let fresh = self.source.grow(more);
        if fresh.is_null() {
            return fresh;
        }
        // SAFETY: rule 2: it is ours now.
        unsafe { self.give_run(fresh, more) };
        self.find_run(size)
    }

    /// Takes the front of the first free run that is large enough.
    fn find_run(&self, size: usize) -> *mut u8 {
        let mut link = &raw mut self.state().runs;
        // SAFETY: rule 1: links and runs on the list are the heap's.
        unsafe {
            while !(*link).is_null() {
                let run = *link;
                if (*run).size >= size {
                    let rest = (*run).size - size;
                    *link = if rest == 0 {
                        (*run).next
                    } else {
                        let behind = run.cast::<u8>().add(size).cast::<Run>();
                        behind.write(Run {
                            next: (*run).next,
                            size: rest,
                        });
                        behind
                    };
                    return run.cast();
                }
                link = &raw mut (*run).next;
            }
        }
        ptr::null_mut()
    }

    /// Adds a run to the free ones, merged with its neighbours.
    ///
    /// # Safety
    ///
    /// It is a run of that size, and nobody uses it any more.
    #[inline(never)]
    unsafe fn give_run(&self, start: *mut u8, size: usize) {
        let run = start.cast::<Run>();
        let mut link = &raw mut self.state().runs;
        let mut before = ptr::null_mut::<Run>();
        // SAFETY: rule 1; the caller's promise for the run.
        unsafe {
            while !(*link).is_null() && *link < run {
                before = *link;
                link = &raw mut (*before).next;
            }
            run.write(Run { next: *link, size });
            *link = run;
            absorb_next(run);
            if !before.is_null() {
                absorb_next(before);
            }
        }
    }

    /// As `alloc`, for what no class serves.
    fn alloc_run(&self, layout: Layout) -> *mut u8 {
        let size = run_size(layout.size());
        if layout.align() <= UNIT {
            return self.take_run(size);
        }
        let Some(with_room) = size.checked_add(layout.align()) else {
            return ptr::null_mut();
        };
        let start = self.take_run(with_room);
        if start.is_null() {
            return start;
        }
        let before = start.align_offset(layout.align());
        // SAFETY: what lies before and behind the aligned part is ours and free; all three are runs.
        unsafe {
            let aligned = start.add(before);
            if before != 0 {
                self.give_run(start, before);
            }
            if before != layout.align() {
                self.give_run(aligned.add(size), layout.align() - before);
            }
            aligned
        }
    }
}

/// Puts a block on a list.
///
/// # Safety
///
/// It is a block of the list's class, and nobody uses it.
#[inline(always)]
unsafe fn push(list: &mut *mut Free, block: *mut u8) {
    let block = block.cast::<Free>();
    // SAFETY: promised by the caller; a block has room for a link.
    unsafe { block.write(Free { next: *list }) };
    *list = block;
}

/// Merges a free run with the one behind it, if that begins where this ends.
///
/// # Safety
///
/// The run is on the list.
unsafe fn absorb_next(run: *mut Run) {
    // SAFETY: rule 1.
    unsafe {
        let next = (*run).next;
        if ptr::eq(run.cast::<u8>().wrapping_add((*run).size), next.cast::<u8>()) {
            (*run).size += (*next).size;
            (*run).next = (*next).next;
        }
    }
}

// SAFETY: blocks and runs are as large as the layout asks and aligned by rule 2; they overlap with nothing by rule 1. Sizes
// and places follow from layouts alone, which are the same when memory comes back.
unsafe impl<S: Source> GlobalAlloc for Heap<S> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_fine(&layout) {
            self.take_block(class_of_fine(layout.size()), || layout.size().next_multiple_of(QUANTUM))
        } else {
            self.alloc_large(layout)
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller had it from `alloc` with this layout.
        unsafe {
            if is_fine(&layout) {
                push(self.list(class_of_fine(layout.size())), block);
            } else {
                self.dealloc_large(block, layout);
            }
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is right for a layout, and had the block from `alloc`.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let stays = match (is_small(&layout), is_small(&new_layout)) {
                (true, true) => class_of(layout.size()) == class_of(new_size),
                (false, false) => run_size(layout.size()) == run_size(new_size),
                _ => false,
            };
            if stays {
                return block;
            }
            let new = self.alloc(new_layout);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}
