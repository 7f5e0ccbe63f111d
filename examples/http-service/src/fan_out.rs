//! `GET /fan-out`: several upstreams are asked at once, and their bodies passed on one after the other.
//!
//! The response begins at once, so what became of each upstream is said in trailers. Each has a limit of time for everything it
//! does: to begin its answer, and for each piece of it. Those that have answered wait until it is their turn, and what they
//! send waits with them: nothing is collected here.

use std::pin::pin;

use crate::body::{Body, CHUNK, fill};
use crate::route::Url;
use crate::wasi::clocks::monotonic_clock;
use crate::wasi::http::client;
use crate::wasi::http::types::{ErrorCode, Fields, Request, RequestOptions, Response, Scheme};
use crate::{reply, wit_future, wit_stream};
use futures_util::future::{Either, select};
use witflow::{JoinHandle, StreamWriter};

/// Asks everybody.
pub(crate) fn respond(to: Vec<Url>, timeout: u64) -> Response {
    let names: Vec<_> = (0..to.len()).map(|index| format!("upstream-{index}")).collect();
    let headers = [
        reply::header("content-type", "application/octet-stream"),
        reply::header("trailer", names.join(", ")),
    ];
    let (mut writer, bytes) = wit_stream::new();
    let (told, trailers) = wit_future::new(|| Ok(None));
    witflow::spawn(async move {
        let asked = to.into_iter().map(|url| witflow::spawn(ask(url, timeout)));
        let mut asked: Vec<JoinHandle<_>> = asked.collect();
        let mut outcomes = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let passed = match (&mut asked[index]).await {
                Some(Ok(response)) => pass(response, &mut writer, timeout).await,
                Some(Err(failure)) => Ok(failure),
                None => unreachable!("only this future cancels them, before it ends"),
            };
            let Ok(outcome) = passed else {
                // Nobody reads any more, so the others need not answer either.
                asked.iter_mut().for_each(JoinHandle::cancel);
                return;
            };
            outcomes.push((name, outcome.into_bytes()));
        }
        drop(writer);
        let trailers = Fields::from_list(&outcomes).expect("names and values of these trailers are valid");
        // Without a reader there is nobody to tell.
        let _ = told.write(Ok(Some(trailers))).await;
    });
    reply::streamed(200, &headers, bytes, trailers)
}

/// Asks one upstream, and waits until its answer begins; what fails is said in words.
async fn ask(url: Url, timeout: u64) -> Result<Response, String> {
    let options = RequestOptions::new();
    // A host that cannot do that has the time limit below all the same.
    let _ = options.set_connect_timeout(Some(nanoseconds(timeout)));
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), None, no_trailers, Some(options));
    let told = request
        .set_scheme(Some(&Scheme::Http))
        .and(request.set_authority(Some(&url.authority)))
        .and(request.set_path_with_query(Some(&url.path)));
    if told.is_err() {
        return Err("the address is not valid".to_owned());
    }
    match within(timeout, client::send(request)).await {
        Some(Ok(response)) => Ok(response),
        Some(Err(code)) => Err(failure(&code)),
        None => Err(format!("no answer within {timeout} ms")),
    }
}

/// The client has gone.
struct Gone;

/// Passes a body on, and says how that went.
async fn pass(response: Response, writer: &mut StreamWriter<u8>, timeout: u64) -> Result<String, Gone> {
    let status = response.get_status_code();
    let mut body = Body::of_response(response);
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut passed = 0;
    loop {
        match within(timeout, fill(&mut body.bytes, &mut chunk)).await {
            None => return Ok(format!("{status}; silent for {timeout} ms after {passed} bytes")),
            Some(false) => break,
            Some(true) => {
                passed += chunk.len();
                if writer.write_from(&mut chunk).await < chunk.len() {
                    return Err(Gone);
                }
            }
        }
    }
    Ok(match within(timeout, body.trailers.into_future()).await {
        Some(Ok(_)) => format!("{status}; {passed} bytes"),
        Some(Err(code)) => format!("{status}; broke off after {passed} bytes: {}", failure(&code)),
        None => format!("{status}; no end within {timeout} ms after {passed} bytes"),
    })
}

/// What a future gives, unless it takes longer.
async fn within<T>(milliseconds: u64, future: impl Future<Output = T>) -> Option<T> {
    let time = pin!(monotonic_clock::wait_for(nanoseconds(milliseconds)));
    match select(pin!(future), time).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

fn nanoseconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_mul(1_000_000)
}

/// An error as a trailer can say it.
fn failure(code: &ErrorCode) -> String {
    let text = format!("{code:?}");
    text.chars()
        .map(|c| if c.is_ascii_graphic() { c } else { ' ' })
        .collect()
}
