//! The heap block of a call that did not return at once, without the types of the call.

use super::state::Known;
use crate::abi::{BLOCKED, subtask};
use crate::rt::cleanup::Cleanup;
use crate::sys::builtins;
use crate::waitable::{self, Op};
use core::cell::{Cell, UnsafeCell};
use core::mem::{self, ManuallyDrop};
use core::ptr;
use core::task::Waker;

/// How far a call is, by the number the host has for it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Phase(u32);

impl Phase {
    const STARTING: Phase = Phase(subtask::STARTING);
    const STARTED: Phase = Phase(subtask::STARTED);
    const RETURNED: Phase = Phase(subtask::RETURNED);
}

/// What the parameters of a call leave to do: a function that drops them once the host has read them, or one of the two
/// constants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Params(*const ());

impl Params {
    /// Nothing: they need no drop, and lowering left nothing behind. There is no cleanup.
    pub(super) const PLAIN: Params = Params(ptr::null());
    /// They hold references, and are dropped with the block. What is lent ends with the resolution. On wasm functions have the smallest
    /// addresses, this has the largest.
    pub(super) const KEPT: Params = Params(ptr::without_provenance(usize::MAX));

    /// They are dropped by `Block::<P>::drop_params`.
    #[inline]
    pub(super) const fn dropped<P>() -> Params {
        Params(Block::<P>::drop_params as *const ())
    }

    /// Frees what the host has read, lists, the journal, and the parameters themselves, and ends what is lent to a call that is resolved.
    /// Values are dropped last: their destructors are the user's, who may drop the call, and with it the block.
    ///
    /// # Safety
    ///
    /// These are the parameters of the block, which is alive and not used afterwards, and they are not plain. That they are read is said
    /// once, and so is that the call is resolved.
    #[inline(never)]
    unsafe fn settle(self, header: *const Header, is_read: bool, is_resolved: bool) {
        // SAFETY: as promised; what is none of the constants was made by `dropped`.
        unsafe {
            if is_read {
                cleanup(header).release();
            }
            if self == Params::KEPT {
                if is_resolved {
                    // The loans are taken out before any handle is dropped (rule 3).
                    let lent = cleanup(header).take_lent();
                    drop(lent);
                }
            } else if is_read {
                mem::transmute::<*const (), unsafe fn(*const Header)>(self.0)(header);
            }
        }
    }
}

/// The part of a block that does not depend on the types of the call. It comes first (rule 2).
#[repr(C)]
pub(super) struct Header {
    op: Op,
    phase: Cell<Phase>,
    vtable: Known,
    /// Made before the rest of the header, unless the parameters are plain.
    pub(super) cleanup: UnsafeCell<mem::MaybeUninit<Cleanup>>,
}

#[repr(C)]
pub(super) struct Block<P> {
    pub(super) header: Header,
    pub(super) params: UnsafeCell<ManuallyDrop<P>>,
}

impl<P> Block<P> {
    /// Where the area begins.
    pub(super) const AREA: usize = mem::size_of::<Block<P>>().next_multiple_of(8);

    pub(super) const SHAPE: Shape = Shape {
        params: mem::offset_of!(Block<P>, params),
        size: mem::size_of::<P>(),
        area: Self::AREA,
        drop_params: Self::drop_params,
    };

    /// # Safety
    ///
    /// The header heads a `Block<P>` whose parameters are there and not used afterwards. It need not outlive their destructors.
    pub(super) unsafe fn drop_params(header: *const Header) {
        // SAFETY: promised by the caller. What was lowered of them was read, or put back.
        unsafe { drop(ManuallyDrop::take(&mut *(*header.cast::<Block<P>>()).params.get())) }
    }
}

/// A function that lowers parameters whose type is not known here, and makes the call.
pub(super) type StartErased = unsafe fn(*const u8, *mut u8, &mut Cleanup) -> u32;

/// Where things are in a block, and how its parameters are dropped.
pub(super) struct Shape {
    /// Where the parameters are, and how many bytes.
    params: usize,
    size: usize,
    area: usize,
    drop_params: unsafe fn(*const Header),
}

/// What the parameters leave to do.
///
/// # Safety
///
/// The block is alive.
#[inline(always)]
unsafe fn params(header: *const Header) -> Params {
    // SAFETY: promised by the caller.
    unsafe { (*header).vtable.common().params }
}

/// The cleanup of parameters that are not plain.
///
/// # Safety
///
/// The block is alive, and the reference ends before anything else uses it.
unsafe fn cleanup<'a>(header: *const Header) -> &'a mut Cleanup {
    // SAFETY: it was made before the header, as its documentation says.
    unsafe { (*(*header).cleanup.get()).assume_init_mut() }
}

/// Does what the parameters leave to do, when a call that was in this phase went on to that state.
///
/// # Safety
///
/// The block is alive and not used afterwards. No change is told twice.
#[inline(always)]
unsafe fn settle(header: *const Header, before: Phase, state: u32) {
    // SAFETY: promised by the caller.
    unsafe {
        let params = params(header);
        if params != Params::PLAIN {
            params.settle(header, before == Phase::STARTING, state != subtask::STARTED);
        }
    }
}

/// Takes in a state the host reported. Answers the phase before, for [`settle`], and whether the root of the task waited, which knows of
/// its own call no more.
///
/// # Safety
///
/// The block is alive and the call has not been resolved.
#[inline(always)]
unsafe fn advance(header: *const Header, state: u32) -> (Phase, bool) {
    // SAFETY: as promised; a handle is dropped exactly when its resolution was delivered.
    unsafe {
        let phase = &(*header).phase;
        if state == subtask::STARTED {
            return (phase.replace(Phase::STARTED), false);
        }
        let op = &(*header).op;
        let root = op.release();
        builtins::subtask_drop(op.handle());
        op.set_handle(0);
        let before = if state == subtask::RETURNED {
            phase.replace(Phase::RETURNED)
        } else {
            cancelled(header, state)
        };
        (before, root)
    }
}

/// Takes in that the call was cancelled, and answers the phase before. Handles go back to parameters that were never read.
///
/// # Safety
///
/// As for `advance`.
#[inline(never)]
unsafe fn cancelled(header: *const Header, state: u32) -> Phase {
    // SAFETY: as promised; cells are where they were as long as the parameters are.
    unsafe {
        let before = (*header).phase.replace(Phase::STARTED);
        if state == subtask::CANCELLED_BEFORE_STARTED && before == Phase::STARTING && params(header) != Params::PLAIN {
            cleanup(header).restore();
        }
        before
    }
}

unsafe fn on_event(op: *const Op, state: u32) -> bool {
    let header = op.cast::<Header>();
    // SAFETY: the op is the first field of its block, which is alive (rule 4). Nothing is delivered after the
    // resolution: the handle is gone then.
    unsafe {
        let (before, root) = advance(header, state);
        // A foreign task has removed the registration; the future has to register again.
        let root = root || ((state != subtask::STARTED || (*op).is_nowhere()) && (*op).wake());
        settle(header, before, state);
        root
    }
}

impl Header {
    /// Makes all of the header but the op. The phase is *starting* until [`settle_made`](Self::settle_made), so that the parameters are
    /// settled once, also by who ends a call that could not wait.
    ///
    /// # Safety
    ///
    /// The block was just used for the call; its parameters are there, and its cleanup if they are not plain.
    #[inline(always)]
    unsafe fn init_rest(this: *mut Header, vtable: Known) {
        // SAFETY: as promised.
        unsafe {
            (&raw mut (*this).vtable).write(vtable);
            (&raw mut (*this).phase).write(Cell::new(Phase::STARTING));
        }
    }

    /// Does what the parameters leave to do if the host has read them at once, or has resolved the call at once.
    ///
    /// # Safety
    ///
    /// The header was just made, and is not used afterwards. `status` is the call's answer.
    #[inline(always)]
    unsafe fn settle_made(this: *const Header, status: u32) {
        let state = status & 0xf;
        if state != subtask::STARTING {
            // SAFETY: promised by the caller.
            unsafe {
                (*this).phase.set(Phase(state));
                settle(this, Phase::STARTING, state);
            }
        }
    }

    /// Makes the header of a call that nobody awaits yet. If there is a task, it takes in the events meanwhile.
    ///
    /// # Safety
    ///
    /// As for `init_rest`, and the block is not freed while it is registered.
    #[inline(never)]
    pub(super) unsafe fn init_unawaited(this: *mut Header, status: u32, vtable: Known) {
        // SAFETY: as promised.
        unsafe {
            Header::init_rest(this, vtable);
            if status >> 4 == 0 {
                (&raw mut (*this).op).write(Op::new(0, on_event));
            } else {
                Op::begin_unawaited(this.cast(), status >> 4, on_event);
            }
            Header::settle_made(this, status);
        }
    }

    /// Makes the header of a call that did not return at once, and waits.
    ///
    /// # Safety
    ///
    /// As for `init_rest`, and the block is not freed while it is registered.
    #[inline(never)]
    pub(super) unsafe fn init_and_wait(this: *mut Header, status: u32, vtable: Known, waker: &Waker) {
        // SAFETY: promised by the caller.
        unsafe {
            Header::init_rest(this, vtable);
            Op::begin(this.cast(), status >> 4, on_event, waker);
            Header::settle_made(this, status);
        }
    }

    /// Makes a call whose lowering leaves something behind: moves the parameters into the block and makes its cleanup.
    /// Answers the status.
    ///
    /// # Safety
    ///
    /// The block is fresh and of this shape. The parameters are of the type of the block and of the function, which is that of
    /// the import. They are not used elsewhere afterwards.
    #[inline(never)]
    pub(super) unsafe fn start_cleaning(
        this: *mut Header,
        shape: &Shape,
        params: *const u8,
        start: StartErased,
        lending: bool,
    ) -> u32 {
        // SAFETY: promised by the caller; parameters do not move again until they are dropped (rule 5).
        unsafe {
            let block = this.cast::<u8>();
            let place = block.add(shape.params);
            ptr::copy_nonoverlapping(params, place, shape.size);
            let cleanup = (&raw mut (*this).cleanup).cast::<Cleanup>();
            cleanup.write(if lending { Cleanup::lending() } else { Cleanup::new() });
            start(place, block.add(shape.area), &mut *cleanup)
        }
    }

    /// Drops the cleanup and the parameters of a call that returned at once.
    ///
    /// # Safety
    ///
    /// The block was made by `start_cleaning`, with the same shape, and has no header.
    #[inline(never)]
    pub(super) unsafe fn clean(this: *mut Header, shape: &Shape) {
        // SAFETY: both are there, and dropped once.
        unsafe {
            ptr::drop_in_place((&raw mut (*this).cleanup).cast::<Cleanup>());
            (shape.drop_params)(this);
        }
    }

    /// Ends a call whose result was not handed out: cancels it if it has not returned. Answers whether its block can be freed: not
    /// if it belongs to another instance, or is in flight still.
    ///
    /// # Safety
    ///
    /// The block is alive.
    #[inline(never)]
    pub(super) unsafe fn end(this: *const Header) -> bool {
        // SAFETY: promised by the caller.
        unsafe {
            let op = &(*this).op;
            if !waitable::is_alive(op.instance()) {
                return false;
            }
            if op.handle() != 0 {
                Header::cancel(this);
            }
            if op.handle() != 0 {
                return false;
            }
            op.wake_nobody();
            true
        }
    }

    /// Arranges for the waker to be called at the next event.
    ///
    /// # Safety
    ///
    /// The block is alive and of the current instance, has not returned, and is not freed while it is registered.
    #[inline(never)]
    pub(super) unsafe fn wait(this: *const Header, waker: &Waker) {
        // SAFETY: promised by the caller.
        unsafe {
            Op::wait(this.cast(), waker);
        }
    }

    #[inline]
    pub(super) fn vtable(&self) -> Known {
        self.vtable
    }

    /// Whether the result is in the area.
    ///
    /// # Panics
    ///
    /// If the call belongs to another instance.
    #[inline]
    pub(super) fn has_returned(&self) -> bool {
        self.op.instance().check();
        self.phase.get() == Phase::RETURNED
    }

    /// Cancels a call that has not been resolved; afterwards nothing of it is in flight.
    ///
    /// # Safety
    ///
    /// The block is alive and belongs to the current instance.
    unsafe fn cancel(this: *const Header) {
        // SAFETY: the waitable leaves its set before the synchronous cancel.
        unsafe {
            (*this).op.unregister();
            let state = builtins::subtask_cancel((*this).op.handle());
            if state != BLOCKED {
                // Nobody waits for a call that is cancelled, and it is in the hands of who cancels it.
                let (before, _) = advance(this, state);
                settle(this, before, state);
            }
        }
    }
}
