//! [`HostBody`]: a host function as a native store calls it.
//!
//! A call takes its parameters, makes the function's future, and polls it once on the spot, so that a function which has
//! its result at once returns at once. What is pending then becomes a task of the store. When the guest cancels the call,
//! the future is dropped.

use super::guest::message;
use super::store::NativeStore;
use super::tasks::TaskId;
use super::values;
use crate::canonical::{self, Fault, FuncType, HostCall, Type, Value};
use crate::error::{Error, Result};
use crate::explore::yield_now;
use crate::functions::{DynamicBody, TypedBody, run};
use crate::value::NamedList;
use anyhow::{Context as _, anyhow, bail};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

/// Converts what came for a call, and gives the future of its result.
type Start =
    dyn Fn(&NativeStore, &Arc<str>, &Arc<FuncType>, Vec<Value>) -> LocalBoxFuture<'static, Result<Option<Value>>>;

/// A host function.
pub(crate) struct HostBody {
    check: fn(&FuncType) -> Result<()>,
    start: Rc<Start>,
}

fn param_types(ty: &FuncType) -> Vec<&Type> {
    ty.params.iter().map(|(_, ty)| ty).collect()
}

fn result_types(ty: &FuncType) -> Vec<&Type> {
    ty.result.iter().collect()
}

/// Whether parameters `P` and results `R` are those of `ty`.
///
/// # Errors
/// When they are not.
pub(crate) fn check<P: NamedList, R: NamedList>(ty: &FuncType) -> Result<()> {
    P::check_all(&param_types(ty)).context("type mismatch with parameters")?;
    R::check_all(&result_types(ty)).context("type mismatch with results")
}

/// The store that a future belongs to, once it is done.
fn still_there(store: &super::store::WeakStore) -> Result<NativeStore> {
    store.upgrade().ok_or_else(|| anyhow!("the store has ended"))
}

impl HostBody {
    /// A function whose types are known when the program is compiled.
    pub(crate) fn typed<P: NamedList, R: NamedList>(body: Arc<TypedBody<P, R>>) -> Self {
        let start = move |store: &NativeStore, path: &Arc<str>, ty: &Arc<FuncType>, values: Vec<Value>| {
            let params = P::from_values(values, &param_types(ty), store);
            let (body, path, ty) = (body.clone(), path.clone(), ty.clone());
            let (cx, store) = (store.cx().clone(), store.downgrade());
            let finish = async move {
                let results = run(&*body, &path, cx, params).await?;
                let store = still_there(&store)?;
                Ok(results.into_values(&result_types(&ty), &store)?.pop())
            };
            finish.boxed_local()
        };
        Self {
            check: check::<P, R>,
            start: Rc::new(start),
        }
    }

    /// A function over [`Val`](crate::Val)s.
    pub(crate) fn dynamic(body: Arc<DynamicBody>) -> Self {
        let start = move |store: &NativeStore, path: &Arc<str>, ty: &Arc<FuncType>, values: Vec<Value>| {
            let params = values::all_from(values, &param_types(ty), store);
            let (body, path, ty) = (body.clone(), path.clone(), ty.clone());
            let (cx, store) = (store.cx().clone(), store.downgrade());
            let finish = async move {
                let result = run(&*body, &path, cx, params).await?;
                let store = still_there(&store)?;
                deliver(result, &ty, &store).with_context(|| format!("the result of the host function `{path}`"))
            };
            finish.boxed_local()
        };
        Self {
            check: |_| Ok(()),
            start: Rc::new(start),
        }
    }

    /// The function, as what serves the import `path` of type `ty`.
    ///
    /// # Errors
    /// When its own types are others.
    pub(crate) fn serve(self, store: &NativeStore, path: &str, ty: &Arc<FuncType>) -> Result<canonical::Func> {
        (self.check)(ty)?;
        let (path, ty): (Arc<str>, _) = (path.into(), ty.clone());
        let (start, store) = (self.start, store.downgrade());
        let name = path.clone();
        let rc_type = Rc::new((*ty).clone());
        let body = move |_: &canonical::Store, call: HostCall, values: Vec<Value>| {
            // The store lives, since guest code runs in it.
            let Some(store) = store.upgrade() else { return Ok(()) };
            let before = store.mark();
            let future = start(&store, &path, &ty, values);
            begin(&store, call, future, &path, before..store.mark())
        };
        Ok(canonical::host_func(&name, rc_type, Rc::new(body)))
    }
}

fn deliver(result: Option<crate::Val>, ty: &FuncType, store: &NativeStore) -> Result<Option<Value>> {
    match (result, &ty.result) {
        (None, None) => Ok(None),
        (Some(val), Some(ty)) => values::into_value(val, ty, store).map(Some),
        (result, _) => {
            let (given, due) = (usize::from(result.is_some()), usize::from(ty.result.is_some()));
            bail!("it returned {given} values where {due} are due")
        }
    }
}

/// Runs the future of a call, at once as far as it gets.
fn begin(
    store: &NativeStore,
    call: HostCall,
    future: LocalBoxFuture<'static, Result<Option<Value>>>,
    path: &Arc<str>,
    marks: Range<u64>,
) -> canonical::Result<()> {
    let weak = store.downgrade();
    let (task_call, path) = (call.clone(), path.clone());
    let task = async move {
        let outcome = AssertUnwindSafe(future).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|payload| Err(panicked(&path, &message(&*payload))));
        let Some(store) = weak.upgrade() else { return };
        store.end_borrows(marks);
        match outcome {
            // A trap here has poisoned the store, which reports it.
            Ok(value) => drop(task_call.resolve(store.canonical(), value)),
            Err(error) => drop(store.fail(error, &format!("the host function `{path}`"))),
        }
    };
    let id = store.spawn(task.boxed_local());
    let later = if call.ty().is_async {
        Fault::ReturnDelayed
    } else {
        Fault::PlainDelayed
    };
    if !store.canonical().injects(later) && store.tasks().poll(id) {
        return store.canonical().trapped().map_or(Ok(()), Err);
    }
    let weak = store.downgrade();
    call.on_cancel(move |_, call| {
        if let Some(store) = weak.upgrade() {
            cancel(&store, call, id);
        }
    });
    Ok(())
}

/// How many turns a function goes on that is slow to notice that it is to be cancelled, or does not care.
const SLOW: usize = 2;
const CARELESS: usize = 50;

/// Cancels a call whose caller asked for it: at once, or when its function has had some more turns.
fn cancel(store: &NativeStore, call: &HostCall, id: TaskId) {
    let canonical = store.canonical();
    let turns = if canonical.injects(Fault::CancelIgnored) {
        CARELESS
    } else if canonical.injects(Fault::CancelDelayed) {
        SLOW
    } else {
        return end(store, call, id);
    };
    let (weak, call) = (store.downgrade(), call.clone());
    let task = async move {
        for _ in 0..turns {
            yield_now().await;
        }
        if let Some(store) = weak.upgrade().filter(|_| !call.is_resolved()) {
            end(&store, &call, id);
        }
    };
    store.spawn(task.boxed_local());
}

fn end(store: &NativeStore, call: &HostCall, id: TaskId) {
    store.tasks().cancel(id);
    // A trap here has poisoned the store, which reports it.
    drop(call.cancelled(store.canonical()));
}

fn panicked(path: &str, message: &str) -> Error {
    anyhow!("the host function `{path}` panicked: {message}")
}
