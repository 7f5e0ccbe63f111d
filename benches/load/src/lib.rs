//! Puts load on components that serve HTTP, over loopback, and checks every answer.
//!
//! Each contender has a server that runs from the beginning to the end, so that what is lost in it adds up. They take turns, a
//! round each, so that what else the machine does hits all of them. While good clients work, bad ones go on with their
//! mischief beside them.

mod client;
mod faults;
mod memory;
mod mix;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::{join, join_all};
use http_service_runner::{Limits, Served, Server};

use client::Client;
use mix::Ask;

/// What load is put on each contender.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests in each round.
    pub requests: u64,
    /// Rounds.
    pub rounds: u64,
    /// Clients that work at a time.
    pub concurrency: usize,
}

/// One round of one contender.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// How long it took.
    pub took: Duration,
    /// Bytes of bodies in both directions.
    pub bytes: u64,
    /// The largest memory of one of its instances, so far.
    pub guest_memory: usize,
    /// The memory of the process, if the system says that.
    pub process_memory: Option<usize>,
}

/// What became of a contender.
#[derive(Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// One after the other.
    pub rounds: Vec<Round>,
    /// Good requests that were not answered as they should have been, and the first of the reasons.
    pub failures: (u64, Vec<String>),
    /// Bad clients.
    pub mischief: u64,
    /// What its server says of the whole.
    pub served: Served,
}

/// How many reasons are kept.
const REASONS: usize = 5;

/// How long a server may take to stop.
const PATIENCE: Duration = Duration::from_secs(60);

struct Contender {
    name: String,
    server: Server,
    rounds: Vec<Round>,
    failures: (u64, Vec<String>),
    mischief: u64,
}

/// Puts the load on each of the components, which come with their names.
///
/// # Errors
/// When a component cannot be served, or does not stop.
pub async fn run(contenders: &[(String, PathBuf)], load: Load) -> Result<Vec<Outcome>> {
    let mut running = Vec::new();
    for (name, component) in contenders {
        let limits = Limits {
            // Bad clients are expected, and what they do to instances is counted.
            log: |_| (),
            ..Limits::default()
        };
        let server = Server::start(&[component], ([127, 0, 0, 1], 0).into(), limits).await?;
        running.push(Contender {
            name: name.clone(),
            server,
            rounds: Vec::new(),
            failures: (0, Vec::new()),
            mischief: 0,
        });
    }
    for round in 0..load.rounds {
        let count = running.len();
        for turn in 0..count {
            // Nobody is always the first.
            let contender = &mut running[(turn + round as usize) % count];
            contender.round(load, round).await?;
        }
    }
    let mut outcomes = Vec::new();
    for contender in running {
        outcomes.push(contender.end().await?);
    }
    Ok(outcomes)
}

impl Contender {
    async fn round(&mut self, load: Load, round: u64) -> Result<()> {
        let address = self.server.address();
        let first = round * load.requests;
        let next = Arc::new(AtomicU64::new(first));
        let end = first + load.requests;
        let clients = (0..load.concurrency).map(|_| tokio::spawn(work(address, next.clone(), end)));
        // So many that there are always some.
        let mischief = load.requests.div_ceil(100);
        let begin = Instant::now();
        let good = async { (join_all(clients).await, begin.elapsed()) };
        let bad = tokio::spawn(faults::run(address, mischief));
        let ((worked, took), bad) = join(good, bad).await;
        bad.context("a bad client")?.context("what bad clients got")?;
        self.mischief += mischief;
        let mut bytes = 0;
        for worked in worked {
            let worked = worked.context("a client")?;
            bytes += worked.bytes;
            self.failures.0 += worked.failed;
            self.failures.1.extend(worked.reasons);
        }
        self.failures.1.truncate(REASONS);
        self.rounds.push(Round {
            took,
            bytes,
            guest_memory: self.server.served().memory,
            process_memory: memory::of_process(),
        });
        Ok(())
    }

    async fn end(self) -> Result<Outcome> {
        let stopped = tokio::time::timeout(PATIENCE, self.server.stop()).await;
        let Ok(served) = stopped else {
            bail!("{} does not stop: something goes on in it", self.name);
        };
        Ok(Outcome {
            served: served.with_context(|| self.name.clone())?,
            name: self.name,
            rounds: self.rounds,
            failures: self.failures,
            mischief: self.mischief,
        })
    }
}

#[derive(Default)]
struct Worked {
    bytes: u64,
    failed: u64,
    reasons: Vec<String>,
}

/// Sends what is next until all is sent.
async fn work(address: SocketAddr, next: Arc<AtomicU64>, end: u64) -> Worked {
    let mut worked = Worked::default();
    let mut client = Client::new(address);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return worked;
        }
        let ask = Ask::nth(number);
        match client.send(&ask).await {
            Ok(bytes) => worked.bytes += bytes,
            Err(error) => {
                worked.failed += 1;
                if worked.reasons.len() < REASONS {
                    worked.reasons.push(format!("request {number}, {ask:?}: {error:#}"));
                }
                client = Client::new(address);
            }
        }
    }
}

impl Outcome {
    /// Good requests a second, in the middle of the rounds.
    pub fn rate(&self, load: Load) -> f64 {
        let mut rates: Vec<f64> = self.rounds.iter().map(|round| rate(round, load)).collect();
        median(&mut rates)
    }

    /// What is wrong with it, if something is.
    pub fn fault(&self) -> Option<String> {
        let (failed, reasons) = &self.failures;
        if *failed > 0 {
            return Some(format!("{failed} requests failed:\n  {}", reasons.join("\n  ")));
        }
        if self.served.failed > 0 {
            return Some(format!("{} requests had no answer", self.served.failed));
        }
        if self.served.ended > 0 {
            return Some(format!(
                "{} instances trapped or went on for too long",
                self.served.ended
            ));
        }
        self.growth()
    }

    /// Memory that grows from one half of the rounds to the other. A tenth, and two mebibytes, are for chance: how many large
    /// bodies are on their way at the same time.
    fn growth(&self) -> Option<String> {
        let (early, late) = self.rounds.split_at(self.rounds.len() / 2);
        let grown = |what: &str, of: fn(&Round) -> usize| {
            let most = |rounds: &[Round]| rounds.iter().map(of).max().unwrap_or_default();
            let (before, after) = (most(early), most(late));
            (before > 0 && after > before + before / 10 + (2 << 20))
                .then(|| format!("{what} grows: {} KiB, then {} KiB", before / 1024, after / 1024))
        };
        grown("the guest's memory", |round| round.guest_memory)
            .or_else(|| grown("the process's memory", |round| round.process_memory.unwrap_or(0)))
    }
}

/// Good requests a second in a round.
pub fn rate(round: &Round, load: Load) -> f64 {
    load.requests as f64 / round.took.as_secs_f64()
}

/// The one in the middle, or between the two in the middle.
pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        _ if numbers.is_empty() => f64::NAN,
        0 => f64::midpoint(numbers[middle - 1], numbers[middle]),
        _ => numbers[middle],
    }
}
