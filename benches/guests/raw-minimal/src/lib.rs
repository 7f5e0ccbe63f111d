//! One asynchronous export that awaits one asynchronous import, against the bare Canonical ABI.

#![cfg(target_family = "wasm")]
#![no_std]

use core::cell::UnsafeCell;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[link(wasm_import_module = "$root")]
unsafe extern "C" {
    #[link_name = "[async-lower]get"]
    fn get(x: u32, result: *mut [usize; 2]) -> u32;
    #[link_name = "[waitable-set-new]"]
    fn waitable_set_new() -> u32;
    #[link_name = "[waitable-join]"]
    fn waitable_join(waitable: u32, set: u32);
    #[link_name = "[subtask-drop]"]
    fn subtask_drop(subtask: u32);
}

#[link(wasm_import_module = "[export]$root")]
unsafe extern "C" {
    #[link_name = "[task-return]run"]
    fn task_return(text: usize, len: usize);
}

/// All there is to know about the one call.
struct State {
    text: [u8; 256],
    result: [usize; 2],
    set: u32,
}

struct Global(UnsafeCell<State>);

// SAFETY: there is one thread.
unsafe impl Sync for Global {}

static STATE: Global = Global(UnsafeCell::new(State {
    text: [0; 256],
    result: [0; 2],
    set: 0,
}));

const EXIT: u32 = 0;
const WAIT: u32 = 2;
const RETURNED: u32 = 2;

fn finish() -> u32 {
    // SAFETY: the call has returned, so the result is there.
    unsafe {
        let [text, len] = (*STATE.0.get()).result;
        task_return(text, len);
    }
    EXIT
}

#[unsafe(export_name = "[async-lift]run")]
extern "C" fn run(x: u32) -> u32 {
    // SAFETY: one call at a time uses the state.
    unsafe {
        let state = STATE.0.get();
        let status = get(x, &raw mut (*state).result);
        if status == RETURNED {
            return finish();
        }
        if (*state).set == 0 {
            (*state).set = waitable_set_new();
        }
        waitable_join(status >> 4, (*state).set);
        WAIT | (*state).set << 4
    }
}

#[unsafe(export_name = "[callback][async-lift]run")]
extern "C" fn callback(_: u32, subtask: u32, status: u32) -> u32 {
    // SAFETY: as in `run`; the call has returned when its handle is dropped.
    unsafe {
        if status != RETURNED {
            return WAIT | (*STATE.0.get()).set << 4;
        }
        subtask_drop(subtask);
    }
    finish()
}

#[unsafe(export_name = "cabi_realloc")]
extern "C" fn realloc(_: usize, _: usize, _: usize, size: usize) -> *mut u8 {
    if size > 256 {
        core::arch::wasm32::unreachable();
    }
    // SAFETY: only the address is taken.
    unsafe { (&raw mut (*STATE.0.get()).text).cast() }
}
