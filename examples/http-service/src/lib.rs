//! An example guest: an HTTP service of WASI 0.3. `GET /` lists its routes.
//!
//! No body is held as a whole, but for the JSON that `POST /words` takes, whose size has a limit. A response begins before its
//! body is there: a spawned future writes that, or it is the request's, passed on or changed piece by piece. When whoever
//! reads goes away, writing says so, and the future ends; nothing else is needed.

mod body;
mod checksum;
mod fan_out;
mod reply;
mod route;
#[cfg(test)]
mod tests;

use body::{Body, Trouble};
use checksum::Checksum;
use route::{INDEX, Route};
use serde_json::{Value, json};
use wasi::http::types::{ErrorCode, Request, Response};

witflow::generate!({ path: "wit", world: "http-service" });
witflow::heap!();

/// The largest JSON that is accepted.
const MOST_JSON: usize = 64 * 1024;

/// The service.
pub struct HttpService;
export!(HttpService);

impl exports::wasi::http::handler::Guest for HttpService {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        Ok(match Route::of(&request.get_method(), &path) {
            Route::Index => reply::text(200, INDEX),
            Route::Hello(name) => reply::json(200, &json!({ "hello": name })),
            Route::Bytes(len) => bytes(len),
            Route::Echo => echo(request),
            Route::Upper => upper(request),
            Route::Count => count(request).await,
            Route::Words => words(request).await,
            Route::FanOut { to, timeout } => fan_out::respond(to, timeout),
            Route::NotFound => reply::problem(404, "there is nothing at this path"),
            Route::WrongMethod(allowed) => reply::wrong_method(allowed),
            Route::Bad(why) => reply::problem(400, &why),
        })
    }
}

/// As many bytes, made when they are read.
fn bytes(len: u64) -> Response {
    const PERIOD: u64 = 251;
    let headers = [
        reply::header("content-type", "application/octet-stream"),
        reply::header("content-length", len.to_string()),
    ];
    reply::written(200, &headers, async move |mut writer| {
        let mut chunk = Vec::new();
        let mut at = 0;
        while at < len {
            let end = len.min(at + body::CHUNK as u64);
            chunk.clear();
            chunk.extend((at..end).map(|byte| (byte % PERIOD) as u8));
            if writer.write_from(&mut chunk).await < chunk.len() {
                return;
            }
            at = end;
        }
    })
}

/// The request's body and trailers, which this guest never looks at: the host passes the bytes on.
fn echo(request: Request) -> Response {
    let headers = reply::kept(&request, &["content-type", "content-length", "trailer"]);
    let body = Body::of(request);
    reply::streamed(200, &headers, body.bytes, body.trailers)
}

/// The same in upper case.
fn upper(request: Request) -> Response {
    let headers = reply::kept(&request, &["content-type", "content-length", "trailer"]);
    let mut body = Body::of(request);
    let (mut writer, bytes) = wit_stream::new();
    witflow::spawn(async move {
        let mut chunk = Vec::with_capacity(body::CHUNK);
        while body::fill(&mut body.bytes, &mut chunk).await {
            chunk.make_ascii_uppercase();
            if writer.write_from(&mut chunk).await < chunk.len() {
                return;
            }
        }
    });
    reply::streamed(200, &headers, bytes, body.trailers)
}

/// How long the body is, and what its checksum is.
async fn count(request: Request) -> Response {
    let mut body = Body::of(request);
    let (mut bytes, mut checksum) = (0, Checksum::default());
    let mut chunk = Vec::with_capacity(body::CHUNK);
    while body::fill(&mut body.bytes, &mut chunk).await {
        bytes += chunk.len() as u64;
        checksum.push(&chunk);
        chunk.clear();
    }
    match body.trailers.await {
        Ok(_) => reply::json(200, &json!({ "bytes": bytes, "checksum": checksum.to_string() })),
        Err(code) => reply::trouble(&Trouble::Cut(code)),
    }
}

/// How many words a text has.
async fn words(request: Request) -> Response {
    let body = match body::whole(request, MOST_JSON).await {
        Ok(body) => body,
        Err(trouble) => return reply::trouble(&trouble),
    };
    match serde_json::from_slice::<Value>(&body) {
        Ok(value) => match value.get("text").and_then(Value::as_str) {
            Some(text) => reply::json(200, &json!({ "words": text.split_whitespace().count() })),
            None => reply::problem(422, "a JSON object with a string `text` is expected"),
        },
        Err(error) => reply::problem(400, &format!("this is no JSON: {error}")),
    }
}
