//! Passing on a reader that cannot be passed on as it is: because it holds items already, or because its own end has
//! been told that the writer has gone.
//!
//! A fresh stream takes its place: the reader gets the fresh readable end, and a spawned future writes what was received
//! into the other one, then whatever else the old reader brings. It does so without the items' type, since every type of
//! stream that is passed on would have the code otherwise, and few ever run it.

use super::raw_reader::{Filled, RawReader};
use super::raw_writer::RawWriter;
use crate::copy::fresh_ends;
use crate::task::spawn::spawn_here;
use core::future::poll_fn;

/// A reader without the type of its items, and its owner.
struct Rest(RawReader);

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A writer without the type of its items, and its owner.
struct Fresh(RawWriter);

impl Drop for Fresh {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Replaces the readable end of an idle reader by a fresh one that brings the same items.
pub(super) fn splice(reader: &RawReader) {
    // SAFETY: rule 8: the built-in is the one of this stream type.
    let (readable, writable) = unsafe { fresh_ends(reader.vtable.intrinsics.new) };
    let fresh = Fresh(RawWriter::new(writable, reader.vtable));
    let rest = Rest(reader.take(readable));
    if rest.0.unread() == 0 {
        // The stream has ended, and so does the fresh one: its writer is dropped here.
        return;
    }
    spawn_here(forward(rest, fresh));
}

/// Writes what the reader has, and what it gets, until one of both has gone.
async fn forward(rest: Rest, mut fresh: Fresh) {
    let want = rest.0.unread().max(rest.0.vtable.chunk());
    loop {
        match poll_fn(|cx| rest.0.poll(want, cx)).await {
            Filled::Closed => return,
            Filled::Nothing => continue,
            Filled::Items => rest.0.drain_to(&mut fresh.0.queue),
        }
        if !poll_fn(|cx| fresh.0.poll_drain(cx)).await {
            return;
        }
    }
}
