//! A clock that stands still until it is moved, so that nothing in a test takes time or depends on it.

use std::sync::{Arc, Mutex};

use futures::channel::oneshot;
use witflow_host::{Linker, Result};

/// `wasi:clocks/monotonic-clock` of a test. Clones are the same clock.
#[derive(Clone, Default)]
pub struct Clock(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: u64,
    sleepers: Vec<(u64, oneshot::Sender<()>)>,
    /// Who waits until there are as many sleepers.
    watchers: Vec<(usize, oneshot::Sender<()>)>,
}

impl State {
    /// Forgets those who gave up, and tells those who wait for others.
    fn count(&mut self) {
        self.sleepers.retain(|(_, sleeper)| !sleeper.is_canceled());
        let asleep = self.sleepers.len();
        for (_, watcher) in self.watchers.extract_if(.., |(number, _)| *number <= asleep) {
            let _ = watcher.send(());
        }
    }
}

impl Clock {
    /// Defines the clock for guests.
    ///
    /// # Errors
    /// When it is defined already.
    pub fn define(&self, linker: &mut Linker) -> Result<()> {
        let mut monotonic = linker.instance("wasi:clocks/monotonic-clock@0.3.2")?;
        let clock = self.clone();
        monotonic.func_wrap_concurrent("wait-for", move |_, (nanoseconds,): (u64,)| {
            let clock = clock.clone();
            async move {
                clock.wait(nanoseconds).await;
                Ok(())
            }
        })?;
        Ok(())
    }

    /// Waits until the clock has moved on by this.
    pub async fn wait(&self, nanoseconds: u64) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.0.lock().unwrap();
            let until = state.now.saturating_add(nanoseconds);
            state.sleepers.push((until, sender));
            state.count();
        }
        receiver.await.expect("sleepers are kept until they are woken");
    }

    /// Waits until so many sleep.
    pub async fn asleep(&self, number: usize) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.0.lock().unwrap();
            state.watchers.push((number, sender));
            state.count();
        }
        receiver.await.expect("watchers are kept until they are told");
    }

    /// Moves the clock.
    pub fn advance(&self, nanoseconds: u64) {
        let mut state = self.0.lock().unwrap();
        state.now += nanoseconds;
        let now = state.now;
        for (_, sleeper) in state.sleepers.extract_if(.., |(until, _)| *until <= now) {
            // Who gave up needs no waking.
            let _ = sleeper.send(());
        }
    }
}
