//! What scenarios share: a store to run in, and futures that stop halfway.

use futures::FutureExt as _;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use witflow_host::explore::{pause, pick};
use witflow_host::{Component, Cx, Engine, Instance, Linker, NamedList, Result, Store};
use witflow_host::{StreamReader, StreamWriter, TypedFunc, stream};

/// Instantiates `component` with the definitions of `linker` in a store of its own, and runs `body` with it.
pub(crate) fn with(
    linker: &Linker,
    component: &Component,
    body: impl AsyncFnOnce(&mut Store, Instance) -> Result<()>,
) -> Result<()> {
    let mut store = Store::new(&Engine::native());
    store.block_on(async |store| {
        let instance = linker.instantiate(store, component).await?;
        body(store, instance).await
    })
}

/// What offers guests a host with nothing but `tick`, which takes as long as the explorer says.
pub(crate) fn ticking() -> Result<Linker> {
    let mut linker = Linker::new();
    linker.instance("host")?.func_wrap_concurrent("tick", async |_, ()| {
        pause().await;
        Ok(())
    })?;
    Ok(linker)
}

/// Calls an export, and compares what it gives.
pub(crate) fn compare<P, R>(linker: &Linker, component: &Component, export: &str, params: P, expected: R) -> Result<()>
where
    P: NamedList,
    R: NamedList + PartialEq + Debug,
{
    with(linker, component, async |store, guest| {
        let func: TypedFunc<P, R> = guest.typed_func(export)?;
        assert_eq!(func.call(store, params).await?, expected);
        Ok(())
    })
}

/// Calls an export with a number several times at once, and compares what each call gives.
pub(crate) fn compare_at_once(
    linker: &Linker,
    component: &Component,
    export: &str,
    given: u32,
    times: usize,
    expected: u32,
) -> Result<()> {
    with(linker, component, async |store, guest| {
        let func: TypedFunc<(u32,), (u32,)> = guest.typed_func(export)?;
        let answers = store
            .run_concurrent(async |cx| {
                let calls = (0..times).map(|_| func.call_concurrent(&cx, (given,)));
                futures::future::try_join_all(calls).await
            })
            .await?;
        assert_eq!(answers, vec![(expected,); times]);
        Ok(())
    })
}

/// Polls `future` at most `times` times, giving way in between; gives its output if that was enough, and else drops it.
pub(crate) async fn poll_at_most<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_pinned(times, future.as_mut()).await
}

/// The same, and leaves the future where it is.
pub(crate) async fn poll_pinned<F: Future>(times: usize, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        if let Poll::Ready(output) = future.as_mut().poll_unpin(cx) {
            return Poll::Ready(Some(output));
        }
        if left == 0 {
            return Poll::Ready(None);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// The number `n` counts up to, as bytes that show whether any is missing, doubled or out of place.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|place| (place * 7 + place / 256) as u8).collect()
}

/// Writes `items` into a new stream, in pieces and with pauses of the explorer's choice, and gives its reader.
pub(crate) fn feed<T>(cx: &Cx, items: Vec<T>) -> StreamReader<T>
where
    T: witflow_host::ComponentType,
{
    let (writer, reader) = stream();
    cx.spawn(async move {
        write_in_pieces(writer, items).await;
    });
    reader
}

/// Writes all of `items`, in pieces and with pauses of the explorer's choice. Gives how many the reader did not take.
pub(crate) async fn write_in_pieces<T>(mut writer: StreamWriter<T>, mut items: Vec<T>) -> usize
where
    T: witflow_host::ComponentType,
{
    while !items.is_empty() {
        pause().await;
        let rest = items.split_off(items.len() - pick(items.len()));
        if let Err(dropped) = writer.write(items).await {
            return dropped.unsent.len() + rest.len();
        }
        items = rest;
    }
    pause().await;
    0
}

/// Reads everything, in pieces and with pauses of the explorer's choice.
pub(crate) async fn drain<T>(mut reader: StreamReader<T>) -> Vec<T>
where
    T: witflow_host::ComponentType,
{
    let mut items = Vec::new();
    loop {
        pause().await;
        let most = [1000, 1, 2, 5][pick(4)];
        match reader.read(most).await {
            Some(mut more) => items.append(&mut more),
            None => return items,
        }
    }
}
