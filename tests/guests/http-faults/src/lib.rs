//! A guest that answers HTTP requests badly: each path is a way to fail, and every other path is answered.

use std::future::pending;

use wasi::http::types::{ErrorCode, Fields, Request, Response};

witflow::generate!({ path: "../../../examples/http-service/wit", world: "http-service" });
witflow::heap!();

struct HttpFaults;
export!(HttpFaults);

/// What is sent of a body before it fails.
const BEGUN: &[u8] = b"it begins";

impl exports::wasi::http::handler::Guest for HttpFaults {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        match request.get_path_with_query().unwrap_or_default().as_str() {
            "/panic" => panic!("no answer to this"),
            "/panic-after-waiting" => {
                wasi::clocks::monotonic_clock::wait_for(1).await;
                panic!("no answer after a while");
            }
            "/greedy" => {
                let all = vec![1_u8; 1 << 30];
                Ok(respond(&[], all.len().to_string().into_bytes(), After::Ends))
            }
            "/silent" => pending().await,
            "/error" => Err(ErrorCode::InternalError(Some("on purpose".to_owned()))),
            "/body-panics" => Ok(respond(&[], BEGUN.to_vec(), After::Panics)),
            "/long-body-panics" => {
                let length = ("content-length".to_owned(), b"1000".to_vec());
                Ok(respond(&[length], BEGUN.to_vec(), After::Panics))
            }
            "/body-stalls" => Ok(respond(&[], BEGUN.to_vec(), After::Stalls)),
            "/short-body" => {
                let length = ("content-length".to_owned(), b"1000".to_vec());
                Ok(respond(&[length], BEGUN.to_vec(), After::Ends))
            }
            _ => Ok(respond(&[], b"fine".to_vec(), After::Ends)),
        }
    }
}

/// What comes after what was sent of a body.
enum After {
    Ends,
    Panics,
    Stalls,
}

fn respond(headers: &[(String, Vec<u8>)], bytes: Vec<u8>, after: After) -> Response {
    let (mut writer, body) = wit_stream::new();
    witflow::spawn(async move {
        writer.write_all(bytes).await;
        match after {
            After::Ends => {}
            After::Panics => panic!("no more of this body"),
            After::Stalls => pending().await,
        }
    });
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let headers = Fields::from_list(headers).expect("these headers are valid");
    let (response, _arrived) = Response::new(headers, Some(body), no_trailers);
    response
}
