//! Areas that a guest lends to the host.
//!
//! An area is checked when it is lent, and what is to be read of it is noted: the bytes of a small one, a hash of a large one.
//! The host asks for changes before it uses the area, and drops the lease when it has given it back.
//!
//! A lease belongs into the host's state and not on the stack of a fiber, where it would never end if that is abandoned.

use std::hash::{DefaultHasher, Hasher};
use std::slice;
use std::sync::Arc;

use super::places::{self, Place};
use super::registry::{self, Entry, Found, Standing};
use super::report::{Loan, Report};
use super::scope::{self, Scope};

/// Larger areas are remembered by a hash.
const MOST_BYTES: usize = 1024;

/// What the host does with an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads it, and every byte means something. Changes are noticed.
    Read,
    /// It reads values that may have padding between them, whose bytes nobody may look at. Changes are not noticed.
    ReadPadded,
    /// It writes to it.
    Write,
}

/// An area the host has. Dropping it gives it back.
#[must_use = "dropping a lease gives the area back"]
pub(crate) struct Lease {
    loan: Loan,
    address: *const u8,
    /// Nothing if the area is in no block.
    entry: Option<Entry>,
    content: Content,
}

enum Content {
    /// It was not noted.
    Any,
    Bytes(Box<[u8]>),
    Hash(u64),
}

/// Takes note that the activation `by` lends `len` bytes at `address` to the host, for `what`. Without the allocator it
/// only remembers the names.
///
/// # Errors
///
/// When the area is not in one block of a guest, nor a static or on the stack of the current fiber, as far as that is known.
///
/// # Safety
///
/// With [`Access::Read`], while the lease lives: `address` may be used to read whatever it points to, and if that is `len`
/// bytes they are initialised.
pub(crate) unsafe fn lend(
    address: *const u8,
    len: usize,
    access: Access,
    what: Arc<str>,
    by: Scope,
) -> Result<Lease, Report> {
    let mut lease = Lease {
        loan: Loan { len, what, by },
        address,
        entry: None,
        content: Content::Any,
    };
    if len == 0 || !scope::is_active() {
        return Ok(lease);
    }
    let start = address.addr();
    let stays = match registry::record(start, &lease.loan) {
        Found::Lent(entry) => {
            lease.entry = Some(entry);
            true
        }
        Found::Wrong(report) => return Err(report),
        Found::Elsewhere => match places::place_of(&(start..start.saturating_add(len))) {
            Place::Static => true,
            Place::Stack | Place::Untold => false,
            Place::Unknown => {
                return Err(Report::NotTheGuests {
                    loan: lease.loan.clone(),
                });
            }
        },
    };
    if stays && access == Access::Read {
        let _within = scope::in_host();
        // SAFETY: the area is a static or in a block, which stays as long as it is lent (rule 2); the rest is the caller's.
        lease.content = Content::of(unsafe { lease.bytes() });
    }
    Ok(lease)
}

impl Lease {
    /// Whether the area is as it was when it was lent.
    ///
    /// # Errors
    ///
    /// When it was freed, or when what the host reads was changed. Nothing is known any more once the instance has ended.
    pub(crate) fn check(&self) -> Result<(), Report> {
        match self.entry.as_ref().map(|entry| entry.standing(&self.loan)) {
            Some(Standing::Freed(report)) => return Err(report),
            Some(Standing::Over) => return Ok(()),
            Some(Standing::Lent) | None => {}
        }
        let at = match &self.content {
            Content::Any => return Ok(()),
            Content::Bytes(before) => {
                // SAFETY: as where it was noted.
                let now = unsafe { self.bytes() };
                now.iter().zip(before).position(|(now, before)| now != before)
            }
            Content::Hash(before) => {
                // SAFETY: as where it was noted.
                if hash(unsafe { self.bytes() }) == *before {
                    return Ok(());
                }
                return self.changed(None);
            }
        };
        if at.is_some() { self.changed(at) } else { Ok(()) }
    }

    fn changed(&self, at: Option<usize>) -> Result<(), Report> {
        let loan = self.loan.clone();
        Err(Report::ChangedInFlight { loan, at })
    }

    /// # Safety
    ///
    /// The area is there and initialised, and may be read.
    unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: the caller's contract.
        unsafe { slice::from_raw_parts(self.address, self.loan.len) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(entry) = &self.entry {
            entry.end();
        }
    }
}

impl Content {
    fn of(bytes: &[u8]) -> Content {
        if bytes.len() <= MOST_BYTES {
            Content::Bytes(bytes.into())
        } else {
            Content::Hash(hash(bytes))
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
