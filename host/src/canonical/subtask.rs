//! [`Subtask`]: a call of an import, as its caller sees it. Section "Subtask State" and `canon lower`.
//!
//! States: *starting* until the callee takes the parameters, *started* until it resolves, then *returned*,
//! *cancelled-before-started* or *cancelled-before-returned*. A call that resolves before control returns to the caller never
//! gets a handle. Otherwise each change leaves an event behind, which reports the state at the time it is delivered.
//!
//! Handles lent to the call are released when the resolution is *delivered*; until then the subtask may not be dropped.

use super::builtins::{Callable, Calling};
use super::call::{Caller, Canceller, Func};
use super::fault::Fault;
use super::instance::Instance;
use super::lift::lift_params;
use super::lower::lower_results;
use super::memory::{Access, CoreVal, Lease};
use super::resource::{ResourceHandle, Scope};
use super::store::Store;
use super::table::Entry;
use super::task::Task;
use super::thread::Condition;
use super::trap::{Result, Rule, Trap, trap, trap_if, trap_if_at};
use super::ty::{MAX_FLAT_ASYNC_PARAMS, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, Type, Width, flatten_all, record_layout};
use super::value::Value;
use super::waitable::{Event, EventCode, Member, Pending, Waitable};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// The state of a call, with the numbers core code gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the states under their own names")]
pub enum SubtaskState {
    Starting = 0,
    Started = 1,
    Returned = 2,
    CancelledBeforeStarted = 3,
    CancelledBeforeReturned = 4,
}

impl SubtaskState {
    fn is_resolved(self) -> bool {
        !matches!(self, SubtaskState::Starting | SubtaskState::Started)
    }
}

/// A call of an import.
pub(crate) struct Subtask {
    pub(crate) waitable: Waitable,
    me: Weak<Subtask>,
    instance: Rc<Instance>,
    /// The task that made the call.
    task: Option<Rc<Task>>,
    func: Func,
    is_async: bool,
    args: RefCell<Vec<CoreVal>>,
    state: Cell<SubtaskState>,
    /// The state that the caller knows of.
    told: Cell<SubtaskState>,
    /// Weak, because the callee keeps its caller. It is gone when it can no more be asked.
    canceller: RefCell<Option<Weak<dyn Canceller>>>,
    of_host: Cell<bool>,
    /// The handles lent to the call; none once its resolution was delivered.
    lenders: RefCell<Option<Vec<Rc<ResourceHandle>>>>,
    cancellation_requested: Cell<bool>,
    result: Cell<Option<CoreVal>>,
    /// Its handle, or 0 as long as it has none.
    index: Cell<u32>,
    /// The memory of the parameters, which the host holds on to until it reads them.
    params_lease: RefCell<Option<Box<dyn Lease>>>,
    /// The memory of the result, which the host holds on to until it writes it.
    result_lease: RefCell<Option<Box<dyn Lease>>>,
}

impl Caller for Subtask {
    fn start(&self, store: &Store) -> Result<Vec<Value>> {
        self.progress();
        self.state.set(SubtaskState::Started);
        return_lease(&self.params_lease).map_err(|trap| self.blame(trap))?;
        let max = if self.is_async {
            MAX_FLAT_ASYNC_PARAMS
        } else {
            MAX_FLAT_PARAMS
        };
        let args = self.args.borrow().clone();
        let scope = self.me.upgrade().map_or(Scope::None, Scope::Subtask);
        let params = lift_params(store, &self.instance, scope, &self.func.ty, max, &args);
        params.map_err(|trap| self.blame(trap))
    }

    fn resolve(&self, store: &Store, outcome: Option<Vec<Value>>) -> Result<()> {
        self.progress();
        match outcome {
            None => self.resolve_cancelled()?,
            Some(results) => self.take_results(store, results).map_err(|trap| self.blame(trap))?,
        }
        if store.profile().lends_end_at_resolve {
            self.release_lenders();
        }
        Ok(())
    }

    fn describe(&self) -> String {
        format!("instance {}", self.instance.name())
    }
}

impl Subtask {
    /// Leaves an event, if the caller has a handle to learn of it by.
    fn progress(&self) {
        if self.index.get() != 0 {
            self.waitable.set_pending(Pending::Progress);
        }
    }

    fn take_results(&self, store: &Store, results: Vec<Value>) -> Result<()> {
        trap_if(self.state.get() != SubtaskState::Started, Rule::HostContract)?;
        return_lease(&self.result_lease)?;
        let max = if self.is_async { 0 } else { MAX_FLAT_RESULTS };
        let out = self.args.borrow().last().copied();
        let result = lower_results(store, &self.instance, &self.func.ty, max, results, out)?;
        self.result.set(result);
        self.state.set(SubtaskState::Returned);
        Ok(())
    }

    /// What the parameters and the place of the result break is broken by the call, whoever runs when it shows.
    fn blame(&self, mut trap: Box<Trap>) -> Box<Trap> {
        if trap.call.is_none() {
            let call = Calling::new(Callable::Import(self.func.name.clone()), &self.args.borrow());
            trap.call = Some(call.to_string());
            trap.instance = Some(self.instance.name().clone());
            trap.task = self.task.as_ref().map(|task| task.describe());
        }
        trap
    }

    fn resolve_cancelled(&self) -> Result<()> {
        trap_if(!self.cancellation_requested.get(), Rule::HostContract)?;
        for lease in [&self.params_lease, &self.result_lease] {
            return_lease(lease).map_err(|trap| self.blame(trap))?;
        }
        self.state.set(match self.state.get() {
            SubtaskState::Starting => SubtaskState::CancelledBeforeStarted,
            SubtaskState::Started => SubtaskState::CancelledBeforeReturned,
            _ => return Err(Trap::new(Rule::HostContract).with("a call was resolved twice")),
        });
        Ok(())
    }

    pub(crate) fn is_resolved(&self) -> bool {
        self.state.get().is_resolved()
    }

    pub(crate) fn state(&self) -> SubtaskState {
        self.state.get()
    }

    /// The state that the caller knows of.
    pub(crate) fn told_state(&self) -> SubtaskState {
        self.told.get()
    }

    /// The name of the function that was called.
    pub(crate) fn name(&self) -> &Rc<str> {
        &self.func.name
    }

    pub(crate) fn is_of_host(&self) -> bool {
        self.of_host.get()
    }

    /// Lends a handle to the call until its resolution is delivered.
    pub(crate) fn lend(&self, handle: &Rc<ResourceHandle>) {
        if let Some(lenders) = &mut *self.lenders.borrow_mut() {
            handle.lends.set(handle.lends.get() + 1);
            lenders.push(handle.clone());
        }
    }

    fn release_lenders(&self) {
        if let Some(lenders) = &mut *self.lenders.borrow_mut() {
            for handle in lenders.drain(..) {
                handle.lends.set(handle.lends.get() - 1);
            }
        }
    }

    fn is_delivered(&self) -> bool {
        self.lenders.borrow().is_none()
    }

    fn deliver_resolution(&self) {
        self.release_lenders();
        self.lenders.replace(None);
    }

    /// Takes the event that is pending.
    pub(crate) fn deliver(&self, store: &Store) -> Event {
        self.waitable.take_pending();
        if self.told.replace(self.state.get()) == SubtaskState::Starting && self.state.get() == SubtaskState::Returned {
            store.happened(Fault::ReturnMerged);
        }
        if self.is_resolved() {
            self.deliver_resolution();
        }
        Event {
            code: EventCode::Subtask,
            p1: self.index.get(),
            p2: self.state.get() as u32,
        }
    }
}

/// A component function, lowered into an instance as a core function.
#[derive(Clone)]
pub struct Lowered {
    instance: Rc<Instance>,
    func: Func,
    is_async: bool,
}

impl Lowered {
    /// `func`, to be called by the core code of `instance`; with `is_async` by the asynchronous ABI.
    pub fn new(instance: &Rc<Instance>, func: Func, is_async: bool) -> Lowered {
        Lowered {
            instance: instance.clone(),
            func,
            is_async,
        }
    }

    /// The name of the function.
    pub fn name(&self) -> &Rc<str> {
        &self.func.name
    }

    /// Calls it from the activation that is running.
    ///
    /// # Errors
    /// The trap, if a rule was broken on the way, by whomever.
    pub fn call(&self, store: &Store, args: &[CoreVal]) -> Result<Option<CoreVal>> {
        trap_if(!self.instance.may_leave.get(), Rule::CannotLeave)?;
        if !self.is_async && self.func.ty.is_async {
            store.check_may_block()?;
        }
        let subtask = self.subtask(store, args);
        let canceller = self.func.callee.call(store, subtask.clone(), Some(&self.instance))?;
        subtask.of_host.set(canceller.is_host());
        subtask.canceller.replace(Some(Rc::downgrade(&canceller)));
        if self.is_async {
            self.finish_async(&subtask)
        } else {
            self.finish_sync(store, &subtask)
        }
    }

    fn subtask(&self, store: &Store, args: &[CoreVal]) -> Rc<Subtask> {
        Rc::new_cyclic(|me| Subtask {
            waitable: Waitable::new(store.next_id()),
            me: me.clone(),
            instance: self.instance.clone(),
            task: store.current().and_then(|thread| thread.task.clone()),
            func: self.func.clone(),
            is_async: self.is_async,
            args: RefCell::new(args.to_vec()),
            state: Cell::new(SubtaskState::Starting),
            told: Cell::new(SubtaskState::Starting),
            canceller: RefCell::new(None),
            of_host: Cell::new(false),
            lenders: RefCell::new(Some(Vec::new())),
            cancellation_requested: Cell::new(false),
            result: Cell::new(None),
            index: Cell::new(0),
            params_lease: RefCell::new(None),
            result_lease: RefCell::new(None),
        })
    }

    fn finish_sync(&self, store: &Store, subtask: &Rc<Subtask>) -> Result<Option<CoreVal>> {
        if !subtask.is_resolved() {
            if self.func.ty.is_async {
                store.wait_until(Condition::Resolved(subtask.clone()), false)?;
            } else {
                // Only the host resolves a plain function late. It holds up the whole store until it does.
                store.block_all_until(Condition::Resolved(subtask.clone()))?;
            }
        }
        subtask.deliver_resolution();
        Ok(subtask.result.take())
    }

    /// Notes which memory the host will still read and write.
    fn lend_areas(&self, subtask: &Subtask) -> Result<()> {
        let core = self.instance.core()?;
        let width = core.memory.width();
        let lend = |types: &[&Type], place: Option<&CoreVal>, access: Access, what: &str| {
            let &CoreVal::Ptr(pointer) = place? else { return None };
            let size = record_layout(types.iter().copied(), width).0.size;
            core.memory.lend(pointer, size, access, &|| {
                format!("the {what} of the call of `{}`", self.func.name)
            })
        };
        let (params, results) = (self.func.ty.param_types(), self.func.ty.result_types());
        let args = subtask.args.borrow();
        let is_indirect = flatten_all(&params, width).len() > MAX_FLAT_ASYNC_PARAMS;
        if subtask.state.get() == SubtaskState::Starting && is_indirect {
            let access = if is_dense(&params, width) {
                Access::Read
            } else {
                Access::ReadPadded
            };
            let lease = lend(&params, args.first(), access, "parameters");
            subtask.params_lease.replace(lease);
        }
        if !results.is_empty() {
            subtask
                .result_lease
                .replace(lend(&results, args.last(), Access::Write, "result area"));
        }
        Ok(())
    }

    fn finish_async(&self, subtask: &Rc<Subtask>) -> Result<Option<CoreVal>> {
        let packed = if subtask.is_resolved() {
            subtask.deliver_resolution();
            SubtaskState::Returned as u32
        } else {
            let index = self.instance.add(Entry::Subtask(subtask.clone()))?;
            subtask.index.set(index);
            subtask.told.set(subtask.state.get());
            self.lend_areas(subtask)?;
            subtask.state.get() as u32 | index << 4
        };
        Ok(Some(CoreVal::I32(packed as i32)))
    }
}

/// Takes memory back from the host, and traps if the guest did not keep its hands off it.
pub(crate) fn return_lease(lease: &RefCell<Option<Box<dyn Lease>>>) -> Result<()> {
    let defect = lease.take().and_then(|lease| lease.defect());
    match defect {
        Some((rule, detail)) => Err(Trap::new(rule).with(detail)),
        None => Ok(()),
    }
}

/// The subtask that `index` stands for.
pub(crate) fn subtask_at(instance: &Instance, index: u32) -> Result<Rc<Subtask>> {
    match instance.get(index)? {
        Entry::Subtask(subtask) => Ok(subtask),
        other => Err(wrong_kind(index, "a subtask", &other)),
    }
}

/// The trap for a handle of another kind.
pub(crate) fn wrong_kind(index: u32, wanted: &str, found: &Entry) -> Box<Trap> {
    Trap::new(Rule::WrongHandleKind)
        .about(index)
        .with(format!("it is {}, not {wanted}", found.kind()))
}

/// `subtask.cancel`.
pub(crate) fn cancel(store: &Store, is_async: bool, index: u32) -> Result<u32> {
    let instance = store.running_instance()?;
    let subtask = subtask_at(&instance, index)?;
    let profile = store.profile();
    trap_if_at(subtask.is_delivered(), Rule::CancelAfterResolve, index)?;
    let again = subtask.cancellation_requested.get();
    let tolerated = profile.repeated_subtask_cancel && !subtask.is_of_host();
    trap_if_at(again && !tolerated, Rule::CancelledTwice, index)?;
    let in_set = subtask.waitable.is_in_set();
    trap_if_at(
        in_set && is_async && profile.cancel_outside_sets,
        Rule::CancelInSet,
        index,
    )?;
    trap_if_at(in_set && !is_async, Rule::SyncInSet, index)?;
    if !is_async {
        store.check_may_block()?;
    }
    if !subtask.is_resolved() {
        if !again {
            subtask.cancellation_requested.set(true);
            let canceller = subtask.canceller.borrow().clone();
            let Some(canceller) = canceller else {
                return trap(Rule::HostContract);
            };
            if let Some(canceller) = canceller.upgrade() {
                canceller.request_cancellation(store, Some(&instance))?;
            }
        }
        if !subtask.is_resolved() {
            if is_async {
                return Ok(super::copy::BLOCKED);
            }
            let waiter = Member::Subtask(subtask.clone());
            store.wait_for_event(&waiter, Condition::Resolved(subtask.clone()))?;
        }
    }
    let event = subtask.deliver(store);
    store.happened(Fault::of_cancelled_call(subtask.state()));
    Ok(event.p2)
}

/// `subtask.drop`.
pub(crate) fn drop(store: &Store, index: u32) -> Result<()> {
    let instance = store.running_instance()?;
    let subtask = subtask_at(&instance, index)?;
    trap_if_at(!subtask.is_delivered(), Rule::SubtaskUnresolved, index)?;
    instance.remove(index)?;
    Member::Subtask(subtask).join(None);
    Ok(())
}

/// Whether values of these types, one after the other in memory, are numbers without padding between them.
fn is_dense(types: &[&Type], width: Width) -> bool {
    let size: usize = types.iter().map(|ty| ty.layout(width).size).sum();
    types.iter().all(|ty| ty.is_number()) && record_layout(types.iter().copied(), width).0.size == size
}
