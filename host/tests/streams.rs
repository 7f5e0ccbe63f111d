//! Streams between host and guest, in both directions, of bytes and of documents that hold streams.

#[path = "guests/streams.rs"]
mod guests;
mod support;

use guests::STREAMS;
use support::{BACK_ENDS, with};
use witflow_host::{AnyStream, ComponentType, Linker, Result, StreamReader, Val, stream};

#[derive(ComponentType)]
struct Document {
    name: String,
    body: StreamReader<u8>,
}

#[test]
fn the_guest_reads_everything_the_host_writes() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let sum = guest.typed_func::<(StreamReader<u8>,), (u32,)>("sum")?;
        let total = store
            .run_concurrent(async |cx| {
                let (mut writer, reader) = stream();
                let writing = async {
                    for size in [1, 3, 4, 5, 100] {
                        writer.write(vec![1; size]).await?;
                    }
                    drop(writer);
                    Result::<_>::Ok(())
                };
                let (total, written) = futures::join!(sum.call_concurrent(&cx, (reader,)), writing);
                written?;
                total
            })
            .await?;
        assert_eq!(total, (113,));
        Ok(())
    })
}

#[test]
fn several_guest_tasks_read_at_once() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let sum = guest.typed_func::<(StreamReader<u8>,), (u32,)>("sum")?;
        store
            .run_concurrent(async |cx| {
                let (mut writers, calls): (Vec<_>, Vec<_>) = (0..10)
                    .map(|_| {
                        let (writer, reader) = stream();
                        (writer, sum.call_concurrent(&cx, (reader,)))
                    })
                    .unzip();
                for round in 0..3 {
                    for (index, writer) in writers.iter_mut().enumerate().rev() {
                        writer.write(vec![u8::try_from(index)?; round]).await?;
                    }
                }
                drop(writers);
                for (index, call) in calls.into_iter().enumerate() {
                    assert_eq!(call.await?, (u32::try_from(index * 3)?,));
                }
                Ok(())
            })
            .await
    })
}

#[test]
fn the_host_reads_what_it_asks_for_and_no_more() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let count = guest.typed_func::<(u32,), (StreamReader<u8>,)>("count")?;
        let (mut reader,) = count.call(store, (20,)).await?;
        store
            .run_concurrent(async |_| {
                assert_eq!(reader.read(3).await, Some(vec![20, 19, 18]));
                assert_eq!(reader.next().await, Some(17));
                assert_eq!(
                    reader.read(0).await,
                    Some(vec![]),
                    "a zero-length read says that something is there"
                );
                let mut rest = Vec::new();
                while let Some(mut items) = reader.read(1000).await {
                    rest.append(&mut items);
                }
                assert_eq!(rest, (1..=16).rev().collect::<Vec<_>>());
                assert_eq!(reader.read(1).await, None);
                Ok(())
            })
            .await?;
        store.finish_tasks().await
    })
}

#[test]
fn a_read_given_up_loses_nothing() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let count = guest.typed_func::<(u32,), (StreamReader<u8>,)>("count")?;
        let items = store
            .run_concurrent(async |cx| {
                let (mut reader,) = count.call_concurrent(&cx, (9,)).await?;
                for _ in 0..3 {
                    // Polled once, then dropped.
                    let _ = futures::FutureExt::now_or_never(reader.read(4));
                }
                Ok(reader.collect().await)
            })
            .await?;
        assert_eq!(items, (1..=9).rev().collect::<Vec<_>>());
        Ok(())
    })
}

#[test]
fn a_dropped_reader_ends_the_guest_s_writing() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let count = guest.typed_func::<(u32,), (StreamReader<u8>,)>("count")?;
        for read_first in [false, true] {
            let (mut reader,) = count.call(store, (200,)).await?;
            if read_first {
                store
                    .run_concurrent(async |_| {
                        assert_eq!(reader.next().await, Some(200));
                        Ok(())
                    })
                    .await?;
            }
            drop(reader);
            store.finish_tasks().await?;
        }
        Ok(())
    })
}

#[test]
fn a_dropped_guest_end_gives_back_what_was_not_taken() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let probe = guest.typed_func::<(StreamReader<u8>,), (u32,)>("probe")?;
        store
            .run_concurrent(async |cx| {
                let (mut writer, reader) = stream();
                let call = probe.call_concurrent(&cx, (reader,));
                let unsent = writer.write(vec![8, 9, 10]).await.unwrap_err().unsent;
                assert_eq!(unsent, [9, 10]);
                assert_eq!(call.await?, (8,));
                writer.closed().await;
                assert_eq!(writer.write_one(11).await.unwrap_err().unsent, [11]);
                Ok(())
            })
            .await
    })
}

#[test]
fn zero_length_writes_wait_for_a_reader() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let offer = guest.typed_func::<(u32,), (StreamReader<u8>,)>("offer")?;
        let items = store
            .run_concurrent(async |cx| Ok(offer.call_concurrent(&cx, (3,)).await?.0.collect().await))
            .await?;
        assert_eq!(items, [3, 2, 1]);
        let sum = guest.typed_func::<(StreamReader<u8>,), (u32,)>("sum")?;
        store
            .run_concurrent(async |cx| {
                let (mut writer, reader) = stream();
                let call = sum.call_concurrent(&cx, (reader,));
                writer.write([]).await?;
                writer.write([40, 2]).await?;
                drop(writer);
                assert_eq!(call.await?, (42,));
                Ok(())
            })
            .await
    })
}

#[test]
fn a_stream_of_documents_carries_streams() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let first = guest.typed_func::<(StreamReader<Document>,), (u32,)>("first")?;
        let total = store
            .run_concurrent(async |cx| {
                let (mut documents, reader) = stream();
                let call = first.call_concurrent(&cx, (reader,));
                let (mut writer, body) = stream();
                documents
                    .write_one(Document {
                        name: "a name".to_owned(),
                        body,
                    })
                    .await?;
                writer.write(vec![10; 10]).await?;
                drop(writer);
                call.await
            })
            .await?;
        assert_eq!(total, (106,));
        Ok(())
    })
}

#[test]
fn a_stream_passes_through_a_guest_and_the_host() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let pass = guest.typed_func::<(StreamReader<u8>,), (StreamReader<u8>,)>("pass")?;
        let count = guest.typed_func::<(u32,), (StreamReader<u8>,)>("count")?;
        let sum = guest.typed_func::<(StreamReader<u8>,), (u32,)>("sum")?;
        store
            .run_concurrent(async |cx| {
                // A guest's end, never read by the host, goes back untouched; one that was read goes through the host.
                for read_first in [false, true] {
                    let (mut reader,) = count.call_concurrent(&cx, (10,)).await?;
                    if read_first {
                        assert_eq!(reader.next().await, Some(10));
                    }
                    let (reader,) = pass.call_concurrent(&cx, (reader,)).await?;
                    let total = if read_first { 45 } else { 55 };
                    assert_eq!(sum.call_concurrent(&cx, (reader,)).await?, (total,));
                }
                // A host's end comes back to the host.
                let (mut writer, reader) = stream();
                let (mut back,) = pass.call_concurrent(&cx, (reader,)).await?;
                let reading = async {
                    assert_eq!(back.read(2).await, Some(vec![1, 2]));
                    assert_eq!(back.read(9).await, Some(vec![3]));
                };
                let (written, ()) = futures::join!(writer.write([1, 2, 3]), reading);
                written?;
                drop(writer);
                assert_eq!(back.read(9).await, None);
                Ok(())
            })
            .await
    })
}

#[test]
fn a_stream_moves_from_one_store_to_another() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let count = guest.typed_func::<(u32,), (StreamReader<u8>,)>("count")?;
        for back_end in BACK_ENDS {
            let (reader,) = count.call(store, (30,)).await?;
            let engine = back_end.engine()?;
            let component = back_end.component(&engine, "other", &STREAMS)?;
            let mut other_store = witflow_host::Store::new(&engine);
            let other = Linker::new().instantiate(&mut other_store, &component).await?;
            let sum = other.typed_func::<(StreamReader<u8>,), (u32,)>("sum")?;
            let (done, finished) = futures::channel::oneshot::channel();
            // To either store, the other is outside.
            let writing = store.run_concurrent(async |cx| Ok(cx.external(finished).await?));
            let reading = other_store.run_concurrent(async |cx| {
                let result = cx.external(sum.call_concurrent(&cx, (reader,))).await;
                done.send(()).expect("the other store waits");
                result
            });
            let (written, total) = futures::join!(writing, reading);
            written?;
            assert_eq!(total?, (465,));
        }
        Ok(())
    })
}

#[test]
fn a_stream_can_be_untyped() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        let (mut writer, reader) = stream::<u8>();
        let sum = guest
            .func("sum")?
            .call_concurrent(&store.cx(), vec![Val::Stream(AnyStream::new(reader))]);
        let total = store
            .run_concurrent(async |_| {
                writer.write([1, 2]).await?;
                drop(writer);
                sum.await
            })
            .await?;
        assert_eq!(total, Some(Val::U32(3)));

        let Some(Val::Stream(untyped)) = guest.func("count")?.call(store, vec![Val::U32(3)]).await? else {
            panic!("count returns a stream");
        };
        assert!(
            untyped.clone().into_reader::<String>().is_err(),
            "its payload is no string"
        );
        Ok(())
    })
}

#[test]
fn an_unused_untyped_stream_is_closed() -> Result<()> {
    with(&Linker::new(), &STREAMS, async |store, guest| {
        drop(guest.func("count")?.call(store, vec![Val::U32(3)]).await?);
        store.finish_tasks().await
    })
}
