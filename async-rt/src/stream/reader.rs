//! The readable end of a stream.

use super::StreamVtable;
use super::raw_reader::{Filled, RawReader};
use super::read::{StreamRead, StreamReadInto};
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, ready};
use futures_core::{FusedStream, Stream};

/// The readable end of a stream.
///
/// It is a [`Stream`] and a [`FusedStream`]; after the writer has gone it ends for good. Every method is cancel safe:
/// dropping the future it returned loses no item. A read that was in flight stays in flight, and the next method to ask
/// for items gets what it brings.
///
/// A reader of bytes is also an `AsyncRead` and `AsyncBufRead` of futures-io, and of tokio with the feature of that name. What
/// has arrived is copied from the reader's own buffer, so whatever an extension trait makes of it is cancel safe for the
/// stream: bytes that were not handed out are still there. Its method `read` hides that of the extension traits, which is
/// called as `AsyncReadExt::read(&mut reader, buffer)`.
///
/// A reader that is asked for single items reads ahead, more with each read that came back full. It can be passed on to
/// another component at any time: items read ahead stay in front.
pub struct StreamReader<T: 'static> {
    pub(super) raw: RawReader,
    pub(super) vtable: &'static StreamVtable<T>,
    /// How many items the next read of single items asks for.
    ahead: Cell<usize>,
}

// SAFETY: rule 1: everything but the handle cell is touched only where the reader's instance is current.
unsafe impl<T: Send> Send for StreamReader<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for StreamReader<T> {}
// Nothing is pinned: buffers are on the heap.
impl<T> Unpin for StreamReader<T> {}

impl<T> StreamReader<T> {
    /// # Safety
    ///
    /// `handle` is a readable end of a stream of this type, and nobody else's.
    pub(super) unsafe fn from_handle(handle: u32, vtable: &'static StreamVtable<T>) -> StreamReader<T> {
        StreamReader {
            raw: RawReader::new(handle, &vtable.raw),
            vtable,
            ahead: Cell::new(1),
        }
    }

    /// The number the host knows the readable end by; 0 when it was passed on.
    pub fn handle(&self) -> u32 {
        self.raw.handle.get()
    }

    /// Whether the writer is known to have gone and every item was read.
    pub fn is_done(&self) -> bool {
        self.raw.is_closed() && self.raw.unread() == 0
    }

    /// Reads items into the spare capacity of `items` and returns it.
    ///
    /// Items read ahead come first, without asking the writer. With no spare capacity this waits for the writer to be
    /// ready, without transferring anything.
    ///
    /// Dropping the read gives up `items`; what was to be read into it can be read later.
    pub fn read(&mut self, items: Vec<T>) -> StreamRead<'_, T> {
        StreamRead::new(self, items)
    }

    /// Reads items into the spare capacity of `items`, behind those that are there.
    ///
    /// As [`read`](Self::read), with a vector that stays the caller's. A read that is dropped leaves it with the items it
    /// had, in other memory. One that is forgotten while it waits leaves it empty.
    #[inline]
    pub fn read_into<'a>(&'a mut self, items: &'a mut Vec<T>) -> StreamReadInto<'a, T> {
        StreamReadInto::new(self, items)
    }

    /// The next item, or nothing once the writer has gone.
    #[expect(
        clippy::should_implement_trait,
        reason = "wit-bindgen's name, and that of stream extension traits"
    )]
    pub fn next(&mut self) -> StreamNext<'_, T> {
        StreamNext { reader: self }
    }

    /// All remaining items.
    pub async fn collect(mut self) -> Vec<T> {
        let mut items = Vec::new();
        loop {
            if items.len() == items.capacity() {
                items.reserve(self.raw.vtable.chunk().min(64));
            }
            if self.read_into(&mut items).await == super::StreamResult::Dropped {
                return items;
            }
        }
    }

    /// The reader as a [`Stream`], which it is already. Here for code written for wit-bindgen.
    pub fn into_stream(self) -> StreamReaderStream<T> {
        StreamReaderStream { reader: self }
    }

    /// Moves as many unread items into `items` as there is room for.
    pub(super) fn drain_into(&self, items: &mut Vec<T>) -> usize {
        let count = self.raw.unread().min(items.capacity() - items.len());
        // SAFETY: `count` items are unread and there is room for them. One is taken off before it is lifted, so that a panic
        // in lifting loses it instead of duplicating it.
        unsafe {
            let end = items.as_mut_ptr().add(items.len());
            match self.vtable.lift {
                None => {
                    ptr::copy_nonoverlapping(self.raw.pop(count).cast::<T>(), end, count);
                    items.set_len(items.len() + count);
                }
                Some(lift) => {
                    for index in 0..count {
                        end.add(index).write(lift(self.raw.pop(1)));
                        items.set_len(items.len() + 1);
                    }
                }
            }
        }
        count
    }

    #[inline]
    pub(super) fn poll_item(&mut self, cx: &Context<'_>) -> Poll<Option<T>> {
        if self.raw.unread() == 0 && ready!(self.poll_unread(cx)) == Filled::Closed {
            return Poll::Ready(None);
        }
        // SAFETY: there is an unread item, taken off before it is lifted as in `drain_into`.
        Poll::Ready(Some(unsafe { self.vtable.item(self.raw.pop(1)) }))
    }

    /// Waits for unread items, or for the end.
    #[inline(never)]
    pub(super) fn poll_unread(&mut self, cx: &Context<'_>) -> Poll<Filled> {
        loop {
            let want = self.ahead.get();
            let filled = ready!(self.raw.poll(want, cx));
            if filled == Filled::Items && self.raw.unread() >= want {
                self.ahead.set((want * 2).min(self.raw.vtable.chunk()));
            }
            if filled != Filled::Nothing {
                return Poll::Ready(filled);
            }
        }
    }

    /// From here on, reads ahead by the chunk.
    pub(super) fn read_ahead(&mut self) {
        if self.ahead.get() == 1 {
            self.ahead.set(self.raw.vtable.chunk());
        }
    }
}

impl<T> Stream for StreamReader<T> {
    type Item = T;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if this.raw.unread() == 0 {
            this.read_ahead();
        }
        this.poll_item(cx)
    }
}

impl<T> FusedStream for StreamReader<T> {
    fn is_terminated(&self) -> bool {
        self.is_done()
    }
}

impl<T> Drop for StreamReader<T> {
    #[inline]
    fn drop(&mut self) {
        self.raw.end();
    }
}

impl<T> fmt::Debug for StreamReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("handle", &self.handle()).finish()
    }
}

/// Waiting for one item: see [`StreamReader::next`].
#[must_use = "nothing is read unless this is awaited"]
pub struct StreamNext<'a, T: 'static> {
    reader: &'a mut StreamReader<T>,
}

impl<T> Future for StreamNext<'_, T> {
    type Output = Option<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().reader.poll_item(cx)
    }
}

/// A [`StreamReader`] as a [`Stream`].
#[derive(Debug)]
pub struct StreamReaderStream<T: 'static> {
    reader: StreamReader<T>,
}

impl<T> StreamReaderStream<T> {
    /// The reader as a stream.
    pub fn new(reader: StreamReader<T>) -> StreamReaderStream<T> {
        StreamReaderStream { reader }
    }

    /// The reader again. It is never missing: a read in flight goes with it.
    pub fn into_inner(self) -> Option<StreamReader<T>> {
        Some(self.reader)
    }
}

impl<T> Stream for StreamReaderStream<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.get_mut().reader).poll_next(cx)
    }
}

impl<T> FusedStream for StreamReaderStream<T> {
    fn is_terminated(&self) -> bool {
        self.reader.is_terminated()
    }
}
