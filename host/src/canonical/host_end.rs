//! [`HostEnd`]: the host's end of a stream or future.
//!
//! The host starts one operation at a time and asks for its outcome with [`HostEnd::poll`]; until it asks, the operation
//! stays offered, and more elements may move. Whenever an outcome becomes available, the end calls the function it was given
//! with [`HostEnd::on_ready`], and also when the peer begins to wait or goes away; that function must not call into the store.

use super::buffer::Buffer;
use super::choose::Choice;
use super::copy::{CopyResult, Party, Shared};
use super::store::Store;
use super::trap::Result;
use super::ty::Type;
use super::value::{Chunk, Readable, Value};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// What became of an operation of the host.
#[derive(Debug)]
pub struct HostCopy {
    /// How it ended.
    pub result: CopyResult,
    /// How many elements moved.
    pub count: usize,
    /// The elements that were read, or those that were not taken.
    pub chunk: Chunk,
}

/// What answers a peer that begins to wait.
type Answer = Rc<dyn Fn(&Store)>;

struct Inner {
    shared: Rc<Shared>,
    readable: bool,
    payload: Option<Type>,
    buffer: RefCell<Option<Rc<Buffer>>>,
    outcome: Cell<Option<CopyResult>>,
    peer_gone: Cell<bool>,
    written: Cell<bool>,
    on_ready: RefCell<Option<Rc<dyn Fn()>>>,
    on_peer: RefCell<Option<Answer>>,
}

impl Inner {
    fn ready(&self) {
        let notify = self.on_ready.borrow().clone();
        if let Some(notify) = notify {
            notify();
        }
    }
}

impl Party for Inner {
    fn copied(&self) {
        if self.outcome.get().is_none() {
            self.outcome.set(Some(CopyResult::Completed));
        }
        self.ready();
    }

    fn done(&self, result: CopyResult) {
        self.outcome.set(Some(result));
        self.ready();
    }

    fn peer_dropped(&self) {
        self.peer_gone.set(true);
        self.ready();
    }

    fn peer_waits(&self, store: &Store) {
        let answer = self.on_peer.borrow().clone();
        match answer {
            Some(answer) if store.choose(Choice::HostPace, 2) == 0 => answer(store),
            _ => self.ready(),
        }
    }
}

/// An end of the host. Dropping it tells the peer.
pub struct HostEnd {
    inner: Rc<Inner>,
}

impl HostEnd {
    fn new(shared: Rc<Shared>, readable: bool, payload: Option<Type>) -> HostEnd {
        let inner = Rc::new(Inner {
            shared,
            readable,
            payload,
            buffer: RefCell::new(None),
            outcome: Cell::new(None),
            peer_gone: Cell::new(false),
            written: Cell::new(false),
            on_ready: RefCell::new(None),
            on_peer: RefCell::new(None),
        });
        let party: Rc<dyn Party> = inner.clone();
        let party: Weak<dyn Party> = Rc::downgrade(&party);
        inner.shared.attach(readable, party);
        HostEnd { inner }
    }

    /// A new stream: its writable end, and the readable end as a value to be passed on.
    pub fn stream(store: &Store, payload: Option<&Type>) -> (HostEnd, Value) {
        let shared = Shared::new(store, false, payload);
        (
            HostEnd::new(shared.clone(), false, payload.cloned()),
            Value::Stream(Readable::new(shared)),
        )
    }

    /// A new future: its writable end, and the readable end as a value to be passed on.
    pub fn future(store: &Store, payload: Option<&Type>) -> (HostEnd, Value) {
        let shared = Shared::new(store, true, payload);
        (
            HostEnd::new(shared.clone(), false, payload.cloned()),
            Value::Future(Readable::new(shared)),
        )
    }

    /// The readable end that came as a value of a type with this payload; none if it was passed on already.
    pub fn reader(readable: Readable, payload: Option<&Type>) -> Option<HostEnd> {
        Some(HostEnd::new(readable.into_shared()?, true, payload.cloned()))
    }

    /// The readable end as a value again. What is being read is withdrawn first; elements that had moved and were not asked
    /// for are given as well.
    pub fn into_value(self) -> (Value, Option<Chunk>) {
        let read = self.cancel().map(|copy| copy.chunk);
        let readable = Readable::new(self.inner.shared.clone());
        let is_future = self.inner.shared.is_future();
        // The end lives on in the value, so its drop must not tell the peer.
        std::mem::forget(self);
        (
            if is_future {
                Value::Future(readable)
            } else {
                Value::Stream(readable)
            },
            read,
        )
    }

    /// Calls `notify` whenever an outcome becomes available, and when the peer begins to wait or goes away.
    pub fn on_ready(&self, notify: Rc<dyn Fn()>) {
        self.inner.on_ready.replace(Some(notify));
    }

    /// Calls `answer` when the peer begins to wait. It may start an operation, which then happens at once, as far as the peer
    /// can tell. Whether it is called or only `notify` is the store's choice.
    pub fn on_peer(&self, answer: Rc<dyn Fn(&Store)>) {
        self.inner.on_peer.replace(Some(answer));
    }

    /// Whether an operation was started whose outcome was not taken.
    pub fn is_busy(&self) -> bool {
        self.inner.buffer.borrow().is_some()
    }

    /// Whether the peer is gone, as far as can be known without an operation.
    pub fn is_peer_gone(&self) -> bool {
        self.inner.peer_gone.get() || self.inner.shared.is_dropped()
    }

    /// Whether the outcome of the operation is there to be taken.
    pub fn has_outcome(&self) -> bool {
        self.inner.outcome.get().is_some()
    }

    /// How many elements a reader at the other end waits for, if one waits; 0 if it only wants to know whether there are
    /// any.
    pub fn reader_waits_for(&self) -> Option<usize> {
        self.inner.shared.reader_waits_for()
    }

    /// Tells a reader that only wants to know that there are elements.
    pub fn answer_probe(&self) {
        self.inner.shared.answer_probe();
    }

    /// Starts to read up to `max` elements; with `max` 0 only to learn whether a writer waits. An operation in progress is
    /// left as it is.
    ///
    /// # Errors
    /// A trap, which also poisons the store.
    pub fn start_read(&self, store: &Store, max: usize) -> Result<()> {
        let max = if self.inner.shared.is_future() {
            1
        } else {
            max.min(super::buffer::MAX_LENGTH)
        };
        let buffer = Buffer::for_host(self.inner.payload.as_ref(), max);
        self.start(store, buffer)
    }

    /// Starts to write. An operation in progress is left as it is.
    ///
    /// # Errors
    /// A trap, which also poisons the store.
    pub fn start_write(&self, store: &Store, elements: Chunk) -> Result<()> {
        self.inner.written.set(true);
        self.start(store, Buffer::of_host(elements))
    }

    fn start(&self, store: &Store, buffer: Buffer) -> Result<()> {
        if self.is_busy() {
            return Ok(());
        }
        let buffer = Rc::new(buffer);
        self.inner.buffer.replace(Some(buffer.clone()));
        let started = self.inner.shared.copy(store, self.inner.clone(), buffer, None);
        started.inspect_err(|trap| store.poison(trap.clone()))
    }

    /// Takes the outcome of the operation, if there is one. What was offered is then withdrawn.
    pub fn poll(&self) -> Option<HostCopy> {
        let result = self.inner.outcome.take()?;
        if result == CopyResult::Completed {
            // Something moved while the buffer stays offered; whoever is at the other end may have taken our place.
            self.withdraw();
        }
        Some(self.outcome(result))
    }

    fn withdraw(&self) {
        let mine = self.inner.buffer.borrow().clone();
        if let Some(mine) = mine {
            self.inner.shared.reclaim_if(&mine);
        }
    }

    fn outcome(&self, result: CopyResult) -> HostCopy {
        let buffer = self.inner.buffer.take();
        let count = buffer.as_ref().map_or(0, |buffer| buffer.progress());
        let chunk = buffer.and_then(|buffer| buffer.take_chunk());
        HostCopy {
            result,
            count,
            chunk: chunk.unwrap_or(Chunk::Units(0)),
        }
    }

    /// Withdraws the operation in progress, and gives its outcome, which may be that it was done already.
    pub fn cancel(&self) -> Option<HostCopy> {
        if let Some(copy) = self.poll() {
            return Some(copy);
        }
        if !self.is_busy() {
            return None;
        }
        self.withdraw();
        Some(self.outcome(CopyResult::Cancelled))
    }
}

impl Drop for HostEnd {
    fn drop(&mut self) {
        let inner = &self.inner;
        let unwritten = inner.shared.is_future() && !inner.readable && !inner.written.get();
        if unwritten {
            inner.shared.break_off();
        }
        self.withdraw();
        inner.shared.drop_end();
    }
}
