//! Streams of numbers and of records.

use crate::abi::{self, BLOCKED, EXIT};
use crate::{Global, wait};

/// An item as it lies in memory.
#[derive(Clone, Copy)]
#[repr(C)]
struct Item {
    id: u32,
    name: *const u8,
    len: usize,
}

const LARGEST: usize = 1000;
const NAME: &str = "item-name-0123456789";

static NUMBERS: Global<[u32; LARGEST]> = Global::new([0; LARGEST]);
static ITEMS: Global<[Item; LARGEST]> = Global::new(
    [Item {
        id: 0,
        name: core::ptr::null(),
        len: 0,
    }; LARGEST],
);

/// A stream being written that may have to wait.
#[derive(Clone, Copy)]
struct Transfer {
    end: u32,
    next: u32,
    total: u32,
    batch: u32,
    joined: bool,
}

static TRANSFER: Global<Transfer> = Global::new(Transfer {
    end: 0,
    next: 0,
    total: 0,
    batch: 0,
    joined: false,
});

fn park(mut transfer: Transfer) -> u32 {
    if !transfer.joined {
        // SAFETY: the end is ours.
        unsafe { abi::waitable_join(transfer.end, crate::set()) };
        transfer.joined = true;
    }
    TRANSFER.write(transfer);
    wait()
}

macro_rules! writes {
    (
        $run:ident, $start:ident, $write:ident, $drop:ident, $buffer:expr, $item:expr, $new:ident, $sink:ident;
        $($export:literal $callback_export:literal $name:ident $callback:ident ($($batch:ident)?) $return:ident $done:ident;)*
    ) => {
        /// Writes until it has to wait or everything is written. Answers the callback code, or nothing at the end.
        #[inline(always)]
        fn $run(mut transfer: Transfer) -> Option<u32> {
            while transfer.next != transfer.total {
                // SAFETY: the buffer is not in flight now, and nobody writes to it while it is.
                let answer = unsafe {
                    for index in 0..transfer.batch {
                        $buffer.add(index as usize).write($item(transfer.next + index));
                    }
                    abi::$write(transfer.end, $buffer.cast(), transfer.batch as usize)
                };
                if answer == BLOCKED {
                    return Some(park(transfer));
                }
                transfer.next += answer >> 4;
            }
            // SAFETY: the end is idle.
            unsafe { abi::$drop(transfer.end) };
            None
        }

        fn $start(total: u32, batch: u32, mode: u32) -> Transfer {
            // SAFETY: the readable end goes to the host.
            let end = unsafe {
                let ends = abi::$new();
                abi::$sink(ends as u32, mode);
                (ends >> 32) as u32
            };
            Transfer { end, next: 0, total, batch, joined: false }
        }

        $(
            fn $done(transfer: Transfer) -> u32 {
                match $run(transfer) {
                    Some(code) => code,
                    None => {
                        // SAFETY: called once, in this task.
                        unsafe { abi::$return(transfer.total) };
                        EXIT
                    }
                }
            }

            #[unsafe(export_name = $export)]
            extern "C" fn $name(n: u32, $($batch: u32,)? mode: u32) -> u32 {
                let batch = 1;
                $(let batch = if $batch == 0 { batch } else { $batch };)?
                $done($start(n, batch, mode))
            }

            #[unsafe(export_name = $callback_export)]
            extern "C" fn $callback(_: u32, _: u32, answer: u32) -> u32 {
                let mut transfer = TRANSFER.read();
                transfer.next += answer >> 4;
                $done(transfer)
            }
        )*
    };
}

fn item(id: u32) -> Item {
    Item {
        id,
        name: NAME.as_ptr(),
        len: NAME.len(),
    }
}

writes! {
    write_numbers, start_numbers, u32s_write, u32s_drop, NUMBERS.get().cast::<u32>(), (|x| x), u32s_new, sink_u32s;
    "[async-lift]peer:bench/workloads@0.1.0#write-u32s"
    "[callback][async-lift]peer:bench/workloads@0.1.0#write-u32s"
    write_u32s write_u32s_callback () return_write_u32s go_on_u32s;
    "[async-lift]peer:bench/workloads@0.1.0#write-u32s-batched"
    "[callback][async-lift]peer:bench/workloads@0.1.0#write-u32s-batched"
    write_u32s_batched write_u32s_batched_callback (batch) return_write_u32s_batched go_on_u32s_batched;
}

writes! {
    write_records, start_records, items_write, items_drop, ITEMS.get().cast::<Item>(), item, items_new, sink_items;
    "[async-lift]peer:bench/workloads@0.1.0#write-items"
    "[callback][async-lift]peer:bench/workloads@0.1.0#write-items"
    write_items write_items_callback () return_write_items go_on_items;
    "[async-lift]peer:bench/workloads@0.1.0#write-items-batched"
    "[callback][async-lift]peer:bench/workloads@0.1.0#write-items-batched"
    write_items_batched write_items_batched_callback (batch) return_write_items_batched go_on_items_batched;
}
