//! The heap, natively, on memory of the test.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test is the one who allocates, by the rules of the trait"
)]

use super::*;
use alloc::vec::Vec;
use core::cell::Cell;

/// Hands out one allocation bit by bit, so that what is adjacent may be merged.
struct Arena {
    start: *mut u8,
    layout: Layout,
    used: Cell<usize>,
}

unsafe impl Source for Arena {
    fn grow(&self, size: usize) -> *mut u8 {
        let at = self.used.get();
        if size > self.layout.size() - at {
            return ptr::null_mut();
        }
        self.used.set(at + size);
        unsafe { self.start.add(at) }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        unsafe { alloc::alloc::dealloc(self.start, self.layout) }
    }
}

fn heap(size: usize) -> Heap<Arena> {
    let layout = Layout::from_size_align(size, CHUNK).unwrap();
    Heap::new(Arena {
        start: unsafe { alloc::alloc::alloc(layout) },
        layout,
        used: Cell::new(0),
    })
}

#[test]
fn every_size_has_the_smallest_class_that_holds_it() {
    for size in 1..=SMALL {
        let class = class_of(size);
        assert!(class < CLASSES && size_of_class(class) >= size, "{size}");
        assert!(class == 0 || size_of_class(class - 1) < size, "{size}");
        assert_eq!(size_of_class(class) % QUANTUM, 0);
        assert!(
            size_of_class(class) <= (size * 5 / 4).max(size + QUANTUM),
            "{size} wastes little"
        );
    }
}

/// What is allocated, filled with a byte of its own.
struct Held {
    at: *mut u8,
    layout: Layout,
    byte: u8,
}

impl Held {
    fn new(heap: &Heap<Arena>, layout: Layout, byte: u8) -> Held {
        let at = unsafe { heap.alloc(layout) };
        assert!(!at.is_null() && at.addr().is_multiple_of(layout.align()));
        unsafe { at.write_bytes(byte, layout.size()) };
        Held { at, layout, byte }
    }

    fn check(&self, size: usize) {
        let bytes = unsafe { core::slice::from_raw_parts(self.at, size) };
        // A look at each of a million bytes takes Miri minutes.
        let stride = if cfg!(miri) { 251 } else { 1 };
        let mut looked_at = bytes.iter().step_by(stride);
        assert!(looked_at.all(|byte| *byte == self.byte), "nobody else wrote here");
    }

    fn resize(&mut self, heap: &Heap<Arena>, size: usize) {
        self.at = unsafe { heap.realloc(self.at, self.layout, size) };
        self.check(size.min(self.layout.size()));
        self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
        unsafe { self.at.write_bytes(self.byte, size) };
    }

    fn free(self, heap: &Heap<Arena>) {
        self.check(self.layout.size());
        unsafe { heap.dealloc(self.at, self.layout) }
    }
}

/// Steps of a generator that is good enough to mix sizes.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*seed >> 33) as usize
}

fn layout(seed: &mut u64) -> Layout {
    let size = match next(seed) % 16 {
        0 => next(seed) % 200_000,
        1..4 => next(seed) % 5000,
        _ => next(seed) % 200,
    };
    let align = match next(seed) % 64 {
        0 => 8192,
        1 => 64,
        _ => 1 << (next(seed) % 5),
    };
    Layout::from_size_align(size + 1, align).unwrap()
}

#[test]
fn what_is_held_is_nobody_elses() {
    let heap = heap(64 << 20);
    let mut seed = 1;
    let mut held: Vec<Held> = Vec::new();
    for step in 0..if cfg!(miri) { 200 } else { 20_000 } {
        match next(&mut seed) % 8 {
            0..4 => held.push(Held::new(&heap, layout(&mut seed), step as u8)),
            4 if !held.is_empty() => {
                let index = next(&mut seed) % held.len();
                held[index].resize(&heap, layout(&mut seed).size());
            }
            _ if !held.is_empty() => {
                let index = next(&mut seed) % held.len();
                held.swap_remove(index).free(&heap);
            }
            _ => {}
        }
    }
    held.into_iter().for_each(|one| one.free(&heap));
}

#[test]
fn doing_the_same_again_takes_no_more_memory() {
    let heap = heap(64 << 20);
    let rounds = if cfg!(miri) { 4 } else { 100 };
    let mut settled = 0;
    for round in 0..rounds {
        let mut seed = 7;
        let mut held = Vec::new();
        for step in 0..if cfg!(miri) { 50 } else { 1000 } {
            held.push(Held::new(&heap, layout(&mut seed), step as u8));
            if next(&mut seed).is_multiple_of(3) {
                let index = next(&mut seed) % held.len();
                held.swap_remove(index).free(&heap);
            }
        }
        held.into_iter().for_each(|one| one.free(&heap));
        if round == rounds / 4 {
            settled = heap.source.used.get();
        }
    }
    assert_eq!(heap.source.used.get(), settled);
}

#[test]
fn a_large_run_serves_small_blocks_later() {
    let heap = heap(2 << 20);
    let large = Layout::from_size_align(1 << 20, 8).unwrap();
    Held::new(&heap, large, 1).free(&heap);
    let used = heap.source.used.get();
    let small = Layout::from_size_align(1000, 8).unwrap();
    let held: Vec<Held> = (0..900).map(|byte| Held::new(&heap, small, byte as u8)).collect();
    assert_eq!(heap.source.used.get(), used);
    held.into_iter().for_each(|one| one.free(&heap));
}

#[test]
fn what_the_source_does_not_have_is_null() {
    let heap = heap(CHUNK);
    for size in [CHUNK + 1, isize::MAX as usize - UNIT] {
        let layout = Layout::from_size_align(size, 8).unwrap();
        assert!(unsafe { heap.alloc(layout) }.is_null());
    }
    let layout = Layout::from_size_align(CHUNK, 8).unwrap();
    Held::new(&heap, layout, 3).free(&heap);
}
