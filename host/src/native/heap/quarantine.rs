//! Freed blocks that stay out of use: for a while, or as long as they are lent.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::{BTreeMap, VecDeque};
use std::ptr::NonNull;

use super::report::{Block, Freed, Report};
use super::scope::Instance;

/// What a freed block is filled with.
pub(super) const POISON: u8 = 0xDE;

/// How many bytes of an instance wait at most; none under Miri, which knows what is freed if it really is.
const MOST_BYTES: usize = if cfg!(miri) { 0 } else { 64 << 10 };

/// Blocks that are larger do not wait: they would push out many others.
const LARGEST: usize = MOST_BYTES / 4;

pub(super) struct Quarantine {
    gone: BTreeMap<usize, Gone>,
    waiting: BTreeMap<Instance, Waiting>,
}

/// What waits of an instance.
#[derive(Default)]
struct Waiting {
    /// The addresses, the oldest first.
    queue: VecDeque<usize>,
    bytes: usize,
}

/// A block that was freed and belongs to the registry now.
pub(super) struct Gone {
    pub(super) block: Block,
    pub(super) freed: Freed,
    memory: NonNull<u8>,
}

// SAFETY: the memory belongs to the registry alone (rule 2).
unsafe impl Send for Gone {}

impl Gone {
    /// # Safety
    ///
    /// `memory` is the block, which its owner has given up.
    pub(super) unsafe fn new(memory: *mut u8, block: Block, freed: Freed) -> Gone {
        // SAFETY: the system gave out the block, so it is not null.
        let memory = unsafe { NonNull::new_unchecked(memory) };
        Gone { block, freed, memory }
    }

    fn address(&self) -> usize {
        self.memory.addr().get()
    }

    fn poison(&mut self) {
        // SAFETY: the block has that many bytes (rule 1) and nobody else uses it (rule 2).
        unsafe { self.memory.write_bytes(POISON, self.block.size) };
    }

    /// Where it was written to after it was poisoned.
    fn written_at(&self) -> Option<usize> {
        // SAFETY: as in `poison`, which has initialised all bytes.
        let bytes = unsafe { NonNull::slice_from_raw_parts(self.memory, self.block.size).as_ref() };
        bytes.iter().position(|byte| *byte != POISON)
    }

    /// Checks a poisoned block and gives it to the system.
    fn let_go(self, report: &mut dyn FnMut(Report)) {
        if let Some(at) = self.written_at() {
            report(Report::WrittenAfterFree {
                block: self.block,
                freed: self.freed,
                at,
            });
        }
        self.free();
    }

    fn free(self) {
        // SAFETY: the layout it was allocated with (rule 1).
        let layout = unsafe { Layout::from_size_align_unchecked(self.block.size, self.block.align) };
        // SAFETY: it is given to the system once: this consumes it (rule 2).
        unsafe { System.dealloc(self.memory.as_ptr(), layout) };
    }
}

impl Quarantine {
    pub(super) const fn new() -> Quarantine {
        Quarantine {
            gone: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// The block that begins at `address`.
    pub(super) fn get(&self, address: usize) -> Option<&Gone> {
        self.gone.get(&address)
    }

    /// The block that `address` lies in.
    pub(super) fn containing(&self, address: usize) -> Option<&Gone> {
        let (start, gone) = self.gone.range(..=address).next_back()?;
        (address - start < gone.block.size).then_some(gone)
    }

    /// Whether it has the block with that number.
    pub(super) fn holds(&self, serial: u64) -> bool {
        self.gone.values().any(|gone| gone.block.serial == serial)
    }

    /// Takes a block that is freed, unless it is too large and not lent. Says how many were given to the system for it.
    pub(super) fn keep(&mut self, mut gone: Gone, lent: bool, report: &mut dyn FnMut(Report)) -> Result<usize, Gone> {
        if !lent && gone.block.size > LARGEST {
            return Err(gone);
        }
        gone.poison();
        let address = gone.address();
        self.gone.insert(address, gone);
        Ok(if lent { 0 } else { self.wait(address, report) })
    }

    /// A block that was kept because it was lent waits like others from now on.
    pub(super) fn unlend(&mut self, address: usize, report: &mut dyn FnMut(Report)) -> usize {
        let Some(gone) = self.gone.get_mut(&address) else {
            return 0;
        };
        if gone.block.size > LARGEST {
            if let Some(gone) = self.gone.remove(&address) {
                gone.free();
            }
            return 1;
        }
        // The host may have written to it.
        gone.poison();
        self.wait(address, report)
    }

    fn wait(&mut self, address: usize, report: &mut dyn FnMut(Report)) -> usize {
        let Some(gone) = self.gone.get(&address) else { return 0 };
        let waiting = self.waiting.entry(gone.block.scope.instance).or_default();
        waiting.queue.push_back(address);
        waiting.bytes += gone.block.size;
        let mut let_go = 0;
        while waiting.bytes > MOST_BYTES
            && let Some(oldest) = waiting.queue.pop_front()
        {
            if let Some(gone) = self.gone.remove(&oldest) {
                waiting.bytes -= gone.block.size;
                gone.let_go(report);
                let_go += 1;
            }
        }
        let_go
    }

    /// Lets go of what waits of an instance.
    pub(super) fn flush(&mut self, instance: Instance, report: &mut dyn FnMut(Report)) -> usize {
        let waiting = self.waiting.remove(&instance).unwrap_or_default();
        let gone = waiting.queue.iter().filter_map(|address| self.gone.remove(address));
        gone.map(|gone| gone.let_go(report)).count()
    }
}
