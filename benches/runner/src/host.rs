//! What the worlds import, and the stores they run in.

use crate::park::Park;
use crate::streams::{Bytes, Meter, Sink, Take};
use futures::channel::oneshot;
use std::pin::Pin;
use std::task::Poll;
use wasmtime::component::{
    Accessor, Component, ComponentType, FutureReader, Instance, Lift, Linker, Lower, StreamReader,
};
use wasmtime::{ResourceLimiter, Result, Store, StoreContextMut, error::Context as _};

/// Element of a list.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) n: u32,
    pub(crate) f: Option<f64>,
}

/// Element of a stream.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Item {
    pub(crate) id: u32,
    pub(crate) name: String,
}

/// What a store carries.
#[derive(Default)]
pub(crate) struct Data {
    pub(crate) park: Park,
    pub(crate) meter: Meter,
    /// Whether `get` waits once.
    pub(crate) slow: bool,
    memory: Memory,
}

/// Notes how much linear memory there is. It never shrinks.
#[derive(Default)]
struct Memory(usize);

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        self.0 += desired - current;
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }
}

/// The most linear memory the store had.
pub(crate) fn peak_memory(store: &Store<Data>) -> usize {
    store.data().memory.0
}

/// What `get` returns.
pub(crate) const TEXT: &str = "sixteen bytes on";

/// What `tick` and `tick-yield` return.
pub(crate) fn tick(x: u32) -> u32 {
    x.wrapping_mul(3).wrapping_add(1)
}

/// What `park` returns.
pub(crate) fn parked(x: u32) -> u32 {
    x.wrapping_add(1)
}

/// Is pending once.
async fn wait_once() {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

fn define_calls(host: &mut wasmtime::component::LinkerInstance<'_, Data>) -> Result<()> {
    host.func_wrap_concurrent("tick", |_: &Accessor<Data>, (x,): (u32,)| -> Answer<'_, (u32,)> {
        Box::pin(async move { Ok((tick(x),)) })
    })?;
    host.func_wrap_concurrent("tick-yield", |_: &Accessor<Data>, (x,): (u32,)| -> Answer<'_, (u32,)> {
        Box::pin(async move {
            wait_once().await;
            Ok((tick(x),))
        })
    })?;
    host.func_wrap_concurrent(
        "park",
        |accessor: &Accessor<Data>, (x,): (u32,)| -> Answer<'_, (u32,)> {
            Box::pin(async move {
                let park = accessor.with(|mut access| access.data_mut().park.clone());
                park.wait().await;
                Ok((parked(x),))
            })
        },
    )?;
    host.func_wrap_concurrent(
        "read-future",
        |accessor: &Accessor<Data>, (future,): (FutureReader<u32>,)| -> Answer<'_, (u32,)> {
            Box::pin(async move {
                let (sender, value) = oneshot::channel();
                accessor.with(|access| future.pipe(access, Take(Some(sender))))?;
                let value = value.await.context("the future was never written")?;
                Ok((value.wrapping_add(1),))
            })
        },
    )
}

fn define_streams(host: &mut wasmtime::component::LinkerInstance<'_, Data>) -> Result<()> {
    type Access<'a> = StoreContextMut<'a, Data>;
    host.func_wrap(
        "sink-bytes",
        |store: Access<'_>, (stream, mode): (StreamReader<u8>, u32)| {
            let sink = Sink::<u8>::new(mode, &store.data().meter);
            stream.pipe(store, sink)
        },
    )?;
    host.func_wrap(
        "sink-u32s",
        |store: Access<'_>, (stream, mode): (StreamReader<u32>, u32)| {
            let sink = Sink::<u32>::new(mode, &store.data().meter);
            stream.pipe(store, sink)
        },
    )?;
    host.func_wrap(
        "sink-items",
        |store: Access<'_>, (stream, mode): (StreamReader<Item>, u32)| {
            let sink = Sink::<Item>::new(mode, &store.data().meter);
            stream.pipe(store, sink)
        },
    )?;
    host.func_wrap("source-bytes", |store: Access<'_>, (total, mode): (u64, u32)| {
        let source = Bytes::new(total, mode, &store.data().meter);
        Ok((StreamReader::new(store, source)?,))
    })
}

/// A store and an instance of `component` in it.
pub(crate) async fn instantiate(component: &Component) -> Result<(Store<Data>, Instance)> {
    let mut store = Store::new(component.engine(), Data::default());
    store.limiter(|data| &mut data.memory);
    // Setting fuel fails exactly when it is not counted.
    let _ = store.set_fuel(u64::MAX);
    let mut linker = Linker::new(component.engine());
    let mut host = linker.instance("peer:bench/host@0.1.0")?;
    define_calls(&mut host)?;
    define_streams(&mut host)?;
    host.func_wrap("echo", |_: StoreContextMut<'_, Data>, (rows,): (Vec<Row>,)| Ok((rows,)))?;
    linker
        .root()
        .func_wrap_concurrent("get", |accessor: &Accessor<Data>, _: (u32,)| -> Answer<'_, (String,)> {
            Box::pin(async move {
                if accessor.with(|mut access| access.data_mut().slow) {
                    wait_once().await;
                }
                Ok((TEXT.to_owned(),))
            })
        })?;
    linker.define_unknown_imports_as_traps(component)?;
    let instance = linker.instantiate_async(&mut store, component).await?;
    Ok((store, instance))
}
