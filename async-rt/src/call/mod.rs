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
mod state;
mod vtable;

pub use vtable::CallVtable;

use crate::abi::subtask;
use crate::rt::cleanup::Cleanup;
use block::{Block, Header, Params};
use core::mem::{self, MaybeUninit};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};
use state::{Known, Stage, State};

/// One call of an asynchronous import: a future that makes the call when it is first polled.
///
/// Dropping it before does nothing. Dropping it while it is pending cancels the call, and waits until the callee has given it
/// up or returned; a result that came first is dropped. So in a `select!` that is to go on with the call, await `&mut call`;
/// to hear how a cancellation ended, [`cancel`](Self::cancel) it. Forgetting it leaves the call to itself.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<P, R> {
    state: State<P, R>,
    /// There until the call is made.
    params: MaybeUninit<P>,
}

/// The context of a poll, which is there for as long as the poll runs; null without one. It is no reference: of that the
/// compiler passes the parts, which it loads even for a call that returns at once.
type MaybeContext<'a> = *const Context<'a>;

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
        state: State::unmade(vtable, vtable.is_plain()),
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
        state: State::unmade((&raw const *vtable).cast(), false),
        params: MaybeUninit::new(params),
    }
}

impl<P, R> Call<P, R> {
    /// Makes the call now instead of when it is first awaited. It goes on while other things are awaited, so that a number of
    /// calls started one after another are in flight together.
    ///
    /// ```ignore
    /// let (left, right) = (count(left).start(), count(right).start());
    /// let sum = left.await + right.await;
    /// ```
    pub fn start(mut self) -> Call<P, R> {
        // SAFETY: there is no context.
        unsafe {
            match self.state.stage() {
                Stage::Plain => self.make(ptr::null()),
                Stage::Cleaning => self.make_cleaning(ptr::null()),
                Stage::Made | Stage::Over => ptr::null_mut(),
            };
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
    /// The call is [`Stage::Plain`]. The context is there, if it is not null.
    #[inline(always)]
    unsafe fn make(&mut self, cx: MaybeContext<'_>) -> *mut Block<P> {
        // SAFETY: promised by the caller.
        let vtable = unsafe { self.state.vtable(Stage::Plain) };
        // A panic in lowering leaves nothing to do. It leaks the block.
        // SAFETY: a fresh block of the right layout, whose rest is the area. The parameters are in `self`. Their lowering leaves
        // nothing behind, so nothing knows where they are; what they point to stays until they are dropped (rule 5).
        unsafe {
            let block = vtable.common.block.take::<Block<P>>().cast::<Block<P>>();
            let area = block.cast::<u8>().add(Block::<P>::AREA);
            let status = vtable.start_plain(self.params.assume_init_ref(), area);
            if status == subtask::RETURNED && !cx.is_null() {
                if mem::needs_drop::<P>() {
                    // Their destructor may panic. It leaks the block as well.
                    self.state = State::OVER;
                    self.params.assume_init_drop();
                    self.state = State::returned(Known::new(vtable));
                }
                return block;
            }
            let params = (&raw mut (*block).params).cast::<P>();
            params.write(self.params.assume_init_read());
            let header = &raw mut (*block).header;
            if mem::needs_drop::<P>() {
                // There is nothing to clean up, but what is dropped has a cleanup.
                (&raw mut (*header).cleanup).cast::<Cleanup>().write(Cleanup::new());
            }
            self.made(header, status, Known::new(vtable), cx);
        }
        ptr::null_mut()
    }

    /// As `make`, for parameters whose lowering leaves something behind.
    ///
    /// # Safety
    ///
    /// The call is [`Stage::Cleaning`]; otherwise as for `make`.
    #[inline(never)]
    unsafe fn make_cleaning(&mut self, cx: MaybeContext<'_>) -> *mut Block<P> {
        // SAFETY: as in `make`.
        let vtable = unsafe { self.state.vtable(Stage::Cleaning) };
        // A panic in lowering leaves nothing to do, and leaks the block and the parameters.
        self.state = State::OVER;
        // SAFETY: as in `make`, but that the parameters move into the block first, and not again until they are dropped.
        unsafe {
            let block = vtable.common.block.take::<Block<P>>().cast::<Block<P>>();
            let (start, lending) = vtable.start_cleaning();
            let params = self.params.as_ptr().cast();
            let (header, shape) = (block.cast(), &Block::<P>::SHAPE);
            let status = Header::start_cleaning(header, shape, params, start, lending);
            if status == subtask::RETURNED && !cx.is_null() {
                Header::clean(header, shape);
                self.state = State::returned(Known::new(vtable));
                return block;
            }
            self.made(header, status, Known::new(vtable), cx);
        }
        ptr::null_mut()
    }

    /// # Safety
    ///
    /// As for `Header::init_and_wait` and `make`; the vtable is that of the call.
    #[inline]
    unsafe fn made(&mut self, header: *mut Header, status: u32, vtable: Known, cx: MaybeContext<'_>) {
        self.state = State::made(header);
        // SAFETY: promised by the caller; a registered block is freed only after its op was released.
        unsafe {
            match cx.as_ref() {
                Some(cx) => Header::init_and_wait(header, status, vtable, cx.waker()),
                None => Header::init_unawaited(header, status, vtable),
            }
        }
    }

    /// Polls all but the result: answers the block when that is in it, and is the only thing in it, or else null. With a block,
    /// the state is [`State::returned`].
    ///
    /// # Safety
    ///
    /// The context is there.
    #[inline(never)]
    unsafe fn advance(&mut self, cx: MaybeContext<'_>) -> *mut Block<P> {
        // SAFETY: promised by the caller, and by the stage. The block is alive until the result is lifted, or until this future is
        // dropped.
        unsafe {
            match self.state.stage() {
                Stage::Plain => self.make(cx),
                Stage::Cleaning => self.make_cleaning(cx),
                Stage::Made => {
                    let header = self.state.header();
                    if !(*header).has_returned() {
                        Header::wait(header, (*cx).waker());
                        return ptr::null_mut();
                    }
                    // Who waited was told of it.
                    self.state = State::OVER;
                    let block = Call::<P, R>::emptied(header);
                    self.state = State::returned((*header).vtable());
                    block
                }
                Stage::Over => polled_again(),
            }
        }
    }

    /// The block of a call that is over, without its parameters.
    ///
    /// # Safety
    ///
    /// The parameters are gone, unless kept; nothing is registered, and nobody waits.
    #[inline]
    unsafe fn emptied(header: *const Header) -> *mut Block<P> {
        // SAFETY: the block is alive. They were kept.
        unsafe {
            if mem::needs_drop::<P>() && (*header).vtable().common().params == Params::KEPT {
                Block::<P>::drop_params(header);
            }
        }
        header.cast_mut().cast()
    }

    /// Ends a call that nobody waits for any more.
    #[cold]
    #[inline(never)]
    fn abandon(&mut self) {
        drop(self.end());
    }

    /// Ends a call whose result was not handed out: cancels it if it has not returned.
    #[inline]
    fn end(&mut self) -> Option<R> {
        if self.state.stage() != Stage::Made {
            return None;
        }
        // SAFETY: the block is alive. What belongs to an instance that is not current is leaked: inert, like the
        // instance itself.
        unsafe {
            let header = self.state.header();
            self.state = State::OVER;
            if !Header::end(header) {
                return None;
            }
            let has_returned = (*header).has_returned();
            let vtable = (*header).vtable().vtable::<P, R>();
            let block = Call::<P, R>::emptied(header);
            if has_returned {
                return Some(vtable.lift_and_free(block));
            }
            vtable.common.block.give::<Block<P>>(block.cast());
            None
        }
    }
}

/// Ends a call when its result has been taken, and when a panic kept it from being taken.
struct Ending<'a, P, R>(&'a mut Call<P, R>);

impl<P, R> Drop for Ending<'_, P, R> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.state = State::OVER;
    }
}

impl<P, R> Future for Call<P, R> {
    type Output = R;

    // The result goes through memory unless it is lifted in the future that awaits it, where the state that is left behind is known
    // as well: such a future need not ask whether there is something to drop.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        // SAFETY: the context is there.
        let block = unsafe { self.advance(&raw const *cx) };
        if block.is_null() {
            return Poll::Pending;
        }
        let ending = Ending(&mut *self);
        // SAFETY: the result is in the block, and is lifted once. Then the state has the vtable, which is valid for ever.
        let poll = Poll::Ready(unsafe { ending.0.state.vtable(Stage::Plain).lift_and_free(block) });
        // SAFETY: it is ready. The compiler forgets that when the result goes through memory.
        unsafe { core::hint::assert_unchecked(poll.is_ready()) };
        poll
    }
}

impl<P, R> Drop for Call<P, R> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.state.stage() {
            // SAFETY: before the call the parameters are here, and nobody uses them after this.
            Stage::Plain | Stage::Cleaning => unsafe { self.params.assume_init_drop() },
            Stage::Made => self.abandon(),
            Stage::Over => {}
        }
    }
}

#[cold]
fn polled_again() -> ! {
    panic!("a call was polled after it had returned")
}
