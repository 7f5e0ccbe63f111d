//! A small strict host for the runtime's own tests: one component instance, with handles, waitable sets, calls and
//! streams, whose peers are moved by the test, one step at a time.
//!
//! It refuses with a panic whatever the canonical ABI traps on and these tests could get wrong: an operation at a busy
//! or finished end, a synchronous cancel inside a set, a drop with something in flight or undelivered, a stale handle.
//! So is an end that is dropped inside a set, on which some hosts trap later.
//! Handles are reused last in, first out. Futures are streams of one element whose answers carry no count.

#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of the host")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the host trusts the runtime under test with its pointers"
)]

pub mod ends;
pub mod flag;
pub mod futures;
pub mod scripts;
pub mod streams;
pub mod tasks;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use witflow_async_rt::sys::native::{CoreVal, Host, Instance, with_host};

pub const BLOCKED: u32 = 0xffff_ffff;

/// What an asynchronous import does when it is called.
pub enum Outcome {
    /// Stores the number at the result pointer and returns at once.
    Returned(u32),
    /// Blocks before reading the parameters.
    Starting,
    /// Blocks after reading them.
    Started,
}

/// One entry of the handle table.
pub enum Entry {
    Set,
    Subtask(Subtask),
    End(ends::End),
}

pub struct Subtask {
    pub state: u32,
    pub delivered: bool,
    result: *mut u8,
    /// What a cancel answers, and the result to store if that is 2.
    pub on_cancel: (u32, u32),
}

#[derive(Default)]
pub struct Waitable {
    pub set: u32,
    pub event: Option<(i32, u32)>,
}

#[derive(Default)]
pub struct State {
    pub entries: Vec<Option<Entry>>,
    pub waitables: Vec<Waitable>,
    free: Vec<u32>,
    pub streams: Vec<ends::Stream>,
    pub outcomes: VecDeque<Outcome>,
    /// What each call of the import was given.
    pub arguments: Vec<u32>,
    pub tasks: Vec<tasks::Task>,
    pub log: Vec<String>,
}

/// Something that happens while the guest waits.
type Happening = Box<dyn FnOnce(&Fake)>;

pub struct Fake {
    instance: Instance,
    pub context: Cell<*mut u8>,
    pub state: RefCell<State>,
    /// Called while the guest waits synchronously, to make something happen.
    pub on_wait: RefCell<VecDeque<Happening>>,
}

impl Fake {
    pub fn new() -> Fake {
        let state = State {
            entries: vec![None],
            waitables: vec![Waitable::default()],
            ..State::default()
        };
        Fake {
            instance: Instance::new(),
            context: Cell::new(std::ptr::null_mut()),
            state: RefCell::new(state),
            on_wait: RefCell::default(),
        }
    }

    /// Runs guest code outside of any task.
    pub fn enter<R>(&self, guest: impl FnOnce() -> R) -> R {
        with_host(self, guest)
    }

    /// The calls made so far of the built-ins whose name contains `part`.
    pub fn calls(&self, part: &str) -> usize {
        self.state
            .borrow()
            .log
            .iter()
            .filter(|field| field.contains(part))
            .count()
    }

    /// How many handles are alive.
    pub fn handles(&self) -> usize {
        self.state.borrow().entries.iter().flatten().count()
    }

    /// Reports a new state of a call, storing `result` if it is 2.
    #[track_caller]
    pub fn resolve(&self, subtask: u32, state: u32, result: u32) {
        let mut all = self.state.borrow_mut();
        let Some(Some(Entry::Subtask(entry))) = all.entries.get_mut(subtask as usize) else {
            panic!("{subtask} is not a subtask")
        };
        entry.state = state;
        if state == 2 {
            unsafe { entry.result.cast::<u32>().write(result) }
        }
        all.waitables[subtask as usize].event = Some((1, state));
    }

    /// What cancelling this call will answer.
    pub fn on_cancel(&self, subtask: u32, state: u32, result: u32) {
        self.state.borrow_mut().subtask(subtask).on_cancel = (state, result);
    }

    fn builtin(&self, field: &str, args: &[CoreVal]) -> Option<CoreVal> {
        let mut state = self.state.borrow_mut();
        Some(CoreVal::I32(match (field, args) {
            ("[waitable-set-new]", _) => state.insert(Entry::Set) as i32,
            ("[waitable-set-drop]", &[CoreVal::I32(set)]) => {
                let members = state
                    .waitables
                    .iter()
                    .filter(|waitable| waitable.set == set as u32)
                    .count();
                assert_eq!(members, 0, "trap: a waitable set with members was dropped");
                state.remove(set as u32);
                return None;
            }
            ("[waitable-join]", &[CoreVal::I32(waitable), CoreVal::I32(set)]) => {
                state.join(waitable as u32, set as u32);
                return None;
            }
            ("[waitable-set-poll]", &[CoreVal::I32(set), CoreVal::Ptr(payload)]) => state.poll(set as u32, payload),
            ("[waitable-set-wait]", &[CoreVal::I32(set), CoreVal::Ptr(payload)]) => {
                drop(state);
                self.wait(set as u32, payload)
            }
            ("[subtask-cancel]", &[CoreVal::I32(subtask)]) => state.cancel_subtask(subtask as u32) as i32,
            ("[subtask-drop]", &[CoreVal::I32(subtask)]) => {
                assert!(
                    state.subtask(subtask as u32).delivered,
                    "trap: subtask.drop before the resolution"
                );
                state.remove(subtask as u32);
                return None;
            }
            ("[context-get-0]", _) => return Some(CoreVal::Ptr(self.context.get())),
            ("[context-set-0]", &[CoreVal::Ptr(value)]) => {
                self.context.set(value);
                return None;
            }
            ("[task-cancel]" | "[backpressure-inc]" | "[backpressure-dec]", _) => return None,
            ("[thread-yield]", _) => 0,
            _ => panic!("the fake host has no built-in {field:?} with {args:?}"),
        }))
    }

    fn wait(&self, set: u32, payload: *mut u8) -> i32 {
        loop {
            let event = self.state.borrow_mut().poll(set, payload);
            if event != 0 {
                return event;
            }
            let Some(next) = self.on_wait.borrow_mut().pop_front() else {
                panic!("deadlock: nothing left to happen")
            };
            next(self);
        }
    }

    /// The one asynchronous import: a number in, a number out.
    fn import(&self, args: &[CoreVal]) -> u32 {
        let &[CoreVal::I32(argument), CoreVal::Ptr(result)] = args else {
            panic!("bad arguments: {args:?}")
        };
        let mut state = self.state.borrow_mut();
        state.arguments.push(argument as u32);
        let Some(outcome) = state.outcomes.pop_front() else {
            panic!("unexpected call")
        };
        let phase = match outcome {
            Outcome::Returned(value) => {
                unsafe { result.cast::<u32>().write(value) };
                return 2;
            }
            Outcome::Starting => 0,
            Outcome::Started => 1,
        };
        let subtask = Subtask {
            state: phase,
            delivered: false,
            result,
            on_cancel: (3 + phase, 0),
        };
        phase | state.insert(Entry::Subtask(subtask)) << 4
    }
}

impl Host for Fake {
    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn call_import(&self, module: &str, field: &str, args: &[CoreVal]) -> Option<CoreVal> {
        self.state.borrow_mut().log.push(field.to_string());
        match (module, field) {
            ("test", "[async-lower]call") => Some(CoreVal::I32(self.import(args) as i32)),
            ("test", "[task-return]run") => None,
            _ if field.contains("stream-") || field.contains("future-") => self.state.borrow_mut().end(field, args),
            ("$root" | "[export]$root", _) => self.builtin(field, args),
            _ => panic!("unknown import {module} {field}"),
        }
    }
}

impl State {
    pub fn insert(&mut self, entry: Entry) -> u32 {
        if let Some(handle) = self.free.pop() {
            self.entries[handle as usize] = Some(entry);
            self.waitables[handle as usize] = Waitable::default();
            return handle;
        }
        self.entries.push(Some(entry));
        self.waitables.push(Waitable::default());
        self.entries.len() as u32 - 1
    }

    #[track_caller]
    pub fn remove(&mut self, handle: u32) -> Entry {
        let Some(entry) = self.entries.get_mut(handle as usize).and_then(Option::take) else {
            panic!("trap: unknown handle {handle}")
        };
        self.waitables[handle as usize] = Waitable::default();
        self.free.push(handle);
        entry
    }

    #[track_caller]
    pub fn subtask(&mut self, handle: u32) -> &mut Subtask {
        match self.entries.get_mut(handle as usize) {
            Some(Some(Entry::Subtask(subtask))) => subtask,
            _ => panic!("trap: {handle} is not a subtask"),
        }
    }

    fn join(&mut self, waitable: u32, set: u32) {
        assert!(
            matches!(self.entries[waitable as usize], Some(Entry::Subtask(_) | Entry::End(_))),
            "trap: join"
        );
        assert!(
            set == 0 || matches!(self.entries[set as usize], Some(Entry::Set)),
            "trap: not a set"
        );
        self.waitables[waitable as usize].set = set;
    }

    /// Takes the first event of a set and stores its payload.
    pub fn poll(&mut self, set: u32, payload: *mut u8) -> i32 {
        let Some((event, waitable, code)) = self.next_event(set) else {
            return 0;
        };
        unsafe {
            payload.cast::<u32>().write(waitable);
            payload.cast::<u32>().add(1).write(code);
        }
        event
    }

    /// Takes the first event of a set.
    pub fn next_event(&mut self, set: u32) -> Option<(i32, u32, u32)> {
        let ready = |waitable: &Waitable| waitable.set == set && waitable.event.is_some();
        let handle = self.waitables.iter().position(ready)?;
        let (event, code) = self.waitables[handle].event.take()?;
        self.delivered(handle as u32, code);
        Some((event, handle as u32, code))
    }

    /// Notes that the guest has seen a result.
    pub fn delivered(&mut self, handle: u32, code: u32) {
        match &mut self.entries[handle as usize] {
            Some(Entry::Subtask(subtask)) => subtask.delivered = code >= 2,
            Some(Entry::End(_)) => self.end_delivered(handle, code),
            _ => {}
        }
    }

    fn cancel_subtask(&mut self, handle: u32) -> u32 {
        assert_eq!(
            self.waitables[handle as usize].set, 0,
            "trap: synchronous cancel inside a set"
        );
        let subtask = self.subtask(handle);
        assert!(!subtask.delivered, "trap: subtask.cancel after the resolution");
        if subtask.state < 2 {
            subtask.state = subtask.on_cancel.0;
            if subtask.state == 2 {
                unsafe { subtask.result.cast::<u32>().write(subtask.on_cancel.1) }
            }
        }
        subtask.delivered = true;
        let state = subtask.state;
        self.waitables[handle as usize].event = None;
        state
    }
}
