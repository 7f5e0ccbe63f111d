//! Items through the `Sink` of a stream's writer, one by one.

use futures_util::{Sink, SinkExt};
use peer::bench::host;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use witflow::{StreamClosed, StreamWriter};

witflow::generate!("sink" in "../../wit/bench.wit");

witflow::heap!();

struct Component;
export!(Component);

/// Gives the items from `next` to `end` to the writer.
fn poll_put(
    writer: &mut StreamWriter<u32>,
    next: &mut u32,
    end: u32,
    cx: &mut Context<'_>,
) -> Poll<Result<(), StreamClosed<u32>>> {
    while *next < end {
        ready!(Pin::new(&mut *writer).poll_ready(cx))?;
        Pin::new(&mut *writer).start_send(*next)?;
        *next += 1;
    }
    Poll::Ready(Ok(()))
}

impl Guest for Component {
    async fn put_u32s(n: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_u32s(reader, 0);
        let mut next = 0;
        let put = poll_fn(|cx| poll_put(&mut writer, &mut next, n, cx)).await;
        if put.is_ok() && writer.close().await.is_ok() {
            n
        } else {
            0
        }
    }

    async fn feed_u32s(n: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_u32s(reader, 0);
        for x in 0..n {
            if writer.feed(x).await.is_err() {
                return x;
            }
        }
        if writer.close().await.is_ok() { n } else { 0 }
    }

    async fn send_u32s(n: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_u32s(reader, 0);
        for x in 0..n {
            if writer.send(x).await.is_err() {
                return x;
            }
        }
        n
    }
}
