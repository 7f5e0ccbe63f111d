//! The workloads: what is called how often, and what has to come of it.
//!
//! Their meaning is in `benches/wit/bench.wit`. The name of a workload ends in `-blk` when the host lets every write or read
//! wait once before it takes or fills it whole.

use crate::host::{Data, Row, TEXT, parked, tick};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, Lift, Lower};
use wasmtime::error::Context as _;
use wasmtime::{Result, bail, ensure};

/// Which export a workload calls, with which parameters.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    Noop,
    Ready,
    Pending,
    WriteBytes { chunk: u32, mode: u32 },
    ReadBytes { chunk: u32, mode: u32 },
    WriteU32s { mode: u32 },
    WriteU32sBatched { batch: u32 },
    WriteItems { mode: u32 },
    WriteItemsBatched { batch: u32 },
    Futures,
    InFlight,
    SpawnMany,
    EchoExport,
    EchoImport,
    Minimal { slow: bool },
    Sink { function: &'static str, each: u32 },
}

/// One row of the table.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What is counted.
    pub(crate) op: &'static str,
    /// How many of them there are in one run.
    pub(crate) ops: u32,
    pub(crate) call: Call,
}

const fn row(name: &'static str, op: &'static str, ops: u32, call: Call) -> Workload {
    Workload { name, op, ops, call }
}

/// Bytes that go through a stream in one run.
const TOTAL: u64 = 64 << 20;
const LARGE: u32 = 64 << 10;
const SMALL: u32 = 4 << 10;
const OF_LARGE: u32 = (TOTAL / LARGE as u64) as u32;
const OF_SMALL: u32 = (TOTAL / SMALL as u64) as u32;

/// Rows of the lists that are echoed.
const ROWS: u32 = 100;

/// All workloads.
pub(crate) const ALL: &[Workload] = &[
    row("w1-noop", "call", 1_000, Call::Noop),
    row("w2-ready", "import call", 1_000, Call::Ready),
    row("w3-pending", "import call", 1_000, Call::Pending),
    row(
        "w4-write-64k",
        "write",
        OF_LARGE,
        Call::WriteBytes { chunk: LARGE, mode: 0 },
    ),
    row(
        "w4-write-4k",
        "write",
        OF_SMALL,
        Call::WriteBytes { chunk: SMALL, mode: 0 },
    ),
    row(
        "w4-write-64k-blk",
        "write",
        OF_LARGE,
        Call::WriteBytes { chunk: LARGE, mode: 1 },
    ),
    row(
        "w4-write-4k-blk",
        "write",
        OF_SMALL,
        Call::WriteBytes { chunk: SMALL, mode: 1 },
    ),
    row(
        "w4-read-64k",
        "read",
        OF_LARGE,
        Call::ReadBytes { chunk: LARGE, mode: 0 },
    ),
    row(
        "w4-read-4k",
        "read",
        OF_SMALL,
        Call::ReadBytes { chunk: SMALL, mode: 0 },
    ),
    row(
        "w4-read-64k-blk",
        "read",
        OF_LARGE,
        Call::ReadBytes { chunk: LARGE, mode: 1 },
    ),
    row(
        "w4-read-4k-blk",
        "read",
        OF_SMALL,
        Call::ReadBytes { chunk: SMALL, mode: 1 },
    ),
    row("w5-u32-one", "item", 10_000, Call::WriteU32s { mode: 0 }),
    row("w5-u32-one-blk", "item", 10_000, Call::WriteU32s { mode: 1 }),
    row(
        "w5-u32-x1000",
        "item",
        1_000_000,
        Call::WriteU32sBatched { batch: 1_000 },
    ),
    row("w5-item-one", "item", 10_000, Call::WriteItems { mode: 0 }),
    row("w5-item-one-blk", "item", 10_000, Call::WriteItems { mode: 1 }),
    row("w5-item-x100", "item", 100_000, Call::WriteItemsBatched { batch: 100 }),
    row("w6-future", "future", 1_000, Call::Futures),
    row("w7-inflight-100", "import call", 100, Call::InFlight),
    row("w7-inflight-1k", "import call", 1_000, Call::InFlight),
    row("w7-inflight-10k", "import call", 10_000, Call::InFlight),
    row("w8-spawn-100", "task", 100, Call::SpawnMany),
    row("w8-spawn-1k", "task", 1_000, Call::SpawnMany),
    row("w8-spawn-10k", "task", 10_000, Call::SpawnMany),
    row("w9-echo-export", "call", 100, Call::EchoExport),
    row("w9-echo-import", "call", 100, Call::EchoImport),
    row("min-ready", "call", 1_000, Call::Minimal { slow: false }),
    row("min-pending", "call", 1_000, Call::Minimal { slow: true }),
];

/// Items that fill a chunk of a sink.
const FILL: u32 = 1024;

/// What is measured beside them. Of a write of 64 KiB, `ALL` sees mostly how its one buffer was filled: by the byte, for 1024 writes.
/// Here there are so many writes that what they cost is seen.
pub(crate) const BESIDE: &[Workload] = &[
    row(
        "sink-put",
        "item",
        1_000 * FILL,
        Call::Sink {
            function: "put-u32s",
            each: FILL,
        },
    ),
    row(
        "sink-feed",
        "item",
        1_000 * FILL,
        Call::Sink {
            function: "feed-u32s",
            each: FILL,
        },
    ),
    row(
        "sink-send",
        "item",
        10_000,
        Call::Sink {
            function: "send-u32s",
            each: 1,
        },
    ),
    row(
        "write-64k-512m",
        "write",
        8 * OF_LARGE,
        Call::WriteBytes { chunk: LARGE, mode: 0 },
    ),
];

/// A started component.
pub(crate) struct Running {
    pub(crate) store: Store<Data>,
    pub(crate) instance: Instance,
}

impl Running {
    /// Calls an exported function `times` times, one after another, and checks each result.
    async fn call<P, R>(
        &mut self,
        (interface, function): (Option<&str>, &str),
        params: impl Fn(u32) -> P,
        times: u32,
        check: impl Fn(u32, R) -> bool,
    ) -> Result<()>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Lift + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let store = &mut self.store;
        let parent = interface
            .map(|name| {
                self.instance
                    .get_export_index(&mut *store, None, name)
                    .context(name.to_owned())
            })
            .transpose()?;
        let index = self.instance.get_export_index(&mut *store, parent.as_ref(), function);
        let index = index.with_context(|| format!("there is no export `{function}`"))?;
        let func = self.instance.get_typed_func::<P, (R,)>(&mut *store, index)?;
        store
            .run_concurrent(async |accessor| {
                for x in 0..times {
                    let (result,) = func.call_concurrent(accessor, params(x)).await?;
                    ensure!(check(x, result), "`{function}` returned a wrong result");
                }
                Ok(())
            })
            .await?
    }

    /// How often the component has allocated memory so far.
    pub(crate) async fn allocations(&mut self) -> Result<u64> {
        let count = std::cell::Cell::new(0);
        let note = |_, allocations| {
            count.set(allocations);
            true
        };
        self.call((Some("peer:bench/allocations@0.1.0"), "count"), |_| (), 1, note)
            .await?;
        Ok(count.get())
    }

    /// The counters of a component that `profile` rewrote.
    pub(crate) async fn profile(&mut self) -> Result<Vec<i64>> {
        let mut counters = Vec::new();
        loop {
            let counter = std::cell::Cell::new(0);
            let note = |_, count| {
                counter.set(count);
                true
            };
            let index = counters.len() as u32;
            self.call((None, "profile"), |_| (index,), 1, note).await?;
            match counter.get() {
                -1 => return Ok(counters),
                count => counters.push(count),
            }
        }
    }

    /// Checks what the sinks and sources saw.
    fn moved(&self, items: u64, operations: u64) -> Result<()> {
        let seen = self.store.data().meter.seen();
        ensure!(
            seen == (items, operations),
            "{seen:?} items and operations went through, not {:?}",
            (items, operations)
        );
        Ok(())
    }

    /// Calls an export that moves `items` in operations of `each`.
    async fn stream<P, R>(
        &mut self,
        function: (Option<&str>, &str),
        params: P,
        items: u64,
        each: u32,
        look: bool,
    ) -> Result<()>
    where
        P: ComponentNamedList + Lower + Clone + Send + Sync + 'static,
        R: Lift + Into<u64> + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift + Send + Sync + 'static,
    {
        self.store.data().meter.expect(each.into(), look);
        self.call(function, |_| params.clone(), 1, |_, moved: R| moved.into() == items)
            .await?;
        self.moved(items, items / u64::from(each))
    }

    /// Calls an export that returns the sum of `of` over the numbers below its parameter.
    async fn sum(&mut self, function: &str, n: u32, of: fn(u32) -> u32) -> Result<()> {
        let sum = (0..n).map(of).fold(0, u32::wrapping_add);
        let check = |_, result: u32| result == sum;
        self.call(EXPORTS(function), |_| (n,), 1, check).await
    }

    /// Calls an export that parks `n` calls.
    async fn parking(&mut self, function: &str, n: u32) -> Result<()> {
        self.store.data().park.expect(n as usize);
        self.sum(function, n, parked).await?;
        ensure!(
            self.store.data().park.is_complete(),
            "`{function}` did not make its calls"
        );
        Ok(())
    }
}

const BENCH: &str = "peer:bench/workloads@0.1.0";
const EXPORTS: fn(&str) -> (Option<&str>, &str) = |function| (Some(BENCH), function);

fn rows(n: u32) -> Vec<Row> {
    (0..n)
        .map(|n| Row {
            name: "row-name-0123456789".to_owned(),
            n,
            f: (n % 2 == 0).then_some(f64::from(n)),
        })
        .collect()
}

impl Workload {
    /// Whether it is a workload of `world bench` that generators are compared by.
    pub(crate) fn is_compared(&self) -> bool {
        !matches!(self.call, Call::Minimal { .. }) && ALL.iter().any(|workload| workload.name == self.name)
    }

    /// Runs the workload once. With `look`, every item that moves is looked at, not only counted.
    pub(crate) async fn run(&self, running: &mut Running, look: bool) -> Result<()> {
        let n = self.ops;
        match self.call {
            Call::Noop => {
                let same = |x, result: u32| result == x;
                running.call(EXPORTS("noop"), |x| (x,), n, same).await
            }
            Call::Ready => running.sum("calls-ready", n, tick).await,
            Call::Pending => running.sum("calls-pending", n, tick).await,
            Call::Futures => running.sum("futures", n, parked).await,
            Call::InFlight => running.parking("in-flight", n).await,
            Call::SpawnMany => running.parking("spawn-many", n).await,
            Call::EchoExport => {
                let rows = rows(ROWS);
                let echo = |_, result: Vec<Row>| result == rows;
                running.call(EXPORTS("echo-rows"), |_| (rows.clone(),), n, echo).await
            }
            Call::EchoImport => {
                let length = |_, result: u32| result == n * ROWS * 19;
                running.call(EXPORTS("call-echo"), |_| (n, ROWS), 1, length).await
            }
            Call::Minimal { slow } => {
                running.store.data_mut().slow = slow;
                let text = |_, result: String| result == TEXT;
                running.call((None, "run"), |x| (x,), n, text).await
            }
            _ => self.run_stream(running, look).await,
        }
    }

    /// As `run`, for the workloads that move items.
    async fn run_stream(&self, running: &mut Running, look: bool) -> Result<()> {
        let (n, items) = (self.ops, u64::from(self.ops));
        match self.call {
            Call::WriteBytes { chunk, mode } => {
                let bytes = items * u64::from(chunk);
                let params = (bytes, chunk, mode);
                running
                    .stream::<_, u64>(EXPORTS("write-bytes"), params, bytes, chunk, look)
                    .await
            }
            Call::ReadBytes { chunk, mode } => {
                let bytes = items * u64::from(chunk);
                let params = (bytes, chunk, mode);
                running
                    .stream::<_, u64>(EXPORTS("read-bytes"), params, bytes, chunk, look)
                    .await
            }
            Call::WriteU32s { mode } => {
                running
                    .stream::<_, u32>(EXPORTS("write-u32s"), (n, mode), items, 1, look)
                    .await
            }
            Call::WriteU32sBatched { batch } => {
                let params = (n, batch, 0u32);
                running
                    .stream::<_, u32>(EXPORTS("write-u32s-batched"), params, items, batch, look)
                    .await
            }
            Call::WriteItems { mode } => {
                running
                    .stream::<_, u32>(EXPORTS("write-items"), (n, mode), items, 1, look)
                    .await
            }
            Call::WriteItemsBatched { batch } => {
                let params = (n, batch, 0u32);
                running
                    .stream::<_, u32>(EXPORTS("write-items-batched"), params, items, batch, look)
                    .await
            }
            Call::Sink { function, each } => {
                running
                    .stream::<_, u32>((None, function), (n,), items, each, look)
                    .await
            }
            _ => bail!("`{}` moves no items", self.name),
        }
    }
}
