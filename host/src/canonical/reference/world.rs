//! The twin of `World` in `driver.py`: two instances whose core code plays a tape, and a host that does so between them.

use crate::canonical::{
    Builtin, CoreParts, CoreVal, Func, FuncType, HostCall, Instance, Invocation, LiftOptions, Lowered, Memory, Payload,
    ResourceIndex, ResourceType, Result, Rule, Stacks, Store, StringEncoding, Trap, Type, Value, Width, host_func,
    invoke, lift,
};
use crate::canonical::{Canonical, Profile};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

/// A triple of the tape: what to do, and two numbers that say how.
pub(super) type Op = (u32, u32, u32);

const MEMORY: usize = 4096;
const HEAP: usize = 2048;
const KINDS: [&str; 8] = ["sr", "sw", "fr", "fw", "sub", "set", "own", "borrow"];

/// A linear memory of 32 bits.
struct Linear(RefCell<Vec<u8>>);

// SAFETY: a vector is read and written at the places asked for, or panics.
unsafe impl Memory for Linear {
    fn width(&self) -> Width {
        Width::Four
    }

    fn check(&self, ptr: *mut u8, len: usize) -> std::result::Result<(), String> {
        let end = ptr.addr().checked_add(len).filter(|end| *end <= MEMORY);
        end.map(|_| ()).ok_or_else(|| "it ends behind the memory".to_owned())
    }

    unsafe fn read(&self, ptr: *mut u8, into: &mut [u8]) {
        into.copy_from_slice(&self.0.borrow()[ptr.addr()..][..into.len()]);
    }

    unsafe fn write(&self, ptr: *mut u8, from: &[u8]) {
        self.0.borrow_mut()[ptr.addr()..][..from.len()].copy_from_slice(from);
    }

    unsafe fn read_pointer(&self, ptr: *mut u8) -> *mut u8 {
        at(self.word(ptr.addr()) as usize)
    }

    unsafe fn write_pointer(&self, ptr: *mut u8, value: *mut u8) {
        self.set_word(ptr.addr(), value.addr() as u32);
    }
}

impl Linear {
    fn word(&self, place: usize) -> u32 {
        let bytes = &self.0.borrow()[place..][..4];
        bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
    }

    fn set_word(&self, place: usize, word: u32) {
        self.0.borrow_mut()[place..][..4].copy_from_slice(&word.to_le_bytes());
    }

    fn digest(&self) -> u32 {
        let step = |digest: u32, byte: &u8| (digest ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        self.0.borrow().iter().fold(0x811c_9dc5, step)
    }
}

pub(super) fn at(place: usize) -> *mut u8 {
    ptr::without_provenance_mut(place)
}

/// An export: its name, type, and how it is lifted.
#[derive(Clone)]
pub(super) struct Export {
    name: &'static str,
    ty: Rc<FuncType>,
    callback: bool,
    func: Option<Func>,
}

fn export(name: &'static str, params: &[&Type], result: Option<&Type>, is_async: bool, callback: bool) -> Export {
    let params = params
        .iter()
        .enumerate()
        .map(|(index, ty)| (format!("p{index}").into(), (*ty).clone()));
    let ty = FuncType {
        params: params.collect(),
        result: result.cloned(),
        is_async,
    };
    Export {
        name,
        ty: Rc::new(ty),
        callback,
        func: None,
    }
}

/// The number of a task, by which the twin knows whether it has returned: the activation that runs now.
type TaskKey = String;

pub(super) struct Guest {
    name: &'static str,
    world: std::rc::Weak<World>,
    instance: Rc<Instance>,
    memory: Rc<Linear>,
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

/// A call of an export by the host.
struct Invoked {
    resolved: Rc<Cell<bool>>,
    cancelled: Cell<bool>,
    invocation: RefCell<Option<Invocation>>,
}

pub(super) struct World {
    pub(super) store: Store,
    tape: Vec<Op>,
    place: Cell<usize>,
    log: RefCell<Vec<String>>,
    guests: RefCell<Vec<Rc<Guest>>>,
    imports: RefCell<Vec<Export>>,
    exports: RefCell<Vec<Export>>,
    pending: RefCell<Vec<(HostCall, Rc<Cell<bool>>)>>,
    invoked: RefCell<Vec<Rc<Invoked>>>,
}

/// The resource type, which A implements.
const RESOURCE: ResourceIndex = ResourceIndex(0);

fn end_of_tape<T>() -> Result<T> {
    Err(Trap::new(Rule::HostFailed).with("end of tape"))
}

/// A list as Python prints it.
pub(super) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

pub(super) fn text(name: &str) -> String {
    format!("'{name}'")
}

/// Plays a tape and gives the log, as the driver prints it, and the trap the tape ended in.
pub(super) fn play(tape: &[Op], stacks: Rc<dyn Stacks>) -> (Vec<String>, Option<Box<Trap>>) {
    let world = World::new(tape, stacks);
    let ended = world.host();
    let trap = match ended {
        Err(trap) => trap,
        Ok(()) => Trap::new(Rule::HostFailed),
    };
    let trap = (trap.detail.as_deref() != Some("end of tape")).then_some(trap);
    if trap.is_some() {
        world.log.borrow_mut().push("trap".to_owned());
    }
    let digests: Vec<_> = world
        .guests
        .borrow()
        .iter()
        .map(|guest| guest.memory.digest())
        .collect();
    world
        .log
        .borrow_mut()
        .push(format!("memory {:08x} {:08x}", digests[0], digests[1]));
    world.store.dispose();
    world.pending.take();
    (world.log.take(), trap)
}

impl World {
    fn new(tape: &[Op], stacks: Rc<dyn Stacks>) -> Rc<World> {
        let world = Rc::new(World {
            store: Store::new(Profile::AUGUST_2026, stacks, Box::new(Canonical)),
            tape: tape.to_vec(),
            place: Cell::new(0),
            log: RefCell::default(),
            guests: RefCell::default(),
            imports: RefCell::default(),
            exports: RefCell::default(),
            pending: RefCell::default(),
            invoked: RefCell::default(),
        });
        let (a, b) = (Guest::new(&world, "A"), Guest::new(&world, "B"));
        let dtor = Rc::downgrade(&world);
        let dtor = move |args: &[CoreVal]| {
            if let (Some(world), [CoreVal::I32(rep)]) = (dtor.upgrade(), args) {
                world.say(format!("A dtor {rep}"));
            }
            Ok(None)
        };
        let resource = ResourceType::of_guest("r", &a.instance, Some(Rc::new(dtor)));
        a.instance.set_resource(RESOURCE, resource.clone());
        b.instance.set_resource(RESOURCE, resource);
        world.define(&a, &b);
        world.guests.replace(vec![a, b]);
        world
    }

    fn define(self: &Rc<World>, a: &Rc<Guest>, b: &Rc<Guest>) {
        let (stream, future) = (
            Type::Stream(Some(Arc::new(Type::U8))),
            Type::Future(Some(Arc::new(Type::U8))),
        );
        let (own, borrow, word, string) = (Type::Own(RESOURCE), Type::Borrow(RESOURCE), Type::U32, Type::String);
        let mut imports = vec![
            export("work", &[&word], Some(&word), true, true),
            export("sync-work", &[&word], Some(&word), true, false),
            export("plain", &[&word], Some(&word), false, false),
            export("take", &[&stream], None, true, true),
            export("give", &[], Some(&stream), true, true),
            export("text", &[&string, &word, &word, &word], Some(&string), true, true),
            export("later", &[&future], Some(&future), true, true),
            export("keep", &[&own], None, false, false),
            export("look", &[&borrow, &word], None, true, true),
        ];
        imports
            .iter_mut()
            .for_each(|export| export.func = Some(b.lifted(export)));
        let mut host = export("host", &[&word], Some(&word), true, true);
        host.func = Some(self.host_function(&host));
        let mut exports = vec![
            export("run", &[], Some(&word), true, true),
            export("sync-run", &[], Some(&word), true, false),
            export("plain-run", &[], Some(&word), false, false),
        ];
        exports
            .iter_mut()
            .for_each(|export| export.func = Some(a.lifted(export)));
        exports.push(imports[0].clone());
        imports.push(host);
        self.imports.replace(imports);
        self.exports.replace(exports);
    }

    fn host_function(self: &Rc<World>, export: &Export) -> Func {
        let world = Rc::downgrade(self);
        let body = move |_: &Store, call: HostCall, params: Vec<Value>| {
            let Some(world) = world.upgrade() else { return Ok(()) };
            let args = params
                .iter()
                .map(|value| if let Value::U32(word) = value { *word } else { 0 });
            world.say(format!("host start {}", list(args)));
            let cancelled = Rc::new(Cell::new(false));
            let (flag, logger) = (cancelled.clone(), Rc::downgrade(&world));
            call.on_cancel(move |_| {
                flag.set(true);
                if let Some(world) = logger.upgrade() {
                    world.say("host cancel".to_owned());
                }
            });
            world.pending.borrow_mut().push((call, cancelled));
            Ok(())
        };
        host_func(export.name, export.ty.clone(), Rc::new(body))
    }

    fn say(&self, line: String) {
        self.log.borrow_mut().push(line);
    }

    fn take(&self) -> Result<Op> {
        let place = self.place.get();
        self.place.set(place + 1);
        self.tape.get(place).copied().map_or_else(end_of_tape, Ok)
    }

    /// The host's part of the tape.
    fn host(&self) -> Result<()> {
        loop {
            let (code, a, b) = self.take()?;
            match code % 7 {
                3 => self.invoke(a, b)?,
                5 => self.cancel(a)?,
                6 => self.answer(a, b)?,
                _ => {
                    self.say("tick".to_owned());
                    self.store.tick()?;
                }
            }
        }
    }

    fn invoke(&self, a: u32, b: u32) -> Result<()> {
        let exports = self.exports.borrow().clone();
        let export = &exports[a as usize % exports.len()];
        let number = self.invoked.borrow().len();
        let resolved = Rc::new(Cell::new(false));
        let record = Rc::new(Invoked {
            resolved: resolved.clone(),
            cancelled: Cell::new(false),
            invocation: RefCell::new(None),
        });
        self.invoked.borrow_mut().push(record.clone());
        self.say(format!("invoke {number} {}", export.name));
        let log = self.guests.borrow()[0].world.clone();
        let done = move |_: &Store, outcome: Option<Option<Value>>| {
            resolved.set(true);
            let text = match outcome {
                None => "cancelled".to_owned(),
                Some(value) => list(
                    value
                        .iter()
                        .map(|value| if let Value::U32(word) = value { *word } else { 0 }),
                ),
            };
            if let Some(world) = log.upgrade() {
                world.say(format!("resolved {number} {text}"));
            }
        };
        let params = export.ty.params.iter().map(|_| Value::U32(b % 8)).collect();
        let Some(func) = &export.func else { return Ok(()) };
        record
            .invocation
            .replace(Some(invoke(&self.store, func, params, Box::new(done))?));
        Ok(())
    }

    fn cancel(&self, a: u32) -> Result<()> {
        let mut open = self.invoked.borrow().clone();
        open.retain(|record| !record.resolved.get() && !record.cancelled.get());
        self.say(format!("cancel {}", open.len()));
        if let Some(record) = open.get(a as usize % open.len().max(1)) {
            record.cancelled.set(true);
            let invocation = record.invocation.take();
            if let Some(invocation) = &invocation {
                invocation.cancel(&self.store)?;
            }
        }
        Ok(())
    }

    fn answer(&self, a: u32, b: u32) -> Result<()> {
        let count = self.pending.borrow().len();
        self.say(format!("answer {count}"));
        if count == 0 {
            return Ok(());
        }
        let (call, cancelled) = self.pending.borrow_mut().remove(a as usize % count);
        if cancelled.get() && b.is_multiple_of(2) {
            call.cancelled(&self.store)
        } else {
            call.resolve(&self.store, Some(Value::U32(b)))
        }
    }
}

impl Guest {
    fn new(world: &Rc<World>, name: &'static str) -> Rc<Guest> {
        let memory = (0..MEMORY).map(|place| b'a' + (place % 26) as u8).collect();
        let guest = Rc::new(Guest {
            name,
            world: Rc::downgrade(world),
            instance: world.store.new_instance(name),
            memory: Rc::new(Linear(RefCell::new(memory))),
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
        self.memory.0.borrow_mut().copy_within(old..old + old_size, start);
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

    fn lifted(self: &Rc<Guest>, export: &Export) -> Func {
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
        let callback: crate::canonical::CoreFunc = Rc::new(callback);
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
                    let bytes = self.memory.0.borrow()[value as usize..][..length].to_vec();
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

/// The streams and futures there are: of bytes.
pub(super) fn payload(is_future: bool) -> Payload {
    Payload {
        is_future,
        ty: Some(Type::U8),
    }
}
