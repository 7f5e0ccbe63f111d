//! Plain functions, which may not block: what they may do all the same, and when that traps.

use super::calls::{completed, event, stream_of, word};
use super::expect::{broken, in_worlds};
use super::guest::{EXIT, Guest, func, wait};
use super::world::World;
use crate::canonical::{BLOCKED, CoreVal, EventCode, Profile, Result, Rule, Type};
use std::cell::Cell;
use std::rc::Rc;

/// The profiles that wait and see whether something blocks.
const PATIENT: [Profile; 2] = [Profile::AUGUST_2026, Profile::NEWER];

#[test]
pub(super) fn a_wait_for_nothing_traps() {
    let blocks = |call: &str| broken(Rule::CannotBlock).by(call);
    blocks("waitable-set.wait(1, ptr)").when_plain(|guest| {
        let set = guest.set_new()?;
        guest.wait(set).map(|_| ())
    });
    blocks("stream.read(1, ptr, 4)").when_plain(|guest| guest.bytes()?.read_sync(64, 4).map(|_| ()));
    blocks("stream.write(2, ptr, 4)").when_plain(|guest| guest.bytes()?.write_sync(64, 4).map(|_| ()));
    blocks("future.read(1, ptr)").when_plain(|guest| guest.byte()?.read_sync(64, 1).map(|_| ()));
    blocks("host(1)").when_plain(|guest| guest.call(&guest.world().host, &[word(1)]).map(|_| ()));
    blocks("subtask.cancel(1)").when_plain(|guest| {
        let subtask = guest.call_host(512)?;
        guest.subtask_cancel(subtask).map(|_| ())
    });
}

/// What could block, and does not: eager profiles trap.
fn harmless(call: &str, script: impl Fn(&Guest) -> Result<()> + Clone + 'static) {
    broken(Rule::CannotBlock)
        .by(call)
        .under(&[Profile::WASMTIME_48])
        .when_plain(script.clone());
    in_worlds(&PATIENT, |world| {
        let run = world.guest.plain_script(script.clone());
        let call = world.invoke(&run, Vec::new())?;
        assert!(call.is_resolved());
        Ok(())
    });
}

#[test]
fn what_does_not_block_is_allowed() {
    harmless("waitable-set.wait(3, ptr)", |guest| {
        let stream = guest.bytes()?;
        assert_eq!(stream.write(64, 1)?, BLOCKED);
        assert_eq!(stream.read(72, 1)?, completed(1));
        let set = guest.set_new()?;
        guest.join(stream.writable, set)?;
        assert_eq!(
            guest.wait(set)?,
            event(EventCode::StreamWrite, stream.writable, completed(1))
        );
        Ok(())
    });
    harmless("stream.read(1, ptr, 1)", |guest| {
        let stream = guest.bytes()?;
        assert_eq!(stream.write(64, 1)?, BLOCKED);
        assert_eq!(stream.read_sync(72, 1)?, completed(1));
        Ok(())
    });
    harmless("stream.cancel-read(1)", |guest| {
        let stream = guest.bytes()?;
        stream.read(64, 1)?;
        stream.cancel_read().map(|_| ())
    });
    harmless("quick()", |guest| {
        let ty = func(true, &[], None);
        let result = ty.clone();
        let enter = move |peer: &Guest, _: &[CoreVal]| {
            peer.task_return(&result, &[])?;
            Ok(EXIT)
        };
        let quick = guest.world().peer.lift_async("quick", ty, enter, |_, _| Ok(EXIT));
        guest.call(&quick, &[]).map(|_| ())
    });
    in_worlds(&Profile::ALL, |world| {
        let run = world.guest.plain_script(|guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(64, 1)?, BLOCKED, "an asynchronous copy never blocks");
            assert_eq!(stream.cancel_read_async()?, 2);
            let set = guest.set_new()?;
            assert_eq!(guest.poll(set)?[0], 0);
            assert_eq!(guest.give_way()?, 0, "nobody else is there");
            Ok(())
        });
        world.invoke(&run, Vec::new()).map(|_| ())
    });
}

/// A task of the guest that waits for a stream, handles 1 and 2, by its code; it counts its turns.
fn waiting(world: &Rc<World>) -> Result<Rc<Cell<u32>>> {
    let turns = Rc::new(Cell::new(0));
    let counter = turns.clone();
    let enter = |guest: &Guest, _: &[CoreVal]| {
        let (stream, set) = (guest.bytes()?, guest.set_new()?);
        stream.read(64, 1)?;
        guest.join(stream.readable, set)?;
        Ok(wait(set))
    };
    let callback = move |guest: &Guest, _: [u32; 3]| {
        counter.set(counter.get() + 1);
        guest.task_return(&func(true, &[], None), &[])?;
        Ok(EXIT)
    };
    let sibling = world
        .guest
        .lift_async("sibling", func(true, &[], None), enter, callback);
    world.invoke(&sibling, Vec::new())?;
    Ok(turns)
}

#[test]
fn other_tasks_of_the_instance_run_while_a_plain_function_waits() {
    in_worlds(&PATIENT, |world| {
        let turns = waiting(world)?;
        let seen = turns.clone();
        let plain = world.guest.plain_script(move |guest| {
            let mut stream = guest.reader(stream_of(Type::U8), 1);
            stream.writable = 2;
            // The sibling can go on now; its callback runs while this waits for what it never gets.
            assert_eq!(stream.write(64, 1)?, completed(1));
            assert_eq!(seen.get(), 0);
            guest.give_way()?;
            Ok(())
        });
        let call = world.invoke(&plain, Vec::new())?;
        assert!(
            call.is_resolved(),
            "a plain function has returned when its call returns"
        );
        Ok(())
    });
    broken(Rule::CannotBlock)
        .by("waitable-set.wait(4, ptr)")
        .in_task("task 2 of `plain`", "guest")
        .in_world(|world| {
            let turns = waiting(world)?;
            let plain = world.guest.plain_script(move |guest| {
                let set = guest.set_new()?;
                guest.wait(set)?;
                assert_eq!(turns.get(), 1, "never reached");
                Ok(())
            });
            world.invoke(&plain, Vec::new()).map(|_| ())
        });
}

#[test]
fn a_plain_function_comes_in_wherever_its_instance_waits() {
    // Between callbacks, inside a callback at a built-in, and under backpressure.
    let entered = |world: &Rc<World>| -> Result<()> {
        let ran = Rc::new(Cell::new(false));
        let flag = ran.clone();
        let plain = world.guest.plain_script(move |_| {
            flag.set(true);
            Ok(())
        });
        world.invoke(&plain, Vec::new())?;
        assert!(ran.get());
        Ok(())
    };
    for world in Profile::ALL.map(World::new) {
        let outcome = waiting(&world).and_then(|_| entered(&world));
        outcome.unwrap_or_else(|trap| panic!("{trap}"));
        let blocked = world.guest.script(|guest| guest.bytes()?.read_sync(64, 1).map(|_| ()));
        let outcome = world.invoke(&blocked, Vec::new()).and_then(|_| entered(&world));
        outcome.unwrap_or_else(|trap| panic!("{trap}"));
        world.guest.instance.backpressure.set(1);
        let queued = world.guest.script(|_| Ok(()));
        let outcome = world.invoke(&queued, Vec::new()).and_then(|call| {
            assert!(!call.is_resolved(), "an asynchronous one is held back");
            entered(&world)
        });
        outcome.unwrap_or_else(|trap| panic!("{trap}"));
    }
}

#[test]
fn asynchronous_tasks_run_one_at_a_time() {
    in_worlds(&Profile::ALL, |world| {
        // The first stands inside its core code, at a blocking built-in, and keeps the lock.
        let first = world.guest.script(|guest| guest.bytes()?.read_sync(64, 1).map(|_| ()));
        let first = world.invoke(&first, Vec::new())?;
        let second = world.guest.script(|_| Ok(()));
        let second = world.invoke(&second, Vec::new())?;
        world.run()?;
        assert!(!first.is_resolved() && !second.is_resolved());
        let write = world.guest.plain_script(|guest| {
            let mut stream = guest.reader(stream_of(Type::U8), 1);
            stream.writable = 2;
            stream.write(72, 1).map(|_| ())
        });
        world.invoke(&write, Vec::new())?;
        world.run()?;
        assert!(first.is_resolved() && second.is_resolved());
        Ok(())
    });
}

#[test]
fn what_is_held_back_starts_when_the_counter_is_back_at_zero() {
    in_worlds(&Profile::ALL, |world| {
        let raise = world.guest.plain_script(|guest| {
            guest.backpressure_inc()?;
            guest.backpressure_inc()
        });
        world.invoke(&raise, Vec::new())?;
        let order = Rc::new(Cell::new(0));
        let calls = [1, 2, 3].map(|_| {
            let order = order.clone();
            let run = world.guest.script(move |_| {
                order.set(order.get() + 1);
                Ok(())
            });
            world.invoke(&run, Vec::new())
        });
        let lower = world.guest.plain_script(Guest::backpressure_dec);
        world.invoke(&lower, Vec::new())?;
        world.run()?;
        assert_eq!(order.get(), 0, "raised twice, lowered once");
        world.invoke(&lower, Vec::new())?;
        world.run()?;
        assert_eq!(order.get(), 3);
        for call in calls {
            assert!(call?.is_resolved());
        }
        Ok(())
    });
}

#[test]
fn backpressure_that_comes_back_keeps_the_rest_waiting() {
    in_worlds(&Profile::ALL, |world| {
        let raise = world.guest.plain_script(Guest::backpressure_inc);
        world.invoke(&raise, Vec::new())?;
        let first = world.guest.script(Guest::backpressure_inc);
        let second = world.guest.script(|_| Ok(()));
        let (first, second) = (world.invoke(&first, Vec::new())?, world.invoke(&second, Vec::new())?);
        let lower = world.guest.plain_script(Guest::backpressure_dec);
        world.invoke(&lower, Vec::new())?;
        world.run()?;
        assert!(first.is_resolved(), "it starts, and raises backpressure again");
        assert!(!second.is_resolved());
        world.invoke(&lower, Vec::new())?;
        world.run()?;
        assert!(second.is_resolved());
        Ok(())
    });
}
