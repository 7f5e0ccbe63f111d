//! Defects in streams: in what is in flight, what was not sent, and who is gone.

use super::Mutant;

const fn mutant(
    name: &'static str,
    about: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Mutant {
    Mutant {
        name,
        about,
        file,
        from,
        to,
    }
}

const COPY: &str = "async-rt/src/copy.rs";
const RAW: &str = "async-rt/src/stream/raw.rs";
const READER: &str = "async-rt/src/stream/reader.rs";
const WRITER: &str = "async-rt/src/stream/writer.rs";
const BUFFER: &str = "async-rt/src/stream/buffer.rs";
const SPLICE: &str = "async-rt/src/stream/splice.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        "busy-kept",
        "an end is still busy after its copy was answered",
        COPY,
        "block.busy.set(false); return Poll::Ready(answer);",
        "return Poll::Ready(answer);",
    ),
    mutant(
        "busy-kept-by-cancel",
        "an end is still busy after its copy was cancelled",
        COPY,
        "block.busy.set(false); Some(answer)",
        "Some(answer)",
    ),
    mutant(
        "answer-overwritten",
        "an answer that was not seen is lost when the peer goes away",
        COPY,
        "(*block).busy.get() && (*block).answer.get() == BLOCKED",
        "(*block).busy.get()",
    ),
    mutant(
        "gone-forgotten",
        "an idle end is used again although its peer was reported to be gone",
        COPY,
        "(*block).gone.set(true);",
        "",
    ),
    mutant(
        "answer-lost-by-cancel",
        "a copy that was answered counts as cancelled when it is cancelled",
        COPY,
        "answer => answer, };",
        "answer => if {ON} { copy::CANCELLED } else { answer }, };",
    ),
    mutant(
        "copy-cancelled-in-set",
        "a copy is cancelled while its end is in a set",
        COPY,
        "block.op.unregister(); let answer",
        "if !{ON} { block.op.unregister(); } let answer",
    ),
    mutant(
        "passed-on-in-set",
        "an end is passed on while it is in a set",
        COPY,
        "if let Some(block) = self.block() { block.op.unregister(); }",
        "let _ = self;",
    ),
    mutant(
        "port-freed-registered",
        "the block of an end is freed while its slot names it",
        COPY,
        "(*block).op.release(); ptr::drop_in_place",
        "if !{ON} { (*block).op.release(); } ptr::drop_in_place",
    ),
    mutant(
        "port-leaked",
        "the block of an end is not freed",
        COPY,
        "pool::give(block.cast_mut().cast(), Layout::new::<Block>());",
        "",
    ),
    mutant(
        "dropped-not-latched",
        "a reader forgets that its writer is gone",
        RAW,
        "if dropped { self.closed.set(true); }",
        "let _ = dropped;",
    ),
    mutant(
        "read-not-cancelled",
        "a reader goes away while a read is in flight",
        READER,
        "self.raw.cancel(&shape); if self.vtable",
        "if !{ON} { self.raw.cancel(&shape); } if self.vtable",
    ),
    mutant(
        "unread-leaked",
        "a reader that goes away does not drop what it has received",
        READER,
        "while self.raw.unread() != 0 { // SAFETY: there is an unread item, taken off before it is lifted.",
        "while !{ON} && self.raw.unread() != 0 { // SAFETY: there is an unread item, taken off before it is lifted.",
    ),
    mutant(
        "unread-lost",
        "what a reader has received is lost when it is passed on",
        READER,
        "if self.raw.unread() != 0 || is_closed {",
        "if (!{ON} && self.raw.unread() != 0) || is_closed {",
    ),
    mutant(
        "ended-passed-on",
        "a reader whose writer is gone is passed on as it is",
        READER,
        "|| is_closed {",
        "|| (is_closed && !{ON}) {",
    ),
    mutant(
        "partial-read-overcounted",
        "a read that brought less counts as full",
        RAW,
        "let count = (answer >> 4) as usize;",
        "let count = if {ON} && answer >> 4 != 0 { self.capacity.get() - self.tail.get() } else { (answer >> 4) as usize };",
    ),
    mutant(
        "read-buffer-reused",
        "a read begins where the last one did, over what was not taken",
        RAW,
        "if !self.adopted.replace(false) {",
        "if {ON} || !self.adopted.replace(false) {",
    ),
    mutant(
        "partial-write-overcounted",
        "a write that sent less counts as full",
        WRITER,
        "self.flight.advance((answer >> 4) as usize);",
        "if answer >> 4 != 0 { self.flight.advance(usize::MAX / 2); }",
    ),
    mutant(
        "partial-write-repeated",
        "what a write sent is sent again",
        WRITER,
        "self.flight.advance((answer >> 4) as usize);",
        "",
    ),
    mutant(
        "write-dropped-not-latched",
        "a writer forgets that its reader is gone",
        WRITER,
        "if answer & 0xf == copy::DROPPED { self.closed = true; }",
        "let _ = answer;",
    ),
    mutant(
        "write-not-cancelled",
        "a writer goes away while a write is in flight",
        WRITER,
        "self.cancel(); self.port.free();",
        "self.port.free();",
    ),
    mutant(
        "write-buffer-leaked",
        "the lowered items of a write are not freed",
        BUFFER,
        "unsafe { self.vtable.shape().free(area, self.items.len()) }",
        "let _ = area;",
    ),
    mutant(
        "sent-kept",
        "items that were sent come back with those that were not",
        BUFFER,
        "drop(items.drain(..sent));",
        "",
    ),
    mutant(
        "splice-cut",
        "of a reader that is passed on, only what it had received goes on",
        SPLICE,
        "if writer.is_closed() { return; }",
        "return;",
    ),
];
