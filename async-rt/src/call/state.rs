//! How far a call is for its future, in one word: a pointer, and two bits of its address that say what it points to.
//!
//! One word, because every call that is awaited writes it, and one test of it then says everything: what is there to do, and
//! how.

use super::block::Header;
use super::vtable::{CallVtable, Common};

/// What a state says. Its number is in the pointer's address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The call was not made; the parameters are in the future, and their lowering leaves nothing behind. Also while the result of a
    /// call that has returned is being taken: then there are no parameters.
    Plain = 1,
    /// It is in the block whose header this points to.
    Made = 0,
    /// It was not made; the parameters are in the future, and their lowering leaves something behind.
    Cleaning = 2,
    /// It is over, or being made and not plain: there is nothing in the future.
    Over = 3,
}

const STAGE: usize = 3;

/// Points to the call's vtable, or to its header. Both are aligned to a word, which leaves two bits.
pub(super) struct State<P, R>(*const CallVtable<P, R>);

impl<P, R> State<P, R> {
    pub(super) const OVER: State<P, R> = State(core::ptr::without_provenance(Stage::Over as usize));

    /// The state of a call that was not made.
    #[inline(always)]
    pub(super) const fn unmade(vtable: *const CallVtable<P, R>, is_plain: bool) -> State<P, R> {
        let stage = if is_plain { Stage::Plain } else { Stage::Cleaning };
        State(vtable.wrapping_byte_add(stage as usize))
    }

    /// The state of a call that has returned at once, or whose block has nothing in it any more but the result.
    #[inline(always)]
    pub(super) fn returned(vtable: Known) -> State<P, R> {
        State(vtable.0.cast())
    }

    #[inline(always)]
    pub(super) fn made(header: *const Header) -> State<P, R> {
        State(header.cast())
    }

    #[inline(always)]
    pub(super) fn stage(&self) -> Stage {
        match self.0.addr() & STAGE {
            0 => Stage::Made,
            1 => Stage::Plain,
            2 => Stage::Cleaning,
            _ => Stage::Over,
        }
    }

    /// The vtable of a call that was not made, or whose result is being taken.
    ///
    /// # Safety
    ///
    /// This is the stage, and one of these.
    #[inline(always)]
    pub(super) unsafe fn vtable<'a>(&self, stage: Stage) -> &'a CallVtable<P, R>
    where
        P: 'a,
        R: 'a,
    {
        // SAFETY: promised by the caller: the pointer is that many bytes into the vtable, which is valid for ever, and right for the
        // types of the call (rule 8).
        unsafe { &*self.0.byte_sub(stage as usize) }
    }

    /// The header of a call that was made, which is the stage.
    #[inline(always)]
    pub(super) fn header(&self) -> *const Header {
        self.0.cast()
    }
}

/// The vtable of a call, as a header keeps it: as the state will be that the call has when it has returned.
#[derive(Clone, Copy)]
pub(super) struct Known(*const Common);

impl Known {
    #[inline(always)]
    pub(super) fn new<P, R>(vtable: &CallVtable<P, R>) -> Known {
        Known((&raw const *vtable).wrapping_byte_add(Stage::Plain as usize).cast())
    }

    /// What does not depend on the types of the call.
    #[inline(always)]
    pub(super) fn common(self) -> &'static Common {
        // SAFETY: `new` was given a vtable, of which this is the first field.
        unsafe { &*self.0.byte_sub(Stage::Plain as usize) }
    }

    /// The vtable itself.
    ///
    /// # Safety
    ///
    /// It is of these types, but for lifetimes.
    #[inline(always)]
    pub(super) unsafe fn vtable<'a, P, R>(self) -> &'a CallVtable<P, R> {
        // SAFETY: promised by the caller; a vtable is valid for ever.
        unsafe { &*self.0.byte_sub(Stage::Plain as usize).cast() }
    }
}
