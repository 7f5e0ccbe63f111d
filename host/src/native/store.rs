//! [`NativeStore`]: the instances of native guests, the futures that run beside them, and the loop that lets both run.
//!
//! The loop does what was asked for, and lets one after the other take a step, as `beat` says. When there is nothing to do, the
//! store waits; what it waits for then is either announced as coming from outside, or never comes.

use super::apart::stacks_apart;
use super::beat::{Beat, Meanwhile, Step};
use super::fiber::Backend;
use super::guest::Guest;
use super::handle::StoreHandle;
use super::held::Held;
use super::program::Program;
use super::stacks::NativeStacks;
use super::tasks::{Alarm, TaskId, Tasks};
use crate::backend::Job as AnyJob;
use crate::canonical::{self, Choice, Fault, ResourceType, Rule};
use crate::cx::Cx;
use crate::engine::{NativeOptions, ThreadLocals};
use crate::error::{Deadlock, Error, Leak, Result, Trap};
use crate::explore::{self, Run};
use crate::idle;
use futures::future::LocalBoxFuture;
use futures::task::waker_ref;
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

/// Something to be done with the store when it runs next.
pub(crate) type Job = Box<dyn FnOnce(&NativeStore) + Send>;

/// An exported function of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Func(usize);

/// A resource type that an instance exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResourceTypeId(usize);

/// Native guests and what they share. Clones are handles on one store.
#[derive(Clone)]
pub struct NativeStore(Rc<Inner>);

struct Inner {
    canonical: canonical::Store,
    run: Option<Rc<Run>>,
    beat: Beat,
    cx: Cx,
    tasks: Tasks,
    held: Held,
    guests: RefCell<Vec<Rc<Guest>>>,
    funcs: RefCell<Vec<canonical::Func>>,
    /// The calls that have not returned.
    calls: RefCell<BTreeMap<u64, Rc<canonical::Invocation>>>,
    resource_types: RefCell<Vec<Rc<ResourceType>>>,
    /// What waits for calls that a trap ended before they began.
    stranded: RefCell<Vec<Box<dyn Any>>>,
    /// The error of a host function, which ends the store.
    failure: RefCell<Option<Error>>,
}

/// A handle that does not keep the store.
pub(crate) struct WeakStore(Weak<Inner>);

impl WeakStore {
    pub(crate) fn upgrade(&self) -> Option<NativeStore> {
        self.0.upgrade().map(NativeStore)
    }
}

impl NativeStore {
    pub(crate) fn new(options: &NativeOptions, cx: &Cx) -> Self {
        let stacks: Rc<dyn canonical::Stacks> = match options.thread_locals {
            ThreadLocals::PerStore => Rc::new(NativeStacks::new(Backend::default_for_target())),
            ThreadLocals::PerInstance => stacks_apart(),
        };
        let run = explore::current();
        let canonical = match &run {
            None => canonical::Store::new(options.profile, stacks, Box::new(canonical::Canonical)),
            Some(run) => canonical::Store::new(run.profile(options.profile), stacks, run.chooser()),
        };
        let store = Self(Rc::new(Inner {
            canonical,
            run,
            beat: Beat::default(),
            cx: cx.clone(),
            tasks: Tasks::default(),
            held: Held::default(),
            guests: RefCell::default(),
            funcs: RefCell::default(),
            calls: RefCell::default(),
            resource_types: RefCell::default(),
            stranded: RefCell::default(),
            failure: RefCell::new(None),
        }));
        if let Some(run) = store.run() {
            store.canonical().set_observer(run.observer());
            store
                .canonical()
                .set_bystander(Some(Rc::new(Meanwhile(store.downgrade()))));
        }
        store
    }

    /// Notes that an instance of `program` was made. In an exploration, something else in it may have handles already.
    pub(crate) fn note_instance(&self, program: &Program, instance: &canonical::Instance) {
        if let Some(run) = self.run() {
            run.instantiated(program.digest);
            let crowd = [0, 60, 1000][run.choose(Choice::Fault(Fault::TableCrowded), 3)];
            instance.crowd(crowd);
        }
    }

    /// The exploration that the store was made in.
    pub(crate) fn run(&self) -> Option<&Rc<Run>> {
        self.0.run.as_ref()
    }

    pub(crate) fn beat(&self) -> &Beat {
        &self.0.beat
    }

    pub(crate) fn cx(&self) -> &Cx {
        &self.0.cx
    }

    pub(crate) fn canonical(&self) -> &canonical::Store {
        &self.0.canonical
    }

    pub(crate) fn held(&self) -> &Held {
        &self.0.held
    }

    pub(crate) fn downgrade(&self) -> WeakStore {
        WeakStore(Rc::downgrade(&self.0))
    }

    /// Keeps an instance for as long as the store lives.
    pub(crate) fn keep_guest(&self, guest: Rc<Guest>) {
        self.0.guests.borrow_mut().push(guest);
    }

    /// Keeps an exported function.
    pub(crate) fn keep_func(&self, func: canonical::Func) -> Func {
        let mut funcs = self.0.funcs.borrow_mut();
        funcs.push(func);
        Func(funcs.len() - 1)
    }

    /// Keeps a call that has not returned.
    pub(crate) fn keep_call(&self, number: u64, call: canonical::Invocation) {
        self.0.calls.borrow_mut().insert(number, Rc::new(call));
    }

    /// Forgets a call that has returned.
    pub(crate) fn forget_call(&self, number: u64) {
        self.0.calls.borrow_mut().remove(&number);
    }

    /// Asks the callee of a call to give up, unless it has returned.
    pub(crate) fn cancel_call(&self, number: u64) {
        let call = self.0.calls.borrow().get(&number).cloned();
        if let Some(call) = call {
            // A trap has poisoned the store, which reports it.
            let _ = call.cancel(self.canonical());
        }
    }

    /// An exported function that was kept.
    pub(crate) fn func(&self, func: Func) -> Option<canonical::Func> {
        self.0.funcs.borrow().get(func.0).cloned()
    }

    /// Keeps a resource type that is exported.
    pub(crate) fn keep_resource_type(&self, ty: Rc<ResourceType>) -> ResourceTypeId {
        let mut types = self.0.resource_types.borrow_mut();
        types.push(ty);
        ResourceTypeId(types.len() - 1)
    }

    /// A resource type that was kept.
    pub(crate) fn resource_type(&self, id: ResourceTypeId) -> Rc<ResourceType> {
        self.0.resource_types.borrow()[id.0].clone()
    }

    /// Runs a future beside the guests.
    pub(crate) fn spawn(&self, future: LocalBoxFuture<'static, ()>) -> TaskId {
        self.0.tasks.spawn(&self.0.cx, future)
    }

    /// Keeps what waits for a call that a trap ended, until the trap is reported with the names of the calls.
    pub(crate) fn strand(&self, waiting: impl Any) {
        self.0.stranded.borrow_mut().push(Box::new(waiting));
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Ends the store because of an error of the host, in `place`.
    pub(crate) fn fail(&self, error: Error, place: &str) -> Box<canonical::Trap> {
        if let Some(trap) = self.0.canonical.trapped() {
            // Whatever failed after it did so because of it.
            return trap;
        }
        let trap = canonical::Trap::new(Rule::HostFailed).with(format!("{place}: {error:#}"));
        self.0.failure.borrow_mut().get_or_insert(error);
        self.0.canonical.poison(trap.clone());
        trap
    }

    /// Does what was asked for since the store ran last, and says whether that was anything.
    ///
    /// # Errors
    /// The trap that has ended the store, by this or before.
    pub(crate) fn run_jobs(&self) -> Result<bool> {
        let mut any = false;
        while let Some(job) = self.0.cx.pop() {
            any = true;
            match job {
                AnyJob::Spawn(future) => drop(self.spawn(future)),
                AnyJob::Native(job) => job(self),
                #[cfg(feature = "wasmtime")]
                AnyJob::Wasmtime(_) => unreachable!("what leaves such jobs holds a handle on a store of Wasmtime's"),
            }
        }
        match self.0.canonical.trapped() {
            None => Ok(any),
            Some(trap) => Err(self.trapped(&trap)),
        }
    }

    /// The error for a trap of the store, which may be that of a host function.
    pub(crate) fn trapped(&self, trap: &canonical::Trap) -> Error {
        if let Some(run) = self.run() {
            run.trapped(self.canonical(), trap);
        }
        let calls = self.0.cx.end_calls();
        self.0.stranded.take();
        match (self.0.failure.take(), calls.as_slice()) {
            (None, _) => {
                let reason = trap.to_string();
                Error::new(Trap { calls, reason })
            }
            (Some(error), []) => error,
            (Some(error), calls) => error.context(format!("while `{}` was running", calls.join("`, `"))),
        }
    }

    fn deadlock(&self) -> Deadlock {
        if let Some(run) = self.run() {
            run.take_picture(self.canonical());
        }
        let report = self.0.canonical.report();
        let waiting = report.tasks.into_iter().map(|task| {
            let things = if task.waits_for.is_empty() {
                "nothing that is known".to_owned()
            } else {
                task.waits_for.join(" and ")
            };
            format!("{} of instance `{}` waits for {things}", task.task, task.instance)
        });
        Deadlock {
            waiting: waiting.collect(),
            ..self.0.cx.deadlock()
        }
    }

    /// What guests have not given back: handles and, as far as that is known, memory. Ends the store.
    fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        for instance in self.0.canonical.instances() {
            let handles = instance.live_handles().into_iter();
            leaks.extend(handles.map(|(index, kind)| format!("{}: handle {index}, {kind}", instance.name())));
        }
        leaks.extend(self.dispose());
        leaks
    }

    /// Ends the store: nothing in it runs any more, and everything in it is let go of. Gives the blocks of memory that are
    /// left, as far as that is known.
    pub(crate) fn dispose(&self) -> Vec<String> {
        let checking = self.run().filter(|run| explore::check_end(self, run));
        self.0.tasks.clear();
        self.0.held.clear();
        self.0.funcs.take();
        self.0.calls.take();
        self.0.resource_types.take();
        self.0.canonical.dispose();
        let blocks = Guest::end(self.0.guests.take());
        if let Some(run) = checking {
            explore::check_memory(&blocks, run);
        }
        blocks
    }
}

impl StoreHandle {
    pub(crate) async fn run_concurrent<R>(&self, body: impl AsyncFnOnce(Cx) -> Result<R>) -> Result<R> {
        let store = self.get()?;
        let cx = store.cx().clone();
        let mut body = pin!(body(cx.clone()));
        let alarm = Alarm::new(&cx);
        let running = poll_fn(|task| {
            cx.register_driver(task.waker());
            loop {
                match store.step(Some(&alarm)) {
                    Ok(Step::Taken) => {}
                    Ok(Step::Driver) => {
                        alarm.take();
                        if let Poll::Ready(output) = body.as_mut().poll(&mut Context::from_waker(&waker_ref(&alarm))) {
                            return Poll::Ready(output.and_then(|output| store.run_jobs().map(|_| output)));
                        }
                    }
                    Ok(Step::Nothing) => return Poll::Pending,
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        });
        idle::or_deadlock(&cx, running, || store.deadlock()).await?
    }

    pub(crate) async fn finish_tasks(&self) -> Result<()> {
        let store = self.get()?;
        let cx = store.cx().clone();
        let running = poll_fn(|task| {
            cx.register_driver(task.waker());
            loop {
                match store.step(None) {
                    Ok(Step::Taken | Step::Driver) => {}
                    Ok(Step::Nothing) if store.canonical().has_tasks() => return Poll::Pending,
                    Ok(Step::Nothing) => return Poll::Ready(Ok(())),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        });
        idle::or_deadlock(&cx, running, || store.deadlock()).await?
    }

    pub(crate) async fn finish(&self) -> Result<()> {
        self.finish_tasks().await?;
        let leaks = self.get()?.leaks();
        if leaks.is_empty() {
            Ok(())
        } else {
            Err(Leak { leaks }.into())
        }
    }

    pub(crate) async fn drop_resource(&self, resource: super::ResourceHandle) -> Result<()> {
        let store = self.get()?;
        store.drop_resource(&resource)?;
        self.run_concurrent(async |_| Ok(())).await
    }
}

impl std::fmt::Debug for NativeStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeStore").finish_non_exhaustive()
    }
}
