//! Provides what it is provided with: streams and futures go through untouched, resources get another around them.

use exports::interop::demo::api::{Guest, GuestCounter, Item};
use interop::demo::api;
use witflow::{FutureReader, StreamReader};

witflow::generate!({ path: "../../interop/wit", world: "middle" });

/// Implements the exports.
pub struct Middle;
export!(Middle);

impl Guest for Middle {
    type Counter = Inner;

    async fn upper(input: StreamReader<u8>) -> StreamReader<u8> {
        api::upper(input).await
    }

    async fn count(input: StreamReader<u8>) -> u64 {
        api::count(input).await
    }

    async fn greet(name: String) -> FutureReader<String> {
        api::greet(name).await
    }

    async fn await_it(f: FutureReader<String>) -> Result<String, String> {
        api::await_it(f).await
    }

    async fn items(n: u32) -> StreamReader<Item> {
        api::items(n).await
    }
}

/// A counter that another one counts for.
pub struct Inner(api::Counter);

impl GuestCounter for Inner {
    fn new(start: u32) -> Self {
        Self(api::Counter::new(start))
    }

    async fn add(&self, n: u32) -> u32 {
        self.0.add(n).await
    }
}
