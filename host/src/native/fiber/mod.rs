//! Fibers: functions that stop in the middle, and go on when somebody resumes them.
//!
//! A guest's activation that calls a blocking built-in stops where it is and lets others run. So it needs a stack of its own,
//! and gets one of a pool for as long as it lives. Any code on the store's thread may resume any suspended fiber, from
//! within another fiber too, and in any order; control returns to whoever resumed it when it suspends again or finishes.
//!
//! There are two backends, which give the same traces. `stacks` switches stacks within one thread, in nanoseconds. `threads`
//! gives each fiber an operating system's thread and lets one of them run at a time, for targets where stacks cannot be
//! switched and for Miri, which sees every access then.
//!
//! # Abandoning
//!
//! A trap ends an activation without running its destructors. [`Fiber::abandon`] does that, and so does dropping a `Fiber` or
//! [`Fibers`]: the stack is used for the next fiber, whatever it held is forgotten. A thread cannot be ended like that, so
//! with `Backend::Threads` the fiber unwinds instead, by a panic that no hook sees, and destructors do run: what they
//! call asks [`being_abandoned`] and must then leave everything alone. Whoever calls [`suspend`] meanwhile goes on unwinding.
//! A fiber that was unwinding already when it was abandoned cannot unwind twice; its thread is parked for good.
//!
//! A fiber that is abandoned while it unwinds leaves `std::thread::panicking()` true for its thread. A run that may trap
//! therefore belongs on a thread of its own, see [`fresh_thread`].
//!
//! # Threads
//!
//! What is `thread_local!` is shared by all fibers of a store with `Backend::Stacks`. With `Backend::Threads` each worker has
//! its own, and fibers that use the same worker one after the other share it; work goes to the lowest worker that is
//! free, so that fibers that never suspend share one set. Whoever keeps something in a thread-local sets it anew on a
//! fiber when its body begins and after each [`suspend`], and on the side of the resumer after each resume.
//!
//! # Stacks
//!
//! A stack has [`STACK_SIZE`] bytes unless another size is asked for, and costs the memory it touches: 4 KiB for a fiber that
//! does little. Running out of it hits a guard page and ends the process with the system's signal, as on any thread.
//!
//! # Rules
//!
//! Every `unsafe` block here cites one of these.
//!
//! 1. **In step.** A [`Fibers`], its fibers, and who resumes them never run at the same time, whatever threads they are on:
//!    whoever passes control on waits until it comes back, and what was written before is seen after. So they share values
//!    that are neither `Send` nor `Sync`.
//! 2. **One handle.** A suspended fiber has one [`Fiber`], and resuming or abandoning consumes it. The state of its slot says
//!    whether that still means something.
//! 3. **Current means running.** [`CURRENT`] points to the slot of the innermost fiber that runs on this thread. Whoever
//!    resumed it holds that slot until control comes back, and sets `CURRENT` back before anything else.
//! 4. **Forgotten stacks.** Who makes a [`Fibers`] promises that nothing uses what an abandoned stack held.
//! 5. **No migration.** A stack is resumed only on the thread it was made on, which is checked each time.

mod baton;
#[cfg_attr(
    not(all(
        not(miri),
        any(
            all(
                unix,
                any(
                    target_arch = "x86_64",
                    target_arch = "x86",
                    target_arch = "aarch64",
                    target_arch = "riscv64"
                )
            ),
            all(windows, target_arch = "x86_64"),
        )
    )),
    path = "no_stacks.rs"
)]
mod stacks;
#[cfg(test)]
mod tests;
mod threads;

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::panic;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How large a stack is unless another size is asked for.
pub(crate) const STACK_SIZE: usize = 1 << 20;

/// What a fiber that panicked leaves to whoever resumed it.
type Payload = Box<dyn Any + Send>;

thread_local! {
    /// The innermost fiber that runs on this thread.
    static CURRENT: Cell<Current> = const { Cell::new(Current::None) };
}

/// The slot of a running fiber.
#[derive(Clone, Copy)]
enum Current {
    None,
    #[cfg_attr(miri, expect(dead_code, reason = "there are no stacks to switch"))]
    Stack(NonNull<stacks::Slot>),
    Thread(NonNull<baton::Baton>),
}

/// How fibers get their stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Stacks that one thread switches between.
    Stacks,
    /// A thread each, one of which runs at a time.
    Threads,
}

impl Backend {
    /// Those this target has, the default first.
    pub(crate) const fn available() -> &'static [Backend] {
        if stacks::AVAILABLE {
            &[Backend::Stacks, Backend::Threads]
        } else {
            &[Backend::Threads]
        }
    }

    /// The faster one of those this target has.
    pub(crate) const fn default_for_target() -> Backend {
        Self::available()[0]
    }
}

/// Where fibers run: one for each store, on one thread or in step with it. Dropping it abandons those that are suspended.
pub(crate) struct Fibers {
    pool: Pool,
}

enum Pool {
    Stacks(Rc<stacks::Pool>),
    Threads(Rc<threads::Pool>),
}

/// A suspended fiber. Dropping it abandons it.
#[must_use = "dropping a fiber abandons it"]
pub(crate) struct Fiber {
    suspended: Suspended,
}

enum Suspended {
    Stack(stacks::Suspended),
    Thread(threads::Suspended),
}

/// How far a fiber got.
#[must_use = "dropping a suspended fiber abandons it"]
pub(crate) enum Progress {
    /// It called [`suspend`].
    Suspended(Fiber),
    /// Its body returned.
    Finished,
}

impl Fibers {
    /// A pool of stacks of the usual size.
    ///
    /// # Safety
    ///
    /// After a fiber is abandoned, nothing uses what was on its stack: no reference or pointer to it that was given away is
    /// followed again, be it pinned, borrowed by another thread's scope or known to the host.
    ///
    /// # Panics
    ///
    /// If the target does not have the backend, see [`Backend::available`].
    pub(crate) unsafe fn new(backend: Backend) -> Fibers {
        // SAFETY: the caller's promise.
        unsafe { Fibers::with_stack_size(backend, STACK_SIZE) }
    }

    /// As [`Fibers::new`], with stacks of at least `stack_size` bytes.
    ///
    /// # Safety
    ///
    /// As for [`Fibers::new`].
    ///
    /// # Panics
    ///
    /// As [`Fibers::new`].
    pub(crate) unsafe fn with_stack_size(backend: Backend, stack_size: usize) -> Fibers {
        assert!(
            Backend::available().contains(&backend),
            "{backend:?} is no backend of this target, which has {:?}",
            Backend::available()
        );
        let pool = match backend {
            Backend::Stacks => Pool::Stacks(stacks::Pool::new(stack_size)),
            Backend::Threads => Pool::Threads(threads::Pool::new(stack_size)),
        };
        Fibers { pool }
    }

    /// Runs `body` on a stack of its own until it finishes or suspends.
    ///
    /// # Errors
    ///
    /// When the system denies another stack or thread. `body` is dropped.
    ///
    /// # Panics
    ///
    /// With the panic of `body`, if that does not catch it. With `Backend::Stacks`, on another thread than that of `new`.
    pub(crate) fn start(&self, body: impl FnOnce() + 'static) -> io::Result<Progress> {
        let suspended = match &self.pool {
            Pool::Stacks(pool) => pool.start(body)?.map(Suspended::Stack),
            Pool::Threads(pool) => pool.start(body)?.map(Suspended::Thread),
        };
        Ok(Progress::of(suspended))
    }
}

impl Drop for Fibers {
    fn drop(&mut self) {
        match &self.pool {
            Pool::Stacks(pool) => pool.close(),
            Pool::Threads(pool) => pool.close(),
        }
    }
}

impl Fiber {
    /// Lets it go on until it finishes or suspends again.
    ///
    /// # Panics
    ///
    /// With the panic of its body; and if its [`Fibers`] was dropped, or it would have to move to another thread.
    #[inline]
    pub(crate) fn resume(self) -> Progress {
        Progress::of(match self.suspended {
            Suspended::Stack(suspended) => suspended.resume().map(Suspended::Stack),
            Suspended::Thread(suspended) => suspended.resume().map(Suspended::Thread),
        })
    }

    /// Gives it up, without running its destructors where the backend can do so.
    pub(crate) fn abandon(self) {
        drop(self);
    }
}

impl Progress {
    fn of(suspended: Option<Suspended>) -> Progress {
        match suspended {
            Some(suspended) => Progress::Suspended(Fiber { suspended }),
            None => Progress::Finished,
        }
    }
}

/// Suspends the innermost running fiber; returns when it is resumed, and never if it is abandoned.
///
/// # Panics
///
/// Outside a fiber.
#[inline]
pub(crate) fn suspend() {
    match CURRENT.get() {
        Current::None => panic!("suspend was called outside a fiber, where nothing can run meanwhile"),
        // SAFETY: a current slot is alive (rule 3).
        Current::Stack(slot) => unsafe { slot.as_ref() }.suspend(),
        // SAFETY: as above.
        Current::Thread(baton) => unsafe { baton.as_ref() }.suspend(),
    }
}

/// Whether a fiber runs.
pub(crate) fn in_fiber() -> bool {
    !matches!(CURRENT.get(), Current::None)
}

/// Whether the code that asks is a destructor that runs only because its fiber was abandoned.
pub(crate) fn being_abandoned() -> bool {
    match CURRENT.get() {
        // SAFETY: a current slot is alive (rule 3).
        Current::Thread(baton) => unsafe { baton.as_ref() }.being_abandoned(),
        Current::None | Current::Stack(_) => false,
    }
}

/// The addresses of the current fiber's stack, guard pages included. Nothing outside a fiber, and where stacks have no
/// bounds, as under Miri.
pub(crate) fn current_stack() -> Option<Range<usize>> {
    match CURRENT.get() {
        Current::None => None,
        // SAFETY: a current slot is alive (rule 3).
        Current::Stack(slot) => Some(unsafe { slot.as_ref() }.stack()),
        // SAFETY: as above.
        Current::Thread(baton) => unsafe { baton.as_ref() }.stack(),
    }
}

/// The addresses of the stacks that fibers run on, or can, in this process.
static STACKS: Mutex<Vec<Range<usize>>> = Mutex::new(Vec::new());

/// A stack that is known to [`is_on_a_stack`] while this lives.
struct KnownStack(Range<usize>);

impl KnownStack {
    fn new(stack: Range<usize>) -> KnownStack {
        let mut stacks = STACKS.lock().unwrap_or_else(PoisonError::into_inner);
        stacks.push(stack.clone());
        KnownStack(stack)
    }
}

impl Drop for KnownStack {
    fn drop(&mut self) {
        let mut stacks = STACKS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = stacks.iter().position(|stack| *stack == self.0) {
            stacks.swap_remove(place);
        }
    }
}

/// Whether an area is on the stack of a fiber: of the one that runs, of one further out, which waits for it, or of one that is
/// suspended.
pub(crate) fn is_on_a_stack(area: &Range<usize>) -> bool {
    let stacks = STACKS.lock().unwrap_or_else(PoisonError::into_inner);
    stacks
        .iter()
        .any(|stack| stack.start <= area.start && area.end <= stack.end)
}

/// Runs `run` on a new thread, where every `thread_local!` is as at the start, and waits for its end, that of the
/// thread's destructors included. The thread has the name of the caller's, which messages of panics begin with.
///
/// It takes about 20 microseconds, most of it for the system to make and end a thread.
///
/// # Panics
///
/// With the panic of `run`; and when the system denies another thread.
pub(crate) fn fresh_thread<R: Send>(run: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        let thread = builder_named_as_here().spawn_scoped(scope, run);
        let thread = thread.unwrap_or_else(|error| panic!("the system denied a thread: {error}"));
        thread.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
    })
}

fn builder_named_as_here() -> thread::Builder {
    let builder = thread::Builder::new();
    match thread::current().name() {
        Some(name) => builder.name(name.to_owned()),
        None => builder,
    }
}
