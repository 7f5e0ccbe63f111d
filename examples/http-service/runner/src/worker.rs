//! Instances of the component: how they are made, how much one takes on, and when it ends.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::{mpsc, watch};
use wasmtime::component::{Component, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Config, Engine, ResourceLimiter, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::upstream::Upstreams;

/// The settings of a server, most of which say how much one instance takes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many requests it has at a time.
    pub concurrent: usize,
    /// After how many it is replaced by a new one.
    pub total: usize,
    /// How long it may take until a response begins.
    pub timeout: Duration,
    /// How many bytes of memory it may have.
    pub memory: usize,
    /// Whether standard error gets to know of connections and requests that fail.
    pub log: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent: 128,
            total: usize::MAX,
            timeout: Duration::from_secs(60),
            memory: 256 << 20,
            log: true,
        }
    }
}

/// What a server has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests that were understood as HTTP.
    pub requests: u64,
    /// Those of them that no guest answered.
    pub failed: u64,
    /// Connections that ended in an error, a client that went away being one.
    pub broken: u64,
    /// Instances that were made.
    pub instances: u64,
    /// The most memory that one instance had, in bytes.
    pub memory: usize,
}

#[derive(Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    failed: AtomicU64,
    broken: AtomicU64,
    instances: AtomicU64,
    memory: AtomicUsize,
    traps: Mutex<Vec<wasmtime::Error>>,
}

impl Tally {
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed_request(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed_connection(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn served(&self) -> Served {
        Served {
            requests: self.requests.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            broken: self.broken.load(Ordering::Relaxed),
            instances: self.instances.load(Ordering::Relaxed),
            memory: self.memory.load(Ordering::Relaxed),
        }
    }

    /// What was served, unless an instance has trapped.
    pub(crate) fn end(&self) -> Result<Served> {
        match self.traps.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(trap) => Err(anyhow::anyhow!("an instance has trapped: {trap:?}")),
            None => Ok(self.served()),
        }
    }
}

/// An error of Wasmtime's as one of ours.
fn ours(error: wasmtime::Error) -> anyhow::Error {
    anyhow::Error::from_boxed(error.into())
}

/// Makes instances.
pub(crate) struct Workers {
    engine: Engine,
    handler: ServicePre<Data>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
    /// Each instance has one, so that the server knows when none is left.
    token: mpsc::Sender<Infallible>,
    tally: Arc<Tally>,
}

impl Workers {
    pub(crate) fn new(
        component: &[u8],
        limits: Limits,
        stopping: watch::Receiver<bool>,
        token: mpsc::Sender<Infallible>,
        tally: Arc<Tally>,
    ) -> Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model(true).wasm_component_model_async(true);
        let engine = Engine::new(&config).map_err(ours)?;
        let mut linker = Linker::new(&engine);
        let handler = (|| {
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            wasmtime_wasi::p3::add_to_linker(&mut linker)?;
            wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
            let component = Component::from_binary(&engine, component)?;
            ServicePre::new(linker.instantiate_pre(&component)?)
        })();
        let handler = handler.map_err(ours).context("preparing the component")?;
        Ok(Self {
            engine,
            handler,
            limits,
            stopping,
            token,
            tally,
        })
    }

    /// Says what went wrong, if somebody wants to know.
    pub(crate) fn log(&self, what: impl FnOnce() -> String) {
        if self.limits.log {
            eprintln!("{}", what());
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl HandlerState for Workers {
    type StoreData = Data;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Data, Expiration, Worker>> {
        let data = Data {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().inherit_stderr().build(),
            http: WasiHttpCtx::new(),
            upstreams: Upstreams,
            limits: self.limits,
            tally: self.tally.clone(),
            memory: 0,
        };
        let mut store = Store::new(&self.engine, data);
        store.limiter(|data| data);
        let proxy = ProxyPre::P3(self.handler.clone()).instantiate_async(&mut store).await?;
        self.tally.instances.fetch_add(1, Ordering::Relaxed);
        let mut stopping = self.stopping.clone();
        Ok(Instance {
            store,
            proxy,
            view: Data::http,
            expiration: Expiration(Box::pin(async move { crate::told(&mut stopping).await })),
            state: Worker {
                limits: self.limits,
                tally: self.tally.clone(),
                _token: self.token.clone(),
            },
        })
    }
}

/// When an instance ends that has nothing to do: with the server.
pub(crate) struct Expiration(Pin<Box<dyn Future<Output = ()> + Send + Sync>>);

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, _: Instant) -> Poll<()> {
        match status {
            WorkerStatus::Idle => self.0.as_mut().poll(cx),
            WorkerStatus::Requests | WorkerStatus::PostReturn => Poll::Pending,
        }
    }
}

/// One instance.
pub(crate) struct Worker {
    limits: Limits,
    tally: Arc<Tally>,
    _token: mpsc::Sender<Infallible>,
}

impl WorkerState for Worker {
    type StoreData = Data;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.limits.total {
            ShouldAccept::Never
        } else if concurrent >= self.limits.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Data>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(tokio::time::sleep(self.limits.timeout))
    }

    fn drop(&self, _: Store<Data>, result: wasmtime::Result<()>) {
        if let Err(trap) = result {
            eprintln!("an instance has ended: {trap:?}");
            self.tally
                .traps
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(trap);
        }
    }
}

/// What the host keeps for an instance.
pub(crate) struct Data {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    upstreams: Upstreams,
    limits: Limits,
    tally: Arc<Tally>,
    /// How many bytes it has in all its memories.
    memory: usize,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Data {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.upstreams,
        }
    }
}

impl ResourceLimiter for Data {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let whole = self.memory + (desired - current);
        if whole > self.limits.memory {
            return Ok(false);
        }
        self.memory = whole;
        self.tally.memory.fetch_max(whole, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
