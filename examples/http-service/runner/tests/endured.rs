//! What the server endures: guests that trap, want too much or never end, and clients that take their time.

mod support;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use http_service_runner::{Limits, Served};
use support::{Peer, serve, split};

static FAULTS: LazyLock<PathBuf> = LazyLock::new(|| example_support::component("http-faults"));
static SERVICE: LazyLock<PathBuf> = LazyLock::new(|| example_support::component("http-service"));

/// So short that a test can wait for it, and long enough for what has to go well in it.
const SHORT: Duration = Duration::from_secs(1);

/// What a server has said. Each test has its own.
struct Log(Mutex<Vec<String>>);

impl Log {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn say(&self, what: &str) {
        self.lines().push(what.to_owned());
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn has(&self, begin: &str, part: &str) {
        let lines = self.lines();
        let found = lines.iter().any(|line| line.starts_with(begin) && line.contains(part));
        assert!(found, "nothing begins with {begin:?} and has {part:?}: {lines:#?}");
    }
}

fn limits(log: fn(&str)) -> Limits {
    Limits {
        log,
        ..Limits::default()
    }
}

#[track_caller]
fn is_fine(peer: Peer) {
    let (status, _, body) = peer.ask("GET", "/", "\r\n");
    assert_eq!((status, body.ends_with(b"4\r\nfine\r\n0\r\n\r\n")), (200, true));
}

#[test]
fn a_guest_that_traps_before_its_response_is_a_500() {
    static LOG: Log = Log::new();
    let served = serve(&[&FAULTS], limits(|what| LOG.say(what)), |peer| {
        is_fine(peer);
        for path in ["/panic", "/panic-after-waiting"] {
            let (status, _, body) = peer.ask("GET", path, "\r\n");
            assert_eq!((status, body), (500, Vec::new()), "{path}");
            // By a new instance.
            is_fine(peer);
        }
    });
    assert_eq!((served.requests, served.failed, served.ended), (5, 2, 2));
    assert_eq!(served.instances, 3);
    LOG.has("http_faults.wasm: an instance has ended: ", "`unreachable` instruction");
    LOG.has("http_faults.wasm: GET /panic: ", "trapped");
    LOG.has("http_faults.wasm: GET /panic-after-waiting: ", "trapped");
}

#[test]
fn a_connection_goes_on_after_a_500() {
    serve(&[&FAULTS], limits(|_| ()), |peer| {
        let mut stream = peer.connect();
        let host = "HTTP/1.1\r\nhost: x\r\n";
        write!(stream, "GET /panic {host}\r\n").expect("the server reads");
        let mut came = Vec::new();
        while !came.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("it answers");
            came.extend(byte);
        }
        assert_eq!(split(&came).0, 500);
        write!(stream, "GET / {host}connection: close\r\n\r\n").expect("the server reads");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the server closes");
        assert_eq!(split(&rest).0, 200);
    });
}

/// Gets what cannot be had as a whole: nothing, or a part that does not look like the whole.
#[track_caller]
fn breaks_off(peer: Peer, path: &str, framing: &str, part: &[u8]) {
    let came = peer.exchange(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
    if came.is_empty() {
        return;
    }
    let (status, head, body) = split(&came);
    assert_eq!(status, 200, "{path}");
    assert!(head.contains(framing), "{path}: {head}");
    assert!(part.starts_with(&body), "{path}: {:?}", String::from_utf8_lossy(&body));
}

#[test]
fn a_guest_that_traps_in_its_response_breaks_that_off() {
    static LOG: Log = Log::new();
    let served = serve(&[&FAULTS], limits(|what| LOG.say(what)), |peer| {
        for _ in 0..10 {
            // Without the chunk that ends a body.
            breaks_off(
                peer,
                "/body-panics",
                "transfer-encoding: chunked",
                b"9\r\nit begins\r\n",
            );
            is_fine(peer);
            breaks_off(peer, "/long-body-panics", "content-length: 1000", b"it begins");
            is_fine(peer);
        }
    });
    assert_eq!((served.requests, served.failed, served.ended), (40, 0, 20));
    assert_eq!(served.broken, 20);
    LOG.has("http_faults.wasm: an instance has ended: ", "`unreachable` instruction");
    LOG.has("http_faults.wasm: connection: ", "incomplete HTTP response");
}

#[test]
fn a_body_that_is_shorter_than_it_said_is_broken_off() {
    let served = serve(&[&FAULTS], limits(|_| ()), |peer| {
        breaks_off(peer, "/short-body", "content-length: 1000", b"it begins");
        is_fine(peer);
    });
    // The guest did nothing that ends it.
    assert_eq!((served.instances, served.ended), (1, 0));
}

#[test]
fn an_error_of_the_guest_is_a_500_and_no_trap() {
    static LOG: Log = Log::new();
    let served = serve(&[&FAULTS], limits(|what| LOG.say(what)), |peer| {
        assert_eq!(peer.ask("GET", "/error", "\r\n").0, 500);
        is_fine(peer);
    });
    assert_eq!((served.failed, served.instances, served.ended), (1, 1, 0));
    LOG.has("http_faults.wasm: GET /error: ", "on purpose");
}

#[test]
fn memory_has_a_limit() {
    static LOG: Log = Log::new();
    let served = serve(&[&FAULTS], limits(|what| LOG.say(what)), |peer| {
        assert_eq!(peer.ask("GET", "/greedy", "\r\n").0, 500);
        is_fine(peer);
    });
    assert_eq!((served.failed, served.ended), (1, 1));
    assert!(served.memory <= Limits::default().memory);
    LOG.has(
        "http_faults.wasm: an instance has ended, after more memory than 268435456 bytes was refused: ",
        "",
    );
}

#[test]
fn a_guest_that_never_answers_is_given_up() {
    static LOG: Log = Log::new();
    let limits = Limits {
        timeout: SHORT,
        ..limits(|what| LOG.say(what))
    };
    let served = serve(&[&FAULTS], limits, |peer| {
        assert_eq!(peer.ask("GET", "/silent", "\r\n").0, 500);
        is_fine(peer);
    });
    assert_eq!((served.failed, served.instances, served.ended), (1, 2, 1));
    LOG.has("http_faults.wasm: GET /silent: guest timed out", "");
}

#[test]
fn a_body_without_an_end_does_not_keep_the_server() {
    let limits = Limits {
        timeout: SHORT,
        ..limits(|_| ())
    };
    let served: Served = serve(&[&FAULTS], limits, |peer| {
        let mut stream = peer.connect();
        write!(stream, "GET /body-stalls HTTP/1.1\r\nhost: x\r\n\r\n").expect("the server reads");
        let mut came = Vec::new();
        while !came.ends_with(b"it begins\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("it answers");
            came.extend(byte);
        }
        // It stays open while the server stops.
        std::mem::forget(stream);
    });
    assert_eq!((served.requests, served.failed, served.ended), (1, 0, 1));
}

#[test]
fn heads_that_take_too_long_are_not_waited_for() {
    static LOG: Log = Log::new();
    let limits = Limits {
        head: SHORT,
        ..limits(|what| LOG.say(what))
    };
    let served = serve(&[&FAULTS], limits, |peer| {
        let slow: Vec<_> = ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\nx: "]
            .into_iter()
            .map(|begun| {
                let mut stream = peer.connect();
                stream.write_all(begun.as_bytes()).expect("the server reads");
                stream
            })
            .collect();
        is_fine(peer);
        for mut stream in slow {
            let mut came = Vec::new();
            stream.read_to_end(&mut came).expect("the server closes");
            assert!(came.is_empty(), "{:?}", String::from_utf8_lossy(&came));
        }
    });
    assert_eq!((served.requests, served.broken), (1, 3));
    LOG.has("http_faults.wasm: connection: ", "read header from client timeout");
}

#[test]
fn bodies_that_take_too_long_break_off() {
    let limits = Limits {
        pause: SHORT,
        ..limits(|_| ())
    };
    let served = serve(&[&SERVICE], limits, |peer| {
        let said = "content-length: 100\r\n\r\nsome";
        let (status, _, body) = peer.ask("POST", "/count", said);
        assert_eq!(status, 400);
        assert_eq!(body, b"{\"error\":\"the body broke off: ConnectionReadTimeout\"}\n");
        // The response has begun, so all that is left is not to end it.
        let (status, _, body) = peer.ask("POST", "/upper", said);
        assert_eq!((status, body.as_slice()), (200, &b"SOME"[..]));
    });
    assert_eq!((served.requests, served.failed, served.ended), (2, 0, 0));
}

#[test]
fn clients_that_read_nothing_are_not_waited_for() {
    static LOG: Log = Log::new();
    let limits = Limits {
        pause: SHORT,
        ..limits(|what| LOG.say(what))
    };
    let served = serve(&[&SERVICE], limits, |peer| {
        let mut stream = peer.connect();
        write!(stream, "GET /bytes/1073741824 HTTP/1.1\r\nhost: x\r\n\r\n").expect("the server reads");
        stream.read_exact(&mut [0; 100]).expect("it answers");
        // It stays open while the server stops.
        std::mem::forget(stream);
    });
    assert_eq!((served.requests, served.broken, served.ended), (1, 1, 0));
    LOG.has("http_service.wasm: connection: ", "timed out");
}

#[test]
fn requests_wait_for_an_instance_when_there_may_be_no_more() {
    let limits = Limits {
        instances: 1,
        concurrent: 2,
        ..limits(|_| ())
    };
    let served = serve(&[&FAULTS], limits, |peer| {
        let clients: Vec<_> = (0..32).map(|_| std::thread::spawn(move || is_fine(peer))).collect();
        for client in clients {
            client.join().expect("it was answered");
        }
    });
    assert_eq!((served.requests, served.failed, served.instances), (32, 0, 1));
}

#[test]
fn a_trap_takes_the_other_requests_of_its_instance_along() {
    let limits = Limits {
        instances: 1,
        ..limits(|_| ())
    };
    let served = serve(&[&FAULTS], limits, |peer| {
        let mut begun = peer.connect();
        write!(begun, "GET /body-stalls HTTP/1.1\r\nhost: x\r\n\r\n").expect("the server reads");
        let mut came = Vec::new();
        while !came.ends_with(b"it begins\r\n") {
            let mut byte = [0];
            begun.read_exact(&mut byte).expect("it answers");
            came.extend(byte);
        }
        assert_eq!(peer.ask("GET", "/panic", "\r\n").0, 500);
        let mut rest = Vec::new();
        begun.read_to_end(&mut rest).expect("the server closes");
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
        is_fine(peer);
    });
    assert_eq!((served.requests, served.failed, served.ended), (3, 1, 1));
    assert_eq!((served.instances, served.broken), (2, 1));
}
