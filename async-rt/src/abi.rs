//! The numbers of the canonical ABI, each in one place.

use crate::sys::TRUSTED_HOST;

/// A copy or an asynchronous cancel did not finish at once.
pub(crate) const BLOCKED: u32 = 0xffff_ffff;

/// No stream operation may be longer.
pub(crate) const MAX_COPY: usize = (1 << 28) - 1;

/// Events, as passed to a callback or returned by a wait.
pub(crate) mod event {
    pub(crate) const NONE: i32 = 0;
    pub(crate) const FIRST_WAITABLE: i32 = 1;
    pub(crate) const LAST_WAITABLE: i32 = 5;
    pub(crate) const TASK_CANCELLED: i32 = 6;
}

/// What a callback returns.
pub(crate) mod code {
    pub(crate) const EXIT: i32 = 0;
    pub(crate) const YIELD: i32 = 1;
    /// Or'ed with the waitable set, shifted left by four.
    pub(crate) const WAIT: i32 = 2;
}

/// States of a call to an import.
pub(crate) mod subtask {
    pub(crate) const STARTING: u32 = 0;
    pub(crate) const STARTED: u32 = 1;
    pub(crate) const RETURNED: u32 = 2;
    pub(crate) const CANCELLED_BEFORE_STARTED: u32 = 3;
}

/// How a copy ended.
pub(crate) mod copy {
    pub(crate) const COMPLETED: u32 = 0;
    pub(crate) const DROPPED: u32 = 1;
    pub(crate) const CANCELLED: u32 = 2;
}

/// What a host answered to an operation on so many elements: not more than them. One that has validated what it answers is
/// believed.
#[inline(always)]
pub(crate) fn at_most(count: usize, asked: usize) -> usize {
    if TRUSTED_HOST { count } else { count.min(asked) }
}
