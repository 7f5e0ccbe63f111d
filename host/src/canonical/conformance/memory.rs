//! Memory that is lent to the host: it stays where it is, and as it is, until the guest is told.

use super::calls::{place, stream_of};
use super::expect::{broken, in_worlds};
use super::guest::{EXIT, Guest, func};
use super::world::World;
use crate::canonical::linear::Linear;
use crate::canonical::{Access, BLOCKED, CoreParts, Lease, Memory, Profile, Result, Rule, Type, Width};
use std::cell::Cell;
use std::rc::Rc;

/// A memory that keeps an eye on what it lends.
struct Watched {
    memory: Rc<Linear>,
    freed: Rc<Cell<bool>>,
}

// SAFETY: everything is done by the memory inside.
unsafe impl Memory for Watched {
    fn width(&self) -> Width {
        self.memory.width()
    }

    fn check(&self, ptr: *mut u8, len: usize) -> std::result::Result<(), String> {
        self.memory.check(ptr, len)
    }

    unsafe fn read(&self, ptr: *mut u8, into: &mut [u8]) {
        // SAFETY: the caller's promise.
        unsafe { self.memory.read(ptr, into) };
    }

    unsafe fn write(&self, ptr: *mut u8, from: &[u8]) {
        // SAFETY: the caller's promise.
        unsafe { self.memory.write(ptr, from) };
    }

    unsafe fn read_pointer(&self, ptr: *mut u8) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.memory.read_pointer(ptr) }
    }

    unsafe fn write_pointer(&self, ptr: *mut u8, value: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { self.memory.write_pointer(ptr, value) };
    }

    fn lend(&self, ptr: *mut u8, len: usize, access: Access, what: &dyn Fn() -> String) -> Option<Box<dyn Lease>> {
        Some(Box::new(Lent {
            memory: self.memory.clone(),
            freed: self.freed.clone(),
            at: ptr.addr(),
            before: self.memory.bytes(ptr.addr(), len),
            access,
            what: what(),
        }))
    }
}

struct Lent {
    memory: Rc<Linear>,
    freed: Rc<Cell<bool>>,
    at: usize,
    before: Vec<u8>,
    access: Access,
    what: String,
}

impl Lease for Lent {
    fn defect(&self) -> Option<(Rule, String)> {
        let changed = self.memory.bytes(self.at, self.before.len()) != self.before;
        if self.freed.get() {
            Some((Rule::UseAfterFree, format!("{} was freed", self.what)))
        } else if changed && self.access == Access::Read {
            Some((Rule::MutatedInFlight, format!("{} was changed", self.what)))
        } else {
            None
        }
    }
}

/// Runs `script` in a guest with a watched memory; `free` says that everything in it was freed.
fn watched(world: &Rc<World>, script: impl Fn(&Guest, &Cell<bool>) -> Result<()> + 'static) -> Result<()> {
    let freed = Rc::new(Cell::new(false));
    let core = world.guest.instance.core()?;
    world.guest.instance.set_core(CoreParts {
        memory: Rc::new(Watched {
            memory: world.guest.memory.clone(),
            freed: freed.clone(),
        }),
        ..core
    });
    let run = world.guest.script(move |guest| script(guest, &freed));
    world.invoke(&run, Vec::new()).map(|_| ())
}

#[test]
pub(super) fn lent_memory_stays() {
    let freed = |call: &str| broken(Rule::UseAfterFree).by(call);
    freed("stream.read(1, ptr, 4)").in_world(|world| {
        watched(world, |guest, free| {
            let stream = guest.bytes()?;
            assert_eq!(stream.write(64, 4)?, BLOCKED);
            free.set(true);
            stream.read(72, 4).map(|_| ())
        })
    });
    freed("stream.write(2, ptr, 4)").in_world(|world| {
        watched(world, |guest, free| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(64, 4)?, BLOCKED);
            free.set(true);
            stream.write(72, 4).map(|_| ())
        })
    });
    freed("stream.cancel-read(1)").in_world(|world| {
        watched(world, |guest, free| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(64, 4)?, BLOCKED);
            free.set(true);
            stream.cancel_read().map(|_| ())
        })
    });
    freed("host(1, ptr)").in_world(|world| {
        watched(world, |guest, free| {
            guest.call_host(512)?;
            free.set(true);
            guest.world().answer(5)
        })
    });
}

/// `many: async func(..)` of the peer, whose parameters go through memory.
fn many(world: &Rc<World>) -> crate::canonical::Func {
    let ty = func(true, &vec![Type::U32; 5], None);
    let enter = |peer: &Guest, _: &[crate::canonical::CoreVal]| {
        peer.task_return(&func(true, &[], None), &[])?;
        Ok(EXIT)
    };
    world.peer.lift_async("many", ty, enter, |_, _| Ok(EXIT))
}

#[test]
pub(super) fn lent_memory_is_left_alone() {
    broken(Rule::MutatedInFlight)
        .by("stream.read(1, ptr, 4)")
        .in_world(|world| {
            watched(world, |guest, _| {
                let stream = guest.bytes()?;
                assert_eq!(stream.write(64, 4)?, BLOCKED);
                guest.memory.set_word(64, 0);
                stream.read(72, 4).map(|_| ())
            })
        });
    broken(Rule::MutatedInFlight).by("many(ptr)").in_world(|world| {
        let many = many(world);
        world.peer.instance.backpressure.set(1);
        watched(world, move |guest, _| {
            let (state, _) = guest.call_async(&many, &[place(512)])?;
            assert_eq!(state, 0, "it has not started, so nothing was read");
            guest.memory.set_word(516, 9);
            guest.world().peer.instance.backpressure.set(0);
            guest.give_way().map(|_| ())
        })
    });
    in_worlds(&Profile::ALL, |world| {
        watched(world, |guest, _| {
            // What the host writes to, or has given back, may change.
            let stream = guest.ends(stream_of(Type::U32))?;
            assert_eq!(stream.read(64, 2)?, BLOCKED);
            guest.memory.set_word(64, 9);
            assert_eq!(stream.write(128, 1)?, 1 << 4);
            let subtask = guest.call_host(512)?;
            guest.memory.set_word(512, 9);
            guest.world().answer(5)?;
            assert_ne!(subtask, 0);
            Ok(())
        })
    });
}
