//! The chapter on streams.

use futures::{AsyncBufReadExt as _, StreamExt as _};
use witflow::{StreamReader, StreamResult, spawn, stream};
use witflow_host::{Linker, NamedList, Result};

witflow::generate!({ path: "code/wit/streams.wit" });

struct Pipes;
export!(Pipes);

impl Guest for Pipes {
    async fn numbers(count: u32) -> StreamReader<u32> {
        stream::from_iter(wit_stream::new(), 0..count)
    }

    async fn sum(mut numbers: StreamReader<u32>) -> u64 {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            sum += u64::from(number);
        }
        sum
    }

    async fn length(mut text: StreamReader<u8>) -> u64 {
        let mut length = 0;
        // One buffer for all reads; a read gives what is there, up to its capacity.
        let mut buffer = Vec::with_capacity(4096);
        loop {
            let (result, read) = text.read(buffer).await;
            length += read.len() as u64;
            if result == StreamResult::Dropped {
                return length;
            }
            buffer = read;
            buffer.clear();
        }
    }

    async fn upper(text: StreamReader<u8>) -> StreamReader<u8> {
        let (writer, reader) = wit_stream::new();
        spawn(async move {
            let upper = text.map(|byte| byte.to_ascii_uppercase());
            // The only error is that nobody reads any more, and then nothing is left to do.
            let _ = upper.map(Ok).forward(writer).await;
        });
        reader
    }

    async fn lines(text: StreamReader<u8>) -> StreamReader<String> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            // A stream of bytes is an `AsyncBufRead`.
            let mut lines = text.lines();
            while let Some(Ok(line)) = lines.next().await {
                if line == "end" || writer.write_one(line).await.is_some() {
                    return;
                }
            }
            // Dropping the writer ends the stream.
        });
        reader
    }
}

/// Calls a function with a stream of bytes that come in pieces, and gives what it gives.
fn feed<R: NamedList, T>(function: &str, pieces: &[&str], then: impl AsyncFnOnce(R) -> T) -> Result<T> {
    crate::support::run::<Pipes, _>(&Linker::new(), async |store, guest| {
        let function = guest.typed_func::<(witflow_host::StreamReader<u8>,), R>(function)?;
        store
            .run_concurrent(async |cx| {
                let (mut writer, text) = witflow_host::stream::<u8>();
                let speaking = async move {
                    for piece in pieces {
                        if writer.write(*piece).await.is_err() {
                            return;
                        }
                    }
                };
                let hearing = async { Ok(then(function.call_concurrent(&cx, (text,)).await?).await) };
                futures::join!(speaking, hearing).1
            })
            .await
    })
}

#[test]
fn bytes_are_counted_and_changed() -> Result<()> {
    let length = feed("length", &["three", "", " words here"], async |(length,): (u64,)| {
        length
    })?;
    assert_eq!(length, 16);
    let upper = feed(
        "upper",
        &["ab", "c"],
        async |(text,): (witflow_host::StreamReader<u8>,)| text.collect().await,
    )?;
    assert_eq!(upper, b"ABC");
    Ok(())
}

#[test]
fn lines_come_until_the_end() -> Result<()> {
    let lines = feed(
        "lines",
        &["one\nt", "wo\nend\nthree\n"],
        async |(lines,): (witflow_host::StreamReader<String>,)| lines.collect().await,
    )?;
    assert_eq!(lines, ["one", "two"]);
    Ok(())
}

#[test]
fn numbers_go_in_and_out() -> Result<()> {
    crate::support::run::<Pipes, _>(&Linker::new(), async |store, guest| {
        let numbers = guest.typed_func::<(u32,), (witflow_host::StreamReader<u32>,)>("numbers")?;
        let sum = guest.typed_func::<(witflow_host::StreamReader<u32>,), (u64,)>("sum")?;
        let total = store.run_concurrent(async |cx| {
            let (numbers,) = numbers.call_concurrent(&cx, (101,)).await?;
            sum.call_concurrent(&cx, (numbers,)).await
        });
        assert_eq!(total.await?, (5050,));
        Ok(())
    })
}
