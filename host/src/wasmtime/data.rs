//! [`Data`]: what a Wasmtime store carries for us.

use crate::cx::Cx;
use std::time::Instant;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{HostMonotonicClock, WasiCtx, WasiCtxView, WasiView};

/// The state inside a Wasmtime store.
pub(crate) struct Data {
    pub(crate) cx: Cx,
    /// When the guest's monotonic clock showed zero.
    epoch: Instant,
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryMeter,
    /// Fuel given so far, counted so that what is left tells what was used.
    pub(crate) fuel_given: u64,
}

impl Data {
    pub(crate) fn new(cx: Cx) -> Self {
        let memory = MemoryMeter {
            current: 0,
            peak: 0,
            limit: usize::MAX,
        };
        Self {
            cx,
            epoch: Instant::now(),
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
            memory,
            fuel_given: 0,
        }
    }
}

/// The guest's monotonic clock.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    fn nanoseconds(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        self.nanoseconds()
    }
}

impl Data {
    /// The clock to give to WASI.
    pub(crate) fn clock(&self) -> Clock {
        Clock(self.epoch)
    }

    /// What the guest's monotonic clock shows.
    pub(crate) fn clock_now(&self) -> u64 {
        self.clock().nanoseconds()
    }
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Sums the linear memories of a store. They never shrink, so the sum is also the peak.
pub(crate) struct MemoryMeter {
    current: usize,
    pub(crate) peak: usize,
    pub(crate) limit: usize,
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.current + desired.saturating_sub(current);
        let granted = total <= self.limit && maximum.is_none_or(|maximum| desired <= maximum);
        if granted {
            self.current = total;
            self.peak = self.peak.max(total);
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}
