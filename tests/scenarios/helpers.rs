//! What the runtime offers beside calls, streams and futures.

use crate::world::everywhere;
use futures::future::join;
use witflow_host::{FutureReader, StreamReader, stream};

#[test]
fn feed_streams_from_iterators() {
    everywhere(async |run| {
        for (count, taken) in [(0, 0), (5, 5), (3000, 3000), (3000, 10)] {
            let iterated = run.start::<_, (StreamReader<u32>,)>("helpers#iterated", (count,));
            run.drive(async |_| {
                let (mut reader,) = iterated.await?;
                let mut items = Vec::new();
                while items.len() < taken as usize
                    && let Some(mut some) = reader.read(taken as usize - items.len()).await
                {
                    items.append(&mut some);
                }
                if taken == count {
                    assert_eq!(reader.read(1).await, None);
                }
                assert_eq!(items, (0..taken).collect::<Vec<_>>());
                Ok(())
            })
            .await?;
            // Nobody reads the rest: what feeds the stream ends.
            run.store.finish_tasks().await?;
        }
        Ok(())
    });
}

#[test]
fn feed_streams_from_streams() {
    everywhere(async |run| {
        let (mut writer, reader) = stream::<u32>();
        let mapped = run.start::<_, (StreamReader<u32>,)>("helpers#mapped", (reader,));
        run.drive(async |_| {
            let (mut reader,) = mapped.await?;
            for item in 0..3 {
                let (written, read) = join(writer.write(vec![item]), reader.read(1)).await;
                written.expect("the guest reads on");
                assert_eq!(read, Some(vec![item + 1]));
            }
            // The source has nothing: what it feeds ends all the same when its reader goes.
            drop(reader);
            Ok(())
        })
        .await?;
        run.store.finish_tasks().await
    });
}

#[test]
fn read_and_write_bytes_as_others_do() {
    everywhere(async |run| {
        // Miri takes its time for each byte.
        let length = if cfg!(miri) { 1_000 } else { 20_000_usize };
        let bytes: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
        for by in ["", "futures", "tokio", "chunks"] {
            let (mut writer, reader) = stream::<u8>();
            let copied = match by {
                "" => run.start::<_, (StreamReader<u8>,)>("helpers#read-from", (reader,)),
                by => run.start::<_, (StreamReader<u8>,)>("helpers#copied", (reader, by.to_owned())),
            };
            run.drive(async |_| {
                let write = async {
                    for some in bytes.chunks(length / 6) {
                        writer.write(some.to_vec()).await.expect("the guest reads on");
                    }
                    drop(writer);
                };
                let read = async { Ok::<_, witflow_host::Error>(copied.await?.0.collect().await) };
                let ((), read) = join(write, read).await;
                assert!(read? == bytes, "copied by {by}");
                Ok(())
            })
            .await?;
            run.store.finish_tasks().await?;
        }
        assert_eq!(
            run.host.notes(),
            ["", " by futures", " by tokio", " by chunks"].map(|by| format!("{length} bytes{by}"))
        );
        Ok(())
    });
}

#[test]
fn feed_futures_from_futures() {
    everywhere(async |run| {
        let promised = run.start::<_, (FutureReader<String>,)>("helpers#promised", ());
        run.drive(async |host| {
            let (reader,) = promised.await?;
            host.call().await.answer();
            assert_eq!(reader.await?, "40 in the end");
            Ok(())
        })
        .await
    });
}

#[test]
fn join_and_cancel_what_was_spawned() {
    everywhere(async |run| {
        let joined = run.start::<_, (Vec<u32>,)>("helpers#joined", ());
        run.drive(async |host| {
            for call in host.calls(2).await {
                call.answer_anyone();
            }
            assert_eq!(joined.await?.0, [6, 10, 2, 3]);
            Ok(())
        })
        .await
    });
}

#[test]
fn keep_values_of_futures_apart() {
    everywhere(async |run| {
        let local = run.start::<_, (Vec<String>,)>("helpers#local", ());
        run.drive(async |host| {
            for call in host.calls(2).await {
                call.answer();
            }
            host.call().await.answer();
            assert_eq!(local.await?.0, ["two", "one", ""]);
            Ok(())
        })
        .await
    });
}
