//! The memory of the process, as the Canonical ABI sees it for one guest.
//!
//! What a guest passes is trusted to be its own, unless the binary has the checked allocator: then [`heap`] knows better,
//! and what it says is what the Canonical ABI says about pointers out of bounds.

use super::heap::{self, Report, Scope};
use crate::canonical::{Access, Lease, Memory, Rule, Width};
use std::cell::Cell;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

/// The memory of one guest, which is all of the process's.
pub(crate) struct GuestMemory {
    /// The activation that runs, or ran last.
    scope: Rc<Cell<Scope>>,
    passed: Arc<str>,
}

impl GuestMemory {
    pub(crate) fn new(scope: Rc<Cell<Scope>>) -> Self {
        Self {
            scope,
            passed: "what was passed".into(),
        }
    }
}

/// An area that the host keeps.
enum Kept {
    Lent(heap::Lease),
    /// It was no area to lend.
    Wrong(Report),
}

impl Lease for Kept {
    fn defect(&self) -> Option<(Rule, String)> {
        let report = match self {
            Kept::Lent(lease) => lease.check().err()?,
            Kept::Wrong(report) => report.clone(),
        };
        let rule = match report {
            Report::ChangedInFlight { .. } => Rule::MutatedInFlight,
            _ => Rule::UseAfterFree,
        };
        Some((rule, report.to_string()))
    }
}

// SAFETY: reads and writes are those of `ptr`, of exactly the ranges that were asked for.
unsafe impl Memory for GuestMemory {
    fn width(&self) -> Width {
        Width::NATIVE
    }

    fn check(&self, ptr: *mut u8, len: usize) -> Result<(), String> {
        if len > 0 && ptr.is_null() {
            return Err(format!("a null pointer is passed for {len} bytes"));
        }
        if len == 0 || !heap::is_active() {
            return Ok(());
        }
        // SAFETY: nothing is read for this kind of access.
        let lease = unsafe {
            heap::lend(
                ptr,
                len,
                heap::Access::ReadPadded,
                self.passed.clone(),
                self.scope.get(),
            )
        };
        lease.map(drop).map_err(|report| report.to_string())
    }

    unsafe fn read(&self, ptr: *mut u8, into: &mut [u8]) {
        // SAFETY: the caller checked the range; what a guest passes is no part of a buffer of the host.
        unsafe { ptr::copy_nonoverlapping(ptr, into.as_mut_ptr(), into.len()) };
    }

    unsafe fn write(&self, ptr: *mut u8, from: &[u8]) {
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), ptr, from.len()) };
    }

    unsafe fn read_pointer(&self, ptr: *mut u8) -> *mut u8 {
        // SAFETY: the caller checked range and alignment.
        unsafe { ptr.cast::<*mut u8>().read() }
    }

    unsafe fn write_pointer(&self, ptr: *mut u8, value: *mut u8) {
        // SAFETY: as above.
        unsafe { ptr.cast::<*mut u8>().write(value) };
    }

    fn lend(&self, ptr: *mut u8, len: usize, access: Access, what: &dyn Fn() -> String) -> Option<Box<dyn Lease>> {
        if !heap::is_active() {
            return None;
        }
        let access = match access {
            Access::Read => heap::Access::Read,
            Access::ReadPadded => heap::Access::ReadPadded,
            Access::Write => heap::Access::Write,
        };
        // SAFETY: the guest lends the area until the host is done with it, by the Canonical ABI, and where bytes are read
        // they are numbers, all of which are initialised.
        let lease = unsafe { heap::lend(ptr, len, access, what().into(), self.scope.get()) };
        Some(Box::new(lease.map_or_else(Kept::Wrong, Kept::Lent)))
    }
}
