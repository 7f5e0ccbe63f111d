//! What the runtime offers beside calls, streams and futures.

use std::cell::Cell;

use futures_util::StreamExt as _;
use futures_util::future::join;
use witflow::{FutureReader, StreamReader, TaskLocal, future, scope, spawn, stream, yield_now};

use crate::exports::test::scenarios::helpers::Guest;
use crate::{Scenarios, host, wit_future, wit_stream};

static NAME: TaskLocal<String> = TaskLocal::new();

/// Who is named here, after a call that takes a while.
async fn named() -> String {
    host::slow(1).await;
    NAME.try_with(String::clone).unwrap_or_default()
}

impl Guest for Scenarios {
    async fn iterated(count: u32) -> StreamReader<u32> {
        stream::from_iter(wit_stream::new(), 0..count)
    }

    async fn mapped(input: StreamReader<u32>) -> StreamReader<u32> {
        stream::from_stream(wit_stream::new(), input.map(|item| item + 1))
    }

    async fn read_from(input: StreamReader<u8>) -> StreamReader<u8> {
        let (reader, end) = stream::from_async_read(wit_stream::new(), input);
        spawn(async move {
            let bytes = end.await.expect("nobody cancels it").expect("a stream has no errors");
            host::note(&format!("{bytes} bytes"));
        });
        reader
    }

    async fn copied(mut input: StreamReader<u8>, by: String) -> StreamReader<u8> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            let bytes = match by.as_str() {
                "futures" => futures_util::io::copy(input, &mut writer).await,
                "tokio" => tokio::io::copy(&mut input, &mut writer).await,
                _ => {
                    let mut bytes = 0;
                    while let Some(chunk) = input.read_bytes(7).await {
                        bytes += chunk.len() as u64;
                        assert!(writer.write_bytes(chunk).await.is_empty());
                    }
                    Ok(bytes)
                }
            };
            host::note(&format!("{} bytes by {by}", bytes.expect("the test reads on")));
        });
        reader
    }

    async fn promised() -> FutureReader<String> {
        future::from_future(wit_future::new(String::new), async {
            format!("{} in the end", host::slow(4).await)
        })
    }

    async fn joined() -> Vec<u32> {
        let first = spawn(host::slow(1));
        let mut second = spawn(async {
            host::slow(2).await;
            unreachable!("it was cancelled");
        });
        let third = spawn(async {
            yield_now().await;
            3
        });
        yield_now().await;
        second.cancel();
        assert!(second.is_finished());
        let sum = Cell::new(0);
        scope(async |scope| {
            for x in 0..3 {
                let sum = &sum;
                scope.spawn(async move {
                    let twice = host::quick(x).await;
                    sum.set(sum.get() + twice);
                });
            }
        })
        .await;
        vec![
            sum.get(),
            first.await.expect("nobody cancels it"),
            second.await.unwrap_or(2),
            third.await.expect("nobody cancels it"),
        ]
    }

    async fn local() -> Vec<String> {
        let inner = NAME.scope("one".to_owned(), async {
            let inner = NAME.scope("two".to_owned(), named()).await;
            [inner, named().await]
        });
        let ([two, one], other) = join(inner, named()).await;
        vec![two, one, other]
    }
}
