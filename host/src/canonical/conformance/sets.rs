//! Waitable sets: who is in them, who waits for them, and what is delivered from them.

use super::calls::{completed, event, place, word};
use super::expect::{broken, holds, in_worlds};
use super::guest::{EXIT, Guest, func, wait};
use super::world::World;
use crate::canonical::{Builtin, CoreVal, EventCode, Func, Profile, Result, Rule, Type};
use std::cell::Cell;
use std::rc::Rc;

#[test]
pub(super) fn a_set_with_members_is_not_dropped() {
    let drop = || broken(Rule::SetHasMembers).about(1).by("waitable-set.drop(1)");
    drop().when(|guest| {
        let set = guest.set_new()?;
        guest.join(guest.bytes()?.readable, set)?;
        guest.set_drop(set)
    });
    drop().when(|guest| {
        // What is over is a member as well.
        let set = guest.set_new()?;
        let subtask = guest.call_host(512)?;
        guest.world().later(|world| world.answer(5));
        guest.join(subtask, set)?;
        guest.wait(set)?;
        guest.set_drop(set)
    });
}

#[test]
fn members_leave_by_joining_another_set_none_and_by_being_dropped() {
    holds(|guest| {
        let (first, second) = (guest.set_new()?, guest.set_new()?);
        let stream = guest.bytes()?;
        guest.join(stream.readable, first)?;
        guest.join(stream.readable, second)?;
        guest.set_drop(first)?;
        guest.join(stream.readable, 0)?;
        guest.join(stream.writable, second)?;
        stream.drop_writable()?;
        guest.set_drop(second)
    });
}

/// A set that a task of `wait` makes and waits for, by its code or by the built-in.
fn waiting(world: &Rc<World>, by_code: bool) -> Result<Rc<Cell<u32>>> {
    let set = Rc::new(Cell::new(0));
    let made = set.clone();
    let enter = move |guest: &Guest, _: &[CoreVal]| {
        made.set(guest.set_new()?);
        if !by_code {
            guest.wait(made.get())?;
        }
        Ok(wait(made.get()))
    };
    let wait = world
        .guest
        .lift_async("wait", func(true, &[], None), enter, |_, _| Ok(EXIT));
    world.invoke(&wait, Vec::new())?;
    Ok(set)
}

#[test]
pub(super) fn a_set_that_is_waited_for_is_not_dropped() {
    for by_code in [true, false] {
        broken(Rule::SetHasWaiters)
            .about(1)
            .by("waitable-set.drop(1)")
            .in_task("task 2 of `plain`", "guest")
            .in_world(|world| {
                let set = waiting(world, by_code)?;
                let drop = world.guest.plain_script(move |guest| guest.set_drop(set.get()));
                world.invoke(&drop, Vec::new()).map(|_| ())
            });
    }
}

#[test]
fn a_set_may_be_waited_for_while_it_is_empty() {
    in_worlds(&Profile::ALL, |world| {
        let set = Rc::new(Cell::new(0));
        let made = set.clone();
        let enter = move |guest: &Guest, _: &[CoreVal]| {
            made.set(guest.set_new()?);
            Ok(wait(made.get()))
        };
        let callback = |guest: &Guest, what: [u32; 3]| {
            assert_eq!(what, event(EventCode::StreamWrite, 3, completed(2)));
            guest.task_return(&func(true, &[], None), &[])?;
            Ok(EXIT)
        };
        let parked = world.guest.lift_async("wait", func(true, &[], None), enter, callback);
        let call = world.invoke(&parked, Vec::new())?;
        world.run()?;
        assert!(!call.is_resolved());
        let join = world.guest.plain_script(move |guest| {
            let stream = guest.bytes()?;
            stream.write(64, 2)?;
            stream.read(80, 2)?;
            guest.join(stream.writable, set.get())
        });
        world.invoke(&join, Vec::new())?;
        world.run()?;
        assert!(call.is_resolved());
        Ok(())
    });
}

/// A task of `block` that waits for `end` of a stream, handles 1 and 2, by a synchronous read.
fn blocked(world: &Rc<World>) -> Result<()> {
    let block = world.guest.lift_async(
        "block",
        func(true, &[], None),
        |guest, _| {
            guest.bytes()?.read_sync(64, 4)?;
            Ok(EXIT)
        },
        |_, _| Ok(EXIT),
    );
    world.invoke(&block, Vec::new()).map(|_| ())
}

#[test]
pub(super) fn what_is_waited_for_synchronously_stays() {
    let join = |profiles: &[Profile], set: u32| {
        broken(Rule::SyncWaiter)
            .about(1)
            .by(format!("waitable.join(1, {set})"))
            .in_task("task 2 of `plain`", "guest")
            .under(profiles)
            .in_world(|world| {
                blocked(world)?;
                let join = world.guest.plain_script(move |guest| {
                    assert_eq!(guest.set_new()?, 3);
                    guest.join(1, set)
                });
                world.invoke(&join, Vec::new()).map(|_| ())
            });
    };
    join(&Profile::ALL, 3);
    join(&[Profile::AUGUST_2026, Profile::NEWER], 0);
}

#[test]
pub(super) fn members_take_no_synchronous_operation() {
    broken(Rule::SyncInSet)
        .about(2)
        .by("stream.read(2, ptr, 4)")
        .when(|guest| {
            let set = guest.set_new()?;
            let stream = guest.bytes()?;
            guest.join(stream.readable, set)?;
            stream.read_sync(64, 4).map(|_| ())
        });
    broken(Rule::SyncInSet)
        .about(3)
        .by("future.write(3, ptr)")
        .when(|guest| {
            let set = guest.set_new()?;
            let future = guest.byte()?;
            guest.join(future.writable, set)?;
            future.write_sync(64, 1).map(|_| ())
        });
    broken(Rule::SyncInSet)
        .about(2)
        .by("stream.cancel-read(2)")
        .when(|guest| {
            let set = guest.set_new()?;
            let stream = guest.bytes()?;
            stream.read(64, 4)?;
            guest.join(stream.readable, set)?;
            stream.cancel_read().map(|_| ())
        });
    broken(Rule::SyncInSet)
        .about(3)
        .by("stream.cancel-write(3)")
        .when(|guest| {
            let set = guest.set_new()?;
            let stream = guest.bytes()?;
            stream.write(64, 4)?;
            guest.join(stream.writable, set)?;
            stream.cancel_write().map(|_| ())
        });
    broken(Rule::SyncInSet).about(2).by("subtask.cancel(2)").when(|guest| {
        let set = guest.set_new()?;
        let subtask = guest.call_host(512)?;
        guest.join(subtask, set)?;
        guest.subtask_cancel(subtask).map(|_| ())
    });
}

#[test]
fn events_go_where_there_is_room_for_them() {
    for (rule, at) in [(Rule::Misaligned, 66), (Rule::OutOfBounds, 4092)] {
        for builtin in [
            Builtin::WaitableSetPoll { cancellable: false },
            Builtin::WaitableSetWait { cancellable: false },
        ] {
            broken(rule)
                .by(format!("{}(1, ptr)", builtin.name()))
                .when(move |guest| {
                    let set = guest.set_new()?;
                    let stream = guest.bytes()?;
                    stream.write(64, 1)?;
                    stream.read(80, 1)?;
                    guest.join(stream.writable, set)?;
                    guest.built_in(&builtin, &[word(set), place(at)]).map(|_| ())
                });
        }
    }
}

#[test]
fn polls_give_nothing_where_nothing_has_happened() {
    holds(|guest| {
        let set = guest.set_new()?;
        assert_eq!(guest.poll(set)?, event(EventCode::None, 0, 0));
        let stream = guest.bytes()?;
        stream.read(64, 4)?;
        guest.join(stream.readable, set)?;
        assert_eq!(guest.poll(set)?, event(EventCode::None, 0, 0));
        stream.write(80, 3)?;
        assert_eq!(
            guest.poll(set)?,
            event(EventCode::StreamRead, stream.readable, completed(3))
        );
        assert_eq!(
            guest.poll(set)?,
            event(EventCode::None, 0, 0),
            "an event is delivered once"
        );
        stream.read(64, 1)?;
        stream.write(80, 1)?;
        let next = guest.poll(set)?;
        assert_eq!(
            next,
            event(EventCode::StreamRead, stream.readable, completed(1)),
            "it stays a member"
        );
        Ok(())
    });
}

/// Members of every kind, all ready: what they report, in the order of `Profile::WASMTIME_48`.
#[test]
fn a_set_takes_all_kinds() {
    in_worlds(&Profile::ALL, |world| {
        let answer = world.peer.lift_async(
            "answer",
            func(true, &[], Some(Type::U32)),
            |_, _| Ok(super::guest::YIELD),
            |peer, _| {
                peer.task_return(&func(true, &[], Some(Type::U32)), &[word(9)])?;
                Ok(EXIT)
            },
        );
        let run = world.guest.script(move |guest| all_kinds(guest, &answer));
        let call = world.invoke(&run, Vec::new())?;
        world.run()?;
        assert!(call.is_resolved());
        Ok(())
    });
}

fn all_kinds(guest: &Guest, answer: &Func) -> Result<()> {
    let set = guest.set_new()?;
    let (reads, writes) = (guest.bytes()?, guest.bytes()?);
    let (gets, sets) = (guest.byte()?, guest.byte()?);
    let (_, of_peer) = guest.call_async(answer, &[place(600)])?;
    let of_host = guest.call_host(604)?;
    reads.read(64, 4)?;
    writes.write(64, 2)?;
    gets.read(72, 1)?;
    sets.write(72, 1)?;
    for waitable in [
        reads.readable,
        writes.writable,
        gets.readable,
        sets.writable,
        of_peer,
        of_host,
    ] {
        guest.join(waitable, set)?;
    }
    reads.write(80, 3)?;
    writes.read(80, 5)?;
    gets.write(80, 1)?;
    sets.read(80, 1)?;
    guest.world().answer(5)?;
    // The first wait lets the peer go on.
    let mut events = vec![guest.wait(set)?];
    while events.len() < 6 {
        events.push(guest.wait(set)?);
    }
    let expected = [
        event(EventCode::Subtask, of_host, 2),
        event(EventCode::Subtask, of_peer, 2),
        event(EventCode::StreamRead, reads.readable, completed(3)),
        event(EventCode::StreamWrite, writes.writable, completed(2)),
        event(EventCode::FutureRead, gets.readable, completed(0)),
        event(EventCode::FutureWrite, sets.writable, completed(0)),
    ];
    let mut sorted = events.clone();
    sorted.sort_by_key(|event| expected.iter().position(|other| other == event));
    assert_eq!(sorted, expected, "they came as {events:?}");
    assert_eq!((guest.memory.word(600), guest.memory.word(604)), (9, 5));
    Ok(())
}

#[test]
fn each_event_goes_to_one_of_those_who_wait() {
    in_worlds(&Profile::ALL, |world| {
        let (set, told) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let make = || {
            let (set, told) = (set.clone(), told.clone());
            let enter = move |guest: &Guest, _: &[CoreVal]| {
                if set.get() == 0 {
                    set.set(guest.set_new()?);
                }
                Ok(wait(set.get()))
            };
            let callback = move |guest: &Guest, what: [u32; 3]| {
                assert_eq!(what[0], EventCode::StreamRead as u32);
                told.set(told.get() + 1);
                guest.task_return(&func(true, &[], None), &[])?;
                Ok(EXIT)
            };
            world.guest.lift_async("wait", func(true, &[], None), enter, callback)
        };
        let calls = [world.invoke(&make(), Vec::new())?, world.invoke(&make(), Vec::new())?];
        world.run()?;
        for round in 1..=2 {
            let set = set.clone();
            let ready = world.guest.plain_script(move |guest| {
                let stream = guest.bytes()?;
                stream.read(64, 1)?;
                stream.write(80, 1)?;
                guest.join(stream.readable, set.get())
            });
            world.invoke(&ready, Vec::new())?;
            world.run()?;
            assert_eq!(told.get(), round);
            let resolved = calls.iter().filter(|call| call.is_resolved()).count();
            assert_eq!(resolved, round);
        }
        Ok(())
    });
}
