//! [`Store`]: the world instances live in. It makes progress only while one of its methods is awaited.

use crate::cx::Cx;
use crate::engine::Engine;
use crate::error::Result;
use crate::wasmtime::trap::{from_wasmtime, trap};
use crate::wasmtime::{Data, idle};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use wasmtime::component::Accessor;

/// Holds instances, their memories and their tasks.
///
/// After a trap no guest code runs in it any more: every further call fails.
pub struct Store {
    pub(crate) inner: wasmtime::Store<Data>,
    cx: Cx,
    fuel: bool,
}

impl Store {
    /// An empty store.
    pub fn new(engine: &Engine) -> Self {
        let data = Data::new();
        let cx = data.cx.clone();
        let mut inner = wasmtime::Store::new(&engine.inner, data);
        inner.limiter(|data| &mut data.memory);
        let mut store = Self {
            inner,
            cx,
            fuel: engine.options.fuel,
        };
        store.set_fuel(u64::MAX);
        store
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
        let cx = self.cx.clone();
        let running = self.inner.run_concurrent(async |accessor: &Accessor<Data>| {
            let mut body = pin!(body(cx.clone()));
            poll_fn(|task| {
                cx.register_driver(task.waker());
                start_jobs(&cx, accessor);
                let output = body.as_mut().poll(task);
                start_jobs(&cx, accessor);
                output
            })
            .await
        });
        let finished = idle::or_deadlock(&self.cx, running).await?;
        finished.map_err(|error| trap(error, &self.cx))?
    }

    /// Runs the store until every guest task in it has ended, those that go on after their call returned included.
    ///
    /// # Errors
    /// As [`Store::run_concurrent`].
    pub async fn finish_tasks(&mut self) -> Result<()> {
        let cx = self.cx.clone();
        let running = self.inner.run_concurrent(async |accessor: &Accessor<Data>| {
            poll_fn(|task| {
                cx.register_driver(task.waker());
                start_jobs(&cx, accessor);
                match accessor.poll_no_interesting_tasks(task) {
                    Poll::Ready(()) if cx.has_jobs() => {
                        task.waker().wake_by_ref();
                        Poll::Pending
                    }
                    other => other,
                }
            })
            .await
        });
        let finished = idle::or_deadlock(&self.cx, running).await?;
        finished.map_err(|error| trap(error, &self.cx))
    }

    /// Runs a future of this store to its end on the current thread, with what WASI needs of a runtime.
    ///
    /// It is [`block_on`](crate::block_on) with this store at hand.
    ///
    /// # Panics
    /// Inside another runtime, which it would block; await the future there instead.
    pub fn block_on<R>(&mut self, body: impl AsyncFnOnce(&mut Self) -> R) -> R {
        crate::block_on(body(self))
    }

    /// The instructions executed so far, or `None` when the engine does not count.
    pub fn fuel_consumed(&self) -> Option<u64> {
        let left = self.inner.get_fuel().ok()?;
        Some(self.inner.data().fuel_given.saturating_sub(left))
    }

    /// Lets the guest execute `fuel` more instructions before it traps. Without effect when the engine does not count;
    /// without a call of this, there is no limit.
    pub fn set_fuel(&mut self, fuel: u64) {
        if self.fuel {
            let consumed = self.fuel_consumed().unwrap_or(0);
            // Setting fuel fails only when the engine does not count.
            let _ = self.inner.set_fuel(fuel);
            self.inner.data_mut().fuel_given = fuel.saturating_add(consumed);
        }
    }

    /// The most linear memory the instances of this store had together, in bytes.
    pub fn peak_memory(&self) -> usize {
        self.inner.data().memory.peak
    }

    /// Makes growing memory beyond `bytes`, for all instances together, fail as if the machine had no more.
    pub fn set_memory_limit(&mut self, bytes: usize) {
        self.inner.data_mut().memory.limit = bytes;
    }

    /// Drops an owned resource, running its destructor in the guest.
    ///
    /// # Errors
    /// When the handle is of another store or was given away, or the destructor traps.
    pub async fn drop_resource(&mut self, resource: crate::Resource) -> Result<()> {
        let raw = resource.0.for_store(&self.cx)?;
        let dropped = raw.resource_drop_async(&mut self.inner).await;
        dropped.map_err(from_wasmtime)
    }
}

fn start_jobs(cx: &Cx, accessor: &Accessor<Data>) {
    while let Some(job) = cx.pop() {
        job(accessor);
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("peak_memory", &self.peak_memory())
            .finish_non_exhaustive()
    }
}
