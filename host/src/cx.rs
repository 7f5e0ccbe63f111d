//! [`Cx`]: a handle on a store for those who run inside it, host functions and the futures given to
//! [`Store::run_concurrent`](crate::Store::run_concurrent).
//!
//! A `Cx` owns no store and borrows none. What it asks for is put in a queue which the store empties whenever it runs, so
//! the same handle serves any back end, and nothing happens behind the store's back. It also holds the ledger a
//! [`Deadlock`] is reported from: which calls and host functions are waiting, and how many futures were
//! announced as completing from outside.

use crate::backend::Job;
use crate::error::Deadlock;
use crate::resource::Table;
use futures::FutureExt as _;
use futures::task::AtomicWaker;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle on a running store. Clones are handles on the same store.
#[derive(Clone)]
pub struct Cx {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    jobs: Mutex<VecDeque<Job>>,
    driver: AtomicWaker,
    external: AtomicUsize,
    ledger: Mutex<Ledger>,
    resources: Mutex<Table>,
}

/// What a ledger entry is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Waiting {
    Call,
    HostFunction,
}

#[derive(Default)]
struct Ledger {
    next: u64,
    entries: BTreeMap<(Waiting, u64), Arc<str>>,
}

/// An entry of the ledger; dropping it strikes the entry out.
pub(crate) struct Entry {
    cx: Cx,
    key: (Waiting, u64),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cx {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default() }
    }

    /// Whether both are handles on one store.
    pub(crate) fn same_store(&self, other: &Cx) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Uses the table of the host's resources that guests have handles on. What is taken out is to be dropped afterwards.
    pub(crate) fn resources<R>(&self, body: impl FnOnce(&mut Table) -> R) -> R {
        body(&mut lock(&self.shared.resources))
    }

    pub(crate) fn push(&self, job: Job) {
        lock(&self.shared.jobs).push_back(job);
        self.shared.driver.wake();
    }

    pub(crate) fn pop(&self) -> Option<Job> {
        lock(&self.shared.jobs).pop_front()
    }

    #[cfg(feature = "wasmtime")]
    pub(crate) fn has_jobs(&self) -> bool {
        !lock(&self.shared.jobs).is_empty()
    }

    /// Wakes whoever runs the store.
    #[cfg(feature = "native")]
    pub(crate) fn wake_driver(&self) {
        self.shared.driver.wake();
    }

    pub(crate) fn register_driver(&self, waker: &std::task::Waker) {
        self.shared.driver.register(waker);
    }

    pub(crate) fn enter(&self, waiting: Waiting, name: &Arc<str>) -> Entry {
        let mut ledger = lock(&self.shared.ledger);
        ledger.next += 1;
        let key = (waiting, ledger.next);
        ledger.entries.insert(key, name.clone());
        Entry { cx: self.clone(), key }
    }

    pub(crate) fn names(&self, waiting: Waiting) -> Vec<String> {
        let ledger = lock(&self.shared.ledger);
        ledger
            .entries
            .iter()
            .filter(|(key, _)| key.0 == waiting)
            .map(|(_, name)| name.to_string())
            .collect()
    }

    /// Strikes out all calls, and says which they were: those that a trap ended.
    #[cfg(feature = "native")]
    pub(crate) fn end_calls(&self) -> Vec<String> {
        let calls = self.names(Waiting::Call);
        lock(&self.shared.ledger)
            .entries
            .retain(|key, _| key.0 != Waiting::Call);
        calls
    }

    /// The report of a store in which nothing moves.
    pub(crate) fn deadlock(&self) -> Deadlock {
        Deadlock {
            calls: self.names(Waiting::Call),
            host_functions: self.names(Waiting::HostFunction),
            waiting: Vec::new(),
        }
    }

    pub(crate) fn waits_outside(&self) -> bool {
        self.shared.external.load(Ordering::Relaxed) > 0
    }

    /// Awaits something that completes from outside the store: another thread, a timer, a socket.
    ///
    /// While such a future is pending, a store in which nothing moves sleeps; otherwise it reports a
    /// [`Deadlock`](crate::Deadlock), because nobody is left who could wake it.
    pub async fn external<F: Future>(&self, future: F) -> F::Output {
        let _guard = self.external_guard();
        future.await
    }

    /// The announcement behind [`Cx::external`], for futures that are not written as `async`.
    pub(crate) fn external_guard(&self) -> ExternalGuard {
        self.shared.external.fetch_add(1, Ordering::Relaxed);
        ExternalGuard(self.clone())
    }

    /// Runs `future` within the store, beside whatever else runs there. It makes progress only while the store does,
    /// and is dropped with the store.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.push(Job::Spawn(future.boxed()));
    }
}

impl std::fmt::Debug for Cx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx").finish_non_exhaustive()
    }
}

impl Entry {
    /// Its number among the entries of its store.
    #[cfg(feature = "native")]
    pub(crate) fn number(&self) -> u64 {
        self.key.1
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.cx.shared.ledger).entries.remove(&self.key);
    }
}

/// Keeps the store asleep rather than deadlocked while it lives.
pub(crate) struct ExternalGuard(Cx);

impl Drop for ExternalGuard {
    fn drop(&mut self) {
        self.0.shared.external.fetch_sub(1, Ordering::Relaxed);
    }
}
