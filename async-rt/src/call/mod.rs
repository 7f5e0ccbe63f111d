//! One call of an asynchronous import.
//!
//! Nothing happens before the first poll. Then the parameters move into a heap block, together with the area that both
//! the lowered parameters and the result use, and stay there until the host has no more use for them: the host may read
//! parameters late and the parameters contain the cells the handle journal points to. A call that returns at once gives
//! the block back in the same poll, and its header is never made. Otherwise the block goes through these states, kept in
//! `Phase` (see `block`):
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

mod block;
mod vtable;

pub use vtable::CallVtable;

use crate::abi::subtask;
use crate::rt::cleanup::Cleanup;
use block::{Block, Header, Params};
use core::hint;
use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};
use vtable::Start;

/// One call of an asynchronous import: a future that makes the call when it is first polled.
///
/// Dropping it before does nothing. Dropping it while it is pending cancels the call, and waits until the callee has given it
/// up or returned; a result that came first is dropped. So in a `select!` that is to go on with the call, await `&mut call`;
/// to hear how a cancellation ended, [`cancel`](Self::cancel) it. Forgetting it leaves the call to itself.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<P, R> {
    /// Valid for ever; not a reference, whose type would make `P` live as long.
    vtable: *const CallVtable<P, R>,
    /// Null before the call was made, when the parameters are here; `FINISHED` when its result was handed out.
    header: *const Header,
    params: MaybeUninit<P>,
}

/// The context of a poll, which is there for as long as the poll runs; null without one. It is no reference: of that the
/// compiler passes the parts, which it loads even for a call that returns at once.
type MaybeContext<'a> = *const Context<'a>;

const FINISHED: *const Header = ptr::without_provenance(1);

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
        header: ptr::null(),
        params: MaybeUninit::new(params),
    }
}

/// A call whose parameters hold references to resources it borrows.
///
/// # Safety
///
/// `S` and `P` differ in lifetimes only, and the vtable's functions are right for all of them. The vtable is a lending one.
#[inline]
pub const unsafe fn call_lending<S, P, R>(vtable: &'static CallVtable<S, R>, params: P) -> Call<P, R> {
    Call {
        vtable: (&raw const *vtable).cast(),
        header: ptr::null(),
        params: MaybeUninit::new(params),
    }
}

impl<P, R> Call<P, R> {
    #[inline]
    fn vtable<'a>(&self) -> &'a CallVtable<P, R>
    where
        P: 'a,
        R: 'a,
    {
        // SAFETY: made of a reference for ever, or as `call_lending` says (rule 8).
        unsafe { &*self.vtable }
    }

    /// Makes the call now instead of when it is first awaited. It goes on while other things are awaited, so that a number of
    /// calls started one after another are in flight together.
    ///
    /// ```ignore
    /// let (left, right) = (count(left).start(), count(right).start());
    /// let sum = left.await + right.await;
    /// ```
    pub fn start(mut self) -> Call<P, R> {
        if self.header.is_null() {
            // SAFETY: there is no context.
            unsafe { self.make(ptr::null()) };
        }
        self
    }

    /// Ends the call: the result, if it returned first.
    ///
    /// The host is asked to cancel it and is waited for, as when the call is dropped. What awaiting this adds is the result.
    pub async fn cancel(mut self) -> Option<R> {
        self.end()
    }

    /// Makes the call. Answers the block if the result is in it at once, and there is a context; otherwise waits, and answers null.
    ///
    /// # Safety
    ///
    /// The context is there, if it is not null.
    #[inline(always)]
    unsafe fn make(&mut self, cx: MaybeContext<'_>) -> *mut Block<P> {
        let vtable = self.vtable();
        let Start::Plain(start) = vtable.start else {
            // SAFETY: they are not plain.
            return unsafe { self.make_cleaning(cx) };
        };
        // A panic in lowering leaves nothing to do, and leaks the block and the parameters.
        self.header = FINISHED;
        let block = vtable.block.take_for::<Block<P>>().cast::<Block<P>>();
        // SAFETY: a fresh block of the right layout, whose rest is the area. The parameters are in `self`. Their lowering leaves
        // nothing behind, so nothing knows where they are; what they point to stays until they are dropped (rule 5).
        unsafe {
            let area = block.cast::<u8>().add(Block::<P>::AREA);
            let status = start(self.params.assume_init_ref(), area);
            if status == subtask::RETURNED && !cx.is_null() {
                self.params.assume_init_drop();
                return block;
            }
            let params = (&raw mut (*block).params).cast::<P>();
            params.write(self.params.assume_init_read());
            let header = &raw mut (*block).header;
            let kind = if mem::needs_drop::<P>() {
                // There is nothing to clean up, but what is dropped has a cleanup.
                (&raw mut (*header).cleanup).cast::<Cleanup>().write(Cleanup::new());
                Params::dropped::<P>()
            } else {
                Params::PLAIN
            };
            self.started(header, status, kind, cx);
        }
        ptr::null_mut()
    }

    /// As `make`, for parameters whose lowering leaves something behind.
    ///
    /// # Safety
    ///
    /// They are of that kind; otherwise as for `make`.
    #[inline(never)]
    unsafe fn make_cleaning(&mut self, cx: MaybeContext<'_>) -> *mut Block<P> {
        let vtable = self.vtable();
        self.header = FINISHED;
        let block = vtable.block.take_for::<Block<P>>().cast::<Block<P>>();
        // SAFETY: as in `make`, but that the parameters move into the block first, and not again until they are dropped. A
        // reference to a sized type and a pointer are passed in the same way, so the function may be called with either.
        unsafe {
            let (start, lending) = match vtable.start {
                Start::Lending(start) => (start, true),
                Start::Cleaning(start) => (start, false),
                Start::Plain(_) => hint::unreachable_unchecked(),
            };
            let start = mem::transmute::<unsafe fn(&P, *mut u8, &mut Cleanup) -> u32, block::StartErased>(start);
            let params = self.params.as_ptr().cast();
            let (header, shape) = (block.cast(), &Block::<P>::SHAPE);
            let status = Header::start_cleaning(header, shape, params, start, lending);
            if status == subtask::RETURNED && !cx.is_null() {
                Header::clean(header, shape);
                return block;
            }
            let kind = if lending { Params::KEPT } else { Params::dropped::<P>() };
            self.started(header, status, kind, cx);
        }
        ptr::null_mut()
    }

    /// # Safety
    ///
    /// As for `Header::init` and `make`.
    #[inline]
    unsafe fn started(&mut self, header: *mut Header, status: u32, kind: Params, cx: MaybeContext<'_>) {
        self.header = header;
        // SAFETY: promised by the caller; a registered block is freed only after its op was released.
        unsafe {
            match cx.as_ref() {
                Some(cx) => Header::init_and_wait(header, status, kind, cx.waker()),
                None => Header::init_unawaited(header, status, kind),
            }
        }
    }

    /// Polls all but the result: answers the block when that is in it, and is the only thing in it, or else null.
    ///
    /// # Safety
    ///
    /// The context is there.
    #[inline(never)]
    unsafe fn advance(&mut self, cx: MaybeContext<'_>) -> *mut Block<P> {
        let header = self.header;
        if header.is_null() {
            // SAFETY: promised by the caller.
            return unsafe { self.make(cx) };
        }
        if header == FINISHED {
            polled_again();
        }
        // SAFETY: the block is alive until the result is lifted, or until this future is dropped.
        unsafe {
            if (*header).has_returned() {
                // Who waited was told of it.
                self.header = FINISHED;
                return self.emptied(header);
            }
            Header::wait(header, (*cx).waker());
        }
        ptr::null_mut()
    }

    /// The block of a call that is over, without its parameters.
    ///
    /// # Safety
    ///
    /// The parameters are gone, unless kept; nothing is registered, and nobody waits.
    #[inline]
    unsafe fn emptied(&self, header: *const Header) -> *mut Block<P> {
        if let Start::Lending(_) = self.vtable().start {
            // SAFETY: they were kept.
            unsafe { Block::<P>::drop_params(header) }
        }
        header.cast_mut().cast()
    }

    /// Lifts the result and frees the block.
    ///
    /// # Safety
    ///
    /// The result is the only thing in the block, which is not used afterwards.
    #[inline(always)]
    unsafe fn lift_and_free(&self, block: *mut Block<P>) -> R {
        let vtable = self.vtable();
        // SAFETY: promised by the caller; the area is behind the block.
        unsafe {
            let result = (vtable.lift)(block.cast::<u8>().add(Block::<P>::AREA));
            vtable.block.give_for::<Block<P>>(block.cast());
            result
        }
    }

    /// Ends a call whose result was not handed out: cancels it if it has not returned.
    #[inline(never)]
    fn end(&mut self) -> Option<R> {
        if self.header.is_null() || self.header == FINISHED {
            return None;
        }
        let header = mem::replace(&mut self.header, FINISHED);
        // SAFETY: the block is alive. What belongs to an instance that is not current is leaked: inert, like the
        // instance itself.
        unsafe {
            if !Header::end(header) {
                return None;
            }
            let has_returned = (*header).has_returned();
            let block = self.emptied(header);
            if has_returned {
                return Some(self.lift_and_free(block));
            }
            self.vtable().block.give_for::<Block<P>>(block.cast());
            None
        }
    }
}

impl<P, R> Future for Call<P, R> {
    type Output = R;

    // The result goes through memory unless it is lifted in the future that awaits it.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        // SAFETY: the context is there.
        let block = unsafe { self.advance(&raw const *cx) };
        if block.is_null() {
            return Poll::Pending;
        }
        // SAFETY: the result is in the block, and is lifted once.
        Poll::Ready(unsafe { self.lift_and_free(block) })
    }
}

impl<P, R> Drop for Call<P, R> {
    #[inline]
    fn drop(&mut self) {
        if self.header.is_null() {
            // SAFETY: before the call the parameters are here, and nobody uses them after this.
            unsafe { self.params.assume_init_drop() }
        } else if self.header != FINISHED {
            drop(self.end());
        }
    }
}

#[cold]
fn polled_again() -> ! {
    panic!("a call was polled after it had returned")
}
