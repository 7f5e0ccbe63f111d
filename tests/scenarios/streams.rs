//! Streams.

use crate::world::everywhere;
use crate::{Random, many};
use futures::future::join;
use witflow_host::{Result, StreamReader, stream};

fn texts(count: u32) -> Vec<String> {
    (0..count).map(|item| format!("item {item}")).collect()
}

#[test]
fn are_read_in_pieces() {
    everywhere(async |run| {
        for (pieces, chunk) in [(1, 1_u32), (1, 4), (4, 1), (3, 2), (7, 7), (5, 100)] {
            let (mut writer, reader) = stream::<String>();
            let collected = run.start::<_, (Vec<String>,)>("streams#collect", (reader, chunk));
            run.drive(async |_| {
                let write = async {
                    for piece in texts(20).chunks(pieces) {
                        writer.write(piece.to_vec()).await.expect("the guest reads on");
                    }
                    drop(writer);
                };
                let ((), collected) = join(write, collected).await;
                assert_eq!(collected?.0, texts(20), "pieces of {pieces}, read {chunk} at a time");
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn are_written_in_pieces() {
    everywhere(async |run| {
        for chunk in [1_u32, 3, 20] {
            let produced = run.start::<_, (StreamReader<String>,)>("streams#produce", (20_u32, chunk));
            run.drive(async |_| {
                let (mut reader,) = produced.await?;
                let mut items = Vec::new();
                for most in (1..).take(100) {
                    match reader.read(most).await {
                        Some(mut some) => items.append(&mut some),
                        None => break,
                    }
                }
                assert_eq!(items, texts(20));
                Ok(())
            })
            .await?;
        }
        run.store.finish_tasks().await?;
        assert_eq!(run.host.notes(), ["0 were not taken"; 3]);
        Ok(())
    });
}

#[test]
fn give_back_what_is_not_taken() {
    everywhere(async |run| {
        for taken in 0..5 {
            let produced = run.start::<_, (StreamReader<String>,)>("streams#produce", (5_u32, 5_u32));
            run.drive(async |_| {
                let (mut reader,) = produced.await?;
                for item in 0..taken {
                    assert_eq!(reader.next().await, Some(format!("item {item}")));
                }
                drop(reader);
                Ok(())
            })
            .await?;
            run.store.finish_tasks().await?;
            assert_eq!(run.host.notes(), [format!("{} were not taken", 5 - taken)]);
        }
        Ok(())
    });
}

#[test]
fn are_transformed() {
    everywhere(async |run| {
        const COUNT: u32 = many(10_000);
        for seed in 0..many(2) {
            let mut random = Random(seed.into());
            let (mut writer, reader) = stream::<u32>();
            let doubled =
                run.start::<_, (StreamReader<u32>,)>("streams#double", (reader, 1 + random.below(300) as u32));
            run.drive(async |_| {
                let (doubled,) = doubled.await?;
                let write = async {
                    let mut next = 0;
                    while next < COUNT {
                        let end = COUNT.min(next + 1 + random.below(500) as u32);
                        writer
                            .write((next..end).collect::<Vec<_>>())
                            .await
                            .expect("the guest reads on");
                        next = end;
                    }
                    drop(writer);
                };
                let ((), items) = join(write, doubled.collect()).await;
                let expected: Vec<_> = (0..COUNT).map(|item| 2 * item).collect();
                assert!(items == expected, "{} items came back", items.len());
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn are_passed_on_after_some_was_read() {
    everywhere(async |run| {
        for first in [0_u32, 1, 5, 10] {
            let (mut writer, reader) = stream::<u32>();
            let rest = run.start::<_, (StreamReader<u32>,)>("streams#rest", (reader, first));
            run.drive(async |_| {
                let write = async {
                    writer.write((0..10).collect::<Vec<_>>()).await.expect("all is read");
                    drop(writer);
                };
                let read = async { Result::<_>::Ok(rest.await?.0.collect().await) };
                let ((), rest) = join(write, read).await;
                assert_eq!(rest?, (first..10).collect::<Vec<_>>());
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn lose_nothing_when_reads_are_dropped_and_cancelled() {
    everywhere(async |run| {
        let cx = run.store.cx();
        for count in 0..8 {
            let (mut writer, reader) = stream::<u32>();
            cx.spawn(async move {
                for item in 0..count {
                    writer.write(vec![item]).await.expect("the guest reads on");
                }
            });
            let (items,): (Vec<u32>,) = run.call("streams#interrupted", (reader,)).await?;
            assert_eq!(items, (0..count).collect::<Vec<_>>());
        }
        Ok(())
    });
}

#[test]
fn lose_nothing_when_writes_are_dropped_and_cancelled() {
    everywhere(async |run| {
        for most in [1, 3] {
            let written = run.start::<_, (StreamReader<u32>,)>("streams#interrupting", (12_u32,));
            run.drive(async |_| {
                let (mut reader,) = written.await?;
                let mut items = Vec::new();
                while let Some(mut some) = reader.read(most).await {
                    items.append(&mut some);
                }
                assert_eq!(items, (0..12).collect::<Vec<_>>());
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn go_on_after_a_read_was_forgotten() {
    everywhere(async |run| {
        let (mut writer, reader) = stream::<u32>();
        let items = run.start::<_, (Vec<u32>,)>("streams#forgetful", (reader,));
        run.drive(async |host| {
            let write = async {
                // The guest has begun to read when it calls.
                host.call().await.answer();
                writer
                    .write((0..6).collect::<Vec<_>>())
                    .await
                    .expect("the guest reads on");
                drop(writer);
            };
            let ((), items) = join(write, items).await;
            assert_eq!(items?.0, (0..6).collect::<Vec<_>>());
            Ok(())
        })
        .await
    });
}

#[test]
fn stay_within_a_guest() {
    everywhere(async |run| {
        let (items,): (Vec<u32>,) = run.call("streams#within", (50_u32,)).await?;
        assert_eq!(items, (0..50).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn have_no_payload() {
    everywhere(async |run| {
        let (mut writer, reader) = stream::<()>();
        let count = run.start::<_, (u32,)>("streams#count", (reader,));
        run.drive(async |_| {
            let write = async {
                for piece in [1, 5, 100] {
                    writer.write(vec![(); piece]).await.expect("the guest reads on");
                }
                drop(writer);
            };
            let ((), count) = join(write, count).await;
            assert_eq!(count?.0, 106);
            Ok(())
        })
        .await?;
        let ticks = run.start::<_, (StreamReader<()>,)>("streams#ticks", (10_u32,));
        run.drive(async |_| {
            let (mut ticks,) = ticks.await?;
            assert_eq!(ticks.read(4).await.map(|some| some.len()), Some(4));
            drop(ticks);
            Ok(())
        })
        .await?;
        run.store.finish_tasks().await?;
        assert_eq!(run.host.notes(), ["6 were not taken"]);
        Ok(())
    });
}

#[test]
fn hold_streams_of_which_some_are_not_taken() {
    everywhere(async |run| {
        let streams = run.start::<_, (StreamReader<StreamReader<u8>>,)>("streams#streams", (4_u32,));
        run.drive(async |_| {
            let (mut streams,) = streams.await?;
            let first = streams.next().await.expect("the first");
            let second = streams.next().await.expect("the second");
            drop(streams);
            drop(first);
            assert_eq!(second.collect().await, [1, 1, 1]);
            Ok(())
        })
        .await?;
        run.store.finish_tasks().await?;
        let mut notes = run.host.notes();
        notes.sort();
        let expected = [
            "0 of stream 1 were not taken",
            "2 streams were not taken",
            "3 of stream 0 were not taken",
            "3 of stream 2 were not taken",
            "3 of stream 3 were not taken",
        ];
        assert_eq!(notes, expected);
        Ok(())
    });
}

#[test]
fn end_for_good() {
    everywhere(async |run| {
        let (mut writer, reader) = stream::<u32>();
        let count = run.start::<_, (u32,)>("streams#past-the-end", (reader,));
        run.drive(async |_| {
            let write = async {
                writer.write(vec![1, 2, 3]).await.expect("the guest reads on");
                drop(writer);
            };
            let ((), count) = join(write, count).await;
            assert_eq!(count?.0, 3);
            Ok(())
        })
        .await?;
        // A peer that goes away while the end is idle.
        let (writer, reader) = stream::<u32>();
        drop(writer);
        let (count,): (u32,) = run.call("streams#past-the-end", (reader,)).await?;
        assert_eq!(count, 0);
        Ok(())
    });
}
