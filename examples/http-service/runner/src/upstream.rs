//! Requests that guests send: over HTTP/1.1, a connection each, without TLS.
//!
//! Wasmtime's own way to send them would bring a TLS library that nothing here uses.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri};
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::patience::Awaited;

/// How long something may take if the guest does not say it.
const PATIENCE: Duration = Duration::from_secs(600);

/// What becomes of the exchange, besides the response.
type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Sends what guests send.
pub(crate) struct Upstreams;

impl WasiHttpHooks for Upstreams {
    fn is_supported_scheme(&mut self, scheme: &Scheme) -> bool {
        *scheme == Scheme::HTTP
    }

    fn default_scheme(&mut self) -> Option<Scheme> {
        Some(Scheme::HTTP)
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send> {
        Box::new(send(request, options.unwrap_or_default()))
    }
}

async fn send(mut request: Request<WasiBody>, options: RequestOptions) -> Result<(Response<WasiBody>, Io), Error> {
    let authority = request.uri().authority().ok_or(Error::HttpRequestUriInvalid)?;
    let address = (authority.host().to_owned(), authority.port_u16().unwrap_or(80));
    // To a server that is no proxy only the path is said.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::try_from(path).map_err(|_| Error::HttpRequestUriInvalid)?;

    let connect = timeout(options.connect_timeout.unwrap_or(PATIENCE), TcpStream::connect(address));
    let stream = connect
        .await
        .map_err(|_| Error::ConnectionTimeout)?
        .map_err(Error::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = Connection(tokio::spawn(connection));
    let sent = timeout(
        options.first_byte_timeout.unwrap_or(PATIENCE),
        sender.send_request(request),
    );
    let response = sent.await.map_err(|_| Error::ConnectionReadTimeout)??;
    let pause = options.between_bytes_timeout.unwrap_or(PATIENCE);
    let body = |incoming| Arriving {
        body: Awaited::new(incoming, pause),
        _connection: connection,
    };
    let done: Io = Box::new(std::future::ready(Ok(())));
    Ok((response.map(|incoming| body(incoming).boxed_unsync()), done))
}

/// A connection that moves by itself, until whoever uses it is gone.
struct Connection(JoinHandle<hyper::Result<()>>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of a response, with the connection it comes by.
struct Arriving {
    body: Awaited<Incoming>,
    _connection: Connection,
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
