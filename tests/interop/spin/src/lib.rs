//! An HTTP service by spin-sdk, which exports by wit-bindgen 0.57, with our runtime beside it:
//!
//! * `POST /upper`: the body in capitals, while it comes. Nothing of ours is in that.
//! * `GET /await`: calls through ours, by themselves and while one through theirs is pending.
//! * `GET /spawn-theirs`: theirs spawns what awaits ours, and that wakes the export.
//! * `GET /spawn-ours`: ours refuses.

use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::join;
use http_body_util::BodyExt;
use spin_sdk::http::{BoxBody, Error, FullBody, Request, Response, box_body};
use spin_sdk::http_service;
use spin_sdk::wasip3;
use wasi::clocks::monotonic_clock::wait_for as wait_ours;
use wasip3::clocks::monotonic_clock::wait_for as wait_theirs;

witflow::generate!({
    path: "../../wit-wasi",
    inline: "package local:mixed; world imports { import wasi:clocks/monotonic-clock@0.3.2; }",
});

const MILLISECOND: u64 = 1_000_000;

#[http_service]
async fn serve(request: Request) -> Result<Response<BoxBody>, Error> {
    match request.uri().path() {
        "/upper" => return Ok(upper(request)),
        "/await" => {
            wait_ours(MILLISECOND).await;
            join(wait_ours(2 * MILLISECOND), wait_theirs(MILLISECOND)).await;
            join(wait_ours(MILLISECOND), wait_theirs(2 * MILLISECOND)).await;
        }
        "/spawn-theirs" => {
            let (sender, receiver) = oneshot::channel();
            wasip3::spawn(async move {
                wait_ours(MILLISECOND).await;
                // Nobody can have gone.
                let _ = sender.send(());
            });
            receiver.await.expect("the spawned future sends");
        }
        "/spawn-ours" => {
            witflow::spawn(wait_ours(MILLISECOND)).await;
        }
        path => return Err(Error::other(format!("there is nothing at {path}"))),
    }
    Ok(Response::new(box_body(FullBody::new(Bytes::from("done")))))
}

fn upper(request: Request) -> Response<BoxBody> {
    let (head, body) = request.into_parts();
    let capitals = |bytes: Bytes| Bytes::from(bytes.to_ascii_uppercase());
    let mut response = Response::new(box_body(body.map_frame(move |frame| frame.map_data(capitals))));
    if let Some(kind) = head.headers.get("content-type") {
        response.headers_mut().insert("content-type", kind.clone());
    }
    response
}
