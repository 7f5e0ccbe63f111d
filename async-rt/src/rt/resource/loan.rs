//! Handles that calls borrow which the host answers later.
//!
//! A loan block belongs to a handle that was lent at least once, and to every call that still borrows it. It counts those calls.
//! While the resource exists, its [`Handle`](super::Handle) owns the block. If it is dropped before the last call is resolved, it
//! leaves the handle to the block: an *orphan*, which the end of the last loan drops, and the block with it.

use crate::pool;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::ptr;
use core::task::Waker;

/// How often one handle is lent, and what to do with it in the end.
pub(crate) struct Loan {
    calls: Cell<u32>,
    /// The handle, if the resource is gone; otherwise 0.
    orphan: Cell<u32>,
    drop_handle: unsafe fn(u32),
    /// Who waits until nothing is lent.
    waker: Cell<Option<Waker>>,
}

impl Loan {
    /// A block for a handle that nothing borrows yet.
    pub(super) fn allocate(drop_handle: unsafe fn(u32)) -> *mut Loan {
        let loan = pool::take(Layout::new::<Loan>()).cast::<Loan>();
        // SAFETY: a fresh block of the right layout.
        unsafe {
            loan.write(Loan {
                calls: Cell::new(0),
                orphan: Cell::new(0),
                drop_handle,
                waker: Cell::new(None),
            });
        }
        loan
    }

    /// # Safety
    ///
    /// Nothing is lent, the resource no longer refers to the block, and neither does the caller afterwards.
    unsafe fn free(loan: *mut Loan) {
        // SAFETY: the block came from `allocate`, and the waker is all there is to drop.
        unsafe {
            ptr::drop_in_place(loan);
            pool::give(loan.cast(), Layout::new::<Loan>());
        }
    }

    /// Whether a call borrows the handle.
    pub(super) fn is_lent(&self) -> bool {
        self.calls.get() != 0
    }

    /// Has `waker` woken when nothing is lent any more.
    pub(super) fn wake_at_end(&self, waker: &Waker) {
        self.waker.set(Some(waker.clone()));
    }

    /// The resource ends. Answers its handle if that is to be dropped now.
    ///
    /// # Safety
    ///
    /// The block is alive, and the resource does not refer to it afterwards.
    pub(super) unsafe fn leave(loan: *mut Loan, handle: u32) -> u32 {
        // SAFETY: as promised; a block without calls has no other owner.
        unsafe {
            if (*loan).is_lent() {
                (*loan).orphan.set(handle);
                return 0;
            }
            Loan::free(loan);
        }
        handle
    }

    /// A call that borrowed the handle has been resolved.
    ///
    /// # Safety
    ///
    /// The block is alive, and this is called once for each call that was counted.
    unsafe fn end(loan: *mut Loan) {
        // SAFETY: as promised. Nothing of the block is used after `free`, and no reference is held while the handle is dropped or
        // the waker woken (rule 3).
        unsafe {
            (*loan).calls.set((*loan).calls.get() - 1);
            if (*loan).is_lent() {
                return;
            }
            let (orphan, waker) = ((*loan).orphan.get(), (*loan).waker.take());
            if orphan != 0 {
                let drop_handle = (*loan).drop_handle;
                Loan::free(loan);
                drop_handle(orphan);
            }
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// What one call borrows: a list of loans. Dropping it ends them.
pub(crate) struct Lent(*mut Entry);

struct Entry {
    next: *mut Entry,
    loan: *mut Loan,
}

impl Lent {
    pub(crate) const fn new() -> Lent {
        Lent(ptr::null_mut())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_null()
    }

    /// Counts one more call and notes it.
    ///
    /// # Safety
    ///
    /// The block is alive.
    pub(super) unsafe fn add(&mut self, loan: *mut Loan) {
        let entry = pool::take(Layout::new::<Entry>()).cast::<Entry>();
        // SAFETY: the entry is fresh; the loan is alive, and stays so until it is ended.
        unsafe {
            (*loan).calls.set((*loan).calls.get() + 1);
            entry.write(Entry { next: self.0, loan });
        }
        self.0 = entry;
    }
}

impl Drop for Lent {
    #[inline]
    fn drop(&mut self) {
        if !self.is_empty() {
            end_all(self.0);
        }
    }
}

fn end_all(mut entry: *mut Entry) {
    while !entry.is_null() {
        // SAFETY: each entry was taken from the pool with this layout and is visited once; its loan was counted for it.
        unsafe {
            let Entry { next, loan } = entry.read();
            pool::give(entry.cast(), Layout::new::<Entry>());
            Loan::end(loan);
            entry = next;
        }
    }
}
