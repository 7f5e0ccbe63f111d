//! Futures: one value, once.

use super::calls::{cancelled, completed, dropped, future_of, stream_of};
use super::expect::{broken, holds, in_worlds};
use super::guest::{EXIT, Guest, func};
use super::world::World;
use crate::canonical::{
    BLOCKED, Chunk, CoreVal, EventCode, Func, HostEnd, Payload, Profile, Result, Rule, Type, Value,
};
use std::rc::Rc;
use std::sync::Arc;

#[test]
pub(super) fn a_future_is_written_before_its_writer_is_dropped() {
    let drop = || broken(Rule::FutureNotWritten).about(2).by("future.drop-writable(2)");
    drop().when(|guest| guest.byte()?.drop_writable());
    // A write that was cancelled does not count.
    drop().when(|guest| {
        let future = guest.byte()?;
        future.write(64, 1)?;
        assert_eq!(future.cancel_write()?, cancelled(0));
        future.drop_writable()
    });
    // Nor that the reader is gone, unless a write has said so.
    drop()
        .under(&[Profile::AUGUST_2026, Profile::WASMTIME_48])
        .when(|guest| {
            let future = guest.byte()?;
            future.drop_readable()?;
            future.drop_writable()
        });
    holds(|guest| {
        let future = guest.byte()?;
        future.drop_readable()?;
        assert_eq!(future.write(64, 1)?, dropped(0));
        future.drop_writable()?;
        let future = guest.byte()?;
        assert_eq!(future.read(72, 1)?, BLOCKED);
        assert_eq!(future.write(64, 1)?, completed(0));
        future.drop_writable()
    });
}

#[test]
fn a_future_is_read_first_or_written_first() {
    holds(|guest| {
        let set = guest.set_new()?;
        let future = guest.byte()?;
        assert_eq!(future.read(128, 1)?, BLOCKED);
        assert_eq!(future.write(64, 1)?, completed(0));
        guest.join(future.readable, set)?;
        assert_eq!(
            guest.wait(set)?,
            [EventCode::FutureRead as u32, future.readable, completed(0)]
        );
        assert_eq!(guest.memory.bytes(128, 1), guest.memory.bytes(64, 1));
        future.drop_readable()?;
        future.drop_writable()?;
        let future = guest.byte()?;
        assert_eq!(future.write(64, 1)?, BLOCKED);
        assert_eq!(future.read(128, 1)?, completed(0));
        guest.join(future.writable, set)?;
        assert_eq!(
            guest.wait(set)?,
            [EventCode::FutureWrite as u32, future.writable, completed(0)]
        );
        future.drop_readable()?;
        future.drop_writable()
    });
}

#[test]
fn a_reader_goes_away_before_during_and_after_the_write() {
    holds(|guest| {
        let before = guest.byte()?;
        before.drop_readable()?;
        assert_eq!(before.write(64, 1)?, dropped(0));
        before.drop_writable()?;
        let during = guest.byte()?;
        assert_eq!(during.write(64, 1)?, BLOCKED);
        during.drop_readable()?;
        let set = guest.set_new()?;
        guest.join(during.writable, set)?;
        assert_eq!(
            guest.wait(set)?,
            [EventCode::FutureWrite as u32, during.writable, dropped(0)]
        );
        during.drop_writable()?;
        let after = guest.byte()?;
        assert_eq!(after.write(64, 1)?, BLOCKED);
        assert_eq!(after.read(128, 1)?, completed(0));
        after.drop_readable()?;
        guest.join(after.writable, set)?;
        assert_eq!(
            guest.wait(set)?,
            [EventCode::FutureWrite as u32, after.writable, completed(0)]
        );
        after.drop_writable()
    });
}

#[test]
fn a_copy_of_a_future_is_cancelled() {
    holds(|guest| {
        let future = guest.byte()?;
        assert_eq!(future.write(64, 1)?, BLOCKED);
        assert_eq!(future.cancel_write()?, cancelled(0));
        assert_eq!(future.read(128, 1)?, BLOCKED);
        assert_eq!(future.cancel_read()?, cancelled(0));
        // Both may be tried again.
        assert_eq!(future.read(128, 1)?, BLOCKED);
        assert_eq!(future.write(65, 1)?, completed(0));
        // It crossed the value, which then counts.
        assert_eq!(future.cancel_read()?, completed(0));
        assert_eq!(guest.memory.bytes(128, 1), guest.memory.bytes(65, 1));
        future.drop_readable()?;
        future.drop_writable()
    });
}

#[test]
fn a_future_without_payload_is_a_signal() {
    holds(|guest| {
        let signal = guest.ends(Payload {
            is_future: true,
            ty: None,
        })?;
        assert_eq!(signal.read(usize::MAX, 1)?, BLOCKED);
        assert_eq!(signal.write(usize::MAX, 1)?, completed(0));
        Ok(())
    });
}

/// `take: async func(x: future<ty>)` of the guest, which reads it to 512.
fn take(world: &Rc<World>, payload: Type, then: impl Fn(&Guest) -> Result<()> + 'static) -> Func {
    let ty = func(true, &[Type::Future(Some(Arc::new(payload.clone())))], None);
    let enter = move |guest: &Guest, args: &[CoreVal]| {
        let reader = guest.reader(future_of(payload.clone()), args[0].bits() as u32);
        assert_eq!(reader.read_sync(512, 1)?, completed(0));
        reader.drop_readable()?;
        then(guest)?;
        guest.task_return(&func(true, &[], None), &[])?;
        Ok(EXIT)
    };
    world.guest.lift_async("take", ty, enter, |_, _| Ok(EXIT))
}

#[test]
fn a_future_holds_futures_streams_and_results() {
    in_worlds(&Profile::ALL, |world| {
        let inner = Type::Future(Some(Arc::new(Type::U8)));
        let take = take(world, inner.clone(), |guest| {
            let reader = guest.reader(future_of(Type::U8), guest.memory.word(512));
            assert_eq!(reader.read_sync(520, 1)?, completed(0));
            assert_eq!(guest.memory.bytes(520, 1), [42]);
            reader.drop_readable()
        });
        let (outer_end, outer) = HostEnd::future(&world.store, Some(&inner));
        let (inner_end, inner_value) = HostEnd::future(&world.store, Some(&Type::U8));
        world.invoke(&take, vec![outer])?;
        outer_end.start_write(&world.store, Chunk::Values(vec![inner_value]))?;
        inner_end.start_write(&world.store, Chunk::Bytes(vec![42]))?;
        world.run()?;
        world.ends.borrow_mut().extend([outer_end, inner_end]);
        Ok(())
    });
    in_worlds(&Profile::ALL, |world| {
        let inner = Type::Stream(Some(Arc::new(Type::U8)));
        let take = take(world, inner.clone(), |guest| {
            let reader = guest.reader(stream_of(Type::U8), guest.memory.word(512));
            assert_eq!(reader.read_sync(520, 4)?, completed(2));
            reader.drop_readable()
        });
        let (outer_end, outer) = HostEnd::future(&world.store, Some(&inner));
        let (inner_end, inner_value) = HostEnd::stream(&world.store, Some(&Type::U8));
        world.invoke(&take, vec![outer])?;
        outer_end.start_write(&world.store, Chunk::Values(vec![inner_value]))?;
        inner_end.start_write(&world.store, Chunk::Bytes(vec![1, 2]))?;
        world.run()?;
        world.ends.borrow_mut().extend([outer_end, inner_end]);
        Ok(())
    });
    in_worlds(&Profile::ALL, |world| {
        let inner = Type::Result(Some(Arc::new(Type::U32)), Some(Arc::new(Type::String)));
        let take = take(world, inner.clone(), |guest| {
            assert_eq!(guest.memory.bytes(512, 1), [1], "an error");
            let (at, length) = (guest.memory.word(516), guest.memory.word(520));
            assert_eq!(guest.memory.bytes(at as usize, length as usize), b"no");
            Ok(())
        });
        let (end, outer) = HostEnd::future(&world.store, Some(&inner));
        world.invoke(&take, vec![outer])?;
        let value = Value::Case(1, Some(Box::new(Value::String("no".to_owned()))));
        end.start_write(&world.store, Chunk::Values(vec![value]))?;
        world.run()?;
        world.ends.borrow_mut().push(end);
        Ok(())
    });
}

/// `take`, which gets a future that the host drops, before it is read or while.
fn host_drops(world: &Rc<World>, before: bool) -> Result<()> {
    let take = take(world, Type::U8, |_| Ok(()));
    let (end, value) = HostEnd::future(&world.store, Some(&Type::U8));
    if before {
        drop(end);
        world.invoke(&take, vec![value]).map(|_| ())
    } else {
        world.invoke(&take, vec![value])?;
        drop(end);
        Ok(())
    }
}

#[test]
pub(super) fn the_host_writes_what_is_read() {
    broken(Rule::FutureDropped)
        .by("future.read(1, ptr)")
        .in_task("task 1 of `take`", "guest")
        .in_world(|world| host_drops(world, true));
    broken(Rule::FutureDropped)
        .about(1)
        .in_no_task()
        .in_world(|world| host_drops(world, false));
    in_worlds(&Profile::ALL, |world| {
        // Nobody reads it, so nobody misses it.
        let ty = func(false, &[Type::Future(Some(Arc::new(Type::U8)))], None);
        let ignore = world.guest.lift("ignore", ty, |guest, args| {
            let reader = guest.reader(future_of(Type::U8), args[0].bits() as u32);
            reader.drop_readable().map(|()| None)
        });
        let (end, value) = HostEnd::future(&world.store, Some(&Type::U8));
        world.invoke(&ignore, vec![value])?;
        drop(end);
        Ok(())
    });
}
