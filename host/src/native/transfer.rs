//! Joins the ends of streams and futures to the channels of `crate::channel`.
//!
//! A [`Producer`] is what a guest reads from: it reads the channel's output. A [`Consumer`] is what a guest writes to: it
//! writes the channel's input. Both are tasks of the store, woken by either side, and both move items only while one side
//! reads and the other writes, so that neither holds anything back:
//!
//! * The producer takes from the channel what the guest has room for, when it has. What the guest then does not take,
//!   because the store says that a copy is partial, goes back.
//! * The consumer asks the guest for what a reader of the channel waits for, and withdraws that when the reader gives up.

use super::store::NativeStore;
use crate::backend::{GuestFuture as AnyBackEndFuture, GuestStream as AnyBackEndStream, Job};
use crate::canonical::{CopyResult, Fault, HostCopy, HostEnd, Rule, Trap, Type, Value};
use crate::channel::{Demand, Input, Output};
use crate::cx::Cx;
use crate::error::Result;
use crate::stream::{FutureReader, Source, StreamReader};
use crate::value::ComponentType;
use anyhow::anyhow;
use futures::FutureExt as _;
use futures::task::AtomicWaker;
use std::cell::Cell;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What both have: the end, and what wakes its task.
struct End {
    end: HostEnd,
    payload: Option<Type>,
    is_future: bool,
    store: NativeStore,
    waker: Arc<AtomicWaker>,
}

impl End {
    fn new(end: HostEnd, payload: Option<&Type>, is_future: bool, store: &NativeStore) -> Self {
        let waker = Arc::new(AtomicWaker::new());
        let woken = waker.clone();
        end.on_ready(Rc::new(move || woken.wake()));
        Self {
            end,
            payload: payload.cloned(),
            is_future,
            store: store.clone(),
            waker,
        }
    }
}

/// What moves items between an end and a channel.
trait Pump: 'static {
    fn end(&self) -> &HostEnd;

    /// Moves what can be moved, until the stream has ended or nobody is there any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>>;
}

/// Feeds a guest's reads.
struct Producer<T> {
    output: Output<T>,
    at: End,
    /// Whether it may still ask, by writing nothing, whether there is a reader.
    may_probe: bool,
}

impl<T: ComponentType> Pump for Producer<T> {
    fn end(&self) -> &HostEnd {
        &self.at.end
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.at.waker.register(cx.waker());
        loop {
            if let Some(copy) = self.at.end.poll()
                && self.settle(copy)?
            {
                return Poll::Ready(Ok(()));
            }
            if self.at.end.is_peer_gone() {
                return Poll::Ready(Ok(()));
            }
            let Some(room) = self.at.end.reader_waits_for() else {
                self.output.give_up();
                self.probe()?;
                let ended = !self.at.is_future && self.output.poll_ended(cx).is_ready();
                return if ended { Poll::Ready(Ok(())) } else { Poll::Pending };
            };
            match self.output.poll_take(room, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(self.finish()),
                Poll::Ready(Some(items)) if items.is_empty() => self.at.end.answer_probe(),
                Poll::Ready(Some(items)) => self.write(items)?,
            }
        }
    }
}

impl<T: ComponentType> Producer<T> {
    /// Writes nothing, if that is what an exploration wants.
    fn probe(&mut self) -> Result<()> {
        if !self.may_probe || self.at.is_future || self.at.end.is_busy() {
            return Ok(());
        }
        self.may_probe = false;
        if self.at.store.canonical().injects(Fault::ZeroLengthWrite) {
            self.write(Vec::new())?;
        }
        Ok(())
    }

    fn write(&self, items: Vec<T>) -> Result<()> {
        let End {
            end, payload, store, ..
        } = &self.at;
        let chunk = T::into_chunk(items, payload.as_ref(), store)?;
        end.start_write(store.canonical(), chunk)
            .map_err(|trap| anyhow!("{trap}"))
    }

    /// Takes back what the guest did not take. Says whether the stream has ended.
    fn settle(&mut self, copy: HostCopy) -> Result<bool> {
        let left = T::from_chunk(copy.chunk, self.at.payload.as_ref(), &self.at.store)?;
        self.output.put_back(left);
        Ok(copy.result == CopyResult::Dropped || (self.at.is_future && copy.count > 0))
    }

    /// The writer is gone, and the guest reads.
    fn finish(&self) -> Result<()> {
        if self.at.is_future {
            let payload = std::any::type_name::<T>();
            let detail = format!("the host dropped the writer of a future<{payload}> that the guest reads");
            self.at
                .store
                .canonical()
                .poison(Trap::new(Rule::FutureDropped).with(detail));
        }
        Ok(())
    }
}

/// Accepts a guest's writes.
struct Consumer<T> {
    input: Input<T>,
    at: End,
    /// How many items are being read.
    asked: usize,
    /// Whether the read in progress is to be withdrawn, and whether any may be: one between two reads that bring something.
    withdraws: bool,
    may_withdraw: bool,
}

impl<T: ComponentType> Pump for Consumer<T> {
    fn end(&self) -> &HostEnd {
        &self.at.end
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.at.waker.register(cx.waker());
        loop {
            if let Some(copy) = self.at.end.poll()
                && self.accept(copy)?
            {
                return Poll::Ready(Ok(()));
            }
            let wanted = match self.input.poll_demand(cx) {
                Poll::Ready(Demand::Gone) => return Poll::Ready(Ok(())),
                Poll::Ready(Demand::Items(wanted)) => Some(wanted),
                Poll::Pending => None,
            };
            if self.at.end.is_busy() {
                if wanted == Some(self.asked) && !self.withdraws {
                    return Poll::Pending;
                }
                self.withdraws = false;
                if let Some(copy) = self.at.end.cancel()
                    && self.accept(copy)?
                {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            match wanted {
                Some(wanted) => {
                    self.start(wanted)?;
                    if self.at.end.is_busy() && !self.at.end.has_outcome() {
                        self.withdraw_later(cx);
                        return Poll::Pending;
                    }
                }
                None if self.at.end.is_peer_gone() && !self.at.is_future => return Poll::Ready(Ok(())),
                None => return Poll::Pending,
            }
        }
    }
}

impl<T: ComponentType> Consumer<T> {
    /// Lets the read that was started be withdrawn, if that is what an exploration wants.
    fn withdraw_later(&mut self, cx: &Context<'_>) {
        self.withdraws = self.may_withdraw && self.at.store.canonical().injects(Fault::ReadWithdrawn);
        if self.withdraws {
            self.may_withdraw = false;
            cx.waker().wake_by_ref();
        }
    }

    fn start(&mut self, wanted: usize) -> Result<()> {
        let canonical = self.at.store.canonical();
        // What was asked for last was nothing, unless this is the first time or something has come since.
        let probes = self.asked != 0 && !self.at.is_future && canonical.injects(Fault::ZeroLengthRead);
        self.asked = if probes { 0 } else { wanted };
        let started = self.at.end.start_read(canonical, self.asked);
        started.map_err(|trap| anyhow!("{trap}"))
    }

    /// Passes on what was read. Says whether the stream has ended.
    fn accept(&mut self, copy: HostCopy) -> Result<bool> {
        let count = copy.count;
        if count > 0 {
            self.may_withdraw = true;
            self.input
                .put(T::from_chunk(copy.chunk, self.at.payload.as_ref(), &self.at.store)?);
        }
        Ok(copy.result == CopyResult::Dropped || (self.at.is_future && count > 0))
    }
}

/// Runs a producer or consumer within the store until it ends; an error poisons the store. When the guest begins to wait at
/// its end, it is polled on the spot.
fn run<P: Pump>(store: &NativeStore, mut pump: P) {
    let place = Rc::new(Cell::new(None));
    let (task_place, weak) = (place.clone(), store.downgrade());
    pump.end().on_peer(Rc::new(move |_| {
        if let Some((store, task)) = weak.upgrade().zip(task_place.get()) {
            store.tasks().poll(task);
        }
    }));
    // The task belongs to the store, so it must not keep it alive; the end in it holds what it needs.
    let failures = store.downgrade();
    let task = async move {
        if let Err(error) = poll_fn(|cx| pump.poll(cx)).await
            && let Some(store) = failures.upgrade()
        {
            store.fail(error, "a stream or future of the host");
        }
    };
    place.set(Some(store.spawn(task.boxed_local())));
}

macro_rules! guest_end {
    ($(#[$doc:meta])* $name:ident, $is_future:literal) => {
        $(#[$doc])*
        pub(crate) struct $name<T> {
            number: u64,
            cx: Cx,
            _payload: PhantomData<fn() -> T>,
        }

        impl<T: ComponentType> $name<T> {
            pub(crate) fn new(number: u64, cx: &Cx) -> Self {
                Self { number, cx: cx.clone(), _payload: PhantomData }
            }

            /// Lets the guest's writes flow into `input`, from when the store runs next.
            pub(crate) fn connect(self, input: Input<T>) {
                let number = self.number;
                self.cx.push(Job::Native(Box::new(move |store: &NativeStore| {
                    // The end is there: this handle was the only one.
                    let Ok(held) = store.take_end(number) else { return };
                    let Some(end) = HostEnd::reader(held.readable, held.payload.as_ref()) else { return };
                    let at = End::new(end, held.payload.as_ref(), $is_future, store);
                    run(store, Consumer { input, at, asked: usize::MAX, withdraws: false, may_withdraw: true });
                })));
            }

            /// Tells the guest, when the store runs next, that nobody reads.
            pub(crate) fn close(self) {
                let number = self.number;
                self.cx.push(Job::Native(Box::new(move |store: &NativeStore| drop(store.take_end(number)))));
            }
        }
    };
}
guest_end!(
    /// The reading end of a guest's stream, not read from yet.
    GuestStream, false
);
guest_end!(
    /// The reading end of a guest's future, not awaited yet.
    GuestFuture, true
);

/// Feeds a guest's reads from `output`.
fn produce<T: ComponentType>(output: Output<T>, at: End) {
    let store = at.store.clone();
    let may_probe = true;
    run(&store, Producer { output, at, may_probe });
}

/// The value of `reader` for a guest.
///
/// # Errors
/// When the reader came from this store and is not there any more.
pub(crate) fn stream_into_value<T: ComponentType>(
    reader: StreamReader<T>,
    payload: Option<&Type>,
    store: &NativeStore,
) -> Result<Value> {
    let output = match reader.into_source() {
        Source::Guest(AnyBackEndStream::Native(guest)) if guest.cx.same_store(store.cx()) => {
            return Ok(Value::Stream(store.take_end(guest.number)?.readable));
        }
        other => other.into_output(),
    };
    let (end, value) = HostEnd::stream(store.canonical(), payload);
    produce(output, End::new(end, payload, false, store));
    Ok(value)
}

/// The value of `reader` for a guest.
///
/// # Errors
/// As [`stream_into_value`].
pub(crate) fn future_into_value<T: ComponentType>(
    reader: FutureReader<T>,
    payload: Option<&Type>,
    store: &NativeStore,
) -> Result<Value> {
    let output = match reader.into_source() {
        Source::Guest(AnyBackEndFuture::Native(guest)) if guest.cx.same_store(store.cx()) => {
            return Ok(Value::Future(store.take_end(guest.number)?.readable));
        }
        other => other.into_output(),
    };
    let (end, value) = HostEnd::future(store.canonical(), payload);
    produce(output, End::new(end, payload, true, store));
    Ok(value)
}
