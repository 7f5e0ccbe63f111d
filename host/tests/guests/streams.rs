//! The native twin of `components/streams.wat`.

use super::support::{Twin, native};
use ::futures::FutureExt as _;
use witflow::{StreamReader, StreamResult, StreamWriter};

witflow::generate!({
    inline: "
        package test:streams;

        world streams {
            record document {
                name: string,
                body: stream<u8>,
            }
            export sum: async func(bytes: stream<u8>) -> u32;
            export probe: async func(bytes: stream<u8>) -> u32;
            export count: async func(n: u32) -> stream<u8>;
            export offer: async func(n: u32) -> stream<u8>;
            export first: async func(documents: stream<document>) -> u32;
            export pass: async func(bytes: stream<u8>) -> stream<u8>;
        }
    ",
});

struct Streams;
export!(Streams);

async fn sum_on(mut bytes: StreamReader<u8>) -> u32 {
    let mut sum = 0;
    loop {
        let (result, items) = bytes.read(Vec::with_capacity(4)).await;
        sum += items.into_iter().map(u32::from).sum::<u32>();
        if result == StreamResult::Dropped {
            return sum;
        }
    }
}

/// Writes n, n - 1, … 1, at most eight at a time.
async fn count_down(mut writer: StreamWriter<u8>, n: u8) {
    let all: Vec<u8> = (1..=n).rev().collect();
    for items in all.chunks(8) {
        if !writer.write_all(items.to_vec()).await.is_empty() {
            break;
        }
    }
}

impl Guest for Streams {
    async fn sum(bytes: StreamReader<u8>) -> u32 {
        sum_on(bytes).await
    }

    async fn probe(mut bytes: StreamReader<u8>) -> u32 {
        bytes.read(Vec::new()).await;
        let read = bytes.read(Vec::with_capacity(1)).now_or_never();
        read.and_then(|(_, items)| items.first().copied())
            .map_or(999, u32::from)
    }

    async fn count(n: u32) -> StreamReader<u8> {
        let (writer, reader) = wit_stream::new();
        witflow::spawn(count_down(writer, n as u8));
        reader
    }

    async fn offer(n: u32) -> StreamReader<u8> {
        let (mut writer, reader) = wit_stream::new();
        witflow::spawn(async move {
            writer.write(Vec::new()).await;
            count_down(writer, n as u8).await;
        });
        reader
    }

    async fn first(mut documents: StreamReader<Document>) -> u32 {
        let document = documents.next().await.expect("there is a document");
        drop(documents);
        document.name.len() as u32 + sum_on(document.body).await
    }

    async fn pass(bytes: StreamReader<u8>) -> StreamReader<u8> {
        bytes
    }
}

pub(crate) const STREAMS: Twin = Twin {
    native: native::<Streams>,
    text: include_str!("../components/streams.wat"),
};
