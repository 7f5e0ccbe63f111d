//! Serves a component that exports `wasi:http/handler` over HTTP/1.1.
//!
//! What runs the guest is Wasmtime's own [`ProxyHandler`], which `wasmtime serve` is made of: it starts instances when there
//! are requests and none has room for more. This crate is what is left: the settings ([`Limits`]), connections, requests that
//! guests send, and an orderly end.
//!
//! A guest that traps takes down its instance and nothing else: what that had not answered yet is a 500, responses that had begun
//! break off, the log says which component it was and why, and the next request gets a new instance. Nobody is waited for without
//! end, neither clients nor guests.
//!
//! The end has an order. First nobody is accepted any more; then each connection finishes the request it is at; then every
//! instance finishes what it still does after its last response. [`Server::stop`] waits for all of that, with the same patience,
//! and says what was [`Served`].

mod expiration;
mod fate;
mod patience;
mod upstream;
mod worker;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, Version};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::io::TokioIo;

use fate::Taker;
use patience::{Awaited, Draining, Time};
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
        let (name, component) = joined(components)?;
        let workers = Workers::new(
            (&name, &component),
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

    /// Accepts nobody any more, and waits until everything that was begun is done or given up.
    ///
    /// # Errors
    /// When accepting connections has panicked.
    pub async fn stop(mut self) -> Result<Served> {
        self.stop.send_replace(true);
        self.accepting.await.context("accepting connections")?;
        // Nothing is ever sent: the channel closes when the last token is dropped.
        let None = self.alive.recv().await;
        Ok(self.tally.served())
    }
}

/// The components as one, and their names.
fn joined<P: AsRef<Path>>(components: &[P]) -> Result<(String, Vec<u8>)> {
    let mut behind: Option<(String, Vec<u8>)> = None;
    for path in components.iter().rev().map(AsRef::as_ref) {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).display().to_string();
        behind = Some(match behind {
            None => (name, bytes),
            Some((next_name, next)) => {
                let whole = witflow_host::compose((&name, &bytes), &[("what comes after it", &next)])?;
                (format!("{name} + {next_name}"), whole)
            }
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
                handler.state().log(format_args!("accepting a connection: {error}"));
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
    let limits = handler.state().limits();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(Time).header_read_timeout(limits.head);
    let stream = TokioIo::new(Draining::new(stream, limits.pause));
    let mut connection = pin!(http.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        handler.state().tally().failed_connection();
        let error = anyhow::Error::from(error);
        handler.state().log(format_args!("connection: {error:#}"));
    }
}

/// Has a guest answer a request. What it cannot answer is said here and is a 500 for the client.
async fn answer(handler: &Handler, request: Request<Incoming>) -> Result<Response<WasiBody>, Infallible> {
    let workers = handler.state();
    let (mut parts, body) = request.into_parts();
    let what = format!("{} {}", parts.method, parts.uri);
    match absolute(&parts) {
        Some(uri) => parts.uri = uri,
        None => {
            workers.log(format_args!("{what}: no valid `host`"));
            return Ok(empty(StatusCode::BAD_REQUEST));
        }
    }
    let body = Awaited::new(body, workers.limits().pause);
    let request = Request::from_parts(parts, body.boxed_unsync());
    workers.tally().request();
    Ok(match handled(handler, request).await {
        Ok(response) => response,
        Err(error) => {
            workers.log(format_args!("{what}: {error:#}"));
            workers.tally().failed_request();
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    })
}

/// How long an instance may be at work before a request looks again whether one takes it.
const LOOK: Duration = Duration::from_millis(1);

/// Has an instance answer, as soon as one takes the request.
async fn handled(handler: &Handler, mut request: Request<WasiBody>) -> wasmtime::Result<Response<WasiBody>> {
    let mut tries = 0;
    loop {
        let taker = Taker::default();
        match handler.handle(taker.clone(), request).await {
            Ok(response) => return Ok(response.map(|body| taker.writes(body).boxed_unsync())),
            Err(error) => request = worker::given_back(error)?,
        }
        // All are at work and none may be added. Mostly one is free in an instant.
        tries += 1;
        if tries < 10 {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// A response that says no more than its status.
fn empty(status: StatusCode) -> Response<WasiBody> {
    let nothing = Empty::new().map_err(|never: Infallible| match never {});
    let mut response = Response::new(nothing.boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The address of a request with its scheme and its authority. In HTTP/1.1 that is a header, of which there has to be one, even
/// where the address says the same.
fn absolute(head: &Parts) -> Option<Uri> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?,
        (None, None) if head.version < Version::HTTP_11 => "localhost",
        _ => return None,
    };
    let host = head.uri.authority().map_or(host, |authority| authority.as_str());
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let whole = Uri::builder().scheme("http").authority(host).path_and_query(path);
    whole.build().ok()
}
