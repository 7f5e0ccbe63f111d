//! One read into a vector.
//!
//! When items need no lifting the host reads straight into the vector. If that has to wait, the vector moves into the reader
//! for as long as the copy is in flight. A read that is dropped leaves it there: what arrives is unread, and goes to whoever
//! asks next.

use super::raw_reader::Filled;
use super::{StreamReader, StreamResult};
use crate::abi::{BLOCKED, MAX_COPY, at_most};
use crate::copy::ends;
use alloc::vec::Vec;
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll, ready};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing of ours is in flight.
    Waiting,
    /// Our read is in flight and the vector is here.
    Reading,
    /// Our read is in flight and the vector is the reader's buffer.
    ReadingInPlace,
    Done,
}

/// A read in progress: see [`StreamReader::read`].
#[must_use = "a read does nothing unless it is awaited"]
pub struct StreamRead<'a, T: 'static> {
    reader: &'a mut StreamReader<T>,
    items: Vec<T>,
    stage: Stage,
}

impl<T> Unpin for StreamRead<'_, T> {}

impl<'a, T> StreamRead<'a, T> {
    #[inline]
    pub(super) fn new(reader: &'a mut StreamReader<T>, items: Vec<T>) -> StreamRead<'a, T> {
        StreamRead {
            reader,
            items,
            stage: Stage::Waiting,
        }
    }

    /// Ends the read now, and returns what it brought. Items that arrived before an earlier read was dropped count.
    ///
    /// # Panics
    ///
    /// If the read has completed already.
    pub fn cancel(self: Pin<&mut Self>) -> (StreamResult, Vec<T>) {
        let this = self.get_mut();
        let result = match mem::replace(&mut this.stage, Stage::Done) {
            Stage::Waiting => StreamResult::Cancelled,
            Stage::Done => finished(),
            stage => {
                let filled = this.reader.raw.cancel().unwrap_or(Filled::Nothing);
                match conclude(this.reader, &mut this.items, stage, filled) {
                    Outcome::DROPPED => StreamResult::Dropped,
                    Outcome(0) => StreamResult::Cancelled,
                    Outcome(count) => StreamResult::Complete(count),
                }
            }
        };
        (result, mem::take(&mut this.items))
    }
}

impl<T> Future for StreamRead<'_, T> {
    type Output = (StreamResult, Vec<T>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let result = ready!(poll(this.reader, &mut this.items, &mut this.stage, cx).poll());
        Poll::Ready((result, mem::take(&mut this.items)))
    }
}

/// A read in progress: see [`StreamReader::read_into`].
#[must_use = "a read does nothing unless it is awaited"]
pub struct StreamReadInto<'a, T: 'static> {
    reader: &'a mut StreamReader<T>,
    items: &'a mut Vec<T>,
    stage: Stage,
}

impl<'a, T> StreamReadInto<'a, T> {
    #[inline]
    pub(super) fn new(reader: &'a mut StreamReader<T>, items: &'a mut Vec<T>) -> StreamReadInto<'a, T> {
        StreamReadInto {
            reader,
            items,
            stage: Stage::Waiting,
        }
    }
}

impl<T> Future for StreamReadInto<'_, T> {
    type Output = StreamResult;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StreamResult> {
        let this = self.get_mut();
        poll(this.reader, this.items, &mut this.stage, cx).poll()
    }
}

impl<T> Drop for StreamReadInto<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.stage == Stage::ReadingInPlace {
            give_back(self.reader, self.items);
        }
    }
}

/// The vector stays in flight; what was in it before goes into another.
fn give_back<T>(reader: &StreamReader<T>, items: &mut Vec<T>) {
    let (start, len) = reader.raw.before();
    let mut copy = Vec::with_capacity(len);
    // SAFETY: the first `len` elements of the buffer are items, because there is no `lift`. The reader forgets them, and the
    // host writes behind them only.
    unsafe {
        ptr::copy_nonoverlapping(start.cast::<T>(), copy.as_mut_ptr(), len);
        copy.set_len(len);
    }
    *items = copy;
}

/// How a read stands, in one word: it has to wait, or its result. Two words would go through memory.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Outcome(usize);

impl Outcome {
    const PENDING: Outcome = Outcome(usize::MAX);
    const DROPPED: Outcome = Outcome(usize::MAX - 1);
    /// Not at all: what is asked next decides.
    const AGAIN: Outcome = Outcome(usize::MAX - 2);

    /// So many items came, or none, and the writer is gone or not.
    #[inline]
    fn of(count: usize, closed: bool) -> Outcome {
        if count == 0 && closed {
            Outcome::DROPPED
        } else {
            Outcome(count)
        }
    }

    #[inline]
    fn poll(self) -> Poll<StreamResult> {
        match self {
            Outcome::PENDING => Poll::Pending,
            Outcome::DROPPED => Poll::Ready(StreamResult::Dropped),
            Outcome(count) => Poll::Ready(StreamResult::Complete(count)),
        }
    }
}

fn poll<T>(reader: &mut StreamReader<T>, items: &mut Vec<T>, stage: &mut Stage, cx: &Context<'_>) -> Outcome {
    if *stage == Stage::ReadingInPlace {
        let Poll::Ready(answer) = reader.raw.port.poll(cx.waker()) else {
            return Outcome::PENDING;
        };
        *stage = Stage::Done;
        return conclude_in_place(reader, items, answer);
    }
    loop {
        if *stage == Stage::Waiting && reader.raw.is_clear() && reader.vtable.lift.is_none() {
            let spare = items.capacity() - items.len();
            // Neither none nor too much.
            if spare.wrapping_sub(1) < MAX_COPY {
                return read_in_place(reader, items, spare, stage, cx);
            }
        }
        let outcome = poll_slow(reader, items, stage, cx);
        if outcome != Outcome::AGAIN {
            return outcome;
        }
    }
}

/// Starts a read into the vector.
#[inline]
fn read_in_place<T>(
    reader: &mut StreamReader<T>,
    items: &mut Vec<T>,
    spare: usize,
    stage: &mut Stage,
    cx: &Context<'_>,
) -> Outcome {
    let len = items.len();
    let raw = &reader.raw;
    // SAFETY: the reader is clear, and there is room for so many items behind those in the vector. It is not touched until the
    // answer: blocked, it moves into the reader.
    let status = unsafe { raw.read_at(items.as_mut_ptr().add(len).cast(), spare) };
    if status != BLOCKED {
        *stage = Stage::Done;
        let count = at_most(raw.note_end(status), spare);
        // SAFETY: the host wrote so many items, which are values because there is no `lift`.
        unsafe { items.set_len(len + count) };
        return Outcome::of(count, ends(status));
    }
    *stage = Stage::ReadingInPlace;
    let mut items = ManuallyDrop::new(mem::take(items));
    raw.adopt(items.as_mut_ptr().cast(), items.capacity(), len);
    raw.port.begin(raw.handle.get(), cx.waker());
    Outcome::PENDING
}

/// Everything but a read into the vector, unless there is room for more than one copy may bring.
#[inline(never)]
fn poll_slow<T>(reader: &mut StreamReader<T>, items: &mut Vec<T>, stage: &mut Stage, cx: &Context<'_>) -> Outcome {
    let mut want = 0;
    let mut earlier = false;
    match *stage {
        Stage::Waiting if reader.raw.port.is_busy() => earlier = true,
        Stage::Waiting if reader.raw.is_clear() => {
            let spare = items.capacity() - items.len();
            *stage = Stage::Reading;
            want = spare.min(reader.raw.vtable.chunk().max(64));
        }
        Stage::Waiting | Stage::Reading | Stage::ReadingInPlace => {}
        Stage::Done => finished(),
    }
    let Poll::Ready(filled) = reader.raw.poll(want, cx) else {
        return Outcome::PENDING;
    };
    if earlier && filled == Filled::Nothing {
        // An earlier read ended without news: now it is our turn.
        return Outcome::AGAIN;
    }
    *stage = Stage::Done;
    Outcome::of(reader.drain_into(items), filled == Filled::Closed)
}

/// The outcome of a read; moves what it brought into the vector, or the vector back.
fn conclude<T>(reader: &StreamReader<T>, items: &mut Vec<T>, stage: Stage, filled: Filled) -> Outcome {
    let count = if stage == Stage::ReadingInPlace {
        take_back(reader, items)
    } else {
        reader.drain_into(items)
    };
    Outcome::of(count, filled == Filled::Closed)
}

/// The outcome of a read into the vector.
fn conclude_in_place<T>(reader: &StreamReader<T>, items: &mut Vec<T>, answer: u32) -> Outcome {
    reader.raw.settle(answer);
    let count = take_back(reader, items);
    Outcome::of(count, reader.raw.is_closed())
}

/// Takes the vector back, with what was read; answers how much that is.
fn take_back<T>(reader: &StreamReader<T>, items: &mut Vec<T>) -> usize {
    let count = reader.raw.unread();
    let (buffer, capacity, tail) = reader.raw.disown();
    // SAFETY: this is the vector `read_in_place` took apart, with `count` more items: the host wrote them, and they are values
    // because there is no `lift`.
    let vector = unsafe { Vec::from_raw_parts(buffer.cast::<T>(), tail, capacity) };
    // What was left in its place has no memory to free.
    mem::forget(mem::replace(items, vector));
    count
}

#[cold]
fn finished() -> ! {
    panic!("a stream read was used after it had completed")
}
