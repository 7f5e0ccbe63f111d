//! What the checked allocator costs, in nanoseconds: outside guests, in them, and for areas that are lent. Measures only;
//! judges nothing.
//!
//! ```console
//! $ cargo run -p witflow-host --release --example checked_heap
//! ```

#[allow(dead_code, unused_imports, unreachable_pub, reason = "only what is measured is used")]
#[path = "../src/native"]
mod native {
    pub(crate) mod fiber;
    pub(crate) mod heap;
}

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::time::{Duration, Instant};

use native::heap::{self, Access, CheckedAllocator, Instance, Name, Scope};

#[global_allocator]
static HEAP: CheckedAllocator = CheckedAllocator;

const ROUNDS: u32 = 100_000;

/// The best of five runs, per round, of what `run` does once.
fn measure(what: &str, mut run: impl FnMut()) {
    let time = |run: &mut dyn FnMut()| {
        let begin = Instant::now();
        (0..ROUNDS).for_each(|_| run());
        begin.elapsed()
    };
    let best = (0..5).map(|_| time(&mut run)).min().unwrap_or(Duration::ZERO);
    println!("{what:<48} {:>7.1} ns", best.as_nanos() as f64 / f64::from(ROUNDS));
}

/// Allocates and frees a small block.
fn allocate() {
    drop(black_box(Box::new([0u8; 64])));
}

fn main() {
    let layout = Layout::new::<[u8; 64]>();
    measure("allocate and free, the system's allocator", || {
        // SAFETY: the layout has a size.
        let block = unsafe { System.alloc(layout) };
        // SAFETY: the block is of that layout, and nobody else has it.
        unsafe { System.dealloc(black_box(block), layout) };
    });
    measure("the same, no guest in the process", allocate);
    let scope = Scope {
        instance: Instance::new(),
        call: 1,
        name: Name::new("measured"),
    };
    let within = heap::in_guest(scope);
    let bytes = vec![0u8; 1000];
    drop(within);
    measure("the same in the host, while there is a guest", allocate);
    let within = heap::in_guest(scope);
    measure("the same in the guest", allocate);
    drop(within);
    measure("enter the guest and leave it", || {
        drop(black_box(heap::in_guest(scope)))
    });
    let what: std::sync::Arc<str> = "a buffer".into();
    for len in [64, 1000] {
        measure(&format!("lend {len} bytes, check them, give them back"), || {
            // SAFETY: the vector is alive and initialised.
            let lease = unsafe { heap::lend(bytes.as_ptr(), len, Access::Read, what.clone(), scope) };
            assert!(lease.is_ok_and(|lease| lease.check().is_ok()));
        });
    }
    drop(bytes);
    let mut left = 0;
    measure("an instance with three blocks comes and goes", || {
        let scope = Scope {
            instance: Instance::new(),
            ..scope
        };
        let within = heap::in_guest(scope);
        let blocks = [vec![1u8], vec![2], vec![3]];
        drop(within);
        drop(black_box(blocks));
        left += heap::retire(scope.instance).len() + heap::take_reports(scope.instance).len();
    });
    assert_eq!(left, 0, "nothing leaks");
}
