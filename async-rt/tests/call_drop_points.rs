//! Every state of a call, every event, every way to end it: parameters and result are dropped once, handles come back exactly
//! when the host has not read them, and no handle of the call itself stays.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::flag::Flag;
use fake::tasks::returning;
use fake::{Entry, Fake, Outcome};
use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::forget;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use witflow_async_rt::rt::{self, Call, CallVtable, Cleanup, HandleCell, call};

rt::import!("test", "[async-lower]call", fn import(argument: u32, result: *mut u8) -> u32);

thread_local! {
    static DROPPED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn note(what: &str, number: u32) {
    DROPPED.with_borrow_mut(|dropped| dropped.push(format!("{what} {number}")));
}

/// A parameter: the handle it still has when it is dropped is noted.
struct Parameter(HandleCell);

impl Drop for Parameter {
    fn drop(&mut self) {
        note("parameter", self.0.get());
    }
}

/// A result, noted when it is dropped.
struct Output(u32);

impl Drop for Output {
    fn drop(&mut self) {
        note("result", self.0);
    }
}

unsafe fn start(parameter: &Parameter, area: *mut u8, cleanup: &mut Cleanup) -> u32 {
    unsafe {
        cleanup.alloc(3, 1).write_bytes(7, 3);
        import(parameter.0.lower(cleanup), area)
    }
}

static VTABLE: CallVtable<Parameter, Output> =
    CallVtable::new(4, start, |area| unsafe { Output(area.cast::<u32>().read()) });

type TestCall = Call<Parameter, Output>;

const HANDLE: u32 = 77;
const RESULT: u32 = 5;

/// How the call is made before something happens to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Made {
    Not,
    Started,
    Polled,
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Drop,
    Cancel,
    Forget,
    /// It is awaited, after all.
    Await,
    /// Another future of the task awaits it.
    AwaitElsewhere,
}

/// Where that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// In the task, which has seen all events by then.
    Task,
    /// Outside of any task, before the last event is delivered.
    Outside,
    /// In the task as it is cancelled, before the last event is delivered.
    Cancellation,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    made: Made,
    /// What the host answers to the call: a state.
    answer: u32,
    /// The states it reports later.
    events: &'static [u32],
    /// The state in which a cancellation finds the call, if it has not returned.
    on_cancel: u32,
    end: End,
    place: Place,
}

/// Which states the host may report after it answered with the first.
const COURSES: &[(u32, &[u32])] = &[
    (0, &[]),
    (0, &[1]),
    (0, &[2]),
    (0, &[1, 2]),
    (1, &[]),
    (1, &[2]),
    (2, &[]),
];

/// Calls `check` with every case that ends in one of these ways. Miri has time for few.
fn each_case(ends: &[End], mut check: impl FnMut(Case)) {
    let mut number = 0u32;
    for made in [Made::Not, Made::Started, Made::Polled] {
        for (answer, events) in COURSES.iter().copied() {
            let state = events.last().copied().unwrap_or(answer);
            // The host may have read the parameters, or may have returned, when the cancellation gets there.
            let on_cancel: &[u32] = match state {
                0 => &[2, 3, 4],
                1 => &[2, 4],
                _ => &[2],
            };
            for (end, on_cancel) in ends.iter().flat_map(|end| on_cancel.iter().map(|state| (*end, *state))) {
                for place in [Place::Task, Place::Outside, Place::Cancellation] {
                    let cancels = matches!(end, End::Drop | End::Cancel) && made != Made::Not;
                    let is_await = matches!(end, End::Await | End::AwaitElsewhere);
                    if (!cancels && on_cancel != 2) || (is_await && place != Place::Task) {
                        continue;
                    }
                    number += 1;
                    if cfg!(miri) && !number.is_multiple_of(11) {
                        continue;
                    }
                    check(Case {
                        made,
                        answer,
                        events,
                        on_cancel,
                        end,
                        place,
                    });
                }
            }
        }
    }
}

/// A call that something else than its task may get hold of.
type Shared = Rc<RefCell<Option<TestCall>>>;

fn end(call: TestCall, how: End) {
    match how {
        End::Forget => forget(call),
        End::Cancel => {
            let mut cancel = pin!(call.cancel());
            let done = cancel.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(done.is_ready(), "a cancellation is waited for where it is made");
        }
        End::Drop | End::Await | End::AwaitElsewhere => drop(call),
    }
}

/// Ends the call when it is dropped.
struct Guard(Shared, End);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            end(call, self.1);
        }
    }
}

async fn body(shared: Shared, case: Case, go: Flag) {
    if case.made == Made::Started {
        let call = shared.take().unwrap().start();
        *shared.borrow_mut() = Some(call);
    }
    if case.made == Made::Polled {
        let mut call = shared.take().unwrap();
        if poll_fn(|cx| Poll::Ready(Pin::new(&mut call).poll(cx)))
            .await
            .is_pending()
        {
            *shared.borrow_mut() = Some(call);
        }
    }
    let guard = (case.place == Place::Cancellation).then(|| Guard(shared.clone(), case.end));
    go.wait().await;
    drop(guard);
    let Some(call) = shared.take() else { return };
    match case.end {
        End::Await => drop(call.await),
        End::AwaitElsewhere => drop(rt::spawn(call).await),
        how => end(call, how),
    }
    // The handle of the first call is free: another call gets it.
    drop(call_next().await);
}

fn new_call() -> TestCall {
    call(&VTABLE, Parameter(HandleCell::new(HANDLE)))
}

fn call_next() -> TestCall {
    call(&VTABLE, Parameter(HandleCell::new(HANDLE + 1)))
}

fn outcome(state: u32) -> Outcome {
    match state {
        0 => Outcome::Starting,
        1 => Outcome::Started,
        _ => Outcome::Returned(RESULT),
    }
}

fn is_subtask(host: &Fake, handle: u32) -> bool {
    matches!(
        host.state.borrow().entries.get(handle as usize),
        Some(Some(Entry::Subtask(_)))
    )
}

/// The numbers of the calls in flight.
fn subtasks(host: &Fake) -> Vec<u32> {
    let count = host.state.borrow().entries.len() as u32;
    (1..count).filter(|handle| is_subtask(host, *handle)).collect()
}

/// Whether the host reports states of the call: it is in flight.
fn is_in_flight(case: Case) -> bool {
    case.made != Made::Not && case.answer != 2
}

/// Delivers the events of the first call, but for one if it is to be undelivered.
fn let_happen(host: &Fake, task: fake::tasks::TaskId, case: Case) {
    if !is_in_flight(case) {
        return;
    }
    let subtask = subtasks(host)[0];
    host.on_cancel(subtask, case.on_cancel, RESULT);
    for (index, state) in case.events.iter().enumerate() {
        host.resolve(subtask, *state, RESULT);
        if case.place == Place::Task || index + 1 < case.events.len() {
            host.run(task);
        }
    }
}

/// Reports the return of whatever is in flight, until nothing is.
fn finish(host: &Fake, task: fake::tasks::TaskId) {
    for _ in 0..4 {
        host.run(task);
        for subtask in subtasks(host) {
            host.resolve(subtask, 2, RESULT);
        }
    }
    host.run(task);
}

fn run(case: Case) -> Fake {
    DROPPED.take();
    let host = Fake::new();
    if case.made != Made::Not || matches!(case.end, End::Await | End::AwaitElsewhere) {
        host.state.borrow_mut().outcomes.push_back(outcome(case.answer));
    }
    host.state.borrow_mut().outcomes.push_back(Outcome::Started);
    let shared: Shared = Rc::new(RefCell::new(Some(new_call())));
    let go = Flag::default();
    let task = host.start(returning(body(shared.clone(), case, go.clone())));
    let_happen(&host, task, case);
    match case.place {
        Place::Task => {}
        Place::Outside => host.enter(|| {
            if let Some(call) = shared.take() {
                end(call, case.end);
            }
        }),
        Place::Cancellation => host.cancel(task),
    }
    host.enter(|| go.raise());
    finish(&host, task);
    assert!(host.exited(task), "{case:?}");
    host
}

/// What has to be dropped, in whatever order: of the first call, and of the one after it.
fn expected(case: Case) -> Vec<String> {
    let mut expected = Vec::new();
    let returned_at_once = case.made == Made::Polled && case.answer == 2;
    let is_await = matches!(case.end, End::Await | End::AwaitElsewhere);
    let state = case.events.last().copied().unwrap_or(case.answer);
    let end = match case.made {
        Made::Not if !is_await => None,
        _ if is_await || state == 2 || returned_at_once => Some(2),
        _ => Some(case.on_cancel),
    };
    let handle = if matches!(end, None | Some(3)) { HANDLE } else { 0 };
    expected.push(format!("parameter {handle}"));
    if end == Some(2) {
        expected.push(format!("result {RESULT}"));
    }
    // A task that has lost its call to someone else, or to its cancellation, makes no other.
    if case.place == Place::Task && !returned_at_once {
        expected.push("parameter 0".to_owned());
        expected.push(format!("result {RESULT}"));
    }
    expected.sort();
    expected
}

#[test]
fn ending_a_call_at_any_point_loses_nothing() {
    each_case(&[End::Drop, End::Cancel, End::Await, End::AwaitElsewhere], |case| {
        let host = run(case);
        let mut dropped = DROPPED.take();
        dropped.sort();
        assert_eq!(dropped, expected(case), "{case:?}");
        assert_eq!(host.handles(), 0, "{case:?}");
    });
}

#[test]
fn forgetting_a_call_at_any_point_breaks_nothing() {
    each_case(&[End::Forget], |case| {
        let host = run(case);
        let dropped = DROPPED.take();
        let results = dropped.iter().filter(|what| what.starts_with("result")).count();
        // The call after it is not disturbed. Of the forgotten one at most the handle stays.
        let others = usize::from(case.place == Place::Task || (case.made == Made::Polled && case.answer == 2));
        assert_eq!(results, others, "{case:?}");
        assert!(host.handles() <= 1, "{case:?}");
    });
}
