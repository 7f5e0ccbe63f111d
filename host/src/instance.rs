//! [`Instance`], its exported functions, and the [`Promise`] a call gives.

use crate::backend::{self, Job};
use crate::cx::{Cx, Waiting};
use crate::engine::Component;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::val::Val;
use crate::value::NamedList;
use anyhow::anyhow;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What an instance exports, by full names.
#[derive(Default)]
pub(crate) struct Exports {
    pub(crate) functions: BTreeMap<String, backend::Func>,
    /// The resource types, for others to import. Only native instances can be linked one by one.
    #[cfg(feature = "native")]
    pub(crate) resources: BTreeMap<String, crate::native::ResourceTypeId>,
}

/// An instance of a component. Clones are handles on the same instance.
#[derive(Clone)]
pub struct Instance {
    pub(crate) component: Arc<str>,
    pub(crate) exports: Arc<Exports>,
    pub(crate) cx: Cx,
}

impl Instance {
    pub(crate) fn new(component: &Component, exports: Exports, cx: Cx) -> Self {
        Self {
            component: component.name.clone(),
            exports: Arc::new(exports),
            cx,
        }
    }

    /// The exported function `name`: `ns:pkg/iface#f` or `ns:pkg/iface@1.2.3#f` of an interface, or `f` of the world. The
    /// version may be left out when only one is exported.
    ///
    /// # Errors
    /// When nothing of that name is exported; the error lists what is.
    pub fn func(&self, name: &str) -> Result<Func> {
        let functions = &self.exports.functions;
        let found = match functions.get_key_value(name) {
            Some(found) => Some(found),
            None => {
                let mut candidates = functions.iter().filter(|(exported, _)| unversioned(exported) == name);
                candidates.next().filter(|_| candidates.next().is_none())
            }
        };
        let (name, function) = found.ok_or_else(|| self.unknown(name))?;
        Ok(Func {
            function: function.clone(),
            path: format!("{}: {name}", self.component).into(),
            cx: self.cx.clone(),
        })
    }

    /// The exported function `name`, to be called with Rust types. Whether they fit is checked when it is called.
    ///
    /// # Errors
    /// As [`Instance::func`].
    pub fn typed_func<P: NamedList, R: NamedList>(&self, name: &str) -> Result<TypedFunc<P, R>> {
        Ok(self.func(name)?.typed())
    }

    /// The names of the exported functions.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.exports.functions.keys().map(String::as_str)
    }

    fn unknown(&self, name: &str) -> Error {
        let exported = self.functions().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let exported = if exported.is_empty() {
            "no functions".to_owned()
        } else {
            exported.join(", ")
        };
        anyhow!(
            "component `{}` exports no function `{name}`; it exports {exported}",
            self.component
        )
    }
}

/// The name of an exported function without the version of its interface.
fn unversioned(name: &str) -> String {
    match name.split_once('@') {
        Some((interface, rest)) => match rest.split_once('#') {
            Some((_, function)) => format!("{interface}#{function}"),
            None => interface.to_owned(),
        },
        None => name.to_owned(),
    }
}

/// An exported function, called with [`Val`]s.
#[derive(Clone)]
pub struct Func {
    function: backend::Func,
    pub(crate) path: Arc<str>,
    cx: Cx,
}

impl Func {
    /// The same function, called with Rust types. Whether they fit is checked when it is called.
    pub fn typed<P: NamedList, R: NamedList>(self) -> TypedFunc<P, R> {
        TypedFunc {
            func: self,
            _types: PhantomData,
        }
    }

    /// Calls the function. The call starts when the store runs, in the order the calls were made, and goes on whether or
    /// not the promise is kept. The promise gives the function's result, if it has one.
    pub fn call_concurrent(&self, cx: &Cx, params: Vec<Val>) -> Promise<Option<Val>> {
        let (promise, resolver) = self.begin(cx);
        if let Some(resolver) = self.in_its_store(cx, resolver) {
            cx.push(match &self.function {
                #[cfg(feature = "wasmtime")]
                backend::Func::Wasmtime(func) => {
                    Job::Wasmtime(crate::wasmtime::calls::dynamic(*func, params, resolver))
                }
                #[cfg(feature = "native")]
                backend::Func::Native(func) => Job::Native(crate::native::calls::dynamic(*func, params, resolver)),
            });
        }
        promise
    }

    /// Calls the function and runs the store until it has returned.
    ///
    /// # Errors
    /// As awaiting the promise of [`Func::call_concurrent`], and as [`Store::run_concurrent`].
    pub async fn call(&self, store: &mut Store, params: Vec<Val>) -> Result<Option<Val>> {
        self.call_concurrent(&store.cx(), params).get(store).await
    }

    /// The resolver, unless the call is made in another store, which it then is resolved with.
    fn in_its_store<R>(&self, cx: &Cx, resolver: Resolver<R>) -> Option<Resolver<R>> {
        if self.cx.same_store(cx) {
            return Some(resolver);
        }
        resolver.resolve(Err(anyhow!("`{}` is called in another store than its own", self.path)));
        None
    }

    fn begin<R>(&self, cx: &Cx) -> (Promise<R>, Resolver<R>) {
        let (sender, receiver) = oneshot::channel();
        let entry = cx.enter(Waiting::Call, &self.path);
        #[cfg(feature = "native")]
        let number = entry.number();
        let resolver = Resolver {
            sender,
            path: self.path.clone(),
            entry,
            #[cfg(feature = "wasmtime")]
            cx: cx.clone(),
        };
        (
            Promise {
                receiver: Receiver::Call(receiver),
                path: self.path.clone(),
                #[cfg(feature = "native")]
                call: matches!(self.function, backend::Func::Native(_)).then(|| (cx.clone(), number)),
            },
            resolver,
        )
    }
}

/// An exported function, called with Rust types: `P` and `R` are tuples, `R` empty or of one.
pub struct TypedFunc<P, R> {
    func: Func,
    _types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        Self {
            func: self.func.clone(),
            _types: PhantomData,
        }
    }
}

impl<P: NamedList, R: NamedList> TypedFunc<P, R> {
    /// Calls the function; see [`Func::call_concurrent`].
    pub fn call_concurrent(&self, cx: &Cx, params: P) -> Promise<R> {
        let (promise, resolver) = self.func.begin(cx);
        if let Some(resolver) = self.func.in_its_store(cx, resolver) {
            cx.push(match &self.func.function {
                #[cfg(feature = "wasmtime")]
                backend::Func::Wasmtime(func) => Job::Wasmtime(crate::wasmtime::calls::typed(*func, params, resolver)),
                #[cfg(feature = "native")]
                backend::Func::Native(func) => Job::Native(crate::native::calls::typed(*func, params, resolver)),
            });
        }
        promise
    }

    /// Calls the function and runs the store until it has returned.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub async fn call(&self, store: &mut Store, params: P) -> Result<R> {
        self.call_concurrent(&store.cx(), params).get(store).await
    }
}

/// What resolves a promise, and takes the call out of the ledger when it does.
pub(crate) struct Resolver<R> {
    sender: oneshot::Sender<Result<R>>,
    /// The function that was called.
    pub(crate) path: Arc<str>,
    #[cfg_attr(
        not(feature = "native"),
        expect(dead_code, reason = "it strikes itself out when it is dropped")
    )]
    entry: crate::cx::Entry,
    #[cfg(feature = "wasmtime")]
    pub(crate) cx: Cx,
}

impl<R> Resolver<R> {
    /// Tells the calls of a store apart.
    #[cfg(feature = "native")]
    pub(crate) fn number(&self) -> u64 {
        self.entry.number()
    }

    pub(crate) fn resolve(self, result: Result<R>) {
        // Nobody waits any more when the promise was dropped, which it may be.
        let _ = self.sender.send(result);
    }
}

/// The result of a call that was made and may not have returned. It makes progress only while the store runs.
///
/// # Errors
/// Awaiting it fails when the parameters or the result do not fit the function, or when the store goes away or traps first.
#[must_use = "a promise gives its result, and its error, only to whoever awaits it"]
pub struct Promise<R> {
    receiver: Receiver<R>,
    path: Arc<str>,
    /// The store and the number of the call, if it can be cancelled.
    #[cfg(feature = "native")]
    call: Option<(Cx, u64)>,
}

/// Where the result comes from.
enum Receiver<R> {
    Call(oneshot::Receiver<Result<R>>),
    /// From a result list.
    List(BoxFuture<'static, Result<R>>),
}

impl<R: Send + 'static> Promise<(R,)> {
    /// The same, of the result by itself and not in a list.
    pub fn single(self) -> Promise<R> {
        Promise {
            path: self.path.clone(),
            #[cfg(feature = "native")]
            call: self.call.clone(),
            receiver: Receiver::List(Box::pin(async { self.await.map(|(result,)| result) })),
        }
    }
}

impl<R> Promise<R> {
    /// Asks the callee, when the store runs next, to give the call up. It may return a result all the same; if it does not,
    /// awaiting the promise fails with [`Cancelled`](crate::Cancelled). Calls on Wasmtime cannot be cancelled, and go on.
    pub fn cancel(&self) {
        #[cfg(feature = "native")]
        if let Some((cx, number)) = self.call.clone() {
            cx.push(Job::Native(Box::new(move |store: &crate::native::NativeStore| {
                store.cancel_call(number);
            })));
        }
    }

    /// Runs the store until the call has returned.
    ///
    /// # Errors
    /// Those of the call, and as [`Store::run_concurrent`].
    pub async fn get(self, store: &mut Store) -> Result<R> {
        store.run_concurrent(async |_| self.await).await
    }
}

impl<R> Future for Promise<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let receiver = match &mut self.receiver {
            Receiver::Call(receiver) => receiver,
            Receiver::List(result) => return result.as_mut().poll(cx),
        };
        let resolved = ready!(Pin::new(receiver).poll(cx));
        Poll::Ready(
            resolved.unwrap_or_else(|_| Err(anyhow!("`{}` did not return: its store ended or trapped", self.path))),
        )
    }
}

macro_rules! named_debug {
    ($(<$($param:ident),*> $name:ty, $self:ident => $path:expr;)*) => {$(
        impl<$($param),*> std::fmt::Debug for $name {
            fn fmt(&$self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), $path)
            }
        }
    )*};
}
named_debug! {
    <> Instance, self => self.component;
    <> Func, self => self.path;
    <P, R> TypedFunc<P, R>, self => self.func.path;
    <R> Promise<R>, self => self.path;
}
