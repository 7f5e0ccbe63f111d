//! [`Instance`]: one component instance: its handles, its tasks, and what may run in it.

use super::memory::{CoreVal, Memory};
use super::profile::Reentrance;
use super::resource::ResourceType;
use super::table::{Entry, Table};
use super::thread::Thread;
use super::trap::{Result, Rule, Trap};
use super::ty::ResourceIndex;
use super::waitable::{Member, WaitableSet};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

/// A function of core code.
pub type CoreFunc = Rc<dyn Fn(&[CoreVal]) -> Result<Option<CoreVal>>>;

/// `realloc`: old pointer, old size, alignment, new size.
pub type Realloc = Rc<dyn Fn(*mut u8, usize, usize, usize) -> Result<*mut u8>>;

/// How strings are encoded in a memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StringEncoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16, little-endian.
    Utf16,
    /// Latin-1, or UTF-16 where the top bit of the length is set.
    Latin1OrUtf16,
}

/// What lifting and lowering need of the core code of an instance.
#[derive(Clone)]
pub struct CoreParts {
    /// Its memory.
    pub memory: Rc<dyn Memory>,
    /// How it allocates.
    pub realloc: Realloc,
    /// How it encodes strings.
    pub encoding: StringEncoding,
}

/// A component instance.
pub struct Instance {
    id: u32,
    name: Rc<str>,
    core: RefCell<Option<CoreParts>>,
    handles: RefCell<Table>,
    /// How many of the first handles are nobody's.
    crowd: Cell<u32>,
    resources: RefCell<Vec<Option<Rc<ResourceType>>>>,
    /// The threads of tasks that have started and not exited.
    threads: RefCell<Vec<Rc<Thread>>>,
    /// False while core code of the instance runs and is not suspended.
    pub(crate) may_enter: Cell<bool>,
    /// False during `realloc` and post-return.
    pub(crate) may_leave: Cell<bool>,
    pub(crate) backpressure: Cell<u32>,
    pub(crate) waiting_to_enter: Cell<usize>,
    /// The task that no other exclusive task may run beside.
    pub(crate) exclusive: RefCell<Option<Rc<Thread>>>,
}

impl Instance {
    pub(crate) fn new(id: u32, name: &str) -> Rc<Instance> {
        Rc::new(Instance {
            id,
            name: name.into(),
            core: RefCell::new(None),
            handles: RefCell::default(),
            crowd: Cell::new(0),
            resources: RefCell::default(),
            threads: RefCell::default(),
            may_enter: Cell::new(true),
            may_leave: Cell::new(true),
            backpressure: Cell::new(0),
            waiting_to_enter: Cell::new(0),
            exclusive: RefCell::new(None),
        })
    }

    /// Its number in the store.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its name in reports.
    pub fn name(&self) -> &Rc<str> {
        &self.name
    }

    /// Gives the instance its core code.
    pub fn set_core(&self, parts: CoreParts) {
        self.core.replace(Some(parts));
    }

    pub(crate) fn core(&self) -> Result<CoreParts> {
        let missing = || Trap::new(Rule::HostContract).with("an instance without core code was asked for its memory");
        self.core.borrow().clone().ok_or_else(missing)
    }

    /// Drops everything that may refer back to this instance.
    pub(crate) fn forget_everything(&self) {
        for thread in self.threads.take() {
            thread.give_up();
        }
        self.exclusive.replace(None);
        let handles = self.handles.take();
        for (_, entry) in handles.iter() {
            match entry {
                Entry::Subtask(subtask) => Member::Subtask(subtask.clone()).join(None),
                Entry::End(end) => Member::End(end.clone()).join(None),
                Entry::Resource(_) | Entry::Set(_) | Entry::ErrorContext(_) => {}
            }
        }
        drop(handles);
        self.resources.take();
        self.core.replace(None);
    }

    /// Says which resource an index of this instance's types stands for.
    pub fn set_resource(&self, index: ResourceIndex, ty: Rc<ResourceType>) {
        let mut resources = self.resources.borrow_mut();
        let place = index.0 as usize;
        if resources.len() <= place {
            resources.resize(place + 1, None);
        }
        resources[place] = Some(ty);
    }

    /// The resource that `index` stands for.
    ///
    /// # Errors
    /// When none was set, which is the embedder's mistake.
    pub fn resource(&self, index: ResourceIndex) -> Result<Rc<ResourceType>> {
        let found = self.resources.borrow().get(index.0 as usize).cloned().flatten();
        found.ok_or_else(|| Trap::new(Rule::HostContract).with(format!("resource type {} is not defined", index.0)))
    }

    /// Lets the instance have fewer handles than the specification does.
    #[cfg(all(test, feature = "native"))]
    pub(crate) fn limit_handles(&self, most: usize) {
        self.handles.borrow_mut().limit(most);
    }

    pub(crate) fn add(&self, entry: Entry) -> Result<u32> {
        self.handles.borrow_mut().add(entry)
    }

    pub(crate) fn get(&self, index: u32) -> Result<Entry> {
        self.handles.borrow().get(index).cloned()
    }

    pub(crate) fn remove(&self, index: u32) -> Result<Entry> {
        self.handles.borrow_mut().remove(index)
    }

    /// The handles that are in use, each with what it stands for.
    pub fn live_handles(&self) -> Vec<(u32, &'static str)> {
        self.handles
            .borrow()
            .iter()
            .filter(|(index, _)| *index > self.crowd.get())
            .map(|(index, entry)| (index, entry.kind()))
            .collect()
    }

    /// Calls `visit` for each handle in order.
    pub(crate) fn each_handle(&self, mut visit: impl FnMut(u32, &Entry)) {
        let handles = self.handles.borrow();
        let own = handles.iter().filter(|(index, _)| *index > self.crowd.get());
        own.for_each(|(index, entry)| visit(index, entry));
    }

    /// Takes the first `count` indices for handles that nobody uses, as if something else in the instance had them.
    pub(crate) fn crowd(&self, count: u32) {
        let others = (0..count).try_for_each(|_| self.add(Entry::Set(WaitableSet::new())).map(drop));
        if others.is_ok() {
            self.crowd.set(count);
        }
    }

    /// How often a handle got the index of one of another kind.
    pub(crate) fn reused_indices(&self) -> u64 {
        self.handles.borrow().reused()
    }

    pub(crate) fn add_thread(&self, thread: &Rc<Thread>) {
        self.threads.borrow_mut().push(thread.clone());
    }

    pub(crate) fn remove_thread(&self, thread: &Rc<Thread>) {
        self.threads.borrow_mut().retain(|other| !Rc::ptr_eq(other, thread));
    }

    pub(crate) fn threads(&self) -> Vec<Rc<Thread>> {
        self.threads.borrow().clone()
    }

    /// Whether no task has the lock, or this one does not mind.
    pub(crate) fn is_free(&self) -> bool {
        self.exclusive.borrow().is_none()
    }

    pub(crate) fn is_exclusive(&self, thread: &Rc<Thread>) -> bool {
        self.exclusive
            .borrow()
            .as_ref()
            .is_some_and(|holder| Rc::ptr_eq(holder, thread))
    }

    /// Whether the code of `from`, or the host, may call in.
    pub(crate) fn may_enter_from(self: &Rc<Instance>, from: Option<&Rc<Instance>>, allowed: Reentrance) -> bool {
        let is_allowed = match (allowed, from) {
            (Reentrance::Always, _) | (Reentrance::FromGuests, Some(_)) => true,
            (Reentrance::Never, Some(from)) => Rc::ptr_eq(from, self),
            (_, None) => false,
        };
        self.may_enter.get() || is_allowed
    }

    /// Notes that control comes in, and gives what [`Instance::leave`] needs once it goes out again.
    pub(crate) fn enter(&self) -> bool {
        self.may_enter.replace(false)
    }

    /// The reverse of [`Instance::enter`]: the instance is as it was before.
    pub(crate) fn leave(&self, before: bool) {
        self.may_enter.set(before);
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instance {}", self.name)
    }
}
