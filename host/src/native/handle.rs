//! [`StoreHandle`]: keeps a native store on the thread that made it.
//!
//! A store and what is in it never leave their thread: they are in a thread-local table, and the handle, which may go
//! anywhere, is a number. On another thread it finds nothing, and says so.

use super::store::NativeStore;
use crate::cx::Cx;
use crate::engine::NativeOptions;
use crate::error::Result;
use anyhow::anyhow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::thread::{self, ThreadId};

thread_local! {
    static NEXT: Cell<u64> = const { Cell::new(0) };
    static STORES: RefCell<BTreeMap<u64, NativeStore>> = const { RefCell::new(BTreeMap::new()) };
}

/// A handle on a native store.
pub(crate) struct StoreHandle {
    thread: ThreadId,
    number: u64,
}

impl StoreHandle {
    /// A new store, on this thread.
    pub(crate) fn new(options: &NativeOptions, cx: &Cx) -> Self {
        let number = NEXT.get();
        NEXT.set(number + 1);
        let store = NativeStore::new(options, cx);
        STORES.with_borrow_mut(|stores| stores.insert(number, store));
        Self {
            thread: thread::current().id(),
            number,
        }
    }

    /// The store.
    ///
    /// # Errors
    /// On another thread than its own.
    pub(crate) fn get(&self) -> Result<NativeStore> {
        let store = self.find(|stores| stores.get(&self.number).cloned());
        store.ok_or_else(|| {
            let (own, here) = (self.thread, thread::current().id());
            anyhow!("a native store lives on the thread that made it, which is {own:?}; it was used on {here:?}")
        })
    }

    fn find<R>(&self, find: impl FnOnce(&mut BTreeMap<u64, NativeStore>) -> Option<R>) -> Option<R> {
        if thread::current().id() != self.thread {
            return None;
        }
        // While the thread ends, the table may be gone already, and the store with it.
        STORES.try_with(|stores| find(&mut stores.borrow_mut())).ok().flatten()
    }
}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        let store = self.find(|stores| stores.remove(&self.number));
        if let Some(store) = store {
            store.dispose();
        }
    }
}
