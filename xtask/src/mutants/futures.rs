//! Defects in futures: in what is written once and read once.

use super::{Mutant, mutant};

const BLOCK: &str = "async-rt/src/future/block.rs";
const READER: &str = "async-rt/src/future/reader.rs";
const WRITER: &str = "async-rt/src/future/writer.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        "default-unwritten",
        "a writer that goes away writes nothing",
        WRITER,
        "(self.instance) && !crate::sys::is_unwinding() {",
        "(self.instance) && !crate::sys::is_unwinding() && !{ON} {",
    ),
    mutant(
        "writer-leaked",
        "the end of a future that was written is not dropped",
        BLOCK,
        "((*header).drop_end)(op.handle());",
        "",
    ),
    mutant(
        "background-unheld",
        "a task exits while it writes a default",
        BLOCK,
        "Op::hold(this.cast());",
        "",
    ),
    mutant(
        "background-leaked",
        "the block of a default that was written is not freed",
        BLOCK,
        "if (*header).background.get() { end_background(header); return false; }",
        "if (*header).background.get() { return false; }",
    ),
    mutant(
        "refused-value-lost",
        "the value of a write whose reader is gone does not come back whole",
        BLOCK,
        "(*(*header).cleanup.get()).restore(); let value",
        "if !{ON} { (*(*header).cleanup.get()).restore(); } let value",
    ),
    mutant(
        "write-cancelled-in-set",
        "a write is cancelled while its end is in a set",
        BLOCK,
        "op.unregister(); let vtable",
        "if !{ON} { op.unregister(); } let vtable",
    ),
    mutant(
        "arrived-passed-on",
        "a future whose value has arrived is passed on as it is",
        READER,
        "if self.arrived.get() { self.splice(); } else {",
        "if self.arrived.get() && !{ON} { self.splice(); } else {",
    ),
    mutant(
        "future-read-not-cancelled",
        "a reader goes away while a read is in flight",
        READER,
        "self.cancel(); if self.arrived.get() { drop",
        "if !{ON} { self.cancel(); } if self.arrived.get() { drop",
    ),
    mutant(
        "arrived-leaked",
        "a value that has arrived is not dropped with its reader",
        READER,
        "if self.arrived.get() { drop(self.lift()); }",
        "let _ = self;",
    ),
    mutant(
        "area-leaked",
        "the memory of a value that was read is not freed",
        READER,
        "unsafe { self.vtable.area.give::<u64>(area) }",
        "let _ = area;",
    ),
    mutant(
        "refused-at-once-lost",
        "the value of a write that is refused at once does not come back whole",
        BLOCK,
        "if refused { (*cleanup).restore(); }",
        "let _ = refused;",
    ),
];
