//! The host's ends of streams and futures.

use crate::host::{Data, Item};
use futures::channel::oneshot;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use wasmtime::component::{
    Destination, FutureConsumer, Source, StreamConsumer, StreamProducer, StreamResult, VecBuffer,
};
use wasmtime::{Result, StoreContextMut, ensure, error::Context as _};

/// The byte all byte streams consist of.
pub(crate) const BYTE: u8 = 0xa5;

/// What the sinks of one run saw, and what they are to see.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Counters>);

#[derive(Default)]
struct Counters {
    items: AtomicU64,
    operations: AtomicU64,
    /// How many items each operation has to move.
    each: AtomicU64,
    /// Whether to look at the items as well.
    look: AtomicBool,
}

impl Meter {
    /// Prepares for operations of `each` items.
    pub(crate) fn expect(&self, each: u64, look: bool) {
        self.0.items.store(0, Relaxed);
        self.0.operations.store(0, Relaxed);
        self.0.each.store(each, Relaxed);
        self.0.look.store(look, Relaxed);
    }

    /// Items and operations so far.
    pub(crate) fn seen(&self) -> (u64, u64) {
        (self.0.items.load(Relaxed), self.0.operations.load(Relaxed))
    }

    fn looks(&self) -> bool {
        self.0.look.load(Relaxed)
    }

    /// Notes an operation; answers how many items came before it.
    fn note(&self, items: usize) -> Result<u64> {
        let each = self.0.each.load(Relaxed);
        ensure!(
            items as u64 == each,
            "an operation of {items} items where the workload says {each}"
        );
        self.0.operations.fetch_add(1, Relaxed);
        Ok(self.0.items.fetch_add(each, Relaxed))
    }
}

/// Whether an operation is to be answered at its first poll or only at the second.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    slow: bool,
    waited: bool,
}

impl Pace {
    pub(crate) fn new(mode: u32) -> Self {
        Self {
            slow: mode == 1,
            waited: false,
        }
    }

    fn ready(&mut self, cx: &Context<'_>) -> bool {
        if !self.slow || std::mem::take(&mut self.waited) {
            return true;
        }
        self.waited = true;
        cx.waker().wake_by_ref();
        false
    }
}

/// A kind of item a sink takes.
pub(crate) trait Payload: Sized + Send + 'static {
    /// Takes all items of an operation.
    fn take(source: Source<'_, Self>, store: StoreContextMut<'_, Data>, count: usize, meter: &Meter) -> Result<()>;
}

impl Payload for u8 {
    fn take(source: Source<'_, u8>, store: StoreContextMut<'_, Data>, count: usize, meter: &Meter) -> Result<()> {
        let mut direct = source.as_direct(store);
        let bytes = direct.remaining();
        ensure!(
            !meter.looks() || bytes.iter().all(|byte| *byte == BYTE),
            "a wrong byte was written"
        );
        meter.note(count)?;
        direct.mark_read(count);
        Ok(())
    }
}

fn take_all<T>(mut source: Source<'_, T>, store: StoreContextMut<'_, Data>, count: usize) -> Result<Vec<T>>
where
    T: wasmtime::component::Lift + 'static,
    Vec<T>: wasmtime::component::ReadBuffer<T>,
{
    let mut items = Vec::with_capacity(count);
    source.read(store, &mut items)?;
    Ok(items)
}

impl Payload for u32 {
    fn take(source: Source<'_, u32>, store: StoreContextMut<'_, Data>, count: usize, meter: &Meter) -> Result<()> {
        let items = take_all(source, store, count)?;
        let before = meter.note(items.len())?;
        ensure!(
            items
                .iter()
                .enumerate()
                .all(|(index, item)| u64::from(*item) == before + index as u64),
            "a wrong number was written"
        );
        Ok(())
    }
}

impl Payload for Item {
    fn take(source: Source<'_, Item>, store: StoreContextMut<'_, Data>, count: usize, meter: &Meter) -> Result<()> {
        let items = take_all(source, store, count)?;
        let before = meter.note(items.len())?;
        ensure!(
            items
                .iter()
                .enumerate()
                .all(|(index, item)| u64::from(item.id) == before + index as u64 && item.name == "item-name-0123456789"),
            "a wrong item was written"
        );
        Ok(())
    }
}

/// Takes each write whole.
pub(crate) struct Sink<T> {
    pace: Pace,
    meter: Meter,
    item: std::marker::PhantomData<fn(T)>,
}

impl<T> Sink<T> {
    pub(crate) fn new(mode: u32, meter: &Meter) -> Self {
        Self {
            pace: Pace::new(mode),
            meter: meter.clone(),
            item: std::marker::PhantomData,
        }
    }
}

impl<T: Payload> StreamConsumer<Data> for Sink<T> {
    type Item = T;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<Data>,
        source: Source<'_, T>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        let count = source.remaining(&mut store);
        if !self.pace.ready(cx) && !finish {
            return Poll::Pending;
        }
        Poll::Ready(T::take(source, store, count, &self.meter).map(|()| StreamResult::Completed))
    }
}

/// Fills each read whole, until `left` is used up.
pub(crate) struct Bytes {
    left: u64,
    pace: Pace,
    meter: Meter,
}

impl Bytes {
    pub(crate) fn new(total: u64, mode: u32, meter: &Meter) -> Self {
        Self {
            left: total,
            pace: Pace::new(mode),
            meter: meter.clone(),
        }
    }
}

impl StreamProducer<Data> for Bytes {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'a, Data>,
        destination: Destination<'a, u8, VecBuffer<u8>>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        if self.left == 0 {
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        if !self.pace.ready(cx) && !finish {
            return Poll::Pending;
        }
        let mut direct = destination.as_direct(store, 0);
        let room = direct.remaining();
        let count = room.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        room[..count].fill(BYTE);
        direct.mark_written(count);
        self.left -= count as u64;
        Poll::Ready(self.meter.note(count).map(|_| StreamResult::Completed))
    }
}

/// Hands the value of a future on.
pub(crate) struct Take(pub(crate) Option<oneshot::Sender<u32>>);

impl FutureConsumer<Data> for Take {
    type Item = u32;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<Data>,
        mut source: Source<'_, u32>,
        _: bool,
    ) -> Poll<Result<()>> {
        let mut value = None;
        source.read(store, &mut value)?;
        let value = value.context("a future without a value")?;
        if let Some(sender) = self.0.take() {
            // The receiver is gone only when the call was dropped.
            let _ = sender.send(value);
        }
        Poll::Ready(Ok(()))
    }
}
