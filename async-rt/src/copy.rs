//! What reads and writes of streams and futures have in common: an end, and at most one copy in flight at it.
//!
//! A [`Port`] belongs to an end, not to the future that happens to wait: dropping or forgetting that future leaves the
//! copy in flight, and whoever uses the end next picks it up. The port allocates its block only when a copy blocks for
//! the first time. States:
//!
//! * *idle*: nothing in flight. Some hosts report a dropped peer to an idle end, which is *ended* then. Other events are
//!   ignored.
//! * *busy*: a copy is in flight, or its answer was not taken yet, and the memory it uses belongs to the end (rule 5).
//!   Reading, writing, dropping or transferring the end is not allowed now; taking the answer or a cancel makes it idle.
//!   For the host the end is idle as soon as the answer has come, so the peer may be reported gone before it was taken;
//!   that is noted with the answer.
//! * *ended*: the peer was reported gone to the idle end. Some hosts allow nothing but the drop afterwards, so no copy is
//!   started any more.
//! * *closed*: the peer is gone. Latched by whoever decodes the answers; no built-in is called any more except the drop.

use crate::abi::{BLOCKED, copy};
use crate::pool;
use crate::sys::{CancelFn, InstanceId, NewFn};
use crate::waitable::Op;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::ptr;
use core::task::{Poll, Waker};

/// The heap block of a port.
#[repr(C)]
struct Block {
    op: Op,
    /// `IDLE` or `ENDED`, or `BLOCKED` while a copy is in flight, or its answer.
    state: Cell<u32>,
}

/// Nothing is in flight. No host answers this: there are no such counts.
const IDLE: u32 = BLOCKED - 1;

/// Nothing is in flight, and the peer was reported gone. No answer either.
const ENDED: u32 = BLOCKED - 2;

/// Set in an answer that was not taken yet when the peer was reported gone. No host sets it.
const AND_ENDED: u32 = 8;

/// Whether an answer says that the peer is gone.
#[inline]
pub(crate) fn ends(answer: u32) -> bool {
    answer & (copy::DROPPED | AND_ENDED) != 0
}

/// Two fresh ends, the readable one first, from what makes them: `stream.new` and `future.new` answer that one in the low half.
///
/// # Safety
///
/// The built-in is one of these, and of the type that the ends are used with.
#[inline(always)]
pub(crate) unsafe fn fresh_ends(new: NewFn) -> (u32, u32) {
    // SAFETY: promised by the caller.
    let ends = unsafe { new() };
    (ends as u32, (ends >> 32) as u32)
}

/// The one copy that may be in flight at an end.
pub(crate) struct Port {
    block: Cell<*const Block>,
    instance: InstanceId,
}

impl Port {
    #[inline]
    pub(crate) fn new() -> Port {
        Port {
            block: Cell::new(ptr::null()),
            instance: InstanceId::current(),
        }
    }

    /// The instance the end belongs to.
    #[inline]
    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    #[inline]
    fn block(&self) -> Option<&Block> {
        // SAFETY: the block is null or alive until `free`.
        unsafe { self.block.get().as_ref() }
    }

    /// Whether a copy is in flight, or its answer was not taken yet.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.block()
            .is_some_and(|block| !matches!(block.state.get(), IDLE | ENDED))
    }

    /// Whether a copy can be started.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.block().is_none_or(|block| block.state.get() == IDLE)
    }

    /// Whether the peer was reported gone while the end was idle.
    #[inline]
    pub(crate) fn is_ended(&self) -> bool {
        self.block().is_some_and(|block| block.state.get() == ENDED)
    }

    /// Notes that a copy was started at an idle port and blocks, and waits for it.
    pub(crate) fn begin(&self, handle: u32, waker: &Waker) {
        let block = self.block.get();
        if block.is_null() {
            self.begin_first(handle, waker);
            return;
        }
        // SAFETY: the block is freed only by `free`, after it was unregistered.
        unsafe {
            (*block).op.set_handle(handle);
            (*block).state.set(BLOCKED);
            Op::wait(block.cast(), waker);
        }
    }

    #[inline(never)]
    fn begin_first(&self, handle: u32, waker: &Waker) {
        let block = pool::take(Layout::new::<Block>()).cast::<Block>();
        self.block.set(block);
        // SAFETY: a fresh block of the right layout, which is freed as above.
        unsafe {
            block.write(Block {
                op: Op::new(handle, on_event),
                state: Cell::new(BLOCKED),
            });
            Op::wait(block.cast(), waker);
        }
    }

    /// Takes in what a read or write at an idle port returned: the answer, or nothing yet.
    #[inline]
    pub(crate) fn started(&self, handle: u32, status: u32, waker: &Waker) -> Poll<u32> {
        if status != BLOCKED {
            return Poll::Ready(status);
        }
        self.begin(handle, waker);
        Poll::Pending
    }

    /// Waits for the copy in flight, and takes its answer.
    ///
    /// # Panics
    ///
    /// If the end belongs to another instance.
    #[inline]
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<u32> {
        let Some(block) = self.block() else {
            return Poll::Pending;
        };
        block.op.instance().check();
        let answer = block.state.get();
        if answer != BLOCKED {
            block.state.set(IDLE);
            return Poll::Ready(answer);
        }
        // SAFETY: the block is freed only by `free`, after it was unregistered.
        unsafe { Op::wait(self.block.get().cast(), waker) };
        Poll::Pending
    }

    /// Ends the copy in flight, if any, and answers how it ended.
    pub(crate) fn cancel(&self, cancel: CancelFn) -> Option<u32> {
        let block = self.block()?;
        if !self.is_busy() {
            return None;
        }
        block.op.unregister();
        let answer = match block.state.get() {
            // SAFETY: a copy is in flight at this end and the end is in no set. The cancel is synchronous, so its
            // result is final.
            BLOCKED => unsafe { cancel(block.op.handle()) },
            answer => answer,
        };
        block.state.set(IDLE);
        Some(answer)
    }

    /// Frees the block of a port that is not busy. If the end is in a set it leaves that, so that it can be dropped or passed on.
    pub(crate) fn free(&self) {
        let block = self.block.replace(ptr::null());
        if block.is_null() {
            return;
        }
        // SAFETY: nothing is in flight, so nobody waits, and nothing refers to the block once it is unregistered.
        unsafe {
            (*block).op.unregister();
            ptr::drop_in_place((&raw const (*block).op).cast_mut());
            pool::give(block.cast_mut().cast(), Layout::new::<Block>());
        }
    }
}

unsafe fn on_event(op: *const Op, answer: u32) -> bool {
    // SAFETY: the op is the first field of its block, which is alive (rule 4).
    unsafe {
        let block = op.cast::<Block>();
        let state = (*block).state.get();
        if state == BLOCKED {
            (*block).state.set(answer);
            return (*op).wake();
        }
        if answer & 0xf == copy::DROPPED {
            match state {
                IDLE => (*block).state.set(ENDED),
                unseen if unseen & 0xf == copy::COMPLETED => (*block).state.set(unseen | AND_ENDED),
                _ => {}
            }
        }
        false
    }
}
