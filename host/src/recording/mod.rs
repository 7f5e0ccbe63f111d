//! [`Recording`]: what a component on Wasmtime does, as a trace like those of native guests.
//!
//! Wasmtime shows nobody what a guest asks of it. So a component is changed before it is compiled: between its core module and the
//! functions that this imports and exports there are shims, core modules that tell the host of each call, by an import of their
//! own, and then do it. The guest's own code is as it was.
//!
//! ```text
//!                 ┌── event ◄── of the host
//!   canon … ──► shim ──► main module ──► shim ──► canon lift
//! ```
//!
//! A task is known by the value its runtime keeps in context slot 0: the start of a task is followed by that value, a callback begins with
//! it. What a task calls is the call of whoever runs in the instance; a shim remembers that around calls that block.
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | reads a component: where the shims go, and what they wrap |
//! | `shim` | makes their code |
//! | `rewrite` | puts them in |
//! | `names` | how core functions are called in traces |
//! | `events` | takes in what shims tell |

mod events;
mod names;
mod plan;
mod rewrite;
mod shim;

use crate::engine::{Component, Engine};
use crate::error::Result;
use crate::explore::Trace;
use crate::linker::Linker;
use anyhow::Context as _;
use events::Events;
use std::sync::{Arc, Mutex, PoisonError};

/// The interface that shims import.
const INTERFACE: &str = "witflow:recording/events";
/// Its function.
const EVENT: &str = "event";

/// Records what components on Wasmtime do.
///
/// ```no_run
/// # async fn example() -> witflow_host::Result<()> {
/// use witflow_host::{Engine, Linker, Recording, Store};
///
/// let engine = Engine::new()?;
/// let recording = Recording::new();
/// let component = recording.component(&engine, "guest", &std::fs::read("guest.wasm")?)?;
/// let mut linker = Linker::new();
/// recording.listen(&mut linker)?;
/// let mut store = Store::new(&engine);
/// let guest = linker.instantiate(&mut store, &component).await?;
/// // … call what it exports, and then:
/// recording.trace().write("run.html", "what the guest did")?;
/// # Ok(())
/// # }
/// ```
///
/// Clones are of the same recording.
#[derive(Clone, Default)]
pub struct Recording(Arc<Mutex<Events>>);

impl Recording {
    /// Nothing, so far.
    pub fn new() -> Recording {
        Recording::default()
    }

    /// Compiles a component that tells what it does. Traces and errors name it `name`.
    ///
    /// # Errors
    /// As [`Component::named`]; and when the component has more than one core module with exports to call, as one that was composed of
    /// several has, or none.
    pub fn component(&self, engine: &Engine, name: &str, bytes: &[u8]) -> Result<Component> {
        let first = self.events().points();
        let plan = plan::read(bytes, first).with_context(|| format!("reading component `{name}`, to record it"))?;
        let with_shims = rewrite::rewrite(bytes, &plan)
            .with_context(|| format!("putting shims into component `{name}`, to record it"))?;
        let component = Component::named(engine, name, &with_shims)?;
        self.events().know(name, plan.points);
        Ok(component)
    }

    /// Defines what the shims import.
    ///
    /// # Errors
    /// When the linker defines it already, as for another recording.
    pub fn listen(&self, linker: &mut Linker) -> Result<()> {
        let recording = self.clone();
        linker
            .instance(INTERFACE)?
            .func_new_concurrent(EVENT, move |_, values| {
                let told = recording.events().take_in(&values);
                std::future::ready(told.map(Some))
            })?;
        Ok(())
    }

    /// What was recorded so far. Its steps are the turns of tasks.
    pub fn trace(&self) -> Trace {
        self.events().trace()
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}
