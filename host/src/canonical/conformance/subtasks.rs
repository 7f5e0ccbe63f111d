//! Calls of imports, as their caller sees them.

use super::calls::{event, place, word};
use super::expect::{broken, holds, in_worlds};
use super::guest::{EXIT, Guest, YIELD, func, wait};
use super::world::{Scripted, World};
use crate::canonical::{BLOCKED, Choice, CoreVal, EventCode, Func, Profile, Result, Rule, SubtaskState, Type};
use std::rc::Rc;

const STARTING: u32 = SubtaskState::Starting as u32;
const STARTED: u32 = SubtaskState::Started as u32;
const RETURNED: u32 = SubtaskState::Returned as u32;
const BEFORE_STARTED: u32 = SubtaskState::CancelledBeforeStarted as u32;
const BEFORE_RETURNED: u32 = SubtaskState::CancelledBeforeReturned as u32;

/// Waits for the next event of a call.
fn next(guest: &Guest, subtask: u32) -> Result<[u32; 3]> {
    let set = guest.set_new()?;
    guest.join(subtask, set)?;
    let event = guest.wait(set)?;
    guest.join(subtask, 0)?;
    guest.set_drop(set)?;
    Ok(event)
}

#[test]
pub(super) fn what_is_over_is_not_cancelled() {
    for cancel in [Guest::subtask_cancel, Guest::subtask_cancel_async] {
        broken(Rule::CancelAfterResolve)
            .about(1)
            .by("subtask.cancel(1)")
            .when(move |guest| {
                let subtask = guest.call_host(512)?;
                guest.world().later(|world| world.answer(5));
                assert_eq!(next(guest, subtask)?, event(EventCode::Subtask, subtask, RETURNED));
                cancel(guest, subtask).map(|_| ())
            });
        broken(Rule::CancelAfterResolve)
            .about(1)
            .by("subtask.cancel(1)")
            .when(move |guest| {
                let subtask = guest.call_host(512)?;
                guest.world().later(World::confirm_cancel);
                assert_eq!(guest.subtask_cancel(subtask)?, BEFORE_RETURNED);
                cancel(guest, subtask).map(|_| ())
            });
    }
}

#[test]
pub(super) fn a_call_is_cancelled_once() {
    for cancel in [Guest::subtask_cancel, Guest::subtask_cancel_async] {
        broken(Rule::CancelledTwice)
            .about(1)
            .by("subtask.cancel(1)")
            .when(move |guest| {
                let subtask = guest.call_host(512)?;
                assert_eq!(guest.subtask_cancel_async(subtask)?, BLOCKED);
                cancel(guest, subtask).map(|_| ())
            });
    }
}

#[test]
pub(super) fn a_call_is_dropped_after_its_end_was_told() {
    let drop = || broken(Rule::SubtaskUnresolved).about(1).by("subtask.drop(1)");
    drop().when(|guest| {
        let subtask = guest.call_host(512)?;
        guest.subtask_drop(subtask)
    });
    drop().when(|guest| {
        let subtask = guest.call_host(512)?;
        guest.world().answer(5)?;
        guest.subtask_drop(subtask)
    });
    holds(|guest| {
        let subtask = guest.call_host(512)?;
        guest.world().answer(5)?;
        next(guest, subtask)?;
        guest.subtask_drop(subtask)?;
        assert_eq!(guest.memory.word(512), 5);
        Ok(())
    });
}

/// `quick: async func(x: u32) -> u32` of the peer, which returns twice what it got, at once.
fn quick(world: &Rc<World>) -> Func {
    let ty = func(true, &[Type::U32], Some(Type::U32));
    let result = ty.clone();
    let enter = move |peer: &Guest, args: &[CoreVal]| {
        peer.task_return(&result, &[word(2 * args[0].bits() as u32)])?;
        Ok(EXIT)
    };
    world.peer.lift_async("quick", ty, enter, |_, _| Ok(EXIT))
}

/// Runs `script` with an import.
#[track_caller]
fn with(
    profiles: &[Profile],
    import: impl Fn(&Rc<World>) -> Func,
    script: impl Fn(&Guest, &Func) -> Result<()> + Clone + 'static,
) {
    in_worlds(profiles, |world| {
        let import = import(world);
        let script = script.clone();
        let run = world.guest.script(move |guest| script(guest, &import));
        let call = world.invoke(&run, Vec::new())?;
        world.run()?;
        assert!(call.is_resolved(), "{}", world.store.report());
        Ok(())
    });
}

#[test]
fn a_call_that_returns_at_once_has_no_handle() {
    with(&Profile::ALL, quick, |guest, quick| {
        assert_eq!(guest.call_async(quick, &[word(21), place(512)])?, (RETURNED, 0));
        assert_eq!(guest.memory.word(512), 42);
        assert_eq!(guest.call(quick, &[word(4)])?, 8);
        assert_eq!(guest.set_new()?, 1);
        Ok(())
    });
}

/// A world where host functions take their parameters later.
fn hesitant() -> Rc<World> {
    World::with_chooser(Profile::AUGUST_2026, Scripted::new(vec![(Choice::HostStart, 1)]))
}

#[test]
fn starting_started_and_returned_are_told_one_by_one() {
    let world = hesitant();
    let run = world.guest.script(|guest| {
        let (state, subtask) = guest.call_async(&guest.world().host, &[word(1), place(512)])?;
        assert_eq!(state, STARTING);
        assert_eq!(next(guest, subtask)?, event(EventCode::Subtask, subtask, STARTED));
        guest.world().later(|world| world.answer(6));
        assert_eq!(next(guest, subtask)?, event(EventCode::Subtask, subtask, RETURNED));
        assert_eq!(guest.memory.word(512), 6);
        guest.subtask_drop(subtask)
    });
    let call = world
        .invoke(&run, Vec::new())
        .and_then(|call| world.run().map(|()| call));
    assert!(call.is_ok_and(|call| call.is_resolved()));
}

#[test]
fn progress_that_was_not_told_is_told_as_one() {
    let world = hesitant();
    let run = world.guest.script(|guest| {
        let (state, subtask) = guest.call_async(&guest.world().host, &[word(1), place(512)])?;
        assert_eq!(state, STARTING);
        // The host starts and answers before anybody looks.
        guest.give_way()?;
        guest.world().answer(6)?;
        assert_eq!(next(guest, subtask)?, event(EventCode::Subtask, subtask, RETURNED));
        guest.subtask_drop(subtask)
    });
    let call = world
        .invoke(&run, Vec::new())
        .and_then(|call| world.run().map(|()| call));
    assert!(call.is_ok_and(|call| call.is_resolved()));
}

#[test]
fn a_call_that_is_held_back_is_cancelled_before_it_starts() {
    with(&Profile::ALL, quick, |guest, quick| {
        guest.world().peer.instance.backpressure.set(1);
        let (state, subtask) = guest.call_async(quick, &[word(21), place(512)])?;
        assert_eq!(state, STARTING);
        assert_eq!(guest.subtask_cancel(subtask)?, BEFORE_STARTED);
        assert!(
            guest.world().peer.reallocs.borrow().is_empty(),
            "no code of the callee ran"
        );
        guest.subtask_drop(subtask)
    });
}

/// `stubborn: async func() -> u32` of the peer, which answers a cancellation by `task.cancel`, or returns all the same.
fn cancellable(world: &Rc<World>, obedient: bool, late: bool) -> Func {
    let ty = func(true, &[], Some(Type::U32));
    let result = ty.clone();
    let enter = |peer: &Guest, _: &[CoreVal]| Ok(wait(peer.set_new()?));
    let callback = move |peer: &Guest, what: [u32; 3]| {
        let is_cancelled = what[0] == EventCode::TaskCancelled as u32;
        if late && is_cancelled {
            return Ok(YIELD);
        }
        if obedient {
            peer.task_cancel()?;
        } else {
            peer.task_return(&result, &[word(3)])?;
        }
        Ok(EXIT)
    };
    world.peer.lift_async("slow", ty, enter, callback)
}

#[test]
fn a_callee_cancels_or_returns_at_once_or_later() {
    for (obedient, state) in [(true, BEFORE_RETURNED), (false, RETURNED)] {
        for late in [false, true] {
            let import = move |world: &Rc<World>| cancellable(world, obedient, late);
            with(&Profile::ALL, import, move |guest, slow| {
                let (started, subtask) = guest.call_async(slow, &[place(512)])?;
                assert_eq!(started, STARTED);
                guest.memory.set_word(512, 77);
                assert_eq!(guest.subtask_cancel(subtask)?, state);
                let result = if obedient { 77 } else { 3 };
                assert_eq!(guest.memory.word(512), result, "a cancelled call writes no result");
                guest.subtask_drop(subtask)
            });
            let import = move |world: &Rc<World>| cancellable(world, obedient, late);
            with(&Profile::ALL, import, move |guest, slow| {
                let (_, subtask) = guest.call_async(slow, &[place(512)])?;
                let answer = guest.subtask_cancel_async(subtask)?;
                if late {
                    assert_eq!(answer, BLOCKED);
                    assert_eq!(next(guest, subtask)?, event(EventCode::Subtask, subtask, state));
                } else {
                    assert_eq!(answer, state);
                }
                guest.subtask_drop(subtask)
            });
        }
    }
}

#[test]
fn a_host_cancels_late_or_not_at_all() {
    holds(|guest| {
        let subtask = guest.call_host(512)?;
        assert_eq!(guest.subtask_cancel_async(subtask)?, BLOCKED);
        guest.world().later(World::confirm_cancel);
        assert_eq!(
            next(guest, subtask)?,
            event(EventCode::Subtask, subtask, BEFORE_RETURNED)
        );
        guest.subtask_drop(subtask)?;
        let subtask = guest.call_host(512)?;
        assert_eq!(guest.subtask_cancel_async(subtask)?, BLOCKED);
        guest.world().later(|world| world.answer(8));
        assert_eq!(next(guest, subtask)?, event(EventCode::Subtask, subtask, RETURNED));
        assert_eq!(guest.memory.word(512), 8);
        guest.subtask_drop(subtask)
    });
}

#[test]
fn a_cancel_meets_a_start_that_was_not_told() {
    // The call starts, nobody looks, and the caller cancels: the state told at last is the last one.
    let world = hesitant();
    let run = world.guest.script(|guest| {
        let (state, subtask) = guest.call_async(&guest.world().host, &[word(1), place(512)])?;
        assert_eq!(state, STARTING);
        guest.give_way()?;
        assert_eq!(guest.subtask_cancel_async(subtask)?, BLOCKED);
        assert_eq!(
            next(guest, subtask)?,
            event(EventCode::Subtask, subtask, STARTED),
            "a stale one"
        );
        guest.world().later(World::confirm_cancel);
        assert_eq!(
            next(guest, subtask)?,
            event(EventCode::Subtask, subtask, BEFORE_RETURNED)
        );
        guest.subtask_drop(subtask)
    });
    let call = world
        .invoke(&run, Vec::new())
        .and_then(|call| world.run().map(|()| call));
    assert!(call.is_ok_and(|call| call.is_resolved()));
    let world = hesitant();
    let run = world.guest.script(|guest| {
        let (_, subtask) = guest.call_async(&guest.world().host, &[word(1), place(512)])?;
        guest.give_way()?;
        guest.world().later(World::confirm_cancel);
        assert_eq!(
            guest.subtask_cancel(subtask)?,
            BEFORE_RETURNED,
            "the synchronous form waits for the end"
        );
        guest.subtask_drop(subtask)
    });
    let call = world
        .invoke(&run, Vec::new())
        .and_then(|call| world.run().map(|()| call));
    assert!(call.is_ok_and(|call| call.is_resolved()));
}

#[test]
fn a_host_call_that_has_not_started_is_cancelled_at_once() {
    let world = hesitant();
    let run = world.guest.script(|guest| {
        let (state, subtask) = guest.call_async(&guest.world().host, &[word(1), place(512)])?;
        assert_eq!(state, STARTING);
        assert_eq!(guest.subtask_cancel_async(subtask)?, BEFORE_STARTED);
        guest.subtask_drop(subtask)?;
        guest.give_way()?;
        assert!(guest.world().calls.borrow().is_empty(), "the host never saw it");
        Ok(())
    });
    let call = world
        .invoke(&run, Vec::new())
        .and_then(|call| world.run().map(|()| call));
    assert!(call.is_ok_and(|call| call.is_resolved()));
}
