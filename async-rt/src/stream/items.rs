//! Memory for elements and items whose type is not known here.
//!
//! [`Items`] are the raw parts of a vector. What is in them is dropped only where it says so.

use super::vtable::RawVtable;
use crate::{pool, sys};
use alloc::alloc::Layout;
use alloc::vec::Vec;
use core::mem::{self, ManuallyDrop};
use core::ptr;

/// The layout of so many elements of a size and an alignment.
fn array(size: usize, align: usize, count: usize) -> Layout {
    let layout = size.checked_mul(count).map(|size| Layout::from_size_align(size, align));
    match layout {
        Some(Ok(layout)) => layout,
        _ => sys::out_of_memory(),
    }
}

/// Room for so many elements in canonical form.
pub(super) fn alloc_elements(vtable: &RawVtable, count: usize) -> *mut u8 {
    let layout = array(vtable.size, vtable.align, count);
    if layout.size() == 0 {
        ptr::without_provenance_mut(vtable.align)
    } else {
        pool::raw_alloc(layout)
    }
}

/// Frees such room.
///
/// # Safety
///
/// It was allocated for elements of this type and this many, or is the buffer of a vector of items that are their own
/// canonical form.
pub(super) unsafe fn free_elements(vtable: &RawVtable, elements: *mut u8, count: usize) {
    let layout = array(vtable.size, vtable.align, count);
    if layout.size() != 0 {
        // SAFETY: promised by the caller.
        unsafe { alloc::alloc::dealloc(elements, layout) }
    }
}

/// The raw parts of a vector.
pub(super) struct Items {
    pub(super) start: *mut u8,
    pub(super) len: usize,
    pub(super) capacity: usize,
}

impl Items {
    /// No items.
    #[inline]
    pub(super) fn new(vtable: &RawVtable) -> Items {
        Items {
            start: ptr::without_provenance_mut(vtable.item_align),
            len: 0,
            capacity: if vtable.stride == 0 { usize::MAX } else { 0 },
        }
    }

    #[inline]
    pub(super) fn from_vec<T>(items: Vec<T>) -> Items {
        let mut items = ManuallyDrop::new(items);
        Items {
            start: items.as_mut_ptr().cast(),
            len: items.len(),
            capacity: items.capacity(),
        }
    }

    /// # Safety
    ///
    /// The items are of this type.
    #[inline]
    pub(super) unsafe fn into_vec<T>(self) -> Vec<T> {
        // SAFETY: the parts are those of a vector of the type, or of memory allocated in the same way.
        unsafe { Vec::from_raw_parts(self.start.cast(), self.len, self.capacity) }
    }

    /// Where item `index` is, or will be.
    #[inline]
    pub(super) fn at(&self, vtable: &RawVtable, index: usize) -> *mut u8 {
        // SAFETY: callers stay within the capacity.
        unsafe { self.start.add(index * vtable.stride) }
    }

    /// Adds an item.
    ///
    /// # Safety
    ///
    /// The items are of this type.
    #[inline(always)]
    pub(super) unsafe fn push<T>(&mut self, vtable: &RawVtable, item: T) {
        if self.len == self.capacity {
            self.reserve(vtable, 1);
        }
        // SAFETY: there is room for one more, by the check above.
        unsafe { self.start.cast::<T>().add(self.len).write(item) };
        self.len += 1;
    }

    /// Adds items that are bytes.
    #[cfg(feature = "std")]
    pub(super) fn extend_bytes(&mut self, vtable: &RawVtable, bytes: &[u8]) {
        debug_assert_eq!(vtable.stride, 1);
        self.reserve(vtable, bytes.len());
        // SAFETY: there is room for them, and the memory is ours.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(vtable, self.len), bytes.len()) };
        self.len += bytes.len();
    }

    /// Makes room for `more` items. It allocates and copies: the allocator's code for resizing is large.
    #[inline(never)]
    pub(super) fn reserve(&mut self, vtable: &RawVtable, more: usize) {
        let Some(needed) = self.len.checked_add(more) else {
            sys::out_of_memory()
        };
        if needed <= self.capacity {
            return;
        }
        let capacity = needed.max(self.capacity * 2).max(4);
        let start = pool::raw_alloc(array(vtable.stride, vtable.item_align, capacity));
        // SAFETY: the new memory is larger than what is used of the old, and another.
        unsafe { ptr::copy_nonoverlapping(self.start, start, self.len * vtable.stride) };
        self.free(vtable);
        self.start = start;
        self.capacity = capacity;
    }

    /// Moves all of `other` from `from` on behind these.
    #[inline(never)]
    pub(super) fn append(&mut self, vtable: &RawVtable, other: &mut Items, from: usize) {
        let count = other.len - from;
        self.reserve(vtable, count);
        // SAFETY: there is room, and the two are distinct.
        unsafe {
            ptr::copy_nonoverlapping(other.at(vtable, from), self.at(vtable, self.len), count * vtable.stride);
        }
        self.len += count;
        other.len = from;
    }

    /// Moves the items from `from` on to the front; what was there is forgotten.
    pub(super) fn keep_from(&mut self, vtable: &RawVtable, from: usize) {
        self.len -= from;
        // SAFETY: both lie within the items.
        unsafe { ptr::copy(self.at(vtable, from), self.start, self.len * vtable.stride) };
    }

    /// Drops the first `count` items, which stay where they are.
    ///
    /// # Safety
    ///
    /// They are not used afterwards.
    #[inline]
    pub(super) unsafe fn drop_first(&self, vtable: &RawVtable, count: usize) {
        if let Some(drop_items) = vtable.drop_items {
            // SAFETY: promised by the caller.
            unsafe { drop_items(self.start, count) }
        }
    }

    /// Frees the memory. What is in it is forgotten.
    pub(super) fn free(&mut self, vtable: &RawVtable) {
        let old = mem::replace(self, Items::new(vtable));
        self.len = old.len;
        if old.capacity != 0 && vtable.stride != 0 {
            // SAFETY: allocated by a vector of items, or by `reserve`, in the same way.
            unsafe { alloc::alloc::dealloc(old.start, array(vtable.stride, vtable.item_align, old.capacity)) }
        }
    }
}
