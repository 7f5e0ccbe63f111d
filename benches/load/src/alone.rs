//! One instance of a component, asked in this process: no connection, no other request, so that the same requests take the same
//! number of instructions each time.

use std::future::poll_fn;
use std::path::Path;

use anyhow::{Context as _, Result};
use hyper::http::uri::Scheme;
use hyper::{Request, Response};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p3::Request as Incoming;
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::client;
use crate::mix::Ask;

/// An instance that counts its instructions.
pub(crate) struct Alone {
    store: Store<Data>,
    service: Service,
}

impl Alone {
    pub(crate) async fn new(component: &Path) -> Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model(true).wasm_component_model_async(true);
        config.consume_fuel(true);
        let made = async {
            let engine = Engine::new(&config)?;
            let mut linker = Linker::new(&engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            wasmtime_wasi::p3::add_to_linker(&mut linker)?;
            wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
            let component = Component::from_file(&engine, component)?;
            let service = ServicePre::new(linker.instantiate_pre(&component)?)?;
            let mut store = Store::new(&engine, Data::default());
            store.set_fuel(u64::MAX)?;
            let service = service.instantiate_async(&mut store).await?;
            wasmtime::error::Ok(Self { store, service })
        };
        made.await
            .map_err(ours)
            .with_context(|| format!("preparing {}", component.display()))
    }

    /// Sends a request, checks the answer, waits until nothing goes on any more, and says how much fuel that took.
    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<u64> {
        let before = self.store.get_fuel().map_err(ours)?;
        let request = client::request(ask, "localhost")?;
        let service = &self.service;
        let answered = self.store.run_concurrent(async |accessor| -> Result<()> {
            let (request, received) = Incoming::from_http(&mut Nobody, request);
            let response = service.handle(accessor, request).await.map_err(ours)?;
            let response = response.map_err(|code| anyhow::anyhow!("{code:?}"))?;
            let response = accessor
                .with(|store| response.into_http(store, received))
                .map_err(ours)?;
            client::check(response, &ask.answer(), ask).await?;
            poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(())
        });
        answered.await.map_err(ours)?.with_context(|| format!("{ask:?}"))?;
        Ok(before - self.store.get_fuel().map_err(ours)?)
    }
}

fn ours(error: wasmtime::Error) -> anyhow::Error {
    anyhow::Error::from_boxed(error.into())
}

/// What the host keeps for the instance.
#[derive(Default)]
struct Data {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    nobody: Nobody,
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
            hooks: &mut self.nobody,
        }
    }
}

/// Whom the component could ask.
#[derive(Default)]
struct Nobody;

type Io = Box<dyn Future<Output = std::result::Result<(), Error>> + Send>;

impl WasiHttpHooks for Nobody {
    fn is_supported_scheme(&mut self, _: &Scheme) -> bool {
        false
    }

    fn default_scheme(&mut self) -> Option<Scheme> {
        None
    }

    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = std::result::Result<(Response<WasiBody>, Io), Error>> + Send> {
        Box::new(std::future::ready(Err(Error::DestinationNotFound)))
    }
}
