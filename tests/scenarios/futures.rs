//! Futures.

use crate::world::everywhere;
use futures::future::join;
use witflow_host::{FutureReader, StreamReader, future, stream};

#[test]
fn are_written_before_they_are_read_and_after() {
    everywhere(async |run| {
        let given = run.start::<_, (FutureReader<String>,)>("futures#give", (false,));
        run.drive(async |_| {
            let (given,) = given.await?;
            assert_eq!(given.await?, "the value");
            Ok(())
        })
        .await?;
        let given = run.start::<_, (FutureReader<String>,)>("futures#give", (true,));
        run.drive(async |host| {
            let (given,) = given.await?;
            let answer = async {
                host.call().await.answer();
            };
            let (value, ()) = join(given, answer).await;
            assert_eq!(value?, "the value");
            Ok(())
        })
        .await
    });
}

#[test]
fn are_read_before_they_are_written_and_after() {
    everywhere(async |run| {
        let (writer, reader) = future::<String>();
        let taken = run.start::<_, (String,)>("futures#take", (reader,));
        run.drive(async |_| {
            let (written, taken) = join(writer.write("early".to_owned()), taken).await;
            assert!(written.is_ok());
            assert_eq!(taken?.0, "early");
            Ok(())
        })
        .await?;
        let (writer, reader) = future::<String>();
        let taken = run.start::<_, (String,)>("futures#take", (reader,));
        run.store.run_concurrent(async |_| Ok(())).await?;
        run.drive(async |_| {
            let (written, taken) = join(writer.write("late".to_owned()), taken).await;
            assert!(written.is_ok());
            assert_eq!(taken?.0, "late");
            Ok(())
        })
        .await
    });
}

#[test]
fn have_defaults() {
    everywhere(async |run| {
        let given = run.start::<_, (FutureReader<String>,)>("futures#by-default", ());
        run.drive(async |_| {
            let (given,) = given.await?;
            assert_eq!(given.await?, "the default");
            Ok(())
        })
        .await
    });
}

#[test]
fn give_the_value_back_when_nobody_reads() {
    everywhere(async |run| {
        let given = run.start::<_, (FutureReader<String>,)>("futures#try-give", ());
        run.drive(async |_| {
            drop(given.await?);
            Ok(())
        })
        .await?;
        run.store.finish_tasks().await?;
        assert_eq!(run.host.notes(), ["the value came back"]);
        let given = run.start::<_, (FutureReader<String>,)>("futures#try-give", ());
        run.drive(async |_| {
            assert_eq!(given.await?.0.await?, "the value");
            Ok(())
        })
        .await?;
        run.store.finish_tasks().await?;
        assert_eq!(run.host.notes(), ["nothing came back"]);
        // Nor does a default that nobody reads disturb anyone.
        let given = run.start::<_, (FutureReader<String>,)>("futures#by-default", ());
        run.drive(async |_| {
            drop(given.await?);
            Ok(())
        })
        .await
    });
}

#[test]
fn are_dropped_unread() {
    everywhere(async |run| {
        let (writer, reader) = future::<String>();
        let ignored = run.start::<_, ()>("futures#ignore", (reader,));
        run.drive(async |_| {
            ignored.await?;
            assert!(writer.write("a value".to_owned()).await.is_err());
            Ok(())
        })
        .await
    });
}

#[test]
fn are_awaited_again_after_a_wait_in_vain() {
    everywhere(async |run| {
        let (writer, reader) = future::<String>();
        let again = run.start::<_, (String,)>("futures#again", (reader,));
        run.drive(async |host| {
            host.call().await.answer();
            let (written, again) = join(writer.write("a value".to_owned()), again).await;
            assert!(written.is_ok());
            assert_eq!(again?.0, "a value");
            Ok(())
        })
        .await
    });
}

#[test]
fn are_written_again_after_a_write_was_cancelled() {
    everywhere(async |run| {
        let given = run.start::<_, (FutureReader<String>,)>("futures#rewrite", ());
        run.drive(async |host| {
            let (given,) = given.await?;
            host.call().await.answer();
            assert_eq!(given.await?, "not the first");
            Ok(())
        })
        .await
    });
}

#[test]
fn hold_futures_and_streams() {
    everywhere(async |run| {
        let (outer, reader) = future::<FutureReader<StreamReader<u32>>>();
        let nested = run.start::<_, (Vec<u32>,)>("futures#nested", (reader,));
        run.drive(async |_| {
            let write = async {
                let (inner, reader) = future::<StreamReader<u32>>();
                assert!(outer.write(reader).await.is_ok());
                let (mut items, reader) = stream::<u32>();
                assert!(inner.write(reader).await.is_ok());
                items.write(vec![1, 2, 3]).await.expect("the guest reads on");
            };
            let ((), nested) = join(write, nested).await;
            assert_eq!(nested?.0, [1, 2, 3]);
            Ok(())
        })
        .await
    });
}

#[test]
fn are_signals_and_results() {
    everywhere(async |run| {
        let done = run.start::<_, (FutureReader<()>,)>("futures#done", ());
        run.drive(async |host| {
            let (done,) = done.await?;
            host.call().await.answer();
            done.await
        })
        .await?;
        for (result, expected) in [(Ok("a".to_owned()), "ok: a"), (Err("b".to_owned()), "error: b")] {
            let (writer, reader) = future::<Result<String, String>>();
            let failed = run.start::<_, (String,)>("futures#failed", (reader,));
            run.drive(async |_| {
                let (written, failed) = join(writer.write(result), failed).await;
                assert!(written.is_ok());
                assert_eq!(failed?.0, expected);
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}
