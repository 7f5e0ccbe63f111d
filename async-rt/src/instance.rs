//! The state of one component instance, of which who waits for which waitable is the largest part.
//!
//! Waitables are numbered by the host from a small dense range that it reuses last in, first out, so the table is
//! indexed by the number itself: constant time for every event, however many operations are in flight. Pages keep the
//! addresses of slots stable and make a stray large number cheap. The first page is always there, and is found at once: most
//! components never have more waitables.

use crate::cabi;
use crate::future::Unattended;
use crate::pool;
use crate::rt::error_context::Retired;
use crate::sys;
use crate::task::Task;
use crate::task::local::Links;
use crate::waitable::Op;
use alloc::alloc::Layout;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr;

/// Slots on one page.
const PAGE: usize = 64;

/// Slots next to one another.
pub(crate) struct Page([Slot; PAGE]);

impl Page {
    pub(crate) const fn empty() -> Page {
        Page([const { Slot::empty() }; PAGE])
    }
}

/// Everything the runtime keeps for one component instance. On wasm there is one, in a static; a native host keeps one
/// for each instance.
#[allow(unreachable_pub, reason = "only native hosts get to see it")]
pub struct Instance {
    pub(crate) local: sys::Local,
    /// Where the pages are. The first is not among them.
    directory: Cell<*mut *mut Slot>,
    pages: Cell<usize>,
    pub(crate) retired: Retired,
    pub(crate) unattended: Unattended,
    pub(crate) locals: Links,
}

/// Who waits for one waitable.
pub(crate) struct Slot {
    /// The task in whose set the waitable is, or null when the slot is free.
    pub(crate) task: Cell<*const Task>,
    /// Whom to tell of an event.
    pub(crate) listener: Cell<Listener>,
}

/// Whom to tell of an event.
#[derive(Clone, Copy)]
pub(crate) enum Listener {
    /// An operation of ours.
    Op(*const Op),
    /// An operation of ours, and the task stays until the event has come.
    Holding(*const Op),
    /// What a foreign runtime passed. It expects to be registered no longer by then, and the task stays until then.
    Foreign(cabi::Callback, *mut c_void),
}

impl Slot {
    const fn empty() -> Slot {
        Slot {
            task: Cell::new(ptr::null()),
            listener: Cell::new(Listener::Op(ptr::null())),
        }
    }
}

impl Instance {
    pub(crate) const fn with(local: sys::Local) -> Instance {
        Instance {
            local,
            directory: Cell::new(ptr::null_mut()),
            pages: Cell::new(0),
            retired: Retired::new(),
            unattended: Unattended::new(),
            locals: Links::new(),
        }
    }

    /// The slot of `waitable`, if its page exists.
    #[inline(always)]
    pub(crate) fn slot(&self, waitable: u32) -> Option<&Slot> {
        let waitable = waitable as usize;
        if let Some(slot) = self.local.first_page().0.get(waitable) {
            return Some(slot);
        }
        self.slot_on_page(waitable)
    }

    /// As `slot`, for one that is not on the first page.
    #[inline(always)]
    fn slot_on_page(&self, waitable: usize) -> Option<&Slot> {
        if waitable / PAGE >= self.pages.get() {
            return None;
        }
        // SAFETY: the directory has `pages` entries, each null or a live page, and pages live as long as `self`.
        unsafe {
            let page = *self.directory.get().add(waitable / PAGE);
            if page.is_null() {
                None
            } else {
                Some(&*page.add(waitable % PAGE))
            }
        }
    }

    /// As `slot`, where it does not matter how long that takes.
    #[inline(never)]
    pub(crate) fn slot_seldom(&self, waitable: u32) -> Option<&Slot> {
        self.slot(waitable)
    }

    /// The slot of `waitable`, making room for it.
    #[inline(always)]
    pub(crate) fn slot_or_new(&self, waitable: u32) -> &Slot {
        match self.slot(waitable) {
            Some(slot) => slot,
            None => self.new_slot(waitable),
        }
    }

    #[cold]
    #[inline(never)]
    fn new_slot(&self, waitable: u32) -> &Slot {
        let index = waitable as usize / PAGE;
        if index >= self.pages.get() {
            self.grow(index + 1);
        }
        let page = pool::raw_alloc(Layout::new::<Page>()).cast::<Slot>();
        // SAFETY: `grow` made the directory long enough; the page is fresh and every slot of it is written.
        unsafe {
            for slot in 0..PAGE {
                page.add(slot).write(Slot::empty());
            }
            *self.directory.get().add(index) = page;
            &*page.add(waitable as usize % PAGE)
        }
    }

    #[cold]
    fn grow(&self, needed: usize) {
        let old = self.pages.get();
        let new = needed.max(old * 2).max(4);
        let Ok(layout) = Layout::array::<*mut Slot>(new) else {
            sys::out_of_memory()
        };
        let directory = pool::raw_alloc(layout).cast::<*mut Slot>();
        // SAFETY: the new directory is longer than the old one; every entry is written.
        unsafe {
            for index in 0..new {
                directory.add(index).write(if index < old {
                    *self.directory.get().add(index)
                } else {
                    ptr::null_mut()
                });
            }
        }
        self.free_directory();
        self.directory.set(directory);
        self.pages.set(new);
    }

    fn free_directory(&self) {
        if let Ok(layout) = Layout::array::<*mut Slot>(self.pages.get())
            && layout.size() != 0
        {
            // SAFETY: `grow` allocated it with this layout and it is replaced or dropped right after.
            unsafe { alloc::alloc::dealloc(self.directory.get().cast(), layout) }
        }
    }

    /// Calls `visit` for every slot that belongs to `task`.
    pub(crate) fn each_slot_of(&self, task: *const Task, mut visit: impl FnMut(u32, &Slot)) {
        for waitable in 0..self.pages.get().max(1) * PAGE {
            if let Some(slot) = self.slot_seldom(waitable as u32)
                && ptr::eq(slot.task.get(), task)
            {
                visit(waitable as u32, slot);
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        for index in 0..self.pages.get() {
            // SAFETY: as in `slot`; slots need no drop.
            unsafe {
                let page = *self.directory.get().add(index);
                if !page.is_null() {
                    alloc::alloc::dealloc(page.cast(), Layout::new::<Page>());
                }
            }
        }
        self.free_directory();
    }
}
