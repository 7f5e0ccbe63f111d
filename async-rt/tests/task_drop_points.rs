//! Every state of a task, every three events, every way to treat what it has spawned: each future is dropped once, the task
//! resolves once, ends when nothing keeps it, and leaves no handle.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::flag::Flag;
use fake::streams::bytes;
use fake::tasks::returning;
use std::cell::Cell;
use std::rc::Rc;
use witflow_async_rt::async_support::{JoinHandle, StreamReader, shield, spawn, yield_now};

/// What the task's own future does before it is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Root {
    Returns,
    Yields,
    Waits,
    /// It waits behind a shield.
    Shields,
}

/// What the spawned one does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Spawned {
    Yields,
    Waits,
    Reads,
}

/// What becomes of its handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Handle {
    Dropped,
    Cancelled,
    Forgotten,
    Awaited,
    /// It is cancelled after what the root does.
    CancelledLate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Nothing,
    WakeRoot,
    WakeSpawned,
    Item,
    Cancel,
    /// Of a waitable that nobody knows.
    Stray,
}

const ROOTS: [Root; 4] = [Root::Returns, Root::Yields, Root::Waits, Root::Shields];
const SPAWNED: [Spawned; 3] = [Spawned::Yields, Spawned::Waits, Spawned::Reads];
/// All but one, which leaks.
const HANDLES: &[Handle] = &[
    Handle::Dropped,
    Handle::Cancelled,
    Handle::Awaited,
    Handle::CancelledLate,
];
const EVENTS: [Event; 6] = [
    Event::Nothing,
    Event::WakeRoot,
    Event::WakeSpawned,
    Event::Item,
    Event::Cancel,
    Event::Stray,
];

#[derive(Clone, Copy, Debug)]
struct Case {
    root: Root,
    spawned: Spawned,
    handle: Handle,
    events: [Event; 3],
}

/// Counts how often it is dropped.
#[derive(Clone)]
struct Drops(Rc<Cell<u32>>);

struct Counted(Drops);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() + 1);
    }
}

async fn spawned(case: Case, mut reader: StreamReader<u8>, go: Flag, _counted: Counted) -> u8 {
    match case.spawned {
        Spawned::Yields => yield_now().await,
        Spawned::Waits => go.wait().await,
        Spawned::Reads => drop(reader.next().await),
    }
    7
}

async fn treat(case: Case, mut handle: JoinHandle<u8>, go: Flag) {
    match case.handle {
        Handle::Dropped => drop(handle),
        Handle::Forgotten => std::mem::forget(handle),
        Handle::Cancelled => {
            handle.cancel();
            assert!(handle.is_finished());
            assert!(handle.await.is_none());
        }
        Handle::Awaited => assert_eq!(handle.await, Some(7)),
        Handle::CancelledLate => {
            own(case, go).await;
            let was_finished = handle.is_finished();
            handle.cancel();
            assert_eq!(handle.await.is_some(), was_finished);
            return;
        }
    }
    own(case, go).await;
}

async fn own(case: Case, go: Flag) {
    match case.root {
        Root::Returns => {}
        Root::Yields => yield_now().await,
        Root::Waits => go.wait().await,
        Root::Shields => shield(go.wait()).await,
    }
}

fn run(case: Case) -> Fake {
    let host = Fake::new();
    let (reader, peer) = bytes(&host);
    let (root_flag, spawned_flag) = (Flag::default(), Flag::default());
    let (root_drops, spawned_drops) = (Drops(Rc::default()), Drops(Rc::default()));
    let (flags, counts) = (
        (root_flag.clone(), spawned_flag.clone()),
        (root_drops.clone(), spawned_drops.clone()),
    );
    let task = host.start(returning(async move {
        let _counted = Counted(counts.0);
        let handle = spawn(spawned(case, reader, flags.1, Counted(counts.1)));
        treat(case, handle, flags.0).await;
    }));
    let mut cancelled = false;
    for event in case.events {
        match event {
            _ if host.exited(task) => break,
            Event::Nothing => {}
            Event::WakeRoot => host.enter(|| root_flag.raise()),
            Event::WakeSpawned => host.enter(|| spawned_flag.raise()),
            Event::Item => drop(peer.write(&[1])),
            Event::Stray => host.stray_event(task, 1, 999, 2),
            // The host delivers it once.
            Event::Cancel if !std::mem::replace(&mut cancelled, true) => host.cancel(task),
            Event::Cancel => {}
        }
        // The first event finds the task as it started, the others find it waiting.
        host.run(task);
    }
    // In the end everything happens that somebody may wait for.
    host.enter(|| {
        root_flag.raise();
        spawned_flag.raise();
    });
    peer.leave();
    host.run(task);
    assert!(host.exited(task), "{case:?}");
    assert_eq!(root_drops.0.get(), 1, "{case:?}");
    assert_eq!(spawned_drops.0.get(), 1, "{case:?}");
    let resolved = (host.calls("[task-return]run"), host.calls("[task-cancel]"));
    assert!(matches!(resolved, (1, 0) | (0, 1)), "{resolved:?} in {case:?}");
    assert!(cancelled || resolved == (1, 0), "{case:?}");
    assert_eq!(host.handles(), 0, "{case:?}");
    host
}

/// Calls `check` with every case whose handle is treated so. Miri has time for few.
fn each_case(handles: &[Handle], mut check: impl FnMut(Case)) {
    let mut number = 0u32;
    for root in ROOTS {
        for spawned in SPAWNED {
            for handle in handles.iter().copied() {
                for events in EVENTS
                    .iter()
                    .flat_map(|first| EVENTS.iter().map(|second| (*first, *second)))
                {
                    for third in EVENTS {
                        number += 1;
                        if cfg!(miri) && !number.is_multiple_of(97) {
                            continue;
                        }
                        check(Case {
                            root,
                            spawned,
                            handle,
                            events: [events.0, events.1, third],
                        });
                    }
                }
            }
        }
    }
}

#[test]
fn a_task_ends_once_whatever_happens() {
    each_case(HANDLES, |case| drop(run(case)));
}

#[test]
fn a_task_ends_once_though_a_handle_is_forgotten() {
    each_case(&[Handle::Forgotten], |case| drop(run(case)));
}
