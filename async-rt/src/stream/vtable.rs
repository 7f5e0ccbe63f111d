//! What generated code provides for one stream type.
//!
//! Most of the runtime works on items without their Rust type: [`RawVtable`] is what it needs to know. So its code is there
//! once, and not once for each type of stream.

use crate::rt::cleanup::Cleanup;
use crate::sys::{CancelFn, DropFn, NewFn, StreamCopyFn};
use core::mem;
use core::ptr;

/// The canonical built-ins of one stream type.
#[derive(Clone, Copy)]
pub struct StreamIntrinsics {
    /// `stream.new`
    pub new: NewFn,
    /// `stream.read`
    pub read: StreamCopyFn,
    /// `stream.write`
    pub write: StreamCopyFn,
    /// `stream.cancel-read`
    pub cancel_read: CancelFn,
    /// `stream.cancel-write`
    pub cancel_write: CancelFn,
    /// `stream.drop-readable`
    pub drop_readable: DropFn,
    /// `stream.drop-writable`
    pub drop_writable: DropFn,
}

/// What generated code provides for one stream type.
pub struct StreamVtable<T: 'static> {
    pub(super) raw: RawVtable,
    pub(super) lift: Option<unsafe fn(*mut u8) -> T>,
}

/// The part that does not mention the type of items.
pub(super) struct RawVtable {
    /// Size of an element in the canonical ABI.
    pub(super) size: usize,
    /// Its alignment.
    pub(super) align: usize,
    /// Size of an item in Rust.
    pub(super) stride: usize,
    /// Its alignment.
    pub(super) item_align: usize,
    /// Writes the canonical form of the item at the first pointer to the second. None when that is the item itself.
    pub(super) lower: Option<unsafe fn(*const u8, *mut u8, &mut Cleanup)>,
    /// How an element becomes an item. None when it is the item itself, which then needs no drop.
    pub(super) lift: Option<LiftTo>,
    /// Drops so many items. None when there is nothing to drop.
    pub(super) drop_items: Option<unsafe fn(*mut u8, usize)>,
    pub(super) intrinsics: StreamIntrinsics,
}

/// A function that lifts items, without their type.
#[derive(Clone, Copy)]
pub(super) struct LiftTo {
    /// Of the type that `call` knows.
    lift: unsafe fn(),
    call: unsafe fn(unsafe fn(), *mut u8, *mut u8),
}

impl LiftTo {
    const fn new<T>(lift: unsafe fn(*mut u8) -> T) -> LiftTo {
        LiftTo {
            // SAFETY: it is called only by `call`, which makes it what it was.
            lift: unsafe { mem::transmute::<unsafe fn(*mut u8) -> T, unsafe fn()>(lift) },
            call: lift_to::<T>,
        }
    }

    /// Lifts the element at `from` to `to`.
    ///
    /// # Safety
    ///
    /// There is an element, which is not read again, and room for an item.
    #[inline]
    pub(super) unsafe fn lift(self, from: *mut u8, to: *mut u8) {
        // SAFETY: promised by the caller (rule 8).
        unsafe { (self.call)(self.lift, from, to) }
    }
}

/// # Safety
///
/// `lift` is an `unsafe fn(*mut u8) -> T`; otherwise as for [`LiftTo::lift`].
unsafe fn lift_to<T>(lift: unsafe fn(), from: *mut u8, to: *mut u8) {
    // SAFETY: promised by the caller.
    unsafe {
        let lift = mem::transmute::<unsafe fn(), unsafe fn(*mut u8) -> T>(lift);
        to.cast::<T>().write(lift(from));
    }
}

/// # Safety
///
/// There are `count` items of the type at `items`, which nobody uses afterwards.
unsafe fn drop_items<T>(items: *mut u8, count: usize) {
    // SAFETY: promised by the caller.
    unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(items.cast::<T>(), count)) }
}

impl<T> StreamVtable<T> {
    /// `size` and `align` are those of an element in the canonical ABI. `lower` writes its canonical form, and `lift` reads
    /// it back; there is neither when the Rust value is its own canonical form.
    ///
    /// # Panics
    ///
    /// At compile time, if items have a stricter alignment than any type of the canonical ABI, which is 8.
    pub const fn new(
        size: usize,
        align: usize,
        lower: Option<unsafe fn(&T, *mut u8, &mut Cleanup)>,
        lift: Option<unsafe fn(*mut u8) -> T>,
        intrinsics: StreamIntrinsics,
    ) -> StreamVtable<T> {
        assert!(
            mem::align_of::<T>() <= 8,
            "items of a stream have an alignment of at most 8"
        );
        let lower = match lower {
            // SAFETY: a reference to a sized type and a pointer are passed in the same way, so the function may be called
            // with either.
            Some(lower) => Some(unsafe {
                mem::transmute::<unsafe fn(&T, *mut u8, &mut Cleanup), unsafe fn(*const u8, *mut u8, &mut Cleanup)>(
                    lower,
                )
            }),
            None => None,
        };
        let drop_items: Option<unsafe fn(*mut u8, usize)> = if mem::needs_drop::<T>() {
            Some(drop_items::<T>)
        } else {
            None
        };
        StreamVtable {
            raw: RawVtable {
                size,
                align,
                stride: mem::size_of::<T>(),
                item_align: mem::align_of::<T>(),
                lower,
                lift: match lift {
                    Some(lift) => Some(LiftTo::new(lift)),
                    None => None,
                },
                drop_items,
                intrinsics,
            },
            lift,
        }
    }

    /// The item whose canonical form is at `from`.
    ///
    /// # Safety
    ///
    /// There is one, and it is not read again.
    #[inline]
    pub(super) unsafe fn item(&self, from: *mut u8) -> T {
        // SAFETY: rule 8 for `lift`; without it the bytes are the value.
        unsafe {
            match self.lift {
                Some(lift) => lift(from),
                None => from.cast::<T>().read(),
            }
        }
    }
}

impl RawVtable {
    /// Items that fill a chunk of a reasonable number of bytes: what a reader reads ahead and a sink collects.
    pub(super) fn chunk(&self) -> usize {
        chunk(self.size)
    }
}

const fn chunk(size: usize) -> usize {
    const BYTES: usize = 4096;
    if size == 0 {
        return 256;
    }
    let items = BYTES / size;
    if items == 0 { 1 } else { items }
}
