//! What the tests share: a server for the time of a test, and clients that talk to it byte by byte.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;

use http_service_runner::{Limits, Served, Server};

/// Runs a test against a server, which it has stopped in the end. The test blocks its own thread only.
#[track_caller]
pub(crate) fn serve(components: &[&PathBuf], limits: Limits, test: impl FnOnce(Peer) + Send + 'static) -> Served {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let served = runtime.expect("there are threads").block_on(async {
        let server = Server::start(components, ([127, 0, 0, 1], 0).into(), limits).await?;
        let address = server.address();
        let tested = tokio::task::spawn_blocking(move || test(Peer(address))).await;
        let served = server.stop().await?;
        anyhow::Ok((tested, served))
    });
    let (tested, served) = served.unwrap_or_else(|error| panic!("{error:#}"));
    if let Err(failed) = tested {
        std::panic::resume_unwind(failed.into_panic());
    }
    served
}

/// Whom the tests talk to, byte by byte.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) std::net::SocketAddr);

impl Peer {
    pub(crate) fn connect(self) -> TcpStream {
        TcpStream::connect(self.0).expect("the server listens")
    }

    /// Sends bytes and gets everything that comes until the connection is closed.
    pub(crate) fn exchange(self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(request).expect("the server reads");
        let mut came = Vec::new();
        stream.read_to_end(&mut came).expect("the server closes");
        came
    }

    /// The same with a request for a path that wants the connection closed, as the status, the headers and the body.
    pub(crate) fn ask(self, method: &str, path: &str, rest: &str) -> (u16, String, Vec<u8>) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{rest}",
            self.0
        );
        split(&self.exchange(head.as_bytes()))
    }
}

#[track_caller]
pub(crate) fn split(answer: &[u8]) -> (u16, String, Vec<u8>) {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let head = head.unwrap_or_else(|| panic!("no response: {:?}", String::from_utf8_lossy(answer)));
    let text = String::from_utf8_lossy(&answer[..head]).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("there is a status"), text, answer[head..].to_vec())
}
