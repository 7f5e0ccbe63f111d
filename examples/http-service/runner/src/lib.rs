//! Serves a component that exports `wasi:http/handler` over HTTP/1.1.
//!
//! What runs the guest is Wasmtime's own [`ProxyHandler`], which `wasmtime serve` is made of: it starts instances when there
//! are requests and none has room for more. This crate is what is left: the settings ([`Limits`]), connections, requests that
//! guests send, and an orderly end.
//!
//! The end has an order. First nobody is accepted any more; then each connection finishes the request it is at; then every
//! instance finishes what it still does after its last response. [`Server::stop`] waits for all of that and says what was
//! [`Served`].

mod upstream;
mod worker;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::io::TokioIo;

pub use worker::{Limits, Served};
use worker::{Tally, Workers};

/// A server that runs.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    /// Ends when no connection and no instance is left.
    alive: mpsc::Receiver<Infallible>,
    tally: Arc<Tally>,
}

impl Server {
    /// Compiles the component and listens. Of several components each goes in front of the next, whose handler it imports.
    ///
    /// # Errors
    /// When a component cannot be read, imports what there is not, or exports no handler; or when the address is taken.
    pub async fn start<P: AsRef<Path>>(components: &[P], address: SocketAddr, limits: Limits) -> Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let (token, alive) = mpsc::channel(1);
        let tally = Arc::new(Tally::default());
        let workers = Workers::new(
            &joined(components)?,
            limits,
            stopping.clone(),
            token.clone(),
            tally.clone(),
        )?;
        let handler = ProxyHandler::new(workers);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("listening at {address}"))?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, handler, stopping, token));
        Ok(Self {
            address,
            stop,
            accepting,
            alive,
            tally,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was served up to now.
    pub fn served(&self) -> Served {
        self.tally.served()
    }

    /// Accepts nobody any more, and waits until everything that was begun is done.
    ///
    /// # Errors
    /// When an instance has trapped, with what it said.
    pub async fn stop(mut self) -> Result<Served> {
        self.stop.send_replace(true);
        self.accepting.await.context("accepting connections")?;
        // Nothing is ever sent: the channel closes when the last token is dropped.
        let None = self.alive.recv().await;
        self.tally.end()
    }
}

/// The components as one.
fn joined<P: AsRef<Path>>(components: &[P]) -> Result<Vec<u8>> {
    let mut behind: Option<Vec<u8>> = None;
    for path in components.iter().rev().map(AsRef::as_ref) {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.display().to_string();
        behind = Some(match behind {
            None => bytes,
            Some(next) => witflow_host::compose((&name, &bytes), &[("what comes after it", &next)])?,
        });
    }
    behind.context("there is no component to serve")
}

type Handler = ProxyHandler<Workers>;

async fn accept(
    listener: TcpListener,
    handler: Handler,
    mut stopping: watch::Receiver<bool>,
    token: mpsc::Sender<Infallible>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told(&mut stopping) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let (handler, stopping, token) = (handler.clone(), stopping.clone(), token.clone());
                tokio::spawn(async move {
                    serve(stream, handler, stopping).await;
                    drop(token);
                });
            }
            // One connection failed, or there are too many of them: others may go well.
            Err(error) => {
                eprintln!("accepting a connection: {error}");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Waits until the server stops.
async fn told(stopping: &mut watch::Receiver<bool>) {
    // Without a server there is nothing to wait for either.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Serves one connection until the client, the protocol or the server ends it.
async fn serve(stream: TcpStream, handler: Handler, mut stopping: watch::Receiver<bool>) {
    // Small responses do not wait for more to come.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(&handler, request));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        handler.state().tally().failed_connection();
        handler
            .state()
            .log(|| format!("connection: {:#}", anyhow::Error::from(error)));
    }
}

/// Has a guest answer a request. What it cannot answer is said here and is a 500 for the client.
async fn answer(handler: &Handler, request: Request<Incoming>) -> Result<Response<WasiBody>, Infallible> {
    let (mut parts, body) = request.into_parts();
    parts.uri = absolute(&parts.uri, parts.headers.get(HOST).and_then(|host| host.to_str().ok()));
    let what = format!("{} {}", parts.method, parts.uri);
    let request = Request::from_parts(parts, body.map_err(Into::into).boxed_unsync());
    let tally = handler.state().tally();
    tally.request();
    Ok(handler.handle((), request).await.unwrap_or_else(|error| {
        handler.state().log(|| format!("{what}: {error:#}"));
        tally.failed_request();
        let mut response = Response::new(
            Full::default()
                .map_err(|never: Infallible| match never {})
                .boxed_unsync(),
        );
        *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        response
    }))
}

/// The address of a request with its scheme and its authority, which in HTTP/1.1 is a header.
fn absolute(uri: &Uri, host: Option<&str>) -> Uri {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri
        .authority()
        .map(|authority| authority.as_str())
        .or(host)
        .unwrap_or("localhost");
    let whole = Uri::builder()
        .scheme("http")
        .authority(authority)
        .path_and_query(path)
        .build();
    whole.unwrap_or_else(|_| uri.clone())
}
