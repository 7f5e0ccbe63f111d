//! What generated code uses. Nothing here is for people to call: the names and signatures follow the generator, and
//! change with it.

pub(crate) mod cleanup;
pub(crate) mod error_context;
mod map;
mod resource;
mod values;

pub use cleanup::{Cleanup, HandleCell};
pub use error_context::{ErrorContext, error_context_lift, error_context_lower};
pub use map::{WitMap, lift_map, lower_map};
pub use resource::*;
pub use values::*;

pub use crate::call::{Call, CallVtable, call, call_lending};
pub use crate::future::{FutureIntrinsics, FutureVtable, future_lift, future_lower, future_new};
pub use crate::stream::{StreamIntrinsics, StreamVtable, stream_lift, stream_lower, stream_new};
pub use crate::task::{callback, start_export, start_task};

pub use crate::__witflow_component_type as component_type;
pub use crate::__witflow_exports as exports;
pub use crate::__witflow_future_intrinsics as future_intrinsics;
pub use crate::__witflow_import as import;
pub use crate::__witflow_stream_intrinsics as stream_intrinsics;
pub use crate::async_support::{self, *};

pub use alloc::borrow::ToOwned;
pub use alloc::boxed::Box;
pub use alloc::collections::BTreeMap as Map;
pub use alloc::string::String;
pub use alloc::vec::Vec;
pub use bitflags;
pub use core::mem::MaybeUninit;

/// The built-ins of a stream type, by their field names in `module`.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_stream_intrinsics {
    (
        $module:literal, new = $new:literal, read = $read:literal, write = $write:literal,
        cancel_read = $cancel_read:literal, cancel_write = $cancel_write:literal,
        drop_readable = $drop_readable:literal, drop_writable = $drop_writable:literal $(,)?
    ) => {{
        $crate::rt::import!($module, $new, fn new() -> u64);
        $crate::rt::import!($module, $read, fn read(end: u32, items: *mut u8, count: usize) -> u32);
        $crate::rt::import!($module, $write, fn write(end: u32, items: *mut u8, count: usize) -> u32);
        $crate::rt::import!($module, $cancel_read, fn cancel_read(end: u32) -> u32);
        $crate::rt::import!($module, $cancel_write, fn cancel_write(end: u32) -> u32);
        $crate::rt::import!($module, $drop_readable, fn drop_readable(end: u32));
        $crate::rt::import!($module, $drop_writable, fn drop_writable(end: u32));
        $crate::rt::StreamIntrinsics { new, read, write, cancel_read, cancel_write, drop_readable, drop_writable }
    }};
}

/// The built-ins of a future type, by their field names in `module`.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_future_intrinsics {
    (
        $module:literal, new = $new:literal, read = $read:literal, write = $write:literal,
        cancel_read = $cancel_read:literal, cancel_write = $cancel_write:literal,
        drop_readable = $drop_readable:literal, drop_writable = $drop_writable:literal $(,)?
    ) => {{
        $crate::rt::import!($module, $new, fn new() -> u64);
        $crate::rt::import!($module, $read, fn read(end: u32, value: *mut u8) -> u32);
        $crate::rt::import!($module, $write, fn write(end: u32, value: *mut u8) -> u32);
        $crate::rt::import!($module, $cancel_read, fn cancel_read(end: u32) -> u32);
        $crate::rt::import!($module, $cancel_write, fn cancel_write(end: u32) -> u32);
        $crate::rt::import!($module, $drop_readable, fn drop_readable(end: u32));
        $crate::rt::import!($module, $drop_writable, fn drop_writable(end: u32));
        $crate::rt::FutureIntrinsics { new, read, write, cancel_read, cancel_write, drop_readable, drop_writable }
    }};
}
