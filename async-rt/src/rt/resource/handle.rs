//! One handle of a resource, and how it is lifted and lowered.

use crate::rt::cleanup::{Cleanup, HandleCell};
use crate::rt::resource::Borrows;
use crate::rt::resource::loan::Loan;
use crate::sys::InstanceId;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// A struct that stands for a resource. Bindings implement it.
///
/// # Safety
///
/// `drop` is `resource.drop` of this type, and the two conversions are what a struct with the handle as its only field has.
pub unsafe trait WasmResource: Sized + 'static {
    /// Drops a handle.
    ///
    /// # Safety
    ///
    /// The handle is one of this type, and is not used any more.
    unsafe fn drop(handle: u32);

    /// The struct of a handle.
    fn of_handle(handle: Handle<Self>) -> Self;

    /// The handle of the struct.
    fn as_handle(&self) -> &Handle<Self>;
}

/// The handle of a resource, which is dropped with it. It is an own handle, or belongs to [`Borrows`].
pub struct Handle<R: WasmResource> {
    cell: HandleCell,
    /// Null until an asynchronous call borrows the handle for the first time.
    loan: AtomicPtr<Loan>,
    instance: InstanceId,
    resource: PhantomData<R>,
}

impl<R: WasmResource> Handle<R> {
    /// Takes a handle over.
    ///
    /// # Safety
    ///
    /// The handle is one of `R` in the table of the current instance, and nobody else drops it.
    #[inline]
    pub unsafe fn from_handle(handle: u32) -> Self {
        Self {
            cell: HandleCell::new(handle),
            loan: AtomicPtr::new(core::ptr::null_mut()),
            instance: InstanceId::current(),
            resource: PhantomData,
        }
    }

    /// The handle.
    ///
    /// # Panics
    ///
    /// If it was given away.
    #[inline]
    pub fn handle(&self) -> u32 {
        self.instance.check();
        match self.cell.get() {
            0 => crate::rt::cleanup::handle_gone(),
            handle => handle,
        }
    }

    /// Gives the handle away.
    ///
    /// # Panics
    ///
    /// If it was given away before, or a call that has not returned borrows it.
    pub fn take_handle(&self) -> u32 {
        self.check_unlent();
        let handle = self.handle();
        self.cell.set(0);
        handle
    }

    /// The loan block, if there is one.
    pub(super) fn loan(&self) -> Option<&Loan> {
        // SAFETY: the block is alive while this refers to it.
        unsafe { self.loan.load(Relaxed).as_ref() }
    }

    /// Panics if a call that was not resolved borrows the handle.
    pub(super) fn check_unlent(&self) {
        self.instance.check();
        if self.loan().is_some_and(Loan::is_lent) {
            still_lent();
        }
    }

    /// The loan block, made now if there is none.
    fn loan_or_new(&self) -> *mut Loan {
        let loan = self.loan.load(Relaxed);
        if !loan.is_null() {
            return loan;
        }
        let loan = Loan::allocate(R::drop);
        self.loan.store(loan, Relaxed);
        loan
    }
}

impl<R: WasmResource> Drop for Handle<R> {
    #[inline]
    fn drop(&mut self) {
        let (handle, loan) = (self.cell.get(), *self.loan.get_mut());
        if handle == 0 && loan.is_null() {
            return;
        }
        // What belongs to an instance that is not current is inert, like the instance itself (rule 1).
        if !self.instance.is_current() {
            return;
        }
        // SAFETY: the handle is ours (rule 6), and the block is not used after this.
        unsafe {
            let handle = if loan.is_null() {
                handle
            } else {
                Loan::leave(loan, handle)
            };
            if handle != 0 {
                R::drop(handle);
            }
        }
    }
}

impl<R: WasmResource> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.cell.get()).finish()
    }
}

#[cold]
fn still_lent() -> ! {
    panic!(
        "a resource was given away or changed while a call that has not returned borrows it: the call's future was forgotten"
    )
}

/// Gives an own handle away, and notes where it came from.
///
/// # Safety
///
/// The resource stays where it is, alive, until `cleanup` is dropped or restored.
///
/// # Panics
///
/// As [`Handle::take_handle`].
#[inline]
pub unsafe fn own_lower<R: WasmResource>(resource: &R, cleanup: &mut Cleanup) -> i32 {
    let handle = resource.as_handle();
    handle.check_unlent();
    // SAFETY: as promised by the caller.
    unsafe { handle.cell.lower(cleanup) as i32 }
}

/// A resource of the own handle the host gave.
///
/// # Safety
///
/// As for [`Handle::from_handle`].
#[inline]
pub unsafe fn own_lift<R: WasmResource>(handle: i32) -> R {
    // SAFETY: the caller's promise.
    R::of_handle(unsafe { Handle::from_handle(handle as u32) })
}

/// Lends a handle to a call; if the host answers that later, `cleanup` keeps the loan until then.
///
/// # Panics
///
/// If the handle was given away.
#[inline]
pub fn borrow_lower<R: WasmResource>(resource: &R, cleanup: &mut Cleanup) -> i32 {
    let handle = resource.as_handle();
    let number = handle.handle();
    if let Some(lent) = cleanup.lent() {
        // SAFETY: the block is alive: its handle is.
        unsafe { lent.add(handle.loan_or_new()) }
    }
    number as i32
}

/// A reference to a resource of the borrow handle the host passed. `borrows` has the handle.
///
/// # Safety
///
/// The handle is a borrow of `R`, and the reference is not used after `borrows` has ended.
pub unsafe fn borrow_lift<'a, R: WasmResource>(handle: i32, borrows: &Borrows) -> &'a R {
    // SAFETY: the caller's promise.
    unsafe { borrows.keep(own_lift::<R>(handle)) }
}
