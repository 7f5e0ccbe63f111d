//! Streams of bytes.

use crate::abi::{self, BLOCKED, DROPPED, EXIT};
use crate::{Global, wait};

const LARGEST: usize = 64 << 10;

#[repr(align(16))]
#[expect(dead_code, reason = "only its address is used")]
struct Bytes([u8; LARGEST]);

/// What all writes send. It is no constant, so that the module stays small.
static BYTES: Global<Bytes> = Global::new(Bytes([0; LARGEST]));

/// A transfer that may have to wait.
#[derive(Clone, Copy)]
struct Transfer {
    end: u32,
    chunk: usize,
    done: u64,
    total: u64,
    joined: bool,
}

static TRANSFER: Global<Transfer> = Global::new(Transfer {
    end: 0,
    chunk: 0,
    done: 0,
    total: 0,
    joined: false,
});

/// Remembers a transfer that has to wait; its end joins the set the first time.
fn park(mut transfer: Transfer) -> u32 {
    if !transfer.joined {
        // SAFETY: the end is ours.
        unsafe { abi::waitable_join(transfer.end, crate::set()) };
        transfer.joined = true;
    }
    TRANSFER.write(transfer);
    wait()
}

fn write(mut transfer: Transfer) -> u32 {
    while transfer.done < transfer.total {
        // SAFETY: nobody writes to the bytes.
        let answer = unsafe { abi::bytes_write(transfer.end, BYTES.get().cast(), transfer.chunk) };
        if answer == BLOCKED {
            return park(transfer);
        }
        transfer.done += u64::from(answer >> 4);
    }
    // SAFETY: the end is idle, and the function returns once.
    unsafe {
        abi::bytes_drop(transfer.end);
        abi::return_write_bytes(transfer.done);
    }
    EXIT
}

#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#write-bytes")]
extern "C" fn write_bytes(total: u64, chunk: usize, mode: u32) -> u32 {
    // SAFETY: the bytes are not in flight; the readable end goes to the host.
    let end = unsafe {
        BYTES.get().cast::<u8>().write_bytes(0xa5, chunk);
        let ends = abi::bytes_new();
        abi::sink_bytes(ends as u32, mode);
        (ends >> 32) as u32
    };
    write(Transfer {
        end,
        chunk,
        done: 0,
        total,
        joined: false,
    })
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#write-bytes")]
extern "C" fn write_bytes_callback(_: u32, _: u32, answer: u32) -> u32 {
    let mut transfer = TRANSFER.read();
    transfer.done += u64::from(answer >> 4);
    write(transfer)
}

fn read(mut transfer: Transfer) -> u32 {
    loop {
        // SAFETY: nobody else uses the bytes.
        let answer = unsafe { abi::bytes_read(transfer.end, BYTES.get().cast(), transfer.chunk) };
        if answer == BLOCKED {
            return park(transfer);
        }
        transfer.done += u64::from(answer >> 4);
        if answer & 0xf == DROPPED {
            return end_of_read(transfer);
        }
    }
}

fn end_of_read(transfer: Transfer) -> u32 {
    // SAFETY: the end is idle, and the function returns once.
    unsafe {
        abi::bytes_drop_readable(transfer.end);
        abi::return_read_bytes(transfer.done);
    }
    EXIT
}

#[unsafe(export_name = "[async-lift]peer:bench/workloads@0.1.0#read-bytes")]
extern "C" fn read_bytes(total: u64, chunk: usize, mode: u32) -> u32 {
    read(Transfer {
        // SAFETY: the import returns a readable end.
        end: unsafe { abi::source_bytes(total, mode) },
        chunk,
        done: 0,
        total,
        joined: false,
    })
}

#[unsafe(export_name = "[callback][async-lift]peer:bench/workloads@0.1.0#read-bytes")]
extern "C" fn read_bytes_callback(_: u32, _: u32, answer: u32) -> u32 {
    let mut transfer = TRANSFER.read();
    transfer.done += u64::from(answer >> 4);
    if answer & 0xf == DROPPED {
        end_of_read(transfer)
    } else {
        read(transfer)
    }
}
