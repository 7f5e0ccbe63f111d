//! Both ends of a future: every state, what the peer does, every way to end. A value arrives once or comes back, whoever
//! waits gets the value or the default, and no handle stays.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::flag::Flag;
use fake::futures::{DROPPED, Value, lower_now, reader, value, writer};
use fake::tasks::{TaskId, returning};
use std::cell::RefCell;
use std::future::poll_fn;
use std::mem::forget;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use witflow_async_rt::rt::{self, FutureReader, FutureWriteCancel};

/// How the future of a read or write ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Drop,
    Cancel,
    Forget,
    Await,
    /// Another future of the task awaits it.
    AwaitElsewhere,
    /// Only of a reader: it is passed on.
    PassOn,
}

/// When the peer does what it does, to which an end of the guest may answer with an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    /// Before anything is in flight.
    First,
    /// With the operation in flight, if it is; the event is delivered before the end.
    Delivered,
    /// The same, but the task is cancelled before the event is delivered.
    Undelivered,
    /// After the end.
    Late,
    Never,
}

const WHEN: [When; 5] = [When::First, When::Delivered, When::Undelivered, When::Late, When::Never];

#[derive(Clone, Copy, Debug)]
struct Case {
    polled: bool,
    when: When,
    /// The peer goes away instead of writing or reading: only a reader may.
    leaves: bool,
    end: End,
}

fn each_case(ends: &[End], leaves: &[bool], mut check: impl FnMut(Case)) {
    for polled in [false, true] {
        for when in WHEN {
            for (end, leaves) in ends.iter().flat_map(|end| leaves.iter().map(|leaves| (*end, *leaves))) {
                let is_await = matches!(end, End::Await | End::AwaitElsewhere);
                // Who waits is cancelled when the task is, and waits for ever for who never comes.
                if !(is_await && matches!(when, When::Undelivered | When::Never)) {
                    check(Case {
                        polled,
                        when,
                        leaves,
                        end,
                    });
                }
            }
        }
    }
}

/// Runs the task through the case. `act` is what the peer does.
fn play(host: &Fake, case: Case, act: &dyn Fn(), body: impl FnOnce(Flag) -> TaskId) -> TaskId {
    if case.when == When::First {
        act();
    }
    let go = Flag::default();
    let task = body(go.clone());
    if matches!(case.when, When::Delivered | When::Undelivered) {
        act();
    }
    if case.when == When::Undelivered {
        host.cancel(task);
    } else {
        host.run(task);
        host.enter(|| go.raise());
    }
    host.run(task);
    if case.when == When::Late {
        act();
        host.run(task);
    }
    task
}

/// Polls once, if the case says so; answers whether that was enough.
async fn polled_once<F: Future + Unpin>(future: &mut F, case: Case) -> bool {
    case.polled
        && poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx)))
            .await
            .is_ready()
}

async fn read(reader: FutureReader<Value>, case: Case, go: Flag, passed: Rc<RefCell<Option<u32>>>) {
    if case.end == End::PassOn {
        let mut reader = reader;
        // The read that was begun is dropped; what it brings stays with the reader.
        if !polled_once(&mut (&mut reader).into_future(), case).await {
            go.wait().await;
            *passed.borrow_mut() = Some(lower_now(&reader));
        }
        return;
    }
    let mut read = reader.into_future();
    if polled_once(&mut read, case).await {
        return;
    }
    let mut held = Some(read);
    let ended = Guard(|| {
        if let Some(mut read) = held.take() {
            match case.end {
                End::Forget => forget(read),
                End::Cancel => drop(Pin::new(&mut read).cancel()),
                _ => drop(read),
            }
        }
    });
    go.wait().await;
    if !matches!(case.end, End::Await | End::AwaitElsewhere) {
        return;
    }
    forget(ended);
    let read = held.take().unwrap();
    match case.end {
        End::Await => drop(read.await),
        _ => drop(rt::spawn(read).await),
    }
}

/// Calls a function when it is dropped.
struct Guard<F: FnMut()>(F);

impl<F: FnMut()> Drop for Guard<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn run_reader(case: Case) -> (Fake, u32) {
    let host = Fake::new();
    let (reader, peer) = reader(&host);
    let sent = std::cell::Cell::new(0);
    // A peer that writes while nobody reads waits, which this host has no word for: it tries again.
    let write = || {
        if sent.get() == 0 && !peer.alone() {
            sent.set(peer.write(&5u32.to_ne_bytes()) as u32);
        }
    };
    let passed = Rc::new(RefCell::new(None));
    let out = passed.clone();
    let task = play(&host, case, &write, |go| {
        host.start(returning(read(reader, case, go, out)))
    });
    if case.when != When::Never {
        write();
        host.run(task);
    }
    let handle = passed.take();
    if let Some(handle) = handle {
        let next = host.take_reader(handle);
        write();
        if sent.get() == 1 || case.when == When::Never {
            let got = next.read(1);
            assert_eq!(got.len(), 4 * sent.get() as usize, "{case:?}");
        }
        next.leave();
        host.run(task);
    }
    assert!(host.exited(task), "{case:?}");
    let sent = sent.get();
    (host, sent)
}

#[test]
fn ending_a_read_at_any_point_loses_nothing() {
    let ends = [End::Drop, End::Cancel, End::Await, End::AwaitElsewhere];
    each_case(&ends, &[false], |case| {
        let (host, sent) = run_reader(case);
        let expected: &[u32] = if sent == 1 { &[5] } else { &[] };
        assert_eq!(DROPPED.take(), expected, "{case:?}");
        assert_eq!(host.handles(), 0, "{case:?}");
    });
}

#[test]
fn a_reader_is_passed_on_in_any_state() {
    each_case(&[End::PassOn], &[false], |case| {
        let (host, _) = run_reader(case);
        // A value that had arrived went on, and left its handle; or the reader was dropped with it.
        assert!(matches!(DROPPED.take()[..], [] | [0] | [5]), "{case:?}");
        assert_eq!(host.handles(), 0, "{case:?}");
    });
}

#[test]
fn forgetting_a_read_at_any_point_breaks_nothing() {
    each_case(&[End::Forget], &[false], |case| {
        let (host, sent) = run_reader(case);
        let dropped = DROPPED.take();
        assert!(dropped.is_empty() || (dropped == [5] && sent == 1), "{case:?}");
        assert!(host.handles() <= 1, "{case:?}");
    });
}

/// Begins to write a value, or not, and ends that.
async fn write(writer: rt::FutureWriter<Value>, case: Case, go: Flag) {
    let mut write = writer.write(value(7));
    if polled_once(&mut write, case).await {
        return;
    }
    let mut held = Some(write);
    let ended = Guard(|| {
        if let Some(mut write) = held.take() {
            match case.end {
                End::Forget => forget(write),
                End::Cancel => match Pin::new(&mut write).cancel() {
                    FutureWriteCancel::AlreadySent => {}
                    FutureWriteCancel::Dropped(back) => assert_eq!(back.0.get(), 7),
                    FutureWriteCancel::Cancelled(back, writer) => {
                        assert_eq!(back.0.get(), 7);
                        drop(writer);
                    }
                },
                _ => drop(write),
            }
        }
    });
    go.wait().await;
    if !matches!(case.end, End::Await | End::AwaitElsewhere) {
        return;
    }
    forget(ended);
    let write = held.take().unwrap();
    let written = match case.end {
        End::Await => write.await,
        _ => rt::spawn(write).await.unwrap(),
    };
    if let Err(error) = written {
        assert_eq!(error.value.0.get(), 7);
    }
}

/// What the reader got.
fn run_writer(case: Case) -> (Fake, Option<u32>) {
    let host = Fake::new();
    let (writer, peer) = writer(&host);
    let got = std::cell::Cell::new(None);
    let gone = std::cell::Cell::new(false);
    let act = || {
        if case.leaves {
            gone.set(true);
            peer.leave();
        } else if got.get().is_none() {
            let bytes = peer.read(1);
            got.set(bytes.try_into().ok().map(u32::from_ne_bytes));
        }
    };
    let task = play(&host, case, &act, |go| host.start(returning(write(writer, case, go))));
    if !gone.get() {
        // In the end the reader reads.
        for _ in 0..2 {
            if got.get().is_none() {
                let bytes = peer.read(1);
                got.set(bytes.try_into().ok().map(u32::from_ne_bytes));
            }
            host.run(task);
        }
        if got.get().is_none() {
            peer.leave();
        }
    }
    host.run(task);
    assert!(host.exited(task), "{case:?}");
    let got = got.get();
    (host, got)
}

#[test]
fn ending_a_write_at_any_point_loses_nothing() {
    let ends = [End::Drop, End::Cancel, End::Await, End::AwaitElsewhere];
    each_case(&ends, &[false, true], |case| {
        let (host, got) = run_writer(case);
        let mut dropped = DROPPED.take();
        dropped.sort_unstable();
        // What was sent has left its handle, and what was not still has it. A default may be made in vain.
        match got {
            Some(7) => assert_eq!(dropped, [0], "{case:?}"),
            Some(99) => assert_eq!(dropped, [0, 7], "{case:?}"),
            Some(other) => panic!("{other} came out of {case:?}"),
            None => {
                assert!(case.leaves, "the reader got nothing in {case:?}");
                assert!(dropped == [7] || dropped == [7, 99], "{dropped:?} in {case:?}");
            }
        }
        assert_eq!(host.handles(), 0, "{case:?}");
    });
}

#[test]
fn forgetting_a_write_at_any_point_breaks_nothing() {
    each_case(&[End::Forget], &[false, true], |case| {
        let (host, got) = run_writer(case);
        // A write that is in flight goes on; one that never began is not made up for.
        assert!(matches!(got, None | Some(7)), "{case:?}");
        let reads = !case.leaves || case.when == When::Never;
        assert_eq!(got.is_some(), case.polled && reads, "{case:?}");
        assert!(host.handles() <= 1, "{case:?}");
        DROPPED.take();
    });
}
