//! What callers and callees of component functions look like to each other.
//!
//! A call has two sides. The callee asks the caller for the parameters when it starts ([`Caller::start`]) and hands it the
//! result, or nothing when it was cancelled, once ([`Caller::resolve`]). The caller can ask the callee to cancel
//! ([`Canceller`]). Guests are on both sides, by lowering and lifting; so is the host.

use super::instance::Instance;
use super::store::Store;
use super::trap::Result;
use super::ty::FuncType;
use super::value::Value;
use std::rc::Rc;

/// The side of a call that waits for its result.
pub(crate) trait Caller {
    /// Gives the parameters. Called once, when the callee starts.
    fn start(&self, store: &Store) -> Result<Vec<Value>>;
    /// Takes the result, or `None` when the call was cancelled. Called once.
    fn resolve(&self, store: &Store, outcome: Option<Vec<Value>>) -> Result<()>;
    /// Who waits, for reports.
    fn describe(&self) -> String;
}

/// The side of a call that can be asked to end early.
pub(crate) trait Canceller {
    /// Asks. `from` is the instance that asks, or none for the host.
    fn request_cancellation(&self, store: &Store, from: Option<&Rc<Instance>>) -> Result<()>;
    /// Whether the host is the callee, which decides the order of events.
    fn is_host(&self) -> bool;
}

/// What can be called.
pub(crate) trait Callee {
    /// Starts a call, and runs the callee until it blocks or is done.
    fn call(&self, store: &Store, caller: Rc<dyn Caller>, from: Option<&Rc<Instance>>) -> Result<Rc<dyn Canceller>>;
}

/// A component function: an export of an instance, or a function of the host.
#[derive(Clone)]
pub struct Func {
    pub(crate) callee: Rc<dyn Callee>,
    pub(crate) ty: Rc<FuncType>,
    pub(crate) name: Rc<str>,
}

impl Func {
    /// The type.
    pub fn ty(&self) -> &Rc<FuncType> {
        &self.ty
    }

    /// The same function as an instance sees it that imports it as `ty`: resource types have the numbers of that instance.
    pub fn imported_as(&self, ty: Rc<FuncType>) -> Func {
        Func { ty, ..self.clone() }
    }

    /// The name in reports.
    pub fn name(&self) -> &Rc<str> {
        &self.name
    }
}

impl std::fmt::Debug for Func {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "func {}", self.name)
    }
}
