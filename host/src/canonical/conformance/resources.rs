//! Handles on resources: whose they are, to whom they are lent, and who destroys what they stand for.

use super::calls::{place, stream_of, word};
use super::expect::{broken, in_worlds};
use super::guest::{EXIT, Guest, func};
use super::world::World;
use crate::canonical::{
    BLOCKED, CoreFunc, CoreVal, EventCode, Func, FuncType, Profile, ResourceIndex, ResourceType, Result, Rule, Type,
    Value,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

const R: ResourceIndex = ResourceIndex(0);
const OTHER: ResourceIndex = ResourceIndex(1);

/// What destructors were called with.
type Destroyed = Rc<RefCell<Vec<u32>>>;

/// A resource that `owner` implements, known to both instances, and what its destructor saw.
fn resource(world: &Rc<World>, owner: &Rc<Guest>) -> Destroyed {
    let destroyed = Destroyed::default();
    let seen = destroyed.clone();
    let destructor: CoreFunc = Rc::new(move |args: &[CoreVal]| {
        seen.borrow_mut().push(args[0].bits() as u32);
        Ok(None)
    });
    define(
        world,
        R,
        &ResourceType::of_guest("r", &owner.instance, Some(destructor)),
    );
    destroyed
}

fn define(world: &Rc<World>, index: ResourceIndex, ty: &Rc<ResourceType>) {
    world.guest.instance.set_resource(index, ty.clone());
    world.peer.instance.set_resource(index, ty.clone());
}

/// Runs `script` in a world where the guest implements the resource.
fn own_resource(world: &Rc<World>, script: impl Fn(&Guest) -> Result<()> + 'static) -> Result<Destroyed> {
    let destroyed = resource(world, &world.guest);
    let run = world.guest.script(script);
    world.invoke(&run, Vec::new())?;
    Ok(destroyed)
}

/// A function of the peer that is lent a resource and waits for the host before it returns.
fn look(world: &Rc<World>) -> (Func, Rc<FuncType>) {
    let ty = func(true, &[Type::Borrow(R)], None);
    let result = func(true, &[], None);
    let host = world.host.clone();
    let enter = move |peer: &Guest, args: &[CoreVal]| {
        let borrowed = args[0].bits() as u32;
        let (_, subtask) = peer.call_async(&host, &[word(1), place(512)])?;
        let set = peer.set_new()?;
        peer.join(subtask, set)?;
        peer.wait(set)?;
        peer.subtask_drop(subtask)?;
        peer.set_drop(set)?;
        peer.resource_drop(R, borrowed)?;
        peer.task_return(&result, &[])?;
        Ok(EXIT)
    };
    (world.peer.lift_async("look", ty.clone(), enter, |_, _| Ok(EXIT)), ty)
}

/// `keep: func(x: own<r>)` of the peer, and of two.
fn keep(world: &Rc<World>, count: usize) -> Func {
    let params = vec![Type::Own(R); count];
    world.peer.lift("keep", func(false, &params, None), |_, _| Ok(None))
}

#[test]
pub(super) fn each_operation_is_for_one_type() {
    let mistaken = |world: &Rc<World>, script: fn(&Guest) -> Result<()>| {
        define(
            world,
            OTHER,
            &ResourceType::of_guest("other", &world.guest.instance, None),
        );
        own_resource(world, script).map(|_| ())
    };
    let wrong = |call: &str| broken(Rule::WrongResourceType).about(1).by(call);
    wrong("resource.drop(1)").in_world(|world| {
        mistaken(world, |guest| {
            let handle = guest.resource_new(OTHER, 7)?;
            guest.resource_drop(R, handle)
        })
    });
    wrong("resource.rep(1)").in_world(|world| {
        mistaken(world, |guest| {
            let handle = guest.resource_new(OTHER, 7)?;
            guest.resource_rep(R, handle).map(|_| ())
        })
    });
    wrong("keep(1)").in_world(|world| {
        let keep = keep(world, 1);
        define(
            world,
            OTHER,
            &ResourceType::of_guest("other", &world.guest.instance, None),
        );
        own_resource(world, move |guest| {
            let handle = guest.resource_new(OTHER, 7)?;
            guest.call(&keep, &[word(handle)]).map(|_| ())
        })
        .map(|_| ())
    });
}

#[test]
pub(super) fn what_is_lent_is_neither_dropped_nor_given_away() {
    let lent = |call: &str| broken(Rule::ResourceLent).about(1).by(call);
    lent("resource.drop(1)").in_world(|world| {
        let (look, _) = look(world);
        own_resource(world, move |guest| {
            let handle = guest.resource_new(R, 7)?;
            guest.call_async(&look, &[word(handle)])?;
            guest.resource_drop(R, handle)
        })
        .map(|_| ())
    });
    lent("keep(1)").in_world(|world| {
        let ((look, _), keep) = (look(world), keep(world, 1));
        own_resource(world, move |guest| {
            let handle = guest.resource_new(R, 7)?;
            guest.call_async(&look, &[word(handle)])?;
            guest.call(&keep, &[word(handle)]).map(|_| ())
        })
        .map(|_| ())
    });
    // Within one call, parameters are taken in their order.
    lent("both(1, 1)").in_world(|world| {
        let ty = func(false, &[Type::Borrow(R), Type::Own(R)], None);
        let both = world.peer.lift("both", ty, |_, _| Ok(None));
        own_resource(world, move |guest| {
            let handle = guest.resource_new(R, 7)?;
            guest.call(&both, &[word(handle), word(handle)]).map(|_| ())
        })
        .map(|_| ())
    });
}

#[test]
fn a_lend_ends_when_the_end_of_the_call_was_told() {
    in_worlds(&Profile::ALL, |world| {
        let (look, _) = look(world);
        world.later(|world| world.answer(1));
        let destroyed = own_resource(world, move |guest| {
            let handle = guest.resource_new(R, 7)?;
            let (_, subtask) = guest.call_async(&look, &[word(handle)])?;
            let set = guest.set_new()?;
            guest.join(subtask, set)?;
            assert_eq!(guest.wait(set)?, [EventCode::Subtask as u32, subtask, 2]);
            guest.resource_drop(R, handle)
        })?;
        world.run()?;
        assert_eq!(*destroyed.borrow(), [7]);
        Ok(())
    });
}

#[test]
fn a_handle_is_given_away_once() {
    broken(Rule::UnknownHandle).about(1).by("keep(1, 1)").in_world(|world| {
        let keep = keep(world, 2);
        own_resource(world, move |guest| {
            let handle = guest.resource_new(R, 7)?;
            guest.call(&keep, &[word(handle), word(handle)]).map(|_| ())
        })
        .map(|_| ())
    });
    broken(Rule::UnknownHandle).about(1).by("keep(1)").in_world(|world| {
        let keep = keep(world, 1);
        own_resource(world, move |guest| {
            let handle = guest.resource_new(R, 7)?;
            guest.call(&keep, &[word(handle)])?;
            guest.call(&keep, &[word(handle)]).map(|_| ())
        })
        .map(|_| ())
    });
}

#[test]
pub(super) fn a_borrow_is_not_given_away() {
    broken(Rule::NotOwned)
        .about(1)
        .by("keep(1)")
        .in_task("task 1 of `use`", "guest")
        .in_world(|world| {
            resource(world, &world.peer);
            let keep = keep(world, 1);
            let ty = func(false, &[Type::Borrow(R)], None);
            let run = world
                .guest
                .lift("use", ty, move |guest, args| guest.call(&keep, args).map(|_| None));
            let lent = Value::Borrow(world.peer.instance.resource(R)?, 7);
            world.invoke(&run, vec![lent]).map(|_| ())
        });
}

#[test]
fn a_borrow_that_is_lent_on_stays() {
    broken(Rule::ResourceLent)
        .about(1)
        .by("resource.drop(1)")
        .in_task("task 1 of `use`", "guest")
        .under(&[Profile::AUGUST_2026, Profile::NEWER])
        .in_world(|world| {
            resource(world, &world.peer);
            let (look, ty) = look(world);
            let enter = move |guest: &Guest, args: &[CoreVal]| {
                guest.call_async(&look, args)?;
                guest.resource_drop(R, args[0].bits() as u32)?;
                Ok(EXIT)
            };
            let run = world.guest.lift_async("use", ty, enter, |_, _| Ok(EXIT));
            let lent = Value::Borrow(world.peer.instance.resource(R)?, 7);
            world.invoke(&run, vec![lent]).map(|_| ())
        });
}

#[test]
fn the_implementor_gets_borrows_as_what_they_stand_for_and_owned_ones_as_handles() {
    in_worlds(&Profile::ALL, |world| {
        let destroyed = resource(world, &world.peer);
        let list = Type::List(Arc::new(Type::Borrow(R)));
        let ty = func(false, &[Type::Borrow(R), Type::Own(R), list], Some(Type::U32));
        let take = world.peer.lift("take", ty, |peer, args| {
            assert_eq!(args[0].bits(), 1001, "a borrow is what was made of it");
            let owned = args[1].bits() as u32;
            assert_eq!(peer.resource_rep(R, owned)?, 1002);
            let list = args[2].bits() as usize;
            assert_eq!((peer.memory.word(list), peer.memory.word(list + 4)), (1001, 1003));
            peer.resource_drop(R, owned)?;
            Ok(Some(word(0)))
        });
        let own = || func(false, &[], Some(Type::Own(R)));
        let makers: Vec<_> = [1001, 1002, 1003]
            .into_iter()
            .map(|rep| {
                world
                    .peer
                    .lift("make", own(), move |peer, _| Ok(Some(word(peer.resource_new(R, rep)?))))
            })
            .collect();
        let run = world.guest.script(move |guest| {
            let handles: Vec<_> = makers.iter().map(|make| guest.call(make, &[])).collect::<Result<_>>()?;
            guest.memory.set_word(512, handles[0]);
            guest.memory.set_word(516, handles[2]);
            let args = [word(handles[0]), word(handles[1]), place(512), super::calls::length(2)];
            guest.call(&take, &args)?;
            guest.resource_drop(R, handles[0])?;
            guest.resource_drop(R, handles[2])
        });
        world.invoke(&run, Vec::new())?;
        world.run()?;
        assert_eq!(*destroyed.borrow(), [1002, 1001, 1003], "each is destroyed once");
        Ok(())
    });
}

#[test]
fn an_instance_may_destroy_its_own_while_it_runs() {
    in_worlds(&Profile::ALL, |world| {
        let destroyed = own_resource(world, |guest| {
            let handle = guest.resource_new(R, 9)?;
            assert_eq!(guest.resource_rep(R, handle)?, 9);
            guest.resource_drop(R, handle)
        })?;
        assert_eq!(*destroyed.borrow(), [9]);
        Ok(())
    });
}

#[test]
fn a_destructor_enters_its_instance() {
    // The guest, whose resource it is, runs while the peer drops it.
    broken(Rule::CannotEnter)
        .by("resource.drop(1)")
        .in_task("task 2 of `drop-it`", "peer")
        .under(&[Profile::AUGUST_2026])
        .in_world(|world| {
            let ty = func(false, &[Type::Own(R)], None);
            let drop_it = world.peer.lift("drop-it", ty, |peer, args| {
                peer.resource_drop(R, args[0].bits() as u32).map(|()| None)
            });
            own_resource(world, move |guest| {
                let handle = guest.resource_new(R, 7)?;
                guest.call(&drop_it, &[word(handle)]).map(|_| ())
            })
            .map(|_| ())
        });
}

#[test]
fn a_destructor_may_not_block() {
    broken(Rule::CannotBlock)
        .by("waitable-set.wait(2, ptr)")
        .in_task("task 2 of `[dtor]r`", "guest")
        .in_world(|world| {
            let guest = Rc::downgrade(&world.guest);
            let destructor: CoreFunc = Rc::new(move |_: &[CoreVal]| {
                let guest = guest.upgrade().expect("it runs");
                let set = guest.set_new()?;
                guest.set_new()?;
                guest.wait(set + 1).map(|_| None)
            });
            define(
                world,
                R,
                &ResourceType::of_guest("r", &world.guest.instance, Some(destructor)),
            );
            let run = world.guest.script(|guest| {
                let handle = guest.resource_new(R, 7)?;
                guest.resource_drop(R, handle)
            });
            world.invoke(&run, Vec::new()).map(|_| ())
        });
}

#[test]
fn a_destructor_comes_in_while_its_instance_waits() {
    in_worlds(&Profile::ALL, |world| {
        let destroyed = resource(world, &world.peer);
        let own = func(false, &[], Some(Type::Own(R)));
        let make = world
            .peer
            .lift("make", own, |peer, _| Ok(Some(word(peer.resource_new(R, 5)?))));
        // The peer stands in the middle of a callback, at a built-in that blocks.
        let busy = world.peer.lift_async(
            "busy",
            func(true, &[], None),
            |peer, _| {
                peer.bytes()?.read_sync(64, 1)?;
                peer.task_return(&func(true, &[], None), &[])?;
                Ok(EXIT)
            },
            |_, _| Ok(EXIT),
        );
        let run = world.guest.script(move |guest| {
            let handle = guest.call(&make, &[])?;
            let (state, _) = guest.call_async(&busy, &[])?;
            assert_eq!(state, 1, "it has started and waits");
            guest.resource_drop(R, handle)
        });
        world.invoke(&run, Vec::new())?;
        assert_eq!(*destroyed.borrow(), [5]);
        // Ends the reader's wait, so that no task is left.
        let end = world.peer.plain_script(|peer| {
            let mut ends = peer.reader(stream_of(Type::U8), 1);
            ends.writable = 2;
            assert_ne!(ends.write(64, 1)?, BLOCKED);
            Ok(())
        });
        world.invoke(&end, Vec::new()).map(|_| ())
    });
}

#[test]
fn the_host_destroys_what_it_implements() {
    in_worlds(&Profile::ALL, |world| {
        let ty = world.host_resource();
        define(world, R, &ty);
        let run = world.guest.script(|guest| {
            let handles = (guest.resource_new(R, 4)?, guest.resource_new(R, 5)?);
            guest.resource_drop(R, handles.1)?;
            guest.resource_drop(R, handles.0)
        });
        world.invoke(&run, Vec::new())?;
        assert_eq!(*world.dropped.borrow(), [5, 4]);
        Ok(())
    });
}

#[test]
fn what_is_lost_on_the_way_is_destroyed() {
    // A stream of resources that nobody reads: what had been taken out of it is destroyed by the store.
    in_worlds(&Profile::ALL, |world| {
        let ty = world.host_resource();
        define(world, R, &ty);
        let give = world
            .guest
            .lift("give", func(false, &[], Some(Type::Own(R))), |guest, _| {
                Ok(Some(word(guest.resource_new(R, 3)?)))
            });
        let call = world.invoke(&give, Vec::new())?;
        drop(call.take());
        world.run()?;
        assert_eq!(*world.dropped.borrow(), [3]);
        Ok(())
    });
}
