//! Error contexts: messages for people, kept by the host and passed around by handle.
//!
//! Passing one on is no transfer: the sender's handle stays and has to be dropped, the receiver gets one of its own. The result
//! of a synchronous export is read after the export has returned, too late to drop anything: nothing may be called in
//! post-return. Handles in such results are *retired* instead, and dropped when the instance next deals with an error context.

use crate::pool;
use crate::rt::cleanup::{Cleanup, HandleCell, handle_gone};
use crate::sys::{self, InstanceId};
use alloc::alloc::Layout;
use alloc::string::String;
use core::cell::Cell;
use core::fmt;
use core::ptr;

crate::__witflow_import!("$root", "[error-context-new-utf8]", fn error_context_new(text: *mut u8, len: usize) -> u32);
crate::__witflow_import!("$root", "[error-context-debug-message-utf8]", fn error_context_debug_message(handle: u32, text: *mut u8));
crate::__witflow_import!("$root", "[error-context-drop]", fn error_context_drop(handle: u32));

/// A message about an error, for people to read. Hosts may shorten, change or drop it.
pub struct ErrorContext {
    handle: HandleCell,
    instance: InstanceId,
}

impl ErrorContext {
    /// Hands a message to the host.
    pub fn new(debug_message: &str) -> ErrorContext {
        // SAFETY: the text is valid for the call, which only reads it. What the host returns is a new handle.
        unsafe {
            ErrorContext::from_handle(error_context_new(
                debug_message.as_ptr().cast_mut(),
                debug_message.len(),
            ))
        }
    }

    /// Takes a handle over.
    ///
    /// # Safety
    ///
    /// The handle is one of the current instance, and nobody else drops it.
    #[doc(hidden)]
    pub unsafe fn from_handle(handle: u32) -> ErrorContext {
        drop_retired();
        ErrorContext {
            handle: HandleCell::new(handle),
            instance: InstanceId::current(),
        }
    }

    /// The handle.
    #[doc(hidden)]
    pub fn handle(&self) -> u32 {
        self.instance.check();
        match self.handle.get() {
            0 => handle_gone(),
            handle => handle,
        }
    }

    /// The message as the host has it.
    pub fn debug_message(&self) -> String {
        let handle = self.handle();
        let mut text: (*mut u8, usize) = (ptr::null_mut(), 0);
        let mut area = super::Area::<{ 2 * super::POINTER }>::uninit();
        // SAFETY: the area has room for a pointer and a length, which the host writes; the string is ours then.
        unsafe {
            error_context_debug_message(handle, area.as_mut_ptr());
            text.0 = area.as_mut_ptr().cast::<*mut u8>().read();
            text.1 = area.as_mut_ptr().add(super::POINTER).cast::<usize>().read();
            super::lift_string(text.0, text.1)
        }
    }
}

/// Two are equal if they are the same handle.
impl PartialEq for ErrorContext {
    fn eq(&self, other: &ErrorContext) -> bool {
        self.handle.get() == other.handle.get()
    }
}

impl Eq for ErrorContext {}

impl fmt::Debug for ErrorContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorContext")
            .field("debug_message", &self.debug_message())
            .finish()
    }
}

impl fmt::Display for ErrorContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.debug_message())
    }
}

impl core::error::Error for ErrorContext {}

impl Drop for ErrorContext {
    fn drop(&mut self) {
        let handle = self.handle.take();
        if handle != 0 && self.instance.is_current() {
            // SAFETY: the handle is ours, and gone from its cell (rule 6).
            unsafe { error_context_drop(handle) }
        }
    }
}

/// The handle of an error context for the host to read.
///
/// # Panics
///
/// If it was part of a result before.
pub fn error_context_lower(value: &ErrorContext, cleanup: &mut Cleanup) -> i32 {
    let handle = value.handle();
    if cleanup.is_for_result() {
        value.handle.set(0);
        retire(handle);
    }
    handle as i32
}

/// An error context of a handle the host gave.
///
/// # Safety
///
/// As for [`ErrorContext::from_handle`].
pub unsafe fn error_context_lift(handle: i32) -> ErrorContext {
    // SAFETY: the caller's promise.
    unsafe { ErrorContext::from_handle(handle as u32) }
}

/// Handles that could not be dropped when they were done with.
pub(crate) struct Retired(Cell<*mut Entry>);

struct Entry {
    next: *mut Entry,
    handle: u32,
}

impl Retired {
    pub(crate) const fn new() -> Retired {
        Retired(Cell::new(ptr::null_mut()))
    }
}

impl Drop for Retired {
    fn drop(&mut self) {
        // The handles went with the instance.
        take_entries(&self.0, |_| {});
    }
}

fn retire(handle: u32) {
    let retired = &sys::instance().retired.0;
    let entry = pool::take(Layout::new::<Entry>()).cast::<Entry>();
    // SAFETY: a fresh block of the right layout.
    unsafe {
        entry.write(Entry {
            next: retired.get(),
            handle,
        });
    }
    retired.set(entry);
}

fn drop_retired() {
    // SAFETY: a retired handle is ours and nobody else's.
    take_entries(&sys::instance().retired.0, |handle| unsafe {
        error_context_drop(handle)
    });
}

fn take_entries(list: &Cell<*mut Entry>, take: impl Fn(u32)) {
    let mut entry = list.replace(ptr::null_mut());
    while !entry.is_null() {
        // SAFETY: each entry was taken from the pool with this layout and is visited once.
        let Entry { next, handle } = unsafe { entry.read() };
        // SAFETY: as above.
        unsafe { pool::give(entry.cast(), Layout::new::<Entry>()) };
        take(handle);
        entry = next;
    }
}
