//! The reference host of witflow: runs components, gives them host functions, exchanges streams and futures with them.
//!
//! The shape is that of Wasmtime's component-async API: a [`Linker`] of host functions that run beside the guest, concurrent
//! calls of exports, and ends of streams and futures on the host's side. The values and handles are this crate's own, so that
//! a component on Wasmtime is only one of the things that can be behind it.
//!
//! ```no_run
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
//! ```
//!
//! Nothing hangs: when neither the guest nor the host can make progress, the store reports a [`Deadlock`] and what waits. A
//! host function that awaits something from outside the store, another thread or a timer, therefore says so by awaiting it
//! through [`Cx::external`].

extern crate self as witflow_host;

pub mod canonical;
mod channel;
#[cfg(feature = "compose")]
mod compose;
mod cx;
mod derive_support;
mod engine;
mod error;
mod instance;
mod linker;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the instances that run in these are made next")
)]
mod native;
mod store;
mod stream;
mod val;
mod value;
mod wasi;
mod wasmtime;

#[cfg(feature = "compose")]
pub use compose::compose;
pub use cx::Cx;
pub use engine::{Component, Engine, EngineOptions};
pub use error::{Deadlock, Error, MissingImports, ReaderDropped, Result, Trap};
pub use instance::{Func, Instance, Promise, TypedFunc};
pub use linker::{Linker, LinkerInstance};
pub use store::Store;
pub use stream::{FutureReader, FutureWriter, Items, StreamReader, StreamWriter, future, stream};
pub use val::{AnyFuture, AnyStream, ErrorContext, Resource, Val};
pub use value::{ComponentType, NamedList};
pub use wasi::{Captured, WasiOptions};
pub use witflow_host_derive::ComponentType;

/// Runs a future to its end on the current thread, with the timers that WASI's clocks need.
///
/// # Panics
/// Inside another runtime, which it would block; and when the system denies the resources of a runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime
        .expect("a runtime of one thread needs nothing the system can deny")
        .block_on(future)
}

/// What the expansion of `#[derive(ComponentType)]` names.
#[doc(hidden)]
pub mod __private {
    pub use crate::derive_support::{Case, RecordFields, flag_names};
    pub use crate::wasmtime::{OnTheWire, WireCx};
    pub use ::wasmtime;
}

/// Compiles the half of a derived implementation that is for Wasmtime.
#[doc(hidden)]
#[macro_export]
macro_rules! __on_the_wire {
    ($($tokens:tt)*) => { $($tokens)* };
}
