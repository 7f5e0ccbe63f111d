//! One call of an asynchronous import.
//!
//! Nothing happens before the first poll. Then the parameters move into a heap block, together with the area that both
//! the lowered parameters and the result use, and stay there until the host has no more use for them: the host may read
//! parameters late and the parameters contain the cells the handle journal points to. The block goes through these
//! states, kept in `Phase`:
//!
//! * *starting*: the host has not read the parameters. Handles are looked up only when it does, so they must still be
//!   there: the journal keeps them.
//! * *started*: the host has read them. They are dropped at once: handles are gone, lists are no longer needed.
//! * *returned*: the result is in the area and the subtask's handle has been dropped.
//!
//! Parameters with borrow handles hold references, so the future of such a call has a lifetime. Two things follow for the
//! time after it was forgotten, when the references mean nothing: the handles themselves stay, because the call has loans
//! on them until it is resolved ([`Cleanup::lending`]); and the parameters are dropped by the future only, not when the
//! host has read them.
//!
//! Dropping the future while it is pending cancels the call synchronously. The answer says what is left to do: 2, the
//! result came first and is dropped; 3, nothing was read, so handles go back into the parameters, which are dropped
//! with them; 4, handles are gone and only memory is freed. Forgetting the future instead leaks the block, and nothing
//! else: the registered block stays valid.

use crate::abi::{BLOCKED, subtask};
use crate::pool;
use crate::rt::cleanup::Cleanup;
use crate::sys::{self, builtins};
use crate::waitable::{self, Op};
use alloc::alloc::Layout;
use core::cell::{Cell, UnsafeCell};
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

/// What generated code provides for one imported function.
pub struct CallVtable<P, R> {
    /// Bytes, aligned to 8, that the lowered parameters and the result need together.
    pub area: usize,
    /// Lowers the parameters, calls the import and returns the status word.
    pub start: unsafe fn(&P, *mut u8, &mut Cleanup) -> u32,
    /// Lifts the result from the area given to `start`.
    pub lift: unsafe fn(*mut u8) -> R,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Started,
    Returned,
}

/// The part of a block that does not depend on the types of the call. It comes first (rule 2).
#[repr(C)]
struct Header {
    op: Op,
    phase: Cell<Phase>,
    cleanup: UnsafeCell<Cleanup>,
    drop_params: unsafe fn(*const Header),
}

#[repr(C)]
struct Block<P> {
    header: Header,
    params: UnsafeCell<ManuallyDrop<P>>,
}

impl<P> Block<P> {
    /// The layout of the block with its area, and the offset of the area.
    fn layout(area: usize) -> (Layout, usize) {
        let offset = (mem::size_of::<Block<P>>() + 7) & !7;
        match Layout::from_size_align(offset + area, mem::align_of::<Block<P>>().max(8)) {
            Ok(layout) => (layout, offset),
            Err(_) => sys::out_of_memory(),
        }
    }

    /// What the host's reading does to parameters with references: nothing.
    unsafe fn keep_params(_header: *const Header) {}

    unsafe fn drop_params(header: *const Header) {
        // SAFETY: the header heads a `Block<P>` whose parameters are there; called once, on leaving *starting* or, if they were
        // kept, before the block is freed.
        unsafe { ManuallyDrop::drop(&mut *(*header.cast::<Block<P>>()).params.get()) }
    }
}

/// Frees what the host has read: lists, the journal, and the parameters themselves.
///
/// # Safety
///
/// The block is alive and in phase *starting*.
unsafe fn release_params(header: *const Header, next: Phase) {
    // SAFETY: the phase changes first, so this happens once even if a parameter's destructor panics.
    unsafe {
        (*header).phase.set(next);
        (*(*header).cleanup.get()).release();
        ((*header).drop_params)(header);
    }
}

/// Ends what the call was lent, once its resolution was delivered.
///
/// # Safety
///
/// The block is alive.
unsafe fn end_loans(header: *const Header) {
    // SAFETY: as promised; the loans are taken out before any handle is dropped (rule 3).
    drop(unsafe { (*(*header).cleanup.get()).take_lent() });
}

/// Takes in a state the host reported.
///
/// # Safety
///
/// The block is alive and the call has not returned.
unsafe fn advance(header: *const Header, state: u32) {
    // SAFETY: as promised; a handle is dropped exactly when its resolution was delivered.
    unsafe {
        let starting = (*header).phase.get() == Phase::Starting;
        match state {
            subtask::STARTED => {
                if starting {
                    release_params(header, Phase::Started);
                }
            }
            subtask::RETURNED => {
                close(header);
                if starting {
                    release_params(header, Phase::Returned);
                } else {
                    (*header).phase.set(Phase::Returned);
                }
                end_loans(header);
            }
            _ => {
                close(header);
                if state == subtask::CANCELLED_BEFORE_STARTED && starting {
                    (*(*header).cleanup.get()).restore();
                }
                if starting {
                    release_params(header, Phase::Started);
                }
                end_loans(header);
            }
        }
    }
}

/// Drops the handle of a call whose resolution was delivered.
unsafe fn close(header: *const Header) {
    // SAFETY: the caller's block is alive; the handle is dropped once, hence zeroed.
    unsafe {
        let op = &(*header).op;
        if op.handle() != 0 {
            op.release();
            builtins::subtask_drop(op.handle());
            op.set_handle(0);
        }
    }
}

unsafe fn on_event(op: *const Op, state: u32) {
    let header = op.cast::<Header>();
    // SAFETY: the op is the first field of its block, which is alive (rule 4). Nothing is delivered after the
    // resolution: the handle is gone then.
    unsafe {
        advance(header, state);
        if (*op).handle() == 0 {
            (*op).answer(state);
        } else if (*op).is_nowhere() {
            // A foreign task has removed the registration; the future has to register again.
            (*op).wake();
        }
    }
}

/// Takes in the status word of the call.
///
/// # Safety
///
/// The block is alive and was just used for the call.
unsafe fn started(header: *const Header, status: u32) {
    // SAFETY: as promised.
    unsafe {
        (*header).op.set_handle(status >> 4);
        if status & 0xf != 0 {
            advance(header, status & 0xf);
        }
    }
}

/// Whether the result is there; otherwise arranges for the waker to be called.
///
/// # Safety
///
/// The block is alive and the call was made.
unsafe fn poll(header: *const Header, cx: &Context<'_>) -> bool {
    // SAFETY: as promised. A block that is registered is freed only after its op was released.
    unsafe {
        let op = &(*header).op;
        if (*header).phase.get() == Phase::Returned {
            return true;
        }
        op.instance().check();
        op.set_waker(cx.waker());
        Op::register(header.cast(), false);
        false
    }
}

/// Cancels a call that has not returned; afterwards nothing of it is in flight.
///
/// # Safety
///
/// The block is alive and belongs to the current instance.
unsafe fn cancel(header: *const Header) {
    // SAFETY: the waitable leaves its set before the synchronous cancel.
    unsafe {
        let op = &(*header).op;
        op.unregister();
        let state = builtins::subtask_cancel(op.handle());
        if state != BLOCKED {
            advance(header, state);
        }
    }
}

enum State<P> {
    Unpolled(P),
    Called(*const Header),
    Done,
}

/// One call of an asynchronous import: a future that makes the call when it is first polled.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<P, R> {
    /// Valid for ever; not a reference, whose type would make `P` live as long.
    vtable: *const CallVtable<P, R>,
    lends: bool,
    state: State<P>,
}

// SAFETY: rule 1: the block is touched only where its instance is current.
unsafe impl<P: Send, R: Send> Send for Call<P, R> {}
// SAFETY: a shared `Call` offers no operation.
unsafe impl<P: Sync, R: Sync> Sync for Call<P, R> {}
// The block is on the heap, and nothing is pinned in the future itself.
impl<P, R> Unpin for Call<P, R> {}

/// A call of the import described by `vtable`.
#[inline]
pub const fn call<P, R>(vtable: &'static CallVtable<P, R>, params: P) -> Call<P, R> {
    Call {
        vtable,
        lends: false,
        state: State::Unpolled(params),
    }
}

/// A call whose parameters hold references to resources it borrows.
///
/// # Safety
///
/// `S` and `P` differ in lifetimes only, and the vtable's functions are right for all of them.
#[inline]
pub const unsafe fn call_lending<S, P, R>(vtable: &'static CallVtable<S, R>, params: P) -> Call<P, R> {
    Call {
        vtable: (&raw const *vtable).cast(),
        lends: true,
        state: State::Unpolled(params),
    }
}

impl<P, R> Call<P, R> {
    fn vtable(&self) -> &CallVtable<P, R> {
        // SAFETY: made of a reference for ever, or as `call_lending` says (rule 8).
        unsafe { &*self.vtable }
    }

    /// Moves the parameters into a block and makes the call.
    fn start(&self, params: P) -> *const Header {
        let vtable = self.vtable();
        let (layout, area) = Block::<P>::layout(vtable.area);
        let (cleanup, drop_params): (_, unsafe fn(*const Header)) = if self.lends {
            (Cleanup::lending(), Block::<P>::keep_params)
        } else {
            (Cleanup::new(), Block::<P>::drop_params)
        };
        let block = pool::take(layout).cast::<Block<P>>();
        // SAFETY: a fresh block of the right layout. The parameters do not move until they are dropped (rule 5), and
        // the area is the rest of the block.
        unsafe {
            block.write(Block {
                header: Header {
                    op: Op::new(0, on_event),
                    phase: Cell::new(Phase::Starting),
                    cleanup: UnsafeCell::new(cleanup),
                    drop_params,
                },
                params: UnsafeCell::new(ManuallyDrop::new(params)),
            });
            let header = block.cast_const().cast::<Header>();
            let status = (vtable.start)(
                &*(*block).params.get(),
                block.cast::<u8>().add(area),
                &mut *(*header).cleanup.get(),
            );
            started(header, status);
            header
        }
    }

    /// Lifts the result and frees the block.
    ///
    /// # Safety
    ///
    /// The call has returned; the block is not used afterwards.
    unsafe fn finish(&self, header: *const Header) -> R {
        let (layout, area) = Block::<P>::layout(self.vtable().area);
        // SAFETY: the result is in the area, is lifted once, and the block is idle.
        unsafe {
            let result = (self.vtable().lift)(header.cast_mut().cast::<u8>().add(area));
            self.free(header, layout);
            result
        }
    }

    /// # Safety
    ///
    /// The parameters, unless kept, and the result are gone, nothing is registered, and the block is not used afterwards.
    unsafe fn free(&self, header: *const Header, layout: Layout) {
        // SAFETY: the op's waker is the only other thing left to drop.
        unsafe {
            if self.lends {
                Block::<P>::drop_params(header);
            }
            ptr::drop_in_place((&raw const (*header).op).cast_mut());
            pool::give(header.cast_mut().cast(), layout);
        }
    }
}

impl<P, R> Future for Call<P, R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let header = match mem::replace(&mut self.state, State::Done) {
            State::Unpolled(params) => self.start(params),
            State::Called(header) => header,
            State::Done => polled_again(),
        };
        // SAFETY: the block is alive until `finish`, or until this future is dropped.
        unsafe {
            self.state = State::Called(header);
            if poll(header, cx) {
                self.state = State::Done;
                return Poll::Ready(self.finish(header));
            }
            Poll::Pending
        }
    }
}

impl<P, R> Drop for Call<P, R> {
    fn drop(&mut self) {
        let State::Called(header) = mem::replace(&mut self.state, State::Done) else {
            return;
        };
        // SAFETY: the block is alive. What belongs to an instance that is not current is leaked: inert, like the
        // instance itself.
        unsafe {
            let op = &(*header).op;
            if !waitable::is_alive(op.instance()) {
                return;
            }
            if op.handle() != 0 {
                cancel(header);
            }
            if op.handle() != 0 {
                return;
            }
            if (*header).phase.get() == Phase::Returned {
                drop(self.finish(header));
            } else {
                self.free(header, Block::<P>::layout(self.vtable().area).0);
            }
        }
    }
}

#[cold]
fn polled_again() -> ! {
    panic!("a call was polled after it had returned")
}
