//! The ends of streams and futures that the host holds: a pair made by the host, or a reader taken from a guest.
//!
//! `stream::<T>()` makes a pair. The host keeps the [`StreamWriter`] and passes the [`StreamReader`] to a guest, as a
//! parameter, a result, or inside a record or another stream; or the other way round, a reader that came from a guest is
//! read here. A reader that nobody read from is passed on as it is, without the host standing in between.
//!
//! A reader and the writer of the same pair need nothing but each other; a reader from a guest makes progress only while its
//! store does. Nothing is buffered: a `write` ends when its items were taken, a guest's write ends when the host reads.

use crate::backend::{GuestFuture, GuestStream};
use crate::channel::{Demand, Input, Output, channel};
use crate::error::{ReaderDropped, Result};
use crate::value::ComponentType;
use anyhow::anyhow;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many items [`StreamReader`] asks for at once when it is used as a [`futures::Stream`].
const STREAM_CHUNK: usize = 64;

/// A new stream of `T`.
pub fn stream<T: ComponentType>() -> (StreamWriter<T>, StreamReader<T>) {
    let (input, output) = channel();
    (StreamWriter(input), StreamReader::from_output(output))
}

/// A new future of `T`.
pub fn future<T: ComponentType>() -> (FutureWriter<T>, FutureReader<T>) {
    let (input, output) = channel();
    (
        FutureWriter(input),
        FutureReader {
            source: Some(Source::Channel(output)),
        },
    )
}

/// Where a reader's items come from.
pub(crate) enum Source<T: ComponentType, G> {
    /// A channel, with a host writer or a consumer of a guest's stream at the other end.
    Channel(Output<T>),
    /// A guest's end from which nothing was read yet.
    Guest(G),
}

macro_rules! into_output {
    ($guest:ident) => {
        impl<T: ComponentType> Source<T, $guest<T>> {
            /// The channel that the items come out of.
            pub(crate) fn into_output(self) -> Output<T> {
                match self {
                    Source::Channel(output) => output,
                    Source::Guest(guest) => {
                        let (input, output) = channel();
                        guest.connect(input);
                        output
                    }
                }
            }
        }
    };
}
into_output!(GuestStream);
into_output!(GuestFuture);

/// The writing end of a stream. Dropping it ends the stream.
pub struct StreamWriter<T: ComponentType>(Input<T>);

impl<T: ComponentType> StreamWriter<T> {
    /// Writes `items` and waits until the reader took them all. An empty write waits until the reader wants something.
    ///
    /// Dropping the returned future gives up the wait, not the items: those it had begun to hand over are delivered.
    ///
    /// # Errors
    /// [`ReaderDropped`], with the items not taken, when the reader goes away.
    pub async fn write(&mut self, items: impl Into<Vec<T>>) -> Result<(), ReaderDropped<T>> {
        let mut items = Some(items.into());
        let unsent = |unsent| ReaderDropped { unsent };
        if let Err(mut left) = poll_fn(|cx| self.0.poll_taken(cx)).await {
            left.extend(items.take().unwrap_or_default());
            return Err(unsent(left));
        }
        if self.0.reader_is_gone() {
            return Err(unsent(items.take().unwrap_or_default()));
        }
        let items = items.take().unwrap_or_default();
        if items.is_empty() {
            return match poll_fn(|cx| self.0.poll_demand(cx)).await {
                Demand::Items(_) => Ok(()),
                Demand::Gone => Err(unsent(Vec::new())),
            };
        }
        self.0.put(items);
        poll_fn(|cx| self.0.poll_taken(cx)).await.map_err(unsent)
    }

    /// Writes one item; see [`StreamWriter::write`].
    ///
    /// # Errors
    /// [`ReaderDropped`], with the item, when the reader goes away.
    pub async fn write_one(&mut self, item: T) -> Result<(), ReaderDropped<T>> {
        self.write(vec![item]).await
    }

    /// Waits until the reader goes away.
    pub async fn closed(&mut self) {
        poll_fn(|cx| self.0.poll_reader_gone(cx)).await;
    }

    /// Whether the reader went away.
    pub fn is_closed(&self) -> bool {
        self.0.reader_is_gone()
    }
}

/// The reading end of a stream. Dropping it tells the writer.
pub struct StreamReader<T: ComponentType> {
    source: Option<Source<T, GuestStream<T>>>,
}

/// Clears the demand of a read that was dropped before it ended.
struct Demanding<'a, T>(&'a mut Output<T>);

impl<T> Drop for Demanding<'_, T> {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl<T: ComponentType> StreamReader<T> {
    pub(crate) fn from_output(output: Output<T>) -> Self {
        Self {
            source: Some(Source::Channel(output)),
        }
    }

    pub(crate) fn from_guest(guest: GuestStream<T>) -> Self {
        Self {
            source: Some(Source::Guest(guest)),
        }
    }

    pub(crate) fn into_source(mut self) -> Source<T, GuestStream<T>> {
        self.take_source()
    }

    fn take_source(&mut self) -> Source<T, GuestStream<T>> {
        self.source.take().unwrap_or_else(|| Source::Channel(channel().1))
    }

    /// The channel the items come out of; a guest's stream is connected to one when it is first read.
    fn output(&mut self) -> &mut Output<T> {
        if let Some(Source::Guest(_)) | None = &self.source {
            let output = self.take_source().into_output();
            self.source = Some(Source::Channel(output));
        }
        match &mut self.source {
            Some(Source::Channel(output)) => output,
            _ => unreachable!("the source was made a channel above"),
        }
    }

    /// Reads at least one and at most `max` items, or `None` at the end. With `max` zero it only waits until a read would
    /// not wait, and returns no items.
    ///
    /// Dropping the returned future gives up the wait; no item is lost.
    pub async fn read(&mut self, max: usize) -> Option<Vec<T>> {
        let demanding = Demanding(self.output());
        poll_fn(|cx| demanding.0.poll_take(max, cx)).await
    }

    /// Reads one item, or `None` at the end.
    pub async fn next(&mut self) -> Option<T> {
        self.read(1).await.and_then(|items| items.into_iter().next())
    }

    /// Reads to the end. The result grows with the stream.
    pub async fn collect(mut self) -> Vec<T> {
        let mut all = Vec::new();
        while let Some(mut items) = self.read(64 * 1024).await {
            all.append(&mut items);
        }
        all
    }

    /// This reader as a [`futures::Stream`] of its items.
    pub fn into_stream(self) -> Items<T> {
        Items {
            reader: self,
            ready: Vec::new().into_iter(),
        }
    }
}

impl<T: ComponentType> Drop for StreamReader<T> {
    fn drop(&mut self) {
        if let Some(Source::Guest(guest)) = self.source.take() {
            guest.close();
        }
    }
}

/// The items of a [`StreamReader`], as a [`futures::Stream`].
pub struct Items<T: ComponentType> {
    reader: StreamReader<T>,
    ready: std::vec::IntoIter<T>,
}

impl<T: ComponentType> Unpin for Items<T> {}

impl<T: ComponentType> futures::Stream for Items<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(item) = self.ready.next() {
            return Poll::Ready(Some(item));
        }
        match ready!(self.reader.output().poll_take(STREAM_CHUNK, cx)) {
            None => Poll::Ready(None),
            Some(items) => {
                self.ready = items.into_iter();
                Poll::Ready(self.ready.next())
            }
        }
    }
}

/// The writing end of a future.
///
/// A future must be written: when a writer is dropped without, a guest that reads the future is stopped with an error, and
/// a host that does receives one.
pub struct FutureWriter<T: ComponentType>(Input<T>);

impl<T: ComponentType> FutureWriter<T> {
    /// Writes the value and waits until it was taken.
    ///
    /// # Errors
    /// [`ReaderDropped`], with the value, when the reader goes away without taking it.
    pub async fn write(mut self, value: T) -> Result<(), ReaderDropped<T>> {
        if self.0.reader_is_gone() {
            return Err(ReaderDropped { unsent: vec![value] });
        }
        self.0.put(vec![value]);
        poll_fn(|cx| self.0.poll_taken(cx))
            .await
            .map_err(|unsent| ReaderDropped { unsent })
    }

    /// Waits until the reader goes away.
    pub async fn closed(&mut self) {
        poll_fn(|cx| self.0.poll_reader_gone(cx)).await;
    }
}

/// The reading end of a future; await it for the value.
///
/// # Errors
/// Awaiting it fails when the writer went away without having written.
pub struct FutureReader<T: ComponentType> {
    source: Option<Source<T, GuestFuture<T>>>,
}

impl<T: ComponentType> FutureReader<T> {
    pub(crate) fn from_guest(guest: GuestFuture<T>) -> Self {
        Self {
            source: Some(Source::Guest(guest)),
        }
    }

    pub(crate) fn into_source(mut self) -> Source<T, GuestFuture<T>> {
        self.source.take().unwrap_or_else(|| Source::Channel(channel().1))
    }
}

impl<T: ComponentType> Unpin for FutureReader<T> {}

impl<T: ComponentType> Future for FutureReader<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        if let Some(source @ Source::Guest(_)) = self.source.take_if(|source| matches!(source, Source::Guest(_))) {
            self.source = Some(Source::Channel(source.into_output()));
        }
        let unwritten = || anyhow!("a future<{}> was dropped without a value", std::any::type_name::<T>());
        match &mut self.source {
            Some(Source::Channel(output)) => {
                let value = ready!(output.poll_take(1, cx)).and_then(|values| values.into_iter().next());
                Poll::Ready(value.ok_or_else(unwritten))
            }
            _ => Poll::Ready(Err(unwritten())),
        }
    }
}

impl<T: ComponentType> Drop for FutureReader<T> {
    fn drop(&mut self) {
        if let Some(Source::Guest(guest)) = self.source.take() {
            guest.close();
        }
    }
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl<T: ComponentType> std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "<{}>"), std::any::type_name::<T>())
            }
        }
    )*};
}
opaque_debug!(StreamReader, StreamWriter, FutureReader, FutureWriter, Items);
