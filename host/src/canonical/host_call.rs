//! The host as callee and as caller: functions that guests import, and calls of exports.
//!
//! A host function gets a [`HostCall`] and decides when to take the parameters and when to resolve. Whether it takes them at
//! the call or later is a choice of the store; [`HostCall::params`] tells. A call of an export gives an [`Invocation`].

use super::call::{Callee, Caller, Canceller, Func};
use super::choose::Choice;
use super::instance::Instance;
use super::observe::{HostPhase, Step};
use super::store::Store;
use super::trap::{Result, Rule, Trap, trap_if};
use super::ty::FuncType;
use super::value::Value;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// The body of a host function. It is called with the parameters taken and may resolve at once or keep the call.
pub type HostBody = Rc<dyn Fn(&Store, HostCall, Vec<Value>) -> Result<()>>;

struct HostFunc {
    ty: Rc<FuncType>,
    name: Rc<str>,
    body: HostBody,
}

/// A function of the host.
pub fn host_func(name: &str, ty: Rc<FuncType>, body: HostBody) -> Func {
    let name: Rc<str> = name.into();
    let host = HostFunc {
        ty: ty.clone(),
        name: name.clone(),
        body,
    };
    Func {
        callee: Rc::new(HostCallee(Rc::new(host))),
        ty,
        name,
    }
}

struct HostCallee(Rc<HostFunc>);

/// What a host function does when its caller asks to cancel.
type OnCancel = Box<dyn FnOnce(&Store, &HostCall)>;

struct CallState {
    me: Weak<CallState>,
    number: u64,
    func: Rc<HostFunc>,
    caller: Rc<dyn Caller>,
    started: Cell<bool>,
    resolved: Cell<bool>,
    cancel_requested: Cell<bool>,
    on_cancel: RefCell<Option<OnCancel>>,
}

/// A call of a host function that has not taken its parameters.
pub(crate) struct Delayed(Rc<CallState>);

impl Delayed {
    /// Its number, for choosers.
    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    pub(crate) fn begin(self, store: &Store) -> Result<()> {
        if self.0.resolved.get() {
            Ok(())
        } else {
            begin(store, &self.0)
        }
    }
}

fn observe(store: &Store, state: &CallState, phase: HostPhase) {
    store.observe(|| Step::HostCall {
        number: state.number,
        name: &state.func.name,
        phase,
    });
}

fn begin(store: &Store, state: &Rc<CallState>) -> Result<()> {
    observe(store, state, HostPhase::Started);
    state.started.set(true);
    let params = state.caller.start(store)?;
    (state.func.body)(store, HostCall(state.clone()), params)
}

impl Callee for HostCallee {
    fn call(&self, store: &Store, caller: Rc<dyn Caller>, _: Option<&Rc<Instance>>) -> Result<Rc<dyn Canceller>> {
        let state = Rc::new_cyclic(|me| CallState {
            me: me.clone(),
            number: store.next_id(),
            func: self.0.clone(),
            caller,
            started: Cell::new(false),
            resolved: Cell::new(false),
            cancel_requested: Cell::new(false),
            on_cancel: RefCell::new(None),
        });
        // A plain function takes its parameters at once: its caller cannot tell the difference.
        if self.0.ty.is_async && store.choose(Choice::HostStart, 2) == 1 {
            observe(store, &state, HostPhase::Delayed);
            store.delay(Delayed(state.clone()));
        } else {
            begin(store, &state)?;
        }
        Ok(state)
    }
}

impl Canceller for CallState {
    fn request_cancellation(&self, store: &Store, _: Option<&Rc<Instance>>) -> Result<()> {
        if self.resolved.get() || self.cancel_requested.replace(true) {
            return Ok(());
        }
        if !self.started.get() {
            self.resolved.set(true);
            observe(store, self, HostPhase::Cancelled);
            return self.caller.resolve(store, None);
        }
        let on_cancel = self.on_cancel.take();
        if let Some(on_cancel) = on_cancel {
            // It is being asked, so it is there.
            if let Some(state) = self.me.upgrade() {
                on_cancel(store, &HostCall(state));
            }
        }
        Ok(())
    }

    fn is_host(&self) -> bool {
        true
    }
}

/// A call of a host function that has taken its parameters.
#[derive(Clone)]
pub struct HostCall(Rc<CallState>);

impl HostCall {
    /// The name of the function.
    pub fn name(&self) -> &Rc<str> {
        &self.0.func.name
    }

    /// The type of the function.
    pub fn ty(&self) -> &Rc<FuncType> {
        &self.0.func.ty
    }

    /// Whether the call is over.
    pub fn is_resolved(&self) -> bool {
        self.0.resolved.get()
    }

    /// Whether the caller asked to cancel.
    pub fn is_cancel_requested(&self) -> bool {
        self.0.cancel_requested.get()
    }

    /// What to do when the caller asks to cancel: usually to stop and call [`HostCall::cancelled`], now or later. It may be
    /// ignored; then the call resolves as ever.
    ///
    /// The action is given the call, so that it needs not hold it, which would keep both for ever.
    pub fn on_cancel(&self, action: impl FnOnce(&Store, &HostCall) + 'static) {
        self.0.on_cancel.replace(Some(Box::new(action)));
    }

    /// Gives the result to the caller.
    ///
    /// # Errors
    /// When the call is over, the result does not fit the type, or lowering it traps. The store is poisoned then.
    pub fn resolve(&self, store: &Store, result: Option<Value>) -> Result<()> {
        self.finish(store, Some(result.into_iter().collect()))
    }

    /// Tells the caller that the call was cancelled, as it asked for.
    ///
    /// # Errors
    /// When the caller did not ask, or the call is over. The store is poisoned then.
    pub fn cancelled(&self, store: &Store) -> Result<()> {
        self.finish(store, None)
    }

    fn finish(&self, store: &Store, outcome: Option<Vec<Value>>) -> Result<()> {
        let finish = || {
            store.check()?;
            trap_if(self.0.resolved.replace(true), Rule::HostContract)?;
            let cancelled = outcome.is_none();
            observe(
                store,
                &self.0,
                if cancelled {
                    HostPhase::Cancelled
                } else {
                    HostPhase::Returned
                },
            );
            self.0.caller.resolve(store, outcome)
        };
        finish().map_err(|mut trap: Box<Trap>| {
            trap.call
                .get_or_insert_with(|| format!("the host function `{}`", self.0.func.name));
            store.poisoned(trap)
        })
    }
}

/// What is done with the outcome of a call of an export: the result, or `None` when the call was cancelled.
pub type Done = Box<dyn FnOnce(&Store, Option<Option<Value>>)>;

struct HostCaller {
    params: RefCell<Option<Vec<Value>>>,
    done: RefCell<Option<Done>>,
}

impl Caller for HostCaller {
    fn start(&self, _: &Store) -> Result<Vec<Value>> {
        Ok(self.params.take().unwrap_or_default())
    }

    fn resolve(&self, store: &Store, outcome: Option<Vec<Value>>) -> Result<()> {
        let done = self.done.take();
        if let Some(done) = done {
            done(store, outcome.map(|mut values| values.pop()));
        }
        Ok(())
    }

    fn describe(&self) -> String {
        "the host".to_owned()
    }
}

/// A call of an export that the host made.
pub struct Invocation(Rc<dyn Canceller>);

impl Invocation {
    /// Asks the callee to cancel. It may return a result all the same.
    ///
    /// # Errors
    /// A trap in the guest, which also poisons the store.
    pub fn cancel(&self, store: &Store) -> Result<()> {
        store.check()?;
        let cancelled = self.0.request_cancellation(store, None);
        cancelled.map_err(|trap| store.poisoned(trap))
    }
}

/// Calls `func` from the host, and runs it until it first blocks or is done. `done` is called when it resolves, perhaps
/// before this returns; it must not call into the store.
///
/// # Errors
/// A trap, which also poisons the store.
pub fn invoke(store: &Store, func: &Func, params: Vec<Value>, done: Done) -> Result<Invocation> {
    store.check()?;
    let caller = HostCaller {
        params: RefCell::new(Some(params)),
        done: RefCell::new(Some(done)),
    };
    let called = func.callee.call(store, Rc::new(caller), None);
    let canceller = called.map_err(|mut trap| {
        trap.call
            .get_or_insert_with(|| format!("the call of `{}` by the host", func.name));
        store.poisoned(trap)
    })?;
    Ok(Invocation(canceller))
}
