//! Waitables, what happened to them, and the sets they are waited for in.
//!
//! A waitable is a subtask or the end of a stream or future. It is in at most one set and has at most one event that was not
//! delivered; what the event says is decided when it is delivered. Delivering an event leaves the waitable in its set.

use super::choose::Actor;
use super::copy::{CopyEnd, CopyResult};
use super::schedule::{ActorKind, actor};
use super::store::Store;
use super::subtask::Subtask;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// An event as core code gets it: the code and two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is about.
    pub code: EventCode,
    /// The handle.
    pub p1: u32,
    /// The state of the subtask, or the packed result of the copy.
    pub p2: u32,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the codes under their own names")]
pub enum EventCode {
    None = 0,
    Subtask = 1,
    StreamRead = 2,
    StreamWrite = 3,
    FutureRead = 4,
    FutureWrite = 5,
    TaskCancelled = 6,
}

impl Event {
    pub(crate) const NONE: Event = Event {
        code: EventCode::None,
        p1: 0,
        p2: 0,
    };
    pub(crate) const CANCELLED: Event = Event {
        code: EventCode::TaskCancelled,
        p1: 0,
        p2: 0,
    };
}

/// An event that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// The state of the subtask changed.
    Progress,
    /// A copy got somewhere. With `reclaim`, the buffer is still offered to the peer until the event is delivered.
    Copy { result: CopyResult, reclaim: bool },
}

/// What a subtask and an end have in common.
pub(crate) struct Waitable {
    /// The order of creation.
    id: u64,
    pending: Cell<Option<Pending>>,
    set: RefCell<Option<Rc<WaitableSet>>>,
    /// Whether a synchronous operation waits for its event.
    pub(crate) sync_waiter: Cell<bool>,
}

impl Waitable {
    pub(crate) fn new(id: u64) -> Waitable {
        Waitable {
            id,
            pending: Cell::new(None),
            set: RefCell::new(None),
            sync_waiter: Cell::new(false),
        }
    }

    pub(crate) fn set_pending(&self, pending: Pending) {
        self.pending.set(Some(pending));
    }

    pub(crate) fn take_pending(&self) -> Option<Pending> {
        self.pending.take()
    }

    pub(crate) fn has_event(&self) -> bool {
        self.pending.get().is_some()
    }

    pub(crate) fn is_in_set(&self) -> bool {
        self.set.borrow().is_some()
    }
}

/// A waitable by what it is.
#[derive(Clone)]
pub(crate) enum Member {
    Subtask(Rc<Subtask>),
    End(Rc<CopyEnd>),
}

impl Member {
    pub(crate) fn waitable(&self) -> &Waitable {
        match self {
            Member::Subtask(subtask) => &subtask.waitable,
            Member::End(end) => &end.waitable,
        }
    }

    /// Its number among all actors, for choosers.
    pub(crate) fn actor(&self) -> Actor {
        actor(ActorKind::Waitable, self.waitable().id)
    }

    /// Moves the waitable into `set`, or out of any.
    pub(crate) fn join(&self, set: Option<&Rc<WaitableSet>>) {
        let waitable = self.waitable();
        if let Some(old) = waitable.set.replace(set.cloned()) {
            old.members
                .borrow_mut()
                .retain(|member| member.waitable().id != waitable.id);
        }
        if let Some(set) = set {
            set.members.borrow_mut().push(self.clone());
        }
    }

    /// Takes the event that is pending, as it is now.
    pub(crate) fn deliver(&self, store: &Store) -> Event {
        match self {
            Member::Subtask(subtask) => subtask.deliver(store),
            Member::End(end) => end.deliver(),
        }
    }

    /// The place in the order in which Wasmtime reports events: calls of the host, calls of guests, ends, each by age.
    fn rank(&self) -> (u8, u64) {
        let kind = match self {
            Member::Subtask(subtask) if subtask.is_of_host() => 0,
            Member::Subtask(_) => 1,
            Member::End(_) => 2,
        };
        (kind, self.waitable().id)
    }
}

/// A set of waitables.
pub(crate) struct WaitableSet {
    /// Its handle.
    pub(crate) index: Cell<u32>,
    members: RefCell<Vec<Member>>,
    /// How many tasks wait for it.
    pub(crate) waiting: Cell<usize>,
}

impl WaitableSet {
    pub(crate) fn new() -> Rc<WaitableSet> {
        Rc::new(WaitableSet {
            index: Cell::new(0),
            members: RefCell::default(),
            waiting: Cell::new(0),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.borrow().is_empty()
    }

    pub(crate) fn has_event(&self) -> bool {
        self.members.borrow().iter().any(|member| member.waitable().has_event())
    }

    /// The members with an event, in Wasmtime's order.
    pub(crate) fn ready(&self) -> Vec<Member> {
        let members = self.members.borrow();
        let mut ready: Vec<_> = members
            .iter()
            .filter(|member| member.waitable().has_event())
            .cloned()
            .collect();
        ready.sort_by_key(Member::rank);
        ready
    }

    /// All members, for reports.
    pub(crate) fn members(&self) -> Vec<Member> {
        self.members.borrow().clone()
    }
}
