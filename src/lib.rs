//! Rust bindings for WebAssembly components, async first.
//!
//! [`generate!`] turns a WIT world into Rust: a function for each import, a trait for the exports, and a macro that exports an
//! implementation of it. Functions that are `async` in WIT are `async` in Rust; `stream<T>` is a [`StreamReader`] (a
//! [`Stream`](futures_core::Stream)) with a [`StreamWriter`] (a [`Sink`](futures_sink::Sink)), `future<T>` a [`FutureReader`],
//! which can be awaited, with a [`FutureWriter`].
//!
//! This crate holds nothing of its own: the macro is `witflow-macro`, the runtime `witflow-async-rt`.

#![no_std]

pub use witflow_async_rt::async_support::*;
pub use witflow_async_rt::{async_support, rt};

/// Generates bindings for a WIT world.
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! generate {
    ($($options:tt)*) => {
        $crate::__private::generate_impl! { [$crate] $($options)* }
    };
}

#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use witflow_macro::generate_impl;
}
