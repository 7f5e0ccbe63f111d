//! Serves the components over loopback: what clients get from them, from each other's faults, and at the end.

mod support;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::LazyLock;

use http_service_runner::{Limits, Served};
use support::{Peer, split};

static SERVICE: LazyLock<PathBuf> = LazyLock::new(|| example_support::component("http-service"));
static MIDDLEWARE: LazyLock<PathBuf> = LazyLock::new(|| example_support::component("middleware"));

/// Runs a test against a server that answers every request.
#[track_caller]
fn serve(components: &[&PathBuf], test: impl FnOnce(Peer) + Send + 'static) -> Served {
    let served = support::serve(components, Limits::default(), test);
    assert_eq!(served.failed, 0, "requests without an answer");
    assert_eq!(served.ended, 0, "instances that did not end by themselves");
    served
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

#[test]
fn every_route_answers() {
    let served = serve(&[&SERVICE], |peer| {
        let json = |path: &str| String::from_utf8(peer.ask("GET", path, "\r\n").2).unwrap();
        assert!(json("/").starts_with("GET  /"));
        assert_eq!(json("/hello/Ada"), "{\"hello\":\"Ada\"}\n");
        assert_eq!(peer.ask("GET", "/nowhere", "\r\n").0, 404);
        assert_eq!(peer.ask("PUT", "/echo", "\r\n").0, 405);
        for len in [0, 1, 100_000, 1 << 20] {
            let (status, _, body) = peer.ask("GET", &format!("/bytes/{len}"), "\r\n");
            assert!(status == 200 && body == pattern(len), "{len} bytes");
        }
        let words = peer.ask("POST", "/words", "content-length: 15\r\n\r\n{\"text\": \"a b\"}");
        assert_eq!((words.0, words.2.as_slice()), (200, &b"{\"words\":2}\n"[..]));
        let count = peer.ask(
            "POST",
            "/count",
            "transfer-encoding: chunked\r\n\r\n3\r\nfoo\r\n3\r\nbar\r\n0\r\n\r\n",
        );
        assert_eq!(count.2, b"{\"bytes\":6,\"checksum\":\"85944171f73967e8\"}\n");
    });
    assert_eq!((served.requests, served.broken), (10, 0));
}

#[test]
fn bodies_and_trailers_go_both_ways_while_they_come() {
    serve(&[&SERVICE], |peer| {
        let mut stream = peer.connect();
        let head = "POST /upper HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: close\r\n";
        let body = "trailer: sum\r\ntransfer-encoding: chunked\r\n\r\n4\r\none \r\n";
        write!(stream, "{head}{body}").expect("the server reads");
        let mut came = Vec::new();
        while !came.ends_with(b"4\r\nONE \r\n") {
            let mut piece = [0; 1000];
            let len = stream.read(&mut piece).expect("the server answers");
            assert_ne!(len, 0, "the answer ends: {:?}", String::from_utf8_lossy(&came));
            came.extend(&piece[..len]);
        }
        write!(stream, "3\r\ntwo\r\n0\r\nsum: 7\r\n\r\n").expect("the server reads");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the server closes");
        assert_eq!(String::from_utf8_lossy(&rest), "3\r\nTWO\r\n0\r\nsum: 7\r\n\r\n");
        assert_eq!(split(&came).0, 200);
    });
}

#[test]
fn upstreams_are_asked_at_once_and_said_to_have_failed() {
    serve(&[&SERVICE], |peer| {
        let host = peer.0;
        // An upstream that breaks off, and one that says nothing.
        let faulty = std::net::TcpListener::bind("127.0.0.1:0").expect("there are ports");
        let at = faulty.local_addr().expect("it is bound");
        let path = format!(
            "/fan-out?timeout=300&to=http://{host}/bytes/300000&to=http://{at}/breaks&to=http://{at}/silent&to=http://{host}/hello/a"
        );
        let upstream = std::thread::spawn(move || {
            let mut silent = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = faulty.accept().expect("the service asks");
                let mut asked = [0; 1000];
                let len = stream.read(&mut asked).expect("it asks in one piece");
                if asked[..len].starts_with(b"GET /breaks") {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nsome")
                        .expect("it reads");
                } else {
                    silent.push(stream);
                }
            }
            // It is closed when the service gives it up.
            let ended = silent[0].read(&mut [0]);
            assert!(matches!(ended, Ok(0)) || ended.is_err(), "{ended:?}");
        });
        let (status, _, body) = peer.ask("GET", &path, "te: trailers\r\n\r\n");
        assert_eq!(status, 200);
        let text = String::from_utf8_lossy(&body);
        let trailers = text.rsplit_once("\r\n0\r\n").expect("it is in chunks").1;
        let lines: Vec<_> = trailers.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines[0], "upstream-0: 200; 300000 bytes");
        assert!(
            lines[1].starts_with("upstream-1: 200; broke off after 4 bytes: "),
            "{}",
            lines[1]
        );
        assert_eq!(
            &lines[2..],
            ["upstream-2: no answer within 300 ms", "upstream-3: 200; 14 bytes"]
        );
        upstream.join().expect("it saw what it should");
    });
}

#[test]
fn malformed_and_oversized_requests_are_refused() {
    serve(&[&SERVICE], |peer| {
        for bad in [
            "nonsense\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
            "GET /a\0b HTTP/1.1\r\nhost: x\r\n\r\n",
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n",
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
            "POST /count HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n",
            "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
        ] {
            let (status, ..) = split(&peer.exchange(bad.as_bytes()));
            assert_eq!(status, 400, "{bad:?}");
        }
        let large = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(500_000));
        let mut stream = peer.connect();
        // The server may close before it has read all of it, and what it said may be lost then.
        let _ = stream.write_all(large.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || split(&answer).0 == 431);

        assert_eq!(peer.ask("POST", "/words", "content-length: 65537\r\n\r\n").0, 413);
        let chunk = format!("11000\r\n{}\r\n0\r\n\r\n", " ".repeat(0x11000));
        assert_eq!(
            peer.ask("POST", "/words", &format!("transfer-encoding: chunked\r\n\r\n{chunk}"))
                .0,
            413
        );
        assert_eq!(peer.ask("POST", "/words", "content-length: 4\r\n\r\n{\"a\"").0, 400);
        // After all that it is as good as new.
        assert_eq!(peer.ask("GET", "/hello/a", "\r\n").0, 200);
    });
}

#[test]
fn clients_that_vanish_leave_nothing_behind() {
    let served = serve(&[&SERVICE], |peer| {
        for _ in 0..20 {
            // In the middle of a response, of a request, and of both.
            let mut stream = peer.connect();
            write!(stream, "GET /bytes/1073741824 HTTP/1.1\r\nhost: x\r\n\r\n").expect("the server reads");
            stream.read_exact(&mut [0; 100_000]).expect("it answers");
            drop(stream);
            let mut stream = peer.connect();
            write!(
                stream,
                "POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nsome"
            )
            .expect("the server reads");
            drop(stream);
            let mut stream = peer.connect();
            write!(
                stream,
                "POST /upper HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nsome"
            )
            .expect("the server reads");
            stream.read_exact(&mut [0; 20]).expect("it answers");
            drop(stream);
        }
        assert_eq!(peer.ask("GET", "/hello/a", "\r\n").0, 200);
    });
    // Stopping waits for what goes on in guests, so nothing does any more.
    assert_eq!(served.requests, 61);
}

#[test]
fn middleware_in_front_compresses() {
    serve(&[&MIDDLEWARE, &SERVICE], |peer| {
        let (status, head, body) = peer.ask("GET", "/bytes/1000000", "accept-encoding: gzip\r\n\r\n");
        assert_eq!(status, 200);
        assert!(
            head.contains("content-encoding: gzip") && !head.contains("content-length"),
            "{head}"
        );
        assert!(body.len() < 20_000, "{} bytes", body.len());
        let mut plain = Vec::new();
        let read = flate2::read::GzDecoder::new(&*chunks(&body)).read_to_end(&mut plain);
        assert!(read.is_ok() && plain == pattern(1_000_000), "{read:?}");

        let (_, head, body) = peer.ask("GET", "/bytes/100000", "\r\n");
        assert!(
            head.contains("vary: accept-encoding") && !head.contains("content-encoding"),
            "{head}"
        );
        assert!(body == pattern(100_000));
    });
}

/// What a body in chunks consists of.
fn chunks(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body
            .windows(2)
            .position(|two| two == b"\r\n")
            .expect("a size comes first");
        let size = std::str::from_utf8(&body[..end])
            .ok()
            .and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("sizes are hexadecimal");
        if size == 0 {
            return whole;
        }
        whole.extend(&body[end + 2..][..size]);
        body = &body[end + 2 + size + 2..];
    }
}
