//! The example http-service, by the crate wasip3: the same routes with the same sizes of pieces, written as that crate wants it.
//!
//! Only `/fan-out` is missing, which no load is put on. What knows nothing of streams is the example's own.

#[path = "../../../../examples/http-service/src/checksum.rs"]
mod checksum;
mod reply;
#[path = "../../../../examples/http-service/src/route.rs"]
mod route;

/// The paths that the example's files name.
mod wasi {
    pub(crate) use wasip3::http;
}

use checksum::Checksum;
use route::{INDEX, Route};
use serde_json::{Value, json};
use wasip3::http::types::{ErrorCode, Request, Response, Trailers};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use wasip3::{spawn_local, wit_future, wit_stream};

/// How many bytes are read and written at a time.
const CHUNK: usize = 32 * 1024;

/// The largest JSON that is accepted.
const MOST_JSON: usize = 64 * 1024;

/// What a body ends with.
type End = FutureReader<Result<Option<Trailers>, ErrorCode>>;

struct HttpService;
wasip3::http::service::export!(HttpService);

impl wasip3::exports::http::handler::Guest for HttpService {
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
            Route::FanOut { .. } => reply::problem(501, "this service asks nobody"),
            Route::NotFound => reply::problem(404, "there is nothing at this path"),
            Route::WrongMethod(allowed) => reply::wrong_method(allowed),
            Route::Bad(why) => reply::problem(400, &why),
        })
    }
}

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
            let end = len.min(at + CHUNK as u64);
            chunk.extend((at..end).map(|byte| (byte % PERIOD) as u8));
            chunk = writer.write_all(chunk).await;
            if !chunk.is_empty() {
                return;
            }
            at = end;
        }
    })
}

fn echo(request: Request) -> Response {
    let headers = reply::kept(&request, &["content-type", "content-length", "trailer"]);
    let (bytes, end) = body(request);
    reply::streamed(200, &headers, bytes, end)
}

fn upper(request: Request) -> Response {
    let headers = reply::kept(&request, &["content-type", "content-length", "trailer"]);
    let (mut input, end) = body(request);
    let (mut writer, bytes) = wit_stream::new();
    spawn_local(async move {
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            let (result, mut read) = input.read(chunk).await;
            if !read.is_empty() {
                read.make_ascii_uppercase();
                read = writer.write_all(read).await;
                if !read.is_empty() {
                    return;
                }
            }
            if result == StreamResult::Dropped {
                return;
            }
            chunk = reused(read);
        }
    });
    reply::streamed(200, &headers, bytes, end)
}

async fn count(request: Request) -> Response {
    let (mut input, end) = body(request);
    let (mut bytes, mut checksum) = (0, Checksum::default());
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let (result, read) = input.read(chunk).await;
        bytes += read.len() as u64;
        checksum.push(&read);
        if result == StreamResult::Dropped {
            break;
        }
        chunk = reused(read);
    }
    match end.await {
        Ok(_) => reply::json(200, &json!({ "bytes": bytes, "checksum": checksum.to_string() })),
        Err(code) => reply::problem(400, &format!("the body broke off: {code:?}")),
    }
}

async fn words(request: Request) -> Response {
    let said = request.get_headers().get("content-length").pop();
    let said = said.and_then(|len| std::str::from_utf8(&len).ok()?.parse::<u64>().ok());
    let (mut input, end) = body(request);
    let too_large = || reply::problem(413, &format!("no more than {MOST_JSON} bytes are taken"));
    if said.is_some_and(|len| len > MOST_JSON as u64) {
        return too_large();
    }
    let mut all = Vec::new();
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let (result, mut read) = input.read(chunk).await;
        if all.len() + read.len() > MOST_JSON {
            return too_large();
        }
        all.append(&mut read);
        if result == StreamResult::Dropped {
            break;
        }
        chunk = reused(read);
    }
    if let Err(code) = end.await {
        return reply::problem(400, &format!("the body broke off: {code:?}"));
    }
    match serde_json::from_slice::<Value>(&all) {
        Ok(value) => match value.get("text").and_then(Value::as_str) {
            Some(text) => reply::json(200, &json!({ "words": text.split_whitespace().count() })),
            None => reply::problem(422, "a JSON object with a string `text` is expected"),
        },
        Err(error) => reply::problem(400, &format!("this is no JSON: {error}")),
    }
}

/// The body of a request.
fn body(request: Request) -> (StreamReader<u8>, End) {
    // A writer that is dropped writes the default.
    let (_, no_objection) = wit_future::new(|| Ok(()));
    Request::consume_body(request, no_objection)
}

/// A piece's memory for the next one, whatever became of it.
fn reused(mut chunk: Vec<u8>) -> Vec<u8> {
    chunk.clear();
    chunk.reserve(CHUNK);
    chunk
}
