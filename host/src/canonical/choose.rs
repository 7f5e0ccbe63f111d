//! [`Choose`]: the one door through which everything goes that the specification leaves open.
//!
//! A store asks for a number below `n`; 0 is always what Wasmtime would do, so a chooser that answers 0 gives the canonical
//! schedule, and the list of the other answers is a complete record of a run. Nothing else in a store depends on clocks,
//! addresses or the order of hash maps.

/// What is being chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// Which ready member of a waitable set is reported first.
    Event,
    /// Which of the tasks that can run is run next.
    Task,
    /// Which task of the instance runs while a plain `func` waits in it.
    SiblingTask,
    /// Whether a wait whose condition holds goes on at once (1) or gives way (0).
    GoOn,
    /// When a host function takes its parameters: at the call (0), or later (1).
    HostStart,
    /// Which of the host's own finished operations is seen next.
    HostEvent,
    /// Whether an end of the host answers a peer that begins to wait at once (0) or later (1).
    HostPace,
    /// How much of what both sides offer a copy moves: all (0), or `k` elements.
    CopyLength,
    /// The bits of a NaN: canonical (0) or another.
    Nan,
    /// What encoding a string is said to come from: UTF-8 (0), UTF-16 (1), Latin-1 (2). It decides how `realloc` is called.
    StringSource,
    /// Whether an error context keeps its message (0) or loses it (1).
    ErrorContext,
    /// A fault that a test injects: none (0).
    Fault,
}

impl Choice {
    /// All kinds.
    pub const ALL: [Choice; 12] = [
        Choice::Event,
        Choice::Task,
        Choice::SiblingTask,
        Choice::GoOn,
        Choice::HostStart,
        Choice::HostEvent,
        Choice::HostPace,
        Choice::CopyLength,
        Choice::Nan,
        Choice::StringSource,
        Choice::ErrorContext,
        Choice::Fault,
    ];
}

/// Resolves choices.
pub trait Choose {
    /// A number below `n`, which is at least 2. An answer out of range counts as 0.
    fn choose(&mut self, kind: Choice, n: usize) -> usize;
}

/// Always 0: what Wasmtime does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Canonical;

impl Choose for Canonical {
    fn choose(&mut self, _: Choice, _: usize) -> usize {
        0
    }
}
