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
/// constants. One word, because it is passed along with every call that has to wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Params(*const ());

impl Params {
    /// Nothing: they need no drop, and lowering left nothing behind. There is no cleanup.
    pub(super) const PLAIN: Params = Params(ptr::null());
    /// They hold references, and are dropped with the block. What is lent ends with the resolution.
    pub(super) const KEPT: Params = Params(ptr::without_provenance(1));

    /// They are dropped by `Block::<P>::drop_params`.
    #[inline]
    pub(super) const fn dropped<P>() -> Params {
        Params(Block::<P>::drop_params as *const ())
    }

    /// Does so, if the host has read them.
    ///
    /// # Safety
    ///
    /// As for `release`, if it has.
    #[inline(never)]
    unsafe fn release_if_read(self, header: *const Header, phase: Phase) {
        if phase != Phase::STARTING {
            // SAFETY: promised by the caller.
            unsafe { self.release(header) }
        }
    }

    /// Frees what the host has read: lists, the journal, and the parameters themselves.
    ///
    /// # Safety
    ///
    /// These are the parameters of the block, which is alive and just left *starting*.
    #[inline(never)]
    unsafe fn release(self, header: *const Header) {
        // SAFETY: as promised; what is none of the constants was made by `dropped`.
        unsafe {
            if self == Params::PLAIN {
                return;
            }
            cleanup(header).release();
            if self != Params::KEPT {
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
    /// The header heads a `Block<P>` whose parameters are there and not used afterwards.
    pub(super) unsafe fn drop_params(header: *const Header) {
        // SAFETY: promised by the caller.
        unsafe { ManuallyDrop::drop(&mut *(*header.cast::<Block<P>>()).params.get()) }
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

/// Changes the phase. Parameters are released on leaving *starting*, and once even if one's destructor panics.
///
/// # Safety
///
/// The block is alive.
#[inline(always)]
unsafe fn set_phase(header: *const Header, phase: Phase) {
    // SAFETY: promised by the caller.
    unsafe {
        if (*header).phase.replace(phase) == Phase::STARTING {
            params(header).release(header);
        }
    }
}

/// Takes in a state the host reported. Answers whether the root of the task waited, which knows of its own call no more.
///
/// # Safety
///
/// The block is alive and the call has not been resolved.
#[inline(always)]
unsafe fn advance(header: *const Header, state: u32) -> bool {
    // SAFETY: as promised; a handle is dropped exactly when its resolution was delivered.
    unsafe {
        if state == subtask::STARTED {
            set_phase(header, Phase::STARTED);
            return false;
        }
        let op = &(*header).op;
        let root = op.release();
        builtins::subtask_drop(op.handle());
        op.set_handle(0);
        if state == subtask::RETURNED {
            set_phase(header, Phase::RETURNED);
        } else {
            cancelled(header, state);
        }
        if params(header) == Params::KEPT {
            // The loans are taken out before any handle is dropped (rule 3).
            let lent = cleanup(header).take_lent();
            drop(lent);
        }
        root
    }
}

/// Takes in that the call was cancelled. Handles go back to parameters that were never read.
///
/// # Safety
///
/// As for `advance`.
#[inline(never)]
unsafe fn cancelled(header: *const Header, state: u32) {
    // SAFETY: as promised; cells are where they were as long as the parameters are.
    unsafe {
        let starting = (*header).phase.get() == Phase::STARTING;
        if state == subtask::CANCELLED_BEFORE_STARTED && starting && params(header) != Params::PLAIN {
            cleanup(header).restore();
        }
        set_phase(header, Phase::STARTED);
    }
}

unsafe fn on_event(op: *const Op, state: u32) -> bool {
    let header = op.cast::<Header>();
    // SAFETY: the op is the first field of its block, which is alive (rule 4). Nothing is delivered after the
    // resolution: the handle is gone then.
    unsafe {
        let root = advance(header, state);
        // A foreign task has removed the registration; the future has to register again.
        root || ((state != subtask::STARTED || (*op).is_nowhere()) && (*op).wake())
    }
}

impl Header {
    /// Makes all of the header but the op.
    ///
    /// # Safety
    ///
    /// The block was just used for the call, which answered `status`; its parameters are there, and its cleanup if they are
    /// not plain.
    #[inline(always)]
    unsafe fn init_rest(this: *mut Header, status: u32, vtable: Known) {
        // SAFETY: as promised.
        unsafe {
            (&raw mut (*this).vtable).write(vtable);
            let phase = Phase(status & 0xf);
            (&raw mut (*this).phase).write(Cell::new(phase));
            let params = vtable.common().params;
            if params != Params::PLAIN {
                params.release_if_read(this, phase);
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
            Header::init_rest(this, status, vtable);
            if status >> 4 == 0 {
                (&raw mut (*this).op).write(Op::new(0, on_event));
            } else {
                Op::begin_unawaited(this.cast(), status >> 4, on_event);
            }
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
            Header::init_rest(this, status, vtable);
            Op::begin(this.cast(), status >> 4, on_event, waker);
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
    /// The block is alive, has not returned, and is not freed while it is registered.
    #[inline(never)]
    pub(super) unsafe fn wait(this: *const Header, waker: &Waker) {
        // SAFETY: promised by the caller.
        unsafe {
            (*this).op.instance().check();
            Op::wait(this.cast(), waker);
        }
    }

    #[inline]
    pub(super) fn vtable(&self) -> Known {
        self.vtable
    }

    /// Whether the result is in the area.
    #[inline]
    pub(super) fn has_returned(&self) -> bool {
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
                // Nobody waits for a call that is cancelled.
                advance(this, state);
            }
        }
    }
}
