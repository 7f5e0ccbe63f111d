//! [`WasmtimeStore`]: a store of Wasmtime's, its event loop, and what is measured in it.

use super::Data;
use super::engine::Engine;
use super::trap::{from_wasmtime, trap};
use crate::backend::Job;
use crate::cx::Cx;
use crate::error::Result;
use crate::idle;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use wasmtime::component::Accessor;

/// Holds the instances of components.
pub(crate) struct WasmtimeStore {
    pub(crate) inner: wasmtime::Store<Data>,
    fuel: bool,
}

impl WasmtimeStore {
    pub(crate) fn new(engine: &Engine, cx: &Cx) -> Self {
        let mut inner = wasmtime::Store::new(&engine.inner, Data::new(cx.clone()));
        inner.limiter(|data| &mut data.memory);
        let mut store = Self {
            inner,
            fuel: engine.options.fuel,
        };
        store.set_fuel(u64::MAX);
        store
    }

    fn cx(&self) -> Cx {
        self.inner.data().cx.clone()
    }

    pub(crate) async fn run_concurrent<R>(&mut self, body: impl AsyncFnOnce(Cx) -> Result<R>) -> Result<R> {
        let cx = self.cx();
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
        let finished = idle::or_deadlock(&cx, running, || cx.deadlock()).await?;
        finished.map_err(|error| trap(error, &cx))?
    }

    pub(crate) async fn finish_tasks(&mut self) -> Result<()> {
        let cx = self.cx();
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
        let finished = idle::or_deadlock(&cx, running, || cx.deadlock()).await?;
        finished.map_err(|error| trap(error, &cx))
    }

    pub(crate) fn fuel_consumed(&self) -> Option<u64> {
        let left = self.inner.get_fuel().ok()?;
        Some(self.inner.data().fuel_given.saturating_sub(left))
    }

    pub(crate) fn set_fuel(&mut self, fuel: u64) {
        if self.fuel {
            let consumed = self.fuel_consumed().unwrap_or(0);
            // Setting fuel fails only when the engine does not count.
            let _ = self.inner.set_fuel(fuel);
            self.inner.data_mut().fuel_given = fuel.saturating_add(consumed);
        }
    }

    pub(crate) fn peak_memory(&self) -> usize {
        self.inner.data().memory.peak
    }

    pub(crate) fn set_memory_limit(&mut self, bytes: usize) {
        self.inner.data_mut().memory.limit = bytes;
    }

    pub(crate) async fn drop_resource(&mut self, resource: &super::ResourceHandle) -> Result<()> {
        let raw = resource.for_store(&self.cx())?;
        let dropped = raw.resource_drop_async(&mut self.inner).await;
        dropped.map_err(from_wasmtime)
    }
}

/// Starts what was asked for since the store ran last.
fn start_jobs(cx: &Cx, accessor: &Accessor<Data>) {
    while let Some(job) = cx.pop() {
        match job {
            // Spawning fails only when the store's concurrency support is off, which it never is here.
            Job::Spawn(future) => drop(accessor.spawn(super::Spawned(future))),
            Job::Wasmtime(job) => job(accessor),
            #[cfg(feature = "native")]
            Job::Native(_) => unreachable!("what leaves such jobs holds a handle on a native store"),
        }
    }
}
