//! The workloads against the bare Canonical ABI, for comparison: the least that any guest has to do.
//!
//! This is no way to write guests. Buffers are static, one workload runs at a time, nothing is ever freed piecemeal, and what
//! cannot happen on the benchmark's host traps. Every figure of a generator is read against what this needs.

#![cfg(target_family = "wasm")]
#![no_std]

mod abi;
mod calls;
mod echo;
mod lists;
mod parked;
mod streams;

use abi::{EXIT, trap, waitable_set_new};
use core::cell::UnsafeCell;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    trap()
}

/// A static variable of a module with one thread.
struct Global<T>(UnsafeCell<T>);

// SAFETY: there is one thread.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    const fn new(value: T) -> Global<T> {
        Global(UnsafeCell::new(value))
    }

    const fn get(&self) -> *mut T {
        self.0.get()
    }
}

impl<T: Copy> Global<T> {
    fn read(&self) -> T {
        // SAFETY: nothing else uses the variable meanwhile: there is one thread.
        unsafe { *self.get() }
    }

    fn write(&self, value: T) {
        // SAFETY: as in `read`.
        unsafe { *self.get() = value }
    }
}

/// The one waitable set, and what to wait for it with.
fn set() -> u32 {
    static SET: Global<u32> = Global::new(0);
    if SET.read() == 0 {
        // SAFETY: the built-in makes a set.
        SET.write(unsafe { waitable_set_new() });
    }
    SET.read()
}

fn wait() -> u32 {
    abi::WAIT | set() << 4
}

/// Exports an asynchronous function whose whole work is done before it returns to the host.
#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#noop")]
extern "C" fn noop(x: u32) -> u32 {
    // SAFETY: called once, in this task.
    unsafe { abi::return_noop(x) };
    EXIT
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#noop")]
extern "C" fn noop_callback(_: u32, _: u32, _: u32) -> u32 {
    trap()
}
