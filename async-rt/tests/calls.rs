//! Calls of an asynchronous import, in every state they can be in when something happens to them.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::tasks::returning;
use fake::{Fake, Outcome};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use witflow_async_rt::rt::{self, Call, CallVtable, Cleanup, HandleCell, call};

rt::import!("test", "[async-lower]call", fn import(argument: u32, result: *mut u8) -> u32);
/// A parameter with a handle in it, which counts what becomes of it.
struct Owned {
    handle: HandleCell,
    drops: Rc<RefCell<Vec<u32>>>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.drops.borrow_mut().push(self.handle.get());
    }
}

unsafe fn start(owned: &Owned, area: *mut u8, cleanup: &mut Cleanup) -> u32 {
    let list = cleanup.alloc(3, 1);
    unsafe {
        list.write_bytes(7, 3);
        let handle = owned.handle.lower(cleanup);
        import(handle, area)
    }
}

static VTABLE: CallVtable<Owned, Output> =
    CallVtable::new(4, start, |area| unsafe { Output(area.cast::<u32>().read()) });

thread_local! {
    static RESULTS: Cell<i32> = const { Cell::new(0) };
}

/// A result that counts how many of it exist.
#[derive(Debug, PartialEq)]
struct Output(u32);

impl Drop for Output {
    fn drop(&mut self) {
        RESULTS.set(RESULTS.get() + 1);
    }
}

struct Case {
    host: Fake,
    drops: Rc<RefCell<Vec<u32>>>,
}

impl Case {
    fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Case {
        let host = Fake::new();
        host.state.borrow_mut().outcomes.extend(outcomes);
        RESULTS.set(0);
        Case {
            host,
            drops: Rc::default(),
        }
    }

    fn call(&self) -> Call<Owned, Output> {
        call(
            &VTABLE,
            Owned {
                handle: HandleCell::new(77),
                drops: self.drops.clone(),
            },
        )
    }

    /// Which handle each dropped parameter still had.
    #[track_caller]
    fn check_drops(&self, expected: &[u32]) {
        assert_eq!(*self.drops.borrow(), expected);
    }
}

#[test]
fn nothing_happens_before_the_first_poll() {
    let case = Case::new([]);
    drop(case.host.enter(|| case.call()));
    case.check_drops(&[77]);
    assert_eq!(case.host.calls(""), 0);
}

#[test]
fn ready_at_once_needs_no_set_and_no_context() {
    let case = Case::new([Outcome::Returned(5)]);
    let call = case.call();
    let task = case
        .host
        .start(returning(async move { assert_eq!(call.await, Output(5)) }));
    assert!(case.host.exited(task));
    case.check_drops(&[0]);
    assert_eq!(case.host.state.borrow().arguments, [77]);
    assert_eq!(case.host.calls(""), 2, "the call and task.return, nothing else");
    assert_eq!(case.host.handles(), 0);
}

#[test]
fn starting_then_started_then_returned() {
    let case = Case::new([Outcome::Starting]);
    let call = case.call();
    let task = case
        .host
        .start(returning(async move { assert_eq!(call.await, Output(9)) }));
    assert!(!case.host.step(task), "there is no event yet");
    case.check_drops(&[]);
    case.host.resolve(1, 1, 0);
    case.host.run(task);
    case.check_drops(&[0]);
    case.host.resolve(1, 2, 9);
    case.host.run(task);
    assert!(case.host.exited(task));
    assert_eq!(RESULTS.get(), 2, "the lifted result and the expected one");
    assert_eq!(case.host.handles(), 0);
    assert_eq!(case.host.calls("waitable-join"), 1, "the first registration was enough");
}

#[test]
fn starting_then_returned_in_one_event() {
    let case = Case::new([Outcome::Starting]);
    let call = case.call();
    let task = case
        .host
        .start(returning(async move { assert_eq!(call.await, Output(9)) }));
    case.host.resolve(1, 2, 9);
    case.host.run(task);
    assert!(case.host.exited(task));
    case.check_drops(&[0]);
    assert_eq!(case.host.handles(), 0);
}

/// Runs a call that blocks, drops it after `events` were delivered, and says what the host answers to the cancel.
#[track_caller]
fn drop_pending(outcome: Outcome, events: &[u32], cancel: Option<(u32, u32)>, drops: &[u32], results: i32) {
    let case = Case::new([outcome]);
    let call = case.call();
    let task = case.host.start(returning(async move {
        call.await;
        unreachable!("the call is dropped before it returns");
    }));
    for state in events {
        case.host.resolve(1, *state, 4);
    }
    if let Some((state, result)) = cancel {
        case.host.on_cancel(1, state, result);
    }
    case.host.cancel(task);
    case.host.run(task);
    assert!(case.host.exited(task));
    case.check_drops(drops);
    assert_eq!(RESULTS.get(), results);
    assert_eq!(case.host.handles(), 0);
    assert_eq!(case.host.calls("[task-cancel]"), 1);
}

#[test]
fn cancelled_before_it_started_gives_the_handle_back() {
    drop_pending(Outcome::Starting, &[], Some((3, 0)), &[77], 0);
}

#[test]
fn cancelled_after_it_started_has_lost_the_handle() {
    drop_pending(Outcome::Started, &[], Some((4, 0)), &[0], 0);
}

#[test]
fn started_in_the_meantime_then_cancelled() {
    drop_pending(Outcome::Starting, &[], Some((4, 0)), &[0], 0);
}

#[test]
fn cancelled_but_it_returns_anyway() {
    drop_pending(Outcome::Started, &[], Some((2, 6)), &[0], 1);
    drop_pending(Outcome::Starting, &[], Some((2, 6)), &[0], 1);
}

#[test]
fn cancelled_with_an_undelivered_return() {
    drop_pending(Outcome::Started, &[2], None, &[0], 1);
}

#[test]
fn cancelled_with_an_undelivered_start() {
    drop_pending(Outcome::Starting, &[1], Some((4, 0)), &[0], 0);
}

#[test]
fn dropped_after_the_return_was_delivered_drops_the_result() {
    let case = Case::new([Outcome::Started]);
    let mut call = Some(case.call());
    let task = case.host.start(returning(async move {
        // The first poll makes the call; the second, after the event, drops it.
        let mut polled = false;
        std::future::poll_fn(|cx| {
            if polled {
                call = None;
                return Poll::Ready(());
            }
            polled = true;
            assert!(pin!(call.as_mut().unwrap()).poll(cx).is_pending());
            Poll::Pending
        })
        .await;
    }));
    case.host.resolve(1, 2, 8);
    case.host.run(task);
    assert!(case.host.exited(task));
    assert_eq!(RESULTS.get(), 1);
    assert_eq!(case.host.handles(), 0);
}

#[test]
fn forgotten_calls_leak_but_do_not_break() {
    let case = Case::new([Outcome::Starting, Outcome::Returned(3)]);
    let (forgotten, next) = (case.call(), case.call());
    let task = case.host.start(returning(async move {
        let mut forgotten = Box::pin(forgotten);
        std::future::poll_fn(|cx| {
            assert!(forgotten.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        std::mem::forget(forgotten);
        assert_eq!(next.await, Output(3));
    }));
    assert!(case.host.exited(task), "nobody waits for the forgotten call any more");
    // It is out of the task's set, and its late events hit nobody.
    case.host.resolve(1, 2, 0);
    assert_eq!(case.host.handles(), 1);
}

#[test]
fn many_calls_in_flight_return_in_any_order() {
    const N: u32 = 40;
    let case = Case::new((0..N).map(|_| Outcome::Started));
    let calls: Vec<_> = (0..N).map(|_| case.call()).collect();
    let sum = Rc::new(Cell::new(0));
    let total = sum.clone();
    let task = case.host.start(returning(async move {
        for call in calls {
            let sum = sum.clone();
            rt::spawn(async move {
                let output = call.await.0;
                sum.set(sum.get() + output);
            });
        }
    }));
    assert!(!case.host.exited(task));
    let subtasks: Vec<u32> = (1..=N + 1).filter(|handle| case.is_subtask(*handle)).collect();
    assert_eq!(subtasks.len(), N as usize);
    for subtask in subtasks.iter().rev() {
        case.host.resolve(*subtask, 2, *subtask);
    }
    case.host.run(task);
    assert!(case.host.exited(task));
    assert_eq!(total.get(), subtasks.iter().sum::<u32>());
    assert_eq!(case.host.handles(), 0);
}

impl Case {
    fn is_subtask(&self, handle: u32) -> bool {
        matches!(
            self.host.state.borrow().entries[handle as usize],
            Some(fake::Entry::Subtask(_))
        )
    }
}

#[test]
#[should_panic(expected = "no task is running here")]
fn waiting_without_a_task_says_so() {
    let case = Case::new([Outcome::Started]);
    case.host.enter(|| {
        let mut call = pin!(case.call());
        let _ = call
            .as_mut()
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    });
}
