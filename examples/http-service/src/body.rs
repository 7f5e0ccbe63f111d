//! Bodies of requests and responses, as they come.

use crate::wasi::http::types::{ErrorCode, Request, Response, Trailers};
use crate::wit_future;
use witflow::{FutureReader, StreamReader, StreamResult};

/// How many bytes are read and written at a time.
pub(crate) const CHUNK: usize = 32 * 1024;

/// What a body ends with.
pub(crate) type End = FutureReader<Result<Option<Trailers>, ErrorCode>>;

/// A body, and what comes after it: trailers, or why there is no more of it.
pub(crate) struct Body {
    pub(crate) bytes: StreamReader<u8>,
    pub(crate) trailers: End,
}

impl Body {
    pub(crate) fn of(request: Request) -> Self {
        let (bytes, trailers) = Request::consume_body(request, no_objection());
        Self { bytes, trailers }
    }

    pub(crate) fn of_response(response: Response) -> Self {
        let (bytes, trailers) = Response::consume_body(response, no_objection());
        Self { bytes, trailers }
    }
}

/// What the host is told of how a body was received: nothing bad.
fn no_objection() -> FutureReader<Result<(), ErrorCode>> {
    // A writer that is dropped writes the default.
    wit_future::new(|| Ok(())).1
}

/// Reads what comes next in place of what is in `chunk`, whose capacity is the limit. At the end of the stream it says `false`.
pub(crate) async fn fill(bytes: &mut StreamReader<u8>, chunk: &mut Vec<u8>) -> bool {
    chunk.clear();
    loop {
        let result = bytes.read_into(chunk).await;
        if !chunk.is_empty() {
            return true;
        }
        if result == StreamResult::Dropped {
            return false;
        }
    }
}

/// Why a body could not be had.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It has more bytes than these.
    TooLarge(usize),
    /// It broke off.
    Cut(ErrorCode),
}

/// Reads all of a body, if it has no more bytes than `most`. One that says it is larger is not read at all.
pub(crate) async fn whole(request: Request, most: usize) -> Result<Vec<u8>, Trouble> {
    let said = request.get_headers().get("content-length").pop();
    let said = said.and_then(|len| std::str::from_utf8(&len).ok()?.parse::<u64>().ok());
    if said.is_some_and(|len| len > most as u64) {
        return Err(Trouble::TooLarge(most));
    }
    let mut body = Body::of(request);
    let mut all = Vec::new();
    let mut chunk = Vec::with_capacity(CHUNK.min(most + 1));
    while fill(&mut body.bytes, &mut chunk).await {
        if all.len() + chunk.len() > most {
            return Err(Trouble::TooLarge(most));
        }
        all.append(&mut chunk);
    }
    match body.trailers.await {
        Ok(_) => Ok(all),
        Err(code) => Err(Trouble::Cut(code)),
    }
}
