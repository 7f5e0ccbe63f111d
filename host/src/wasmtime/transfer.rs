//! Joins Wasmtime's ends of streams and futures to the channels of `crate::channel`.
//!
//! A [`Producer`] is what the guest reads from: it reads the channel's output. A [`Consumer`] is what the guest writes to: it
//! writes the channel's input, and takes from the guest only what a reader on the other side waits for. So a guest's write
//! completes with exactly the items that were wanted, and neither side holds anything back.
//!
//! Zero-length operations are readiness probes: a zero-length read completes when an item is there, a zero-length write when
//! the reader waits. A cancelled operation withdraws its demand and has moved nothing.

use super::{Data, WireCx};
use crate::backend::{self, Job};
use crate::channel::{Demand, Input, Output};
use crate::cx::Cx;
use crate::error::Result;
use crate::stream::{FutureReader, Source, StreamReader};
use crate::value::ComponentType;
use crate::wasmtime::trap::into_wasmtime;
use std::pin::Pin;
use std::task::{Context, Poll};
use wasmtime::component::{
    self as wc, Accessor, Destination, FutureAny, FutureConsumer, FutureProducer, StreamAny, StreamConsumer,
    StreamProducer, StreamResult, VecBuffer,
};
use wasmtime::{AsContextMut, StoreContextMut};

/// Feeds a guest's reads.
struct Producer<T>(Output<T>);

impl<T> Unpin for Producer<T> {}

impl<T: ComponentType> StreamProducer<Data> for Producer<T> {
    type Item = T::Wire;
    type Buffer = VecBuffer<T::Wire>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, Data>,
        destination: Destination<'a, T::Wire, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // The reader is the host itself when there is no count: then whatever one write offers is passed on.
        let wanted = destination.remaining(store.as_context_mut()).unwrap_or(usize::MAX);
        match self.0.poll_take(wanted, cx) {
            Poll::Ready(None) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(Some(items)) if items.is_empty() => Poll::Ready(Ok(StreamResult::Completed)),
            Poll::Ready(Some(items)) => {
                let mut cx = WireCx { store };
                let delivered = T::deliver(items, destination, &mut cx);
                Poll::Ready(delivered.map(|()| StreamResult::Completed).map_err(into_wasmtime))
            }
            Poll::Pending if finish => {
                self.0.give_up();
                Poll::Ready(Ok(StreamResult::Cancelled))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: ComponentType> FutureProducer<Data> for Producer<T> {
    type Item = T::Wire;

    fn poll_produce(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<Data>,
        finish: bool,
    ) -> Poll<wasmtime::Result<Option<T::Wire>>> {
        match self.0.poll_take(1, cx) {
            Poll::Ready(value) => match value.and_then(|values| values.into_iter().next()) {
                Some(value) => Poll::Ready(value.into_wire(&mut WireCx { store }).map(Some).map_err(into_wasmtime)),
                None => Poll::Ready(Err(wasmtime::Error::msg(format!(
                    "the host dropped the writer of a future<{}> that the guest reads",
                    std::any::type_name::<T>()
                )))),
            },
            Poll::Pending if finish => {
                self.0.give_up();
                Poll::Ready(Ok(None))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Accepts a guest's writes.
struct Consumer<T>(Input<T>);

impl<T> Unpin for Consumer<T> {}

impl<T: ComponentType> Consumer<T> {
    fn accept(&mut self, store: StoreContextMut<Data>, source: wc::Source<'_, T::Wire>, max: usize) -> Result<()> {
        self.0.put(T::accept(source, max, &mut WireCx { store })?);
        Ok(())
    }
}

impl<T: ComponentType> StreamConsumer<Data> for Consumer<T> {
    type Item = T::Wire;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<Data>,
        source: wc::Source<'_, T::Wire>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let offered = source.remaining(store.as_context_mut());
        match self.0.poll_demand(cx) {
            Poll::Ready(Demand::Gone) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(Demand::Items(_)) if offered == 0 => Poll::Ready(Ok(StreamResult::Completed)),
            Poll::Ready(Demand::Items(wanted)) => {
                let accepted = self.accept(store, source, wanted.min(offered));
                Poll::Ready(accepted.map(|()| StreamResult::Completed).map_err(into_wasmtime))
            }
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: ComponentType> FutureConsumer<Data> for Consumer<T> {
    type Item = T::Wire;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<Data>,
        source: wc::Source<'_, T::Wire>,
        finish: bool,
    ) -> Poll<wasmtime::Result<()>> {
        match self.0.poll_demand(cx) {
            // A reader that went away after it had asked: the value is taken, and lost with the channel.
            Poll::Ready(Demand::Gone | Demand::Items(_)) => {
                Poll::Ready(self.accept(store, source, 1).map_err(into_wasmtime))
            }
            Poll::Pending if finish => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }
}

macro_rules! guest_end {
    ($(#[$doc:meta])* $name:ident, $any:ident, $wire:ident, $wire_any:ident, $typed:ident) => {
        $(#[$doc])*
        pub(crate) struct $name<T: ComponentType> {
            raw: wc::$wire<T::Wire>,
            cx: Cx,
        }

        impl<T: ComponentType> $name<T> {
            pub(crate) fn new(raw: wc::$wire<T::Wire>, cx: &Cx) -> Self {
                Self { raw, cx: cx.clone() }
            }

            /// Lets the guest's writes flow into `input`, from when the store runs next.
            pub(crate) fn connect(self, input: Input<T>) {
                let Self { raw, cx } = self;
                let consumer = Consumer(input);
                cx.push(Job::Wasmtime(Box::new(move |accessor: &Accessor<Data>| {
                    // This fails only when the end was closed, which ownership of `raw` excludes.
                    let _ = accessor.with(|access| raw.pipe(access, consumer));
                })));
            }

            /// Tells the guest, when the store runs next, that nobody reads.
            pub(crate) fn close(self) {
                let Self { mut raw, cx } = self;
                cx.push(Job::Wasmtime(Box::new(move |accessor: &Accessor<Data>| {
                    // As above.
                    let _ = accessor.with(|access| raw.close(access));
                })));
            }
        }

        /// The same, its payload type unknown. Closes itself when it is dropped unused.
        pub(crate) struct $any {
            raw: Option<$wire_any>,
            cx: Cx,
        }

        impl $any {
            pub(crate) fn new(raw: $wire_any, cx: &Cx) -> Self {
                Self { raw: Some(raw), cx: cx.clone() }
            }

            /// The end with its payload type.
            pub(crate) fn typed<T: ComponentType>(mut self) -> Result<$name<T>> {
                let raw = self.raw.clone().ok_or_else(|| anyhow::anyhow!("the handle was used before"))?;
                let typed = raw.$typed::<T::Wire>().map_err(super::trap::from_wasmtime)?;
                self.raw = None;
                Ok($name::new(typed, &self.cx))
            }

            /// The handle to pass to a guest in the store of `cx`.
            pub(crate) fn into_raw(mut self, cx: &Cx) -> Result<$wire_any> {
                anyhow::ensure!(self.cx.same_store(cx), "an untyped handle cannot move to another store");
                self.raw.take().ok_or_else(|| anyhow::anyhow!("the handle was used before"))
            }
        }

        impl Drop for $any {
            fn drop(&mut self) {
                if let Some(mut raw) = self.raw.take() {
                    self.cx.push(Job::Wasmtime(Box::new(move |accessor: &Accessor<Data>| {
                        // As above.
                        let _ = accessor.with(|access| raw.close(access));
                    })));
                }
            }
        }
    };
}

guest_end!(
    /// The reading end of a guest's stream, not read from yet.
    GuestStream, GuestStreamAny, StreamReader, StreamAny, try_into_stream_reader
);
guest_end!(
    /// The reading end of a guest's future, not awaited yet.
    GuestFuture, GuestFutureAny, FutureReader, FutureAny, try_into_future_reader
);

/// The handle of `reader` for a guest.
pub(crate) fn stream_into_wire<T: ComponentType>(
    reader: StreamReader<T>,
    cx: &mut WireCx<'_>,
) -> Result<wc::StreamReader<T::Wire>> {
    let output = match reader.into_source() {
        Source::Guest(backend::GuestStream::Wasmtime(guest)) if guest.cx.same_store(&cx.cx()) => return Ok(guest.raw),
        other => other.into_output(),
    };
    wc::StreamReader::new(cx.store.as_context_mut(), Producer(output)).map_err(super::trap::from_wasmtime)
}

/// The handle of `reader` for a guest.
pub(crate) fn future_into_wire<T: ComponentType>(
    reader: FutureReader<T>,
    cx: &mut WireCx<'_>,
) -> Result<wc::FutureReader<T::Wire>> {
    let output = match reader.into_source() {
        Source::Guest(backend::GuestFuture::Wasmtime(guest)) if guest.cx.same_store(&cx.cx()) => return Ok(guest.raw),
        other => other.into_output(),
    };
    wc::FutureReader::new(cx.store.as_context_mut(), Producer(output)).map_err(super::trap::from_wasmtime)
}

/// The untyped handle of `reader` for a guest.
pub(crate) fn stream_into_any<T: ComponentType>(reader: StreamReader<T>, cx: &mut WireCx<'_>) -> Result<StreamAny> {
    let wire = stream_into_wire(reader, cx)?;
    wire.try_into_stream_any(cx.store.as_context_mut())
        .map_err(super::trap::from_wasmtime)
}

/// The untyped handle of `reader` for a guest.
pub(crate) fn future_into_any<T: ComponentType>(reader: FutureReader<T>, cx: &mut WireCx<'_>) -> Result<FutureAny> {
    let wire = future_into_wire(reader, cx)?;
    wire.try_into_future_any(cx.store.as_context_mut())
        .map_err(super::trap::from_wasmtime)
}
