//! [`Table`]: the handles of one instance.
//!
//! All kinds of handles share one table. Index 0 is never used, and an index that became free is the first to be used again:
//! the order is part of the specification, and guests that keep stale indices meet their next owner at once.

use super::copy::CopyEnd;
use super::errctx::ErrorContext;
use super::resource::ResourceHandle;
use super::subtask::Subtask;
use super::trap::{Result, Rule, Trap, trap_if};
use super::waitable::WaitableSet;
use std::rc::Rc;

/// The largest index.
const MAX: usize = (1 << 28) - 1;

/// What a handle stands for.
#[derive(Clone)]
pub(crate) enum Entry {
    Resource(Rc<ResourceHandle>),
    Subtask(Rc<Subtask>),
    End(Rc<CopyEnd>),
    Set(Rc<WaitableSet>),
    ErrorContext(Rc<ErrorContext>),
}

impl Entry {
    /// The kind, with its article, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Entry::Resource(handle) if handle.is_own() => "an own handle",
            Entry::Resource(_) => "a borrow handle",
            Entry::Subtask(_) => "a subtask",
            Entry::End(end) => end.kind().with_article(),
            Entry::Set(_) => "a waitable set",
            Entry::ErrorContext(_) => "an error context",
        }
    }
}

/// The handles of an instance.
pub(crate) struct Table {
    /// Index 0 is at place 0 and always empty, once anything was added.
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// What each free index stood for.
    kinds: Vec<&'static str>,
    /// How often an index was given to a handle of another kind than before.
    reused: u64,
    /// The largest index that may be used.
    largest: usize,
}

impl Default for Table {
    fn default() -> Table {
        Table {
            entries: Vec::new(),
            free: Vec::new(),
            kinds: Vec::new(),
            reused: 0,
            largest: MAX,
        }
    }
}

impl Table {
    /// Lets no index be larger than `largest`: 2^28 handles are more than a test can make.
    #[cfg(all(test, feature = "native"))]
    pub(crate) fn limit(&mut self, largest: usize) {
        self.largest = largest;
    }

    pub(crate) fn get(&self, index: u32) -> Result<&Entry> {
        match self.entries.get(index as usize) {
            Some(Some(entry)) => Ok(entry),
            _ => Err(Trap::new(Rule::UnknownHandle).about(index)),
        }
    }

    pub(crate) fn add(&mut self, entry: Entry) -> Result<u32> {
        if let (Some(index), Some(kind)) = (self.free.pop(), self.kinds.pop()) {
            self.reused += u64::from(kind != entry.kind());
            self.entries[index as usize] = Some(entry);
            return Ok(index);
        }
        if self.entries.is_empty() {
            self.entries.push(None);
        }
        trap_if(self.entries.len() > self.largest, Rule::HandleTableFull)?;
        self.entries.push(Some(entry));
        Ok((self.entries.len() - 1) as u32)
    }

    pub(crate) fn remove(&mut self, index: u32) -> Result<Entry> {
        let entry = self.entries.get_mut(index as usize).and_then(Option::take);
        let entry = entry.ok_or_else(|| Trap::new(Rule::UnknownHandle).about(index))?;
        self.free.push(index);
        self.kinds.push(entry.kind());
        Ok(entry)
    }

    /// How often an index was given to a handle of another kind than the one it stood for before.
    pub(crate) fn reused(&self) -> u64 {
        self.reused
    }

    /// All handles in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        let numbered = self.entries.iter().enumerate();
        numbered.filter_map(|(index, entry)| Some((index as u32, entry.as_ref()?)))
    }
}
