//! Streams that are fed by something else: one line each.
//!
//! What feeds is a future of the current task, which ends with its source or with its reader. While the source has
//! nothing, an empty write is in flight: it ends when the reader goes, or, telling nothing more, when it begins to read.

use super::{StreamReader, StreamWriter};
use crate::task::spawn::spawn_here;
#[cfg(feature = "std")]
use crate::task::spawn::{JoinHandle, spawn};
use alloc::vec::Vec;
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll};
use futures_core::Stream;

/// After so many chunks that were taken at once, others get a turn.
const CHUNKS: u32 = 64;

/// What a source had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// There may be more.
    Open,
    Ended,
}

/// Writes what `fill` puts into the vector until it says that there is no more, or the reader goes.
async fn feed<T>(mut writer: StreamWriter<T>, mut fill: impl FnMut(&mut Vec<T>, &mut Context<'_>) -> Poll<Source>) {
    let mut items = Vec::new();
    for chunk in 1u32.. {
        let mut told = false;
        let source = poll_fn(|cx| match fill(&mut items, cx) {
            Poll::Ready(source) => Poll::Ready(source),
            Poll::Pending => writer.raw.poll_gone(&mut told, cx).map(|()| Source::Ended),
        });
        let source = source.await;
        writer.raw.cancel();
        if !items.is_empty() {
            items = writer.write_all(items).await;
        }
        if source == Source::Ended || !items.is_empty() || writer.is_closed() {
            return;
        }
        if chunk.is_multiple_of(CHUNKS) {
            crate::async_support::yield_now().await;
        }
    }
}

/// A stream of the items: `stream::from_iter(wit_stream::new(), items)`.
///
/// They are asked for by the chunk, as the reader takes them. When it goes, the rest is dropped.
///
/// # Panics
///
/// As [`spawn`].
pub fn from_iter<T, I>(ends: (StreamWriter<T>, StreamReader<T>), items: I) -> StreamReader<T>
where
    I: IntoIterator<Item = T>,
    I::IntoIter: 'static,
{
    let (writer, reader) = ends;
    let mut iter = items.into_iter();
    let full = writer.raw.vtable.chunk();
    spawn_here(feed(writer, move |items, _| {
        items.extend(iter.by_ref().take(full));
        Poll::Ready(if items.len() < full {
            Source::Ended
        } else {
            Source::Open
        })
    }));
    reader
}

/// A stream of the items of another: `stream::from_stream(wit_stream::new(), items)`.
///
/// What is there at once is sent together. When the reader goes, the other stream is dropped, even if it has nothing then.
///
/// # Panics
///
/// As [`spawn`].
pub fn from_stream<T>(
    ends: (StreamWriter<T>, StreamReader<T>),
    items: impl Stream<Item = T> + 'static,
) -> StreamReader<T> {
    let (writer, reader) = ends;
    let full = writer.raw.vtable.chunk();
    spawn_here(async move {
        let mut source = pin!(items);
        let fill = move |items: &mut Vec<T>, cx: &mut Context<'_>| {
            while items.len() < full {
                match source.as_mut().poll_next(cx) {
                    Poll::Ready(Some(item)) => items.push(item),
                    Poll::Ready(None) => return Poll::Ready(Source::Ended),
                    Poll::Pending if items.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Source::Open)
        };
        feed(writer, fill).await;
    });
    reader
}

/// A stream of what can be read: `stream::from_async_read(wit_stream::new(), bytes)`.
///
/// The handle gives how many bytes were read by the end, or the error that was the end; it may be dropped. When the reader
/// goes, so does what was read from.
///
/// # Panics
///
/// As [`spawn`].
#[cfg(feature = "std")]
pub fn from_async_read(
    ends: (StreamWriter<u8>, StreamReader<u8>),
    bytes: impl futures_io::AsyncRead + 'static,
) -> (StreamReader<u8>, JoinHandle<std::io::Result<u64>>) {
    const SIZE: usize = 8 * 1024;
    let (writer, reader) = ends;
    let handle = spawn(async move {
        let mut source = pin!(bytes);
        let (mut total, mut failure) = (0, None);
        let fill = |items: &mut Vec<u8>, cx: &mut Context<'_>| {
            items.resize(SIZE, 0);
            let read = source.as_mut().poll_read(cx, items);
            let count = match &read {
                Poll::Ready(Ok(count)) => *count,
                _ => 0,
            };
            items.truncate(count);
            total += count as u64;
            read.map(|read| {
                failure = read.err();
                if count == 0 { Source::Ended } else { Source::Open }
            })
        };
        feed(writer, fill).await;
        match failure {
            Some(error) => Err(error),
            None => Ok(total),
        }
    });
    (reader, handle)
}
