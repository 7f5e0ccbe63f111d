//! Messages as tests have them, and how they get to guests and from them.

use std::pin::Pin;
use std::sync::Mutex;

use witflow_host::{Cx, Instance, Linker, Own, Result, StreamReader, TypedFunc, future, stream};

use super::types::{Body, End, Entries, ErrorCode, Fields, Method, Received, Request, Response};

/// How a body ends: with trailers if there are any, or in an error.
pub type Finish = Result<Option<Entries>, ErrorCode>;

/// What is sent, its body in pieces.
pub struct Outgoing {
    headers: Entries,
    pieces: Vec<Vec<u8>>,
    stream: Option<StreamReader<u8>>,
    silent: bool,
    finish: Finish,
}

/// What came, as a whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The status code.
    pub status: u16,
    /// As they came.
    pub headers: Entries,
    /// All of it.
    pub body: Vec<u8>,
    /// What it ended with.
    pub finish: Finish,
}

/// A response that begins to come.
pub struct Message {
    /// The status code.
    pub status: u16,
    /// As they came.
    pub headers: Entries,
    /// The body.
    pub bytes: StreamReader<u8>,
    /// What it will end with.
    pub end: End,
}

impl Outgoing {
    /// Sends this and no body.
    pub fn empty() -> Self {
        Self::pieces(&[])
    }

    /// Sends a body in these pieces.
    pub fn pieces(pieces: &[&[u8]]) -> Self {
        Self {
            headers: Vec::new(),
            pieces: pieces.iter().map(|piece| piece.to_vec()).collect(),
            stream: None,
            silent: false,
            finish: Ok(None),
        }
    }

    /// And this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// And this trailer.
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        let mut trailers = self.finish.ok().flatten().unwrap_or_default();
        trailers.push((name.to_owned(), value.into()));
        self.finish = Ok(Some(trailers));
        self
    }

    /// It breaks off instead of ending.
    pub fn broken(mut self, code: ErrorCode) -> Self {
        self.finish = Err(code);
        self
    }

    /// The body is this stream, and not pieces.
    pub fn streamed(mut self, bytes: StreamReader<u8>) -> Self {
        self.stream = Some(bytes);
        self
    }

    /// After the pieces nothing comes, and no end either.
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    fn send(self, cx: &Cx) -> (Entries, Body) {
        let (mut writer, bytes) = stream();
        let (ended, end) = future();
        let (received, _) = future();
        cx.spawn(async move {
            for piece in self.pieces {
                if writer.write(piece).await.is_err() {
                    break;
                }
            }
            if self.silent {
                return writer.closed().await;
            }
            drop(writer);
            // Whoever has stopped to read does not ask how it ended.
            let _ = ended.write(self.finish.map(|entries| entries.map(trailers))).await;
        });
        let bytes = Some(self.stream.unwrap_or(bytes));
        (self.headers, Body { bytes, end, received })
    }

    /// This as a request.
    pub fn request(self, cx: &Cx, method: Method, path: &str) -> Own<Request> {
        let (headers, body) = self.send(cx);
        Own::new(Request {
            method: Mutex::new(method),
            path: Mutex::new(Some(path.to_owned())),
            scheme: Mutex::default(),
            authority: Mutex::default(),
            headers,
            options: None,
            body,
        })
    }

    /// This as a response.
    pub fn response(self, cx: &Cx, status: u16) -> Own<Response> {
        let (headers, body) = self.send(cx);
        let status = Mutex::new(status);
        Own::new(Response { status, headers, body })
    }
}

fn trailers(entries: Entries) -> Own<Fields> {
    Own::new(Fields::fixed(entries))
}

impl Incoming {
    /// The only value of a header.
    ///
    /// # Panics
    /// If it has several, or one that is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| std::str::from_utf8(value).unwrap());
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is none.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Message {
    /// Reads it to its end.
    pub async fn whole(self) -> Incoming {
        Incoming {
            status: self.status,
            headers: self.headers,
            body: self.bytes.collect().await,
            finish: finish(self.end).await,
        }
    }
}

async fn finish(end: End) -> Finish {
    let end = end.await.expect("those who make a message say how it ends");
    end.map(|trailers| trailers.map(|fields| fields.to_entries()))
}

/// Gives a body to whoever consumes it; what they say of it goes to those who made it.
pub(super) fn consume(cx: &Cx, body: Body, how: Received) -> (StreamReader<u8>, End) {
    cx.spawn(async move {
        // Without an answer there is nothing to tell.
        if let Ok(result) = how.await {
            let _ = body.received.write(result).await;
        }
    });
    let bytes = body.bytes.unwrap_or_else(|| stream().1);
    (bytes, body.end)
}

/// `wasi:http/handler.handle` of a guest.
pub type Handler = TypedFunc<(Own<Request>,), (Result<Own<Response>, ErrorCode>,)>;

/// Has a guest handle a request, and answers when its response begins.
///
/// # Errors
/// When the guest traps.
pub async fn handle(
    cx: &Cx,
    guest: &Instance,
    method: Method,
    path: &str,
    request: Outgoing,
) -> Result<Result<Message, ErrorCode>> {
    let handler: Handler = guest.typed_func("wasi:http/handler@0.3.2#handle")?;
    let request = request.request(cx, method, path);
    let (response,) = handler.call_concurrent(cx, (request,)).await?;
    Ok(response.map(|response| {
        let response = response.into_inner().ok().expect("the guest has given it away");
        let (_, fine) = future();
        let headers = response.headers;
        let (bytes, end) = consume(cx, response.body, fine);
        Message {
            status: response.status.into_inner().unwrap(),
            headers,
            bytes,
            end,
        }
    }))
}

type Answer = Pin<Box<dyn Future<Output = Result<Own<Response>, ErrorCode>> + Send>>;

/// Defines an interface through which guests send requests, such as `wasi:http/client@0.3.2#send`. Upstreams answer what a
/// request asks for: its authority and its path.
///
/// # Errors
/// When it is defined already.
pub fn upstream<F>(linker: &mut Linker, interface: &str, function: &str, answer: F) -> Result<()>
where
    F: Fn(Cx, Own<Request>) -> Answer + Send + Sync + 'static,
{
    let mut instance = linker.instance(interface)?;
    instance.func_wrap_concurrent(function, move |cx, (request,): (Own<Request>,)| {
        let answer = answer(cx, request);
        async move { Ok((answer.await,)) }
    })?;
    Ok(())
}
