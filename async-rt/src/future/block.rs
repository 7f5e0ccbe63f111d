//! The heap block of a write that the reader did not take at once, without the type of the value.
//!
//! Writing moves value and end into the block, which goes through these states:
//!
//! 1. *awaited*: the write is in flight and a `FutureWrite` waits for it.
//! 2. *background*: nobody waits. The block ends itself when the answer comes, and holds the task until then. Dropping a
//!    `FutureWriter` gets its default value here. Dropping a `FutureWrite` cancels it first, which leaves such a writer.
//! 3. *answered*: nothing is in flight. The end was dropped unless the answer was CANCELLED.
//!
//! A background write needs a task only in order to be told its end. Without one it stays in flight *unattended*: the reader
//! can have the value, and the instance keeps the block until it ends.

use super::FutureVtable;
use crate::abi::{BLOCKED, copy};
use crate::cabi::{self, Current};
use crate::rt::cleanup::Cleanup;
use crate::sys::{self, DropFn};
use crate::waitable::Op;
use core::cell::{Cell, UnsafeCell};
use core::mem::{self, ManuallyDrop};
use core::ptr;
use core::task::Waker;

/// The part of a block that does not depend on the value's type. It comes first (rule 2).
#[repr(C)]
pub(crate) struct Header {
    op: Op,
    /// The answer that has come and was not seen yet, or `BLOCKED`.
    answer: Cell<u32>,
    background: Cell<bool>,
    /// Drops the value and frees the block.
    free: unsafe fn(*const Header),
    drop_end: DropFn,
    /// The next unattended block of the instance.
    next: Cell<*const Header>,
    /// Made before the rest of the header.
    cleanup: UnsafeCell<Cleanup>,
}

#[repr(C)]
pub(super) struct Block<T: 'static> {
    header: Header,
    vtable: &'static FutureVtable<T>,
    value: UnsafeCell<ManuallyDrop<T>>,
}

/// How a write began.
pub(super) enum Begun<T> {
    /// The reader took the value.
    Sent,
    /// The reader has gone; here is the value.
    Refused(T),
    /// It is in flight.
    InFlight(*const Header),
}

impl<T> Block<T> {
    /// Where the canonical form of the value is.
    pub(super) const AREA: usize = mem::size_of::<Block<T>>().next_multiple_of(8);

    /// Moves the value into a block and starts the write. With a waker, waits for it.
    pub(super) fn start(handle: u32, vtable: &'static FutureVtable<T>, value: T, waker: Option<&Waker>) -> Begun<T> {
        // SAFETY: a fresh block of the right layout; the area is its end. The value does not move until it is handed back or
        // dropped (rule 5); the functions are those of this type (rule 8).
        unsafe {
            let block = vtable.write.take::<Block<T>>().cast::<Block<T>>();
            let header = &raw mut (*block).header;
            let place = (&raw mut (*block).value).cast::<T>();
            place.write(value);
            (&raw mut (*block).vtable).write(vtable);
            let cleanup = (&raw mut (*header).cleanup).cast::<Cleanup>();
            cleanup.write(Cleanup::new());
            let area = block.cast::<u8>().add(Self::AREA);
            match vtable.lower {
                Some(lower) => lower(&*place, area, &mut *cleanup),
                None => ptr::copy_nonoverlapping(place.cast::<u8>(), area, vtable.size),
            }
            let answer = (vtable.intrinsics.write)(handle, area);
            if answer == BLOCKED {
                Header::init(header, handle, Self::free, vtable.intrinsics.drop_writable, waker);
                return Begun::InFlight(header);
            }
            (vtable.intrinsics.drop_writable)(handle);
            let refused = answer & 0xf == copy::DROPPED;
            if refused {
                (*cleanup).restore();
            }
            ptr::drop_in_place(cleanup);
            let begun = if refused {
                Begun::Refused(place.read())
            } else {
                ptr::drop_in_place(place);
                Begun::Sent
            };
            vtable.write.give::<Block<T>>(block.cast());
            begun
        }
    }

    unsafe fn free(header: *const Header) {
        // SAFETY: the header heads a `Block<T>` whose value is there and which nobody uses after this.
        unsafe {
            ManuallyDrop::drop(&mut *(*header.cast::<Block<T>>()).value.get());
            Self::free_empty(header);
        }
    }

    /// # Safety
    ///
    /// As for `free`, but the value was moved out.
    unsafe fn free_empty(header: *const Header) {
        // SAFETY: promised by the caller.
        unsafe {
            let vtable = (*header.cast::<Block<T>>()).vtable;
            ptr::drop_in_place(header.cast_mut());
            vtable.write.give::<Block<T>>(header.cast_mut().cast());
        }
    }

    /// Moves the value out, with its handles, and frees the block.
    ///
    /// # Safety
    ///
    /// Nothing is in flight, the host has not taken the value, and nobody uses the block after this.
    pub(super) unsafe fn take_back(header: *const Header) -> T {
        // SAFETY: promised by the caller; the handles go back before the value moves.
        unsafe {
            (*(*header).cleanup.get()).restore();
            let value = ManuallyDrop::take(&mut *(*header.cast::<Block<T>>()).value.get());
            Self::free_empty(header);
            value
        }
    }

    /// Drops the value and frees the block.
    ///
    /// # Safety
    ///
    /// Nothing is in flight, and nobody uses the block after this.
    pub(super) unsafe fn finish(header: *const Header) {
        // SAFETY: promised by the caller.
        unsafe { Self::free(header) }
    }

    /// The table of the future.
    ///
    /// # Safety
    ///
    /// The header heads a live `Block<T>`.
    pub(super) unsafe fn vtable(header: *const Header) -> &'static FutureVtable<T> {
        // SAFETY: promised by the caller.
        unsafe { (*header.cast::<Block<T>>()).vtable }
    }

    /// Ends the write in flight, if it still is; the answer is there afterwards.
    ///
    /// # Safety
    ///
    /// The block is alive, of the current instance, and its answer was not taken.
    pub(super) unsafe fn cancel(header: *const Header) {
        // SAFETY: as promised. The end leaves its set before the synchronous cancel.
        unsafe {
            let op = &(*header).op;
            if (*header).answer.get() == BLOCKED {
                op.unregister();
                let vtable = (*header.cast::<Block<T>>()).vtable;
                answered(header, (vtable.intrinsics.cancel_write)(op.handle()));
            }
        }
    }
}

/// Takes in an answer: drops the end unless it is still needed, and notes the answer. Answers whether the root waited.
///
/// # Safety
///
/// The block is alive and its write was in flight.
unsafe fn answered(header: *const Header, answer: u32) -> bool {
    // SAFETY: a completed or refused write may be followed by the drop only.
    unsafe {
        let op = &(*header).op;
        let mut root = false;
        if answer & 0xf != copy::CANCELLED {
            root = op.leave();
            ((*header).drop_end)(op.handle());
            op.set_handle(0);
        }
        (*header).answer.set(answer);
        root
    }
}

unsafe fn on_event(op: *const Op, answer: u32) -> bool {
    let header = op.cast::<Header>();
    // SAFETY: the op is the first field of its block, which is alive (rule 4). Once the end is dropped no event can
    // come; a background block ends itself.
    unsafe {
        if (*op).handle() == 0 {
            return false;
        }
        let root = answered(header, answer);
        if (*header).background.get() {
            end_background(header);
            return false;
        }
        root || (*op).wake()
    }
}

/// Frees a block whose answer has come and for which nobody waits.
///
/// # Safety
///
/// The block is alive, idle and unregistered, and nobody uses it afterwards.
unsafe fn end_background(header: *const Header) {
    // SAFETY: as promised. A refused value gets its handles back, to be dropped.
    unsafe {
        if (*header).take_answer().is_some_and(|answer| answer & 0xf != 0) {
            (*(*header).cleanup.get()).restore();
        }
        ((*header).free)(header);
    }
}

impl Header {
    /// Makes the header of a write that is in flight.
    ///
    /// # Safety
    ///
    /// The block is fresh, with value and cleanup in it, and is not freed while it is registered.
    #[inline(never)]
    unsafe fn init(
        this: *mut Header,
        handle: u32,
        free: unsafe fn(*const Header),
        drop_end: DropFn,
        waker: Option<&Waker>,
    ) {
        // SAFETY: as promised.
        unsafe {
            (&raw mut (*this).answer).write(Cell::new(BLOCKED));
            (&raw mut (*this).background).write(Cell::new(false));
            (&raw mut (*this).free).write(free);
            (&raw mut (*this).drop_end).write(drop_end);
            (&raw mut (*this).next).write(Cell::new(ptr::null()));
            (&raw mut (*this).op).write(Op::new(handle, on_event));
            if let Some(waker) = waker {
                Op::wait(this.cast(), waker);
            }
        }
    }

    /// The operation in flight.
    pub(super) fn op(&self) -> &Op {
        &self.op
    }

    /// The answer, if it has come. It is handed out once.
    pub(super) fn take_answer(&self) -> Option<u32> {
        let answer = self.answer.replace(BLOCKED);
        if answer == BLOCKED { None } else { Some(answer) }
    }

    /// Leaves a block to itself.
    ///
    /// # Safety
    ///
    /// The block is alive, of the current instance, and nobody uses it after this.
    pub(super) unsafe fn detach(this: *const Header) {
        // SAFETY: promised by the caller.
        unsafe {
            (*this).background.set(true);
            if (*this).answer.get() != BLOCKED {
                end_background(this);
            } else if matches!(cabi::current(), Current::None) {
                sys::instance().unattended.add(this);
            } else {
                Op::hold(this.cast());
            }
        }
    }
}

/// The unattended blocks of an instance.
pub(crate) struct Unattended(Cell<*const Header>);

impl Unattended {
    pub(crate) const fn new() -> Unattended {
        Unattended(Cell::new(ptr::null()))
    }

    /// # Safety
    ///
    /// The block is in flight, and nobody else uses it after this.
    unsafe fn add(&self, header: *const Header) {
        // SAFETY: the caller's block is alive.
        unsafe { (*header).next.set(self.0.replace(header)) }
    }
}

impl Drop for Unattended {
    fn drop(&mut self) {
        let mut header = self.0.get();
        while !header.is_null() {
            // SAFETY: nobody else uses an unattended block, and the host of an instance that ends reads it no more. Handles in
            // it are as inert as the instance.
            unsafe {
                let next = (*header).next.get();
                ((*header).free)(header);
                header = next;
            }
        }
    }
}
