//! For whom code runs on this thread.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

thread_local! {
    static SCOPE: Cell<Option<Scope>> = const { Cell::new(None) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Whether the allocator has been called, which tells that it is installed.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Tells the instances of a process apart. Numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instance(u64);

impl Instance {
    pub(crate) fn new() -> Instance {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Instance(NEXT.fetch_add(1, Relaxed))
    }
}

/// A name that is kept for the rest of the process, such as that of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name(usize);

static NAMES: Mutex<Vec<Box<str>>> = Mutex::new(Vec::new());

impl Name {
    /// The same text has the same name.
    pub(crate) fn new(text: &str) -> Name {
        let _within = in_host();
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().position(|name| **name == *text);
        Name(known.unwrap_or_else(|| {
            names.push(text.into());
            names.len() - 1
        }))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        f.write_str(names.get(self.0).map_or("", |name| name))
    }
}

/// An activation of a guest: what its blocks are registered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) instance: Instance,
    /// Counts the calls of the instance.
    pub(crate) call: u64,
    /// The function that was called.
    pub(crate) name: Name,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} of `{}`", self.call, self.name)
    }
}

/// Until it is dropped, this thread runs for whom it says.
#[must_use = "dropping it ends the scope"]
pub(crate) struct Within {
    before: Option<Scope>,
    /// It belongs to the thread it was made on.
    not_send: PhantomData<*const ()>,
}

impl Drop for Within {
    fn drop(&mut self) {
        SCOPE.set(self.before);
    }
}

/// Guest code runs from here on.
pub(crate) fn in_guest(scope: Scope) -> Within {
    enter(Some(scope))
}

/// Code of the host runs from here on.
pub(crate) fn in_host() -> Within {
    enter(None)
}

fn enter(scope: Option<Scope>) -> Within {
    Within {
        before: SCOPE.replace(scope),
        not_send: PhantomData,
    }
}

pub(super) fn current() -> Option<Scope> {
    SCOPE.get()
}

/// Runs `run` with the registry marked as busy, unless it is already.
pub(super) fn busy<R>(run: impl FnOnce() -> R) -> Option<R> {
    if BUSY.replace(true) {
        return None;
    }
    let result = run();
    BUSY.set(false);
    Some(result)
}

pub(super) fn is_busy() -> bool {
    BUSY.get()
}

/// Whether the checked allocator is the one of this process.
pub(crate) fn is_active() -> bool {
    #[cfg(test)]
    if super::tests::pretends_absence() {
        return false;
    }
    INSTALLED.load(Relaxed)
}

/// Called for each allocation.
#[inline]
pub(super) fn allocator_was_called() {
    // Loading first keeps the line shared between the processor's caches.
    if !INSTALLED.load(Relaxed) {
        INSTALLED.store(true, Relaxed);
    }
}
