//! The allocator: that of the system, with the blocks of guests registered.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

use super::registry::{self, Verdict};
use super::scope;

/// An allocator that knows the memory of guests, for binaries that test them.
///
/// Installed, it lets the host report memory that a guest lends and then frees or changes, buffers that are smaller than
/// the guest says, use after free, and leaks, each with the call that caused it. Outside guests it costs two checks for each
/// allocation. A guest's own allocations take a lock each, and its freed blocks are kept for a while.
///
/// ```
/// use witflow_host::CheckedAllocator;
///
/// #[global_allocator]
/// static HEAP: CheckedAllocator = CheckedAllocator;
///
/// assert!(CheckedAllocator::is_installed());
/// ```
///
/// Without the static, the host does all the same, but knows nothing about memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckedAllocator;

impl CheckedAllocator {
    /// Whether it is the allocator of this process.
    pub fn is_installed() -> bool {
        // An allocation that the compiler cannot leave out.
        drop(std::hint::black_box(Box::new(0u8)));
        scope::is_active()
    }
}

// SAFETY: blocks are those of the system's allocator, which keeps the contract; what is kept back is not given out (rule 2).
// Nothing unwinds (rule 3).
unsafe impl GlobalAlloc for CheckedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        let block = unsafe { System.alloc(layout) };
        allocated(block, layout);
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract.
        let block = unsafe { System.alloc_zeroed(layout) };
        allocated(block, layout);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if scope::is_busy() || registry::is_empty() {
            // SAFETY: the caller's contract.
            return unsafe { System.dealloc(block, layout) };
        }
        // SAFETY: the caller gives the block up.
        match unsafe { registry::unregister(block, layout) } {
            Verdict::Free => {
                // SAFETY: the caller's contract.
                unsafe { System.dealloc(block, layout) }
            }
            Verdict::Kept => {}
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let plain = scope::is_busy()
            || (scope::current().is_none() && (registry::is_empty() || !registry::knows(block.addr())));
        if plain {
            // SAFETY: the caller's contract.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller's contract has `size`, rounded up to the alignment, fit an `isize`.
        let new_layout = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: `size` is not 0, by the caller's contract.
        let new_block = unsafe { self.alloc(new_layout) };
        if !new_block.is_null() {
            // SAFETY: both blocks have that many bytes and are not the same.
            unsafe { ptr::copy_nonoverlapping(block, new_block, layout.size().min(size)) };
            // SAFETY: the caller gives the old block up.
            unsafe { self.dealloc(block, layout) };
        }
        new_block
    }
}

#[inline]
fn allocated(block: *mut u8, layout: Layout) {
    scope::allocator_was_called();
    if let Some(scope) = scope::current()
        && !block.is_null()
    {
        registry::register(block, layout, scope);
    }
}
