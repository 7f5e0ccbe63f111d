//! Streams that hosts read from guests: whole, by the item, cancelled, with readers that go away.

use crate::scenario::Scenario;
use crate::support::{bytes, drain, with};
use std::sync::LazyLock;
use witflow_host::explore::{Explorer, pause, pick};
use witflow_host::{Component, ComponentType, FutureReader, Linker, Result, StreamReader, TypedFunc};

mod guest {
    use crate::support::{bytes, poll_pinned};
    use futures::{SinkExt as _, StreamExt as _};
    use std::mem;
    use std::pin::pin;
    use witflow::{FutureReader, StreamReader, StreamResult, StreamWriter};
    use witflow_host::explore::pick;

    witflow::generate!({
        inline: "
            package small:writes;

            world writes {
                record note { name: string, marks: list<u16> }

                export all: async func(count: u32) -> stream<u8>;
                export pieces: async func(count: u32) -> stream<u8>;
                export ones: async func(count: u32) -> stream<u8>;
                export sink: async func(count: u32) -> stream<u8>;
                export cancelling: async func(count: u32) -> stream<u8>;
                export forgetting: async func(count: u32) -> stream<u8>;
                export notes: async func(count: u32) -> stream<note>;
                export units: async func(count: u32) -> stream;
                export reporting: async func(count: u32) -> tuple<stream<u8>, future<u32>>;
                export nested: async func(count: u32) -> stream<stream<u8>>;
                export unread: async func() -> u32;
                export several: async func(count: u32) -> list<stream<u8>>;
            }
        ",
    });

    pub(super) struct Writes;
    export!(Writes);

    /// Has `write` fill a stream beside the task that gives its reader.
    fn written(write: impl AsyncFnOnce(StreamWriter<u8>) + 'static) -> StreamReader<u8> {
        let (writer, reader) = wit_stream::new();
        witflow::spawn(async move { write(writer).await });
        reader
    }

    impl Guest for Writes {
        async fn all(count: u32) -> StreamReader<u8> {
            written(async move |mut writer| {
                let unsent = writer.write_all(bytes(count as usize)).await;
                assert!(unsent.is_empty() || writer.is_closed());
            })
        }

        async fn pieces(count: u32) -> StreamReader<u8> {
            written(async move |mut writer| {
                for piece in bytes(count as usize).chunks(3) {
                    let (mut result, mut rest) = writer.write(piece.to_vec()).await;
                    while rest.remaining() != 0 && result != StreamResult::Dropped {
                        (result, rest) = writer.write_buf(rest).await;
                    }
                }
            })
        }

        async fn ones(count: u32) -> StreamReader<u8> {
            written(async move |mut writer| {
                for byte in bytes(count as usize) {
                    if writer.write_one(byte).await.is_some() {
                        return;
                    }
                }
            })
        }

        async fn sink(count: u32) -> StreamReader<u8> {
            written(async move |mut writer| {
                for byte in bytes(count as usize) {
                    let sent = if pick(3) == 0 {
                        writer.send(byte).await
                    } else {
                        writer.feed(byte).await
                    };
                    if sent.is_err() {
                        return;
                    }
                }
                let _ = writer.close().await;
            })
        }

        async fn cancelling(count: u32) -> StreamReader<u8> {
            written(async move |mut writer| {
                let mut items = bytes(count as usize);
                while !items.is_empty() {
                    let mut write = pin!(writer.write(items));
                    let (result, rest) = match poll_pinned(1 + pick(3), write.as_mut()).await {
                        Some(done) => done,
                        None => write.cancel(),
                    };
                    items = rest.into_vec();
                    if result == StreamResult::Dropped {
                        return;
                    }
                    witflow::yield_now().await;
                }
            })
        }

        async fn forgetting(count: u32) -> StreamReader<u8> {
            written(async move |mut writer| {
                let items = bytes(count as usize);
                let mut pieces = items.chunks(2);
                while let (Some(one), Some(other)) = (pieces.next(), pieces.next()) {
                    // What a write has begun to send when it is forgotten is sent all the same, before what follows.
                    let mut write = Box::pin(writer.write(one.to_vec()));
                    let mut rest = Vec::new();
                    match poll_pinned(1, write.as_mut()).await {
                        None => mem::forget(write),
                        Some((_, unsent)) => rest = unsent.into_vec(),
                    }
                    rest.extend(other);
                    if !writer.write_all(rest).await.is_empty() {
                        return;
                    }
                }
            })
        }

        async fn notes(count: u32) -> StreamReader<Note> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                let note = |number: u32| Note {
                    name: "né".repeat(number as usize),
                    marks: (0..number as u16).collect(),
                };
                writer.write_all((0..count).map(note).collect()).await;
            });
            reader
        }

        async fn units(count: u32) -> StreamReader<()> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                writer.write_all(vec![(); count as usize]).await;
            });
            reader
        }

        async fn reporting(count: u32) -> (StreamReader<u8>, FutureReader<u32>) {
            let (mut writer, reader) = wit_stream::new();
            let (report, unsent) = wit_future::new(|| u32::MAX);
            witflow::spawn(async move {
                let mut unsent = 0;
                for piece in bytes(count as usize).chunks(4) {
                    unsent += match writer.is_closed() {
                        true => piece.len(),
                        false => writer.write_all(piece.to_vec()).await.len(),
                    };
                }
                // Who reads on has to learn of the end before the report.
                drop(writer);
                let _ = report.write(unsent as u32).await;
            });
            (reader, unsent)
        }

        async fn nested(count: u32) -> StreamReader<StreamReader<u8>> {
            let (mut outer, reader) = wit_stream::new();
            witflow::spawn(async move {
                let streams = (0..count).map(|inner| {
                    written(async move |mut writer| {
                        writer.write_all(bytes(inner as usize)).await;
                    })
                });
                outer.write_all(streams.collect()).await;
            });
            reader
        }

        async fn unread() -> u32 {
            // Both ends are here, and go away in any order, used or not.
            let mut count = 0;
            for order in 0..4 {
                let (mut writer, mut reader) = wit_stream::new::<u8>();
                if order >= 2 {
                    let ((_, rest), (_, read)) =
                        futures::join!(writer.write(vec![1, 2, 3]), reader.read(Vec::with_capacity(2)));
                    count += read.len() + rest.remaining();
                }
                if order % 2 == 0 {
                    drop(writer);
                    count += usize::from(reader.next().await.is_none());
                } else {
                    drop(reader);
                    count += writer.write_all(vec![1]).await.len();
                }
            }
            count as u32
        }

        async fn several(count: u32) -> Vec<StreamReader<u8>> {
            let stream = |number: u32| {
                written(async move |mut writer| {
                    let mut items = futures::stream::iter(bytes(number as usize + 1)).map(Ok);
                    let _ = writer.send_all(&mut items).await;
                })
            };
            (0..count).map(stream).collect()
        }
    }
}

static WRITES: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Writes>("writes").expect("the world is described well"));

#[derive(ComponentType, Clone, Debug, PartialEq)]
struct Note {
    name: String,
    marks: Vec<u16>,
}

/// Reads everything an export writes, in pieces, and compares.
fn writes(export: &str, count: usize) -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        let func: TypedFunc<(u32,), (StreamReader<u8>,)> = guest.typed_func(export)?;
        let read = store
            .run_concurrent(async |cx| Ok(drain(func.call_concurrent(&cx, (count as u32,)).await?.0).await))
            .await?;
        assert_eq!(read, bytes(count));
        Ok(())
    })
}

/// The host stops reading at any time.
fn dropped(export: &str) -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        let func: TypedFunc<(u32,), (StreamReader<u8>,)> = guest.typed_func(export)?;
        let read = store
            .run_concurrent(async |cx| {
                let (mut reader,) = func.call_concurrent(&cx, (12,)).await?;
                let mut read = Vec::new();
                for _ in 0..pick(4) {
                    pause().await;
                    match reader.read(1 + pick(5)).await {
                        Some(mut more) => read.append(&mut more),
                        None => break,
                    }
                }
                pause().await;
                Ok(read)
            })
            .await?;
        assert_eq!(read, bytes(12)[..read.len()]);
        Ok(())
    })
}

fn notes() -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        let func: TypedFunc<(u32,), (StreamReader<Note>,)> = guest.typed_func("notes")?;
        let read = store
            .run_concurrent(async |cx| Ok(drain(func.call_concurrent(&cx, (7,)).await?.0).await))
            .await?;
        let note = |number: u16| Note {
            name: "né".repeat(number as usize),
            marks: (0..number).collect(),
        };
        assert_eq!(read, (0..7).map(note).collect::<Vec<_>>());
        Ok(())
    })
}

fn units() -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        let func: TypedFunc<(u32,), (StreamReader<()>,)> = guest.typed_func("units")?;
        let read = store
            .run_concurrent(async |cx| Ok(drain(func.call_concurrent(&cx, (9,)).await?.0).await))
            .await?;
        assert_eq!(read.len(), 9);
        Ok(())
    })
}

/// What the guest has not sent and what the host has read are never the same.
fn reporting() -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        type Answer = ((StreamReader<u8>, FutureReader<u32>),);
        let func: TypedFunc<(u32,), Answer> = guest.typed_func("reporting")?;
        let (read, unsent) = store
            .run_concurrent(async |cx| {
                let ((mut reader, report),) = func.call_concurrent(&cx, (10,)).await?;
                let mut read = Vec::new();
                for _ in 0..pick(5) {
                    match reader.read(1 + pick(4)).await {
                        Some(mut more) => read.append(&mut more),
                        None => break,
                    }
                }
                pause().await;
                drop(reader);
                let unsent = report.await;
                Ok((read, unsent.unwrap_or(u32::MAX) as usize))
            })
            .await?;
        assert_eq!(read, bytes(10)[..read.len()]);
        assert!(
            read.len() + unsent <= 10,
            "{} were read and {unsent} not sent, of 10",
            read.len()
        );
        Ok(())
    })
}

fn nested() -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        let func: TypedFunc<(u32,), (StreamReader<StreamReader<u8>>,)> = guest.typed_func("nested")?;
        let read = store
            .run_concurrent(async |cx| {
                let streams = drain(func.call_concurrent(&cx, (4,)).await?.0).await;
                Ok(futures::future::join_all(streams.into_iter().map(drain)).await)
            })
            .await?;
        assert_eq!(read, (0..4).map(bytes).collect::<Vec<_>>());
        Ok(())
    })
}

fn unread() -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        let func: TypedFunc<(), (u32,)> = guest.typed_func("unread")?;
        assert_eq!(func.call(store, ()).await?, (10,));
        Ok(())
    })
}

fn several() -> Result<()> {
    with(&Linker::new(), &WRITES, async |store, guest| {
        let func: TypedFunc<(u32,), (Vec<StreamReader<u8>>,)> = guest.typed_func("several")?;
        let read = store
            .run_concurrent(async |cx| {
                let (streams,) = func.call_concurrent(&cx, (5,)).await?;
                Ok(futures::future::join_all(streams.into_iter().map(drain)).await)
            })
            .await?;
        assert_eq!(read, (1..6).map(bytes).collect::<Vec<_>>());
        Ok(())
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("writes-all", "a vector is written as a whole", || writes("all", 6)).small(),
    Scenario::new("writes-pieces", "a stream is written piece by piece", || {
        writes("pieces", 10)
    }),
    Scenario::new("writes-ones", "a stream is written item by item", || writes("ones", 4)).small(),
    Scenario::new("writes-sink", "a stream is written as a sink", || writes("sink", 9)),
    Scenario::new(
        "writes-cancelling",
        "writes are cancelled, and what was not sent comes back",
        || writes("cancelling", 9),
    ),
    Scenario::new(
        "writes-forgetting",
        "writes are forgotten, and sent all the same",
        || writes("forgetting", 8),
    )
    .configured(Explorer::keep_memory),
    Scenario::new("writes-dropped", "a reader goes away while a vector is written", || {
        dropped("all")
    }),
    Scenario::new(
        "writes-dropped-sink",
        "a reader goes away while a sink is written",
        || dropped("sink"),
    ),
    Scenario::new(
        "writes-dropped-cancelling",
        "a reader goes away while writes are cancelled",
        || dropped("cancelling"),
    ),
    Scenario::new(
        "writes-dropped-forgetting",
        "a reader goes away while writes are forgotten",
        || dropped("forgetting"),
    )
    .configured(Explorer::keep_memory),
    Scenario::new("writes-notes", "items that own memory are written", notes),
    Scenario::new("writes-units", "items without content are written", units),
    Scenario::new("writes-reporting", "a writer knows what was not sent", reporting),
    Scenario::new("writes-nested", "streams are written into a stream", nested),
    Scenario::new(
        "writes-unread",
        "both ends are in one guest, and go in any order",
        unread,
    ),
    Scenario::new("writes-several", "several streams are written by one task", several),
];
