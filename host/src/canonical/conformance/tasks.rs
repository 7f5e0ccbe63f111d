//! Tasks: how they resolve and how they end.

use super::calls::{place, word};
use super::expect::{broken, holds, in_worlds};
use super::guest::{EXIT, Guest, YIELD, func, wait};
use super::world::World;
use crate::canonical::{
    Builtin, CoreVal, EventCode, Func, Profile, ResourceIndex, ResourceType, Result, Rule, Type, Value,
};
use std::cell::Cell;
use std::rc::Rc;

const R: ResourceIndex = ResourceIndex(0);

/// Calls `func` from the host, without parameters.
fn invoke(world: &Rc<World>, func: &Func) -> Result<()> {
    world.invoke(func, Vec::new()).map(|_| ())
}

/// An `async func` that is lifted without `async`.
fn async_typed(world: &Rc<World>, body: impl Fn(&Guest) -> Result<()> + 'static) -> Func {
    let body = move |guest: &Guest, _: &[CoreVal]| body(guest).map(|()| None);
    world.guest.lift("run", func(true, &[], None), body)
}

#[test]
pub(super) fn a_synchronous_lift_has_no_task_return() {
    let returns = |guest: &Guest| guest.task_return(&func(true, &[], None), &[]);
    broken(Rule::TaskReturnOfSyncLift)
        .by("task.return()")
        .when_plain(returns);
    broken(Rule::TaskReturnOfSyncLift)
        .by("task.return()")
        .in_world(|world| invoke(world, &async_typed(world, returns)));
}

#[test]
pub(super) fn a_synchronous_lift_has_no_task_cancel() {
    broken(Rule::TaskCancelOfSyncLift)
        .by("task.cancel()")
        .when_plain(Guest::task_cancel);
    broken(Rule::TaskCancelOfSyncLift)
        .by("task.cancel()")
        .in_world(|world| invoke(world, &async_typed(world, Guest::task_cancel)));
}

#[test]
pub(super) fn a_task_returns_its_own_type() {
    broken(Rule::TaskReturnType)
        .by("task.return(1)")
        .when(|guest| guest.task_return(&func(true, &[], Some(Type::U32)), &[word(1)]));
}

#[test]
pub(super) fn a_task_resolves_once() {
    broken(Rule::TaskResolvedTwice).by("task.return()").when(|guest| {
        let none = func(true, &[], None);
        guest.task_return(&none, &[])?;
        guest.task_return(&none, &[])
    });
    broken(Rule::TaskResolvedTwice).by("task.cancel()").when(|guest| {
        guest.task_return(&func(true, &[], None), &[])?;
        guest.task_cancel()
    });
    for second in ["task.return()", "task.cancel()"] {
        broken(Rule::TaskResolvedTwice).by(second).in_world(|world| {
            let run = when_cancelled(world, move |guest| {
                guest.task_cancel()?;
                match second {
                    "task.cancel()" => guest.task_cancel(),
                    _ => guest.task_return(&func(true, &[], None), &[]),
                }
            });
            cancel_when_waiting(world, &run)
        });
    }
}

/// `run`, which waits for nothing, and does `action` when it is cancelled.
fn when_cancelled(world: &Rc<World>, action: impl Fn(&Guest) -> Result<()> + 'static) -> Func {
    let enter = |guest: &Guest, _: &[CoreVal]| Ok(wait(guest.set_new()?));
    let callback = move |guest: &Guest, event: [u32; 3]| {
        assert_eq!(event, [EventCode::TaskCancelled as u32, 0, 0]);
        action(guest)?;
        Ok(EXIT)
    };
    world.guest.lift_async("run", func(true, &[], None), enter, callback)
}

/// Calls `run` and cancels it once it waits.
fn cancel_when_waiting(world: &Rc<World>, run: &Func) -> Result<()> {
    let call = world.invoke(run, Vec::new())?;
    world.run()?;
    call.cancel(&world.store)
}

#[test]
fn a_task_that_was_told_of_its_cancellation_may_end_either_way() {
    in_worlds(&Profile::ALL, |world| {
        let run = when_cancelled(world, Guest::task_cancel);
        let call = world.invoke(&run, Vec::new())?;
        world.run()?;
        call.cancel(&world.store)?;
        assert!(call.is_cancelled());
        let run = when_cancelled(world, |guest| guest.task_return(&func(true, &[], None), &[]));
        let call = world.invoke(&run, Vec::new())?;
        world.run()?;
        call.cancel(&world.store)?;
        assert!(call.is_resolved() && !call.is_cancelled());
        Ok(())
    });
}

/// A resource that the peer implements and the guest uses.
fn resource_of_peer(world: &Rc<World>) -> Rc<ResourceType> {
    let ty = ResourceType::of_guest("r", &world.peer.instance, None);
    world.guest.instance.set_resource(R, ty.clone());
    world.peer.instance.set_resource(R, ty.clone());
    ty
}

#[test]
pub(super) fn borrows_end_before_the_task() {
    let borrow = || func(true, &[Type::Borrow(R)], None);
    let lend = |world: &Rc<World>, run: &Func| {
        let ty = resource_of_peer(world);
        world.invoke(run, vec![Value::Borrow(ty, 7)])
    };
    broken(Rule::BorrowsAlive).by("task.return()").in_world(|world| {
        let enter = move |guest: &Guest, _: &[CoreVal]| {
            guest.task_return(&borrow(), &[])?;
            Ok(EXIT)
        };
        let run = world.guest.lift_async("run", borrow(), enter, |_, _| Ok(EXIT));
        lend(world, &run).map(|_| ())
    });
    broken(Rule::BorrowsAlive).by("task.cancel()").in_world(|world| {
        let enter = |guest: &Guest, _: &[CoreVal]| Ok(wait(guest.set_new()?));
        let callback = |guest: &Guest, _: [u32; 3]| guest.task_cancel().map(|()| EXIT);
        let run = world.guest.lift_async("run", borrow(), enter, callback);
        let call = lend(world, &run)?;
        world.run()?;
        call.cancel(&world.store)
    });
    broken(Rule::BorrowsAlive).in_world(|world| {
        let run = world
            .guest
            .lift("run", func(false, &[Type::Borrow(R)], None), |_, _| Ok(None));
        lend(world, &run).map(|_| ())
    });
}

#[test]
fn another_task_may_drop_a_borrow() {
    in_worlds(&Profile::ALL, |world| {
        let (ty, handle) = (resource_of_peer(world), Rc::new(Cell::new(0)));
        let borrow = func(true, &[Type::Borrow(R)], None);
        let kept = handle.clone();
        let enter = move |_: &Guest, args: &[CoreVal]| {
            kept.set(args[0].bits() as u32);
            Ok(YIELD)
        };
        let result = borrow.clone();
        let callback = move |guest: &Guest, _: [u32; 3]| guest.task_return(&result, &[]).map(|()| EXIT);
        let hold = world.guest.lift_async("hold", borrow, enter, callback);
        let held = world.invoke(&hold, vec![Value::Borrow(ty, 7)])?;
        let release = world
            .guest
            .plain_script(move |guest| guest.resource_drop(R, handle.get()));
        world.invoke(&release, Vec::new())?;
        world.run()?;
        assert!(held.is_resolved());
        Ok(())
    });
}

#[test]
pub(super) fn nobody_cancels_a_task_unasked() {
    broken(Rule::TaskNotCancelled)
        .by("task.cancel()")
        .when(Guest::task_cancel);
}

#[test]
pub(super) fn a_task_resolves_before_it_exits() {
    broken(Rule::TaskNotResolved).in_world(|world| {
        let run = world
            .guest
            .lift_async("run", func(true, &[], None), |_, _| Ok(EXIT), |_, _| Ok(EXIT));
        invoke(world, &run)
    });
    broken(Rule::TaskNotResolved).in_world(|world| {
        let run = world
            .guest
            .lift_async("run", func(true, &[], None), |_, _| Ok(YIELD), |_, _| Ok(EXIT));
        invoke(world, &run)
    });
    broken(Rule::TaskNotResolved).in_world(|world| {
        let run = when_cancelled(world, |_| Ok(()));
        cancel_when_waiting(world, &run)
    });
}

/// `run`, whose entry and whose first callback return the given codes.
fn returning(world: &Rc<World>, first: u32, second: u32) -> Func {
    world.guest.lift_async(
        "run",
        func(true, &[], None),
        move |_, _| Ok(first),
        move |_, _| Ok(second),
    )
}

#[test]
pub(super) fn callbacks_have_three_codes() {
    for code in 3..16 {
        broken(Rule::CallbackCode).in_world(|world| invoke(world, &returning(world, code | 1 << 4, EXIT)));
        broken(Rule::CallbackCode).in_world(|world| invoke(world, &returning(world, YIELD, code)));
    }
}

#[test]
fn a_task_waits_for_a_set() {
    broken(Rule::UnknownHandle)
        .about(0)
        .in_world(|world| invoke(world, &returning(world, wait(0), EXIT)));
    broken(Rule::UnknownHandle)
        .about(9)
        .in_world(|world| invoke(world, &returning(world, wait(9), EXIT)));
    broken(Rule::WrongHandleKind).about(1).in_world(|world| {
        let enter = |guest: &Guest, _: &[CoreVal]| Ok(wait(guest.bytes()?.readable));
        let run = world
            .guest
            .lift_async("run", func(true, &[], None), enter, |_, _| Ok(EXIT));
        invoke(world, &run)
    });
}

#[test]
fn exit_and_yield_ignore_the_rest_of_the_code() {
    in_worlds(&Profile::ALL, |world| {
        let callback = |guest: &Guest, event: [u32; 3]| {
            assert_eq!(event, [EventCode::None as u32, 0, 0]);
            guest.task_return(&func(true, &[], None), &[])?;
            Ok(0xffff_fff0)
        };
        let run = world
            .guest
            .lift_async("run", func(true, &[], None), |_, _| Ok(0xffff_fff1), callback);
        let call = world.invoke(&run, Vec::new())?;
        world.run()?;
        assert!(call.is_resolved());
        Ok(())
    });
}

#[test]
fn a_task_may_go_on_after_it_returned() {
    in_worlds(&Profile::ALL, |world| {
        let enter = |guest: &Guest, _: &[CoreVal]| {
            guest.task_return(&func(true, &[], Some(Type::U32)), &[word(5)])?;
            Ok(YIELD)
        };
        let turns = Rc::new(Cell::new(0));
        let counter = turns.clone();
        let callback = move |_: &Guest, _: [u32; 3]| {
            counter.set(counter.get() + 1);
            Ok(if counter.get() < 10 { YIELD } else { EXIT })
        };
        let run = world
            .guest
            .lift_async("run", func(true, &[], Some(Type::U32)), enter, callback);
        let call = world.invoke(&run, Vec::new())?;
        assert_eq!(call.word(), Some(5), "the result is there before the task has ended");
        assert!(world.store.has_tasks());
        // It has resolved, so a cancellation comes too late, and is never told.
        call.cancel(&world.store)?;
        world.run()?;
        assert_eq!(turns.get(), 10);
        Ok(())
    });
}

#[test]
fn built_ins_act_on_the_task_whose_callback_runs() {
    // Two tasks of exports with different results take turns; each returns its own.
    in_worlds(&Profile::ALL, |world| {
        let make = |name: &'static str, ty: Type, value: CoreVal| {
            let ty = func(true, &[], Some(ty));
            let result = ty.clone();
            let callback = move |guest: &Guest, _: [u32; 3]| {
                let seen = guest.built_in(&Builtin::ContextGet(0), &[])?;
                assert_eq!(seen, name.len() as u64, "slots belong to the task");
                guest.task_return(&result, &[value])?;
                Ok(EXIT)
            };
            let enter = move |guest: &Guest, _: &[CoreVal]| {
                guest.built_in(&Builtin::ContextSet(0), &[place(name.len())])?;
                Ok(YIELD)
            };
            world.guest.lift_async(name, ty, enter, callback)
        };
        let (word_func, long_func) = (
            make("word", Type::U32, word(7)),
            make("longer", Type::U64, CoreVal::I64(8)),
        );
        let first = world.invoke(&word_func, Vec::new())?;
        let second = world.invoke(&long_func, Vec::new())?;
        world.run()?;
        assert_eq!(first.word(), Some(7));
        assert!(matches!(second.take(), Some(Value::U64(8))));
        Ok(())
    });
}

#[test]
fn a_script_ends_well() {
    holds(|_| Ok(()));
}
