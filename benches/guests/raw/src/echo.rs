//! Synchronous calls with lists, and the memory they arrive in.

use crate::Global;
use crate::abi::{self, trap};

const HEAP: usize = 64 << 10;

#[repr(align(16))]
#[expect(dead_code, reason = "only its address is used")]
struct Heap([u8; HEAP]);

static MEMORY: Global<Heap> = Global::new(Heap([0; HEAP]));
/// How much of it is used. All of it is given back at once.
static USED: Global<usize> = Global::new(0);

/// A row as it lies in memory.
#[derive(Clone, Copy)]
#[repr(C)]
struct Row {
    name: *const u8,
    len: usize,
    n: u32,
    f: Maybe,
}

/// An `option<f64>` as it lies in memory.
#[derive(Clone, Copy)]
#[repr(C)]
struct Maybe {
    some: u8,
    value: f64,
}

const ROWS: usize = 100;
const NAME: &str = "row-name-0123456789";

static TABLE: Global<[Row; ROWS]> = Global::new(
    [Row {
        name: core::ptr::null(),
        len: 0,
        n: 0,
        f: Maybe { some: 0, value: 0.0 },
    }; ROWS],
);

#[unsafe(export_name = "cabi_realloc")]
extern "C" fn realloc(_: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
    let start = (USED.read() + align - 1) & !(align - 1);
    if old_size != 0 || new_size > HEAP - start {
        trap();
    }
    USED.write(start + new_size);
    // SAFETY: the block is inside the heap, by the check above.
    unsafe { MEMORY.get().cast::<u8>().add(start) }
}

#[unsafe(export_name = "peer:bench/workloads@0.1.0#echo-rows")]
extern "C" fn echo_rows(rows: usize, len: usize) -> *const [usize; 2] {
    static RESULT: Global<[usize; 2]> = Global::new([0; 2]);
    RESULT.write([rows, len]);
    RESULT.get()
}

#[unsafe(export_name = "cabi_post_peer:bench/workloads@0.1.0#echo-rows")]
extern "C" fn post_echo_rows(_: usize) {
    USED.write(0);
}

#[unsafe(export_name = "peer:bench/workloads@0.1.0#call-echo")]
extern "C" fn call_echo(k: u32, rows: u32) -> u32 {
    static RESULT: Global<[usize; 2]> = Global::new([0; 2]);
    let count = rows as usize;
    if count > ROWS {
        trap();
    }
    let table = TABLE.get().cast::<Row>();
    for n in 0..rows {
        let even = n % 2 == 0;
        let row = Row {
            name: NAME.as_ptr(),
            len: NAME.len(),
            n,
            f: Maybe {
                some: u8::from(even),
                value: f64::from(n),
            },
        };
        // SAFETY: there is room for `ROWS` rows.
        unsafe { table.add(n as usize).write(row) };
    }
    let mut bytes = 0;
    for _ in 0..k {
        // SAFETY: the host reads the table, and returns rows in memory it was given by `realloc`.
        unsafe {
            abi::echo(table.cast(), count, RESULT.get().cast());
            let [from, len] = RESULT.read();
            for index in 0..len {
                bytes += (*(from as *const Row).add(index)).len as u32;
            }
        }
        USED.write(0);
    }
    bytes
}
