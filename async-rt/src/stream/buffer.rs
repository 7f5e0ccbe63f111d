//! Items on their way out.
//!
//! Lowering borrows, so the items stay where they are, in their vector, until they have been sent: an unsent item is
//! given back by putting its handles back and nothing else. A sent one is dropped; its handles are gone by then and its
//! memory was never the host's.
//!
//! 1. `items[..sent]` were sent, `items[sent..]` were not.
//! 2. With a `lower`, `area` holds the canonical form of all items, and `cleanup` what goes with it; both come into being
//!    when the first write starts.
//! 3. While a copy is in flight the buffer belongs to the writer and is not touched (rule 5).

use super::StreamVtable;
use crate::rt::cleanup::Cleanup;
use alloc::vec::Vec;
use core::mem;
use core::ptr;

/// Items given to a write, and how many of them were sent.
pub struct AbiBuffer<T: 'static> {
    vtable: &'static StreamVtable<T>,
    items: Vec<T>,
    sent: usize,
    area: *mut u8,
    cleanup: Cleanup,
}

// SAFETY: rule 1; the area belongs to the buffer alone.
unsafe impl<T: Send> Send for AbiBuffer<T> {}
// SAFETY: shared access reads numbers only.
unsafe impl<T: Sync> Sync for AbiBuffer<T> {}

impl<T> AbiBuffer<T> {
    pub(super) fn new(vtable: &'static StreamVtable<T>, items: Vec<T>) -> AbiBuffer<T> {
        AbiBuffer {
            vtable,
            items,
            sent: 0,
            area: ptr::null_mut(),
            cleanup: Cleanup::new(),
        }
    }

    /// How many items are left to send.
    pub fn remaining(&self) -> usize {
        self.items.len() - self.sent
    }

    /// The items that were not sent.
    pub fn into_vec(mut self) -> Vec<T> {
        self.take_vec()
    }

    /// As `into_vec`; the buffer is empty afterwards.
    pub(super) fn take_vec(&mut self) -> Vec<T> {
        // SAFETY: the unsent items are in place and the host has not taken their handles: nothing is in flight.
        unsafe { self.cleanup.restore_from(self.sent) };
        self.cleanup = Cleanup::new();
        self.free_area();
        let mut items = mem::take(&mut self.items);
        let sent = mem::replace(&mut self.sent, 0);
        if sent == items.len() {
            items.clear();
        } else if sent != 0 {
            drop(items.drain(..sent));
        }
        items
    }

    /// Where the canonical form of the unsent items is, made now if need be.
    pub(super) fn unsent(&mut self) -> *mut u8 {
        let Some(lower) = self.vtable.lower else {
            // SAFETY: `sent` is at most the length.
            return unsafe { self.items.as_mut_ptr().add(self.sent).cast() };
        };
        let shape = self.vtable.shape();
        if self.area.is_null() {
            self.area = shape.alloc(self.items.len());
            for (index, item) in self.items.iter().enumerate() {
                self.cleanup.begin_element(index);
                // SAFETY: rule 8; there is room for every item, and items stay in place until they are sent.
                unsafe { lower(item, self.area.add(index * shape.size), &mut self.cleanup) };
            }
        }
        // SAFETY: `sent` is at most the number of elements.
        unsafe { self.area.add(self.sent * shape.size) }
    }

    /// Notes that `count` more items were sent.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.items.len());
    }

    fn free_area(&mut self) {
        let area = mem::replace(&mut self.area, ptr::null_mut());
        if !area.is_null() {
            // SAFETY: allocated by `unsent` for this many items, whose number has not changed since.
            unsafe { self.vtable.shape().free(area, self.items.len()) }
        }
    }
}

impl<T> Drop for AbiBuffer<T> {
    fn drop(&mut self) {
        if !self.items.is_empty() || !self.area.is_null() {
            drop(self.take_vec());
        }
    }
}
