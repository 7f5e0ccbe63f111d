//! Where scenarios run, and what the test decides for the guest.
//!
//! Each runs natively under each profile and on Wasmtime, in a thread of its own, so that what a guest keeps in
//! `thread_local!`s begins anew. In the end a native guest must have given everything back. Under Miri, which is slow and knows no
//! Wasmtime, each runs under one profile.

#[cfg(not(miri))]
use crate::support::{Target, component};
use futures::StreamExt as _;
use futures::channel::{mpsc, oneshot};
use std::sync::{Arc, Mutex, OnceLock};
use witflow_host::canonical::Profile;
use witflow_host::{
    Component, Cx, Engine, Instance, Leak, Linker, NamedList, NativeOptions, Promise, Result, Store, ThreadLocals,
};

/// A call of `slow` that waits to be answered.
pub(crate) struct Call {
    pub(crate) x: u32,
    answer: oneshot::Sender<u32>,
}

impl Call {
    /// Answers with ten times the number.
    #[track_caller]
    pub(crate) fn answer(self) {
        let x = self.x;
        self.answer.send(10 * x).expect("the guest waits for it");
    }

    /// Answers a call whose guest may be gone.
    pub(crate) fn answer_anyone(self) {
        let x = self.x;
        let _ = self.answer.send(10 * x);
    }

    /// Waits until the guest has cancelled it.
    pub(crate) async fn cancelled(mut self) {
        self.answer.cancellation().await;
    }
}

/// A call of `slow-text`.
pub(crate) struct TextCall {
    pub(crate) params: (String, Vec<String>, u64),
    answer: oneshot::Sender<String>,
}

impl TextCall {
    #[track_caller]
    pub(crate) fn answer(self, text: &str) {
        self.answer.send(text.to_owned()).expect("the guest waits for it");
    }

    pub(crate) async fn cancelled(mut self) {
        self.answer.cancellation().await;
    }
}

/// What the guest calls.
pub(crate) struct Host {
    calls: mpsc::UnboundedReceiver<Call>,
    texts: mpsc::UnboundedReceiver<TextCall>,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Host {
    /// The next call of `slow`. If none comes, the store reports a deadlock.
    pub(crate) async fn call(&mut self) -> Call {
        self.calls.next().await.expect("the linker lives")
    }

    /// So many calls of `slow`.
    pub(crate) async fn calls(&mut self, count: usize) -> Vec<Call> {
        let mut calls = Vec::new();
        while calls.len() < count {
            calls.push(self.call().await);
        }
        calls
    }

    pub(crate) async fn text(&mut self) -> TextCall {
        self.texts.next().await.expect("the linker lives")
    }

    /// Whether the guest has called nothing that was not looked at.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.calls.try_recv().is_err() && self.texts.try_recv().is_err()
    }

    /// What the guest has noted since the last time.
    pub(crate) fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap())
    }

    fn define(linker: &mut Linker) -> Result<Host> {
        let ((call, calls), (text, texts)) = (mpsc::unbounded(), mpsc::unbounded());
        let notes = Arc::<Mutex<Vec<String>>>::default();
        let noted = notes.clone();
        let slow = move |_: Cx, (x,): (u32,)| {
            let (answer, answered) = oneshot::channel();
            let sent = call.unbounded_send(Call { x, answer });
            async move {
                sent?;
                Ok((answered.await?,))
            }
        };
        let slow_text = move |_: Cx, params: (String, Vec<String>, u64)| {
            let (answer, answered) = oneshot::channel();
            let sent = text.unbounded_send(TextCall { params, answer });
            async move {
                sent?;
                Ok((answered.await?,))
            }
        };
        linker
            .instance("test:scenarios/host")?
            .func_wrap_concurrent("slow", slow)?
            .func_wrap_concurrent("slow-text", slow_text)?
            .func_wrap("quick", |_, (x,): (u32,)| Ok((2 * x,)))?
            .func_wrap("plain", |_, (x,): (u32,)| Ok((2 * x,)))?
            .func_wrap("note", move |_, (line,): (String,)| {
                noted.lock().unwrap().push(line);
                Ok(())
            })?;
        Ok(Host { calls, texts, notes })
    }
}

/// A guest that runs.
pub(crate) struct Run {
    pub(crate) store: Store,
    guest: Instance,
    pub(crate) host: Host,
    /// Where that is.
    pub(crate) place: &'static str,
}

impl Run {
    fn new(engine: &Engine, component: &Component, place: &'static str) -> Result<Run> {
        let mut linker = Linker::new();
        #[cfg(not(miri))]
        linker.with_wasi(witflow_host::WasiOptions::new().inherit_stdio());
        let host = Host::define(&mut linker)?;
        let mut store = Store::new(engine);
        let guest = store.block_on(async |store| linker.instantiate(store, component).await)?;
        Ok(Run {
            store,
            guest,
            host,
            place,
        })
    }

    /// Calls an export, `calls#at-once` for example, when the store runs next.
    pub(crate) fn start<P: NamedList, R: NamedList>(&self, name: &str, params: P) -> Promise<R> {
        let function = self.guest.typed_func(&format!("test:scenarios/{name}"));
        let function = function.unwrap_or_else(|error| panic!("{error:#}"));
        function.call_concurrent(&self.store.cx(), params)
    }

    /// Runs the store beside `body`.
    pub(crate) async fn drive<R>(&mut self, body: impl AsyncFnOnce(&mut Host) -> Result<R>) -> Result<R> {
        let host = &mut self.host;
        self.store.run_concurrent(async |_| body(host).await).await
    }

    /// Calls an export that needs no answers.
    pub(crate) async fn call<P: NamedList, R: NamedList>(&mut self, name: &str, params: P) -> Result<R> {
        let call = self.start(name, params);
        call.get(&mut self.store).await
    }
}

fn native(profile: Profile) -> Result<(Engine, Component)> {
    let mut options = NativeOptions::default();
    options.profile = profile;
    if cfg!(miri) {
        // A guest's tasks are threads there. Apart from the other guest they take the same one, one after the other.
        options.thread_locals = ThreadLocals::PerInstance;
    }
    Ok((Engine::native_with(options), linked()?))
}

/// Both guests as they are linked into this test. Reading what they say of their worlds takes Miri half a minute.
fn linked() -> Result<Component> {
    static COMPOSED: OnceLock<Component> = OnceLock::new();
    if let Some(composed) = COMPOSED.get() {
        return Ok(composed.clone());
    }
    let guest = Component::native::<scenarios::Scenarios>("scenarios")?;
    let peer = Component::native::<scenarios_peer::Peer>("peer")?;
    let composed = Component::compose(&guest, &[&peer])?;
    Ok(COMPOSED.get_or_init(|| composed).clone())
}

#[cfg(not(miri))]
fn wasmtime() -> Result<(Engine, Component)> {
    static COMPOSED: OnceLock<(Engine, Component)> = OnceLock::new();
    if let Some(composed) = COMPOSED.get() {
        return Ok(composed.clone());
    }
    let engine = Engine::new()?;
    let guest = Component::named(&engine, "scenarios", &component("scenarios", Target::Wasip2))?;
    let peer = Component::named(&engine, "peer", &component("scenarios-peer", Target::Wasip2))?;
    let composed = Component::compose(&guest, &[&peer])?;
    Ok(COMPOSED.get_or_init(|| (engine, composed)).clone())
}

/// Runs a scenario everywhere.
#[track_caller]
pub(crate) fn everywhere(test: impl AsyncFn(&mut Run) -> Result<()> + Sync) {
    everywhere_leaving(&[], test);
}

/// Runs a scenario everywhere; natively, it leaves behind what is named by parts of the report's lines. Memory is not known there
/// under Miri.
#[track_caller]
pub(crate) fn everywhere_leaving(leaks: &[&str], test: impl AsyncFn(&mut Run) -> Result<()> + Sync) {
    let leaks = if cfg!(miri) { &[] } else { leaks };
    let profiles = if cfg!(miri) {
        &Profile::ALL[..1]
    } else {
        &Profile::ALL[..]
    };
    for profile in profiles {
        in_place(profile.name, leaks, &test, || native(*profile));
    }
    #[cfg(not(miri))]
    in_place("wasmtime", &[], &test, wasmtime);
}

fn in_place(
    place: &'static str,
    leaks: &[&str],
    test: &(impl AsyncFn(&mut Run) -> Result<()> + Sync),
    guest: impl FnOnce() -> Result<(Engine, Component)> + Send,
) {
    let run = || {
        let (engine, component) = guest()?;
        let mut run = Run::new(&engine, &component, place)?;
        witflow_host::block_on(async {
            test(&mut run).await?;
            let finished = run.store.finish().await;
            compare(finished, leaks)
        })
    };
    let outcome = std::thread::scope(|scope| scope.spawn(run).join());
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{place}: {error:#}"),
        Err(payload) => {
            println!("this was {place}");
            std::panic::resume_unwind(payload)
        }
    }
}

/// Compares what was left behind with what was expected.
fn compare(finished: Result<()>, expected: &[&str]) -> Result<()> {
    let left = match finished {
        Ok(()) => Vec::new(),
        Err(error) => error.downcast::<Leak>()?.leaks,
    };
    let fits = left.len() == expected.len() && left.iter().zip(expected).all(|(left, part)| left.contains(part));
    assert!(fits, "left behind: {left:#?}, expected: {expected:#?}");
    Ok(())
}
