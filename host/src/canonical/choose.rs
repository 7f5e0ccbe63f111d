//! [`Choose`]: the one door through which everything goes that the specification leaves open.
//!
//! A store asks for a number below `n`; 0 is always what Wasmtime would do, so a chooser that answers 0 gives the canonical
//! schedule, and the list of the other answers is a complete record of a run. Nothing else in a store depends on clocks,
//! addresses or the order of hash maps.

use super::fault::Fault;

/// What is being chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// Which ready member of a waitable set is reported first.
    Event,
    /// Which of the tasks that can run, and of the host's own futures, is run next.
    Task,
    /// Which task of the instance runs while a plain `func` waits in it.
    SiblingTask,
    /// Whether a wait whose condition holds goes on at once (1) or gives way (0).
    GoOn,
    /// When a host function takes its parameters: at the call (0), or later (1).
    HostStart,
    /// Which of the host's futures gets on in the middle of a call of core code: none (0), or the `k`-th that can.
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
    /// Which reading of the Canonical ABI is followed, among those that a test allows.
    Profile,
    /// Whether the host does something unusual that it may do: no (0), or how.
    Fault(Fault),
    /// Something that is left open by a test.
    Scenario,
}

/// Someone who could take the next step: a task of a guest, or a future of the host. It keeps its number from step to step.
pub type Actor = u64;

/// Resolves choices.
pub trait Choose {
    /// A number below `n`, which is at least 2. An answer out of range counts as 0.
    fn choose(&mut self, kind: Choice, n: usize) -> usize;

    /// The place of one of `actors`, which are at least 2, as [`Choose::choose`] does for their number.
    fn choose_actor(&mut self, kind: Choice, actors: &[Actor]) -> usize {
        self.choose(kind, actors.len())
    }

    /// Notes that something unusual happened, by a choice or in consequence of some.
    fn happened(&mut self, fault: Fault) {
        let _ = fault;
    }
}

/// Always 0: what Wasmtime does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Canonical;

impl Choose for Canonical {
    fn choose(&mut self, _: Choice, _: usize) -> usize {
        0
    }
}
