//! Futures between host and guest, in both directions.

#[path = "guests/futures.rs"]
mod guests;
mod support;

use guests::FUTURES;
use support::with;
use witflow_host::{AnyFuture, FutureReader, Linker, Result, Val, future};

#[test]
fn a_future_goes_in_and_another_comes_out() -> Result<()> {
    with(&Linker::new(), &FUTURES, async |store, guest| {
        let increment = guest.typed_func::<(FutureReader<u32>,), (FutureReader<u32>,)>("increment")?;
        store
            .run_concurrent(async |cx| {
                let (writer, reader) = future();
                let (result,) = increment.call_concurrent(&cx, (reader,)).await?;
                writer.write(41).await?;
                assert_eq!(result.await?, 42);
                Ok(())
            })
            .await?;
        store.finish_tasks().await
    })
}

#[test]
fn a_future_written_before_the_call_is_there() -> Result<()> {
    with(&Linker::new(), &FUTURES, async |store, guest| {
        let increment = guest.func("increment")?;
        let result = store
            .run_concurrent(async |cx| {
                let (writer, reader) = future::<u32>();
                let call = increment.call_concurrent(&cx, vec![Val::Future(AnyFuture::new(reader))]);
                let (written, called) = futures::join!(writer.write(1), call);
                written?;
                let Some(Val::Future(result)) = called? else {
                    panic!("increment returns a future")
                };
                result.into_reader::<u32>()?.await
            })
            .await?;
        assert_eq!(result, 2);
        Ok(())
    })
}

#[test]
fn a_future_nobody_writes_stops_the_guest() -> Result<()> {
    with(&Linker::new(), &FUTURES, async |store, guest| {
        let increment = guest.typed_func::<(FutureReader<u32>,), (FutureReader<u32>,)>("increment")?;
        let (writer, reader) = future::<u32>();
        drop(writer);
        let error = store
            .run_concurrent(async |cx| {
                let (result,) = increment.call_concurrent(&cx, (reader,)).await?;
                result.await
            })
            .await
            .unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("the host dropped the writer of a future<u32>"),
            "{error}"
        );
        Ok(())
    })
}

#[test]
fn a_reader_nobody_awaits_is_closed() -> Result<()> {
    with(&Linker::new(), &FUTURES, async |store, guest| {
        let increment = guest.typed_func::<(FutureReader<u32>,), (FutureReader<u32>,)>("increment")?;
        let (writer, reader) = future::<u32>();
        let (result,) = increment.call(store, (reader,)).await?;
        drop(result);
        store.run_concurrent(async |_| Ok(writer.write(1).await?)).await?;
        store.finish_tasks().await
    })
}
