//! What streams do: how much moves when, and what either end is told.

use super::calls::{Ends, cancelled, completed, dropped, event, stream_of, word};
use super::expect::{holds, holds_under, in_worlds};
use super::guest::{EXIT, Guest, func};
use super::world::World;
use crate::canonical::{BLOCKED, Chunk, EventCode, Func, HostEnd, Payload, Profile, Result, Type, Value};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// Takes the event of an end out of a set made for it.
fn take_event(guest: &Guest, end: u32) -> Result<Option<u32>> {
    let set = guest.set_new()?;
    guest.join(end, set)?;
    let [code, _, p2] = guest.poll(set)?;
    guest.join(end, 0)?;
    guest.set_drop(set)?;
    Ok((code != 0).then_some(p2))
}

/// Offers `first` elements at one end and `second` at the other; what both are told.
fn meet(guest: &Guest, write_first: bool, first: usize, second: usize) -> Result<(Ends<'_>, u32, Option<u32>)> {
    let stream = guest.bytes()?;
    let (begun, told) = if write_first {
        assert_eq!(stream.write(64, first)?, BLOCKED);
        (stream.writable, stream.read(128, second)?)
    } else {
        assert_eq!(stream.read(128, first)?, BLOCKED);
        (stream.readable, stream.write(64, second)?)
    };
    let event = take_event(guest, begun)?;
    Ok((stream, told, event))
}

#[test]
fn lengths_meet_in_either_order() {
    for write_first in [false, true] {
        for first in 1..5_usize {
            for second in 1..5_usize {
                holds(move |guest| {
                    let (stream, told, event) = meet(guest, write_first, first, second)?;
                    let moved = first.min(second) as u32;
                    assert_eq!((told, event), (completed(moved), Some(completed(moved))));
                    assert_eq!(
                        guest.memory.bytes(128, moved as usize),
                        guest.memory.bytes(64, moved as usize)
                    );
                    stream.drop_readable()?;
                    stream.drop_writable()
                });
            }
        }
    }
}

#[test]
fn lengths_of_zero_ask_whether_the_other_side_is_there() {
    holds(|guest| {
        // The first waits on, except where it asked for nothing and the second has something or reads.
        for (write_first, first, second, told, event) in [
            (false, 0, 0, completed(0), None),
            (false, 0, 3, BLOCKED, Some(completed(0))),
            (false, 3, 0, completed(0), None),
            (true, 0, 0, BLOCKED, Some(completed(0))),
            (true, 0, 3, BLOCKED, Some(completed(0))),
            (true, 3, 0, completed(0), None),
        ] {
            let (_, second_told, first_event) = meet(guest, write_first, first, second)?;
            assert_eq!(
                (second_told, first_event),
                (told, event),
                "write first: {write_first}, {first} then {second}"
            );
        }
        Ok(())
    });
}

#[test]
fn a_writer_that_asks_first_and_then_writes_makes_progress() {
    holds(|guest| {
        let stream = guest.bytes()?;
        assert_eq!(stream.read(128, 0)?, BLOCKED);
        for _ in 0..3 {
            assert_eq!(
                stream.write(64, 0)?,
                completed(0),
                "asking alone never ends the reader's wait"
            );
        }
        assert_eq!(stream.write(64, 2)?, BLOCKED);
        assert_eq!(take_event(guest, stream.readable)?, Some(completed(0)));
        assert_eq!(stream.read(128, 2)?, completed(2));
        assert_eq!(take_event(guest, stream.writable)?, Some(completed(2)));
        Ok(())
    });
}

#[test]
fn partial_copies_are_told_as_one() {
    holds(|guest| {
        let stream = guest.bytes()?;
        assert_eq!(stream.read(128, 10)?, BLOCKED);
        for (count, at) in [(3, 64), (2, 67), (4, 69)] {
            assert_eq!(stream.write(at, count)?, completed(count as u32));
        }
        assert_eq!(take_event(guest, stream.readable)?, Some(completed(9)));
        assert_eq!(guest.memory.bytes(128, 9), guest.memory.bytes(64, 9));
        // Told in the middle, the rest of the buffer is the reader's again.
        assert_eq!(stream.write(64, 4)?, BLOCKED);
        assert_eq!(stream.read(128, 1)?, completed(1));
        assert_eq!(stream.read(129, 1)?, completed(1));
        assert_eq!(take_event(guest, stream.writable)?, Some(completed(2)));
        assert_eq!(stream.read(130, 2)?, BLOCKED);
        Ok(())
    });
}

#[test]
fn a_buffer_that_is_full_takes_no_more() {
    holds(|guest| {
        let stream = guest.bytes()?;
        assert_eq!(stream.read(128, 4)?, BLOCKED);
        assert_eq!(stream.write(64, 4)?, completed(4));
        assert_eq!(
            stream.write(64, 4)?,
            BLOCKED,
            "the reader was not told, but has no room"
        );
        assert_eq!(take_event(guest, stream.readable)?, Some(completed(4)));
        assert_eq!(stream.read(128, 4)?, completed(4));
        assert_eq!(take_event(guest, stream.writable)?, Some(completed(4)));
        Ok(())
    });
}

#[test]
fn elements_without_payload_are_counted() {
    holds(|guest| {
        let stream = guest.ends(Payload {
            is_future: false,
            ty: None,
        })?;
        assert_eq!(stream.read(usize::MAX, 5)?, BLOCKED);
        assert_eq!(stream.write(usize::MAX, 3)?, completed(3));
        assert_eq!(stream.write(usize::MAX, 3)?, completed(2));
        assert_eq!(take_event(guest, stream.readable)?, Some(completed(5)));
        Ok(())
    });
}

#[test]
fn a_peer_goes_away() {
    // While the end is idle.
    holds(|guest| {
        let stream = guest.bytes()?;
        stream.drop_writable()?;
        assert_eq!(stream.read(128, 4)?, dropped(0));
        stream.drop_readable()?;
        let stream = guest.bytes()?;
        stream.drop_readable()?;
        assert_eq!(stream.write(64, 4)?, dropped(0));
        stream.drop_writable()
    });
    // While the end waits, after so many elements had moved.
    for moved in 0..4_u32 {
        holds(move |guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(128, 4)?, BLOCKED);
            if moved > 0 {
                assert_eq!(stream.write(64, moved as usize)?, completed(moved));
            }
            stream.drop_writable()?;
            assert_eq!(take_event(guest, stream.readable)?, Some(dropped(moved)));
            stream.drop_readable()?;
            let stream = guest.bytes()?;
            assert_eq!(stream.write(64, 4)?, BLOCKED);
            if moved > 0 {
                assert_eq!(stream.read(128, moved as usize)?, completed(moved));
            }
            stream.drop_readable()?;
            assert_eq!(take_event(guest, stream.writable)?, Some(dropped(moved)));
            stream.drop_writable()
        });
    }
    // After everything had moved, and before that was told.
    holds(|guest| {
        let stream = guest.bytes()?;
        assert_eq!(stream.read(128, 4)?, BLOCKED);
        assert_eq!(stream.write(64, 4)?, completed(4));
        stream.drop_writable()?;
        assert_eq!(take_event(guest, stream.readable)?, Some(dropped(4)));
        stream.drop_readable()
    });
}

#[test]
fn a_copy_is_cancelled() {
    // Nothing had moved; the end may be used again.
    holds(|guest| {
        let stream = guest.bytes()?;
        for _ in 0..2 {
            assert_eq!(stream.read(128, 4)?, BLOCKED);
            assert_eq!(stream.cancel_read()?, cancelled(0));
            assert_eq!(stream.write(64, 4)?, BLOCKED);
            assert_eq!(stream.cancel_write_async()?, cancelled(0));
        }
        assert_eq!(stream.read(128, 4)?, BLOCKED);
        assert_eq!(stream.write(64, 4)?, completed(4));
        Ok(())
    });
    // The peer went away first.
    holds(|guest| {
        let stream = guest.bytes()?;
        assert_eq!(stream.read(128, 4)?, BLOCKED);
        assert_eq!(stream.write(64, 3)?, completed(3));
        stream.drop_writable()?;
        assert_eq!(stream.cancel_read()?, dropped(3));
        stream.drop_readable()
    });
    // Some had moved: either answer is right, and each profile gives one.
    for (profile, partial, full) in [
        (Profile::AUGUST_2026, completed(3), completed(4)),
        (Profile::WASMTIME_48, cancelled(3), completed(4)),
        (Profile::NEWER, cancelled(3), cancelled(4)),
    ] {
        holds_under(&[profile], move |guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(128, 4)?, BLOCKED);
            assert_eq!(stream.write(64, 3)?, completed(3));
            assert_eq!(stream.cancel_read()?, partial);
            assert_eq!(stream.write(64, 4)?, BLOCKED);
            assert_eq!(stream.read(128, 4)?, completed(4));
            assert_eq!(stream.cancel_write()?, full);
            assert_eq!(stream.read(128, 1)?, BLOCKED, "the end may be used again");
            Ok(())
        });
    }
}

/// `pass: func(x: stream<u8>) -> stream<u8>` of the peer, which gives back what it gets.
fn pass(world: &Rc<World>) -> Func {
    let stream = || Type::Stream(Some(Arc::new(Type::U8)));
    let ty = func(false, &[stream()], Some(stream()));
    world.peer.lift("pass", ty, |_, args| Ok(args.first().copied()))
}

#[test]
fn a_reader_is_passed_on_after_it_has_read_some() {
    in_worlds(&Profile::ALL, |world| {
        let pass = pass(world);
        let run = world.guest.script(move |guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.write(64, 8)?, BLOCKED);
            assert_eq!(stream.read(128, 3)?, completed(3));
            let returned = guest.call(&pass, &[word(stream.readable)])?;
            let reader = guest.reader(stream_of(Type::U8), returned);
            assert_eq!(reader.read(131, 10)?, completed(5));
            assert_eq!(guest.memory.bytes(128, 8), guest.memory.bytes(64, 8));
            assert_eq!(take_event(guest, stream.writable)?, Some(completed(8)));
            Ok(())
        });
        world.invoke(&run, Vec::new()).map(|_| ())
    });
}

#[test]
fn a_reader_that_waited_in_vain_is_passed_on_once_that_was_cancelled() {
    in_worlds(&Profile::ALL, |world| {
        let pass = pass(world);
        let run = world.guest.script(move |guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(128, 3)?, BLOCKED);
            assert_eq!(stream.cancel_read()?, cancelled(0));
            let returned = guest.call(&pass, &[word(stream.readable)])?;
            let reader = guest.reader(stream_of(Type::U8), returned);
            assert_eq!(reader.read(128, 3)?, BLOCKED);
            assert_eq!(stream.write(64, 3)?, completed(3));
            Ok(())
        });
        world.invoke(&run, Vec::new()).map(|_| ())
    });
}

/// `take: func(x: stream<string>)` of the peer, which reads up to `count` strings and drops the stream.
fn take_strings(world: &Rc<World>, count: usize) -> Func {
    let ty = func(false, &[Type::Stream(Some(Arc::new(Type::String)))], None);
    world.peer.lift("take", ty, move |peer, args| {
        let reader = peer.reader(stream_of(Type::String), args[0].bits() as u32);
        let told = reader.read(512, count)?;
        assert_eq!(told, completed(count as u32));
        for index in 0..count {
            let (at, length) = (peer.memory.word(512 + 8 * index), peer.memory.word(516 + 8 * index));
            assert_eq!(peer.memory.bytes(at as usize, length as usize), b"abc");
        }
        reader.drop_readable().map(|()| None)
    })
}

#[test]
fn elements_that_were_not_taken_stay_with_the_writer() {
    in_worlds(&Profile::ALL, |world| {
        let take = take_strings(world, 2);
        let run = world.guest.script(move |guest| {
            for index in 0..5 {
                guest.memory.set_word(512 + 8 * index, 0);
                guest.memory.set_word(516 + 8 * index, 3);
            }
            let stream = guest.ends(stream_of(Type::String))?;
            assert_eq!(stream.write(512, 5)?, BLOCKED);
            guest.call(&take, &[word(stream.readable)])?;
            assert_eq!(take_event(guest, stream.writable)?, Some(dropped(2)));
            stream.drop_writable()
        });
        world.invoke(&run, Vec::new()).map(|_| ())
    });
}

#[test]
fn handles_move_with_the_elements_that_are_taken() {
    in_worlds(&Profile::ALL, |world| {
        let inner = Type::Stream(Some(Arc::new(Type::U8)));
        let ty = func(false, &[Type::Stream(Some(Arc::new(inner.clone())))], None);
        let payload = inner.clone();
        let take = world.peer.lift("take", ty, move |peer, args| {
            let reader = peer.reader(stream_of(payload.clone()), args[0].bits() as u32);
            assert_eq!(reader.read(512, 2)?, completed(2));
            assert_eq!(reader.drop_readable().map(|()| None)?, None::<()>);
            Ok(None)
        });
        let run = world.guest.script(move |guest| {
            let streams = [guest.bytes()?, guest.bytes()?, guest.bytes()?];
            for (index, stream) in streams.iter().enumerate() {
                guest.memory.set_word(512 + 4 * index, stream.readable);
            }
            let outer = guest.ends(stream_of(inner.clone()))?;
            assert_eq!(outer.write(512, 3)?, BLOCKED);
            guest.call(&take, &[word(outer.readable)])?;
            assert_eq!(take_event(guest, outer.writable)?, Some(dropped(2)));
            // The third is here and works; the handles of the others are free.
            assert_eq!(streams[2].read(128, 1)?, BLOCKED);
            assert_eq!(streams[2].write(64, 1)?, completed(1));
            assert_eq!(guest.set_new()?, streams[1].readable, "the last that became free");
            Ok(())
        });
        world.invoke(&run, Vec::new()).map(|_| ())
    });
}

#[test]
fn a_host_writes_in_any_pieces() {
    for size in 1..6 {
        in_worlds(&Profile::ALL, |world| {
            let ty = func(true, &[Type::Stream(Some(Arc::new(Type::U8)))], None);
            let read = Rc::new(Cell::new(0_usize));
            let counter = read.clone();
            let enter = move |guest: &Guest, args: &[crate::canonical::CoreVal]| {
                let reader = guest.reader(stream_of(Type::U8), args[0].bits() as u32);
                loop {
                    let told = reader.read_sync(512 + counter.get(), 20)?;
                    counter.set(counter.get() + (told >> 4) as usize);
                    if told & 0xf == 1 {
                        break;
                    }
                }
                guest.task_return(&func(true, &[], None), &[])?;
                Ok(EXIT)
            };
            let take = world.guest.lift_async("take", ty, enter, |_, _| Ok(EXIT));
            let (end, value) = HostEnd::stream(&world.store, Some(&Type::U8));
            world.invoke(&take, vec![value])?;
            let text: Vec<u8> = (0..20).collect();
            for piece in text.chunks(size) {
                end.start_write(&world.store, Chunk::Bytes(piece.to_vec()))?;
                while !end.has_outcome() {
                    assert!(world.store.tick()?, "the guest reads on");
                }
                assert_eq!(end.poll().map(|copy| copy.count), Some(piece.len()));
            }
            drop(end);
            world.run()?;
            assert_eq!(read.get(), 20);
            assert_eq!(world.guest.memory.bytes(512, 20), text);
            Ok(())
        });
    }
}

#[test]
fn events_of_ends_name_their_kind() {
    holds(|guest| {
        let set = guest.set_new()?;
        let stream = guest.bytes()?;
        guest.join(stream.readable, set)?;
        guest.join(stream.writable, set)?;
        stream.read(128, 1)?;
        stream.write(64, 1)?;
        assert_eq!(
            guest.poll(set)?,
            event(EventCode::StreamRead, stream.readable, completed(1))
        );
        stream.write(64, 1)?;
        stream.read(128, 1)?;
        assert_eq!(
            guest.poll(set)?,
            event(EventCode::StreamWrite, stream.writable, completed(1))
        );
        Ok(())
    });
}

#[test]
fn a_stream_returned_is_read_by_the_host() {
    in_worlds(&Profile::ALL, |world| {
        let ty = func(false, &[], Some(Type::Stream(Some(Arc::new(Type::U8)))));
        let give = world.guest.lift("give", ty, |guest, _| {
            let stream = guest.bytes()?;
            assert_eq!(stream.write(64, 7)?, BLOCKED);
            Ok(Some(word(stream.readable)))
        });
        let call = world.invoke(&give, Vec::new())?;
        let Some(Value::Stream(readable)) = call.take() else {
            panic!("a stream is returned")
        };
        let end = HostEnd::reader(readable, Some(&Type::U8)).expect("it was not passed on");
        end.start_read(&world.store, 4)?;
        let copy = end.poll().expect("the guest has written");
        assert!(matches!(copy.chunk, Chunk::Bytes(bytes) if bytes == world.guest.memory.bytes(64, 4)));
        end.start_read(&world.store, 4)?;
        assert_eq!(end.poll().map(|copy| copy.count), Some(3));
        Ok(())
    });
}
