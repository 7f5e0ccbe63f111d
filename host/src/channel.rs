//! The rendezvous between the two ends of a stream or future: one writer, one reader, nothing stored ahead of demand.
//!
//! A reader announces how many items it wants; a writer puts a chunk in and waits until it was taken. At most one chunk
//! is ever held, so memory is bounded by what one write hands over. Rules, which every method keeps:
//!
//! 1. Items leave in the order they came, and none is dropped while the reader lives. A chunk that a dropped `write`
//!    left behind is still delivered.
//! 2. `demand` is nonzero only while the reader waits for items; it is cleared when the wait ends or is given up.
//! 3. An end that goes away wakes the other; the reader first takes what is left.
//!
//! The same channel joins a host writer to a guest, a guest to a host reader, and one guest to another: whoever produces
//! for a guest is a reader of the channel, whoever consumes from a guest is a writer.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A long chunk is kept in blocks of this many items, so that taking a few costs no more than moving one block.
const BLOCK: usize = 64 * 1024;

struct State<T> {
    /// What was put and not taken, in blocks none of which is empty.
    items: VecDeque<Vec<T>>,
    demand: usize,
    writer_gone: bool,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Channel<T>(Mutex<State<T>>);

/// The end that items come out of.
pub(crate) struct Output<T>(Arc<Channel<T>>);

/// The end that items go into.
pub(crate) struct Input<T>(Arc<Channel<T>>);

/// What the reader wants, as its writer sees it.
pub(crate) enum Demand {
    /// It waits for up to this many items.
    Items(usize),
    /// It went away.
    Gone,
}

/// A new channel.
pub(crate) fn channel<T>() -> (Input<T>, Output<T>) {
    let state = State {
        items: VecDeque::new(),
        demand: 0,
        writer_gone: false,
        reader_gone: false,
        reader: None,
        writer: None,
    };
    let channel = Arc::new(Channel(Mutex::new(state)));
    (Input(channel.clone()), Output(channel))
}

impl<T> State<T> {
    /// Up to `max` items of the first block.
    fn take_front(&mut self, max: usize) -> Vec<T> {
        match self.items.front_mut() {
            None => Vec::new(),
            Some(first) if first.len() > max => {
                let rest = first.split_off(max);
                mem::replace(first, rest)
            }
            Some(_) => self.items.pop_front().unwrap_or_default(),
        }
    }

    fn push_back(&mut self, mut items: Vec<T>) {
        let mut blocks = VecDeque::new();
        while items.len() > BLOCK {
            blocks.push_front(items.split_off((items.len() - 1) / BLOCK * BLOCK));
        }
        if !items.is_empty() {
            blocks.push_front(items);
        }
        self.items.append(&mut blocks);
    }
}

impl<T> Channel<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl<T> Output<T> {
    /// Takes up to `max` items; `None` once the writer is gone and everything was taken. With `max` zero it takes
    /// nothing, and is ready when a take would be.
    pub(crate) fn poll_take(&mut self, max: usize, cx: &mut Context<'_>) -> Poll<Option<Vec<T>>> {
        let mut state = self.0.lock();
        if state.items.is_empty() {
            if state.writer_gone {
                return Poll::Ready(None);
            }
            state.demand = max.max(1);
            state.reader = Some(cx.waker().clone());
            let writer = state.writer.take();
            drop(state);
            wake(writer);
            return Poll::Pending;
        }
        state.demand = 0;
        let taken = state.take_front(max);
        let writer = if state.items.is_empty() {
            state.writer.take()
        } else {
            None
        };
        drop(state);
        wake(writer);
        Poll::Ready(Some(taken))
    }

    /// Withdraws the demand of a take that is no longer waited for.
    pub(crate) fn give_up(&mut self) {
        let mut state = self.0.lock();
        state.reader = None;
        if mem::take(&mut state.demand) == 0 {
            return;
        }
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }

    /// Puts items back that were taken last.
    #[cfg(feature = "native")]
    pub(crate) fn put_back(&mut self, items: Vec<T>) {
        if !items.is_empty() {
            self.0.lock().items.push_front(items);
        }
    }

    /// Ready when the writer is gone and everything was taken. Asks for nothing.
    #[cfg(feature = "native")]
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.writer_gone && state.items.is_empty() {
            return Poll::Ready(());
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Output<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reader_gone = true;
        state.demand = 0;
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }
}

impl<T> Input<T> {
    /// Ready when the reader waits for items, or is gone.
    pub(crate) fn poll_demand(&mut self, cx: &mut Context<'_>) -> Poll<Demand> {
        let mut state = self.0.lock();
        if state.reader_gone {
            return Poll::Ready(Demand::Gone);
        }
        if state.demand > 0 && state.items.is_empty() {
            return Poll::Ready(Demand::Items(state.demand));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Puts items behind those that are there already.
    pub(crate) fn put(&mut self, items: Vec<T>) {
        let mut state = self.0.lock();
        state.push_back(items);
        state.demand = 0;
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }

    /// Ready when everything put so far was taken, or, with what was not, when the reader is gone.
    pub(crate) fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Vec<T>>> {
        let mut state = self.0.lock();
        if state.items.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if state.reader_gone {
            return Poll::Ready(Err(mem::take(&mut state.items).into_iter().flatten().collect()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ready when the reader is gone.
    pub(crate) fn poll_reader_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.reader_gone {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether the reader is gone already.
    pub(crate) fn reader_is_gone(&self) -> bool {
        self.0.lock().reader_gone
    }
}

impl<T> Drop for Input<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.writer_gone = true;
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Demand, channel};
    use futures::task::noop_waker_ref;
    use std::task::{Context, Poll};

    #[test]
    fn a_long_chunk_comes_out_in_order_whatever_is_asked_for() {
        for length in [1, BLOCK, BLOCK + 1, 3 * BLOCK - 1, 3 * BLOCK] {
            let mut cx = Context::from_waker(noop_waker_ref());
            let (mut input, mut output) = channel();
            input.put((0..length).collect());
            let mut taken = Vec::new();
            for max in [1, 10, BLOCK - 3, BLOCK, usize::MAX].into_iter().cycle() {
                match output.poll_take(max, &mut cx) {
                    Poll::Ready(Some(items)) => {
                        assert!((1..=max).contains(&items.len()));
                        taken.extend(items);
                    }
                    Poll::Pending => break,
                    Poll::Ready(None) => panic!("the writer is there"),
                }
            }
            assert_eq!(taken, (0..length).collect::<Vec<_>>());
            assert_eq!(input.poll_taken(&mut cx), Poll::Ready(Ok(())));
        }
    }

    #[test]
    fn demand_lasts_as_long_as_the_wait() {
        let mut cx = Context::from_waker(noop_waker_ref());
        let (mut input, mut output) = channel::<u8>();
        assert!(input.poll_demand(&mut cx).is_pending());
        assert!(output.poll_take(7, &mut cx).is_pending());
        assert!(matches!(input.poll_demand(&mut cx), Poll::Ready(Demand::Items(7))));
        output.give_up();
        assert!(input.poll_demand(&mut cx).is_pending());
        drop(output);
        assert!(matches!(input.poll_demand(&mut cx), Poll::Ready(Demand::Gone)));
    }

    #[test]
    fn what_was_put_before_the_writer_went_is_taken_first() {
        let mut cx = Context::from_waker(noop_waker_ref());
        let (mut input, mut output) = channel();
        input.put(vec![1, 2]);
        drop(input);
        assert_eq!(output.poll_take(1, &mut cx), Poll::Ready(Some(vec![1])));
        assert_eq!(output.poll_take(1, &mut cx), Poll::Ready(Some(vec![2])));
        assert_eq!(output.poll_take(1, &mut cx), Poll::Ready(None));
    }
}
