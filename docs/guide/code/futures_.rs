//! The chapter on futures.

use futures::future::{Either, select};
use witflow::{FutureReader, future, spawn};
use witflow_host::{Linker, Result};

witflow::generate!({ path: "code/wit/futures.wit" });

struct Promises;
export!(Promises);

impl Guest for Promises {
    async fn later(x: u32) -> FutureReader<u32> {
        if x == 0 {
            let (writer, reader) = wit_future::new(|| 0);
            spawn(async move {
                // Whoever waits gets the value; a writer that is dropped gives the default, here 0.
                let _ = writer.write(7).await;
            });
            return reader;
        }
        future::from_future(wit_future::new(|| 0), slow(x))
    }

    async fn add(a: FutureReader<u32>, b: FutureReader<u32>) -> u32 {
        a.await + b.await
    }

    async fn first(mut a: FutureReader<u32>, mut b: FutureReader<u32>) -> u32 {
        // By reference: the one that loses can still be awaited, or dropped, as here.
        match select((&mut a).into_future(), (&mut b).into_future()).await {
            Either::Left((value, _)) | Either::Right((value, _)) => value,
        }
    }
}

/// A host whose `slow` multiplies by ten, sooner or later.
fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    linker
        .root()
        .func_wrap_concurrent("slow", |_cx, (x,): (u32,)| async move {
            witflow_host::explore::pause().await;
            Ok((10 * x,))
        })?;
    Ok(linker)
}

type Reader = witflow_host::FutureReader<u32>;

fn values_come_later() -> Result<()> {
    crate::support::run::<Promises, _>(&linker()?, async |store, guest| {
        let later = guest.typed_func::<(u32,), (Reader,)>("later")?;
        let add = guest.typed_func::<(Reader, Reader), (u32,)>("add")?;
        let first = guest.typed_func::<(Reader, Reader), (u32,)>("first")?;
        store
            .run_concurrent(async |cx| {
                let (seven,) = later.call_concurrent(&cx, (0,)).await?;
                let (twenty,) = later.call_concurrent(&cx, (2,)).await?;
                assert_eq!(add.call_concurrent(&cx, (seven, twenty)).await?, (27,));

                let (never, a) = witflow_host::future::<u32>();
                let (soon, b) = witflow_host::future::<u32>();
                cx.spawn(async move { soon.write(5).await.expect("the guest waits") });
                assert_eq!(first.call_concurrent(&cx, (a, b)).await?, (5,));
                // The guest has dropped the other one.
                assert!(never.write(1).await.is_err());
                Ok(())
            })
            .await
    })
}

#[test]
fn values_come_later_whatever_the_host_chooses() {
    witflow_host::explore::explore(200, values_come_later);
}
