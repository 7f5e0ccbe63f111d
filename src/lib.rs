//! Rust bindings for WebAssembly components, async first.
//!
//! [`generate!`] turns a WIT world into Rust: a function for each import, a trait for the exports, and a macro that exports an
//! implementation of it. Functions that are `async` in WIT are `async` in Rust; `stream<T>` is a [`StreamReader`] (a
//! [`Stream`](futures_core::Stream)) with a [`StreamWriter`] (a [`Sink`](futures_sink::Sink)), `future<T>` a [`FutureReader`],
//! which can be awaited, with a [`FutureWriter`].
//!
//! ```
//! use futures::StreamExt;
//! use witflow::StreamReader;
//!
//! witflow::generate!({
//!     inline: "
//!         package demo:pipe;
//!         world pipeline {
//!             import log: async func(line: string);
//!             export transform: async func(input: stream<u8>) -> stream<u8>;
//!         }
//!     ",
//! });
//!
//! struct Component;
//! export!(Component);
//!
//! impl Guest for Component {
//!     async fn transform(input: StreamReader<u8>) -> StreamReader<u8> {
//!         log("somebody sends bytes".to_owned()).await;
//!         let (writer, reader) = wit_stream::new();
//!         witflow::spawn(async move {
//!             let upper = input.map(|byte| byte.to_ascii_uppercase());
//!             if upper.map(Ok).forward(writer).await.is_err() {
//!                 // Whoever read the result is gone.
//!             }
//!         });
//!         reader
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! The same options in a build script are `witflow_build::configure()`, on the command line `bindgen rust`; all three make the same
//! code.
//!
//! This crate holds nothing of its own: the macro is `witflow-macro`, the runtime `witflow-async-rt`.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use witflow_async_rt::async_support::*;
pub use witflow_async_rt::{async_support, heap, rt};

/// Generates bindings for a WIT world.
///
/// `generate!()` takes the one world of the package in the folder `wit` beside Cargo.toml; `generate!("world")`,
/// `generate!(in "path")` and `generate!("world" in "path")` say more. All options are given in braces:
///
/// ```
/// mod bindings {
///     witflow::generate!({
///         // The WIT: `path: "wit"` or `path: ["wit", "other"]`, and text that may use what is there.
///         inline: "
///             package demo:options;
///             interface store {
///                 record entry { key: string, value: list<u8> }
///                 @unstable(feature = watching)
///                 watch: async func() -> stream<entry>;
///                 flush: async func();
///             }
///             world client { import store; }
///         ",
///         world: "client",
///         // Gates of the WIT to open; `all_features: true` opens every one.
///         features: ["watching"],
///         // Which `async` functions are bound synchronously after all: `false` for all of them, or filters.
///         async: ["-demo:options/store#flush"],
///         // Derives for every record, variant and enum, with exceptions in `additional_derives_ignore`.
///         additional_derives: [PartialEq, Eq],
///     });
/// }
///
/// // Bindings that exist already serve another world; `generate` instead of a path makes new ones.
/// witflow::generate!({
///     inline: "package demo:more; world more { import demo:options/store; } package demo:options { interface store { flush: async func(); } }",
///     world: "demo:more/more",
///     with: { "demo:options/store": crate::bindings::demo::options::store },
/// });
///
/// fn same(a: &bindings::demo::options::store::Entry, b: &bindings::demo::options::store::Entry) -> bool {
///     a == b
/// }
/// # fn main() {}
/// ```
///
/// Further options: `runtime_path`, `export_macro_name`, `pub_export_macro`, `type_section_suffix`, `generate_all`. What names
/// something and matches nothing is an error at the option's place.
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! generate {
    ($($options:tt)*) => {
        $crate::__private::generate_impl! { [$crate] $($options)* }
    };
}

/// Bindings for hosts: for what runs a guest, or tests one.
#[cfg(feature = "macros")]
pub mod host {
    pub use crate::__generate_host as generate;
}

/// Generates bindings of a WIT world for its host.
#[cfg(feature = "macros")]
#[doc(hidden)]
#[macro_export]
macro_rules! __generate_host {
    ($($options:tt)*) => {
        $crate::__private::generate_host_impl! { [$crate] $($options)* }
    };
}

/// What [`generate!`] makes of a world, to look at: this module is part of the documentation only.
///
/// ```wit
/// package demo:orders;
/// interface types {
///   /// Something to buy.
///   record item { name: string, price: u32 }
///   variant problem { sold-out, too-much(u32) }
/// }
/// interface payment {
///   use types.{problem};
///   charge: async func(amount: u32) -> result<_, problem>;
/// }
/// world shop {
///   import payment;
///   use types.{item, problem};
///   export buy: async func(items: stream<item>) -> result<u32, problem>;
/// }
/// ```
#[cfg(all(doc, feature = "macros"))]
#[allow(missing_docs, reason = "what the WIT does not document has no documentation")]
pub mod example {
    extern crate self as witflow;

    crate::generate!({
        inline: "
            package demo:orders;
            interface types {
              /// Something to buy.
              record item { name: string, price: u32 }
              /// Why nothing was bought.
              variant problem { sold-out, too-much(u32) }
            }
            interface payment {
              use types.{problem};
              /// Takes the money.
              charge: async func(amount: u32) -> result<_, problem>;
            }
            world shop {
              import payment;
              use types.{item, problem};
              /// Buys all items, or none.
              export buy: async func(items: stream<item>) -> result<u32, problem>;
            }
        ",
    });
}

#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use witflow_macro::{generate_host_impl, generate_impl};
}
