//! What of WASI waits for the world outside, announced as such.
//!
//! Wasmtime's WASI waits for clocks and for standard input without telling anyone, and a store that cannot tell such a wait
//! from a deadlock would either hang or cry wolf. So the functions that wait are defined again here, around a guard.

use super::super::Data;
use crate::cx::{Cx, ExternalGuard};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, sleep_until};
use wasmtime::StoreContextMut;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{IsTerminal, StdinStream};
use wasmtime_wasi::p2::{DynPollable, InputStream, Pollable, StreamResult, subscribe};

/// The versions under which `wasmtime-wasi` defines its interfaces.
const VERSION_0_2: &str = "0.2.12";
const VERSION_0_3: &str = "0.3.0";

/// The name under which the linker holds a WASI interface that a component imports as `interface`.
pub(crate) fn defined_name(interface: &str) -> String {
    match interface.split_once('@') {
        Some((name, version)) if version.starts_with("0.2.") => format!("{name}@{VERSION_0_2}"),
        Some((name, version)) if version.starts_with("0.3.") => format!("{name}@{VERSION_0_3}"),
        _ => interface.to_owned(),
    }
}

/// Defines the waiting functions of WASI's clocks anew.
pub(crate) fn announce_waits(linker: &mut Linker<Data>, p2: bool, p3: bool) -> wasmtime::Result<()> {
    if p2 {
        let mut clock = linker.instance(&format!("wasi:clocks/monotonic-clock@{VERSION_0_2}"))?;
        clock.func_wrap(
            "subscribe-duration",
            |store: StoreContextMut<Data>, (duration,): (u64,)| subscribe_until(store, Duration::from_nanos(duration)),
        )?;
        clock.func_wrap(
            "subscribe-instant",
            |mut store: StoreContextMut<Data>, (when,): (u64,)| {
                let duration = until(store.data_mut(), when);
                subscribe_until(store, duration)
            },
        )?;
    }
    if p3 {
        let mut clock = linker.instance(&format!("wasi:clocks/monotonic-clock@{VERSION_0_3}"))?;
        clock.func_wrap_concurrent("wait-for", |accessor: &Accessor<Data>, (duration,): (u64,)| {
            Box::pin(async move {
                let cx = accessor.with(|mut access| access.data_mut().cx.clone());
                wait(&cx, Duration::from_nanos(duration)).await;
                Ok(())
            })
        })?;
        clock.func_wrap_concurrent("wait-until", |accessor: &Accessor<Data>, (when,): (u64,)| {
            Box::pin(async move {
                let (cx, left) = accessor.with(|mut access| {
                    let data = access.data_mut();
                    (data.cx.clone(), until(data, when))
                });
                wait(&cx, left).await;
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// How long it is until the guest's clock shows `when`.
fn until(data: &mut Data, when: u64) -> Duration {
    let now = data.clock_now();
    Duration::from_nanos(when.saturating_sub(now))
}

async fn wait(cx: &Cx, duration: Duration) {
    match Instant::now().checked_add(duration) {
        Some(deadline) if !duration.is_zero() => cx.external(sleep_until(deadline)).await,
        Some(_) => tokio::task::yield_now().await,
        // Beyond what a clock can show: for ever, and the store says so.
        None => std::future::pending().await,
    }
}

struct Deadline {
    cx: Cx,
    until: Option<Instant>,
}

/// The timeout of a guest's poll, which may look at it any number of times.
fn subscribe_until(mut store: StoreContextMut<Data>, duration: Duration) -> wasmtime::Result<(Resource<DynPollable>,)> {
    let data = store.data_mut();
    let deadline = Deadline {
        cx: data.cx.clone(),
        until: Instant::now().checked_add(duration),
    };
    let table = data.ctx().table;
    let deadline = table.push(deadline)?;
    Ok((subscribe(table, deadline)?,))
}

impl Pollable for Deadline {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            wait(&self.cx, left.unwrap_or(Duration::MAX)).await;
        })
    }
}

/// The host's standard input, whose waits are announced.
pub(crate) struct HostStdin(Cx);

impl HostStdin {
    pub(crate) fn new(cx: &Cx) -> Self {
        Self(cx.clone())
    }
}

impl IsTerminal for HostStdin {
    fn is_terminal(&self) -> bool {
        wasmtime_wasi::cli::stdin().is_terminal()
    }
}

impl StdinStream for HostStdin {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        let inner = Pin::from(wasmtime_wasi::cli::stdin().async_stream());
        Box::new(AnnouncedRead {
            inner,
            cx: self.0.clone(),
            waiting: None,
        })
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(AnnouncedInput {
            inner: wasmtime_wasi::cli::stdin().p2_stream(),
            cx: self.0.clone(),
        })
    }
}

struct AnnouncedRead {
    inner: Pin<Box<dyn AsyncRead + Send + Sync>>,
    cx: Cx,
    waiting: Option<ExternalGuard>,
}

impl AsyncRead for AnnouncedRead {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let polled = self.inner.as_mut().poll_read(cx, buf);
        self.waiting = polled.is_pending().then(|| self.cx.external_guard());
        polled
    }
}

struct AnnouncedInput {
    inner: Box<dyn InputStream>,
    cx: Cx,
}

impl InputStream for AnnouncedInput {
    fn read(&mut self, size: usize) -> StreamResult<bytes::Bytes> {
        self.inner.read(size)
    }
}

impl Pollable for AnnouncedInput {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let _guard = self.cx.external_guard();
            self.inner.ready().await;
        })
    }
}
