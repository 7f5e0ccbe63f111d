//! Streams and futures: what the two ends share, and the ends themselves. Sections "Stream State" and "Future State".
//!
//! At most one side waits at a time: its buffer is *pending* until the other side comes. Then elements move, as many as both
//! have room for, and:
//!
//! * the side that came is done;
//! * the side that waited has an event, and its buffer stays pending until the event is delivered, so that more can move.
//!   Once a further operation finds it full, the event is final.
//!
//! An end is *idle*, *copying*, *cancelling* or *done*. It leaves *copying* when the event is delivered, not before.
//!
//! Buffers of length zero move nothing and ask whether the other side is there. Of two such, the write is done first.

use super::buffer::Buffer;
use super::choose::Choice;
use super::end_kind::EndKind;
use super::instance::Instance;
use super::observe::Step;
use super::profile::RacyCancel;
use super::store::Store;
use super::trap::{Result, Rule, Trap};
use super::ty::Type;
use super::waitable::{Event, Member, Pending as Progress, Waitable};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// What an operation returns that is not done yet.
pub const BLOCKED: u32 = 0xffff_ffff;

/// How a copy ended, with the numbers core code gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the results under their own names")]
pub enum CopyResult {
    Completed = 0,
    Dropped = 1,
    Cancelled = 2,
}

/// The state of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyState {
    Idle,
    Copying,
    Cancelling,
    Done,
}

/// Whoever offers a buffer: an end in a table, or an end of the host.
pub(crate) trait Party {
    /// Something moved; the buffer is still offered.
    fn copied(&self);
    /// The operation is over.
    fn done(&self, result: CopyResult);
    /// The peer went away while nothing was offered.
    fn peer_dropped(&self);
    /// The peer offers a buffer and waits. An answer on the spot ends its wait before it began.
    fn peer_waits(&self, _: &Store) {}
    /// Whether it is an end of the host, which is told of more than an end in a table.
    fn is_host(&self) -> bool {
        self.handle().is_none()
    }
    /// The handle of an end in a table.
    fn handle(&self) -> Option<u32> {
        None
    }
}

/// A buffer that waits for the other side.
struct Pending {
    party: Rc<dyn Party>,
    buffer: Rc<Buffer>,
    /// The instance it is of; none for the host's.
    instance: Option<u32>,
}

/// What the two ends share.
pub(crate) struct Shared {
    store: Store,
    id: u64,
    is_future: bool,
    payload_is_number: bool,
    dropped: Cell<bool>,
    pending: RefCell<Option<Pending>>,
    /// The parties at the readable and the writable end, to be told of a dropped peer.
    readable: RefCell<Option<Weak<dyn Party>>>,
    writable: RefCell<Option<Weak<dyn Party>>>,
    tells_idle_ends: bool,
    /// Set when the host dropped the writable end of a future unwritten.
    broken: Cell<bool>,
}

impl Shared {
    pub(crate) fn new(store: &Store, is_future: bool, payload: Option<&Type>) -> Rc<Shared> {
        Rc::new(Shared {
            store: store.clone(),
            id: store.next_id(),
            is_future,
            payload_is_number: payload.is_none_or(Type::is_number),
            dropped: Cell::new(false),
            pending: RefCell::new(None),
            readable: RefCell::new(None),
            writable: RefCell::new(None),
            tells_idle_ends: store.profile().idle_dropped_event,
            broken: Cell::new(false),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn is_future(&self) -> bool {
        self.is_future
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.get()
    }

    /// Says who is at an end from now on.
    pub(crate) fn attach(&self, readable: bool, party: Weak<dyn Party>) {
        let place = if readable { &self.readable } else { &self.writable };
        place.replace(Some(party));
    }

    /// Notes that nobody will ever write, which is an error once somebody reads.
    pub(crate) fn break_off(&self) {
        self.broken.set(true);
        let reader = self
            .pending
            .borrow()
            .as_ref()
            .and_then(|pending| pending.party.handle());
        if let Some(handle) = reader {
            let instance = self.pending.borrow().as_ref().and_then(|pending| pending.instance);
            let mut trap = Trap::new(Rule::FutureDropped).about(handle).with("a read waits for it");
            trap.instance = instance.and_then(|instance| self.store.instance_name(instance));
            self.store.poison(trap);
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Takes back the buffer that was offered.
    pub(crate) fn reclaim(&self) {
        self.pending.replace(None);
    }

    /// Takes back `buffer`, if it is the one that is offered.
    pub(crate) fn reclaim_if(&self, buffer: &Rc<Buffer>) {
        let is_mine = |pending: &Pending| Rc::ptr_eq(&pending.buffer, buffer);
        if self.pending.borrow().as_ref().is_some_and(is_mine) {
            self.pending.replace(None);
        }
    }

    fn finish_pending(&self, result: CopyResult) {
        if let Some(pending) = self.pending.take() {
            pending.party.done(result);
        }
    }

    /// Withdraws the operation that waits.
    pub(crate) fn cancel(&self) {
        self.finish_pending(CopyResult::Cancelled);
    }

    /// One of the ends is gone.
    pub(crate) fn drop_end(&self) {
        if self.dropped.replace(true) {
            return;
        }
        if self.pending.borrow().is_some() {
            self.finish_pending(CopyResult::Dropped);
        } else {
            for place in [&self.readable, &self.writable] {
                let party = place.borrow().as_ref().and_then(Weak::upgrade);
                if let Some(party) = party.filter(|party| self.tells_idle_ends || party.is_host()) {
                    party.peer_dropped();
                }
            }
        }
    }

    /// How many elements a reader waits for, if one waits.
    pub(crate) fn reader_waits_for(&self) -> Option<usize> {
        let pending = self.pending.borrow();
        let buffer = &pending.as_ref()?.buffer;
        let is_waiting = buffer.remaining() > 0 || buffer.length() == 0;
        (buffer.is_readable_side() && is_waiting).then(|| buffer.remaining())
    }

    /// Ends the wait of a reader that asked for nothing.
    pub(crate) fn answer_probe(&self) {
        let asks = |pending: &Pending| pending.buffer.is_readable_side() && pending.buffer.length() == 0;
        if self.pending.borrow().as_ref().is_some_and(asks) {
            self.finish_pending(CopyResult::Completed);
        }
    }

    /// Keeps a buffer until the other side comes, and tells it.
    fn wait(&self, store: &Store, pending: Pending) {
        let place = if pending.buffer.is_readable_side() {
            &self.writable
        } else {
            &self.readable
        };
        let peer = place.borrow().as_ref().and_then(Weak::upgrade);
        self.pending.replace(Some(pending));
        if let Some(peer) = peer {
            peer.peer_waits(store);
        }
    }

    /// Offers `buffer`, for elements to be read into or written from.
    pub(crate) fn copy(
        &self,
        store: &Store,
        party: Rc<dyn Party>,
        buffer: Rc<Buffer>,
        instance: Option<u32>,
    ) -> Result<()> {
        if self.dropped.get() {
            if self.is_broken() {
                return Err(Trap::new(Rule::FutureDropped));
            }
            party.done(CopyResult::Dropped);
            return Ok(());
        }
        let met = self
            .pending
            .borrow()
            .as_ref()
            .map(|pending| (pending.party.clone(), pending.buffer.clone(), pending.instance));
        let Some((other, waiting, other_instance)) = met else {
            let pending = Pending {
                party,
                buffer,
                instance,
            };
            self.wait(store, pending);
            return Ok(());
        };
        let moves = waiting.remaining() > 0 && buffer.remaining() > 0;
        let same = instance.is_some() && instance == other_instance && !self.payload_is_number;
        if same && (moves || !store.profile().same_instance_when_moved) {
            return Err(Trap::new(Rule::SameInstance));
        }
        if self.is_future {
            self.move_elements(store, &waiting, &buffer, 1)?;
            self.finish_pending(CopyResult::Completed);
            party.done(CopyResult::Completed);
        } else if waiting.remaining() > 0 {
            if buffer.remaining() > 0 {
                let most = waiting.remaining().min(buffer.remaining());
                let hosted = instance.is_none() || other_instance.is_none();
                let count = if hosted { how_many(store, most) } else { most };
                self.move_elements(store, &waiting, &buffer, count)?;
                other.copied();
            }
            party.done(CopyResult::Completed);
        } else if !buffer.is_readable_side() && buffer.length() == 0 && waiting.length() == 0 {
            party.done(CopyResult::Completed);
        } else {
            self.finish_pending(CopyResult::Completed);
            let pending = Pending {
                party,
                buffer,
                instance,
            };
            self.wait(store, pending);
        }
        Ok(())
    }
}

impl Shared {
    /// Moves elements from whichever buffer is written from to the other.
    fn move_elements(&self, store: &Store, one: &Buffer, other: &Buffer, count: usize) -> Result<()> {
        let (to, from) = if one.is_readable_side() {
            (one, other)
        } else {
            (other, one)
        };
        let elements = from.drain(store, count)?;
        store.observe(|| Step::Moved {
            id: self.id,
            count,
            elements: &elements,
        });
        to.fill(store, elements)
    }
}

/// How many of `most` elements move, which is the host's choice where it is one of the parties.
fn how_many(store: &Store, most: usize) -> usize {
    match store.choose(Choice::CopyLength, most) {
        0 => most,
        fewer => fewer,
    }
}

/// An end of a stream or future, in a table.
pub(crate) struct CopyEnd {
    pub(crate) waitable: Waitable,
    me: Weak<CopyEnd>,
    kind: EndKind,
    payload: Option<Type>,
    shared: Rc<Shared>,
    state: Cell<CopyState>,
    index: Cell<u32>,
    buffer: RefCell<Option<Rc<Buffer>>>,
    racy_cancel: Cell<RacyCancel>,
}

impl Party for CopyEnd {
    fn copied(&self) {
        self.waitable.set_pending(Progress::Copy {
            result: CopyResult::Completed,
            reclaim: true,
        });
    }

    fn done(&self, result: CopyResult) {
        self.waitable.set_pending(Progress::Copy { result, reclaim: false });
    }

    fn handle(&self) -> Option<u32> {
        Some(self.index.get())
    }

    fn peer_dropped(&self) {
        // A reader of a future is never told: its writer cannot go away unwritten.
        if self.state.get() == CopyState::Idle && self.kind != EndKind::FutureReadable {
            self.done(CopyResult::Dropped);
        }
    }
}

impl CopyEnd {
    pub(crate) fn new(id: u64, kind: EndKind, shared: Rc<Shared>, payload: Option<Type>) -> Rc<CopyEnd> {
        let end = Rc::new_cyclic(|me: &Weak<CopyEnd>| CopyEnd {
            waitable: Waitable::new(id),
            me: me.clone(),
            kind,
            payload,
            shared,
            state: Cell::new(CopyState::Idle),
            index: Cell::new(0),
            buffer: RefCell::new(None),
            racy_cancel: Cell::new(RacyCancel::Completed),
        });
        let party: Weak<dyn Party> = end.me.clone();
        end.shared.attach(kind.is_readable(), party);
        end
    }

    pub(crate) fn kind(&self) -> EndKind {
        self.kind
    }

    pub(crate) fn payload(&self) -> Option<&Type> {
        self.payload.as_ref()
    }

    pub(crate) fn state(&self) -> CopyState {
        self.state.get()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state.get() == CopyState::Done
    }

    pub(crate) fn is_copying(&self) -> bool {
        matches!(self.state.get(), CopyState::Copying | CopyState::Cancelling)
    }

    pub(crate) fn set_index(&self, index: u32) {
        self.index.set(index);
    }

    pub(crate) fn index(&self) -> u32 {
        self.index.get()
    }

    /// The number of what the ends share, which both report.
    pub(crate) fn shared_id(&self) -> u64 {
        self.shared.id
    }

    pub(crate) fn shared(&self) -> Rc<Shared> {
        self.shared.clone()
    }

    /// Starts a copy. It may be done at once, which leaves an event.
    pub(crate) fn start(self: &Rc<Self>, store: &Store, instance: &Instance, buffer: Rc<Buffer>) -> Result<()> {
        self.waitable.take_pending();
        self.state.set(CopyState::Copying);
        self.buffer.replace(Some(buffer.clone()));
        self.shared.copy(store, self.clone(), buffer, Some(instance.id()))
    }

    /// Withdraws the copy in progress. If it got nowhere, that leaves an event.
    pub(crate) fn cancel(&self, store: &Store) {
        self.state.set(CopyState::Cancelling);
        self.racy_cancel.set(store.profile().racy_cancel);
        if !self.waitable.has_event() {
            self.shared.cancel();
        }
    }

    /// Takes the event that is pending, as core code gets it.
    pub(crate) fn deliver(&self) -> Event {
        let was_cancelled = self.state.get() == CopyState::Cancelling;
        let Some(Progress::Copy { result, reclaim }) = self.waitable.take_pending() else {
            return Event::NONE;
        };
        if reclaim {
            self.shared.reclaim();
        }
        let buffer = self.buffer.take();
        let progress = buffer.as_ref().map_or(0, |buffer| buffer.progress());
        let full = buffer.as_ref().is_none_or(|buffer| buffer.remaining() == 0);
        let result = if was_cancelled {
            self.after_cancel(result, full)
        } else {
            result
        };
        let profile = self.shared.store.profile();
        let ends = buffer.is_some() || profile.idle_event_ends || !profile.idle_dropped_event;
        let done = match result {
            CopyResult::Dropped => ends,
            CopyResult::Completed => self.kind.is_future(),
            CopyResult::Cancelled => false,
        };
        self.state.set(if done { CopyState::Done } else { CopyState::Idle });
        let count = if self.kind.is_future() { 0 } else { progress as u32 };
        Event {
            code: self.kind.event_code(),
            p1: self.index.get(),
            p2: result as u32 | count << 4,
        }
    }

    /// The code of a copy that was cancelled after it got somewhere.
    fn after_cancel(&self, result: CopyResult, full: bool) -> CopyResult {
        if result != CopyResult::Completed || self.kind.is_future() {
            return result;
        }
        match self.racy_cancel.get() {
            RacyCancel::Completed => result,
            RacyCancel::CancelledWhenPartial if full => result,
            RacyCancel::CancelledWhenPartial | RacyCancel::Cancelled => CopyResult::Cancelled,
        }
    }

    /// Checks whether the memory of the copy in progress was left alone, and releases it.
    pub(crate) fn return_buffer(&self) -> Result<()> {
        let buffer = self.buffer.borrow().clone();
        buffer.map_or(Ok(()), |buffer| buffer.return_lease())
    }

    /// Drops the end.
    pub(crate) fn close(&self, store: &Store, index: u32) -> Result<()> {
        if self.is_copying() {
            return Err(Trap::new(Rule::DropWhileCopying).about(index));
        }
        if self.kind == EndKind::FutureWritable && !self.takes_dropped_event(store) && !self.is_done() {
            return Err(Trap::new(Rule::FutureNotWritten).about(index));
        }
        if self.waitable.has_event() && !store.profile().idle_event_is_droppable {
            return Err(Trap::new(Rule::UndeliveredEvent).about(index));
        }
        self.shared.drop_end();
        if let Some(me) = self.me.upgrade() {
            Member::End(me).join(None);
        }
        Ok(())
    }

    /// Whether an idle writer of a future becomes done by the event that its reader is gone.
    fn takes_dropped_event(&self, store: &Store) -> bool {
        store.profile().idle_event_ends && self.waitable.has_event()
    }
}
