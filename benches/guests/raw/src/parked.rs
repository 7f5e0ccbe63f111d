//! Many calls in flight at once.

use crate::abi::{self, EXIT, NONE, RETURNED};
use crate::{Global, wait};

const MOST: usize = 10_000;

static RESULTS: Global<[u32; MOST]> = Global::new([0; MOST]);

/// How many calls there are, and how many have not returned.
#[derive(Clone, Copy)]
struct Calls {
    all: u32,
    open: u32,
}

static CALLS: Global<Calls> = Global::new(Calls { all: 0, open: 0 });

fn start(n: u32) -> u32 {
    let mut open = 0;
    for x in 0..n {
        // SAFETY: each result has its place, where it stays. The host never makes more calls than there are places.
        unsafe {
            let status = abi::park(x, RESULTS.get().cast::<u32>().add(x as usize));
            if status != RETURNED {
                abi::waitable_join(status >> 4, crate::set());
                open += 1;
            }
        }
    }
    CALLS.write(Calls { all: n, open });
    wait()
}

fn returned(subtask: u32, state: u32) {
    if state == RETURNED {
        // SAFETY: the call has returned.
        unsafe { abi::subtask_drop(subtask) };
        let mut calls = CALLS.read();
        calls.open -= 1;
        CALLS.write(calls);
    }
}

fn sum() -> u32 {
    let all = CALLS.read().all as usize;
    // SAFETY: all calls have returned, so nobody writes to the results.
    let results = unsafe { core::slice::from_raw_parts(RESULTS.get().cast::<u32>(), all) };
    results.iter().fold(0, |sum, result| sum.wrapping_add(*result))
}

#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#in-flight")]
extern "C" fn in_flight(n: u32) -> u32 {
    start(n)
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#in-flight")]
extern "C" fn in_flight_callback(_: u32, subtask: u32, state: u32) -> u32 {
    static PAYLOAD: Global<[u32; 2]> = Global::new([0; 2]);
    returned(subtask, state);
    while CALLS.read().open != 0 {
        // SAFETY: the payload is two words.
        if unsafe { abi::waitable_set_poll(crate::set(), PAYLOAD.get().cast()) } == NONE {
            return wait();
        }
        let [subtask, state] = PAYLOAD.read();
        returned(subtask, state);
    }
    // SAFETY: called once, in this task.
    unsafe { abi::return_in_flight(sum()) };
    EXIT
}

#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#spawn-many")]
extern "C" fn spawn_many(n: u32) -> u32 {
    start(n)
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#spawn-many")]
extern "C" fn spawn_many_callback(_: u32, subtask: u32, state: u32) -> u32 {
    returned(subtask, state);
    if CALLS.read().open != 0 {
        return wait();
    }
    // SAFETY: called once, in this task.
    unsafe { abi::return_spawn_many(sum()) };
    EXIT
}
