//! The imports of the world, and the numbers of the Canonical ABI.

/// The export is done.
pub(crate) const EXIT: u32 = 0;
/// The export waits for the set in the upper bits.
pub(crate) const WAIT: u32 = 2;
/// No event.
pub(crate) const NONE: u32 = 0;
/// A copy did not finish at once.
pub(crate) const BLOCKED: u32 = u32::MAX;
/// A call returned.
pub(crate) const RETURNED: u32 = 2;
/// How a copy ended: the peer is gone.
pub(crate) const DROPPED: u32 = 1;

/// What cannot happen here happened.
#[cold]
pub(crate) fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

macro_rules! imports {
    ($($module:literal { $($field:literal $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)?;)* })*) => {$(
        #[link(wasm_import_module = $module)]
        unsafe extern "C" {
            $(#[link_name = $field] pub(crate) fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
    )*};
}

imports! {
    "$root" {
        "[waitable-set-new]" waitable_set_new() -> u32;
        "[waitable-set-poll]" waitable_set_poll(set: u32, payload: *mut u32) -> u32;
        "[waitable-join]" waitable_join(waitable: u32, set: u32);
        "[subtask-drop]" subtask_drop(subtask: u32);
    }
    "peer:bench/host@0.1.0" {
        "[async-lower]tick" tick(x: u32, result: *mut u32) -> u32;
        "[async-lower]tick-yield" tick_yield(x: u32, result: *mut u32) -> u32;
        "[async-lower]park" park(x: u32, result: *mut u32) -> u32;
        "[async-lower]read-future" read_future(future: u32, result: *mut u32) -> u32;
        "sink-bytes" sink_bytes(stream: u32, mode: u32);
        "sink-u32s" sink_u32s(stream: u32, mode: u32);
        "sink-items" sink_items(stream: u32, mode: u32);
        "source-bytes" source_bytes(total: u64, mode: u32) -> u32;
        "echo" echo(rows: *const u8, len: usize, result: *mut usize);
        "[stream-new-0]sink-bytes" bytes_new() -> u64;
        "[async-lower][stream-write-0]sink-bytes" bytes_write(end: u32, from: *const u8, len: usize) -> u32;
        "[stream-drop-writable-0]sink-bytes" bytes_drop(end: u32);
        "[stream-new-0]sink-u32s" u32s_new() -> u64;
        "[async-lower][stream-write-0]sink-u32s" u32s_write(end: u32, from: *const u8, len: usize) -> u32;
        "[stream-drop-writable-0]sink-u32s" u32s_drop(end: u32);
        "[stream-new-0]sink-items" items_new() -> u64;
        "[async-lower][stream-write-0]sink-items" items_write(end: u32, from: *const u8, len: usize) -> u32;
        "[stream-drop-writable-0]sink-items" items_drop(end: u32);
        "[async-lower][stream-read-0]source-bytes" bytes_read(end: u32, to: *mut u8, len: usize) -> u32;
        "[stream-drop-readable-0]source-bytes" bytes_drop_readable(end: u32);
        "[future-new-0]read-future" future_new() -> u64;
        "[async-lower][future-write-0]read-future" future_write(end: u32, from: *const u32) -> u32;
        "[future-drop-writable-0]read-future" future_drop_writable(end: u32);
    }
    "[export]peer:bench/workloads@0.1.0" {
        "[task-return]noop" return_noop(result: u32);
        "[task-return]calls-ready" return_calls_ready(result: u32);
        "[task-return]calls-pending" return_calls_pending(result: u32);
        "[task-return]write-bytes" return_write_bytes(result: u64);
        "[task-return]read-bytes" return_read_bytes(result: u64);
        "[task-return]write-u32s" return_write_u32s(result: u32);
        "[task-return]write-u32s-batched" return_write_u32s_batched(result: u32);
        "[task-return]write-items" return_write_items(result: u32);
        "[task-return]write-items-batched" return_write_items_batched(result: u32);
        "[task-return]futures" return_futures(result: u32);
        "[task-return]in-flight" return_in_flight(result: u32);
        "[task-return]spawn-many" return_spawn_many(result: u32);
    }
}
