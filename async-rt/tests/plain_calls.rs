//! Calls whose parameters leave nothing behind when they are lowered, but have a destructor: parameters and results are dropped once,
//! whatever panics.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::tasks::returning;
use fake::{Fake, Outcome};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use witflow_async_rt::rt::{self, Call, CallVtable, call};

rt::import!("test", "[async-lower]call", fn import(argument: u32, result: *mut u8) -> u32);

/// What must not be lifted.
const POISON: u32 = 13;

/// A parameter that counts its drops, and may panic then.
struct Counted {
    drops: Rc<Cell<u32>>,
    panics: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        assert!(!self.panics, "on purpose");
    }
}

unsafe fn start(_counted: &Counted, area: *mut u8) -> u32 {
    unsafe { import(77, area) }
}

unsafe fn lift(area: *mut u8) -> u32 {
    let number = unsafe { area.cast::<u32>().read() };
    assert_ne!(number, POISON, "on purpose");
    number
}

static VTABLE: CallVtable<Counted, u32> = CallVtable::plain(4, start, lift);

fn calling(drops: &Rc<Cell<u32>>, panics: bool) -> Call<Counted, u32> {
    let drops = drops.clone();
    call(&VTABLE, Counted { drops, panics })
}

/// How a poll ended: nothing, if it panicked.
fn poll(call: &mut Call<Counted, u32>, cx: &mut Context<'_>) -> Option<Poll<u32>> {
    catch_unwind(AssertUnwindSafe(|| pin!(call).poll(cx))).ok()
}

/// Polls a call as often as it takes, with `events` between, and once more after a panic. Says what it ended with, and how often the
/// parameter was dropped.
fn check(outcome: Outcome, events: &[(u32, u32)], panics: bool, is_started: bool) -> (Option<u32>, u32) {
    let host = Fake::new();
    host.state.borrow_mut().outcomes.push_back(outcome);
    let drops = Rc::default();
    let mut call = calling(&drops, panics);
    let end = Rc::new(Cell::new(None));
    let result = end.clone();
    let task = host.start(returning(async move {
        if is_started {
            call = call.start();
        }
        let ended = poll_fn(|cx| match poll(&mut call, cx) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(number)) => Poll::Ready(Some(number)),
            None => Poll::Ready(None),
        });
        result.set(ended.await);
        poll_fn(|cx| {
            assert_eq!(poll(&mut call, cx), None, "it is over");
            Poll::Ready(())
        })
        .await;
    }));
    for (state, number) in events {
        host.resolve(1, *state, *number);
        host.run(task);
    }
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
    (end.get(), drops.get())
}

#[test]
fn parameters_are_dropped_once() {
    for is_started in [false, true] {
        assert_eq!(check(Outcome::Returned(5), &[], false, is_started), (Some(5), 1));
        assert_eq!(check(Outcome::Started, &[(2, 6)], false, is_started), (Some(6), 1));
        assert_eq!(
            check(Outcome::Starting, &[(1, 0), (2, 7)], false, is_started),
            (Some(7), 1)
        );
    }
}

#[test]
fn a_result_that_cannot_be_lifted_is_not_lifted_again() {
    for is_started in [false, true] {
        assert_eq!(check(Outcome::Returned(POISON), &[], false, is_started), (None, 1));
        assert_eq!(check(Outcome::Started, &[(2, POISON)], false, is_started), (None, 1));
    }
}

#[test]
fn a_parameter_that_panics_when_it_is_dropped_is_not_dropped_again() {
    assert_eq!(check(Outcome::Returned(5), &[], true, false), (None, 1));
}

#[test]
fn a_call_whose_parameter_panics_when_it_is_dropped_goes_on() {
    let host = Fake::new();
    host.state.borrow_mut().outcomes.push_back(Outcome::Started);
    let drops = Rc::default();
    let mut call = calling(&drops, true);
    let results = Rc::new(RefCell::new(Vec::new()));
    let seen = results.clone();
    let task = host.start(returning(poll_fn(move |cx| {
        for _ in 0..2 {
            let result = poll(&mut call, cx);
            seen.borrow_mut().push(result);
            if let Some(Poll::Ready(_)) = result {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })));
    host.resolve(1, 2, 6);
    host.run(task);
    assert_eq!(*results.borrow(), [None, Some(Poll::Pending), Some(Poll::Ready(6))]);
    assert_eq!((host.exited(task), host.handles(), drops.get()), (true, 0, 1));
}

#[test]
fn a_call_whose_parameter_panics_when_it_is_started_ends() {
    for (outcome, cancelled) in [(Outcome::Returned(5), 0), (Outcome::Started, 1)] {
        let host = Fake::new();
        host.state.borrow_mut().outcomes.push_back(outcome);
        let drops = Rc::default();
        let call = calling(&drops, true);
        let task = host.start(returning(async move {
            assert!(catch_unwind(AssertUnwindSafe(|| call.start())).is_err());
        }));
        assert!(host.exited(task));
        assert_eq!(host.calls("[subtask-cancel]"), cancelled);
        assert_eq!((host.handles(), drops.get()), (0, 1));
    }
}

type Kept = Rc<RefCell<Option<Call<DropsItsCall, u32>>>>;

/// A parameter that drops the call which it is one of.
struct DropsItsCall {
    call: Kept,
    /// Is dropped afterwards.
    after: Box<u32>,
}

impl Drop for DropsItsCall {
    fn drop(&mut self) {
        let call = self.call.take();
        drop(call);
        *self.after += 1;
    }
}

unsafe fn start_kept(_: &DropsItsCall, area: *mut u8) -> u32 {
    unsafe { import(77, area) }
}

static KEPT: CallVtable<DropsItsCall, u32> = CallVtable::plain(4, start_kept, lift);

#[test]
fn a_parameter_may_drop_its_call() {
    // With the event that says that parameters were read, and with the one that has the result as well.
    for (state, cancelled) in [(1, 1), (2, 0)] {
        let host = Fake::new();
        host.state.borrow_mut().outcomes.push_back(Outcome::Starting);
        let kept = Kept::default();
        let (param, polled) = (kept.clone(), kept.clone());
        let after = Box::new(0);
        *kept.borrow_mut() = Some(call(&KEPT, DropsItsCall { call: param, after }));
        let task = host.start(returning(poll_fn(move |cx| {
            let Some(mut call) = polled.take() else {
                return Poll::Ready(());
            };
            assert_eq!(pin!(&mut call).poll(cx), Poll::Pending);
            polled.replace(Some(call));
            Poll::Pending
        })));
        host.resolve(1, state, 5);
        if state == 1 {
            host.on_cancel(1, 4, 0);
        }
        host.run(task);
        assert!(kept.borrow().is_none());
        assert_eq!(host.calls("[subtask-cancel]"), cancelled);
        // Nobody has woken the root when the call was dropped first: its set is left.
        assert_eq!(
            (host.exited(task), host.handles()),
            (state == 2, usize::from(state == 1))
        );
    }
}

#[test]
fn a_call_that_was_never_made_drops_its_parameters() {
    let drops = Rc::default();
    drop(calling(&drops, false));
    assert_eq!(drops.get(), 1);
}
