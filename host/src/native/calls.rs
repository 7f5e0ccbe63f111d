//! Calls of exported functions, as jobs for the store.

use super::functions::check;
use super::store::{Func, Job, NativeStore};
use super::values;
use crate::canonical::{self, Type, Value};
use crate::error::{Cancelled, Result};
use crate::instance::Resolver;
use crate::val::Val;
use crate::value::NamedList;
use anyhow::Context as _;
use std::cell::RefCell;
use std::rc::Rc;

/// The job that makes a typed call.
pub(crate) fn typed<P: NamedList, R: NamedList>(func: Func, params: P, resolver: Resolver<R>) -> Job {
    Box::new(move |store| {
        let prepare = |func: &canonical::Func| {
            check::<P, R>(func.ty())?;
            params.into_values(&func.ty().params.iter().map(|(_, ty)| ty).collect::<Vec<_>>(), store)
        };
        let finish = |value: Option<Value>, ty: Option<&Type>, store: &NativeStore| {
            R::from_values(value.into_iter().collect(), &ty.into_iter().collect::<Vec<_>>(), store)
        };
        call(store, func, prepare, finish, resolver);
    })
}

/// The job that makes a dynamic call.
pub(crate) fn dynamic(func: Func, params: Vec<Val>, resolver: Resolver<Option<Val>>) -> Job {
    Box::new(move |store| {
        let prepare = |func: &canonical::Func| {
            let types = func.ty().params.iter().map(|(_, ty)| ty).collect::<Vec<_>>();
            values::all_into(params, &types, store)
        };
        let finish = |value: Option<Value>, ty: Option<&Type>, store: &NativeStore| {
            let value = value.zip(ty).map(|(value, ty)| values::from_value(value, ty, store));
            value.transpose()
        };
        call(store, func, prepare, finish, resolver);
    })
}

/// Makes a call: `prepare` makes its parameters, `finish` what the promise gives.
fn call<R: 'static>(
    store: &NativeStore,
    func: Func,
    prepare: impl FnOnce(&canonical::Func) -> Result<Vec<Value>>,
    finish: impl FnOnce(Option<Value>, Option<&Type>, &NativeStore) -> Result<R> + 'static,
    resolver: Resolver<R>,
) {
    let (path, number) = (resolver.path.clone(), resolver.number());
    let prepared = store.func(func).context("the instance is gone").and_then(|func| {
        let params = prepare(&func)?;
        Ok((func, params))
    });
    let (func, params) = match prepared.with_context(|| format!("calling `{path}`")) {
        Ok(prepared) => prepared,
        Err(error) => return resolver.resolve(Err(error)),
    };
    // Shared with the callee, which may trap without calling back.
    let resolver = Rc::new(RefCell::new(Some(resolver)));
    let (waiting, weak, ty) = (resolver.clone(), store.downgrade(), func.ty().clone());
    let done = move |_: &canonical::Store, outcome: Option<Option<Value>>| {
        let Some((resolver, store)) = waiting.take().zip(weak.upgrade()) else {
            return;
        };
        store.forget_call(number);
        let result = match outcome {
            Some(value) => finish(value, ty.result.as_ref(), &store),
            None => Err(Cancelled.into()),
        };
        resolver.resolve(result.with_context(|| format!("calling `{path}`")));
    };
    match canonical::invoke(store.canonical(), &func, params, Box::new(done)) {
        Ok(invocation) if resolver.borrow().is_some() => store.keep_call(number, invocation),
        Ok(_) => {}
        // The store reports the trap, and names this call among others.
        Err(_) => store.strand(resolver),
    }
}
