//! A client that sends one request after the other and looks at every byte of the answers.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderMap, HeaderValue, TE, TRAILER};
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpStream;
use wasmtime_wasi_http::io::TokioIo;

use crate::mix::{Ask, Kind};

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// After so many requests there is a new connection.
const REQUESTS: u32 = 1000;

/// How a body is cut when its length is not said.
const PIECE: usize = 50_000;

/// One that keeps its connection.
pub(crate) struct Client {
    address: SocketAddr,
    sender: Option<SendRequest<Body>>,
    sent: u32,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            sender: None,
            sent: 0,
        }
    }

    /// Sends a request and checks the answer. Gives how many bytes the two bodies had.
    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<u64> {
        let request = request(ask, &self.address.to_string())?;
        let response = self.sender().await?.send_request(request).await.context("sending")?;
        let answer = ask.answer();
        check(response, &answer, ask).await?;
        Ok((answer.len() + ask.body().map_or(0, |body| body.len())) as u64)
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Body>> {
        self.sent += 1;
        if self.sent.is_multiple_of(REQUESTS) {
            self.sender = None;
        }
        if self.sender.is_none() {
            let stream = TcpStream::connect(self.address).await.context("connecting")?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.context("connecting")?;
            // It says what is wrong to those who send.
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().context("there is one now")?;
        sender.ready().await.context("the connection is closed")?;
        Ok(sender)
    }
}

/// A request as HTTP has it.
pub(crate) fn request(ask: &Ask, host: &str) -> Result<Request<Body>> {
    let request = Request::builder().uri(ask.path()).header(HOST, host);
    let mut request = request.header(TE, "trailers");
    let body = match ask.body() {
        None => Empty::new().boxed_unsync(),
        Some(body) => {
            request = request.method(Method::POST);
            if ask.chunked {
                request = request.header(TRAILER, "sum");
                in_pieces(body)
            } else {
                Full::new(body).boxed_unsync()
            }
        }
    };
    Ok(request.body(body)?)
}

fn trailers(len: usize) -> HeaderMap {
    HeaderMap::from_iter([("sum".parse().expect("it is a name"), HeaderValue::from(len))])
}

/// A body in pieces, with a trailer.
fn in_pieces(body: Bytes) -> Body {
    let last = Frame::trailers(trailers(body.len()));
    let pieces = (0..body.len()).step_by(PIECE);
    let pieces: Vec<_> = pieces
        .map(|at| Frame::data(body.slice(at..body.len().min(at + PIECE))))
        .chain([last])
        .map(Ok)
        .collect();
    StreamBody::new(stream::iter(pieces)).boxed_unsync()
}

/// Looks at every byte of an answer, and at what comes behind it.
pub(crate) async fn check<B>(response: Response<B>, answer: &[u8], ask: &Ask) -> Result<()>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    ensure!(
        response.status() == StatusCode::OK,
        "the status is {}",
        response.status()
    );
    let mut body = response.into_body();
    let (mut at, mut behind) = (0, None);
    while let Some(frame) = body.frame().await {
        match frame.context("the answer breaks off")?.into_data() {
            Ok(piece) => {
                let expected = answer.get(at..at + piece.len());
                ensure!(
                    expected == Some(&*piece),
                    "the {} bytes from {at} on are others",
                    piece.len()
                );
                at += piece.len();
            }
            Err(frame) => behind = frame.into_trailers().ok(),
        }
    }
    ensure!(at == answer.len(), "there are {at} bytes and not {}", answer.len());
    let passes_on = matches!(ask.kind, Kind::Echo | Kind::Upper) && ask.chunked;
    match behind {
        Some(got) if passes_on && got == trailers(answer.len()) => Ok(()),
        None if !passes_on => Ok(()),
        other => bail!("the trailers are {other:?}"),
    }
}
