//! One operation the host may answer later: a call, a copy, a background write.
//!
//! An [`Op`] is embedded in a heap block of its owner and registered with a task when somebody waits for it: the task of
//! the waker, when that is one of ours, or else the task that is current. Where it is registered is private state with
//! these transitions:
//!
//! * *nowhere* → *ours*: waited for in a task of this crate. The waitable joins the task's set and stays in it when
//!   events are delivered, so an end that blocks again needs no second join.
//! * *nowhere* → *foreign*: waited for under another runtime's task. Delivery removes it there: back to *nowhere*.
//! * anything → *nowhere*: `unregister` (takes the waitable out of its set), or `release` (leaves that to the drop of its
//!   handle, which follows), or the task exits.
//!
//! An op that is registered is never freed (rule 4).
//!
//! Dropping a handle takes it out of its set, says the specification, so `release` would do wherever a drop follows. Hosts
//! are known that forget to do so for ends of streams and futures (jco 1.35), and then trap when the task drops its set. So
//! only calls are released, whose handles leave everywhere and of which there are most; an end is unregistered before it is
//! dropped. That is one built-in for an end that has ever waited, and nothing for another.
//!
//! Who waits is a waker, except that *root* is a place of its own: registered with a task of ours, whose root waits. Such
//! an op keeps no waker, since the task and its root are alive while the registration is. Whatever ends the registration
//! also ends that knowledge, and the root has to poll again.
//!
//! One op of those a root waits for is kept by the task itself, *alone*, and in no slot: the first that was nowhere before, while it is
//! registered. An end stays there between its reads and writes. So a root that does one thing after the other has its events compared
//! with one number, and no table is kept. From *alone* an op goes to *ours* when somebody else waits for it.

use crate::cabi::{self, Current};
use crate::instance::{Listener, Slot};
use crate::sys::{self, InstanceId, builtins};
use crate::task::{self, members, node};
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr;
use core::task::Waker;

/// Where an op is registered. The order makes one comparison of what is asked often.
#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    /// With a task of version 1, which cannot be kept: the current one is assumed to be it.
    ForeignV1,
    /// With a task of version 2 or later, and our own clone of it.
    Foreign(*mut c_void, *const cabi::Vtable),
    /// In this slot of the instance's table, which names a task of ours.
    Ours(*const Slot),
    /// The same, and it is the root of that task that waits. There is no waker.
    Root(*const Slot),
    /// In no slot: it is the one op that this task keeps itself, and it is its root that waits. There is no waker.
    Alone(*const task::Task),
}

/// What an operation in flight consists of, whatever it is about.
pub(crate) struct Op {
    handle: Cell<u32>,
    place: Cell<Place>,
    waiter: Waiter,
    on_event: OnEvent,
    instance: InstanceId,
}

/// Takes in an event; answers whether the root of the task that was registered with is to be polled. Whoever else waits
/// was woken.
pub(crate) type OnEvent = unsafe fn(*const Op, u32) -> bool;

impl Op {
    /// An op of the current instance. `on_event` is called with each event, with the op's address.
    #[inline]
    pub(crate) fn new(handle: u32, on_event: OnEvent) -> Op {
        Op {
            handle: Cell::new(handle),
            place: Cell::new(Place::Nowhere),
            waiter: Waiter::new(),
            on_event,
            instance: InstanceId::current(),
        }
    }

    /// Makes an op at `this`, and waits for its next event: as `new` and `wait` together.
    ///
    /// # Safety
    ///
    /// There is room for an op at the head of a block, which the pointer covers; otherwise as for `wait`.
    #[inline(always)]
    pub(crate) unsafe fn begin(this: *mut Op, handle: u32, on_event: OnEvent, waker: &Waker) {
        // SAFETY: promised by the caller. A waker's node is alive, and so is the task of one that is not done.
        unsafe {
            (&raw mut (*this).handle).write(Cell::new(handle));
            (&raw mut (*this).on_event).write(on_event);
            (&raw mut (*this).instance).write(InstanceId::current());
            (&raw mut (*this).waiter).write(Waiter::new());
            let node = node::of(waker);
            if let Some((node, task)) = node.and_then(|node| Some((node, (*node).live_task()?))) {
                if !ptr::eq(task.cast(), node) {
                    (&raw mut (*this).waiter).write(Waiter::of(node::new_waker(node)));
                    let slot = members::join(task, handle, Listener::Op(this));
                    (&raw mut (*this).place).write(Cell::new(Place::Ours(slot)));
                } else if members::join_alone(task, handle, this) {
                    (&raw mut (*this).place).write(Cell::new(Place::Alone(task)));
                } else {
                    Op::begin_in_slot(this, handle, task);
                }
            } else {
                (&raw mut (*this).place).write(Cell::new(Place::Nowhere));
                Op::wait_by_waker(this, waker);
            }
        }
    }

    /// Goes on with `begin`, for the root of a task that keeps another op itself.
    ///
    /// # Safety
    ///
    /// As for `begin`. All of the op is made but its place.
    #[inline(never)]
    unsafe fn begin_in_slot(this: *mut Op, handle: u32, task: *const task::Task) {
        // SAFETY: as in `begin`.
        unsafe {
            let slot = members::join(task, handle, Listener::Op(this));
            (&raw mut (*this).place).write(Cell::new(Place::Root(slot)));
        }
    }

    /// Makes an op at `this` that nobody waits for. If a task is running, that takes in events meanwhile.
    ///
    /// # Safety
    ///
    /// As for `begin`.
    #[inline(always)]
    pub(crate) unsafe fn begin_unawaited(this: *mut Op, handle: u32, on_event: OnEvent) {
        // SAFETY: promised by the caller; a current task is alive.
        unsafe {
            this.write(Op::new(handle, on_event));
            match cabi::current() {
                Current::Ours(task) => {
                    let slot = members::join(task, handle, Listener::Op(this));
                    (*this).place.set(Place::Ours(slot));
                }
                current => {
                    Op::register_with(this, current);
                }
            }
        }
    }

    #[inline]
    pub(crate) fn handle(&self) -> u32 {
        self.handle.get()
    }

    #[inline]
    pub(crate) fn set_handle(&self, handle: u32) {
        self.handle.set(handle);
    }

    /// The instance the op belongs to.
    #[inline]
    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    /// Wakes whoever waits, or answers that it is the root of the task.
    #[inline(always)]
    #[must_use = "somebody has to poll the root"]
    pub(crate) fn wake(&self) -> bool {
        if let Place::Root(_) | Place::Alone(_) = self.place.get() {
            return true;
        }
        self.waiter.wake();
        false
    }

    /// Lets go of whoever waits.
    pub(crate) fn wake_nobody(&self) {
        self.waiter.clear();
    }

    /// Whether no task knows of this op.
    pub(crate) fn is_nowhere(&self) -> bool {
        matches!(self.place.get(), Place::Nowhere)
    }

    /// Notes that the task the op was registered with has let it go.
    pub(crate) fn forgotten_by_task(&self) {
        self.place.set(Place::Nowhere);
    }

    /// Calls the event function, and answers as it does.
    ///
    /// # Safety
    ///
    /// `this` is a live op and the pointer covers its whole block.
    #[inline]
    pub(crate) unsafe fn event(this: *const Op, code: u32) -> bool {
        // SAFETY: promised by the caller.
        unsafe { ((*this).on_event)(this, code) }
    }

    /// Waits for the next event: stores who waits, and registers with its task.
    ///
    /// # Safety
    ///
    /// `this` is a live op, the pointer covers its whole block, and the block is not freed before `unregister`,
    /// `release` or, for a foreign task, the event.
    #[inline(always)]
    pub(crate) unsafe fn wait(this: *const Op, waker: &Waker) {
        // SAFETY: promised by the caller. A waker's node is alive, and so is the task of one that is not done.
        unsafe {
            let is_root_of = |task: *const task::Task| node::of(waker).is_some_and(|node| ptr::eq(node, task.cast()));
            match (*this).place.get() {
                Place::Alone(task) if is_root_of(task) => {}
                Place::Root(slot) if is_root_of((*slot).task.get()) => {}
                _ => Op::wait_anew(this, waker),
            }
        }
    }

    /// As `wait`, for an op that nobody waits for yet, or somebody else.
    ///
    /// # Safety
    ///
    /// As for `wait`.
    #[inline(never)]
    unsafe fn wait_anew(this: *const Op, waker: &Waker) {
        // SAFETY: as for `wait`.
        unsafe {
            if let Some(task) = node::of(waker).and_then(|node| (*node).task_of_root()) {
                (*this).waiter.clear();
                let place = match (*this).place.get() {
                    Place::Ours(slot) if ptr::eq((*slot).task.get(), task) => Place::Root(slot),
                    Place::Nowhere if members::join_alone(task, (*this).handle(), this) => Place::Alone(task),
                    _ => Place::Root(Op::register_ours(this, task)),
                };
                (*this).place.set(place);
            } else {
                Op::wait_by_waker(this, waker);
            }
        }
    }

    /// As `wait`, for who is not the root of a task of ours.
    ///
    /// # Safety
    ///
    /// As for `wait`.
    #[inline(never)]
    unsafe fn wait_by_waker(this: *const Op, waker: &Waker) {
        // SAFETY: as for `wait`.
        unsafe {
            (*this).waiter.set(waker);
            match node::of(waker).and_then(|node| (*node).live_task()) {
                Some(task) => {
                    let slot = Op::register_ours(this, task);
                    (*this).place.set(Place::Ours(slot));
                }
                None => Op::register_here(this),
            }
        }
    }

    /// Registers with the current task, which stays until the answer has come, with nobody waiting.
    ///
    /// # Safety
    ///
    /// As for `wait`.
    pub(crate) unsafe fn hold(this: *const Op) {
        // SAFETY: as for `wait`; the slot is that of the op.
        unsafe {
            Op::register_here(this);
            if let Place::Ours(slot) = (*this).place.get() {
                members::hold(&*slot);
            }
        }
    }

    /// Registers with the current task.
    ///
    /// # Safety
    ///
    /// As for `wait`.
    unsafe fn register_here(this: *const Op) {
        // SAFETY: promised by the caller.
        if !unsafe { Op::register_with(this, cabi::current()) } {
            no_task();
        }
    }

    /// Registers with the current task, and answers whether there is one.
    ///
    /// # Safety
    ///
    /// As for `wait`.
    #[inline(always)]
    unsafe fn register_with(this: *const Op, current: Current) -> bool {
        match current {
            Current::None => return false,
            // SAFETY: a current task is alive; the op lives as the caller promises.
            Current::Ours(current) => unsafe {
                let slot = Op::register_ours(this, current);
                (*this).place.set(Place::Ours(slot));
            },
            // SAFETY: the task is published, hence valid (rule 9); the op as above.
            Current::Foreign(task, vtable) => unsafe { Op::register_foreign(this, task, vtable) },
        }
        true
    }

    /// Registers with a task of ours, unless that has been done. The caller sets the place.
    ///
    /// # Safety
    ///
    /// As for `wait`; `task` is alive.
    unsafe fn register_ours(this: *const Op, task: *const task::Task) -> *const Slot {
        // SAFETY: promised by the caller; only cells are used.
        unsafe {
            match (*this).place.get() {
                Place::Ours(slot) | Place::Root(slot) if core::ptr::eq((*slot).task.get(), task) => return slot,
                Place::Nowhere | Place::Ours(_) | Place::Root(_) => {}
                // In the set of that task it stays, or leaves it for another.
                Place::Alone(old) => members::leave_alone(old),
                Place::ForeignV1 | Place::Foreign(..) => (*this).unregister(),
            }
            members::join(task, (*this).handle.get(), Listener::Op(this))
        }
    }

    /// # Safety
    ///
    /// As for `wait`; `task` is the published task and `vtable` its table, if it has one.
    #[cold]
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

    /// Takes the waitable out of its task and set. It may then be cancelled, passed on, dropped or registered elsewhere.
    pub(crate) fn unregister(&self) {
        match self.place.replace(Place::Nowhere) {
            Place::Nowhere => {}
            Place::Ours(slot) | Place::Root(slot) => {
                // SAFETY: the slot of a registered op is alive and names it; its handle is alive.
                unsafe {
                    members::vacate(&*slot);
                    builtins::waitable_join(self.handle.get(), 0);
                }
            }
            Place::Alone(task) => {
                // SAFETY: the task of a registered op is alive, and so is its handle.
                unsafe {
                    members::leave_alone(task);
                    builtins::waitable_join(self.handle.get(), 0);
                }
            }
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

    /// As `unregister`, and answers whether it is the root of the task that waited.
    #[must_use = "somebody has to poll the root"]
    pub(crate) fn leave(&self) -> bool {
        let root = matches!(self.place.get(), Place::Root(_) | Place::Alone(_));
        self.unregister();
        root
    }

    /// As `leave`, for a call whose handle is dropped right after: that alone takes it out of a set of ours. The op does not
    /// `hold` its task.
    #[inline(always)]
    #[must_use = "somebody has to poll the root"]
    pub(crate) fn release(&self) -> bool {
        let place = self.place.get();
        if let Place::Alone(task) = place {
            self.place.set(Place::Nowhere);
            // SAFETY: the task of a registered op is alive.
            unsafe { members::leave_alone(task) };
            true
        } else if let Place::Ours(slot) | Place::Root(slot) = place {
            self.place.set(Place::Nowhere);
            // SAFETY: the slot of a registered op is alive and names it.
            unsafe { members::vacate_op(&*slot) };
            matches!(place, Place::Root(_))
        } else {
            self.unregister();
            false
        }
    }
}

/// Who waits for an op. Wakers of our own nodes are handled without going through their table.
struct Waiter(Cell<Option<Waker>>);

impl Waiter {
    const fn new() -> Waiter {
        Waiter(Cell::new(None))
    }

    const fn of(waker: Waker) -> Waiter {
        Waiter(Cell::new(Some(waker)))
    }

    fn clear(&self) {
        drop(self.0.take());
    }

    /// Stores the waker, unless it is the one that is stored.
    #[inline(always)]
    fn set(&self, waker: &Waker) {
        // SAFETY: the reference ends before anything else is called (rule 3).
        if unsafe { (*self.0.as_ptr()).as_ref() }.is_some_and(|stored| stored.will_wake(waker)) {
            return;
        }
        drop(self.0.replace(Some(node::clone_waker(waker))));
    }

    #[inline(always)]
    fn wake(&self) {
        if let Some(waker) = self.0.take() {
            node::wake(waker);
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
        // The root of a foreign task is none of ours, and was woken by its waker.
        let _ = Op::event(this, code);
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
