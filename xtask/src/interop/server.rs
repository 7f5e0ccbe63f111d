//! `wasmtime serve`, for as long as a scenario needs it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::lack::{Got, LIMIT, Lack, first_lines};

/// A server that listens, until this is stopped or dropped.
pub(super) struct Server {
    process: Child,
    pub(super) address: SocketAddr,
    log: Arc<Log>,
}

/// What a server writes.
#[derive(Default)]
struct Log {
    text: Mutex<(String, End)>,
    grown: Condvar,
}

/// Whether there may be more.
#[derive(Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    Closed,
}

impl Log {
    fn change(&self, change: impl FnOnce(&mut (String, End))) {
        change(&mut self.text.lock().unwrap_or_else(PoisonError::into_inner));
        self.grown.notify_all();
    }

    /// What there is once it is enough, or once there will be no more.
    fn wait(&self, enough: impl Fn(&str) -> bool) -> String {
        let log = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let more = |(log, end): &mut (String, End)| *end == End::Open && !enough(log);
        let log = self.grown.wait_timeout_while(log, LIMIT, more);
        log.unwrap_or_else(PoisonError::into_inner).0.0.clone()
    }
}

/// What the server says when it listens, before its address.
const LISTENS: &str = "Serving HTTP on http://";

impl Server {
    /// Starts it, on a port that is free.
    pub(super) fn start(wasmtime: &Path, component: &Path) -> Got<Self> {
        let mut command = Command::new(wasmtime);
        // `cli` is for what standard libraries import.
        command.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command.arg(component).spawn().map_err(Lack::broken)?;
        let (log, errors) = (Arc::<Log>::default(), process.stderr.take());
        let mut server = Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            log: log.clone(),
        };
        // All of it is read, as the server would wait for that.
        std::thread::spawn(move || {
            let lines = errors.into_iter().flat_map(|pipe| BufReader::new(pipe).lines());
            for line in lines.map_while(Result::ok) {
                log.change(|(text, _)| *text += &(line + "\n"));
            }
            log.change(|(_, end)| *end = End::Closed);
        });
        let said = server.log.wait(|log| log.contains(LISTENS));
        let address = said.split_once(LISTENS).and_then(|(_, rest)| rest.lines().next());
        match address.and_then(|address| address.trim_end_matches('/').parse().ok()) {
            Some(address) => server.address = address,
            None => return Err(Lack::broken(format!("it does not serve: {}", first_lines(&[&said])))),
        }
        Ok(server)
    }

    /// Stops it, and gives all that it has written.
    pub(super) fn stop(&mut self) -> String {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.log.wait(|_| false)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
