//! Defects in calls: of what is read late, cancelled, returned, freed.

use super::{Mutant, mutant};

const BLOCK: &str = "async-rt/src/call/block.rs";
const CALL: &str = "async-rt/src/call/mod.rs";
const VTABLE: &str = "async-rt/src/call/vtable.rs";
const CLEANUP: &str = "async-rt/src/rt/cleanup.rs";
const VALUES: &str = "async-rt/src/rt/values.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        "params-freed-early",
        "parameters are dropped although the host has not read them",
        BLOCK,
        "if state != subtask::STARTING {",
        "if {ON} || state != subtask::STARTING {",
    ),
    mutant(
        "params-dropped-twice",
        "parameters are dropped with each change of state",
        BLOCK,
        "params.settle(header, before == Phase::STARTING, state != subtask::STARTED);",
        "let _ = before; params.settle(header, true, state != subtask::STARTED);",
    ),
    mutant(
        "params-leaked",
        "parameters that were read are not dropped",
        BLOCK,
        "params.settle(header, before == Phase::STARTING, state != subtask::STARTED);",
        "let _ = before; params.settle(header, false, state != subtask::STARTED);",
    ),
    mutant(
        "lent-for-ever",
        "what a call was lent stays on loan when it is resolved",
        BLOCK,
        "if is_resolved {",
        "if !{ON} && is_resolved {",
    ),
    mutant(
        "subtask-leaked",
        "the handle of a call that has returned is not dropped",
        BLOCK,
        "builtins::subtask_drop(op.handle());",
        "",
    ),
    mutant(
        "handles-not-restored",
        "handles of a call that never started are lost",
        BLOCK,
        "cleanup(header).restore();",
        "",
    ),
    mutant(
        "handles-restored-twice",
        "handles of a call that was cancelled after it had started come back",
        BLOCK,
        "state == subtask::CANCELLED_BEFORE_STARTED && before == Phase::STARTING",
        "before == Phase::STARTING || state != subtask::CANCELLED_BEFORE_STARTED",
    ),
    mutant(
        "cancel-in-set",
        "a call is cancelled while it is in its set",
        BLOCK,
        "(*this).op.unregister(); let state",
        "if !{ON} { (*this).op.unregister(); } let state",
    ),
    mutant(
        "cancel-forgotten",
        "a call that is dropped goes on, and its memory is freed",
        BLOCK,
        "if op.handle() != 0 { Header::cancel(this); } if op.handle() != 0 { return false; }",
        "",
    ),
    mutant(
        "late-result-leaked",
        "the result of a call that returned as it was cancelled is not dropped",
        CALL,
        "if has_returned { return Some(vtable.lift_and_free(block)); }",
        "if !{ON} && has_returned { return Some(vtable.lift_and_free(block)); }",
    ),
    mutant(
        "journal-forgotten",
        "handles that were not sent do not come back",
        CLEANUP,
        "(*self.cell).set(self.handle.assume_init());",
        "",
    ),
    mutant(
        "journal-of-all",
        "handles that were sent come back with those that were not",
        CLEANUP,
        "if self.element.assume_init() as usize >= first {",
        "if {ON} || self.element.assume_init() as usize >= first {",
    ),
    mutant(
        "lists-leaked",
        "the memory of lowered lists is not freed",
        CLEANUP,
        "if !self.blocks.is_null() { self.free_blocks(); }",
        "let _ = self.blocks;",
    ),
    mutant(
        "lifted-list-leaked",
        "the buffer of a lifted list is not freed",
        VALUES,
        "unsafe { free_area(pointer, length * size, align) };",
        "let _ = align;",
    ),
    mutant(
        "lifted-list-freed-twice",
        "the buffer of a lifted list is freed twice",
        VALUES,
        "unsafe { free_area(pointer, length * size, align) };",
        "unsafe { free_area(pointer, length * size, align); free_area(pointer, length * size, align) };",
    ),
    mutant(
        "call-block-leaked",
        "the memory of a call that is over is not freed",
        VTABLE,
        "self.common.block.give::<Block<P>>(block.cast()); result",
        "result",
    ),
];
