//! Responses, as the example makes them.

use crate::End;
use wasip3::http::types::{Fields, Request, Response};
use wasip3::{spawn_local, wit_future, wit_stream};
use serde_json::{Value, json};
use wasip3::wit_bindgen::{StreamReader, StreamWriter};

/// A name and a value, both of which this service knows to be valid.
pub(crate) type Header = (String, Vec<u8>);

pub(crate) fn header(name: &str, value: impl Into<Vec<u8>>) -> Header {
    (name.to_owned(), value.into())
}

/// A response whose body and trailers come from somewhere.
pub(crate) fn streamed(status: u16, headers: &[Header], body: StreamReader<u8>, end: End) -> Response {
    let fields = Fields::from_list(headers).expect("names and values of these headers are valid");
    // Whether it arrived is of no interest here.
    let (response, _arrived) = Response::new(fields, Some(body), end);
    response.set_status_code(status).expect("the status is valid");
    response
}

/// A response whose body is written by a future, beside everything else.
pub(crate) fn written<F, Fut>(status: u16, headers: &[Header], write: F) -> Response
where
    F: FnOnce(StreamWriter<u8>) -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let (writer, body) = wit_stream::new();
    spawn_local(write(writer));
    // A writer that is dropped writes the default.
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    streamed(status, headers, body, no_trailers)
}

fn whole(status: u16, headers: &[Header], body: Vec<u8>) -> Response {
    written(status, headers, async move |mut writer| {
        // Whoever does not read it does not miss it.
        writer.write_all(body).await;
    })
}

fn described(content_type: &str, len: usize) -> Vec<Header> {
    vec![
        header("content-type", content_type),
        header("content-length", len.to_string()),
    ]
}

pub(crate) fn text(status: u16, text: &str) -> Response {
    whole(status, &described("text/plain; charset=utf-8", text.len()), text.into())
}

pub(crate) fn json(status: u16, value: &Value) -> Response {
    let text = format!("{value}\n");
    whole(status, &described("application/json", text.len()), text.into())
}

/// Says as JSON what is wrong with a request.
pub(crate) fn problem(status: u16, why: &str) -> Response {
    json(status, &json!({ "error": why }))
}

pub(crate) fn wrong_method(allowed: &str) -> Response {
    let text = format!("{}\n", json!({ "error": format!("the method for this is {allowed}") }));
    let mut headers = described("application/json", text.len());
    headers.push(header("allow", allowed));
    whole(405, &headers, text.into())
}

/// Those headers of a request that its response has too.
pub(crate) fn kept(request: &Request, names: &[&str]) -> Vec<Header> {
    let headers = request.get_headers();
    let kept = names.iter().filter_map(|name| {
        let value = headers.get(name).pop()?;
        Some(header(name, value))
    });
    kept.collect()
}
