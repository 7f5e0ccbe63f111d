//! The readable end of a stream.

use super::raw::{Filled, RawReader, Shape, append_plain};
use super::read::StreamRead;
use super::{StreamVtable, chunk};
use crate::rt::cleanup::Cleanup;
use crate::waitable;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::{FusedStream, Stream};

/// The readable end of a stream.
///
/// It is a [`Stream`] and a [`FusedStream`]; after the writer has gone it ends for good. Every method is cancel safe:
/// dropping the future it returned loses no item. A read that was in flight stays in flight, and the next method to ask
/// for items gets what it brings.
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

impl<T> StreamVtable<T> {
    pub(super) fn shape(&'static self) -> Shape {
        Shape {
            size: self.size,
            align: self.align,
            intrinsics: &self.intrinsics,
        }
    }

    /// The item whose canonical form is at `from`.
    ///
    /// # Safety
    ///
    /// There is one, and it is not read again.
    #[inline]
    pub(super) unsafe fn item(&self, from: *mut u8) -> T {
        // SAFETY: rule 8 for `lift`; without it the bytes are the value.
        unsafe {
            match self.lift {
                Some(lift) => lift(from),
                None => from.cast::<T>().read(),
            }
        }
    }
}

impl<T> StreamReader<T> {
    /// # Safety
    ///
    /// `handle` is a readable end of a stream of this type, and nobody else's.
    pub(super) unsafe fn from_handle(handle: u32, vtable: &'static StreamVtable<T>) -> StreamReader<T> {
        StreamReader {
            raw: RawReader::new(handle),
            vtable,
            ahead: Cell::new(1),
        }
    }

    /// The same reader, emptied, and holding `handle` from now on.
    pub(super) fn take(&self, handle: u32) -> StreamReader<T> {
        StreamReader {
            raw: self.raw.take(handle),
            vtable: self.vtable,
            ahead: Cell::new(1),
        }
    }

    /// The number the host knows the readable end by; 0 when it was passed on.
    pub fn handle(&self) -> u32 {
        self.raw.handle.get()
    }

    /// Reads items into the spare capacity of `items` and returns it.
    ///
    /// Items read ahead come first, without asking the writer. With no spare capacity this waits for the writer to be
    /// ready, without transferring anything.
    pub fn read(&mut self, items: Vec<T>) -> StreamRead<'_, T> {
        StreamRead::new(self, items)
    }

    /// The next item, or nothing once the writer has gone.
    #[expect(
        clippy::should_implement_trait,
        reason = "wit-bindgen's name, and that of stream extension traits"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<T>> + use<'_, T> {
        poll_fn(|cx| self.poll_item(cx))
    }

    /// All remaining items.
    pub async fn collect(mut self) -> Vec<T> {
        let mut items = Vec::new();
        loop {
            if items.len() == items.capacity() {
                items.reserve(chunk(self.vtable.size).min(64));
            }
            let (result, back) = self.read(items).await;
            items = back;
            if result == super::StreamResult::Dropped {
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
        let shape = self.vtable.shape();
        // SAFETY: `count` items are unread and there is room for them.
        unsafe {
            match self.vtable.lift {
                None => append_plain(items, self.raw.pop_many(&shape, count), count),
                Some(lift) => {
                    for _ in 0..count {
                        let item = lift(self.raw.pop(&shape));
                        let len = items.len();
                        items.as_mut_ptr().add(len).write(item);
                        items.set_len(len + 1);
                    }
                }
            }
        }
        count
    }

    fn poll_item(&mut self, cx: &Context<'_>) -> Poll<Option<T>> {
        let shape = self.vtable.shape();
        loop {
            if self.raw.unread() != 0 {
                // SAFETY: there is an unread item, which `pop` takes off before it is lifted, so that a panic in
                // lifting loses it instead of duplicating it.
                return Poll::Ready(Some(unsafe { self.vtable.item(self.raw.pop(&shape)) }));
            }
            let want = self.ahead.get();
            match ready!(self.raw.poll(&shape, want, cx)) {
                Filled::Closed => return Poll::Ready(None),
                Filled::Items if self.raw.unread() >= want => {
                    self.ahead.set((want * 2).min(chunk(shape.size)));
                }
                Filled::Items | Filled::Nothing => {}
            }
        }
    }

    /// Takes the readable end out, for `stream_lower`.
    ///
    /// # Safety
    ///
    /// The reader stays where it is until `cleanup` is done with it.
    pub(super) unsafe fn lower(&self, cleanup: &mut Cleanup) -> u32 {
        self.raw.port.instance().check();
        if self.handle() != 0 {
            self.raw.cancel(&self.vtable.shape());
            self.raw.port.leave_set();
            let is_closed = self.raw.is_closed();
            self.raw.port.free();
            if self.raw.unread() != 0 || is_closed {
                super::splice::splice(self);
            }
        }
        // SAFETY: promised by the caller.
        unsafe { self.raw.handle.lower(cleanup) }
    }
}

impl<T> Stream for StreamReader<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if this.ahead.get() == 1 {
            this.ahead.set(chunk(this.vtable.size));
        }
        this.poll_item(cx)
    }
}

impl<T> FusedStream for StreamReader<T> {
    fn is_terminated(&self) -> bool {
        self.raw.is_closed() && self.raw.unread() == 0
    }
}

impl<T> Drop for StreamReader<T> {
    fn drop(&mut self) {
        if !waitable::is_alive(self.raw.port.instance()) {
            return;
        }
        let shape = self.vtable.shape();
        self.raw.cancel(&shape);
        if self.vtable.lift.is_some() {
            while self.raw.unread() != 0 {
                // SAFETY: there is an unread item, taken off before it is lifted.
                drop(unsafe { self.vtable.item(self.raw.pop(&shape)) });
            }
        }
        self.raw.close(&shape);
    }
}

impl<T> fmt::Debug for StreamReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("handle", &self.handle()).finish()
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
