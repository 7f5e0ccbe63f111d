//! The twin of `World` in `driver.py`: two instances whose core code plays a tape, and a host that does so between them.

use super::guest::Guest;
use crate::canonical::{
    Canonical, CoreVal, Func, FuncType, HostCall, Invocation, Payload, Profile, ResourceIndex, ResourceType, Result,
    Rule, Stacks, Store, Trap, Type, Value, host_func, invoke,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A triple of the tape: what to do, and two numbers that say how.
pub(super) type Op = (u32, u32, u32);

/// An export: its name, type, and how it is lifted.
#[derive(Clone)]
pub(super) struct Export {
    pub(super) name: &'static str,
    pub(super) ty: Rc<FuncType>,
    pub(super) callback: bool,
    pub(super) func: Option<Func>,
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
    pub(super) imports: RefCell<Vec<Export>>,
    exports: RefCell<Vec<Export>>,
    pending: RefCell<Vec<(HostCall, Rc<Cell<bool>>)>>,
    invoked: RefCell<Vec<Rc<Invoked>>>,
}

/// The resource type, which A implements.
const RESOURCE: ResourceIndex = ResourceIndex(0);

pub(super) fn end_of_tape<T>() -> Result<T> {
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
            call.on_cancel(move |_, _| {
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

    pub(super) fn say(&self, line: String) {
        self.log.borrow_mut().push(line);
    }

    pub(super) fn take(&self) -> Result<Op> {
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

/// The streams and futures there are: of bytes.
pub(super) fn payload(is_future: bool) -> Payload {
    Payload {
        is_future,
        ty: Some(Type::U8),
    }
}
