//! Futures.

use std::pin::Pin;

use witflow::{FutureReader, FutureWriteCancel, StreamReader, spawn};

use crate::exports::test::scenarios::futures::Guest;
use crate::{Scenarios, host, poll_once, wit_future};

impl Guest for Scenarios {
    async fn give(later: bool) -> FutureReader<String> {
        let (writer, reader) = wit_future::new(String::new);
        spawn(async move {
            if later {
                host::slow(1).await;
            }
            let written = writer.write("the value".to_owned()).await;
            assert!(written.is_ok(), "the reader reads");
        });
        reader
    }

    async fn take(input: FutureReader<String>) -> String {
        input.await
    }

    async fn by_default() -> FutureReader<String> {
        let (writer, reader) = wit_future::new(|| "the default".to_owned());
        drop(writer);
        reader
    }

    async fn try_give() -> FutureReader<String> {
        let (writer, reader) = wit_future::new(String::new);
        spawn(async move {
            let value = match writer.write("the value".to_owned()).await {
                Ok(()) => "nothing".to_owned(),
                Err(unread) => unread.value,
            };
            host::note(&format!("{value} came back"));
        });
        reader
    }

    async fn ignore(input: FutureReader<String>) {
        drop(input);
    }

    async fn again(mut input: FutureReader<String>) -> String {
        // Dropped while it waits, and cancelled while it waits.
        poll_once(&mut (&mut input).into_future()).await;
        let mut read = input.into_future();
        poll_once(&mut read).await;
        let Err(input) = Pin::new(&mut read).cancel() else {
            panic!("nothing was written")
        };
        host::slow(1).await;
        input.await
    }

    async fn rewrite() -> FutureReader<String> {
        let (writer, reader) = wit_future::new(String::new);
        spawn(async move {
            let mut write = writer.write("the first".to_owned());
            poll_once(&mut write).await;
            let FutureWriteCancel::Cancelled(first, writer) = Pin::new(&mut write).cancel() else {
                panic!("nobody reads yet")
            };
            host::slow(1).await;
            let written = writer.write(format!("not {first}")).await;
            assert!(written.is_ok(), "the reader reads");
        });
        reader
    }

    async fn nested(input: FutureReader<FutureReader<StreamReader<u32>>>) -> Vec<u32> {
        input.await.await.collect().await
    }

    async fn done() -> FutureReader<()> {
        let (writer, reader) = wit_future::new(|| ());
        spawn(async move {
            host::slow(1).await;
            assert!(writer.write(()).await.is_ok());
        });
        reader
    }

    async fn failed(input: FutureReader<Result<String, String>>) -> String {
        match input.await {
            Ok(text) => format!("ok: {text}"),
            Err(text) => format!("error: {text}"),
        }
    }
}
