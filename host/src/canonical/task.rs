//! [`Task`]: a call of an export, as its callee sees it; and `canon lift`.
//!
//! States, in order: *initial* until it passes the gate of backpressure, *started*, perhaps *pending-cancel* (requested and
//! not delivered), perhaps *cancel-delivered*, then *resolved* by `task.return`, `task.cancel` or by returning. A task that
//! resolved may go on until its thread exits.
//!
//! Tasks of `async` functions that are lifted synchronously or with a callback are *exclusive*: they hold the lock of their
//! instance while their core code runs, callbacks separately. Tasks of plain functions ignore lock and gate.

use super::call::{Callee, Caller, Canceller, Func};
use super::fault::Fault;
use super::instance::{CoreFunc, Instance};
use super::lift::{lift_results, lift_task_return};
use super::lower::lower_params;
use super::memory::CoreVal;
use super::observe::Step;
use super::resource::Scope;
use super::store::Store;
use super::table::Entry;
use super::thread::{Between, Condition, Parked, Thread};
use super::trap::{Result, Rule, Trap, trap, trap_if};
use super::ty::FuncType;
use super::value::Value;
use super::waitable::{Event, WaitableSet};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// How an export is lifted.
#[derive(Clone, Default)]
pub struct LiftOptions {
    /// The callback, for functions lifted with `async`.
    pub callback: Option<CoreFunc>,
    /// What is called with the core result after it was read, for functions lifted without.
    pub post_return: Option<CoreFunc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
    Initial,
    Started,
    PendingCancel,
    CancelDelivered,
    Resolved,
}

/// A core function, lifted as an export.
struct Lifted {
    instance: Rc<Instance>,
    name: Rc<str>,
    core: CoreFunc,
    ty: Rc<FuncType>,
    options: LiftOptions,
}

/// Lifts `core`, a function of `instance`.
pub fn lift(instance: &Rc<Instance>, name: &str, core: CoreFunc, ty: Rc<FuncType>, options: LiftOptions) -> Func {
    let name: Rc<str> = name.into();
    let lifted = Lifted {
        instance: instance.clone(),
        name: name.clone(),
        core,
        ty: ty.clone(),
        options,
    };
    Func {
        callee: Rc::new(Callable(Rc::new(lifted))),
        ty,
        name,
    }
}

/// A call of an export.
pub(crate) struct Task {
    id: u64,
    lifted: Rc<Lifted>,
    caller: Rc<dyn Caller>,
    state: Cell<TaskState>,
    /// How many borrow handles it received and has not dropped.
    pub(crate) borrows: Cell<usize>,
    thread: RefCell<Weak<Thread>>,
}

struct Callable(Rc<Lifted>);

impl Callee for Callable {
    fn call(&self, store: &Store, caller: Rc<dyn Caller>, from: Option<&Rc<Instance>>) -> Result<Rc<dyn Canceller>> {
        let instance = &self.0.instance;
        if !instance.may_enter_from(from, store.profile().reentrance) {
            return Err(Trap::new(Rule::CannotEnter).with(format!("`{}` was called", self.0.name)));
        }
        let before = instance.enter();
        let task = Rc::new(Task {
            id: store.next_task(),
            lifted: self.0.clone(),
            caller,
            state: Cell::new(TaskState::Initial),
            borrows: Cell::new(0),
            thread: RefCell::default(),
        });
        let thread = Thread::new(instance, Some(task.clone()));
        task.thread.replace(Rc::downgrade(&thread));
        store.resume(&thread, false)?;
        if !task.lifted.ty.is_async {
            finish_plain(store, &task, from.is_some())?;
        }
        instance.leave(before);
        Ok(task)
    }
}

/// Runs what else can run in the instance until a task of a plain function has resolved.
fn finish_plain(store: &Store, task: &Rc<Task>, by_guest: bool) -> Result<()> {
    while !task.is_resolved() {
        match (store.is_blocked(), by_guest) {
            (false, _) if store.run_sibling(&task.lifted.instance)? => {}
            (false, _) => return Err(task.cannot_block()),
            // A plain function of the host holds up everything, the caller included.
            (true, true) => store.block_all_until(Condition::TaskResolved(task.clone()))?,
            (true, false) => return Ok(()),
        }
    }
    Ok(())
}

impl Canceller for Task {
    fn request_cancellation(&self, store: &Store, from: Option<&Rc<Instance>>) -> Result<()> {
        let Some(thread) = self.thread() else {
            // Its thread has exited, so it has resolved; the request crossed the resolution.
            return Ok(());
        };
        if self.state.get() == TaskState::Initial {
            store.happened(Fault::TaskCancelledAtStart);
            self.state.set(TaskState::CancelDelivered);
            return store.resume(&thread, true);
        }
        if self.state.get() != TaskState::Started {
            return Ok(());
        }
        let instance = &self.lifted.instance;
        let lock_is_elsewhere = self.is_exclusive() && !instance.is_free() && !instance.is_exclusive(&thread);
        let deliverable = thread.cancellable.get() && !lock_is_elsewhere;
        if deliverable && instance.may_enter_from(from, store.profile().reentrance) {
            store.happened(if thread.has_yielded() {
                Fault::TaskCancelledInYield
            } else {
                Fault::TaskCancelledInWait
            });
            self.state.set(TaskState::CancelDelivered);
            let before = instance.enter();
            store.resume(&thread, true)?;
            instance.leave(before);
        } else {
            store.happened(Fault::TaskCancelDelayed);
            self.state.set(TaskState::PendingCancel);
        }
        Ok(())
    }

    fn is_host(&self) -> bool {
        false
    }
}

impl Task {
    pub(crate) fn describe(&self) -> String {
        format!("task {} of `{}`", self.id, self.lifted.name)
    }

    pub(crate) fn instance_name(&self) -> &str {
        self.lifted.instance.name()
    }

    /// The export.
    pub(crate) fn name(&self) -> &str {
        &self.lifted.name
    }

    pub(crate) fn number(&self) -> u64 {
        self.id
    }

    pub(crate) fn caller(&self) -> String {
        self.caller.describe()
    }

    pub(crate) fn state(&self) -> TaskState {
        self.state.get()
    }

    pub(crate) fn is_resolved(&self) -> bool {
        self.state.get() == TaskState::Resolved
    }

    fn thread(&self) -> Option<Rc<Thread>> {
        self.thread.borrow().upgrade()
    }

    pub(crate) fn is_async_lifted(&self) -> bool {
        self.lifted.options.callback.is_some()
    }

    pub(crate) fn is_async_typed(&self) -> bool {
        self.lifted.ty.is_async
    }

    /// Whether it has to hold the lock. All lifts there are here, synchronous or with a callback, need it.
    fn is_exclusive(&self) -> bool {
        self.lifted.ty.is_async
    }

    /// Whether backpressure keeps it from starting.
    pub(crate) fn is_held_back(&self) -> bool {
        let instance = &self.lifted.instance;
        instance.backpressure.get() > 0 || (self.is_exclusive() && !instance.is_free())
    }

    /// Tells a task of its cancellation if that is pending, and says whether it did.
    pub(crate) fn deliver_pending_cancel(&self, cancellable: bool) -> bool {
        let deliver = cancellable && self.state.get() == TaskState::PendingCancel;
        if deliver {
            self.state.set(TaskState::CancelDelivered);
        }
        deliver
    }

    fn resolve(&self, store: &Store, outcome: Option<Vec<Value>>) -> Result<()> {
        trap_if(self.state.get() == TaskState::Resolved, Rule::TaskResolvedTwice)?;
        if self.borrows.get() > 0 {
            return Err(Trap::new(Rule::BorrowsAlive).with(format!("{} are not dropped", self.borrows.get())));
        }
        let cancelled = outcome.is_none();
        self.caller.resolve(store, outcome)?;
        self.state.set(TaskState::Resolved);
        store.observe(|| Step::Resolved {
            instance: self.instance_name(),
            task: self.describe(),
            cancelled,
        });
        Ok(())
    }

    /// The trap of a plain function that waits, where nobody is left who could end the wait.
    fn cannot_block(&self) -> Box<Trap> {
        let mut trap = Trap::new(Rule::CannotBlock);
        if let Some(thread) = self.thread() {
            trap.call = thread.blocked_in();
            let waits_for = super::report::waits_for(&thread).join(" and ");
            trap.detail = Some(format!(
                "it waits for {waits_for}, and no other task of its instance can run"
            ));
        }
        trap.instance = Some(self.lifted.instance.name().clone());
        trap.task = Some(self.describe());
        trap
    }

    fn cancel(&self, store: &Store) -> Result<()> {
        let early = store.profile().early_task_cancel && self.state.get() == TaskState::PendingCancel;
        trap_if(self.state.get() == TaskState::Resolved, Rule::TaskResolvedTwice)?;
        trap_if(
            self.state.get() != TaskState::CancelDelivered && !early,
            Rule::TaskNotCancelled,
        )?;
        self.resolve(store, None)
    }
}

/// Runs a thread that has not run, or stands at the gate.
pub(crate) fn enter(store: &Store, thread: &Rc<Thread>, task: &Rc<Task>, at_gate: bool) -> Result<()> {
    let instance = &thread.instance;
    if at_gate {
        instance.waiting_to_enter.set(instance.waiting_to_enter.get() - 1);
        if thread.was_cancelled.get() {
            return task.cancel(store);
        }
    } else if task.lifted.ty.is_async {
        let queue = store.profile().residual_backpressure && instance.waiting_to_enter.get() > 0;
        if task.is_held_back() || queue {
            instance.waiting_to_enter.set(instance.waiting_to_enter.get() + 1);
            store.happened(Fault::HeldBack);
            thread.parked.replace(Parked::Gate);
            store.begin_wait(thread, Condition::Gate(task.clone()), true);
            return Ok(());
        }
    }
    if task.is_exclusive() {
        instance.exclusive.replace(Some(thread.clone()));
    }
    instance.add_thread(thread);
    let (task, thread) = (task.clone(), thread.clone());
    store.run_on_stack(&thread.clone(), move |store| start(store, &thread, &task));
    Ok(())
}

/// Runs the core function, on a stack.
fn start(store: &Store, thread: &Rc<Thread>, task: &Rc<Task>) -> Result<()> {
    let lifted = &task.lifted;
    task.state.set(TaskState::Started);
    let params = task.caller.start(store)?;
    let scope = Scope::Task(task.clone());
    let args = lower_params(store, &lifted.instance, scope, &lifted.ty, params)?;
    let result = (lifted.core)(&args)?;
    if task.is_async_lifted() {
        return after_callback(store, thread, task, result);
    }
    let results = lift_results(store, &lifted.instance, &lifted.ty, result)?;
    task.resolve(store, Some(results))?;
    if let Some(post_return) = &lifted.options.post_return {
        lifted.instance.may_leave.set(false);
        let args: Vec<CoreVal> = result.into_iter().collect();
        post_return(&args)?;
        lifted.instance.may_leave.set(true);
    }
    exit(store, thread, task)
}

/// Ends a task's thread.
fn exit(store: &Store, thread: &Rc<Thread>, task: &Rc<Task>) -> Result<()> {
    store.observe(|| Step::Exited {
        instance: task.instance_name(),
        task: task.describe(),
    });
    thread.instance.remove_thread(thread);
    if task.state.get() != TaskState::Resolved {
        return Err(Trap::new(Rule::TaskNotResolved).with(format!("{} has exited", task.describe())));
    }
    if task.is_exclusive() {
        thread.instance.exclusive.replace(None);
    }
    Ok(())
}

/// Continues a task between two callbacks: takes the event it waited for and calls the callback.
pub(crate) fn go_on(store: &Store, thread: &Rc<Thread>, task: &Rc<Task>, between: Between) -> Result<()> {
    let event = match between {
        Between::Yielded if thread.was_cancelled.get() => Event::CANCELLED,
        Between::Yielded => Event::NONE,
        Between::Waiting(set) => {
            set.waiting.set(set.waiting.get() - 1);
            if thread.was_cancelled.get() {
                Event::CANCELLED
            } else {
                store.deliver_from(&set)
            }
        }
    };
    thread.instance.exclusive.replace(Some(thread.clone()));
    let (task, thread) = (task.clone(), thread.clone());
    store.run_on_stack(&thread.clone(), move |store| {
        let result = call_back(store, &task, event)?;
        after_callback(store, &thread, &task, result)
    });
    Ok(())
}

fn call_back(store: &Store, task: &Task, event: Event) -> Result<Option<CoreVal>> {
    let Some(callback) = &task.lifted.options.callback else {
        return trap(Rule::HostContract);
    };
    store.observe_event(task, event);
    callback(&[
        CoreVal::I32(event.code as i32),
        CoreVal::I32(event.p1 as i32),
        CoreVal::I32(event.p2 as i32),
    ])
}

/// Does what a callback asked for by its code.
fn after_callback(store: &Store, thread: &Rc<Thread>, task: &Rc<Task>, mut result: Option<CoreVal>) -> Result<()> {
    loop {
        let Some(CoreVal::I32(packed)) = result else {
            return Err(Trap::new(Rule::CoreSignature).with("a callback must return an i32"));
        };
        let (code, index) = (packed as u32 & 0xf, packed as u32 >> 4);
        let between = match code {
            0 => return exit(store, thread, task),
            1 => Between::Yielded,
            2 => Between::Waiting(set_at(&thread.instance, index)?),
            _ => return Err(Trap::new(Rule::CallbackCode).with(format!("it returned code {code}"))),
        };
        thread.instance.exclusive.replace(None);
        let Some(event) = at_once(store, thread, task, &between) else {
            park(store, thread, between);
            return Ok(());
        };
        thread.instance.exclusive.replace(Some(thread.clone()));
        result = call_back(store, task, event)?;
    }
}

/// The event with which a task goes on without having waited, if it does.
fn at_once(store: &Store, thread: &Rc<Thread>, task: &Task, between: &Between) -> Option<Event> {
    if task.deliver_pending_cancel(true) {
        return Some(Event::CANCELLED);
    }
    let condition = condition_of(between);
    if !condition.holds(&thread.instance) || !store.goes_on() {
        return None;
    }
    Some(match between {
        Between::Yielded => Event::NONE,
        Between::Waiting(set) => store.deliver_from(set),
    })
}

fn condition_of(between: &Between) -> Condition {
    match between {
        Between::Yielded => Condition::Lock,
        Between::Waiting(set) => Condition::SetEventAndLock(set.clone()),
    }
}

fn park(store: &Store, thread: &Rc<Thread>, between: Between) {
    if let Between::Waiting(set) = &between {
        set.waiting.set(set.waiting.get() + 1);
    }
    let condition = condition_of(&between);
    thread.parked.replace(Parked::Callback(between));
    store.begin_wait(thread, condition, true);
}

/// The waitable set that `index` stands for.
pub(crate) fn set_at(instance: &Instance, index: u32) -> Result<Rc<WaitableSet>> {
    match instance.get(index)? {
        Entry::Set(set) => Ok(set),
        other => Err(super::subtask::wrong_kind(index, "a waitable set", &other)),
    }
}

/// `task.return`, for an export with the given result.
pub(crate) fn task_return(store: &Store, ty: &FuncType, args: &[CoreVal]) -> Result<()> {
    let task = store.running_task()?;
    trap_if(!task.is_async_lifted(), Rule::TaskReturnOfSyncLift)?;
    if task.lifted.ty.result != ty.result {
        let detail = format!("{} returns {}", task.describe(), kind_of(&task.lifted.ty));
        return Err(Trap::new(Rule::TaskReturnType).with(format!("{detail}, not {}", kind_of(ty))));
    }
    let results = lift_task_return(store, &task.lifted.instance, ty, args)?;
    task.resolve(store, Some(results))
}

fn kind_of(ty: &FuncType) -> &'static str {
    ty.result.as_ref().map_or("nothing", |ty| ty.kind())
}

/// `task.cancel`.
pub(crate) fn task_cancel(store: &Store) -> Result<()> {
    let task = store.running_task()?;
    trap_if(!task.is_async_lifted(), Rule::TaskCancelOfSyncLift)?;
    task.cancel(store)
}
