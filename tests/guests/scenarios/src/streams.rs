//! Streams.

use std::mem::forget;
use std::pin::Pin;

use futures_util::StreamExt as _;
use futures_util::future::{Either, join, select};
use witflow::{StreamReader, StreamResult, spawn, yield_now};

use crate::exports::test::scenarios::streams::Guest;
use crate::{Scenarios, host, poll_once, wit_stream};

impl Guest for Scenarios {
    async fn collect(mut input: StreamReader<String>, chunk: u32) -> Vec<String> {
        let mut items = Vec::new();
        loop {
            let (result, mut read) = input.read(Vec::with_capacity(chunk as usize)).await;
            if let StreamResult::Complete(count) = result {
                assert!(count > 0 && count == read.len() && count <= chunk as usize);
            }
            items.append(&mut read);
            if result == StreamResult::Dropped {
                return items;
            }
        }
    }

    async fn produce(count: u32, chunk: u32) -> StreamReader<String> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            let items: Vec<_> = (0..count).map(|item| format!("item {item}")).collect();
            let mut rest = 0;
            for piece in items.chunks(chunk as usize) {
                rest += writer.write_all(piece.to_vec()).await.len();
            }
            host::note(&format!("{rest} were not taken"));
        });
        reader
    }

    async fn double(mut input: StreamReader<u32>, chunk: u32) -> StreamReader<u32> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            let mut items = Vec::with_capacity(chunk as usize);
            loop {
                let (result, mut read) = input.read(items).await;
                read.iter_mut().for_each(|item| *item *= 2);
                if !writer.write_all(read).await.is_empty() || result == StreamResult::Dropped {
                    return;
                }
                items = Vec::with_capacity(chunk as usize);
            }
        });
        reader
    }

    async fn rest(mut input: StreamReader<u32>, first: u32) -> StreamReader<u32> {
        for expected in 0..first {
            assert_eq!(input.next().await, Some(expected));
        }
        input
    }

    async fn interrupted(mut input: StreamReader<u32>) -> Vec<u32> {
        let mut items = Vec::new();
        loop {
            // Dropped: what it brings comes with the next read.
            if let Some((_, mut some)) = poll_lazily(&mut input.read(Vec::with_capacity(3))).await {
                items.append(&mut some);
            }
            // Cancelled: what it brought by then is here.
            let mut read = input.read(Vec::with_capacity(2));
            let done = poll_lazily(&mut read).await;
            let (result, mut some) = done.unwrap_or_else(|| Pin::new(&mut read).cancel());
            items.append(&mut some);
            if result == StreamResult::Dropped {
                return items;
            }
            match input.next().await {
                Some(item) => items.push(item),
                None => return items,
            }
        }
    }

    async fn interrupting(count: u32) -> StreamReader<u32> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            for item in 0..count {
                if item % 2 == 0 {
                    // Dropped: the write goes on.
                    poll_lazily(&mut writer.write(vec![item])).await;
                    continue;
                }
                let mut write = writer.write(vec![item]);
                let done = poll_lazily(&mut write).await;
                let (_, unsent) = done.unwrap_or_else(|| Pin::new(&mut write).cancel());
                assert!(writer.write_all(unsent.into_vec()).await.is_empty());
            }
        });
        reader
    }

    async fn forgetful(mut input: StreamReader<u32>) -> Vec<u32> {
        let mut read = input.read(Vec::with_capacity(4));
        poll_once(&mut read).await;
        forget(read);
        host::slow(1).await;
        input.collect().await
    }

    async fn within(count: u32) -> Vec<u32> {
        let (mut writer, reader) = wit_stream::new();
        let (mut ticks, ticked) = wit_stream::new::<()>();
        spawn(async move {
            for item in 0..count {
                assert!(writer.write_one(item).await.is_none());
                assert!(ticks.write_one(()).await.is_none());
            }
        });
        let (items, ticked) = join(reader.collect(), ticked.count()).await;
        assert_eq!(ticked, items.len());
        items
    }

    async fn count(input: StreamReader<()>) -> u32 {
        input.collect().await.len() as u32
    }

    async fn ticks(count: u32) -> StreamReader<()> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            let rest = writer.write_all(vec![(); count as usize]).await;
            host::note(&format!("{} were not taken", rest.len()));
        });
        reader
    }

    async fn streams(count: u32) -> StreamReader<StreamReader<u8>> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            let mut inner = Vec::new();
            for index in 0..count {
                let (mut bytes, readable) = wit_stream::new();
                inner.push(readable);
                spawn(async move {
                    let rest = bytes.write_all(vec![index as u8; 3]).await;
                    host::note(&format!("{} of stream {index} were not taken", rest.len()));
                });
            }
            let rest = writer.write_all(inner).await;
            host::note(&format!("{} streams were not taken", rest.len()));
        });
        reader
    }

    async fn past_the_end(mut input: StreamReader<u32>) -> u32 {
        let mut count = 0;
        while input.next().await.is_some() {
            count += 1;
        }
        for _ in 0..3 {
            assert_eq!(input.next().await, None);
            assert_eq!(
                input.read(Vec::with_capacity(4)).await,
                (StreamResult::Dropped, Vec::new())
            );
        }
        count
    }
}

/// Gives a future one turn, and what came of it.
async fn poll_lazily<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let turn = std::pin::pin!(yield_now());
    match select(Pin::new(future), turn).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
