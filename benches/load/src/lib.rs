//! Puts load on components that serve HTTP, over loopback, and checks every answer.
//!
//! Each contender has a server that runs from the beginning to the end, so that what is lost in it adds up. They take turns, a
//! round each, so that what else the machine does hits all of them. While good clients work, bad ones go on with their
//! mischief beside them.
//!
//! Servers have threads of their own, one unless more are wanted, and as many instances as threads. Left alone, Wasmtime's handler
//! makes another instance whenever a request comes while all of them are at work: how many that makes is chance, and decides more
//! than the guests do. A single thread can say, besides, how much processor time the servers take, clients left aside.

mod alone;
mod client;
mod faults;
pub mod fuel;
mod mix;
mod process;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::{join, join_all};
use http_service_runner::{Limits, Served, Server};
use tokio::runtime::Runtime;

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
    /// Threads for the servers, and instances of each.
    pub threads: usize,
}

/// One round of one contender.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// How long it took.
    pub took: Duration,
    /// The processor time of the server, host and guest, if it has one thread and the system says that.
    pub cpu: Option<Duration>,
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
    let threads = runtime(load.threads)?;
    for (name, component) in contenders {
        let limits = Limits {
            // Bad clients are expected, and what they do to instances is counted.
            log: |_| (),
            instances: load.threads,
            ..Limits::default()
        };
        let component = component.clone();
        let start = async move { Server::start(&[component], ([127, 0, 0, 1], 0).into(), limits).await };
        running.push(Contender {
            name: name.clone(),
            server: threads.spawn(start).await??,
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
            contender.round(load, round, &threads).await?;
        }
    }
    let mut outcomes = Vec::new();
    for contender in running {
        outcomes.push(contender.end().await?);
    }
    // It may not be dropped where others are waited for.
    threads.shutdown_background();
    Ok(outcomes)
}

/// Threads for the servers.
fn runtime(threads: usize) -> Result<Runtime> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    Ok(runtime.worker_threads(threads).enable_all().build()?)
}

/// Processor time that the servers have taken, if they have one thread.
async fn cpu(load: Load, threads: &Runtime) -> Option<Duration> {
    if load.threads != 1 {
        return None;
    }
    threads.spawn(async { process::cpu_of_thread() }).await.ok()?
}

impl Contender {
    async fn round(&mut self, load: Load, round: u64, threads: &Runtime) -> Result<()> {
        let address = self.server.address();
        let first = round * load.requests;
        let next = Arc::new(AtomicU64::new(first));
        let end = first + load.requests;
        let clients = (0..load.concurrency).map(|_| tokio::spawn(work(address, next.clone(), end)));
        // So many that there are always some.
        let mischief = load.requests.div_ceil(100);
        let before = cpu(load, threads).await;
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
            cpu: before
                .zip(cpu(load, threads).await)
                .map(|(before, after)| after - before),
            bytes,
            guest_memory: self.server.served().memory,
            process_memory: process::memory(),
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
        quartiles(&mut rates)[1]
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

    /// Memory that grows from one half of the rounds to the other, each by the round in its middle: how many large bodies are on
    /// their way at the end of a round is chance. A tenth, and two mebibytes, are for what is left of it.
    fn growth(&self) -> Option<String> {
        let (early, late) = self.rounds.split_at(self.rounds.len() / 2);
        let grown = |what: &str, of: fn(&Round) -> usize| {
            let middle = |rounds: &[Round]| {
                let mut bytes: Vec<f64> = rounds.iter().map(|round| of(round) as f64).collect();
                quartiles(&mut bytes)[1]
            };
            let (before, after) = (middle(early), middle(late));
            let limit = before + before / 10.0 + f64::from(2 << 20);
            (before > 0.0 && after > limit).then(|| {
                let [before, after] = [before, after].map(|bytes| bytes / 1024.0);
                format!("{what} grows: {before:.0} KiB, then {after:.0} KiB")
            })
        };
        grown("the guest's memory", |round| round.guest_memory)
            .or_else(|| grown("the process's memory", |round| round.process_memory.unwrap_or(0)))
    }
}

/// Good requests a second in a round.
pub fn rate(round: &Round, load: Load) -> f64 {
    load.requests as f64 / round.took.as_secs_f64()
}

/// The numbers in the middle, at a quarter and at three quarters: `[quarter, middle, three quarters]`.
pub fn quartiles(numbers: &mut [f64]) -> [f64; 3] {
    numbers.sort_by(f64::total_cmp);
    let Some(last) = numbers.len().checked_sub(1) else {
        return [f64::NAN; 3];
    };
    [0.25, 0.5, 0.75].map(|part| {
        let place = part * last as f64;
        let (low, high) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
        low + (high - low) * place.fract()
    })
}

#[cfg(test)]
mod tests {
    use super::quartiles;

    #[test]
    fn the_middle_is_between_two_of_an_even_number() {
        assert_eq!(quartiles(&mut [4.0, 1.0, 3.0, 2.0, 5.0]), [2.0, 3.0, 4.0]);
        assert_eq!(quartiles(&mut [4.0, 1.0, 3.0, 2.0]), [1.75, 2.5, 3.25]);
        assert_eq!(quartiles(&mut [7.0]), [7.0; 3]);
        assert!(quartiles(&mut []).iter().all(|number| number.is_nan()));
    }
}
