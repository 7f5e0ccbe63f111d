//! Fibers as threads that run one at a time.
//!
//! Workers are numbered in the order they were made. New work goes to the lowest that is free, whichever became free last, so
//! that which thread-locals a fiber finds depends on nothing but what ran before. Workers end when their pool is closed,
//! one after the other, each waited for: destructors of thread-locals stay in step too.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{JoinHandle, Thread};

use super::baton::{Baton, Order, Outcome};
use super::{CURRENT, Current, KnownStack};

pub(super) struct Pool {
    stack_size: usize,
    workers: RefCell<Vec<Rc<Worker>>>,
    /// The numbers of those that are free.
    free: RefCell<BTreeSet<usize>>,
    /// Its [`super::Fibers`] is gone: workers that become free end.
    closed: Cell<bool>,
}

struct Worker {
    pool: Rc<Pool>,
    number: usize,
    baton: Arc<Baton>,
    thread: Thread,
    /// Taken when the thread is waited for.
    join: Cell<Option<JoinHandle<()>>>,
    state: Cell<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Running,
    Suspended,
    /// Its thread has ended, or is parked for good.
    Dead,
}

/// The one handle of a suspended fiber; without a worker once it was used.
pub(super) struct Suspended {
    worker: Option<Rc<Worker>>,
}

impl Pool {
    pub(super) fn new(stack_size: usize) -> Rc<Pool> {
        Rc::new(Pool {
            stack_size,
            workers: RefCell::default(),
            free: RefCell::default(),
            closed: Cell::new(false),
        })
    }

    pub(super) fn start(self: &Rc<Pool>, body: impl FnOnce() + 'static) -> io::Result<Option<Suspended>> {
        let worker = self.take_worker()?;
        Ok(worker.order(Order::Run(Box::new(body))))
    }

    fn take_worker(self: &Rc<Pool>) -> io::Result<Rc<Worker>> {
        if let Some(number) = self.free.borrow_mut().pop_first() {
            return Ok(self.workers.borrow()[number].clone());
        }
        let baton = Arc::new(Baton::new());
        let workers_baton = baton.clone();
        let stack_size = self.stack_size;
        let join = super::builder_named_as_here()
            .stack_size(stack_size)
            .spawn(move || work(&workers_baton, stack_size))?;
        let worker = Rc::new(Worker {
            pool: self.clone(),
            number: self.workers.borrow().len(),
            baton,
            thread: join.thread().clone(),
            join: Cell::new(Some(join)),
            state: Cell::new(State::Free),
        });
        if !self.closed.get() {
            self.workers.borrow_mut().push(worker.clone());
        }
        Ok(worker)
    }

    /// Abandons what is suspended and ends all workers but those whose fibers run; they end with these.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.free.take();
        for worker in self.workers.take() {
            match worker.state.get() {
                State::Suspended => worker.abandon(),
                State::Free => worker.end(),
                State::Running | State::Dead => {}
            }
        }
    }
}

impl Worker {
    /// Lets the fiber run until it suspends or finishes.
    fn order(self: Rc<Worker>, order: Order) -> Option<Suspended> {
        self.state.set(State::Running);
        match self.baton.hand_over(&self.thread, order) {
            Outcome::Suspended => {
                self.state.set(State::Suspended);
                Some(Suspended { worker: Some(self) })
            }
            Outcome::Finished(payload) => {
                self.release();
                if let Some(payload) = payload {
                    panic::resume_unwind(payload);
                }
                None
            }
            Outcome::Lost => unreachable!("only abandoning loses a worker"),
        }
    }

    /// Ends a suspended fiber.
    fn abandon(&self) {
        self.state.set(State::Running);
        match self.baton.hand_over(&self.thread, Order::Abandon) {
            // It may have raised a panic of its own on the way; nobody is left to see it.
            Outcome::Finished(_payload) => self.release(),
            Outcome::Lost => {
                self.state.set(State::Dead);
                drop(self.join.take());
            }
            Outcome::Suspended => unreachable!("an abandoned fiber does not suspend"),
        }
    }

    /// Makes the worker of a fiber that has ended free for the next.
    fn release(&self) {
        if self.pool.closed.get() {
            self.end();
        } else {
            self.state.set(State::Free);
            self.pool.free.borrow_mut().insert(self.number);
        }
    }

    fn end(&self) {
        self.state.set(State::Dead);
        self.baton.send(&self.thread, Order::Exit);
        if let Some(join) = self.join.take() {
            // The worker catches every panic of a body, so there is no other to hear of.
            join.join().ok();
        }
    }
}

impl Suspended {
    pub(super) fn resume(mut self) -> Option<Suspended> {
        let worker = self.worker.take()?;
        assert!(
            worker.state.get() == State::Suspended,
            "a fiber was resumed after its `Fibers` was dropped"
        );
        worker.order(Order::Continue)
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take()
            && worker.state.get() == State::Suspended
        {
            worker.abandon();
        }
    }
}

/// What a worker thread does.
fn work(baton: &Baton, stack_size: usize) {
    let stack = stack_below(stack_size);
    let _known = stack.clone().map(KnownStack::new);
    baton.set_stack(stack);
    loop {
        match baton.next_order() {
            Order::Run(body) => {
                baton.begin();
                CURRENT.set(Current::Thread(NonNull::from(baton)));
                let payload = panic::catch_unwind(AssertUnwindSafe(body)).err();
                CURRENT.set(Current::None);
                baton.answer(baton.finish(payload));
            }
            Order::Exit => return,
            Order::Continue | Order::Abandon => unreachable!("a worker without a fiber is asked to run one or to end"),
        }
    }
}

/// The addresses of this thread's stack, as far as fibers use it.
fn stack_below(size: usize) -> Option<Range<usize>> {
    // Miri gives each local variable a place of its own.
    if cfg!(miri) {
        return None;
    }
    let here = 0u8;
    let top = (&raw const here).addr().next_multiple_of(4096);
    Some(top.saturating_sub(size)..top)
}
