//! Defects in streams: in what is in flight, what was not sent, and who is gone.

use super::{Mutant, mutant};

const COPY: &str = "async-rt/src/copy.rs";
const RAW_READER: &str = "async-rt/src/stream/raw_reader.rs";
const RAW_WRITER: &str = "async-rt/src/stream/raw_writer.rs";
const READER: &str = "async-rt/src/stream/reader.rs";
const BUFFER: &str = "async-rt/src/stream/buffer.rs";
const SPLICE: &str = "async-rt/src/stream/splice.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        "busy-kept",
        "an end is still busy after its copy was answered",
        COPY,
        "block.state.set(IDLE); return Poll::Ready(answer);",
        "return Poll::Ready(answer);",
    ),
    mutant(
        "busy-kept-by-cancel",
        "an end is still busy after its copy was cancelled",
        COPY,
        "block.state.set(IDLE); Some(answer)",
        "Some(answer)",
    ),
    mutant(
        "answer-overwritten",
        "an answer that was not seen is lost when the peer goes away",
        COPY,
        "if state == BLOCKED { (*block).state.set(answer);",
        "if state == BLOCKED || ({ON} && !matches!(state, IDLE | ENDED)) { (*block).state.set(answer);",
    ),
    mutant(
        "gone-forgotten",
        "an idle end is used again although its peer was reported to be gone",
        COPY,
        "IDLE => (*block).state.set(ENDED),",
        "IDLE if {ON} => {} IDLE => (*block).state.set(ENDED),",
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
        "let _ = (*block).op.release(); ptr::drop_in_place",
        "if !{ON} { let _ = (*block).op.release(); } ptr::drop_in_place",
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
        RAW_READER,
        "if ends(answer) { self.closed.set(true); }",
        "let _ = answer;",
    ),
    mutant(
        "read-not-cancelled",
        "a reader goes away while a read is in flight",
        READER,
        "self.raw.cancel(); if self.vtable.lift.is_some() {",
        "if !{ON} { self.raw.cancel(); } if self.vtable.lift.is_some() {",
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
        RAW_READER,
        "let count = self.note_end(answer);",
        "let count = self.note_end(answer); let count = if {ON} && count != 0 { self.capacity.get() - self.tail.get() } else { count };",
    ),
    mutant(
        "partial-write-overcounted",
        "a write that sent less counts as full",
        RAW_WRITER,
        "let count = self.note_end(answer); self.flight.advance(count);",
        "let count = self.note_end(answer); self.flight.advance(if {ON} && count != 0 { usize::MAX / 2 } else { count });",
    ),
    mutant(
        "partial-write-repeated",
        "what a write sent is sent again",
        BUFFER,
        "self.sent += at_most(count, self.remaining());",
        "let _ = count;",
    ),
    mutant(
        "write-dropped-not-latched",
        "a writer forgets that its reader is gone",
        RAW_WRITER,
        "if ends(answer) { self.closed = true; }",
        "let _ = answer;",
    ),
    mutant(
        "write-not-cancelled",
        "a writer goes away while a write is in flight",
        RAW_WRITER,
        "self.cancel(); self.port.free();",
        "self.port.free();",
    ),
    mutant(
        "write-buffer-leaked",
        "the lowered items of a write are not freed",
        BUFFER,
        "free_elements(vtable, (*block).area, (*block).capacity);",
        "",
    ),
    mutant(
        "sent-kept",
        "items that were sent come back with those that were not",
        BUFFER,
        "self.items.keep_from(vtable, sent);",
        "",
    ),
    mutant(
        "splice-cut",
        "of a reader that is passed on, only what it had received goes on",
        SPLICE,
        "if writer.is_closed() { return; }",
        "return;",
    ),
    mutant(
        "gone-after-answer-forgotten",
        "an end is used again although its peer was reported to be gone before its answer was seen",
        COPY,
        "(*block).state.set(unseen | AND_ENDED)",
        "()",
    ),
    mutant(
        "read-buffer-not-grown",
        "a read asks for more than its buffer has room for",
        RAW_READER,
        "if self.capacity.get() < want {",
        "if !{ON} && self.capacity.get() < want {",
    ),
    mutant(
        "sent-not-dropped",
        "items that were sent are forgotten when the others come back",
        BUFFER,
        "unsafe { self.items.drop_first(vtable, sent) };",
        "",
    ),
    mutant(
        "landed-not-dropped",
        "items that were all sent are forgotten",
        BUFFER,
        "unsafe { self.items.drop_first(vtable, count) }",
        "let _ = count;",
    ),
    mutant(
        "lowered-reused",
        "the canonical form of items that were sent is sent for the next as well",
        BUFFER,
        "if let Some(lowered) = self.lowered.get() { lowered.filled = false; lowered.cleanup.release(); } // SAFETY: the items were sent",
        "if let Some(lowered) = self.lowered.get() { if !{ON} { lowered.filled = false; } lowered.cleanup.release(); } // SAFETY: the items were sent",
    ),
    mutant(
        "queue-forgotten",
        "what was given while a write was in flight is not sent",
        RAW_WRITER,
        "if self.flight.remaining() == 0 && self.queue.len != 0 {",
        "if !{ON} && self.flight.remaining() == 0 && self.queue.len != 0 {",
    ),
];
