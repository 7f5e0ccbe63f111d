//! The reference host of witflow: runs guests, gives them host functions, exchanges streams and futures with them.
//!
//! A guest is linked into the program and runs natively, or it is a component on Wasmtime. The API is the same for both, in
//! the shape of Wasmtime's component-async API: a [`Linker`] of host functions that run beside the guest, concurrent calls of
//! exports, and ends of streams and futures on the host's side. The values and handles are this crate's own.
//!
//! | | natively | on Wasmtime, with the feature `wasmtime` |
//! |---|---|---|
//! | the engine | [`Engine::native`] | `Engine::new` |
//! | the guest | [`Component::native`] of the type that the guest passes to `export!` | `Component::from_file` |
//! | WASI | imports to be defined like others | `Linker::with_wasi` |
//!
//! ```no_run
//! # #[cfg(feature = "wasmtime")]
//! # mod example {
//! use witflow_host::{Component, ComponentType, Engine, Linker, Store, StreamReader, WasiOptions, stream};
//!
//! #[derive(ComponentType)]
//! struct Document {
//!     name: String,
//!     body: StreamReader<u8>,
//! }
//!
//! #[derive(ComponentType, Debug)]
//! struct Report {
//!     name: String,
//!     words: u64,
//! }
//!
//! # fn main() -> witflow_host::Result<()> {
//! let engine = Engine::new()?;
//! let component = Component::from_file(&engine, "text_stats.wasm")?;
//!
//! let mut linker = Linker::new();
//! linker.with_wasi(WasiOptions::new().inherit_stdio());
//! linker.instance("demo:stats/progress")?.func_wrap_concurrent("advance", |_cx, (name, bytes): (String, u64)| async move {
//!     println!("{name}: {bytes}");
//!     Ok(())
//! })?;
//!
//! witflow_host::block_on(async {
//!     let mut store = Store::new(&engine);
//!     let instance = linker.instantiate(&mut store, &component).await?;
//!     let analyze = instance.typed_func::<(StreamReader<Document>,), (StreamReader<Report>,)>("demo:stats/api#analyze")?;
//!
//!     store
//!         .run_concurrent(async |cx| {
//!             let (mut documents, input) = stream::<Document>();
//!             let (mut body, reader) = stream::<u8>();
//!             cx.spawn(async move {
//!                 let document = Document { name: "a.txt".into(), body: reader };
//!                 if documents.write_one(document).await.is_ok() {
//!                     body.write(b"three small words".to_vec()).await.ok();
//!                 }
//!             });
//!             let (mut reports,) = analyze.call_concurrent(&cx, (input,)).await?;
//!             while let Some(report) = reports.next().await {
//!                 println!("{report:?}");
//!             }
//!             Ok(())
//!         })
//!         .await?;
//!     println!("the guest used {} bytes", store.peak_memory());
//!     Ok(())
//! })
//! # }
//! # }
//! ```
//!
//! Nothing hangs: when neither the guest nor the host can make progress, the store reports a [`Deadlock`] and what waits. A
//! host function that awaits something from outside the store, another thread or a timer, therefore says so by awaiting it
//! through [`Cx::external`].

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "native", feature = "wasmtime")))]
compile_error!("witflow-host needs one of its features `native` and `wasmtime`, to have something that runs guests");

extern crate self as witflow_host;

mod backend;
mod block_on;
#[cfg(feature = "native")]
pub mod canonical;
mod channel;
#[cfg(feature = "compose")]
mod compose;
mod cx;
mod derive_support;
mod engine;
mod error;
#[cfg(feature = "native")]
pub mod explore;
mod functions;
mod idle;
mod instance;
mod linker;
#[cfg(feature = "native")]
mod native;
#[cfg(feature = "recording")]
mod recording;
mod resource;
#[doc(hidden)]
pub mod rt;
mod script;
mod store;
mod stream;
mod val;
mod value;
#[cfg(feature = "wasmtime")]
mod wasmtime;

pub use block_on::block_on;
#[cfg(feature = "compose")]
pub use compose::compose;
pub use cx::Cx;
#[cfg(feature = "wasmtime")]
pub use engine::EngineOptions;
pub use engine::{Component, Engine};
#[cfg(feature = "native")]
pub use engine::{NativeOptions, ThreadLocals};
pub use error::{Cancelled, Deadlock, Error, Exit, Leak, MissingImports, ReaderDropped, Result, Trap};
pub use instance::{Func, Instance, Promise, TypedFunc};
pub use linker::{Linker, LinkerInstance};
#[cfg(feature = "native")]
pub use native::heap::CheckedAllocator;
#[cfg(feature = "recording")]
pub use recording::Recording;
pub use resource::{Borrow, Own};
pub use script::{Function, NotImplemented, Script, Strict, Unscripted};
pub use store::Store;
pub use stream::{FutureReader, FutureWriter, Items, StreamReader, StreamWriter, future, stream};
pub use val::{AnyFuture, AnyStream, ErrorContext, Resource, Val};
pub use value::{ComponentType, NamedList};
#[cfg(feature = "wasmtime")]
pub use wasmtime::wasi::{Captured, WasiOptions};
#[cfg(feature = "native")]
pub use witflow_async_rt::sys::native::{Component as NativeGuest, Exports as NativeWorld};
pub use witflow_host_derive::ComponentType;

/// What the expansion of `#[derive(ComponentType)]` names.
#[doc(hidden)]
pub mod __private {
    pub use crate::derive_support::{Case, RecordFields, flag_names};
    #[cfg(feature = "wasmtime")]
    pub use crate::wasmtime::{OnTheWire, WireCx};
    #[cfg(feature = "wasmtime")]
    pub use ::wasmtime;

    /// The half for native guests.
    #[cfg(feature = "native")]
    pub mod native {
        pub use crate::native::{
            CaseFrom, Check, NativeStore, Natively, RecordFrom, RecordTo, Type, Value, case_to, check_enum,
            check_flags, check_record, check_variant, flag_bits,
        };
    }
}

/// Compiles the half of a derived implementation that is for Wasmtime.
#[cfg(feature = "wasmtime")]
#[doc(hidden)]
#[macro_export]
macro_rules! __on_the_wire {
    ($($tokens:tt)*) => { $($tokens)* };
}

/// Leaves out the half of a derived implementation that is for Wasmtime.
#[cfg(not(feature = "wasmtime"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __on_the_wire {
    ($($tokens:tt)*) => {};
}

/// Compiles the half of a derived implementation that is for native guests.
#[cfg(feature = "native")]
#[doc(hidden)]
#[macro_export]
macro_rules! __natively {
    ($($tokens:tt)*) => { $($tokens)* };
}

/// Leaves out the half of a derived implementation that is for native guests.
#[cfg(not(feature = "native"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __natively {
    ($($tokens:tt)*) => {};
}
