//! An example guest: goes in front of an HTTP handler and compresses what that answers.
//!
//! It imports the interface that it exports, so it fits between any server and any handler. Bodies are compressed as they
//! stream: what has come is sent on before the next piece is there, and nothing is held but the piece at hand. What is not
//! compressed is passed on without a look at it.
//!
//! A body that breaks off has to break off here too: a reader that gets the end of the compressed format takes it as
//! complete. So that end is written only when the end of the original is known to be good.

mod negotiate;
#[cfg(test)]
mod tests;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use negotiate::{Headers, Plan};
use wasi::http::handler;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Trailers};
use witflow::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};

witflow::generate!({ path: "wit", world: "middleware" });
witflow::heap!();

/// How many bytes are read at a time.
const CHUNK: usize = 32 * 1024;

/// What a body ends with.
type End = Result<Option<Trailers>, ErrorCode>;

struct Middleware;
export!(Middleware);

impl exports::wasi::http::handler::Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let has_body = !matches!(request.get_method(), Method::Head);
        let accepted = negotiate::accepts_gzip(&request.get_headers().copy_all());
        let response = handler::handle(request).await?;
        let status = response.get_status_code();
        let mut headers = Headers(response.get_headers().copy_all());
        let plan = negotiate::plan(has_body, accepted, status, &mut headers);
        if plan == Plan::Untouched {
            return Ok(response);
        }

        let (_, received) = wit_future::new(|| Ok(()));
        let (bytes, end) = Response::consume_body(response, received);
        let (bytes, end) = match plan {
            Plan::Compressed => compressed(bytes, end),
            Plan::Described | Plan::Untouched => (bytes, end),
        };
        let fields = Fields::from_list(&headers.0).map_err(|error| {
            ErrorCode::InternalError(Some(format!("the headers of the response are refused: {error:?}")))
        })?;
        let (answer, _arrived) = Response::new(fields, Some(bytes), end);
        answer
            .set_status_code(status)
            .expect("a response had this status before");
        Ok(answer)
    }
}

/// The same body in the format of gzip, and what it ends with.
fn compressed(bytes: StreamReader<u8>, end: FutureReader<End>) -> (StreamReader<u8>, FutureReader<End>) {
    let (writer, compressed) = wit_stream::new();
    // Should this guest fail to say how it ended, it was not well.
    let (told, ended) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
    witflow::spawn(compress(bytes, end, writer, told));
    (compressed, ended)
}

async fn compress(
    mut bytes: StreamReader<u8>,
    end: FutureReader<End>,
    mut writer: StreamWriter<u8>,
    told: FutureWriter<End>,
) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        chunk.clear();
        let result = bytes.read_into(&mut chunk).await;
        encoder.write_all(&chunk).expect("vectors take everything");
        if result == StreamResult::Dropped {
            break;
        }
        if chunk.len() < CHUNK {
            // There was no more, so whoever waits for this gets it now.
            encoder.flush().expect("vectors take everything");
        }
        let packed = encoder.get_mut();
        if writer.write_from(packed).await < packed.len() {
            // The client has gone; dropping the reader says so to the handler.
            return;
        }
        packed.clear();
    }
    let end = end.await;
    if end.is_ok() {
        let rest = encoder.finish().expect("vectors take everything");
        writer.write_all(rest).await;
    }
    drop(writer);
    // Without a reader there is nobody to tell.
    let _ = told.write(end).await;
}
