//! Where the profiles differ: the same script under each, and what each makes of it.

use super::calls::{completed, dropped, event, place, stream_of, word};
use super::expect::{broken, holds_under, in_worlds};
use super::guest::{EXIT, Guest, YIELD, func, wait};
use super::world::World;
use crate::canonical::{
    BLOCKED, CoreVal, EventCode, Func, Profile, ResourceIndex, ResourceType, Result, Rule, Type, Value,
};
use std::cell::Cell;
use std::rc::Rc;

const AUGUST: Profile = Profile::AUGUST_2026;
const WASMTIME: Profile = Profile::WASMTIME_48;
const NEWER: Profile = Profile::NEWER;

#[test]
fn an_idle_end_whose_peer_goes_away() {
    let script = |tells: bool| {
        move |guest: &Guest| {
            let set = guest.set_new()?;
            let stream = guest.bytes()?;
            guest.join(stream.readable, set)?;
            stream.drop_writable()?;
            let told = if tells {
                event(EventCode::StreamRead, stream.readable, dropped(0))
            } else {
                event(EventCode::None, 0, 0)
            };
            assert_eq!(guest.poll(set)?, told);
            Ok(())
        }
    };
    holds_under(&[AUGUST], script(false));
    holds_under(&[WASMTIME, NEWER], script(true));
    // Not in a set, it learns of it when it joins one.
    holds_under(&[WASMTIME, NEWER], |guest| {
        let stream = guest.bytes()?;
        stream.drop_readable()?;
        let set = guest.set_new()?;
        guest.join(stream.writable, set)?;
        assert_eq!(
            guest.poll(set)?,
            event(EventCode::StreamWrite, stream.writable, dropped(0))
        );
        Ok(())
    });
}

#[test]
pub(super) fn an_idle_end_with_an_event() {
    let script = |guest: &Guest| {
        let stream = guest.bytes()?;
        stream.drop_writable()?;
        stream.drop_readable()
    };
    holds_under(&Profile::ALL, script);
    // A reading in which such events are sent and have to be taken.
    let strict = Profile {
        name: "strict",
        idle_dropped_event: true,
        ..AUGUST
    };
    broken(Rule::UndeliveredEvent)
        .about(1)
        .by("stream.drop-readable(1)")
        .under(&[strict])
        .when(script);
}

#[test]
fn an_idle_end_that_was_told_its_peer_is_gone() {
    let script = |guest: &Guest| {
        let set = guest.set_new()?;
        let stream = guest.bytes()?;
        guest.join(stream.readable, set)?;
        stream.drop_writable()?;
        assert_eq!(
            guest.poll(set)?,
            event(EventCode::StreamRead, stream.readable, dropped(0))
        );
        assert_eq!(stream.read(64, 1)?, dropped(0));
        stream.drop_readable()
    };
    holds_under(&[WASMTIME], script);
    broken(Rule::EndDone)
        .about(2)
        .by("stream.read(2, ptr, 1)")
        .under(&[NEWER])
        .when(script);
}

#[test]
fn a_future_whose_reader_is_gone_is_told() {
    let script = |deliver: bool| {
        move |guest: &Guest| {
            let (set, future) = (guest.set_new()?, guest.byte()?);
            guest.join(future.writable, set)?;
            future.drop_readable()?;
            if deliver {
                assert_eq!(
                    guest.poll(set)?,
                    event(EventCode::FutureWrite, future.writable, dropped(0))
                );
            }
            future.drop_writable()
        }
    };
    holds_under(&[NEWER], script(true));
    holds_under(&[NEWER], script(false));
    broken(Rule::FutureNotWritten)
        .about(3)
        .by("future.drop-writable(3)")
        .under(&[WASMTIME])
        .when(script(true));
    broken(Rule::FutureNotWritten)
        .about(3)
        .by("future.drop-writable(3)")
        .under(&[AUGUST, WASMTIME])
        .when(script(false));
}

#[test]
fn a_copy_buffer_that_is_not_aligned() {
    holds_under(&[WASMTIME], |guest| {
        let stream = guest.ends(stream_of(Type::U32))?;
        assert_eq!(stream.write(66, 2)?, BLOCKED);
        Ok(())
    });
    broken(Rule::Misaligned)
        .by("stream.read(1, ptr, 2)")
        .under(&[WASMTIME])
        .when(|guest| {
            let stream = guest.ends(stream_of(Type::U32))?;
            stream.write(66, 2)?;
            stream.read(128, 2).map(|_| ())
        });
}

#[test]
pub(super) fn cancelling_a_member() {
    let script = |guest: &Guest| {
        let set = guest.set_new()?;
        let subtask = guest.call_host(512)?;
        guest.join(subtask, set)?;
        assert_eq!(guest.subtask_cancel_async(subtask)?, BLOCKED);
        Ok(())
    };
    holds_under(&[AUGUST, WASMTIME], script);
    broken(Rule::CancelInSet)
        .about(2)
        .by("subtask.cancel(2)")
        .under(&[NEWER])
        .when(script);
}

/// `slow: async func() -> u32` of the peer, which takes no notice of a cancellation.
fn slow(world: &Rc<World>) -> Func {
    let enter = |peer: &Guest, _: &[CoreVal]| Ok(wait(peer.set_new()?));
    let callback = |_: &Guest, _: [u32; 3]| Ok(YIELD);
    world
        .peer
        .lift_async("slow", func(true, &[], Some(Type::U32)), enter, callback)
}

#[test]
fn cancelling_a_guest_twice() {
    let twice = |world: &Rc<World>| {
        let enter = |peer: &Guest, _: &[CoreVal]| Ok(wait(peer.set_new()?));
        let result = func(true, &[], Some(Type::U32));
        let callback = move |peer: &Guest, what: [u32; 3]| {
            if what[0] == EventCode::TaskCancelled as u32 {
                return Ok(YIELD);
            }
            peer.task_return(&result, &[word(1)])?;
            Ok(EXIT)
        };
        let slow = world
            .peer
            .lift_async("slow", func(true, &[], Some(Type::U32)), enter, callback);
        let run = world.guest.script(move |guest| {
            let (_, subtask) = guest.call_async(&slow, &[place(512)])?;
            assert_eq!(guest.subtask_cancel_async(subtask)?, BLOCKED);
            assert_eq!(guest.subtask_cancel_async(subtask)?, BLOCKED);
            Ok(())
        });
        world.invoke(&run, Vec::new()).map(|_| ())
    };
    in_worlds(&[WASMTIME], twice);
    broken(Rule::CancelledTwice)
        .about(1)
        .by("subtask.cancel(1)")
        .under(&[AUGUST, NEWER])
        .in_world(twice);
}

/// A task that is cancelled while it stands at a built-in, and calls `task.cancel` behind it.
fn early_cancel(world: &Rc<World>) -> Result<()> {
    let enter = |guest: &Guest, _: &[CoreVal]| {
        guest.bytes()?.read_sync(64, 1)?;
        guest.task_cancel()?;
        Ok(EXIT)
    };
    let run = world
        .guest
        .lift_async("run", func(true, &[], None), enter, |_, _| Ok(EXIT));
    let call = world.invoke(&run, Vec::new())?;
    call.cancel(&world.store)?;
    let write = world.guest.plain_script(|guest| {
        let mut stream = guest.reader(stream_of(Type::U8), 1);
        stream.writable = 2;
        stream.write(72, 1).map(|_| ())
    });
    world.invoke(&write, Vec::new()).map(|_| ())
}

#[test]
fn cancelling_a_task_before_it_was_told() {
    in_worlds(&[WASMTIME], early_cancel);
    broken(Rule::TaskNotCancelled)
        .by("task.cancel()")
        .under(&[AUGUST, NEWER])
        .in_world(early_cancel);
}

#[test]
fn a_cancellation_that_waits_for_the_lock() {
    // One task is parked; another has the lock, and stands at a built-in while the first is cancelled.
    let parked = |world: &Rc<World>| -> Result<(Rc<Cell<bool>>, bool)> {
        let told = Rc::new(Cell::new(false));
        let flag = told.clone();
        let enter = |guest: &Guest, _: &[CoreVal]| Ok(wait(guest.set_new()?));
        let callback = move |guest: &Guest, _: [u32; 3]| {
            flag.set(true);
            guest.task_cancel()?;
            Ok(EXIT)
        };
        let park = world.guest.lift_async("park", func(true, &[], None), enter, callback);
        let call = world.invoke(&park, Vec::new())?;
        let hold = world.guest.script(|guest| {
            let stream = guest.bytes()?;
            assert_eq!((stream.readable, stream.writable), (2, 3));
            stream.read_sync(64, 1).map(|_| ())
        });
        world.invoke(&hold, Vec::new())?;
        call.cancel(&world.store)?;
        world.run()?;
        assert!(!told.get(), "the lock is held");
        let release = world.guest.plain_script(|guest| {
            let mut stream = guest.reader(stream_of(Type::U8), 2);
            stream.writable = 3;
            stream.write(72, 1).map(|_| ())
        });
        world.invoke(&release, Vec::new())?;
        world.run()?;
        Ok((told, call.is_cancelled()))
    };
    in_worlds(&[WASMTIME, NEWER], |world| {
        let (told, cancelled) = parked(world)?;
        assert!(told.get() && cancelled, "it is woken when the lock is free");
        Ok(())
    });
    let world = World::new(AUGUST);
    let (told, _) = parked(&world).unwrap_or_else(|trap| panic!("{trap}"));
    assert!(!told.get() && world.store.has_tasks(), "it waits on for its set");
}

#[test]
fn newcomers_and_those_who_wait() {
    // Nothing holds tasks back any more, but one has not started yet when another comes.
    let order = |world: &Rc<World>| -> Result<Vec<u32>> {
        let order = Rc::new(std::cell::RefCell::new(Vec::new()));
        let raise = world.guest.plain_script(Guest::backpressure_inc);
        world.invoke(&raise, Vec::new())?;
        for number in [1, 2] {
            let order = order.clone();
            let run = world.guest.script(move |_| {
                order.borrow_mut().push(number);
                Ok(())
            });
            world.invoke(&run, Vec::new())?;
            if number == 1 {
                world.invoke(&world.guest.plain_script(Guest::backpressure_dec), Vec::new())?;
            }
        }
        world.run()?;
        Ok(order.take())
    };
    in_worlds(&[AUGUST, NEWER], |world| {
        assert_eq!(order(world)?, [1, 2], "newcomers queue behind those who wait");
        Ok(())
    });
    in_worlds(&[WASMTIME], |world| {
        assert_eq!(order(world)?, [2, 1]);
        Ok(())
    });
}

/// The guest, which is lent a resource of the peer, lends it on and drops it.
fn lend_on_and_drop(world: &Rc<World>) -> Result<()> {
    let index = ResourceIndex(0);
    let ty = ResourceType::of_guest("r", &world.peer.instance, None);
    world.guest.instance.set_resource(index, ty.clone());
    world.peer.instance.set_resource(index, ty.clone());
    let slow = {
        let ty = func(true, &[Type::Borrow(index)], None);
        let enter = |_: &Guest, _: &[CoreVal]| Ok(YIELD);
        let callback = |peer: &Guest, _: [u32; 3]| {
            peer.task_return(&func(true, &[], None), &[])?;
            Ok(EXIT)
        };
        world.peer.lift_async("slow", ty, enter, callback)
    };
    let ty_of_run = func(true, &[Type::Borrow(index)], None);
    let enter = move |guest: &Guest, args: &[CoreVal]| {
        guest.call_async(&slow, args)?;
        guest.resource_drop(index, args[0].bits() as u32)?;
        guest.task_return(&func(true, &[], None), &[])?;
        Ok(EXIT)
    };
    let run = world.guest.lift_async("run", ty_of_run, enter, |_, _| Ok(EXIT));
    world.invoke(&run, vec![Value::Borrow(ty, 7)]).map(|_| ())
}

#[test]
fn borrows_that_are_lent_on() {
    in_worlds(&[WASMTIME], lend_on_and_drop);
    broken(Rule::ResourceLent)
        .about(1)
        .by("resource.drop(1)")
        .under(&[AUGUST, NEWER])
        .in_world(lend_on_and_drop);
}

/// Drops a resource that was lent to a call which has resolved, before that is told.
fn drop_before_told(world: &Rc<World>) -> Result<()> {
    let index = ResourceIndex(0);
    let ty = world.host_resource();
    world.guest.instance.set_resource(index, ty.clone());
    world.peer.instance.set_resource(index, ty);
    let slow = {
        let ty = func(true, &[Type::Borrow(index)], None);
        let borrowed = Rc::new(Cell::new(0));
        let kept = borrowed.clone();
        let enter = move |_: &Guest, args: &[CoreVal]| {
            kept.set(args[0].bits() as u32);
            Ok(YIELD)
        };
        let callback = move |peer: &Guest, _: [u32; 3]| {
            peer.resource_drop(index, borrowed.get())?;
            peer.task_return(&func(true, &[], None), &[])?;
            Ok(EXIT)
        };
        world.peer.lift_async("slow", ty, enter, callback)
    };
    let run = world.guest.script(move |guest| {
        let handle = guest.resource_new(index, 7)?;
        let (state, _) = guest.call_async(&slow, &[word(handle)])?;
        assert_eq!(state, 1);
        // The callee returns meanwhile.
        while !guest.world().peer.instance.threads().is_empty() {
            guest.give_way()?;
        }
        guest.resource_drop(index, handle)
    });
    world.invoke(&run, Vec::new()).map(|_| ())
}

#[test]
fn lends_of_a_call_that_has_resolved() {
    in_worlds(&[WASMTIME], drop_before_told);
    broken(Rule::ResourceLent)
        .about(1)
        .by("resource.drop(1)")
        .under(&[AUGUST, NEWER])
        .in_world(drop_before_told);
}

#[test]
fn leaving_no_set_while_somebody_waits() {
    in_worlds(&[WASMTIME], |world| {
        let block = world.guest.script(|guest| guest.bytes()?.read_sync(64, 1).map(|_| ()));
        world.invoke(&block, Vec::new())?;
        let join = world.guest.plain_script(|guest| {
            guest.join(1, 0)?;
            let mut stream = guest.reader(stream_of(Type::U8), 1);
            stream.writable = 2;
            assert_eq!(stream.write(72, 1)?, completed(1));
            Ok(())
        });
        world.invoke(&join, Vec::new()).map(|_| ())
    });
}

#[test]
fn a_callee_that_takes_no_notice() {
    // A synchronous cancel waits for as long as the callee likes.
    let world = World::new(AUGUST);
    let slow = slow(&world);
    let run = world.guest.script(move |guest| {
        let (_, subtask) = guest.call_async(&slow, &[place(512)])?;
        guest.subtask_cancel(subtask).map(|_| ())
    });
    let call = world.invoke(&run, Vec::new()).unwrap_or_else(|trap| panic!("{trap}"));
    for _ in 0..20 {
        assert_eq!(world.store.tick(), Ok(true), "the callee yields for ever");
    }
    assert!(!call.is_resolved());
    let report = world.store.report().to_string();
    assert!(report.contains("the call of `slow`, which is started"), "{report}");
}
