//! How control passes between a worker thread and whoever resumes the fiber on it.
//!
//! A baton is a letter box and whose turn it is. Only whose turn it is touches the box; handing the turn over is the last thing
//! done before waiting for it to come back. Both sides wait by parking in a loop, so that a stray token does no harm.

use std::cell::{Cell, UnsafeCell};
use std::ops::Range;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};

use super::Payload;

pub(super) struct Baton {
    workers_turn: AtomicBool,
    letter: UnsafeCell<Letter>,
    /// Whom to give control back to. Used by the worker only.
    resumer: Cell<Option<Thread>>,
    /// The fiber unwinds because it was abandoned. Used by the worker only.
    abandoned: Cell<bool>,
    /// Set by the worker before its first fiber.
    stack: Cell<Option<Addresses>>,
}

type Addresses = (usize, usize);

enum Letter {
    Nothing,
    Order(Order, Thread),
    Outcome(Outcome),
}

/// What a worker is to do.
pub(super) enum Order {
    /// Run a fiber from its beginning.
    Run(Box<dyn FnOnce()>),
    /// Let the suspended fiber go on.
    Continue,
    /// End the suspended fiber.
    Abandon,
    /// End the thread.
    Exit,
}

/// What came of it.
pub(super) enum Outcome {
    Suspended,
    /// The fiber has ended, perhaps by a panic, and the worker is free.
    Finished(Option<Payload>),
    /// The fiber could not be ended. The worker is parked for good.
    Lost,
}

/// What an abandoned fiber unwinds with.
struct Abandoned;

// SAFETY: every field but the atomic one is touched by one side at a time, by turns (rule 1); the worker's own fields
// only by the worker.
unsafe impl Send for Baton {}
// SAFETY: as above.
unsafe impl Sync for Baton {}

impl Baton {
    pub(super) fn new() -> Baton {
        Baton {
            workers_turn: AtomicBool::new(false),
            letter: UnsafeCell::new(Letter::Nothing),
            resumer: Cell::new(None),
            abandoned: Cell::new(false),
            stack: Cell::new(None),
        }
    }

    /// Gives an order and waits for what comes of it. Called on the resumer's side, when it has the turn.
    pub(super) fn hand_over(&self, worker: &Thread, order: Order) -> Outcome {
        self.send(worker, order);
        self.wait_until(false);
        match self.take_letter() {
            Letter::Outcome(outcome) => outcome,
            Letter::Nothing | Letter::Order(..) => unreachable!("a worker answers with an outcome"),
        }
    }

    /// Gives an order that has no outcome.
    pub(super) fn send(&self, worker: &Thread, order: Order) {
        self.pass(true, Letter::Order(order, thread::current()), worker);
    }

    /// Waits for an order. Called by the worker.
    pub(super) fn next_order(&self) -> Order {
        self.wait_until(true);
        match self.take_letter() {
            Letter::Order(order, resumer) => {
                self.resumer.set(Some(resumer));
                order
            }
            Letter::Nothing | Letter::Outcome(_) => unreachable!("a worker is sent orders"),
        }
    }

    /// Answers an order. Called by the worker.
    pub(super) fn answer(&self, outcome: Outcome) {
        let resumer = self.resumer.take().expect("an order names who gave it");
        self.pass(false, Letter::Outcome(outcome), &resumer);
    }

    /// Called by the fiber itself.
    pub(super) fn suspend(&self) {
        if self.abandoned.get() {
            self.unwind();
        }
        self.answer(Outcome::Suspended);
        match self.next_order() {
            Order::Continue => {}
            Order::Abandon => self.unwind(),
            Order::Run(_) | Order::Exit => unreachable!("the fiber of a worker was not asked for"),
        }
    }

    /// Ends the fiber that runs on this thread by unwinding to the worker, or by parking where that is impossible.
    fn unwind(&self) -> ! {
        self.abandoned.set(true);
        if thread::panicking() {
            self.answer(Outcome::Lost);
            loop {
                thread::park();
            }
        }
        panic::resume_unwind(Box::new(Abandoned));
    }

    /// Called by the worker before a body.
    pub(super) fn begin(&self) {
        self.abandoned.set(false);
    }

    /// What `payload`, with which a body ended, means for whoever resumed it.
    pub(super) fn finish(&self, payload: Option<Payload>) -> Outcome {
        Outcome::Finished(payload.filter(|payload| !payload.is::<Abandoned>()))
    }

    pub(super) fn being_abandoned(&self) -> bool {
        self.abandoned.get()
    }

    pub(super) fn set_stack(&self, stack: Option<Range<usize>>) {
        self.stack.set(stack.map(|stack| (stack.start, stack.end)));
    }

    pub(super) fn stack(&self) -> Option<Range<usize>> {
        self.stack.get().map(|(start, end)| start..end)
    }

    fn pass(&self, to_worker: bool, letter: Letter, whom: &Thread) {
        // SAFETY: it is this side's turn, so the other does not touch the box (rule 1).
        unsafe { *self.letter.get() = letter };
        self.workers_turn.store(to_worker, Ordering::Release);
        whom.unpark();
    }

    fn wait_until(&self, workers_turn: bool) {
        while self.workers_turn.load(Ordering::Acquire) != workers_turn {
            thread::park();
        }
    }

    fn take_letter(&self) -> Letter {
        // SAFETY: as in `pass`.
        std::mem::replace(unsafe { &mut *self.letter.get() }, Letter::Nothing)
    }
}
