//! What is wrong with memory, and with which.
//!
//! The texts name sizes and calls but no addresses, so that the same run says the same.

use std::fmt;
use std::sync::Arc;

use super::scope::{Instance, Scope};

/// A block that a guest allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) size: usize,
    pub(crate) align: usize,
    /// The activation that allocated it.
    pub(crate) scope: Scope,
    /// Counts all blocks, in the order they were allocated.
    pub(crate) serial: u64,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a block of {} bytes allocated in {}", self.size, self.scope)
    }
}

/// An area that a guest lent to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loan {
    pub(crate) len: usize,
    /// What the host has it for.
    pub(crate) what: Arc<str>,
    /// The activation that lent it.
    pub(crate) by: Scope,
}

impl fmt::Display for Loan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes, lent in {})", self.what, self.len, self.by)
    }
}

/// Something that is wrong with a guest's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// A lent area begins `offset` bytes into a block and reaches beyond its end.
    Undersized { loan: Loan, block: Block, offset: usize },
    /// A lent area was freed before.
    AlreadyFreed { loan: Loan, block: Block, freed: Freed },
    /// A lent area is in no block of a guest, on no stack and no static.
    NotTheGuests { loan: Loan },
    /// A lent area was freed before the host gave it back.
    FreedInFlight { loan: Loan, block: Block, freed: Freed },
    /// A lent area was changed before the host gave it back; where, if that is known.
    ChangedInFlight { loan: Loan, at: Option<usize> },
    /// A block was written to after it had been freed.
    WrittenAfterFree { block: Block, freed: Freed, at: usize },
    /// A block was freed again.
    FreedTwice { block: Block, freed: Freed, again: Freed },
    /// A block was freed with another layout than it was allocated with.
    WrongLayout {
        block: Block,
        freed: Freed,
        size: usize,
        align: usize,
    },
}

/// Who freed a block: an activation, or code outside all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Freed(pub(crate) Option<Scope>);

impl fmt::Display for Freed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(scope) => write!(f, "in {scope}"),
            None => f.write_str("outside the guest"),
        }
    }
}

impl Report {
    /// The instance whose memory it is about.
    pub(crate) fn instance(&self) -> Instance {
        match self {
            Report::Undersized { loan, .. }
            | Report::AlreadyFreed { loan, .. }
            | Report::NotTheGuests { loan }
            | Report::FreedInFlight { loan, .. }
            | Report::ChangedInFlight { loan, .. } => loan.by.instance,
            Report::WrittenAfterFree { block, .. }
            | Report::FreedTwice { block, .. }
            | Report::WrongLayout { block, .. } => block.scope.instance,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Undersized { loan, block, offset } => {
                let left = block.size.saturating_sub(*offset);
                write!(
                    f,
                    "{loan} has room for {left} bytes only: it begins at byte {offset} of {block}"
                )
            }
            Report::AlreadyFreed { loan, block, freed } => {
                write!(f, "{loan} was freed before: it is in {block} and freed {freed}")
            }
            Report::NotTheGuests { loan } => write!(
                f,
                "{loan} is no memory of the guest: it is in no block that a guest allocated, in no static and not on the \
                 activation's stack"
            ),
            Report::FreedInFlight { loan, block, freed } => {
                write!(f, "{loan} was freed {freed} while the host had it: it is in {block}")
            }
            Report::ChangedInFlight { loan, at: Some(at) } => {
                write!(f, "{loan} was changed at byte {at} while the host had it")
            }
            Report::ChangedInFlight { loan, at: None } => write!(f, "{loan} was changed while the host had it"),
            Report::WrittenAfterFree { block, freed, at } => {
                write!(f, "byte {at} of {block} was written to after it had been freed {freed}")
            }
            Report::FreedTwice { block, freed, again } => {
                write!(f, "{block} was freed {freed}, and again {again}")
            }
            Report::WrongLayout {
                block,
                freed,
                size,
                align,
            } => write!(
                f,
                "{block} with alignment {} was freed {freed} as one of {size} bytes with alignment {align}",
                block.align
            ),
        }
    }
}
