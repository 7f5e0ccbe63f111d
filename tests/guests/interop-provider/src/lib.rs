//! Provides the interface that components of other makes use: see `tests/interop`.

use std::cell::Cell;

use exports::interop::demo::api::{Guest, GuestCounter, Item};
use futures_util::StreamExt as _;
use witflow::{FutureReader, StreamReader, StreamResult, future, spawn, stream, yield_now};

witflow::generate!({ path: "../../interop/wit", world: "provider" });

/// Implements the exports.
pub struct Provider;
export!(Provider);

impl Guest for Provider {
    type Counter = Sum;

    async fn upper(input: StreamReader<u8>) -> StreamReader<u8> {
        let (writer, reader) = wit_stream::new();
        spawn(async move {
            let upper = input.map(|byte| byte.to_ascii_uppercase());
            // The only error is that nobody reads any more, and then nothing is left to do.
            let _ = upper.map(Ok).forward(writer).await;
        });
        reader
    }

    async fn count(mut input: StreamReader<u8>) -> u64 {
        let (mut count, mut buffer) = (0, Vec::with_capacity(4096));
        loop {
            let (result, bytes) = input.read(buffer).await;
            count += bytes.len() as u64;
            if result == StreamResult::Dropped {
                return count;
            }
            buffer = bytes;
            buffer.clear();
        }
    }

    async fn greet(name: String) -> FutureReader<String> {
        future::from_future(wit_future::new(String::new), async move {
            yield_now().await;
            format!("hello, {name}")
        })
    }

    async fn await_it(f: FutureReader<String>) -> Result<String, String> {
        let text = f.await;
        if text.starts_with("no") {
            return Err(text);
        }
        Ok(format!("got {text}"))
    }

    async fn items(n: u32) -> StreamReader<Item> {
        let items = (0..n).map(|id| Item {
            id,
            name: format!("item {id}"),
        });
        stream::from_iter(wit_stream::new(), items)
    }
}

/// A counter.
pub struct Sum(Cell<u32>);

impl GuestCounter for Sum {
    fn new(start: u32) -> Self {
        Self(Cell::new(start))
    }

    async fn add(&self, n: u32) -> u32 {
        yield_now().await;
        self.0.set(self.0.get() + n);
        self.0.get()
    }
}
