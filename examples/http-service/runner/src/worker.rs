//! Instances of the component: how they are made, how much one takes on, and when it ends.

use std::convert::Infallible;
use std::fmt::{self, Display};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use wasmtime::component::{Component, GuestTaskId, Linker, ResourceTable};
use wasmtime::{Config, Engine, ResourceLimiter, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, InstantiationError, ProxyPre, Request, ShouldAccept, WorkerState,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::expiration::Expiration;
use crate::fate::{Fate, Taker};
use crate::upstream::Upstreams;

/// The settings of a server, most of which say how much one instance takes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many instances there are at a time. Wasmtime's handler makes another when a request comes while all are at work.
    pub instances: usize,
    /// How many requests one has at a time.
    pub concurrent: usize,
    /// After how many it is replaced by a new one.
    pub total: usize,
    /// How long it may take until a response begins. One that let this pass takes no more requests, and has as long again for
    /// the others that it is at; so has one that is at something when the server stops.
    pub timeout: Duration,
    /// How many bytes of memory it may have.
    pub memory: usize,
    /// How long a client may take for the head of a request, the time before its first byte included.
    pub head: Duration,
    /// How long a client may be silent in the middle of its body, or take nothing of the response's.
    pub pause: Duration,
    /// Who gets to know of connections, requests and instances that fail, a line or more at a time.
    pub log: fn(&str),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instances: 64,
            concurrent: 128,
            total: usize::MAX,
            timeout: Duration::from_secs(60),
            memory: 256 << 20,
            head: Duration::from_secs(30),
            pause: Duration::from_secs(60),
            log: |what| eprintln!("{what}"),
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
    /// Those of them that trapped, or were given up because they went on for too long.
    pub ended: u64,
    /// The most memory that one instance had, in bytes.
    pub memory: usize,
}

#[derive(Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    failed: AtomicU64,
    broken: AtomicU64,
    instances: AtomicU64,
    ended: AtomicU64,
    memory: AtomicUsize,
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
            ended: self.ended.load(Ordering::Relaxed),
            memory: self.memory.load(Ordering::Relaxed),
        }
    }
}

/// An error of Wasmtime's as one of ours.
fn ours(error: wasmtime::Error) -> anyhow::Error {
    anyhow::Error::from_boxed(error.into())
}

/// There are as many instances as there may be.
#[derive(Debug)]
struct Full;

impl Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are as many instances as there may be")
    }
}

impl std::error::Error for Full {}

/// The request that an error gives back since there are as many instances as there may be, or else the error.
pub(crate) fn given_back(error: wasmtime::Error) -> std::result::Result<Request, wasmtime::Error> {
    match error.downcast::<InstantiationError<Taker>>() {
        Ok(failed) if failed.error.is::<Full>() => {
            Ok(failed.request.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
        Ok(failed) => Err(failed.into()),
        Err(error) => Err(error),
    }
}

/// Makes instances.
pub(crate) struct Workers {
    /// What the component is called where something is said of it.
    name: Arc<str>,
    engine: Engine,
    handler: ServicePre<Data>,
    limits: Limits,
    /// Each instance has a permit.
    room: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
    /// Each instance has one, so that the server knows when none is left.
    token: mpsc::Sender<Infallible>,
    tally: Arc<Tally>,
}

impl Workers {
    pub(crate) fn new(
        (name, component): (&str, &[u8]),
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
            name: name.into(),
            engine,
            handler,
            limits,
            room: Arc::new(Semaphore::new(limits.instances)),
            stopping,
            token,
            tally,
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Says of the component what went wrong.
    pub(crate) fn log(&self, what: impl Display) {
        (self.limits.log)(&format!("{}: {what}", self.name));
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
        let permit = self.room.clone().try_acquire_owned().map_err(|_| Full)?;
        let data = Data {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().inherit_stderr().build(),
            http: WasiHttpCtx::new(),
            upstreams: Upstreams,
            limits: self.limits,
            tally: self.tally.clone(),
            memory: 0,
            refused: false,
        };
        let mut store = Store::new(&self.engine, data);
        store.limiter(|data| data);
        let proxy = ProxyPre::P3(self.handler.clone()).instantiate_async(&mut store).await?;
        self.tally.instances.fetch_add(1, Ordering::Relaxed);
        let late = Arc::new(AtomicBool::new(false));
        Ok(Instance {
            store,
            proxy,
            view: Data::http,
            expiration: Expiration::new(self.stopping.clone(), late.clone(), self.limits.timeout),
            state: Worker {
                name: self.name.clone(),
                limits: self.limits,
                late,
                fate: Fate::default(),
                tally: self.tally.clone(),
                _permit: permit,
                _token: self.token.clone(),
            },
        })
    }
}

/// One instance.
pub(crate) struct Worker {
    name: Arc<str>,
    limits: Limits,
    /// Whether a request was given up since it took too long.
    late: Arc<AtomicBool>,
    fate: Fate,
    tally: Arc<Tally>,
    _permit: OwnedSemaphorePermit,
    _token: mpsc::Sender<Infallible>,
}

impl WorkerState for Worker {
    type StoreData = Data;
    type RequestData = Taker;

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
        taker: Taker,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        taker.is(&self.fate);
        let (timeout, late) = (self.limits.timeout, self.late.clone());
        Box::pin(async move {
            tokio::time::sleep(timeout).await;
            late.store(true, Ordering::Relaxed);
        })
    }

    fn drop(&self, store: Store<Data>, result: wasmtime::Result<()>) {
        if let Err(why) = result {
            // Before the store is dropped, and with it what writes bodies.
            self.fate.seal();
            self.tally.ended.fetch_add(1, Ordering::Relaxed);
            let memory = if store.data().refused {
                format!(", after more memory than {} bytes was refused", self.limits.memory)
            } else {
                String::new()
            };
            (self.limits.log)(&format!("{}: an instance has ended{memory}: {why:?}", self.name));
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
    /// Whether it wanted more than it may have.
    refused: bool,
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
            self.refused = true;
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
