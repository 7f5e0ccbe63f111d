//! What switching to a fiber and making one cost, in nanoseconds, for each backend. Measures only; judges nothing.
//!
//! ```console
//! $ cargo run -p witflow-host --release --example fibers
//! ```

#[path = "../src/native/fiber/mod.rs"]
#[expect(dead_code, reason = "only what is measured is used")]
mod fiber;

use std::time::{Duration, Instant};

use fiber::{Backend, Fibers, Progress, suspend};

/// The best of five runs of `run`, per round.
fn best(rounds: u32, mut run: impl FnMut(u32)) -> Duration {
    let time = |run: &mut dyn FnMut(u32)| {
        let begin = Instant::now();
        run(rounds);
        begin.elapsed()
    };
    let best = (0..5).map(|_| time(&mut run)).min().unwrap_or_default();
    best / rounds
}

fn report(backend: Backend, what: &str, took: Duration) {
    println!("{:<8} {what:<52} {:>9} ns", format!("{backend:?}"), took.as_nanos());
}

fn start(fibers: &Fibers, body: impl FnOnce() + 'static) -> Progress {
    fibers.start(body).expect("the system has stacks and threads enough")
}

/// Resumes one fiber again and again.
fn switch(fibers: &Fibers, rounds: u32) {
    let mut progress = start(fibers, move || (0..rounds).for_each(|_| suspend()));
    while let Progress::Suspended(fiber) = progress {
        progress = fiber.resume();
    }
}

/// Starts fibers that finish at once.
fn create(fibers: &Fibers, rounds: u32) {
    for _ in 0..rounds {
        drop(start(fibers, || {}));
    }
}

/// Starts fibers that suspend, and gives them up.
fn abandon(fibers: &Fibers, rounds: u32) {
    for _ in 0..rounds {
        drop(start(fibers, suspend));
    }
}

/// Has many fibers suspended at a time, which are then resumed in turns.
fn crowd(fibers: &Fibers, rounds: u32) {
    let mut all: Vec<_> = (0..rounds).map(|_| start(fibers, suspend)).collect();
    while let Some(Progress::Suspended(fiber)) = all.pop() {
        drop(fiber.resume());
    }
}

fn main() {
    for backend in Backend::available() {
        let backend = *backend;
        // SAFETY: nothing here is kept of a fiber's stack.
        let pool = || unsafe { Fibers::new(backend) };
        let rounds = if backend == Backend::Stacks { 1_000_000 } else { 10_000 };
        let fibers = pool();
        report(
            backend,
            "resume and suspend",
            best(rounds, |rounds| switch(&fibers, rounds)),
        );
        report(
            backend,
            "start and finish",
            best(rounds, |rounds| create(&fibers, rounds)),
        );
        let abandoned = best(rounds / 10, |rounds| abandon(&fibers, rounds));
        report(backend, "start, suspend and abandon", abandoned);
        let crowded = best(1_000, |rounds| crowd(&fibers, rounds));
        report(backend, "start, suspend and resume, 1,000 at a time", crowded);
        let cold = best(1_000, |rounds| crowd(&pool(), rounds));
        report(backend, "the same in a new pool, dropped at the end", cold);
    }
    let fresh = best(1_000, |rounds| (0..rounds).for_each(|_| fiber::fresh_thread(|| {})));
    println!("a fresh thread {:>58} ns", fresh.as_nanos());
}
