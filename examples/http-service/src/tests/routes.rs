//! Every route but the one that asks others, with good and bad requests.

use example_support::http::{ErrorCode, Incoming, Method, Outgoing};
use witflow_host::Result;

use super::World;

/// Sends a request and checks the answer.
#[track_caller]
fn check(method: Method, path: &str, request: Outgoing, status: u16, body: &str) -> Incoming {
    let mut came = None;
    World::alone(async |world| {
        came = Some(world.send(method, path, request).await?);
        Ok(())
    });
    let came = came.expect("the test has run");
    assert_eq!((came.status, came.text()), (status, body), "{path}");
    assert_eq!(came.finish, Ok(None));
    if let Some(len) = came.header("content-length") {
        assert_eq!(len, came.body.len().to_string());
    }
    came
}

fn get(path: &str, status: u16, body: &str) -> Incoming {
    check(Method::Get, path, Outgoing::empty(), status, body)
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

#[test]
fn what_needs_no_body() {
    let index = get("/", 200, crate::INDEX);
    assert_eq!(index.header("content-type"), Some("text/plain; charset=utf-8"));
    let hello = get("/hello/Zo%C3%AB%22", 200, "{\"hello\":\"Zoë\\\"\"}\n");
    assert_eq!(hello.header("content-type"), Some("application/json"));
    get("/nowhere", 404, "{\"error\":\"there is nothing at this path\"}\n");
    get("/bytes/x", 400, "{\"error\":\"`x` is no number of bytes\"}\n");
    let wrong = check(
        Method::Delete,
        "/echo",
        Outgoing::empty(),
        405,
        "{\"error\":\"the method for this is POST\"}\n",
    );
    assert_eq!(wrong.header("allow"), Some("POST"));
}

#[test]
fn bytes_are_made_when_they_are_read() {
    World::alone(async |world| {
        for len in [0, 1, 250, 32 * 1024, 32 * 1024 + 1, 1 << 20] {
            let came = world
                .send(Method::Get, &format!("/bytes/{len}"), Outgoing::empty())
                .await?;
            assert_eq!(came.status, 200);
            assert_eq!(came.header("content-length"), Some(len.to_string().as_str()));
            assert!(came.body == pattern(len), "{len} bytes");
        }
        Ok(())
    });
}

#[test]
fn a_client_that_goes_away_ends_a_body_without_end() {
    World::alone(async |world| {
        let mut answer = world.begin(Method::Get, "/bytes/1073741824", Outgoing::empty()).await?;
        assert!(
            answer
                .bytes
                .read(10_000)
                .await
                .is_some_and(|piece| piece == pattern(piece.len()))
        );
        drop(answer);
        // `World::run` fails if anything of it is left.
        Ok(())
    });
}

#[test]
fn an_echo_has_the_body_and_the_trailers() {
    World::alone(async |world| {
        let several: [&[u8]; 4] = [b"one", b"", b"two", &[7; 100_000]];
        for pieces in [&several[..], &several[..1], &[]] {
            let request = Outgoing::pieces(pieces)
                .header("content-type", "image/png")
                .header("x-other", "1")
                .trailer("sum", "12");
            let came = world.send(Method::Post, "/echo", request).await?;
            assert_eq!(came.status, 200);
            assert_eq!(
                (came.header("content-type"), came.header("x-other")),
                (Some("image/png"), None)
            );
            assert_eq!(came.body, pieces.concat());
            assert_eq!(came.finish, Ok(Some(vec![("sum".to_owned(), b"12".to_vec())])));
        }
        Ok(())
    });
}

#[test]
fn a_body_is_changed_while_it_comes() {
    World::alone(async |world| {
        let (mut typed, bytes) = witflow_host::stream();
        let request = Outgoing::empty().trailer("sum", "1").streamed(bytes);
        let mut answer = world.begin(Method::Post, "/upper", request).await?;
        for (said, heard) in [("one ", "ONE "), ("tw\u{f6} ", "TW\u{f6} "), ("3", "3")] {
            typed.write(said.as_bytes().to_vec()).await.expect("the service reads");
            let mut piece = Vec::new();
            while piece.len() < heard.len() {
                piece.extend(answer.bytes.read(100).await.expect("the answer goes on"));
            }
            assert_eq!(piece, heard.as_bytes());
        }
        drop(typed);
        let rest = answer.whole().await;
        assert_eq!(
            (rest.body.as_slice(), rest.finish),
            (&b""[..], Ok(Some(vec![("sum".to_owned(), b"1".to_vec())])))
        );
        Ok(())
    });
}

#[test]
fn bodies_are_counted() {
    let post = |pieces: &[&[u8]]| (Method::Post, "/count", Outgoing::pieces(pieces));
    let (method, path, body) = post(&[b"foo", b"bar"]);
    check(
        method,
        path,
        body,
        200,
        "{\"bytes\":6,\"checksum\":\"85944171f73967e8\"}\n",
    );
    let (method, path, body) = post(&[]);
    check(
        method,
        path,
        body,
        200,
        "{\"bytes\":0,\"checksum\":\"cbf29ce484222325\"}\n",
    );
}

#[test]
fn words_are_counted_in_json() {
    let post = |body: &str| Outgoing::pieces(&[body.as_bytes()]);
    let words = |body, status, answer: &str| check(Method::Post, "/words", post(body), status, answer);
    words(r#"{"text": " a few\nwords "}"#, 200, "{\"words\":3}\n");
    words(r#"{"text": ""}"#, 200, "{\"words\":0}\n");
    let unexpected = "{\"error\":\"a JSON object with a string `text` is expected\"}\n";
    words("[]", 422, unexpected);
    words(r#"{"text": 1}"#, 422, unexpected);
    words(
        "{\"text\": ",
        400,
        "{\"error\":\"this is no JSON: EOF while parsing a value at line 1 column 9\"}\n",
    );
    words(
        "",
        400,
        "{\"error\":\"this is no JSON: EOF while parsing a value at line 1 column 0\"}\n",
    );
    let deep = "[".repeat(1000);
    words(
        &deep,
        400,
        "{\"error\":\"this is no JSON: recursion limit exceeded at line 1 column 128\"}\n",
    );
}

#[test]
fn too_large_a_body_is_refused() {
    let refused = "{\"error\":\"no more than 65536 bytes are taken\"}\n";
    let said = Outgoing::empty().header("content-length", "65537");
    check(Method::Post, "/words", said, 413, refused);
    let space = [b' '; 65_537];
    let unsaid = Outgoing::pieces(&[&space[..30_000], &space[30_000..]]);
    check(Method::Post, "/words", unsaid, 413, refused);
    let largest = format!("{{\"text\":\"{}\"}}", "x".repeat(65_536 - 11));
    assert_eq!(largest.len(), 65_536);
    check(
        Method::Post,
        "/words",
        Outgoing::pieces(&[largest.as_bytes()]),
        200,
        "{\"words\":1}\n",
    );
}

/// What a client that vanishes leaves: a piece, and no end.
fn vanished() -> Outgoing {
    Outgoing::pieces(&[b"{\"text\": \"and th"]).broken(ErrorCode::ConnectionTerminated)
}

#[test]
fn a_client_that_vanishes_is_told_so_or_its_answer_breaks_off() {
    let broke_off = "{\"error\":\"the body broke off: ConnectionTerminated\"}\n";
    check(Method::Post, "/words", vanished(), 400, broke_off);
    check(Method::Post, "/count", vanished(), 400, broke_off);
    World::alone(async |world| -> Result<()> {
        for path in ["/echo", "/upper"] {
            let came = world.send(Method::Post, path, vanished()).await?;
            assert_eq!(came.text().to_ascii_lowercase(), "{\"text\": \"and th");
            assert_eq!(came.finish, Err(ErrorCode::ConnectionTerminated));
        }
        Ok(())
    });
}

#[test]
fn many_requests_at_a_time_do_not_meet() {
    World::alone(async |world| {
        let send = async |index: usize| {
            let body = vec![index as u8; index * 100];
            let came = match index % 3 {
                0 => world.send(Method::Post, "/echo", Outgoing::pieces(&[&body])).await?,
                1 => world.send(Method::Post, "/upper", Outgoing::pieces(&[&body])).await?,
                _ => {
                    world
                        .send(Method::Get, &format!("/bytes/{index}"), Outgoing::empty())
                        .await?
                }
            };
            match index % 3 {
                0 => assert!(came.body == body),
                1 => assert!(came.body == body.to_ascii_uppercase()),
                _ => assert!(came.body == pattern(index)),
            }
            Ok(())
        };
        futures::future::try_join_all((0..200).map(send)).await.map(|_| ())
    });
}
