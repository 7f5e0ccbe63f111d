//! When a task learns that it was cancelled.

use super::calls::{completed, event, place, stream_of};
use super::expect::in_worlds;
use super::guest::{EXIT, Guest, YIELD, func, wait};
use super::world::{Call, World};
use crate::canonical::{Builtin, CoreVal, EventCode, Profile, Result, Type};
use std::cell::RefCell;
use std::rc::Rc;

/// The readings in which built-ins can tell of a cancellation.
const MARKED: [Profile; 2] = [Profile::AUGUST_2026, Profile::WASMTIME_48];

const CANCELLED: [u32; 3] = [EventCode::TaskCancelled as u32, 0, 0];

/// What a task saw.
type Seen = Rc<RefCell<Vec<[u32; 3]>>>;

/// Calls `run`, which does `enter`, and whose callbacks leave what they see and do what `then` says.
fn run(
    world: &Rc<World>,
    enter: impl Fn(&Guest) -> Result<u32> + 'static,
    then: impl Fn(&Guest, [u32; 3]) -> Result<u32> + 'static,
) -> Result<(Call, Seen)> {
    let seen = Seen::default();
    let keeper = seen.clone();
    let callback = move |guest: &Guest, what: [u32; 3]| {
        keeper.borrow_mut().push(what);
        then(guest, what)
    };
    let enter = move |guest: &Guest, _: &[CoreVal]| enter(guest);
    let run = world.guest.lift_async("run", func(true, &[], None), enter, callback);
    Ok((world.invoke(&run, Vec::new())?, seen))
}

fn cancel(guest: &Guest, _: [u32; 3]) -> Result<u32> {
    guest.task_cancel().map(|()| EXIT)
}

/// Ends the synchronous read of one byte that a task stands at; the stream has handles 1 and 2.
fn end_read(world: &World) -> Result<()> {
    let write = world.guest.plain_script(|guest| {
        let mut stream = guest.reader(stream_of(Type::U8), 1);
        stream.writable = 2;
        assert_eq!(stream.write(64, 1)?, completed(1));
        Ok(())
    });
    world.invoke(&write, Vec::new()).map(|_| ())
}

#[test]
fn between_callbacks_at_once() {
    in_worlds(&Profile::ALL, |world| {
        let (call, seen) = run(world, |guest| Ok(wait(guest.set_new()?)), cancel)?;
        call.cancel(&world.store)?;
        assert!(call.is_cancelled());
        assert_eq!(*seen.borrow(), [CANCELLED]);
        let (call, seen) = run(world, |_| Ok(YIELD), cancel)?;
        call.cancel(&world.store)?;
        assert!(call.is_cancelled());
        assert_eq!(*seen.borrow(), [CANCELLED]);
        Ok(())
    });
}

#[test]
fn at_a_built_in_when_the_next_callback_is_due() {
    for code in [YIELD, wait(3)] {
        in_worlds(&Profile::ALL, |world| {
            let enter = move |guest: &Guest| {
                guest.bytes()?.read_sync(72, 1)?;
                assert_eq!(guest.set_new()?, 3);
                Ok(code)
            };
            let (call, seen) = run(world, enter, cancel)?;
            call.cancel(&world.store)?;
            assert!(!call.is_resolved(), "it stands at a built-in that tells nothing");
            end_read(world)?;
            world.run()?;
            assert!(call.is_cancelled());
            assert_eq!(*seen.borrow(), [CANCELLED]);
            Ok(())
        });
    }
}

#[test]
fn never_when_it_ends_before() {
    in_worlds(&Profile::ALL, |world| {
        let enter = |guest: &Guest| {
            guest.bytes()?.read_sync(72, 1)?;
            guest.task_return(&func(true, &[], None), &[])?;
            Ok(YIELD)
        };
        let (call, seen) = run(world, enter, |_, _| Ok(EXIT))?;
        call.cancel(&world.store)?;
        end_read(world)?;
        world.run()?;
        assert!(call.is_resolved() && !call.is_cancelled());
        assert_eq!(
            *seen.borrow(),
            [[EventCode::None as u32, 0, 0]],
            "a task that has resolved is told nothing"
        );
        Ok(())
    });
}

#[test]
fn once() {
    in_worlds(&Profile::ALL, |world| {
        let then = |guest: &Guest, what: [u32; 3]| match what {
            CANCELLED => Ok(YIELD),
            _ => cancel(guest, what),
        };
        let (call, seen) = run(world, |_| Ok(YIELD), then)?;
        call.cancel(&world.store)?;
        world.run()?;
        assert_eq!(*seen.borrow(), [CANCELLED, [EventCode::None as u32, 0, 0]]);
        Ok(())
    });
}

#[test]
fn at_a_built_in_that_is_marked() {
    let yields = |guest: &Guest| guest.built_in(&Builtin::ThreadYield { cancellable: true }, &[]);
    in_worlds(&MARKED, |world| {
        let enter = |guest: &Guest| {
            let set = guest.set_new()?;
            assert_eq!(guest.wait_cancellable(set)?, CANCELLED);
            guest.task_cancel().map(|()| EXIT)
        };
        let (call, _) = run(world, enter, cancel)?;
        call.cancel(&world.store)?;
        assert!(call.is_cancelled());
        let enter = move |guest: &Guest| {
            assert_eq!(yields(guest)?, 1);
            guest.task_cancel().map(|()| EXIT)
        };
        let (call, _) = run(world, enter, cancel)?;
        call.cancel(&world.store)?;
        assert!(call.is_cancelled());
        Ok(())
    });
    // What was pending is told by the next of them, before anything else, and no second time.
    in_worlds(&MARKED, |world| {
        let enter = move |guest: &Guest| {
            guest.bytes()?.read_sync(72, 1)?;
            let poll = Builtin::WaitableSetPoll { cancellable: true };
            let set = guest.set_new()?;
            let args = [super::calls::word(set), place(512)];
            assert_eq!(guest.built_in(&poll, &args)?, u64::from(CANCELLED[0]));
            assert_eq!(guest.built_in(&poll, &args)?, 0);
            assert_eq!(yields(guest)?, 0);
            guest.task_cancel().map(|()| EXIT)
        };
        let (call, _) = run(world, enter, cancel)?;
        call.cancel(&world.store)?;
        end_read(world)?;
        world.run()?;
        assert!(call.is_cancelled());
        Ok(())
    });
    in_worlds(&[Profile::NEWER], |world| {
        let enter = move |guest: &Guest| {
            guest.bytes()?.read_sync(72, 1)?;
            assert_eq!(yields(guest)?, 0, "only callbacks are told");
            Ok(YIELD)
        };
        let (call, seen) = run(world, enter, cancel)?;
        call.cancel(&world.store)?;
        end_read(world)?;
        world.run()?;
        assert!(call.is_cancelled());
        assert_eq!(*seen.borrow(), [CANCELLED]);
        Ok(())
    });
}

#[test]
fn before_it_starts_by_not_starting() {
    in_worlds(&Profile::ALL, |world| {
        world.guest.instance.backpressure.set(1);
        let ty = func(true, &[Type::String], None);
        let never = |_: &Guest, _: &[CoreVal]| panic!("no code of the guest runs");
        let run = world.guest.lift_async("run", ty, never, |_, _| Ok(EXIT));
        let call = world.invoke(&run, vec![crate::canonical::Value::String("text".to_owned())])?;
        call.cancel(&world.store)?;
        assert!(call.is_cancelled());
        assert!(
            world.guest.reallocs.borrow().is_empty(),
            "nor is memory allocated for its parameters"
        );
        world.guest.instance.backpressure.set(0);
        Ok(())
    });
}

#[test]
fn turns_are_taken_without_an_end() {
    // A loop of yields and polls lets others run, and is told of its cancellation.
    in_worlds(&Profile::ALL, |world| {
        let then = |guest: &Guest, what: [u32; 3]| {
            if what == CANCELLED {
                return cancel(guest, what);
            }
            let set = guest.set_new()?;
            assert_eq!(guest.poll(set)?, event(EventCode::None, 0, 0));
            guest.set_drop(set)?;
            Ok(YIELD)
        };
        let (call, seen) = run(world, |_| Ok(YIELD), then)?;
        for _ in 0..5 {
            assert!(world.store.tick()?);
        }
        let other = world.invoke(&world.guest.script(|_| Ok(())), Vec::new())?;
        assert!(other.is_resolved());
        call.cancel(&world.store)?;
        assert!(call.is_cancelled());
        assert_eq!(seen.borrow().len(), 6);
        Ok(())
    });
}
