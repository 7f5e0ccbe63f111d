//! Streams: a readable and a writable end, each owning what is in flight at it.
//!
//! The futures these ends hand out only *wait*. Buffers, items that were received but not asked for, items that were
//! given but not sent, and the copy in flight all belong to the end, so dropping or forgetting such a future at any point
//! loses nothing.

mod buffer;
#[cfg(feature = "bytes")]
mod chunks;
mod feed;
#[cfg(feature = "std")]
mod io;
mod items;
mod raw_reader;
mod raw_writer;
mod read;
mod reader;
mod sink;
mod splice;
mod vtable;
mod write;
mod writer;

pub use buffer::AbiBuffer;
#[cfg(feature = "std")]
pub use feed::from_async_read;
pub use feed::{from_iter, from_stream};
pub use read::{StreamRead, StreamReadInto};
pub use reader::{StreamNext, StreamReader, StreamReaderStream};
pub use sink::StreamClosed;
pub use vtable::{StreamIntrinsics, StreamVtable};
pub use write::{StreamWrite, StreamWriteAll, StreamWriteFrom, StreamWriteOne};
pub use writer::StreamWriter;

use crate::copy::fresh_ends;
use crate::rt::cleanup::Cleanup;

/// How one read or write ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum StreamResult {
    /// This many items were transferred.
    Complete(usize),
    /// None were, because the peer has gone.
    Dropped,
    /// None were, because the operation was cancelled.
    Cancelled,
}

/// A new stream.
#[inline(never)]
pub fn stream_new<T>(vtable: &'static StreamVtable<T>) -> (StreamWriter<T>, StreamReader<T>) {
    // SAFETY: rule 8: the built-in is the one of this stream type, and its ends are fresh.
    unsafe {
        let (readable, writable) = fresh_ends(vtable.raw.intrinsics.new);
        (
            StreamWriter::from_handle(writable, vtable),
            stream_lift(readable as i32, vtable),
        )
    }
}

/// The readable end the host passed.
///
/// # Safety
///
/// `handle` is the readable end of a stream of this type, and nobody else's.
pub unsafe fn stream_lift<T>(handle: i32, vtable: &'static StreamVtable<T>) -> StreamReader<T> {
    // SAFETY: promised by the caller.
    unsafe { StreamReader::from_handle(handle as u32, vtable) }
}

/// Takes the readable end out of a reader in order to pass it on, noting it in `cleanup`.
///
/// Items the reader has received already go in front, through a stream of its own that a spawned future feeds.
///
/// # Safety
///
/// The reader stays where it is until `cleanup` is dropped, forgotten or restored.
#[inline]
pub unsafe fn stream_lower<T>(reader: &StreamReader<T>, cleanup: &mut Cleanup) -> i32 {
    // SAFETY: promised by the caller.
    unsafe { reader.raw.lower(cleanup) as i32 }
}
