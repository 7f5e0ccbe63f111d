//! Which blocks are whose, what of them is lent, and what was freed but is kept.
//!
//! Blocks are spread over shards by their address, so that runs on different threads, which the system's allocator gives
//! different regions, seldom wait for each other. A shard is ordered, to find the block an address lies in.

use std::alloc::Layout;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::quarantine::{Gone, Quarantine};
use super::report::{Block, Freed, Loan, Report};
use super::scope::{self, Instance, Scope};

const SHARDS: usize = 16;

/// Reports beyond this many are dropped: whoever fetches none does not want more.
const MOST_REPORTS: usize = 1000;

static REGISTRY: [Mutex<Shard>; SHARDS] = [const { Mutex::new(Shard::new()) }; SHARDS];
static REPORTS: Mutex<Vec<Report>> = Mutex::new(Vec::new());

/// How many blocks are registered or kept.
static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Shard {
    /// The blocks of guests by their address.
    live: BTreeMap<usize, Block>,
    /// What is lent of blocks, by the number of the block and of the loan.
    loans: BTreeMap<(u64, u64), Loan>,
    quarantine: Quarantine,
}

/// What becomes of a block that its owner frees.
#[must_use]
pub(super) enum Verdict {
    /// It is to be given to the system.
    Free,
    /// The registry has it now, or had it already.
    Kept,
}

/// Where a loan is recorded.
pub(super) struct Entry {
    shard: usize,
    address: usize,
    key: (u64, u64),
}

/// How a loan stands.
#[must_use]
pub(super) enum Standing {
    /// The block is alive.
    Lent,
    /// The block was freed, and is kept for the loan.
    Freed(Report),
    /// The instance has ended, and nothing is known about its memory.
    Over,
}

/// What is known about an area that is to be lent.
pub(super) enum Found {
    /// It is within a block and the loan is recorded.
    Lent(Entry),
    /// It is not what the guest says.
    Wrong(Report),
    /// It does not begin in a block.
    Elsewhere,
}

impl Shard {
    const fn new() -> Shard {
        Shard {
            live: BTreeMap::new(),
            loans: BTreeMap::new(),
            quarantine: Quarantine::new(),
        }
    }

    /// The block that `address` lies in, with its own address.
    fn block_at(&self, address: usize) -> Option<(usize, Block)> {
        let (start, block) = self.live.range(..=address).next_back()?;
        (address - start < block.size).then_some((*start, *block))
    }

    fn loan_of(&self, block: &Block) -> Option<&Loan> {
        let loans = self.loans.range((block.serial, 0)..=(block.serial, u64::MAX));
        loans.map(|(_, loan)| loan).next()
    }
}

/// No shard is used while a panic can happen, so one that is poisoned is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shard_of(address: usize) -> usize {
    (address >> 26) % SHARDS
}

/// The shards, that of an address first.
fn shards_from(address: usize) -> impl Iterator<Item = usize> {
    let first = shard_of(address);
    (0..SHARDS).map(move |step| (first + step) % SHARDS)
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

fn report(report: Report) {
    let mut reports = lock(&REPORTS);
    if reports.len() < MOST_REPORTS {
        reports.push(report);
    }
}

/// Whether no block is registered.
///
/// A thread that frees a block knows of it by way of whoever allocated it, so it sees the count that includes it.
#[inline]
pub(super) fn is_empty() -> bool {
    COUNT.load(Relaxed) == 0
}

pub(super) fn register(memory: *mut u8, layout: Layout, scope: Scope) {
    let address = memory.addr();
    let block = Block {
        size: layout.size(),
        align: layout.align(),
        scope,
        serial: next_number(),
    };
    scope::busy(|| {
        let before = lock(&REGISTRY[shard_of(address)]).live.insert(address, block);
        if before.is_none() {
            COUNT.fetch_add(1, Relaxed);
        }
    });
}

/// Whether a block begins at `address`, be it alive or kept.
pub(super) fn knows(address: usize) -> bool {
    let known = scope::busy(|| {
        let shard = lock(&REGISTRY[shard_of(address)]);
        shard.live.contains_key(&address) || shard.quarantine.get(address).is_some()
    });
    known.unwrap_or(false)
}

/// Takes note that a block is freed.
///
/// # Safety
///
/// The caller gives up the block at `memory`, which was allocated with `layout`.
pub(super) unsafe fn unregister(memory: *mut u8, layout: Layout) -> Verdict {
    let freed = Freed(scope::current());
    // SAFETY: the caller's contract.
    let verdict = scope::busy(|| unsafe { free(memory, layout, freed) });
    verdict.unwrap_or(Verdict::Free)
}

/// # Safety
///
/// As for [`unregister`].
unsafe fn free(memory: *mut u8, layout: Layout, freed: Freed) -> Verdict {
    let address = memory.addr();
    let mut shard = lock(&REGISTRY[shard_of(address)]);
    let Some(block) = shard.live.remove(&address) else {
        let Some(gone) = shard.quarantine.get(address) else {
            return Verdict::Free;
        };
        report(Report::FreedTwice {
            block: gone.block,
            freed: gone.freed,
            again: freed,
        });
        return Verdict::Kept;
    };
    if (block.size, block.align) != (layout.size(), layout.align()) {
        let (size, align) = (layout.size(), layout.align());
        report(Report::WrongLayout {
            block,
            freed,
            size,
            align,
        });
    }
    let loan = shard.loan_of(&block).cloned();
    let lent = loan.is_some();
    if let Some(loan) = loan {
        report(Report::FreedInFlight { loan, block, freed });
    }
    // SAFETY: the caller gives the block up.
    let gone = unsafe { Gone::new(memory, block, freed) };
    match shard.quarantine.keep(gone, lent, &mut report) {
        Ok(let_go) => {
            COUNT.fetch_sub(let_go, Relaxed);
            Verdict::Kept
        }
        Err(_gone) => {
            COUNT.fetch_sub(1, Relaxed);
            Verdict::Free
        }
    }
}

/// Records that `loan.len` bytes at `address` are lent, if they are in a block.
pub(super) fn record(address: usize, loan: &Loan) -> Found {
    let found = scope::busy(|| {
        let mut found = shards_from(address).map(|shard| record_in(shard, address, loan));
        let found = found.find(|found| !matches!(found, Found::Elsewhere));
        found.unwrap_or(Found::Elsewhere)
    });
    found.unwrap_or(Found::Elsewhere)
}

fn record_in(index: usize, address: usize, loan: &Loan) -> Found {
    let mut shard = lock(&REGISTRY[index]);
    if let Some((start, block)) = shard.block_at(address) {
        let offset = address - start;
        if loan.len > block.size - offset {
            let loan = loan.clone();
            return Found::Wrong(Report::Undersized { loan, block, offset });
        }
        let key = (block.serial, next_number());
        shard.loans.insert(key, loan.clone());
        return Found::Lent(Entry {
            shard: index,
            address: start,
            key,
        });
    }
    match shard.quarantine.containing(address) {
        Some(gone) => Found::Wrong(Report::AlreadyFreed {
            loan: loan.clone(),
            block: gone.block,
            freed: gone.freed,
        }),
        None => Found::Elsewhere,
    }
}

impl Entry {
    /// How the loan stands.
    pub(super) fn standing(&self, loan: &Loan) -> Standing {
        let standing = scope::busy(|| {
            let shard = lock(&REGISTRY[self.shard]);
            if !shard.loans.contains_key(&self.key) {
                return Standing::Over;
            }
            match shard.quarantine.get(self.address) {
                Some(gone) => Standing::Freed(Report::FreedInFlight {
                    loan: loan.clone(),
                    block: gone.block,
                    freed: gone.freed,
                }),
                None => Standing::Lent,
            }
        });
        standing.unwrap_or(Standing::Over)
    }

    /// Ends the loan. A block that was kept for it takes its turn among those that are kept for a while.
    pub(super) fn end(&self) {
        scope::busy(|| {
            let mut shard = lock(&REGISTRY[self.shard]);
            let Some(_loan) = shard.loans.remove(&self.key) else {
                return;
            };
            let serial = self.key.0;
            let Some(block) = shard.quarantine.get(self.address).map(|gone| gone.block) else {
                return;
            };
            if block.serial == serial && shard.loan_of(&block).is_none() {
                let let_go = shard.quarantine.unlend(self.address, &mut report);
                COUNT.fetch_sub(let_go, Relaxed);
            }
        });
    }
}

/// The blocks of an instance, in the order they were allocated.
pub(crate) fn live(instance: Instance) -> Vec<Block> {
    let _within = scope::in_host();
    let mut blocks: Vec<Block> = Vec::new();
    for shard in &REGISTRY {
        scope::busy(|| {
            let shard = lock(shard);
            let own = shard.live.values().filter(|block| block.scope.instance == instance);
            blocks.extend(own);
        });
    }
    blocks.sort_by_key(|block| block.serial);
    blocks
}

/// Forgets an instance that has ended: its blocks become the process's, those it freed are checked and given back to the
/// system. Says which were still alive. Reports about what it freed can be fetched afterwards.
pub(crate) fn retire(instance: Instance) -> Vec<Block> {
    let blocks = live(instance);
    for shard in &REGISTRY {
        scope::busy(|| {
            let mut shard = lock(shard);
            let before = shard.live.len();
            shard.live.retain(|_, block| block.scope.instance != instance);
            let let_go = before - shard.live.len() + shard.quarantine.flush(instance, &mut report);
            COUNT.fetch_sub(let_go, Relaxed);
            // A block that is kept for its loan still needs it, to know when it is given back.
            let Shard { loans, quarantine, .. } = &mut *shard;
            loans.retain(|(serial, _), loan| loan.by.instance != instance || quarantine.holds(*serial));
        });
    }
    blocks
}

/// Fetches what the allocator noticed about an instance, in the order it happened.
pub(crate) fn take_reports(instance: Instance) -> Vec<Report> {
    let _within = scope::in_host();
    let taken = scope::busy(|| {
        let mut reports = lock(&REPORTS);
        reports.extract_if(.., |report| report.instance() == instance).collect()
    });
    taken.unwrap_or_default()
}
