//! Runs the middleware in this process, before a handler of the tests and before another guest.

use std::io::Read as _;

use example_support::http::{self, Clock, Entries, ErrorCode, Incoming, Method, Outgoing};
use flate2::read::GzDecoder;
use http_service::HttpService;
use witflow_host::{Component, Cx, Engine, Instance, Linker, Result, Store, block_on};

use crate::Middleware;

/// The interface that is imported and exported.
const HANDLER: &str = "wasi:http/handler@0.3.2";

/// Runs a test against the middleware, before what the linker has for its import.
#[track_caller]
fn run(
    next: impl AsyncFnOnce(&mut Linker, &mut Store) -> Result<()>,
    test: impl AsyncFnOnce(&Cx, &Instance) -> Result<()>,
) {
    let ended: Result<()> = block_on(async {
        let mut store = Store::new(&Engine::native());
        let mut linker = Linker::new();
        linker.allow_missing();
        http::define(&mut linker)?;
        next(&mut linker, &mut store).await?;
        let component = Component::native::<Middleware>("middleware")?;
        let guest = linker.instantiate(&mut store, &component).await?;
        store.run_concurrent(async |cx| test(&cx, &guest).await).await?;
        store.finish().await
    });
    ended.unwrap_or_else(|error| panic!("{error:#}"));
}

/// Runs a test before a handler that answers with what `answer` makes of the path.
#[track_caller]
fn before<A>(answer: A, test: impl AsyncFnOnce(&Cx, &Instance) -> Result<()>)
where
    A: Fn(&str) -> std::result::Result<(u16, Outgoing), ErrorCode> + Send + Sync + Copy + 'static,
{
    let next = async |linker: &mut Linker, _: &mut Store| {
        http::upstream(linker, HANDLER, "handle", move |cx, request| {
            let path = request.path.lock().unwrap().clone().unwrap_or_default();
            Box::pin(async move { answer(&path).map(|(status, outgoing)| outgoing.response(&cx, status)) })
        })
    };
    run(next, test);
}

/// Runs a test before the service of the other example.
#[track_caller]
fn before_service(test: impl AsyncFnOnce(&Cx, &Instance) -> Result<()>) {
    let next = async |linker: &mut Linker, store: &mut Store| {
        let mut for_service = Linker::new();
        for_service.allow_missing();
        http::define(&mut for_service)?;
        Clock::default().define(&mut for_service)?;
        let component = Component::native::<HttpService>("http-service")?;
        let service = for_service.instantiate(store, &component).await?;
        linker.link(HANDLER, &service)?;
        Ok(())
    };
    run(next, test);
}

/// A request that takes gzip.
fn taking(pieces: &[&[u8]]) -> Outgoing {
    Outgoing::pieces(pieces).header("accept-encoding", "gzip")
}

async fn send(cx: &Cx, guest: &Instance, method: Method, path: &str, request: Outgoing) -> Result<Incoming> {
    let answered = http::handle(cx, guest, method, path, request).await?;
    Ok(answered.expect("there is an answer").whole().await)
}

/// What was compressed.
#[track_caller]
fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).expect("it is complete");
    plain
}

fn text(pieces: &[&[u8]]) -> Outgoing {
    Outgoing::pieces(pieces).header("content-type", "text/plain")
}

#[test]
fn text_is_compressed_and_has_its_trailers() {
    let long = |_: &str| {
        let body = "all work and no play ".repeat(5000);
        let answer = text(&[body.as_bytes(), b"", b"makes Jack"]);
        Ok((201, answer.header("content-length", "105010").trailer("sum", "1")))
    };
    before(long, async |cx, guest| {
        let came = send(cx, guest, Method::Get, "/", taking(&[])).await?;
        assert_eq!((came.status, came.header("content-encoding")), (201, Some("gzip")));
        assert_eq!(
            (came.header("content-length"), came.header("vary")),
            (None, Some("accept-encoding"))
        );
        assert!(came.body.len() < 2000, "{} bytes", came.body.len());
        assert_eq!(
            unzip(&came.body),
            [&b"all work and no play ".repeat(5000)[..], b"makes Jack"].concat()
        );
        assert_eq!(came.finish, Ok(Some(vec![("sum".to_owned(), b"1".to_vec())])));

        let plain = send(cx, guest, Method::Get, "/", Outgoing::empty()).await?;
        assert_eq!((plain.header("content-encoding"), plain.body.len()), (None, 105_010));
        assert_eq!(
            (plain.header("content-length"), plain.header("vary")),
            (Some("105010"), Some("accept-encoding"))
        );
        Ok(())
    });
}

#[test]
fn the_rest_is_left_alone() {
    let answer = |path: &str| {
        let body = Outgoing::pieces(&[b"abc"]);
        Ok(match path {
            "/image" => (200, body.header("content-type", "image/png")),
            "/brotli" => (200, text(&[b"abc"]).header("content-encoding", "br")),
            _ => (200, body),
        })
    };
    before(answer, async |cx, guest| {
        for path in ["/image", "/brotli", "/untyped"] {
            let came = send(cx, guest, Method::Get, path, taking(&[])).await?;
            assert_eq!((came.text(), came.header("vary")), ("abc", None), "{path}");
        }
        Ok(())
    });
}

#[test]
fn an_empty_body_is_compressed_to_one_that_is_valid() {
    before(
        |_| Ok((200, text(&[]))),
        async |cx, guest| {
            let came = send(cx, guest, Method::Get, "/", taking(&[])).await?;
            assert_eq!(unzip(&came.body), b"");
            Ok(())
        },
    );
}

#[test]
fn a_body_that_breaks_off_does_so_compressed() {
    let breaks = |_: &str| Ok((200, text(&[b"some"]).broken(ErrorCode::HttpResponseIncomplete)));
    before(breaks, async |cx, guest| {
        let came = send(cx, guest, Method::Get, "/", taking(&[])).await?;
        assert_eq!(came.finish, Err(ErrorCode::HttpResponseIncomplete));
        let mut plain = Vec::new();
        let read = GzDecoder::new(&*came.body).read_to_end(&mut plain);
        assert!(read.is_err() && plain == b"some", "a reader must notice: {read:?}");
        Ok(())
    });
}

#[test]
fn a_handler_that_fails_fails_here_too() {
    before(
        |_| Err(ErrorCode::ConnectionRefused),
        async |cx, guest| {
            let answered = http::handle(cx, guest, Method::Get, "/", taking(&[])).await?;
            assert_eq!(answered.err(), Some(ErrorCode::ConnectionRefused));
            Ok(())
        },
    );
}

#[test]
fn a_client_that_goes_away_ends_what_has_no_end() {
    before_service(async |cx, guest| {
        let (mut typed, bytes) = witflow_host::stream();
        let request = taking(&[]).header("content-type", "text/plain").streamed(bytes);
        let answered = http::handle(cx, guest, Method::Post, "/upper", request).await?;
        let mut message = answered.expect("there is an answer");
        typed.write(*b"some").await.expect("the service reads");
        assert!(message.bytes.read(100).await.is_some(), "what there is comes at once");
        drop(message);
        // Each of the two learns it from what it writes next, and then stops to read.
        while typed.write(*b"more").await.is_ok() {}
        // `run` fails if anything of it is left.
        Ok(())
    });
}

#[test]
fn before_a_service_everything_goes_on_as_it_comes() {
    before_service(async |cx, guest| {
        let (mut typed, bytes) = witflow_host::stream();
        let request = taking(&[])
            .header("content-type", "text/plain")
            .trailer("sum", "1")
            .streamed(bytes);
        let answered = http::handle(cx, guest, Method::Post, "/upper", request).await?;
        let mut message = answered.expect("there is an answer");
        let mut body = Vec::new();
        for (said, heard) in [("one ", "ONE "), ("two ", "ONE TWO ")] {
            typed.write(said.as_bytes().to_vec()).await.expect("the service reads");
            let mut plain = Vec::new();
            while plain.len() < heard.len() {
                body.extend(message.bytes.read(4096).await.expect("the answer goes on"));
                plain.clear();
                // It is not at its end yet, which the decoder says after what there is.
                let _ = GzDecoder::new(&*body).read_to_end(&mut plain);
            }
            assert_eq!(plain, heard.as_bytes());
        }
        drop(typed);
        let rest = message.whole().await;
        body.extend(rest.body);
        assert_eq!(unzip(&body), b"ONE TWO ");
        let sum: Entries = vec![("sum".to_owned(), b"1".to_vec())];
        assert_eq!(rest.finish, Ok(Some(sum)));
        Ok(())
    });
}

#[test]
fn a_large_body_of_a_service_arrives() {
    before_service(async |cx, guest| {
        let came = send(cx, guest, Method::Get, "/bytes/1000000", taking(&[])).await?;
        assert_eq!(came.header("content-encoding"), Some("gzip"));
        let plain = unzip(&came.body);
        assert!(
            plain.len() == 1_000_000
                && plain
                    .iter()
                    .enumerate()
                    .all(|(at, byte)| at % 251 == usize::from(*byte))
        );
        let refused = send(cx, guest, Method::Get, "/bytes/x", taking(&[])).await?;
        assert_eq!(refused.status, 400);
        assert_eq!(unzip(&refused.body), b"{\"error\":\"`x` is no number of bytes\"}\n");
        Ok(())
    });
}
