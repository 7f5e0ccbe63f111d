//! One operation the host may answer later: a call, a copy, a background write.
//!
//! An [`Op`] is embedded in a heap block of its owner and registered with the task that is current when somebody
//! waits for it. Where it is registered is private state with these transitions:
//!
//! * *nowhere* → *ours*: `register` under a task of this crate. The waitable joins the task's set and stays in it when
//!   events are delivered, so an end that blocks again needs no second join.
//! * *nowhere* → *foreign*: `register` under another runtime's task. Delivery removes it there: back to *nowhere*.
//! * anything → *nowhere*: `unregister` (the waitable lives on: before a cancel or a transfer), or `release` (its
//!   handle is about to be dropped, which takes it out of its set), or the task exits.
//!
//! An op that is registered is never freed (rule 4).

use crate::abi::BLOCKED;
use crate::cabi::{self, Current};
use crate::sys::{self, InstanceId, builtins};
use crate::task;
use core::cell::Cell;
use core::ffi::c_void;
use core::task::Waker;

/// Where an op is registered.
#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    Ours,
    /// With a task of version 1, which cannot be kept: the current one is assumed to be it.
    ForeignV1,
    /// With a task of version 2 or later, and our own clone of it.
    Foreign(*mut c_void, *const cabi::Vtable),
}

/// What an operation in flight consists of, whatever it is about.
pub(crate) struct Op {
    handle: Cell<u32>,
    answer: Cell<u32>,
    waker: Cell<Option<Waker>>,
    place: Cell<Place>,
    on_event: unsafe fn(*const Op, u32),
    instance: InstanceId,
}

impl Op {
    /// An op of the current instance. `on_event` is called with each event, with the op's address.
    pub(crate) fn new(handle: u32, on_event: unsafe fn(*const Op, u32)) -> Op {
        Op {
            handle: Cell::new(handle),
            answer: Cell::new(BLOCKED),
            waker: Cell::new(None),
            place: Cell::new(Place::Nowhere),
            on_event,
            instance: InstanceId::current(),
        }
    }

    pub(crate) fn handle(&self) -> u32 {
        self.handle.get()
    }

    pub(crate) fn set_handle(&self, handle: u32) {
        self.handle.set(handle);
    }

    /// The instance the op belongs to.
    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    /// Notes the final answer and wakes whoever waits.
    pub(crate) fn answer(&self, code: u32) {
        self.answer.set(code);
        self.wake();
    }

    /// Wakes whoever waits.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The final answer, if it has come. It is handed out once.
    pub(crate) fn take_answer(&self) -> Option<u32> {
        let code = self.answer.replace(BLOCKED);
        if code == BLOCKED { None } else { Some(code) }
    }

    /// Whether no task knows of this op.
    pub(crate) fn is_nowhere(&self) -> bool {
        matches!(self.place.get(), Place::Nowhere)
    }

    /// Notes that the task the op was registered with has let it go.
    pub(crate) fn forgotten_by_task(&self) {
        self.place.set(Place::Nowhere);
    }

    /// Stores the waker for the next answer.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let old = self.waker.take();
        self.waker.set(Some(match old {
            Some(old) if old.will_wake(waker) => old,
            _ => waker.clone(),
        }));
    }

    /// Calls the event function.
    ///
    /// # Safety
    ///
    /// `this` is a live op and the pointer covers its whole block.
    pub(crate) unsafe fn event(this: *const Op, code: u32) {
        // SAFETY: promised by the caller.
        unsafe { ((*this).on_event)(this, code) }
    }

    /// Registers with the current task. With `holds`, the task stays until the answer has come.
    ///
    /// # Safety
    ///
    /// `this` is a live op, the pointer covers its whole block, and the block is not freed before `unregister`,
    /// `release` or, for a foreign task, the event.
    pub(crate) unsafe fn register(this: *const Op, holds: bool) {
        // SAFETY: live by the caller's promise; only cells are used.
        let op = unsafe { &*this };
        match cabi::current() {
            Current::None => no_task(),
            Current::Ours(current) => {
                if !matches!(op.place.get(), Place::Ours) {
                    op.unregister();
                }
                // SAFETY: a current task is alive; the op lives as the caller promises.
                unsafe { task::join(current, op.handle.get(), this.cast_mut().cast(), None, holds) };
                op.place.set(Place::Ours);
            }
            // SAFETY: the task is published, hence valid (rule 9); the op as above.
            Current::Foreign(task, vtable) => unsafe { Op::register_foreign(this, task, vtable) },
        }
    }

    /// # Safety
    ///
    /// As for `register`; `task` is the published task and `vtable` its table, if it has one.
    unsafe fn register_foreign(this: *const Op, task: *const cabi::Task, vtable: *const cabi::Vtable) {
        // SAFETY: rule 9 for the task, the caller's promise for the op.
        unsafe {
            let op = &*this;
            let ptr = (*task).ptr;
            match op.place.get() {
                Place::Foreign(clone, known) if clone == ptr && core::ptr::eq(known, vtable) => return,
                Place::ForeignV1 if vtable.is_null() => {}
                _ => op.unregister(),
            }
            if vtable.is_null() {
                op.place.set(Place::ForeignV1);
            } else {
                op.place.set(Place::Foreign(((*vtable).clone)(ptr), vtable));
            }
            ((*task).register)(ptr, op.handle.get(), foreign_event, this.cast_mut().cast());
        }
    }

    /// Takes the waitable out of its task and set. It may then be cancelled, passed on or registered elsewhere.
    pub(crate) fn unregister(&self) {
        match self.place.replace(Place::Nowhere) {
            Place::Nowhere => {}
            Place::Ours => task::leave(self.handle.get()),
            Place::ForeignV1 => match cabi::current() {
                // SAFETY: rule 9: a task of version 1 is valid for as long as the task runs that we registered with.
                Current::Foreign(task, _) => unsafe {
                    ((*task).unregister)((*task).ptr, self.handle.get());
                },
                // SAFETY: the handle is ours and in no set that is waited for synchronously.
                _ => unsafe { builtins::waitable_join(self.handle.get(), 0) },
            },
            Place::Foreign(ptr, vtable) => {
                // SAFETY: rule 9: `ptr` is our own clone of that task and `vtable` its table.
                unsafe {
                    ((*vtable).unregister)(ptr, self.handle.get());
                    ((*vtable).drop)(ptr);
                }
            }
        }
    }

    /// As `unregister`, when the handle is dropped right after: that alone takes it out of a set of ours.
    pub(crate) fn release(&self) {
        if matches!(self.place.get(), Place::Ours) {
            self.place.set(Place::Nowhere);
            task::forget(self.handle.get());
        } else {
            self.unregister();
        }
    }
}

/// What a foreign task calls. It has already removed the registration.
unsafe extern "C" fn foreign_event(this: *mut c_void, code: u32) {
    let this = this.cast_const().cast::<Op>();
    // SAFETY: rule 4: a registered op is alive; `this` is the pointer given to `register`.
    unsafe {
        if let Place::Foreign(ptr, vtable) = (*this).place.replace(Place::Nowhere) {
            ((*vtable).drop)(ptr);
        }
        Op::event(this, code);
    }
}

/// Frees nothing and cancels nothing when the op's instance is not the current one: what belongs to an instance that is
/// gone is inert.
pub(crate) fn is_alive(instance: InstanceId) -> bool {
    sys::InstanceId::is_current(instance)
}

#[cold]
fn no_task() -> ! {
    panic!(
        "a call, stream or future has to wait for its peer, but no task is running here that could wait for it. \
         Await it in an asynchronous export, or inside `block_on`."
    )
}
