//! Items on their way out.
//!
//! Lowering borrows, so the items stay where they are, in their vector, until they have been sent: an unsent item is
//! given back by putting its handles back and nothing else. A sent one is dropped; its handles are gone by then and its
//! memory was never the host's.
//!
//! 1. `items[..sent]` were sent, `items[sent..]` were not.
//! 2. When items have a canonical form of their own, `lowered` holds that of all items, and what goes with it. It comes into
//!    being when the first write starts, or is the one that an earlier buffer left behind.
//! 3. While a copy is in flight the buffer belongs to the writer and is not touched (rule 5).

use super::StreamVtable;
use super::items::{Items, alloc_elements, free_elements};
use super::vtable::RawVtable;
use crate::abi::at_most;
use crate::pool;
use crate::rt::cleanup::Cleanup;
use alloc::alloc::Layout;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::mem;
use core::ptr;

/// The canonical form of items, in memory that serves one buffer after another.
struct Lowered {
    area: *mut u8,
    capacity: usize,
    cleanup: Cleanup,
    /// Whether the items of the buffer are in it.
    filled: bool,
}

/// A block of [`Lowered`], or nothing.
struct LoweredBox(*mut Lowered);

impl LoweredBox {
    const NONE: LoweredBox = LoweredBox(ptr::null_mut());

    #[inline]
    fn get(&mut self) -> Option<&mut Lowered> {
        // SAFETY: null, or a block that this owns.
        unsafe { self.0.as_mut() }
    }

    /// A block with room for `count` elements.
    #[inline]
    fn with_room(&mut self, vtable: &RawVtable, count: usize) -> &mut Lowered {
        // SAFETY: `make` makes the block.
        unsafe {
            if self.0.is_null() || (*self.0).capacity < count {
                self.make(vtable, count);
            }
            &mut *self.0
        }
    }

    #[inline(never)]
    fn make(&mut self, vtable: &RawVtable, count: usize) {
        self.free(vtable);
        let block = pool::take(Layout::new::<Lowered>()).cast::<Lowered>();
        // SAFETY: a fresh block of the right layout.
        unsafe {
            block.write(Lowered {
                area: alloc_elements(vtable, count),
                capacity: count,
                cleanup: Cleanup::new(),
                filled: false,
            });
        }
        self.0 = block;
    }

    fn free(&mut self, vtable: &RawVtable) {
        let block = mem::replace(&mut self.0, ptr::null_mut());
        if !block.is_null() {
            // SAFETY: the block is ours and was made by `make`; nothing is in flight.
            unsafe {
                free_elements(vtable, (*block).area, (*block).capacity);
                ptr::drop_in_place(block);
                pool::give(block.cast(), Layout::new::<Lowered>());
            }
        }
    }
}

/// A buffer without the type of its items. It is emptied by whoever owns it.
pub(super) struct RawBuffer {
    pub(super) items: Items,
    pub(super) sent: usize,
    lowered: LoweredBox,
}

impl RawBuffer {
    #[inline]
    pub(super) fn new(items: Items) -> RawBuffer {
        RawBuffer {
            items,
            sent: 0,
            lowered: LoweredBox::NONE,
        }
    }

    #[inline]
    pub(super) fn remaining(&self) -> usize {
        self.items.len - self.sent
    }

    /// Makes `other` the buffer, but keeps the memory for canonical forms unless `other` has some. This one is empty.
    pub(super) fn become_of(&mut self, vtable: &RawVtable, mut other: RawBuffer) {
        self.items.free(vtable);
        self.items = mem::replace(&mut other.items, Items::new(vtable));
        self.sent = other.sent;
        if !other.lowered.0.is_null() {
            self.lowered.free(vtable);
            self.lowered = mem::replace(&mut other.lowered, LoweredBox::NONE);
        }
    }

    /// Takes the buffer out. Memory for canonical forms stays, unless some are in it.
    pub(super) fn take(&mut self, vtable: &RawVtable) -> RawBuffer {
        let filled = self.lowered.get().is_some_and(|lowered| lowered.filled);
        RawBuffer {
            items: mem::replace(&mut self.items, Items::new(vtable)),
            sent: mem::replace(&mut self.sent, 0),
            lowered: if filled {
                mem::replace(&mut self.lowered, LoweredBox::NONE)
            } else {
                LoweredBox::NONE
            },
        }
    }

    /// Where the canonical form of the unsent items is, made now if need be.
    #[inline]
    pub(super) fn unsent(&mut self, vtable: &RawVtable) -> *mut u8 {
        match vtable.lower {
            None => self.items.at(vtable, self.sent),
            Some(lower) => self.unsent_lowered(vtable, lower),
        }
    }

    #[inline(never)]
    fn unsent_lowered(&mut self, vtable: &RawVtable, lower: unsafe fn(*const u8, *mut u8, &mut Cleanup)) -> *mut u8 {
        let lowered = self.lowered.with_room(vtable, self.items.len);
        if !lowered.filled {
            for index in 0..self.items.len {
                lowered.cleanup.begin_element(index);
                // SAFETY: rule 8; there is room for every item, and items stay in place until they are sent.
                unsafe {
                    let element = lowered.area.add(index * vtable.size);
                    lower(self.items.at(vtable, index), element, &mut lowered.cleanup);
                }
            }
            // Only now: what a panic leaves behind is no canonical form.
            lowered.filled = true;
        }
        // SAFETY: `sent` is at most the number of elements.
        unsafe { lowered.area.add(self.sent * vtable.size) }
    }

    /// Notes that `count` more items were sent.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.sent += at_most(count, self.remaining());
    }

    /// Drops the items, all of which were sent, and what lowering them left behind. The memory stays for others.
    #[inline]
    pub(super) fn land(&mut self, vtable: &RawVtable) {
        let count = mem::replace(&mut self.items.len, 0);
        self.sent = 0;
        if let Some(lowered) = self.lowered.get() {
            lowered.filled = false;
            lowered.cleanup.release();
        }
        // SAFETY: the items were sent, and `len` says that there are none any more.
        unsafe { self.items.drop_first(vtable, count) }
    }

    /// Leaves the unsent items, with their handles. The rest is dropped.
    ///
    /// Nothing is in flight.
    pub(super) fn keep_unsent(&mut self, vtable: &RawVtable) {
        let sent = mem::replace(&mut self.sent, 0);
        if let Some(lowered) = self.lowered.get()
            && mem::replace(&mut lowered.filled, false)
        {
            // SAFETY: the unsent items are in place and the host has not taken their handles.
            unsafe { lowered.cleanup.restore_from(sent) };
            lowered.cleanup.release();
        }
        if sent != 0 {
            let count = mem::replace(&mut self.items.len, 0);
            // SAFETY: the first items were sent, and are overwritten or forgotten below.
            unsafe { self.items.drop_first(vtable, sent) };
            self.items.len = count;
            self.items.keep_from(vtable, sent);
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, vtable: &RawVtable) {
        self.keep_unsent(vtable);
        self.land(vtable);
        self.items.free(vtable);
        self.lowered.free(vtable);
    }

    /// Forgets everything: what the host of an instance that is gone may still use.
    pub(super) fn forget(&mut self, vtable: &RawVtable) {
        // A raw buffer has no destructor.
        let _ = self.take(vtable);
        self.lowered = LoweredBox::NONE;
    }
}

/// Items given to a write, and how many of them were sent.
pub struct AbiBuffer<T: 'static> {
    pub(super) vtable: &'static StreamVtable<T>,
    pub(super) raw: RawBuffer,
    pub(super) items: PhantomData<T>,
}

// SAFETY: rule 1; what it points to belongs to the buffer alone.
unsafe impl<T: Send> Send for AbiBuffer<T> {}
// SAFETY: shared access reads numbers only.
unsafe impl<T: Sync> Sync for AbiBuffer<T> {}

impl<T> AbiBuffer<T> {
    pub(super) fn new(vtable: &'static StreamVtable<T>, items: Vec<T>) -> AbiBuffer<T> {
        AbiBuffer::of_raw(vtable, RawBuffer::new(Items::from_vec(items)))
    }

    pub(super) fn of_raw(vtable: &'static StreamVtable<T>, raw: RawBuffer) -> AbiBuffer<T> {
        AbiBuffer {
            vtable,
            raw,
            items: PhantomData,
        }
    }

    /// Takes the contents out.
    pub(super) fn take(&mut self) -> RawBuffer {
        self.raw.take(&self.vtable.raw)
    }

    /// How many items are left to send.
    pub fn remaining(&self) -> usize {
        self.raw.remaining()
    }

    /// The items that were not sent.
    pub fn into_vec(mut self) -> Vec<T> {
        let vtable = &self.vtable.raw;
        self.raw.keep_unsent(vtable);
        let items = mem::replace(&mut self.raw.items, Items::new(vtable));
        // SAFETY: the items are of this type.
        unsafe { items.into_vec() }
    }
}

impl<T> Drop for AbiBuffer<T> {
    fn drop(&mut self) {
        self.raw.clear(&self.vtable.raw);
    }
}
