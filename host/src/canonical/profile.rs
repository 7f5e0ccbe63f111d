//! [`Profile`]: which reading of the Canonical ABI a store follows, where readings differ.
//!
//! Guests have to be right under all of them, so tests run under more than one. The fields name the differences; each
//! says what the specification of August 2026, Wasmtime 48 and the newer drafts do.

/// The code a copy ends with that was cancelled after some elements had moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RacyCancel {
    /// COMPLETED(n): the progress was reported first. The executable reference of August 2026.
    Completed,
    /// CANCELLED(n), unless everything had moved or the peer is gone. Wasmtime 48.
    CancelledWhenPartial,
    /// CANCELLED(n), even if everything had moved, unless the peer is gone. The newer drafts.
    Cancelled,
}

/// Who may enter an instance while its core code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reentrance {
    /// Nobody but the instance itself, whose destructors it may run. August 2026.
    Never,
    /// Instances that it called; the host may not. Wasmtime 48.
    FromGuests,
    /// Everybody. The newer drafts.
    Always,
}

/// A reading of the Canonical ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in reports.
    pub name: &'static str,
    /// What a cancel reports after partial progress.
    pub racy_cancel: RacyCancel,
    /// Whether an idle end gets a DROPPED event when its peer is dropped. August 2026: no; the others: yes.
    pub idle_dropped_event: bool,
    /// Whether such an event makes the end done: it can only be dropped then, and a future that nobody reads need not be
    /// written. The newer drafts only; for Wasmtime 48 an operation has to report it.
    pub idle_event_ends: bool,
    /// Whether the built-ins that are marked `cancellable` tell of cancellations. The newer drafts know no such mark: only
    /// callbacks are told.
    pub cancellable_built_ins: bool,
    /// Whether a task of a plain `func` traps as soon as it uses a built-in that could block, whether or not it would.
    /// Wasmtime 48 only.
    pub eager_blocking_trap: bool,
    /// Whether `task.cancel` is allowed once cancellation was requested, delivered or not. Wasmtime 48 only.
    pub early_task_cancel: bool,
    /// Whether a second `subtask.cancel` is let pass. Wasmtime 48 only, for calls of other guests.
    pub repeated_subtask_cancel: bool,
    /// Whether a task parked in WAIT or YIELD becomes ready by a cancellation that could not be delivered at once.
    /// August 2026: no; the others: yes.
    pub pending_cancel_wakes: bool,
    /// Who may enter an instance that is running.
    pub reentrance: Reentrance,
    /// Whether `subtask.cancel` traps on a member of a waitable set in its async form too. The newer drafts only.
    pub cancel_outside_sets: bool,
    /// Whether a call waits behind calls that wait already, even if nothing holds it back. August 2026 only.
    pub residual_backpressure: bool,
    /// Whether the same-instance rule is applied only when elements move. The newer drafts only.
    pub same_instance_when_moved: bool,
    /// Whether lending from a borrow handle pins it. August 2026 and newer; Wasmtime 48 pins own handles only.
    pub borrows_are_pinned: bool,
    /// Whether a lent handle is released when the callee resolves and not when the caller is told. Wasmtime 48 only.
    pub lends_end_at_resolve: bool,
    /// Whether the buffer of a copy is checked for alignment when the copy is started. Wasmtime 48: when it meets its peer.
    pub alignment_at_call: bool,
    /// Whether leaving a set is refused while a synchronous operation waits. Wasmtime 48 does not check.
    pub join_checks_sync_waiter: bool,
    /// Whether an idle end with an undelivered event may be dropped. The newer drafts and Wasmtime 48, which send such
    /// events.
    pub idle_event_is_droppable: bool,
}

impl Profile {
    /// The specification as of August 2026, to which guests have to conform.
    pub const AUGUST_2026: Profile = Profile {
        name: "august-2026",
        racy_cancel: RacyCancel::Completed,
        idle_dropped_event: false,
        eager_blocking_trap: false,
        early_task_cancel: false,
        repeated_subtask_cancel: false,
        pending_cancel_wakes: false,
        idle_event_ends: false,
        cancellable_built_ins: true,
        reentrance: Reentrance::Never,
        cancel_outside_sets: false,
        residual_backpressure: true,
        same_instance_when_moved: false,
        borrows_are_pinned: true,
        lends_end_at_resolve: false,
        alignment_at_call: true,
        join_checks_sync_waiter: true,
        idle_event_is_droppable: false,
    };

    /// Wasmtime 48.
    pub const WASMTIME_48: Profile = Profile {
        name: "wasmtime-48",
        racy_cancel: RacyCancel::CancelledWhenPartial,
        idle_dropped_event: true,
        eager_blocking_trap: true,
        early_task_cancel: true,
        repeated_subtask_cancel: true,
        pending_cancel_wakes: true,
        reentrance: Reentrance::FromGuests,
        residual_backpressure: false,
        borrows_are_pinned: false,
        lends_end_at_resolve: true,
        alignment_at_call: false,
        join_checks_sync_waiter: false,
        idle_event_is_droppable: true,
        ..Profile::AUGUST_2026
    };

    /// The drafts that follow August 2026.
    pub const NEWER: Profile = Profile {
        name: "newer",
        racy_cancel: RacyCancel::Cancelled,
        idle_dropped_event: true,
        pending_cancel_wakes: true,
        idle_event_ends: true,
        cancellable_built_ins: false,
        reentrance: Reentrance::Always,
        cancel_outside_sets: true,
        same_instance_when_moved: true,
        idle_event_is_droppable: true,
        ..Profile::AUGUST_2026
    };

    /// All of them.
    pub const ALL: [Profile; 3] = [Profile::AUGUST_2026, Profile::WASMTIME_48, Profile::NEWER];
}

impl Default for Profile {
    fn default() -> Profile {
        Profile::AUGUST_2026
    }
}
