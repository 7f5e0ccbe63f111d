//! An instance whose core code plays the tape, as `Guest` in `driver.py`.

use super::world::{Export, World, end_of_tape, list, text};
use crate::canonical::linear::{Linear, MEMORY, at};
use crate::canonical::{
    Builtin, CoreFunc, CoreParts, CoreVal, Func, Instance, LiftOptions, Lowered, Result, Rule, StringEncoding, Trap,
    Type, lift,
};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

/// Where the part of the memory begins that is allocated.
const HEAP: usize = 2048;
const KINDS: [&str; 8] = ["sr", "sw", "fr", "fw", "sub", "set", "own", "borrow"];

/// The number of a task, by which the twin knows whether it has returned: the activation that runs now.
type TaskKey = String;

pub(super) struct Guest {
    name: &'static str,
    pub(super) world: Weak<World>,
    pub(super) instance: Rc<Instance>,
    pub(super) memory: Rc<Linear>,
    next: Cell<usize>,
    handles: RefCell<BTreeMap<&'static str, Vec<u32>>>,
    status: RefCell<BTreeMap<u32, Status>>,
    /// How often it raised backpressure and did not lower it.
    pub(super) raised: Cell<u32>,
    returned: RefCell<BTreeMap<TaskKey, bool>>,
    cancelled: RefCell<BTreeSet<TaskKey>>,
}

/// What a guest knows of a handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Idle,
    Busy,
    Done,
    Open,
    Resolved,
}

impl Guest {
    pub(super) fn new(world: &Rc<World>, name: &'static str) -> Rc<Guest> {
        let guest = Rc::new(Guest {
            name,
            world: Rc::downgrade(world),
            instance: world.store.new_instance(name),
            memory: Rc::new(Linear::new()),
            next: Cell::new(HEAP),
            handles: RefCell::default(),
            status: RefCell::default(),
            raised: Cell::new(0),
            returned: RefCell::default(),
            cancelled: RefCell::default(),
        });
        let allocator = Rc::downgrade(&guest);
        guest.instance.set_core(CoreParts {
            memory: guest.memory.clone(),
            realloc: Rc::new(move |old, old_size, align, size| {
                allocator
                    .upgrade()
                    .map_or_else(end_of_tape, |guest| guest.realloc(old.addr(), old_size, align, size))
            }),
            encoding: StringEncoding::Utf8,
        });
        guest
    }

    fn realloc(&self, old: usize, old_size: usize, align: usize, size: usize) -> Result<*mut u8> {
        let start = (self.next.get() + align - 1) & !(align - 1);
        if start + size > MEMORY {
            return Err(Trap::new(Rule::Panic).with("out of memory"));
        }
        self.next.set(start + size);
        self.memory.copy_within(old, old_size, start);
        Ok(at(start))
    }

    fn world(&self) -> Result<Rc<World>> {
        self.world.upgrade().map_or_else(end_of_tape, Ok)
    }

    fn say(&self, line: &str) -> Result<()> {
        self.world()?.say(format!("{} {line}", self.name));
        Ok(())
    }

    pub(super) fn learn(&self, kind: &'static str, index: u32) {
        let mut handles = self.handles.borrow_mut();
        let known = handles.entry(kind).or_default();
        if !known.contains(&index) {
            known.push(index);
        }
        self.set_status(index, if kind == "sub" { Status::Open } else { Status::Idle });
    }

    pub(super) fn forget(&self, index: u32) {
        self.handles
            .borrow_mut()
            .values_mut()
            .for_each(|known| known.retain(|known| *known != index));
    }

    pub(super) fn set_status(&self, index: u32, status: Status) {
        self.status.borrow_mut().insert(index, status);
    }

    pub(super) fn pick(&self, kinds: &[&str], statuses: &[Status], a: u32, b: u32) -> Option<u32> {
        if b % 32 == 31 {
            return Some(a % 12);
        }
        let any = b % 32 == 30;
        let kinds = if any { &KINDS } else { kinds };
        let (handles, status) = (self.handles.borrow(), self.status.borrow());
        let known = kinds.iter().filter_map(|kind| handles.get(kind)).flatten().copied();
        let fits = |index: &u32| any || status.get(index).is_some_and(|status| statuses.contains(status));
        let known: Vec<u32> = known.filter(fits).collect();
        known.get(a as usize % known.len().max(1)).copied()
    }

    /// Notes how a copy has ended, or that it has not.
    pub(super) fn copied(&self, index: u32, payload: u32, is_future: bool) {
        let is_done = payload % 16 == 1 || (is_future && payload.is_multiple_of(16));
        let status = match payload {
            u32::MAX => Status::Busy,
            _ if is_done => Status::Done,
            _ => Status::Idle,
        };
        self.set_status(index, status);
    }

    /// Notes what an event says.
    pub(super) fn told(&self, code: u32, index: u32, payload: u32) -> Result<()> {
        match code {
            1 if payload >= 2 => self.set_status(index, Status::Resolved),
            2..=5 => self.copied(index, payload, code >= 4),
            6 => {
                self.cancelled.borrow_mut().insert(self.task()?);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn lifted(self: &Rc<Guest>, export: &Export) -> Func {
        let (enter, back) = (Rc::downgrade(self), Rc::downgrade(self));
        let (entered, called) = (export.clone(), export.clone());
        let core = move |args: &[CoreVal]| match enter.upgrade() {
            Some(guest) => guest.enter(&entered, args),
            None => end_of_tape(),
        };
        let callback = move |args: &[CoreVal]| match back.upgrade() {
            Some(guest) => {
                let words: Vec<u32> = args.iter().map(|arg| arg.bits() as u32).collect();
                guest.say(&format!("callback {} {}", called.name, list(&words)))?;
                guest.told(words[0], words[1], words[2])?;
                guest.play(&called)
            }
            None => end_of_tape(),
        };
        let callback: CoreFunc = Rc::new(callback);
        let options = LiftOptions {
            callback: export.callback.then_some(callback),
            post_return: None,
        };
        lift(&self.instance, export.name, Rc::new(core), export.ty.clone(), options)
    }

    fn enter(&self, export: &Export, args: &[CoreVal]) -> Result<Option<CoreVal>> {
        let words: Vec<u32> = args.iter().map(|arg| arg.bits() as u32).collect();
        self.say(&format!("enter {} {}", export.name, list(&words)))?;
        let mut words = words.into_iter();
        let mut next = || words.next().unwrap_or(0);
        for (_, ty) in &export.ty.params {
            let value = next();
            match ty {
                Type::Stream(_) => self.learn("sr", value),
                Type::Future(_) => self.learn("fr", value),
                Type::Own(_) => self.learn("own", value),
                Type::Borrow(_) => self.learn("borrow", value),
                Type::String => {
                    let length = next() as usize;
                    let bytes = self.memory.bytes(value as usize, length);
                    self.say(&format!("string {}", String::from_utf8_lossy(&bytes)))?;
                }
                _ => {}
            }
        }
        self.returned.borrow_mut().insert(self.task()?, false);
        self.play(export)
    }

    fn task(&self) -> Result<TaskKey> {
        let running = self.world()?.store.running()?;
        Ok(running.describe().unwrap_or_default())
    }

    /// Plays until an operation leaves the core code.
    fn play(&self, export: &Export) -> Result<Option<CoreVal>> {
        loop {
            let (code, a, b) = self.world()?.take()?;
            if code == 28 {
                return self.leave(export, a, b);
            }
            let result = super::ops::run(self, export, code, a, b)?;
            if let Some(result) = result {
                self.say(&format!("= {result}"))?;
            }
        }
    }

    fn leave(&self, export: &Export, a: u32, b: u32) -> Result<Option<CoreVal>> {
        if !export.callback {
            let results = if export.ty.result.is_some() {
                vec![b]
            } else {
                Vec::new()
            };
            self.say(&format!("return {}", list(&results)))?;
            return Ok(results.first().map(|word| CoreVal::I32(*word as i32)));
        }
        let done = self.has_returned()?;
        let set = self.pick(&["set"], &[Status::Idle], a, b);
        let packed = match (b % 4, set) {
            (0, _) if done || b % 32 == 28 => 0,
            (2 | 3, Some(set)) => 2 | set << 4,
            _ => 1,
        };
        let packed = if b % 64 == 63 { 5 } else { packed };
        self.say(&format!("leave {packed}"))?;
        Ok(Some(CoreVal::I32(packed as i32)))
    }

    /// Core values for the result of a function, or none if there is nothing to return.
    fn results(&self, export: &Export, a: u32, b: u32) -> Option<Vec<CoreVal>> {
        let end = |kind| {
            self.pick(&[kind], &[Status::Idle], a, b)
                .map(|index| vec![CoreVal::I32(index as i32)])
        };
        match &export.ty.result {
            None => Some(Vec::new()),
            Some(Type::Stream(_)) => end("sr"),
            Some(Type::Future(_)) => end("fr"),
            Some(Type::String) => Some(vec![
                CoreVal::Ptr(at(64 * (a as usize % 8))),
                CoreVal::Len(b as usize % 5),
            ]),
            Some(_) => Some(vec![CoreVal::I32(b as i32)]),
        }
    }

    fn has_returned(&self) -> Result<bool> {
        Ok(self.returned.borrow().get(&self.task()?).copied().unwrap_or(false))
    }
}

/// What the operations, in `ops`, use.
impl Guest {
    pub(super) fn announce(&self, name: &str, args: String) -> Result<()> {
        self.say(&format!("{name} {args}"))
    }

    pub(super) fn built_in(&self, builtin: &Builtin, args: &[CoreVal]) -> Result<Option<CoreVal>> {
        builtin.call(&self.world()?.store, args)
    }

    pub(super) fn words(&self, place: usize) -> [u32; 2] {
        [self.memory.word(place), self.memory.word(place + 4)]
    }

    pub(super) fn implements_resource(&self) -> bool {
        self.name == "A"
    }

    pub(super) fn task_return(&self, export: &Export, a: u32, b: u32) -> Result<()> {
        let results = self.results(export, a, b);
        let unfit = (self.has_returned()? || !export.callback) && b % 32 < 30;
        let Some(results) = results.filter(|_| !unfit) else {
            return Ok(());
        };
        self.announce(
            "task_return",
            format!("[{}]", list(results.iter().map(|value| value.bits()))),
        )?;
        self.built_in(&Builtin::TaskReturn(export.ty.clone()), &results)?;
        if let (Some(Type::Stream(_) | Type::Future(_)), Some(index)) = (&export.ty.result, results.first()) {
            self.forget(index.bits() as u32);
        }
        self.mark_returned()
    }

    /// Whether `task.cancel` would break no rule.
    pub(super) fn may_cancel(&self) -> Result<bool> {
        Ok(!self.has_returned()? && self.cancelled.borrow().contains(&self.task()?))
    }

    pub(super) fn mark_returned(&self) -> Result<()> {
        self.returned.borrow_mut().insert(self.task()?, true);
        Ok(())
    }

    /// Calls an import.
    pub(super) fn call(&self, a: u32, b: u32) -> Result<Option<String>> {
        let world = self.world()?;
        let imports = world.imports.borrow().clone();
        let target = &imports[a as usize % imports.len()];
        let Some(func) = &target.func else { return Ok(None) };
        let is_async = b.is_multiple_of(2) && target.ty.is_async;
        let mut args = Vec::new();
        for (_, ty) in &target.ty.params {
            let kinds: &[&str] = match ty {
                Type::Stream(_) => &["sr"],
                Type::Future(_) => &["fr"],
                Type::Own(_) => &["own"],
                Type::Borrow(_) => &["own", "borrow"],
                Type::String => {
                    args.extend([CoreVal::Ptr(at(64 * (a as usize % 8))), CoreVal::Len(b as usize % 5)]);
                    continue;
                }
                _ => {
                    args.push(CoreVal::I32((b % 8) as i32));
                    continue;
                }
            };
            let Some(index) = self.pick(kinds, &[Status::Idle], a, b) else {
                return Ok(None);
            };
            args.push(CoreVal::I32(index as i32));
        }
        let is_given = matches!(
            target.ty.params.first(),
            Some((_, Type::Stream(_) | Type::Future(_) | Type::Own(_)))
        );
        let given = args.first().filter(|_| is_given).map(|index| index.bits() as u32);
        let place = 1024 + 16 * (a as usize % 16);
        if is_async && args.len() > 4 {
            for (index, value) in args.iter().enumerate() {
                self.memory.set_word(place + 64 + 4 * index, value.bits() as u32);
            }
            args = vec![CoreVal::Ptr(at(place + 64))];
        }
        let is_wide = matches!(target.ty.result, Some(Type::String));
        if (is_async && target.ty.result.is_some()) || is_wide {
            args.push(CoreVal::Ptr(at(place)));
        }
        let flat = list(args.iter().map(|value| value.bits()));
        self.announce(
            "call",
            format!("[{}, {}, {flat}]", text(target.name), u8::from(is_async)),
        )?;
        let result = Lowered::new(&self.instance, func.clone(), is_async).call(&world.store, &args)?;
        given.into_iter().for_each(|index| self.forget(index));
        Ok(Some(self.called(
            target,
            is_async,
            result.map(|value| value.bits() as u32),
        )))
    }

    fn called(&self, target: &Export, is_async: bool, result: Option<u32>) -> String {
        match (result, &target.ty.result) {
            (Some(packed), _) if is_async => {
                if packed >> 4 != 0 {
                    self.learn("sub", packed >> 4);
                }
                return packed.to_string();
            }
            (Some(index), Some(Type::Stream(_))) => self.learn("sr", index),
            (Some(index), Some(Type::Future(_))) => self.learn("fr", index),
            _ => {}
        }
        list(result)
    }
}
