//! Fibers as stacks that one thread switches between.
//!
//! A slot owns a stack for good: as a plain stack while it is free, as a coroutine while a fiber uses it. The pool holds all
//! its slots, and those that are free once more, the last one used first because its stack is warm.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::io;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use corosensei::stack::{DefaultStack, Stack};
use corosensei::{CoroutineResult, Yielder};

use super::{CURRENT, Current, KnownStack, Payload};

pub(super) const AVAILABLE: bool = true;

type Coroutine = corosensei::Coroutine<(), (), Option<Payload>>;

pub(super) struct Pool {
    /// The thread it was made on (rule 5).
    home: u64,
    stack_size: usize,
    all: RefCell<Vec<Rc<Slot>>>,
    free: RefCell<Vec<Rc<Slot>>>,
    /// Its [`super::Fibers`] is gone: slots that become free give their stack back.
    closed: Cell<bool>,
}

pub(super) struct Slot {
    pool: Rc<Pool>,
    /// Changes hands with `state`: whoever resumes the fiber has it while it is running, otherwise whoever looks.
    content: UnsafeCell<Content>,
    state: Cell<State>,
    /// Points into the stack of a fiber that has begun.
    yielder: Cell<*const Yielder<(), ()>>,
    stack: KnownStack,
}

enum Content {
    Stack(DefaultStack),
    Fiber(Coroutine),
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Running,
    Suspended,
    /// Its pool was closed and took the stack.
    Dead,
}

/// The one handle of a suspended fiber; without a slot once it was used.
pub(super) struct Suspended {
    slot: Option<Rc<Slot>>,
}

impl Pool {
    pub(super) fn new(stack_size: usize) -> Rc<Pool> {
        Rc::new(Pool {
            home: this_thread(),
            stack_size,
            all: RefCell::default(),
            free: RefCell::default(),
            closed: Cell::new(false),
        })
    }

    pub(super) fn start(self: &Rc<Pool>, body: impl FnOnce() + 'static) -> io::Result<Option<Suspended>> {
        self.check_thread();
        let slot = self.take_slot()?;
        // SAFETY: the slot is free, so nobody else uses its content (rule 2).
        let content = unsafe { &mut *slot.content.get() };
        let Content::Stack(stack) = std::mem::replace(content, Content::Nothing) else {
            unreachable!("a free slot holds a stack");
        };
        let address = Rc::as_ptr(&slot);
        let run = move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: this slot is the current one (rule 3).
            unsafe { &*address }.yielder.set(yielder);
            panic::catch_unwind(AssertUnwindSafe(body)).err()
        };
        *content = Content::Fiber(Coroutine::with_stack(stack, run));
        Ok(run_slot(slot))
    }

    fn take_slot(self: &Rc<Pool>) -> io::Result<Rc<Slot>> {
        if let Some(slot) = self.free.borrow_mut().pop() {
            return Ok(slot);
        }
        let stack = DefaultStack::new(self.stack_size)?;
        let slot = Rc::new(Slot {
            pool: self.clone(),
            stack: KnownStack::new(stack.limit().get()..stack.base().get()),
            content: UnsafeCell::new(Content::Stack(stack)),
            state: Cell::new(State::Free),
            yielder: Cell::new(ptr::null()),
        });
        if !self.closed.get() {
            self.all.borrow_mut().push(slot.clone());
        }
        Ok(slot)
    }

    fn check_thread(&self) {
        assert!(
            self.home == this_thread(),
            "a fiber that has a stack cannot move to another thread than that of its store"
        );
    }

    /// Abandons what is suspended and frees all stacks but those of fibers that run; they are freed when these end.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.free.take();
        for slot in self.all.take() {
            match slot.state.get() {
                State::Suspended => slot.give_up(),
                State::Free => slot.release(),
                State::Running | State::Dead => {}
            }
        }
    }
}

impl Slot {
    /// Called by the fiber itself.
    #[inline]
    pub(super) fn suspend(&self) {
        // SAFETY: the fiber runs, so it has set its yielder, which lives as long as its body (rule 3).
        unsafe { &*self.yielder.get() }.suspend(());
    }

    pub(super) fn stack(&self) -> Range<usize> {
        self.stack.0.clone()
    }

    /// Ends a suspended fiber where it is.
    fn give_up(self: Rc<Slot>) {
        // SAFETY: the fiber is suspended, so nobody else uses its content (rule 2).
        if let Content::Fiber(coroutine) = unsafe { &mut *self.content.get() } {
            // SAFETY: nothing uses what its stack held (rule 4).
            unsafe { coroutine.force_reset() };
        }
        self.release();
    }

    /// Makes the slot of a fiber that has ended free for the next.
    fn release(self: Rc<Slot>) {
        // SAFETY: no fiber is in the slot any more, so nobody else uses its content (rule 2).
        let content = unsafe { &mut *self.content.get() };
        let stack = match std::mem::replace(content, Content::Nothing) {
            Content::Fiber(coroutine) => coroutine.into_stack(),
            Content::Stack(stack) => stack,
            Content::Nothing => return,
        };
        if self.pool.closed.get() {
            self.state.set(State::Dead);
            return;
        }
        *content = Content::Stack(stack);
        self.state.set(State::Free);
        let pool = self.pool.clone();
        pool.free.borrow_mut().push(self);
    }
}

/// Lets the fiber in `slot` run until it suspends or finishes.
#[inline]
fn run_slot(slot: Rc<Slot>) -> Option<Suspended> {
    slot.state.set(State::Running);
    // SAFETY: the fiber was suspended, so nobody else used its content; while it is running nobody does either (rule 2).
    let Content::Fiber(coroutine) = (unsafe { &mut *slot.content.get() }) else {
        unreachable!("a fiber that is resumed is in its slot");
    };
    let outer = CURRENT.replace(Current::Stack(NonNull::from(&*slot)));
    let result = coroutine.resume(());
    CURRENT.set(outer);
    match result {
        CoroutineResult::Yield(()) => {
            slot.state.set(State::Suspended);
            Some(Suspended { slot: Some(slot) })
        }
        CoroutineResult::Return(payload) => {
            slot.release();
            if let Some(payload) = payload {
                panic::resume_unwind(payload);
            }
            None
        }
    }
}

impl Suspended {
    #[inline]
    pub(super) fn resume(mut self) -> Option<Suspended> {
        let slot = self.slot.take()?;
        assert!(
            slot.state.get() == State::Suspended,
            "a fiber was resumed after its `Fibers` was dropped"
        );
        slot.pool.check_thread();
        run_slot(slot)
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take()
            && slot.state.get() == State::Suspended
        {
            slot.give_up();
        }
    }
}

/// A number for this thread that no other has had.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NUMBER: Cell<u64> = const { Cell::new(0) };
    }
    if NUMBER.get() == 0 {
        NUMBER.set(NEXT.fetch_add(1, Relaxed));
    }
    NUMBER.get()
}
