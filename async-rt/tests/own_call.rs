//! A task keeps one call that its root awaits by itself, and the others in the table of the instance. Which is where makes no difference,
//! whatever becomes of them.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::flag::Flag;
use fake::tasks::{TaskId, returning};
use fake::{Fake, Outcome};
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use witflow_async_rt::rt::{self, Call, CallVtable, call};

rt::import!("test", "[async-lower]call", fn import(argument: u32, result: *mut u8) -> u32);

thread_local! {
    /// The handle of each call.
    static HANDLES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

unsafe fn start(params: &(u32,), area: *mut u8) -> u32 {
    let status = unsafe { import(params.0, area) };
    HANDLES.with_borrow_mut(|handles| handles.push(status >> 4));
    status
}

static VTABLE: CallVtable<(u32,), u32> = CallVtable::plain(4, start, |area| unsafe { area.cast::<u32>().read() });

/// What becomes of a call after the root has polled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The root awaits it.
    Awaited,
    /// A spawned future of the same task does.
    Spawned,
    /// Another task does.
    Elsewhere,
    Dropped,
    Forgotten,
}

/// Those after which nothing is left behind.
const FATES: [Fate; 4] = [Fate::Awaited, Fate::Spawned, Fate::Elsewhere, Fate::Dropped];

type Pending = Pin<Box<Call<(u32,), u32>>>;
type Results = Rc<RefCell<Vec<u32>>>;

/// Polls all calls until none is left, and notes what they return.
async fn all(mut calls: Vec<Pending>, results: Results) {
    poll_fn(|cx| {
        calls.retain_mut(|call| match call.as_mut().poll(cx) {
            Poll::Ready(result) => {
                results.borrow_mut().push(result);
                false
            }
            Poll::Pending => true,
        });
        if calls.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// A task that awaits what it is given when the flag is raised.
fn other_task(host: &Fake, given: &Rc<RefCell<Vec<Pending>>>, results: &Results) -> (TaskId, Flag) {
    let (flag, given, results) = (Flag::default(), given.clone(), results.clone());
    let raised = flag.clone();
    let task = host.start(returning(async move {
        raised.wait().await;
        let calls = given.take();
        all(calls, results).await;
    }));
    (task, flag)
}

fn check(fates: &[Fate], order: &[usize]) {
    let host = Fake::new();
    HANDLES.take();
    let outcomes = fates.iter().map(|_| Outcome::Started);
    host.state.borrow_mut().outcomes.extend(outcomes);
    let (given, results) = (Rc::default(), Results::default());
    let (other, flag) = other_task(&host, &given, &results);
    let (theirs, kinds, raise) = (results.clone(), fates.to_vec(), flag);
    let task = host.start(returning(async move {
        let mut calls: Vec<Pending> = (0..kinds.len())
            .map(|index| Box::pin(call(&VTABLE, (index as u32,))))
            .collect();
        poll_fn(|cx| {
            assert!(calls.iter_mut().all(|call| pin!(call).poll(cx).is_pending()));
            Poll::Ready(())
        })
        .await;
        let mut mine = Vec::new();
        for (call, fate) in calls.into_iter().zip(kinds) {
            match fate {
                Fate::Awaited => mine.push(call),
                Fate::Spawned => drop(rt::spawn(all(vec![call], theirs.clone()))),
                Fate::Elsewhere => given.borrow_mut().push(call),
                Fate::Dropped => drop(call),
                Fate::Forgotten => std::mem::forget(call),
            }
        }
        raise.raise();
        all(mine, theirs).await;
    }));
    finish(&host, [task, other], fates, order);
    let forgotten = fates.iter().filter(|fate| **fate == Fate::Forgotten).count();
    let mut results = results.take();
    results.sort_unstable();
    let expected = |(index, fate): (usize, &Fate)| match fate {
        Fate::Awaited | Fate::Spawned | Fate::Elsewhere => Some(100 + index as u32),
        Fate::Dropped | Fate::Forgotten => None,
    };
    let expected: Vec<u32> = fates.iter().enumerate().filter_map(expected).collect();
    assert_eq!(results, expected, "{fates:?} {order:?}");
    assert!(host.handles() <= forgotten, "{fates:?} {order:?}");
}

/// Lets the calls return in this order, and the tasks end.
fn finish(host: &Fake, tasks: [TaskId; 2], fates: &[Fate], order: &[usize]) {
    let handles = HANDLES.take();
    let run = || tasks.into_iter().for_each(|task| host.run(task));
    run();
    for index in order {
        if fates[*index] != Fate::Dropped {
            host.resolve(handles[*index], 2, 100 + *index as u32);
        }
        run();
    }
    assert!(tasks.into_iter().all(|task| host.exited(task)), "{fates:?} {order:?}");
}

#[test]
fn one_call() {
    for fate in FATES {
        check(&[fate], &[0]);
    }
}

#[test]
fn two_calls() {
    for first in FATES {
        for second in FATES {
            check(&[first, second], &[0, 1]);
            check(&[first, second], &[1, 0]);
        }
    }
}

#[test]
fn three_calls() {
    for first in FATES {
        for second in FATES {
            for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                check(&[first, second, Fate::Awaited], &order);
            }
        }
    }
}

#[test]
fn a_call_that_is_forgotten_beside_others() {
    check(&[Fate::Forgotten], &[0]);
    for fate in FATES {
        check(&[Fate::Forgotten, fate], &[0, 1]);
        check(&[Fate::Forgotten, fate], &[1, 0]);
        check(&[fate, Fate::Forgotten], &[0, 1]);
        check(&[fate, Fate::Forgotten], &[1, 0]);
    }
    check(&[Fate::Forgotten, Fate::Forgotten, Fate::Awaited], &[1, 2, 0]);
}
