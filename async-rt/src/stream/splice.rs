//! Passing on a reader that cannot be passed on as it is: because it holds items already, or because its own end has
//! been told that the writer has gone.
//!
//! A fresh stream takes its place: the reader gets the fresh readable end, and a spawned future writes what was received
//! into the other one, then whatever else the old reader brings.

use super::{StreamReader, stream_new};
use crate::task::spawn::spawn_here;
use alloc::vec::Vec;
use core::mem;

/// Replaces the readable end of an idle reader by a fresh one that brings the same items.
pub(super) fn splice<T>(reader: &StreamReader<T>) {
    let (mut writer, fresh) = stream_new(reader.vtable);
    let handle = fresh.raw.handle.take();
    drop(fresh);
    let mut rest = reader.take(handle);
    if rest.raw.unread() == 0 {
        // The stream has ended, and so does the fresh one: its writer is dropped here.
        return;
    }
    spawn_here(async move {
        let mut items = Vec::with_capacity(rest.raw.unread().max(rest.raw.vtable.chunk()));
        loop {
            let (result, received) = rest.read(mem::take(&mut items)).await;
            if result == super::StreamResult::Dropped {
                return;
            }
            items = writer.write_all(received).await;
            if writer.is_closed() {
                return;
            }
        }
    });
}
