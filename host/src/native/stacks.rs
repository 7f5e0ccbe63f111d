//! Stacks for guest code: fibers, around which the installed host is put aside and back.

use super::fiber::{self, Backend, Fiber, Fibers, Progress};
use crate::canonical::{Stack, Stacks};
use witflow_async_rt::sys::native::{Host, replace_host};

/// The stacks of a store.
pub(crate) struct NativeStacks(Fibers);

impl NativeStacks {
    pub(crate) fn new(backend: Backend) -> Self {
        // SAFETY: rule 3 of this module.
        Self(unsafe { Fibers::new(backend) })
    }
}

/// A suspended one.
struct Suspended(Fiber);

/// Whoever was the thread's host, while other code has its own.
struct PutAside(Option<*const dyn Host>);

impl PutAside {
    fn new() -> Self {
        // SAFETY: no host at all needs not be alive.
        Self(unsafe { replace_host(None) })
    }
}

impl Drop for PutAside {
    fn drop(&mut self) {
        // SAFETY: it was installed here before, and whoever installed it waits for control to come back (rule 2).
        unsafe { replace_host(self.0) };
    }
}

fn left(progress: Progress) -> Option<Box<dyn Stack>> {
    match progress {
        Progress::Suspended(fiber) => Some(Box::new(Suspended(fiber))),
        Progress::Finished => None,
    }
}

/// Suspends the stack that runs.
pub(crate) fn suspend() {
    let _aside = PutAside::new();
    fiber::suspend();
}

impl Stack for Suspended {
    fn resume(self: Box<Self>) -> Option<Box<dyn Stack>> {
        let _aside = PutAside::new();
        left(self.0.resume())
    }

    fn abandon(self: Box<Self>) {
        let _aside = PutAside::new();
        self.0.abandon();
    }
}

impl Stacks for NativeStacks {
    fn start(&self, _: u32, body: Box<dyn FnOnce()>) -> Option<Box<dyn Stack>> {
        let _aside = PutAside::new();
        match self.0.start(body) {
            Ok(progress) => left(progress),
            Err(error) => panic!("the system denied a stack for a guest: {error}"),
        }
    }

    fn suspend(&self) {
        suspend();
    }

    fn is_on_stack_of(&self, _: u32) -> bool {
        fiber::in_fiber()
    }
}
