//! [`Store`]: the instances that share a scheduler, and the scheduler.
//!
//! Everything happens on one thread of control. Guest code runs on stacks, nested where one instance calls another; when it
//! blocks, its stack is suspended and control returns to whoever started or resumed it, in the end to [`Store::tick`]. Which
//! of the tasks that can go on does so next is a choice.
//!
//! The first trap *poisons* the store. From then on nothing in it runs: stacks are given up where they stand, and every
//! operation fails with that trap.
//!
//! A plain function of the host that does not return at once holds up the whole store: the thread that called it is put on
//! the stack of *blockers*, and only the topmost of these may go on.

use super::choose::{Actor, Choice, Choose};
use super::fault::Fault;
use super::host_call::Delayed;
use super::instance::Instance;
use super::memory::CoreVal;
use super::observe::{Observer, Step};
use super::profile::Profile;
use super::resource::{Implementor, ResourceType};
use super::task::{self, Task};
use super::thread::{Condition, Parked, Stacks, Thread};
use super::trap::{Result, Rule, Trap, trap};
use super::waitable::{Event, Member, WaitableSet};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// Whoever has things to do beside core code, and may do them at any time: the host's futures.
pub trait Bystander {
    /// How many things it could do now.
    fn ready(&self) -> usize;
    /// Does one of them. It may resolve calls and copy, but not run tasks.
    fn act(&self, index: usize);
    /// Core code calls something.
    ///
    /// # Errors
    /// When it has done so too often.
    fn called(&self) -> Result<()>;
}

/// Instances and their scheduler. Clones are handles on the same store.
#[derive(Clone)]
pub struct Store(Rc<Inner>);

struct Inner {
    profile: Profile,
    stacks: Rc<dyn Stacks>,
    chooser: RefCell<Box<dyn Choose>>,
    observer: RefCell<Option<Rc<dyn Observer>>>,
    bystander: RefCell<Option<Rc<dyn Bystander>>>,
    ids: Cell<u64>,
    tasks: Cell<u64>,
    instances: RefCell<Vec<Rc<Instance>>>,
    waiting: RefCell<Vec<Rc<Thread>>>,
    blockers: RefCell<Vec<Rc<Thread>>>,
    current: RefCell<Option<Rc<Thread>>>,
    trap: RefCell<Option<Box<Trap>>>,
    /// Resources whose owner went away on the way from one table to another.
    orphans: RefCell<VecDeque<(Rc<ResourceType>, u32)>>,
    /// Calls of host functions that have not taken their parameters.
    delayed: RefCell<VecDeque<Delayed>>,
}

impl Store {
    /// A store without instances.
    pub fn new(profile: Profile, stacks: Rc<dyn Stacks>, chooser: Box<dyn Choose>) -> Store {
        Store(Rc::new(Inner {
            profile,
            stacks,
            chooser: RefCell::new(chooser),
            observer: RefCell::new(None),
            bystander: RefCell::new(None),
            ids: Cell::new(0),
            tasks: Cell::new(0),
            instances: RefCell::default(),
            waiting: RefCell::default(),
            blockers: RefCell::default(),
            current: RefCell::new(None),
            trap: RefCell::new(None),
            orphans: RefCell::default(),
            delayed: RefCell::default(),
        }))
    }

    /// Adds an instance without core code.
    pub fn new_instance(&self, name: &str) -> Rc<Instance> {
        let mut instances = self.0.instances.borrow_mut();
        let instance = Instance::new(instances.len() as u32, name);
        instances.push(instance.clone());
        instance
    }

    /// All instances, in the order they were made.
    pub fn instances(&self) -> Vec<Rc<Instance>> {
        self.0.instances.borrow().clone()
    }

    pub(crate) fn instance_name(&self, id: u32) -> Option<Rc<str>> {
        self.0
            .instances
            .borrow()
            .get(id as usize)
            .map(|instance| instance.name().clone())
    }

    /// The reading of the specification this store follows.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// Lets `observer` see every step from now on.
    pub fn set_observer(&self, observer: Option<Rc<dyn Observer>>) {
        self.0.observer.replace(observer);
    }

    pub(crate) fn observe<'a>(&self, step: impl FnOnce() -> Step<'a>) {
        let observer = self.0.observer.borrow().clone();
        if let Some(observer) = observer {
            observer.step(&step());
        }
    }

    pub(crate) fn observe_event(&self, task: &Task, event: Event) {
        self.observe(|| Step::Callback {
            instance: task.instance_name(),
            task: task.describe(),
            event,
        });
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.0.ids.set(self.0.ids.get() + 1);
        self.0.ids.get()
    }

    pub(crate) fn next_task(&self) -> u64 {
        self.0.tasks.set(self.0.tasks.get() + 1);
        self.0.tasks.get()
    }

    /// A number below `n`, which may be 1 or 0; then there is no choice.
    pub fn choose(&self, kind: Choice, n: usize) -> usize {
        if n < 2 {
            return 0;
        }
        let answer = self.0.chooser.borrow_mut().choose(kind, n);
        self.chosen(kind, n, answer)
    }

    /// The place of one of `actors`; without a choice, the first.
    pub(crate) fn choose_actor(&self, kind: Choice, actors: impl ExactSizeIterator<Item = Actor>) -> usize {
        let n = actors.len();
        if n < 2 {
            return 0;
        }
        let actors: Vec<Actor> = actors.collect();
        let answer = self.0.chooser.borrow_mut().choose_actor(kind, &actors);
        self.chosen(kind, n, answer)
    }

    fn chosen(&self, kind: Choice, n: usize, answer: usize) -> usize {
        let answer = if answer < n { answer } else { 0 };
        if let Some(fault) = Fault::of(kind, n, answer) {
            self.happened(fault);
        }
        self.observe(|| Step::Choice { kind, n, answer });
        answer
    }

    /// Notes something unusual.
    pub(crate) fn happened(&self, fault: Fault) {
        self.0.chooser.borrow_mut().happened(fault);
    }

    /// Whether the host does something unusual.
    pub fn injects(&self, fault: Fault) -> bool {
        self.choose(Choice::Fault(fault), 2) == 1
    }

    /// Lets `bystander` act in the middle of calls of core code from now on.
    pub fn set_bystander(&self, bystander: Option<Rc<dyn Bystander>>) {
        self.0.bystander.replace(bystander);
    }

    /// Core code calls something, of which there may be too much.
    pub(crate) fn count_call(&self) -> Result<()> {
        let bystander = self.0.bystander.borrow().clone();
        bystander.map_or(Ok(()), |bystander| bystander.called())
    }

    /// The host may get on, while core code is about to use what the host has a part in.
    pub(crate) fn let_host_act(&self) {
        let bystander = self.0.bystander.borrow().clone();
        let Some(bystander) = bystander else { return };
        let ready = bystander.ready();
        let index = self.choose(Choice::HostEvent, ready + 1);
        if index > 0 {
            bystander.act(index - 1);
        }
    }

    /// Whether a wait whose condition holds goes on without giving way.
    pub(crate) fn goes_on(&self) -> bool {
        self.choose(Choice::GoOn, 2) == 1
    }

    /// Poisons the store with `trap`, completed by what is known of the current activation, unless it is poisoned already.
    pub fn poison(&self, mut trap: Box<Trap>) {
        if self.0.trap.borrow().is_some() {
            return;
        }
        if let Some(thread) = self.0.current.borrow().as_ref() {
            trap.instance.get_or_insert_with(|| thread.instance.name().clone());
            if trap.task.is_none() {
                trap.task = thread.describe();
            }
        }
        self.observe(|| Step::Trap(&trap));
        self.0.trap.replace(Some(trap));
    }

    /// Poisons the store with `trap`, and gives the trap it is poisoned with, which is an earlier one if there was one.
    pub(crate) fn poisoned(&self, trap: Box<Trap>) -> Box<Trap> {
        self.poison(trap.clone());
        self.trapped().unwrap_or(trap)
    }

    /// The trap that ended everything, if there was one.
    pub fn trapped(&self) -> Option<Box<Trap>> {
        self.0.trap.borrow().clone()
    }

    pub(crate) fn check(&self) -> Result<()> {
        match &*self.0.trap.borrow() {
            None => Ok(()),
            Some(trap) => Err(trap.clone()),
        }
    }

    pub(crate) fn current(&self) -> Option<Rc<Thread>> {
        self.0.current.borrow().clone()
    }

    pub(crate) fn running(&self) -> Result<Rc<Thread>> {
        let nobody = || Trap::new(Rule::HostContract).with("a built-in was called while no guest runs");
        self.current().ok_or_else(nobody)
    }

    /// The instance whose core code calls a built-in, if it may.
    pub(crate) fn running_instance(&self) -> Result<Rc<Instance>> {
        let instance = self.running()?.instance.clone();
        if instance.may_leave.get() {
            Ok(instance)
        } else {
            trap(Rule::CannotLeave)
        }
    }

    /// The task whose core code calls a built-in, if it may.
    pub(crate) fn running_task(&self) -> Result<Rc<Task>> {
        let thread = self.running()?;
        match &thread.task {
            Some(task) if thread.instance.may_leave.get() => Ok(task.clone()),
            _ => trap(Rule::CannotLeave),
        }
    }

    /// Traps in a task of a plain function, where the profile does not wait and see whether it would block.
    pub(crate) fn check_may_block(&self) -> Result<()> {
        let eager = self.0.profile.eager_blocking_trap;
        let task = if eager {
            self.current().and_then(|thread| thread.task.clone())
        } else {
            None
        };
        match task {
            Some(task) if !task.is_async_typed() && task.state() != task::TaskState::Resolved => {
                Err(Trap::new(Rule::CannotBlock).with(format!("{} may not use what could block", task.describe())))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn begin_wait(&self, thread: &Rc<Thread>, condition: Condition, cancellable: bool) {
        thread.waits_for.replace(Some(condition));
        thread.cancellable.set(cancellable);
        self.0.waiting.borrow_mut().push(thread.clone());
    }

    /// Suspends the current activation until `condition` holds; says whether it was cancelled instead.
    pub(crate) fn wait_until(&self, condition: Condition, cancellable: bool) -> Result<bool> {
        let thread = self.running()?;
        if let Some(task) = &thread.task
            && task.deliver_pending_cancel(cancellable)
        {
            return Ok(true);
        }
        if condition.holds(&thread.instance) && self.goes_on() {
            return Ok(false);
        }
        self.begin_wait(&thread, condition, cancellable);
        self.0.stacks.suspend();
        Ok(thread.was_cancelled.get())
    }

    /// The same, for a synchronous operation on `member`, which stays where it is meanwhile.
    pub(crate) fn wait_for_event(&self, member: &Member, condition: Condition) -> Result<()> {
        member.waitable().sync_waiter.set(true);
        self.wait_until(condition, false)?;
        member.waitable().sync_waiter.set(false);
        Ok(())
    }

    /// Suspends the current activation, and with it the whole store, until `condition` holds.
    pub(crate) fn block_all_until(&self, condition: Condition) -> Result<()> {
        let thread = self.running()?;
        self.0.blockers.borrow_mut().push(thread.clone());
        self.begin_wait(&thread, condition, false);
        self.0.stacks.suspend();
        self.0.blockers.borrow_mut().pop();
        Ok(())
    }

    /// Whether a plain function of the host holds up the store.
    pub fn is_blocked(&self) -> bool {
        !self.0.blockers.borrow().is_empty()
    }

    /// Takes an event out of a set that has one.
    pub(crate) fn deliver_from(&self, set: &WaitableSet) -> Event {
        let ready = set.ready();
        let index = self.choose_actor(Choice::Event, ready.iter().map(Member::actor));
        let event = ready.get(index).map_or(Event::NONE, |member| member.deliver(self));
        if let Some(fault) = Fault::of_copy(event) {
            self.happened(fault);
        }
        event
    }

    /// Runs a thread until it waits again or ends; with `cancelled`, because its task was cancelled.
    pub(crate) fn resume(&self, thread: &Rc<Thread>, cancelled: bool) -> Result<()> {
        self.check()?;
        self.0.waiting.borrow_mut().retain(|other| !Rc::ptr_eq(other, thread));
        thread.waits_for.replace(None);
        thread.was_cancelled.set(cancelled);
        thread.cancellable.set(false);
        let previous = self.0.current.replace(Some(thread.clone()));
        self.observe(|| Step::Run {
            instance: thread.instance.name(),
            task: thread.describe(),
            cancelled,
        });
        let outcome = self.resume_parked(thread);
        if let Err(trap) = outcome {
            self.poison(trap);
        }
        self.0.current.replace(previous);
        self.check()
    }

    fn resume_parked(&self, thread: &Rc<Thread>) -> Result<()> {
        let parked = thread.parked.replace(Parked::Nothing);
        match (parked, &thread.task) {
            (Parked::Stack(stack), _) => {
                let left = stack.resume();
                self.keep_stack(thread, left);
                Ok(())
            }
            (Parked::Fresh, Some(task)) => task::enter(self, thread, task, false),
            (Parked::Gate, Some(task)) => task::enter(self, thread, task, true),
            (Parked::Callback(between), Some(task)) => task::go_on(self, thread, task, between),
            _ => trap(Rule::HostContract),
        }
    }

    /// Runs `body` as the activation of `thread`, on a stack of its own.
    pub(crate) fn run_on_stack(&self, thread: &Rc<Thread>, body: impl FnOnce(&Store) -> Result<()> + 'static) {
        let store = self.clone();
        let left = self.0.stacks.start(
            thread.instance.id(),
            Box::new(move || {
                if let Err(trap) = body(&store) {
                    store.poison(trap);
                }
            }),
        );
        self.keep_stack(thread, left);
    }

    fn keep_stack(&self, thread: &Thread, left: Option<Box<dyn super::thread::Stack>>) {
        if let Some(stack) = left {
            thread.parked.replace(Parked::Stack(stack));
        }
    }

    /// Calls core code of `instance` that may not block and has context slots of its own: `realloc`.
    pub(crate) fn call_aside<R: 'static>(
        &self,
        instance: &Rc<Instance>,
        body: impl FnOnce() -> Result<R> + 'static,
    ) -> Result<R> {
        let thread = Thread::new(instance, None);
        let previous = self.0.current.replace(Some(thread.clone()));
        let outcome = if self.0.stacks.is_on_stack_of(instance.id()) {
            body()
        } else {
            let slot = Rc::new(RefCell::new(None));
            let result = slot.clone();
            self.run_on_stack(&thread, move |_| {
                result.replace(Some(body()?));
                Ok(())
            });
            let result = slot.take();
            result.map_or_else(|| self.check().and_then(|()| trap(Rule::CannotBlock)), Ok)
        };
        if let Err(trap) = &outcome {
            self.poison(trap.clone());
        }
        self.0.current.replace(previous);
        outcome
    }

    /// Whether any task has not ended.
    pub fn has_tasks(&self) -> bool {
        !self.0.waiting.borrow().is_empty()
    }

    pub(crate) fn waiting(&self) -> Vec<Rc<Thread>> {
        self.0.waiting.borrow().clone()
    }

    /// The thread that a plain function of the host holds up the store for.
    pub(crate) fn blocker(&self) -> Option<Rc<Thread>> {
        self.0.blockers.borrow().last().cloned()
    }

    /// The numbers of the calls that have not taken their parameters.
    pub(crate) fn delayed(&self) -> Vec<u64> {
        self.0.delayed.borrow().iter().map(Delayed::number).collect()
    }

    pub(crate) fn take_delayed(&self, index: usize) -> Option<Delayed> {
        self.0.delayed.borrow_mut().remove(index)
    }

    pub(crate) fn has_orphans(&self) -> bool {
        !self.0.orphans.borrow().is_empty()
    }

    pub(crate) fn take_orphan(&self) -> Option<(Rc<ResourceType>, u32)> {
        self.0.orphans.borrow_mut().pop_front()
    }

    pub(crate) fn delay(&self, call: Delayed) {
        self.0.delayed.borrow_mut().push_back(call);
    }

    pub(crate) fn orphan(&self, ty: Rc<ResourceType>, rep: u32) {
        self.0.orphans.borrow_mut().push_back((ty, rep));
    }

    /// Runs the destructor of a resource that nobody owns any more.
    pub(crate) fn destroy(&self, ty: &Rc<ResourceType>, rep: u32) -> Result<()> {
        match ty.implementor() {
            Implementor::Host(dropped) => {
                dropped(rep);
                Ok(())
            }
            Implementor::Guest(instance, destructor) => {
                let (Some(instance), Some(core)) = (instance.upgrade(), destructor.clone()) else {
                    return Ok(());
                };
                super::resource_ops::run_destructor(self, &instance, ty, core, CoreVal::I32(rep as i32))
            }
        }
    }

    /// Ends the store: gives up every stack, and forgets every handle, so that what is shared between them is freed.
    pub fn dispose(&self) {
        for thread in self.0.waiting.take().into_iter().chain(self.0.blockers.take()) {
            thread.give_up();
        }
        for instance in self.0.instances.take() {
            instance.forget_everything();
        }
        self.0.current.replace(None);
        self.0.delayed.take();
        self.0.orphans.take();
        self.0.bystander.take();
    }
}
