//! One read into a vector.
//!
//! When items need no lifting the host reads straight into the vector, which moves into the reader while the copy is in
//! flight. A read that is dropped leaves it there: what arrives is unread, and goes to whoever asks next.

use super::raw::Filled;
use super::{StreamReader, StreamResult};
use alloc::vec::Vec;
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::task::{Context, Poll, ready};

enum Stage<T> {
    /// The vector is here; nothing of ours is in flight.
    Waiting(Vec<T>),
    /// Our read is in flight and the vector is here.
    Reading(Vec<T>),
    /// Our read is in flight and the vector is the reader's buffer.
    ReadingInPlace,
    Done,
}

/// A read in progress: see [`StreamReader::read`].
#[must_use = "a read does nothing unless it is awaited"]
pub struct StreamRead<'a, T: 'static> {
    reader: &'a mut StreamReader<T>,
    stage: Stage<T>,
}

impl<T> Unpin for StreamRead<'_, T> {}

impl<'a, T> StreamRead<'a, T> {
    pub(super) fn new(reader: &'a mut StreamReader<T>, items: Vec<T>) -> StreamRead<'a, T> {
        StreamRead {
            reader,
            stage: Stage::Waiting(items),
        }
    }

    /// Ends the read now, and returns what it brought. Items that arrived before an earlier read was dropped count.
    ///
    /// # Panics
    ///
    /// If the read has completed already.
    pub fn cancel(self: Pin<&mut Self>) -> (StreamResult, Vec<T>) {
        let this = self.get_mut();
        match mem::replace(&mut this.stage, Stage::Done) {
            Stage::Waiting(items) => (StreamResult::Cancelled, items),
            Stage::Done => finished(),
            stage => {
                let filled = this.reader.raw.cancel(&this.reader.vtable.shape());
                this.conclude(stage, filled.unwrap_or(Filled::Nothing), true)
            }
        }
    }

    /// The outcome of our own read.
    fn conclude(&mut self, stage: Stage<T>, filled: Filled, cancelled: bool) -> (StreamResult, Vec<T>) {
        let reader = &*self.reader;
        let (count, items) = match stage {
            Stage::Waiting(mut items) | Stage::Reading(mut items) => (reader.drain_into(&mut items), items),
            Stage::ReadingInPlace => {
                let count = reader.raw.unread();
                let (buffer, capacity, len) = reader.raw.disown();
                // SAFETY: this is the vector `start` took apart, with `count` more items: the host wrote them, and they
                // are values because there is no `lift`.
                (count, unsafe { Vec::from_raw_parts(buffer.cast::<T>(), len, capacity) })
            }
            Stage::Done => finished(),
        };
        let result = match filled {
            Filled::Closed => StreamResult::Dropped,
            Filled::Nothing if cancelled => StreamResult::Cancelled,
            Filled::Items | Filled::Nothing => StreamResult::Complete(count),
        };
        (result, items)
    }

    /// Makes our read the one in flight. The reader is idle, open, and has nothing unread.
    fn start(&mut self, items: Vec<T>) -> usize {
        let spare = items.capacity() - items.len();
        if self.reader.vtable.lift.is_some() || spare == 0 {
            self.stage = Stage::Reading(items);
            return spare.min(super::chunk(self.reader.vtable.size).max(64));
        }
        let mut items = ManuallyDrop::new(items);
        let (buffer, capacity, len) = (items.as_mut_ptr().cast(), items.capacity(), items.len());
        self.reader
            .raw
            .adopt(&self.reader.vtable.shape(), buffer, capacity, len);
        self.stage = Stage::ReadingInPlace;
        spare
    }
}

impl<T> Future for StreamRead<'_, T> {
    type Output = (StreamResult, Vec<T>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let shape = this.reader.vtable.shape();
        loop {
            let raw = &this.reader.raw;
            let mut want = 0;
            let mut earlier = false;
            if let Stage::Waiting(_) = this.stage {
                earlier = raw.port.is_busy();
                if !earlier
                    && !raw.is_closed()
                    && raw.unread() == 0
                    && let Stage::Waiting(items) = mem::replace(&mut this.stage, Stage::Done)
                {
                    want = this.start(items);
                }
            }
            let filled = ready!(this.reader.raw.poll(&shape, want, cx));
            if earlier && filled == Filled::Nothing {
                // An earlier read ended without news: now it is our turn.
                continue;
            }
            let stage = mem::replace(&mut this.stage, Stage::Done);
            return Poll::Ready(this.conclude(stage, filled, false));
        }
    }
}

#[cold]
fn finished() -> ! {
    panic!("a stream read was used after it had completed")
}
