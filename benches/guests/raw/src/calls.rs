//! One call after another, and futures.

use crate::abi::{self, BLOCKED, EXIT, RETURNED, trap};
use crate::{Global, wait};

/// A loop of calls that may have to wait.
#[derive(Clone, Copy)]
struct Calls {
    next: u32,
    end: u32,
    sum: u32,
}

static CALLS: Global<Calls> = Global::new(Calls {
    next: 0,
    end: 0,
    sum: 0,
});
static RESULT: Global<u32> = Global::new(0);

#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#calls-ready")]
extern "C" fn calls_ready(k: u32) -> u32 {
    let mut sum = 0u32;
    for x in 0..k {
        // SAFETY: the host writes the result before it returns.
        unsafe {
            if abi::tick(x, RESULT.get()) != RETURNED {
                trap();
            }
            sum = sum.wrapping_add(RESULT.read());
        }
    }
    // SAFETY: called once, in this task.
    unsafe { abi::return_calls_ready(sum) };
    EXIT
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#calls-ready")]
extern "C" fn calls_ready_callback(_: u32, _: u32, _: u32) -> u32 {
    trap()
}

/// Makes the next call, or returns.
fn pending(mut calls: Calls) -> u32 {
    while calls.next != calls.end {
        // SAFETY: the result stays where it is until the call has returned.
        unsafe {
            let status = abi::tick_yield(calls.next, RESULT.get());
            if status != RETURNED {
                abi::waitable_join(status >> 4, crate::set());
                CALLS.write(calls);
                return wait();
            }
        }
        calls.next += 1;
        calls.sum = calls.sum.wrapping_add(RESULT.read());
    }
    // SAFETY: called once, in this task.
    unsafe { abi::return_calls_pending(calls.sum) };
    EXIT
}

#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#calls-pending")]
extern "C" fn calls_pending(k: u32) -> u32 {
    pending(Calls {
        next: 0,
        end: k,
        sum: 0,
    })
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#calls-pending")]
extern "C" fn calls_pending_callback(_: u32, subtask: u32, state: u32) -> u32 {
    if state != RETURNED {
        return wait();
    }
    // SAFETY: the call has returned.
    unsafe { abi::subtask_drop(subtask) };
    let mut calls = CALLS.read();
    calls.next += 1;
    calls.sum = calls.sum.wrapping_add(RESULT.read());
    pending(calls)
}

/// A call that reads a future, and the write of that future.
#[derive(Clone, Copy)]
struct Futures {
    calls: Calls,
    writer: u32,
    /// What has not finished yet.
    open: u32,
}

static FUTURES: Global<Futures> = Global::new(Futures {
    calls: Calls {
        next: 0,
        end: 0,
        sum: 0,
    },
    writer: 0,
    open: 0,
});
static VALUE: Global<u32> = Global::new(0);

fn next_future(mut futures: Futures) -> u32 {
    while futures.calls.next != futures.calls.end {
        // SAFETY: value and result stay where they are until both operations have finished.
        unsafe {
            let ends = abi::future_new();
            futures.writer = (ends >> 32) as u32;
            let call = abi::read_future(ends as u32, RESULT.get());
            VALUE.write(futures.calls.next);
            let write = abi::future_write(futures.writer, VALUE.get());
            futures.open = 0;
            if call != RETURNED {
                abi::waitable_join(call >> 4, crate::set());
                futures.open += 1;
            }
            if write == BLOCKED {
                abi::waitable_join(futures.writer, crate::set());
                futures.open += 1;
            }
        }
        if futures.open != 0 {
            FUTURES.write(futures);
            return wait();
        }
        futures = finish_future(futures);
    }
    // SAFETY: called once, in this task.
    unsafe { abi::return_futures(futures.calls.sum) };
    EXIT
}

fn finish_future(mut futures: Futures) -> Futures {
    // SAFETY: the write has finished.
    unsafe { abi::future_drop_writable(futures.writer) };
    futures.calls.sum = futures.calls.sum.wrapping_add(RESULT.read());
    futures.calls.next += 1;
    futures
}

#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#futures")]
extern "C" fn futures(n: u32) -> u32 {
    next_future(Futures {
        calls: Calls {
            next: 0,
            end: n,
            sum: 0,
        },
        writer: 0,
        open: 0,
    })
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#futures")]
extern "C" fn futures_callback(event: u32, handle: u32, payload: u32) -> u32 {
    const SUBTASK: u32 = 1;
    let mut futures = FUTURES.read();
    if event == SUBTASK {
        if payload != RETURNED {
            return wait();
        }
        // SAFETY: the call has returned.
        unsafe { abi::subtask_drop(handle) };
    }
    futures.open -= 1;
    if futures.open != 0 {
        FUTURES.write(futures);
        return wait();
    }
    next_future(finish_future(futures))
}
