//! Other runtimes in the same component: ours waiting in their tasks, theirs waiting in ours.
//!
//! The structs here are written down from the interface's description, not taken from the crate.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays the other runtime, whose pointers are right"
)]

mod fake;

use fake::{Fake, Outcome};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use witflow_async_rt::async_support::{spawn, yield_now};
use witflow_async_rt::rt::{self, Call, CallVtable, call};
use witflow_async_rt::sys::native::set_current_task;

rt::import!("test", "[async-lower]call", fn import(argument: u32, result: *mut u8) -> u32);
rt::import!("test", "[task-return]run", fn task_return());
rt::import!("$root", "[waitable-set-new]", fn set_new() -> u32);
rt::import!("$root", "[waitable-set-drop]", fn set_drop(set: u32));
rt::import!("$root", "[waitable-join]", fn join(waitable: u32, set: u32));
rt::import!("$root", "[subtask-drop]", fn subtask_drop(subtask: u32));

static VTABLE: CallVtable<u32, u32> = CallVtable::new(
    4,
    |argument, area, _| unsafe { import(*argument, area) },
    |area| unsafe { area.cast::<u32>().read() },
);

type Callback = unsafe extern "C" fn(*mut c_void, u32);
type Register = unsafe extern "C" fn(*mut c_void, u32, Callback, *mut c_void) -> *mut c_void;
type Spawn = unsafe fn(*mut c_void, Box<dyn Future<Output = ()>>);
type Unregister = unsafe extern "C" fn(*mut c_void, u32) -> *mut c_void;

#[repr(C)]
struct Task {
    version: u32,
    ptr: *mut c_void,
    register: Register,
    unregister: Unregister,
    vtable: *const Table,
}

#[repr(C)]
struct Table {
    register: Register,
    unregister: Unregister,
    clone: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    drop: unsafe extern "C" fn(*mut c_void),
    spawn: Option<Spawn>,
}

/// A task of the other runtime: a set, and one registration.
#[derive(Default)]
struct Other {
    set: Cell<u32>,
    registered: Cell<Option<(u32, Callback, *mut c_void)>>,
    clones: Cell<i32>,
    spawned: RefCell<Vec<Pin<Box<dyn Future<Output = ()>>>>>,
}

unsafe extern "C" fn register(task: *mut c_void, waitable: u32, call: Callback, ptr: *mut c_void) -> *mut c_void {
    let task = unsafe { &*task.cast::<Other>() };
    unsafe { join(waitable, task.set.get()) };
    match task.registered.replace(Some((waitable, call, ptr))) {
        Some((_, _, ptr)) => ptr,
        None => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn unregister(task: *mut c_void, waitable: u32) -> *mut c_void {
    let task = unsafe { &*task.cast::<Other>() };
    unsafe { join(waitable, 0) };
    match task.registered.take() {
        Some((_, _, ptr)) => ptr,
        None => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn clone(task: *mut c_void) -> *mut c_void {
    let other = unsafe { &*task.cast::<Other>() };
    other.clones.set(other.clones.get() + 1);
    task
}

unsafe extern "C" fn drop_clone(task: *mut c_void) {
    let other = unsafe { &*task.cast::<Other>() };
    other.clones.set(other.clones.get() - 1);
}

unsafe fn take_spawned(task: *mut c_void, future: Box<dyn Future<Output = ()>>) {
    let other = unsafe { &*task.cast::<Other>() };
    other.spawned.borrow_mut().push(Pin::from(future));
}

static TABLE: Table = Table {
    register,
    unregister,
    clone,
    drop: drop_clone,
    spawn: Some(take_spawned),
};

impl Other {
    /// Runs `guest` in this task, published with the given version.
    fn run<R>(&self, host: &Fake, version: u32, guest: impl FnOnce() -> R) -> R {
        host.enter(|| {
            if self.set.get() == 0 {
                self.set.set(unsafe { set_new() });
            }
            let vtable = if version == 1 {
                std::ptr::without_provenance(1)
            } else {
                &raw const TABLE
            };
            let ptr = (&raw const *self).cast_mut().cast();
            let mut task = Task {
                version,
                ptr,
                register,
                unregister,
                vtable,
            };
            let previous = set_current_task((&raw mut task).cast());
            let result = guest();
            set_current_task(previous);
            result
        })
    }

    /// Delivers an event, the way other runtimes do: out of the set first.
    fn deliver(&self, host: &Fake, version: u32) -> bool {
        let event = host.state.borrow_mut().next_event(self.set.get());
        let Some((_, waitable, code)) = event else { return false };
        self.run(host, version, || unsafe {
            join(waitable, 0);
            let (expected, call, ptr) = self.registered.take().unwrap();
            assert_eq!(expected, waitable);
            call(ptr, code);
        });
        true
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn our_calls_wait_in_tasks_of_every_version() {
    for version in 1..=4 {
        let host = Fake::new();
        host.state.borrow_mut().outcomes.push_back(Outcome::Starting);
        let other = Other::default();
        let mut future = pin!(call(&VTABLE, 1));
        assert!(other.run(&host, version, || poll(future.as_mut())).is_pending());
        assert!(other.run(&host, version, || poll(future.as_mut())).is_pending());
        let subtask = other.registered.get().unwrap().0;
        host.resolve(subtask, 1, 0);
        assert!(other.deliver(&host, version));
        assert!(other.registered.get().is_none());
        assert!(
            other.run(&host, version, || poll(future.as_mut())).is_pending(),
            "it registers again"
        );
        host.resolve(subtask, 2, 33);
        assert!(other.deliver(&host, version));
        assert_eq!(other.run(&host, version, || poll(future.as_mut())), Poll::Ready(33));
        assert_eq!(other.clones.get(), 0);
        host.enter(|| unsafe { set_drop(other.set.get()) });
        assert_eq!(host.handles(), 0);
    }
}

#[test]
fn our_pending_calls_are_dropped_in_and_outside_of_foreign_tasks() {
    for version in 1..=3 {
        let host = Fake::new();
        host.state.borrow_mut().outcomes.push_back(Outcome::Started);
        let other = Other::default();
        let mut future: Option<Pin<Box<Call<u32, u32>>>> = Some(Box::pin(call(&VTABLE, 1)));
        let pending = other.run(&host, version, || poll(future.as_mut().unwrap().as_mut()).is_pending());
        assert!(pending);
        if version == 1 {
            other.run(&host, version, || future = None);
        } else {
            assert_eq!(other.clones.get(), 1);
            host.enter(|| future = None);
        }
        assert!(other.registered.get().is_none());
        assert_eq!(other.clones.get(), 0);
        host.enter(|| unsafe { set_drop(other.set.get()) });
        assert_eq!(host.handles(), 0);
    }
}

#[test]
fn a_call_moves_from_a_foreign_task_to_ours() {
    let host = Fake::new();
    host.state.borrow_mut().outcomes.push_back(Outcome::Started);
    let other = Other::default();
    let mut future = Box::pin(call(&VTABLE, 1));
    assert!(other.run(&host, 2, || poll(future.as_mut())).is_pending());
    let subtask = other.registered.get().unwrap().0;
    let task = host.start(async move {
        assert_eq!(future.await, 12);
        unsafe { task_return() };
    });
    assert!(other.registered.get().is_none());
    assert_eq!(other.clones.get(), 0);
    host.resolve(subtask, 2, 12);
    host.run(task);
    assert!(host.exited(task));
    host.enter(|| unsafe { set_drop(other.set.get()) });
    assert_eq!(host.handles(), 0);
}

#[test]
fn spawning_in_a_foreign_task_uses_its_own_spawn() {
    let host = Fake::new();
    let other = Other::default();
    let done = Rc::new(Cell::new(false));
    let end = done.clone();
    let mut handle = other.run(&host, 3, || spawn(async move { end.set(true) }));
    let mut spawned = other.spawned.take();
    host.enter(|| {
        assert!(poll(spawned[0].as_mut()).is_ready());
        drop(spawned);
    });
    assert!(done.get());
    assert_eq!(host.enter(|| poll(Pin::new(&mut handle))), Poll::Ready(Some(())));
}

#[test]
#[should_panic(expected = "another runtime that cannot take it")]
fn spawning_in_a_task_that_cannot_says_so() {
    let host = Fake::new();
    let other = Other::default();
    other.run(&host, 2, || drop(spawn(async {})));
}

/// What the other runtime keeps for an operation that waits in one of our tasks.
#[derive(Default)]
struct Waiting {
    code: Cell<Option<u32>>,
    waker: RefCell<Option<Waker>>,
}

unsafe extern "C" fn notify(waiting: *mut c_void, code: u32) {
    let waiting = unsafe { &*waiting.cast::<Waiting>() };
    waiting.code.set(Some(code));
    if let Some(waker) = waiting.waker.take() {
        waker.wake();
    }
}

/// The published task.
fn published() -> *mut Task {
    let task = set_current_task(std::ptr::null_mut());
    set_current_task(task);
    task.cast()
}

#[test]
fn their_operations_wait_in_our_tasks_and_hold_them() {
    let host = Fake::new();
    host.state.borrow_mut().outcomes.push_back(Outcome::Started);
    let waiting = Rc::new(Waiting::default());
    let theirs = waiting.clone();
    let subtask = Rc::new(Cell::new(0));
    let out = subtask.clone();
    let clone = Rc::new(Cell::new(None));
    let kept = clone.clone();
    let task = host.start(async move {
        let mut area = 0u32;
        let handle = unsafe { import(1, (&raw mut area).cast()) } >> 4;
        out.set(handle);
        let ptr = Rc::as_ptr(&theirs).cast_mut().cast();
        unsafe {
            let task = published();
            assert_eq!((*task).version, 3);
            assert!(((*task).register)((*task).ptr, handle, notify, ptr).is_null());
            assert_eq!(
                ((*(*task).vtable).register)((*task).ptr, handle, notify, ptr),
                ptr,
                "the previous one"
            );
            let table = (*task).vtable;
            kept.set(Some((table, ((*table).clone)((*task).ptr))));
            (*(*task).vtable).spawn.unwrap()((*task).ptr, Box::new(yield_now()));
        }
        poll_fn(|cx| {
            if theirs.code.get().is_some() {
                return Poll::Ready(());
            }
            *theirs.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
        assert_eq!(area, 44);
        unsafe { subtask_drop(handle) };
        unsafe { task_return() };
    });
    host.run(task);
    assert!(!host.exited(task));
    host.resolve(subtask.get(), 2, 44);
    host.run(task);
    assert_eq!(waiting.code.get(), Some(2));
    assert!(host.exited(task));
    let (table, clone) = clone.get().unwrap();
    host.enter(|| unsafe {
        assert!(
            ((*table).unregister)(clone, subtask.get()).is_null(),
            "nothing is left to remove"
        );
        ((*table).drop)(clone);
    });
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_foreign_registration_outlives_the_root() {
    let host = Fake::new();
    host.state.borrow_mut().outcomes.push_back(Outcome::Started);
    let waiting = Rc::new(Waiting::default());
    let theirs = waiting.clone();
    let area = Box::into_raw(Box::new(0u32));
    let task = host.start(async move {
        let handle = unsafe { import(1, area.cast()) } >> 4;
        let ptr = Rc::as_ptr(&theirs).cast_mut().cast();
        unsafe {
            let task = published();
            ((*task).register)((*task).ptr, handle, notify, ptr);
            task_return();
        }
    });
    assert!(!host.exited(task));
    host.resolve(1, 2, 0);
    host.run(task);
    assert_eq!(waiting.code.get(), Some(2));
    assert!(host.exited(task));
    assert_eq!(host.handles(), 1, "their subtask is theirs to drop");
    drop(unsafe { Box::from_raw(area) });
}
