//! The side of the host that runs components on Wasmtime. Nothing of Wasmtime leaves this module by name.
//!
//! | file | what it does |
//! |---|---|
//! | `wire` | mirrors every [`ComponentType`](crate::ComponentType) by a type Wasmtime can lift and lower |
//! | `transfer` | joins Wasmtime's stream and future ends to the host's channels |
//! | `values` | converts between [`Val`](crate::Val) and Wasmtime's |
//! | `functions` | defines host functions in Wasmtime's linker |
//! | `data` | what a Wasmtime store carries: WASI state, the memory meter, the [`Cx`](crate::Cx) |
//! | `idle` | tells a store in which nothing moves from one that waits for the world outside |

pub(crate) mod calls;
pub(crate) mod data;
pub(crate) mod functions;
pub(crate) mod idle;
pub(crate) mod transfer;
pub(crate) mod trap;
pub(crate) mod values;
pub(crate) mod wasi;
pub(crate) mod wire;

pub(crate) use data::Data;
pub(crate) use transfer::{GuestFuture, GuestFutureAny, GuestStream, GuestStreamAny, future_into_any, stream_into_any};
pub(crate) use values::{ErrorContextHandle, ResourceHandle};
pub(crate) use wasmtime::component::{FutureAny, StreamAny};
pub(crate) use wire::WireList;
pub use wire::{OnTheWire, WireCx};

use wasmtime::component::{Accessor, AccessorTask, HasSelf};

/// Something to be done with the store, from within its event loop.
pub(crate) type Job = Box<dyn FnOnce(&Accessor<Data>) + Send>;

struct Spawned<F>(F);

impl<F: Future<Output = ()> + Send + 'static> AccessorTask<Data, HasSelf<Data>> for Spawned<F> {
    async fn run(self, _: &Accessor<Data>) -> wasmtime::Result<()> {
        self.0.await;
        Ok(())
    }
}

/// The job that runs `future` beside the store's tasks.
pub(crate) fn spawn_job(future: impl Future<Output = ()> + Send + 'static) -> Job {
    Box::new(move |accessor| {
        // Spawning fails only when the store's concurrency support is off, which it never is here.
        let _ = accessor.spawn(Spawned(future));
    })
}
