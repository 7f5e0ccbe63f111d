//! [`Store`]: the world instances live in. It makes progress only while one of its methods is awaited.

use crate::backend::ResourceHandle;
use crate::cx::Cx;
use crate::engine::{Engine, Kind};
use crate::error::Result;

/// Holds instances, their memories and their tasks.
///
/// After a trap no guest code runs in it any more: every further call fails.
///
/// A native store belongs to the thread that made it. It may be moved, as its type says, but its methods fail on other
/// threads; dropped on another thread, its guests live on until the thread of their own ends.
pub struct Store {
    pub(crate) back_end: BackEnd,
    cx: Cx,
}

/// What runs the guests.
pub(crate) enum BackEnd {
    #[cfg(feature = "wasmtime")]
    Wasmtime(crate::wasmtime::WasmtimeStore),
    #[cfg(feature = "native")]
    Native(crate::native::StoreHandle),
}

impl Store {
    /// An empty store.
    pub fn new(engine: &Engine) -> Self {
        let cx = Cx::new();
        let back_end = match &engine.0 {
            #[cfg(feature = "wasmtime")]
            Kind::Wasmtime(engine) => BackEnd::Wasmtime(crate::wasmtime::WasmtimeStore::new(engine, &cx)),
            #[cfg(feature = "native")]
            Kind::Native(options) => BackEnd::Native(crate::native::StoreHandle::new(options, &cx)),
        };
        Self { back_end, cx }
    }

    /// A handle on this store, with which calls can be made and tasks spawned before it runs.
    pub fn cx(&self) -> Cx {
        self.cx.clone()
    }

    /// Runs `body` and the whole store beside it until `body` is done. Guest tasks that are not done by then continue when
    /// the store runs next.
    ///
    /// # Errors
    /// The error of `body`; a [`Trap`](crate::Trap) or the failure of a host function, naming the calls in flight; a
    /// [`Deadlock`](crate::Deadlock) when neither `body` nor anything in the store can make progress.
    ///
    /// # Panics
    /// When it is called from within a store that is running on the same thread.
    pub async fn run_concurrent<R>(&mut self, body: impl AsyncFnOnce(Cx) -> Result<R>) -> Result<R> {
        match &mut self.back_end {
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime(store) => store.run_concurrent(body).await,
            #[cfg(feature = "native")]
            BackEnd::Native(store) => store.run_concurrent(body).await,
        }
    }

    /// Runs the store until every guest task in it has ended, those that go on after their call returned included.
    ///
    /// # Errors
    /// As [`Store::run_concurrent`].
    pub async fn finish_tasks(&mut self) -> Result<()> {
        match &mut self.back_end {
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime(store) => store.finish_tasks().await,
            #[cfg(feature = "native")]
            BackEnd::Native(store) => store.finish_tasks().await,
        }
    }

    /// Runs the store until every guest task in it has ended, and ends it. Native guests must have given back what they had:
    /// handles, and with [`CheckedAllocator`](crate::CheckedAllocator) memory.
    ///
    /// What a guest keeps in `static`s and `thread_local!`s for good counts as memory it has not given back.
    ///
    /// # Errors
    /// As [`Store::run_concurrent`]; and a [`Leak`](crate::Leak).
    pub async fn finish(mut self) -> Result<()> {
        match &mut self.back_end {
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime(store) => store.finish_tasks().await,
            #[cfg(feature = "native")]
            BackEnd::Native(store) => store.finish().await,
        }
    }

    /// Runs a future of this store to its end on the current thread.
    ///
    /// It is [`block_on`](crate::block_on) with this store at hand.
    ///
    /// # Panics
    /// As [`block_on`](crate::block_on); await the future instead.
    pub fn block_on<R>(&mut self, body: impl AsyncFnOnce(&mut Self) -> R) -> R {
        crate::block_on(body(self))
    }

    /// The instructions executed so far, or `None` when the engine does not count; a native one never does.
    pub fn fuel_consumed(&self) -> Option<u64> {
        match &self.back_end {
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime(store) => store.fuel_consumed(),
            #[cfg(feature = "native")]
            BackEnd::Native(_) => None,
        }
    }

    /// Lets the guest execute `fuel` more instructions before it traps. Without effect when the engine does not count;
    /// without a call of this, there is no limit.
    pub fn set_fuel(&mut self, fuel: u64) {
        match &mut self.back_end {
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime(store) => store.set_fuel(fuel),
            #[cfg(feature = "native")]
            BackEnd::Native(_) => _ = fuel,
        }
    }

    /// The most linear memory the instances of this store had together, in bytes. Native guests have none: they share
    /// the memory of this process.
    pub fn peak_memory(&self) -> usize {
        match &self.back_end {
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime(store) => store.peak_memory(),
            #[cfg(feature = "native")]
            BackEnd::Native(_) => 0,
        }
    }

    /// Makes growing memory beyond `bytes`, for all instances together, fail as if the machine had no more. Without effect
    /// on native guests.
    pub fn set_memory_limit(&mut self, bytes: usize) {
        match &mut self.back_end {
            #[cfg(feature = "wasmtime")]
            BackEnd::Wasmtime(store) => store.set_memory_limit(bytes),
            #[cfg(feature = "native")]
            BackEnd::Native(_) => _ = bytes,
        }
    }

    /// Drops an owned resource, running its destructor in the guest.
    ///
    /// # Errors
    /// When the handle is of another store or was given away, or the destructor traps.
    pub async fn drop_resource(&mut self, resource: crate::Resource) -> Result<()> {
        match (&mut self.back_end, resource.0) {
            #[cfg(feature = "wasmtime")]
            (BackEnd::Wasmtime(store), ResourceHandle::Wasmtime(resource)) => store.drop_resource(&resource).await,
            #[cfg(feature = "native")]
            (BackEnd::Native(store), ResourceHandle::Native(resource)) => store.drop_resource(resource).await,
            // No guest has it yet, so there is no destructor to run.
            (_, ResourceHandle::Host(resource)) => {
                drop(resource);
                Ok(())
            }
            #[cfg(all(feature = "wasmtime", feature = "native"))]
            _ => Err(ResourceHandle::of_another_store()),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("peak_memory", &self.peak_memory())
            .finish_non_exhaustive()
    }
}
