//! The memory of the process, as the Canonical ABI sees it.

use crate::canonical::{Memory, Width};
use std::ptr;

/// All of the process's memory. What guests pass is trusted to be theirs.
pub(crate) struct ProcessMemory;

// SAFETY: reads and writes are those of `ptr`, of exactly the ranges that were asked for.
unsafe impl Memory for ProcessMemory {
    fn width(&self) -> Width {
        Width::NATIVE
    }

    fn check(&self, ptr: *mut u8, len: usize) -> Result<(), String> {
        if len > 0 && ptr.is_null() {
            return Err(format!("a null pointer is passed for {len} bytes"));
        }
        Ok(())
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
}
