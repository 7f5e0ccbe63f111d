//! Provides the interface, by wit-bindgen.

use std::cell::Cell;

use exports::interop::demo::api::{Guest, GuestCounter, Item};
use wit_bindgen::{FutureReader, StreamReader, StreamResult, spawn_local, yield_async};

wit_bindgen::generate!({ path: "../../wit", world: "provider" });

struct Provider;
export!(Provider);

impl Guest for Provider {
    type Counter = Sum;

    async fn upper(mut input: StreamReader<u8>) -> StreamReader<u8> {
        let (mut writer, reader) = wit_stream::new();
        spawn_local(async move {
            loop {
                let (result, mut bytes) = input.read(Vec::with_capacity(1000)).await;
                bytes.make_ascii_uppercase();
                if !writer.write_all(bytes).await.is_empty() || result == StreamResult::Dropped {
                    return;
                }
            }
        });
        reader
    }

    async fn count(mut input: StreamReader<u8>) -> u64 {
        let mut count = 0;
        loop {
            let (result, bytes) = input.read(Vec::with_capacity(1000)).await;
            count += bytes.len() as u64;
            if result == StreamResult::Dropped {
                return count;
            }
        }
    }

    async fn greet(name: String) -> FutureReader<String> {
        let (writer, reader) = wit_future::new(String::new);
        spawn_local(async move {
            yield_async().await;
            // Whoever does not read it may do so.
            let _ = writer.write(format!("hello, {name}")).await;
        });
        reader
    }

    async fn await_it(f: FutureReader<String>) -> Result<String, String> {
        let text = f.await;
        if text.starts_with("no") {
            return Err(text);
        }
        Ok(format!("got {text}"))
    }

    async fn items(n: u32) -> StreamReader<Item> {
        let (mut writer, reader) = wit_stream::new();
        spawn_local(async move {
            for id in 0..n {
                let name = format!("item {id}");
                if writer.write_one(Item { id, name }).await.is_some() {
                    return;
                }
            }
        });
        reader
    }
}

struct Sum(Cell<u32>);

impl GuestCounter for Sum {
    fn new(start: u32) -> Self {
        Self(Cell::new(start))
    }

    async fn add(&self, n: u32) -> u32 {
        yield_async().await;
        self.0.set(self.0.get() + n);
        self.0.get()
    }
}
