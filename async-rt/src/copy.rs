//! What reads and writes of streams and futures have in common: an end, and at most one copy in flight at it.
//!
//! A [`Port`] belongs to an end, not to the future that happens to wait: dropping or forgetting that future leaves the
//! copy in flight, and whoever uses the end next picks it up. The port allocates its block only when a copy blocks for
//! the first time. States:
//!
//! * *idle*: nothing in flight. Some hosts report a dropped peer to an idle end. It is *closed* then, since some of them
//!   allow nothing but the drop afterwards. Other events are ignored.
//! * *busy*: a copy is in flight, and the memory it uses belongs to the end (rule 5). Reading, writing, dropping or
//!   transferring the end is not allowed now; the answer or a cancel makes it idle.
//! * *closed*: the peer is gone. Latched by whoever decodes the answers; no built-in is called any more except the drop.

use crate::abi::{BLOCKED, copy};
use crate::pool;
use crate::sys::{CancelFn, InstanceId};
use crate::waitable::Op;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::ptr;
use core::task::{Context, Poll};

/// The heap block of a port.
#[repr(C)]
struct Block {
    op: Op,
    busy: Cell<bool>,
    /// Whether the peer was reported gone while the end was idle.
    ended: Cell<bool>,
    /// The answer that has come for a busy end and was not seen yet, or `BLOCKED`. For the host the end is idle by then.
    answer: Cell<u32>,
}

/// The one copy that may be in flight at an end.
pub(crate) struct Port {
    block: Cell<*const Block>,
    instance: InstanceId,
}

impl Port {
    pub(crate) fn new() -> Port {
        Port {
            block: Cell::new(ptr::null()),
            instance: InstanceId::current(),
        }
    }

    /// The instance the end belongs to.
    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    fn block(&self) -> Option<&Block> {
        // SAFETY: the block is null or alive until `free`.
        unsafe { self.block.get().as_ref() }
    }

    /// Whether a copy is in flight.
    pub(crate) fn is_busy(&self) -> bool {
        self.block().is_some_and(|block| block.busy.get())
    }

    /// Whether the peer was reported gone while the end was idle.
    pub(crate) fn is_ended(&self) -> bool {
        self.block().is_some_and(|block| block.ended.get())
    }

    /// Takes in what a read or write returned: the answer, or nothing when the copy is in flight now.
    pub(crate) fn started(&self, handle: u32, status: u32) -> Option<u32> {
        if status != BLOCKED {
            return Some(status);
        }
        if self.block.get().is_null() {
            let block = pool::take(Layout::new::<Block>()).cast::<Block>();
            // SAFETY: a fresh block of the right layout.
            unsafe {
                block.write(Block {
                    op: Op::new(handle, on_event),
                    busy: Cell::new(true),
                    ended: Cell::new(false),
                    answer: Cell::new(BLOCKED),
                })
            };
            self.block.set(block);
        }
        if let Some(block) = self.block() {
            block.op.set_handle(handle);
            block.busy.set(true);
        }
        None
    }

    /// Waits for the copy in flight.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<u32> {
        let Some(block) = self.block() else {
            return Poll::Pending;
        };
        let answer = block.answer.replace(BLOCKED);
        if answer != BLOCKED {
            block.busy.set(false);
            return Poll::Ready(answer);
        }
        // SAFETY: the block is freed only by `free`, after it was released or unregistered.
        unsafe { Op::wait(self.block.get().cast(), cx.waker()) };
        Poll::Pending
    }

    /// Ends the copy in flight, if any, and answers how it ended.
    pub(crate) fn cancel(&self, cancel: CancelFn) -> Option<u32> {
        let block = self.block()?;
        if !block.busy.get() {
            return None;
        }
        block.op.unregister();
        let answer = match block.answer.replace(BLOCKED) {
            // SAFETY: a copy is in flight at this end and the end is in no set. The cancel is synchronous, so its
            // result is final.
            BLOCKED => unsafe { cancel(block.op.handle()) },
            answer => answer,
        };
        block.busy.set(false);
        Some(answer)
    }

    /// Takes an idle end out of the set it may still be in, so that it can be passed on.
    pub(crate) fn leave_set(&self) {
        if let Some(block) = self.block() {
            block.op.unregister();
        }
    }

    /// Frees the block of an idle port whose end is about to be dropped, or has left its set.
    pub(crate) fn free(&self) {
        let block = self.block.replace(ptr::null());
        if block.is_null() {
            return;
        }
        // SAFETY: nothing is in flight and nothing refers to the block once it is released.
        unsafe {
            (*block).op.release();
            ptr::drop_in_place((&raw const (*block).op).cast_mut());
            pool::give(block.cast_mut().cast(), Layout::new::<Block>());
        }
    }
}

unsafe fn on_event(op: *const Op, answer: u32) -> bool {
    // SAFETY: the op is the first field of its block, which is alive (rule 4).
    unsafe {
        let block = op.cast::<Block>();
        if (*block).busy.get() && (*block).answer.get() == BLOCKED {
            (*block).answer.set(answer);
            return (*op).wake();
        }
        if answer & 0xf == copy::DROPPED {
            (*block).ended.set(true);
        }
        false
    }
}
