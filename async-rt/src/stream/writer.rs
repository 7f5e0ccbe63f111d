//! The writable end of a stream.

use super::StreamVtable;
use super::buffer::AbiBuffer;
use super::raw_writer::RawWriter;
use super::write::{StreamWrite, StreamWriteAll, StreamWriteFrom, StreamWriteOne};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

/// The writable end of a stream.
///
/// It is also a [`Sink`](futures_sink::Sink), whose items collect until a chunk is full or the sink is flushed. A writer of
/// bytes is an `AsyncWrite` of futures-io as well, and of tokio with the feature of that name; what such a write has taken is
/// sent without a flush.
///
/// Every method is cancel safe: items belong to the caller before the first poll, and to the writer from then on. Dropping the future of a write at any point loses nothing that was given: the
/// write goes on, and later ones queue behind it; to take the items back, cancel it. Dropping the writer itself ends the
/// stream; what was not sent by then is dropped.
///
/// # When the reader goes away
///
/// A write says so, be it one that waits or the next one, and gives back what was not sent. There is no way to wait for it without
/// writing, as `closed` of a channel would: the Canonical ABI tells a writer nothing between its writes. A write of no items does
/// not do either, since it ends as well whenever somebody reads, and at once for as long as that read waits for items. Where a
/// producer has to stop before it has something to send, let the reader's side hold another end: a `future` that it drops or
/// writes together with the stream.
pub struct StreamWriter<T: 'static> {
    pub(super) raw: RawWriter,
    pub(super) vtable: &'static StreamVtable<T>,
    items: PhantomData<T>,
}

// SAFETY: rule 1: everything is touched only where the writer's instance is current.
unsafe impl<T: Send> Send for StreamWriter<T> {}
// SAFETY: shared access reads the handle only.
unsafe impl<T: Send> Sync for StreamWriter<T> {}
// Nothing is pinned: buffers are on the heap.
impl<T> Unpin for StreamWriter<T> {}

impl<T> StreamWriter<T> {
    /// # Safety
    ///
    /// `handle` is a writable end of a stream of this type, and nobody else's.
    pub(super) unsafe fn from_handle(handle: u32, vtable: &'static StreamVtable<T>) -> StreamWriter<T> {
        StreamWriter {
            raw: RawWriter::new(handle, &vtable.raw),
            vtable,
            items: PhantomData,
        }
    }

    /// The number the host knows the writable end by; 0 when it was closed.
    pub fn handle(&self) -> u32 {
        self.raw.handle
    }

    /// Whether the reader is known to have gone: nothing can be sent any more.
    pub fn is_closed(&self) -> bool {
        self.raw.is_closed()
    }

    /// Writes `items`, or as many of them as the reader takes at once.
    ///
    /// The result says how many were sent; the buffer returns the rest.
    ///
    /// From the first poll on the items are the writer's: a write that is dropped goes on.
    pub fn write(&mut self, items: Vec<T>) -> StreamWrite<'_, T> {
        let buffer = AbiBuffer::new(self.vtable, items);
        self.write_buf(buffer)
    }

    /// As [`write`](Self::write), with what an earlier write left over.
    pub fn write_buf(&mut self, buffer: AbiBuffer<T>) -> StreamWrite<'_, T> {
        StreamWrite::new(self, buffer)
    }

    /// Writes all of `items`. Returns those that could not be sent because the reader has gone, so usually none; the
    /// vector's memory can be used again.
    ///
    /// A write that is dropped before it has completed goes on: what the reader does not take at once is sent before the next
    /// write.
    pub fn write_all(&mut self, items: Vec<T>) -> StreamWriteAll<'_, T> {
        StreamWriteAll::new(self, items)
    }

    /// Writes one item. Returns it if the reader has gone.
    ///
    /// From the first poll on the item is the writer's: a write that is dropped goes on.
    pub fn write_one(&mut self, item: T) -> StreamWriteOne<'_, T> {
        StreamWriteOne::new(self, item)
    }

    /// Writes all of `items` and leaves the vector as it was, to be written from again. Returns how many were sent: all,
    /// unless the reader has gone.
    ///
    /// The vector lends its memory, so nothing is copied. A write that is dropped while it waits goes on, and leaves the
    /// vector empty.
    #[inline]
    pub fn write_from<'a>(&'a mut self, items: &'a mut Vec<T>) -> StreamWriteFrom<'a, T>
    where
        T: Copy,
    {
        StreamWriteFrom::new(self, items)
    }

    /// Takes back what was given and not sent, when the reader has gone. While a write is in flight there is nothing to
    /// take.
    pub fn take_unsent(&mut self) -> Vec<T> {
        if self.raw.port.is_busy() {
            return Vec::new();
        }
        let items = self.raw.take_unsent();
        // SAFETY: the items are of this type.
        unsafe { items.into_vec() }
    }
}

impl<T> Drop for StreamWriter<T> {
    #[inline]
    fn drop(&mut self) {
        self.raw.end();
    }
}

impl<T> fmt::Debug for StreamWriter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").field("handle", &self.handle()).finish()
    }
}
