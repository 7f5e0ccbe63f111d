//! The side of the host that runs components on Wasmtime. Nothing of Wasmtime leaves this module by name.
//!
//! | file | what it does |
//! |---|---|
//! | `engine` | Wasmtime's engine, and the components it compiles |
//! | `store` | its event loop, and what is measured |
//! | `linker` | a linker's definitions meet a component's imports |
//! | `functions` | defines host functions in Wasmtime's linker |
//! | `calls` | calls of exports |
//! | `wire` | mirrors every [`ComponentType`](crate::ComponentType) by a type Wasmtime can lift and lower |
//! | `transfer` | joins Wasmtime's stream and future ends to the host's channels |
//! | `resources` | resources that the host implements |
//! | `values` | converts between [`Val`](crate::Val) and Wasmtime's |
//! | `data` | what a Wasmtime store carries: WASI state, the memory meter, the [`Cx`](crate::Cx) |
//! | `trap` | carries errors across Wasmtime |
//! | `wasi` | what a guest that uses WASI is given |

pub(crate) mod calls;
mod data;
mod engine;
pub(crate) mod functions;
pub(crate) mod linker;
pub(crate) mod resources;
mod store;
mod transfer;
mod trap;
mod values;
pub(crate) mod wasi;
mod wire;

pub(crate) use calls::Func;
pub(crate) use data::Data;
pub(crate) use engine::{Component, Engine};
pub(crate) use store::WasmtimeStore;
pub(crate) use transfer::{GuestFuture, GuestFutureAny, GuestStream, GuestStreamAny, future_into_any, stream_into_any};
pub(crate) use values::{ErrorContextHandle, ResourceHandle};
pub(crate) use wasmtime::component::{FutureAny, StreamAny};
pub use wire::{OnTheWire, WireCx};
pub(crate) use wire::{WireKey, WireList};

use futures::future::BoxFuture;
use wasmtime::component::{Accessor, AccessorTask, HasSelf};

/// Something to be done with the store, from within its event loop.
pub(crate) type Job = Box<dyn FnOnce(&Accessor<Data>) + Send>;

/// A future that runs beside the store's tasks.
struct Spawned(BoxFuture<'static, ()>);

impl AccessorTask<Data, HasSelf<Data>> for Spawned {
    async fn run(self, _: &Accessor<Data>) -> wasmtime::Result<()> {
        self.0.await;
        Ok(())
    }
}
