//! What guests do with calls, tasks, streams and futures, in every place where guests can run.
//!
//! `docs/conformance.md` says which scenario is tested where.

mod calls;
mod futures;
mod helpers;
mod pairs;
mod resources;
mod streams;
#[cfg(not(miri))]
#[expect(dead_code, reason = "these guests are built for one target only")]
#[path = "../support/mod.rs"]
mod support;
mod tasks;
mod world;

// Miri sees for itself what is done to memory.
#[cfg(not(miri))]
#[global_allocator]
static HEAP: witflow_host::CheckedAllocator = witflow_host::CheckedAllocator;

/// So many of something; fewer under Miri, where a step takes a thousand times as long.
pub(crate) const fn many(count: u32) -> u32 {
    if cfg!(miri) { count.div_ceil(16) } else { count }
}

/// SplitMix64, for orders that differ from run to run of a loop and are the same each time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}
