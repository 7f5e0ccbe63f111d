//! Leaving an instance from where it may not, entering it when it may not, and calling with the wrong core values.

use super::broken;
use super::calls::{place, word};
use super::expect::in_worlds;
use super::guest::{Guest, func};
use super::world::{Call, World};
use crate::canonical::{
    Builtin, CoreType, CoreVal, HostCall, Payload, Profile, ResourceIndex, Result, Rule, Store, Type, Value, host_func,
};
use std::rc::Rc;

/// One of each built-in, in each of its forms.
pub(super) fn all_built_ins() -> Vec<Builtin> {
    use Builtin::*;
    let mut all = without_forms();
    for flag in [false, true] {
        all.extend([
            WaitableSetWait { cancellable: flag },
            WaitableSetPoll { cancellable: flag },
            ThreadYield { cancellable: flag },
            SubtaskCancel { is_async: flag },
        ]);
        all.extend(for_payload(&Payload {
            is_future: flag,
            ty: Some(Type::U8),
        }));
    }
    all
}

fn without_forms() -> Vec<Builtin> {
    use Builtin::*;
    let resource = ResourceIndex(0);
    vec![
        ResourceNew(resource),
        ResourceRep(resource),
        ResourceDrop(resource),
        ContextGet(0),
        ContextSet(0),
        BackpressureInc,
        BackpressureDec,
        TaskReturn(func(true, &[], None)),
        TaskCancel,
        WaitableSetNew,
        WaitableSetDrop,
        WaitableJoin,
        SubtaskDrop,
        ErrorContextNew,
        ErrorContextDebugMessage,
        ErrorContextDrop,
    ]
}

fn for_payload(payload: &Payload) -> Vec<Builtin> {
    use Builtin::*;
    let payload = || payload.clone();
    let mut all = vec![EndsNew(payload()), DropReadable(payload()), DropWritable(payload())];
    for is_async in [false, true] {
        all.extend([
            Read {
                payload: payload(),
                is_async,
            },
            Write {
                payload: payload(),
                is_async,
            },
            CancelRead {
                payload: payload(),
                is_async,
            },
            CancelWrite {
                payload: payload(),
                is_async,
            },
        ]);
    }
    all
}

/// Arguments of the right core types for a built-in: handle 1, and a place in memory.
pub(super) fn arguments(builtin: &Builtin, handle: u32) -> Vec<CoreVal> {
    let argument = |ty: &CoreType| match ty {
        CoreType::Ptr => place(64),
        CoreType::Len => CoreVal::Len(1),
        _ => word(handle),
    };
    builtin.params().unwrap_or_default().iter().map(argument).collect()
}

/// Those that may be called from `realloc` and post-return.
fn may_always_be_called(builtin: &Builtin) -> bool {
    use Builtin::{BackpressureDec, BackpressureInc, ContextGet, ContextSet, ResourceRep};
    matches!(
        builtin,
        ResourceRep(_) | ContextGet(_) | ContextSet(_) | BackpressureInc | BackpressureDec
    )
}

/// Calls `text: func() -> string` of a guest that does `action` when the string was read.
fn with_post_return(world: &Rc<World>, action: impl Fn(&Guest) -> Result<()> + 'static) -> Result<Call> {
    let body = |guest: &Guest, _: &[CoreVal]| {
        guest.memory.set_word(128, 0);
        guest.memory.set_word(132, 3);
        Ok(Some(place(128)))
    };
    let post_return = move |guest: &Guest, args: &[CoreVal]| {
        assert_eq!(args[0].bits(), 128, "it gets what the function returned");
        action(guest).map(|()| None)
    };
    let ty = func(false, &[], Some(Type::String));
    let text = world.guest.lift_with_post_return("text", ty, body, post_return);
    world.invoke(&text, Vec::new())
}

#[test]
pub(super) fn post_return_may_not_leave() {
    for builtin in all_built_ins()
        .into_iter()
        .filter(|builtin| !may_always_be_called(builtin))
    {
        broken(Rule::CannotLeave)
            .in_task("task 1 of `text`", "guest")
            .in_world(|world| {
                let builtin = builtin.clone();
                let action = move |guest: &Guest| guest.built_in(&builtin, &arguments(&builtin, 1)).map(|_| ());
                with_post_return(world, action).map(|_| ())
            });
    }
    broken(Rule::CannotLeave)
        .in_task("task 1 of `text`", "guest")
        .by("plain-host(1)")
        .in_world(|world| {
            let action = |guest: &Guest| guest.call(&guest.world().plain_host, &[word(1)]).map(|_| ());
            with_post_return(world, action).map(|_| ())
        });
}

#[test]
fn post_return_runs_once_and_keeps_the_context_of_its_call() {
    in_worlds(&Profile::ALL, |world| {
        let ran = Rc::new(std::cell::Cell::new(0));
        let counter = ran.clone();
        let text = with_post_return(world, move |guest: &Guest| {
            counter.set(counter.get() + 1);
            for builtin in all_built_ins().into_iter().filter(may_always_be_called) {
                if !matches!(builtin, Builtin::ResourceRep(_)) {
                    guest.built_in(&builtin, &arguments(&builtin, 1))?;
                }
            }
            Ok(())
        })?;
        assert!(matches!(text.take(), Some(Value::String(text)) if text == "abc"));
        assert_eq!(ran.get(), 1);
        Ok(())
    });
}

#[test]
fn realloc_may_not_leave() {
    for builtin in all_built_ins()
        .into_iter()
        .filter(|builtin| !may_always_be_called(builtin))
    {
        broken(Rule::CannotLeave).in_no_task().in_world(|world| {
            let builtin = builtin.clone();
            let hook = move |guest: &Guest| guest.built_in(&builtin, &arguments(&builtin, 1)).map(|_| ());
            world.guest.on_realloc(hook);
            let take = world
                .guest
                .lift("take", func(false, &[Type::String], None), |_, _| Ok(None));
            world.invoke(&take, vec![Value::String("abc".to_owned())]).map(|_| ())
        });
    }
}

#[test]
fn realloc_has_context_slots_of_its_own() {
    in_worlds(&Profile::ALL, |world| {
        world.guest.on_realloc(|guest| {
            for slot in [0, 1] {
                assert_eq!(guest.built_in(&Builtin::ContextGet(slot), &[])?, 0);
                guest.built_in(&Builtin::ContextSet(slot), &[place(7)])?;
            }
            Ok(())
        });
        let ty = func(true, &[], Some(Type::String));
        let text = world.peer.lift("text", ty, |guest, _| {
            guest.memory.set_word(128, 0);
            guest.memory.set_word(132, 3);
            Ok(Some(place(128)))
        });
        let script = world.guest.script(move |guest| {
            for slot in [0, 1] {
                assert_eq!(guest.built_in(&Builtin::ContextGet(slot), &[])?, 0, "slots start empty");
                guest.built_in(&Builtin::ContextSet(slot), &[place(40 + slot as usize)])?;
            }
            guest.call(&text, &[place(256)])?;
            for slot in [0, 1] {
                assert_eq!(guest.built_in(&Builtin::ContextGet(slot), &[])?, 40 + u64::from(slot));
            }
            Ok(())
        });
        world.invoke(&script, Vec::new()).map(|_| ())
    });
}

/// A world whose guest calls a peer, which calls the guest.
fn through_a_peer(world: &Rc<World>) -> Result<()> {
    let again = world.guest.lift("again", func(false, &[], None), |_, _| Ok(None));
    let bounce = world.peer.lift("bounce", func(false, &[], None), move |peer, _| {
        peer.call(&again, &[]).map(|_| None)
    });
    let run = world.guest.script(move |guest| guest.call(&bounce, &[]).map(|_| ()));
    world.invoke(&run, Vec::new()).map(|_| ())
}

#[test]
pub(super) fn a_running_instance_is_not_entered() {
    broken(Rule::CannotEnter)
        .by("again()")
        .in_task("task 2 of `bounce`", "peer")
        .under(&[Profile::AUGUST_2026])
        .in_world(through_a_peer);
    in_worlds(&[Profile::WASMTIME_48, Profile::NEWER], through_a_peer);
    broken(Rule::CannotEnter)
        .by("the call of `again` by the host")
        .under(&[Profile::AUGUST_2026, Profile::WASMTIME_48])
        .in_world(through_the_host);
    in_worlds(&[Profile::NEWER], through_the_host);
}

/// A world whose guest calls the host, which calls the guest.
fn through_the_host(world: &Rc<World>) -> Result<()> {
    let again = world.guest.lift("again", func(false, &[], None), |_, _| Ok(None));
    let back = Rc::downgrade(world);
    let body = move |store: &Store, call: HostCall, _: Vec<Value>| {
        let world = back.upgrade().expect("the guest runs in it");
        world.invoke(&again, Vec::new())?;
        call.resolve(store, None)
    };
    let bounce = host_func("bounce", func(false, &[], None), Rc::new(body));
    let run = world.guest.script(move |guest| guest.call(&bounce, &[]).map(|_| ()));
    world.invoke(&run, Vec::new()).map(|_| ())
}

#[test]
pub(super) fn core_values_have_the_types_due() {
    let by = |args: Vec<CoreVal>| move |guest: &Guest| guest.built_in(&Builtin::WaitableSetDrop, &args).map(|_| ());
    broken(Rule::CoreSignature)
        .by("waitable-set.drop()")
        .when(by(Vec::new()));
    broken(Rule::CoreSignature)
        .by("waitable-set.drop(1, 2)")
        .when(by(vec![word(1), word(2)]));
    broken(Rule::CoreSignature)
        .by("waitable-set.drop(ptr)")
        .when(by(vec![place(64)]));
    broken(Rule::CoreSignature)
        .in_task("task 1 of `one`", "guest")
        .in_world(|world| {
            let one = world
                .guest
                .lift("one", func(false, &[], Some(Type::U32)), |_, _| Ok(None));
            world.invoke(&one, Vec::new()).map(|_| ())
        });
    broken(Rule::CoreSignature).when(|guest| guest.call(&guest.world().host, &[]).map(|_| ()));
}
