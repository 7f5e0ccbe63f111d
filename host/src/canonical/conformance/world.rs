//! The world of a test: a guest, a peer, and a host that answers when the test says so.

use super::guest::{Guest, func};
use crate::canonical::{
    Canonical, Choose, Func, HostCall, HostEnd, Invocation, Profile, ResourceType, Result, Store, Type, Value,
    host_func, invoke,
};
use crate::native::{Backend, NativeStacks};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// Something the host does when nothing else can go on.
type Later = Box<dyn FnOnce(&World) -> Result<()>>;

/// Two instances and what the host does for them.
pub(super) struct World {
    pub(super) store: Store,
    pub(super) guest: Rc<Guest>,
    pub(super) peer: Rc<Guest>,
    /// `host: async func(x: u32) -> u32`, whose calls wait in `calls`.
    pub(super) host: Func,
    /// `plain-host: func(x: u32) -> u32`, likewise.
    pub(super) plain_host: Func,
    /// The calls of host functions that were not answered.
    pub(super) calls: RefCell<Vec<HostCall>>,
    /// Ends of streams and futures that the host holds.
    pub(super) ends: RefCell<Vec<HostEnd>>,
    /// The resources of the host that were dropped.
    pub(super) dropped: RefCell<Vec<u32>>,
    later: RefCell<VecDeque<Later>>,
}

/// A call of an export by the host.
#[derive(Clone)]
pub(super) struct Call {
    outcome: Rc<RefCell<Option<Option<Option<Value>>>>>,
    invocation: Rc<RefCell<Option<Invocation>>>,
}

impl Call {
    pub(super) fn is_resolved(&self) -> bool {
        self.outcome.borrow().is_some()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        matches!(&*self.outcome.borrow(), Some(None))
    }

    /// The result, if it is there.
    pub(super) fn take(&self) -> Option<Value> {
        self.outcome.take().flatten().flatten()
    }

    pub(super) fn word(&self) -> Option<u32> {
        match &*self.outcome.borrow() {
            Some(Some(Some(Value::U32(word)))) => Some(*word),
            _ => None,
        }
    }

    pub(super) fn cancel(&self, store: &Store) -> Result<()> {
        let invocation = self.invocation.take();
        invocation.map_or(Ok(()), |invocation| invocation.cancel(store))
    }
}

impl World {
    pub(super) fn new(profile: Profile) -> Rc<World> {
        World::with_chooser(profile, Box::new(Canonical))
    }

    pub(super) fn with_chooser(profile: Profile, chooser: Box<dyn Choose>) -> Rc<World> {
        let stacks = Rc::new(NativeStacks::new(Backend::default_for_target()));
        let store = Store::new(profile, stacks, chooser);
        Rc::new_cyclic(|world| {
            let keep = |name: &str, is_async| {
                let world = world.clone();
                let body = move |_: &Store, call: HostCall, _: Vec<Value>| {
                    if let Some(world) = std::rc::Weak::<World>::upgrade(&world) {
                        world.calls.borrow_mut().push(call);
                    }
                    Ok(())
                };
                host_func(name, func(is_async, &[Type::U32], Some(Type::U32)), Rc::new(body))
            };
            World {
                guest: Guest::new(&store, "guest", world),
                peer: Guest::new(&store, "peer", world),
                host: keep("host", true),
                plain_host: keep("plain-host", false),
                calls: RefCell::default(),
                ends: RefCell::default(),
                dropped: RefCell::default(),
                later: RefCell::default(),
                store,
            }
        })
    }

    /// A resource type of the host; what is dropped goes to `dropped`.
    pub(super) fn host_resource(self: &Rc<World>) -> Rc<ResourceType> {
        let world = Rc::downgrade(self);
        let dropped = move |rep| {
            if let Some(world) = world.upgrade() {
                world.dropped.borrow_mut().push(rep);
            }
        };
        ResourceType::of_host("r", Rc::new(dropped))
    }

    /// Lets the host do something once nothing else can go on.
    pub(super) fn later(&self, action: impl FnOnce(&World) -> Result<()> + 'static) {
        self.later.borrow_mut().push_back(Box::new(action));
    }

    /// Calls an export from the host.
    pub(super) fn invoke(&self, func: &Func, params: Vec<Value>) -> Result<Call> {
        let call = Call {
            outcome: Rc::default(),
            invocation: Rc::default(),
        };
        let outcome = call.outcome.clone();
        let done = move |_: &Store, result: Option<Option<Value>>| {
            outcome.replace(Some(result));
        };
        let invocation = invoke(&self.store, func, params, Box::new(done))?;
        call.invocation.replace(Some(invocation));
        Ok(call)
    }

    /// Runs until nothing is left to be done.
    pub(super) fn run(&self) -> Result<()> {
        loop {
            if self.store.tick()? {
                continue;
            }
            let Some(action) = self.later.borrow_mut().pop_front() else {
                return Ok(());
            };
            action(self)?;
        }
    }

    /// Answers the oldest call of a host function.
    pub(super) fn answer(&self, word: u32) -> Result<()> {
        let call = self.calls.borrow_mut().remove(0);
        call.resolve(&self.store, Some(Value::U32(word)))
    }

    /// Tells the guest that the oldest call of a host function was cancelled.
    pub(super) fn confirm_cancel(&self) -> Result<()> {
        let call = self.calls.borrow_mut().remove(0);
        call.cancelled(&self.store)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.calls.take();
        self.ends.take();
        self.later.take();
        self.store.dispose();
    }
}

/// Answers from a list, then always 0.
pub(super) struct Scripted(pub(super) Vec<(crate::canonical::Choice, usize)>, Cell<usize>);

impl Scripted {
    /// For each kind of choice, what to answer the next times.
    pub(super) fn new(answers: Vec<(crate::canonical::Choice, usize)>) -> Box<Scripted> {
        Box::new(Scripted(answers, Cell::new(0)))
    }
}

impl Choose for Scripted {
    fn choose(&mut self, kind: crate::canonical::Choice, _: usize) -> usize {
        self.1.set(self.1.get() + 1);
        let found = self.0.iter().position(|(wanted, _)| *wanted == kind);
        found.map_or(0, |place| self.0.remove(place).1)
    }
}
