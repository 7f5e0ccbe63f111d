//! What breaks a rule at the ends of streams and futures.

use super::calls::{completed, dropped, future_of, stream_of, word};
use super::expect::{broken, holds_under};
use super::guest::{Guest, func};
use crate::canonical::{BLOCKED, Case, Field, Profile, Result, Rule, Type};
use std::sync::Arc;

#[test]
pub(super) fn an_end_does_one_thing_at_a_time() {
    broken(Rule::EndBusy)
        .about(1)
        .by("stream.read(1, ptr, 2)")
        .when(|guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(64, 4)?, BLOCKED);
            stream.read(72, 2).map(|_| ())
        });
    broken(Rule::EndBusy)
        .about(2)
        .by("stream.write(2, ptr, 2)")
        .when(|guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.write(64, 4)?, BLOCKED);
            stream.write(72, 2).map(|_| ())
        });
    // What is done and was not told is in progress still.
    broken(Rule::EndBusy)
        .about(1)
        .by("stream.read(1, ptr, 4)")
        .when(|guest| {
            let stream = guest.bytes()?;
            assert_eq!(stream.read(64, 4)?, BLOCKED);
            assert_eq!(stream.write(72, 4)?, completed(4));
            stream.read(64, 4).map(|_| ())
        });
    broken(Rule::EndBusy).about(2).by("future.write(2, ptr)").when(|guest| {
        let future = guest.byte()?;
        assert_eq!(future.write(64, 1)?, BLOCKED);
        future.write(64, 1).map(|_| ())
    });
}

#[test]
pub(super) fn an_end_that_is_done_does_nothing() {
    broken(Rule::EndDone)
        .about(1)
        .by("stream.read(1, ptr, 4)")
        .when(|guest| {
            let stream = guest.bytes()?;
            stream.drop_writable()?;
            assert_eq!(stream.read(64, 4)?, dropped(0));
            stream.read(64, 4).map(|_| ())
        });
    broken(Rule::EndDone)
        .about(2)
        .by("stream.write(2, ptr, 0)")
        .when(|guest| {
            let stream = guest.bytes()?;
            stream.drop_readable()?;
            assert_eq!(stream.write(64, 4)?, dropped(0));
            stream.write(64, 0).map(|_| ())
        });
    broken(Rule::EndDone).about(1).by("future.read(1, ptr)").when(|guest| {
        let future = guest.byte()?;
        assert_eq!(future.write(64, 1)?, BLOCKED);
        assert_eq!(future.read(72, 1)?, completed(0));
        future.read(72, 1).map(|_| ())
    });
    broken(Rule::EndDone).about(2).by("future.write(2, ptr)").when(|guest| {
        let future = guest.byte()?;
        assert_eq!(future.read(72, 1)?, BLOCKED);
        assert_eq!(future.write(64, 1)?, completed(0));
        future.write(64, 1).map(|_| ())
    });
}

#[test]
pub(super) fn copies_have_a_greatest_length() {
    broken(Rule::CopyTooLong)
        .by("stream.read(1, ptr, 268435456)")
        .when(|guest| guest.bytes()?.read(64, 1 << 28).map(|_| ()));
    broken(Rule::CopyTooLong)
        .by("stream.write(2, ptr, 268435456)")
        .when(|guest| {
            let unit = crate::canonical::Payload {
                is_future: false,
                ty: None,
            };
            guest.ends(unit)?.write(64, 1 << 28).map(|_| ())
        });
    super::holds(|guest| {
        let unit = crate::canonical::Payload {
            is_future: false,
            ty: None,
        };
        let ends = guest.ends(unit)?;
        assert_eq!(
            ends.write(usize::MAX, (1 << 28) - 1)?,
            BLOCKED,
            "without payload the place is no matter"
        );
        assert_eq!(ends.read(usize::MAX, (1 << 28) - 1)?, completed((1 << 28) - 1));
        Ok(())
    });
}

#[test]
fn buffers_are_in_bounds_and_aligned() {
    broken(Rule::OutOfBounds)
        .by("stream.read(1, ptr, 16)")
        .when(|guest| guest.bytes()?.read(4090, 16).map(|_| ()));
    broken(Rule::OutOfBounds)
        .by("future.write(2, ptr)")
        .when(|guest| guest.byte()?.write(4096, 1).map(|_| ()));
    broken(Rule::Misaligned)
        .by("stream.write(2, ptr, 2)")
        .under(&[Profile::AUGUST_2026, Profile::NEWER])
        .when(|guest| guest.ends(stream_of(Type::U32))?.write(66, 2).map(|_| ()));
    super::holds(|guest| {
        // No elements need no place.
        let words = guest.ends(stream_of(Type::U32))?;
        assert_eq!(words.read(99_999, 0)?, BLOCKED);
        assert_eq!(words.write(99_999, 0)?, completed(0));
        Ok(())
    });
}

/// Payloads that are not numbers.
fn not_numbers() -> Vec<Type> {
    let field = |ty| Field { name: "f".into(), ty };
    let case = Case {
        name: "c".into(),
        ty: None,
    };
    vec![
        Type::Bool,
        Type::Char,
        Type::String,
        Type::Enum(["e".into()].into()),
        Type::Flags(["f".into()].into()),
        Type::List(Arc::new(Type::U8)),
        Type::Record([field(Type::U8)].into()),
        Type::Tuple([Type::U8].into()),
        Type::Variant([case].into()),
        Type::Option(Arc::new(Type::U8)),
        Type::Stream(None),
    ]
}

#[test]
pub(super) fn an_instance_passes_itself_numbers_only() {
    for payload in not_numbers() {
        for is_future in [false, true] {
            let make = if is_future { future_of } else { stream_of };
            let (write_last, read_last) = if is_future {
                ("future.write(2, ptr)", "future.read(1, ptr)")
            } else {
                ("stream.write(2, ptr, 1)", "stream.read(1, ptr, 1)")
            };
            let ty = payload.clone();
            broken(Rule::SameInstance).by(write_last).when(move |guest| {
                let ends = guest.ends(make(ty.clone()))?;
                ends.read(64, 1)?;
                ends.write(128, 1).map(|_| ())
            });
            let ty = payload.clone();
            broken(Rule::SameInstance).by(read_last).when(move |guest| {
                let ends = guest.ends(make(ty.clone()))?;
                ends.write(64, 1)?;
                ends.read(128, 1).map(|_| ())
            });
        }
    }
    broken(Rule::SameInstance)
        .by("stream.write(2, ptr, 0)")
        .under(&[Profile::AUGUST_2026, Profile::WASMTIME_48])
        .when(|guest| {
            let ends = guest.ends(stream_of(Type::String))?;
            ends.read(64, 0)?;
            ends.write(64, 0).map(|_| ())
        });
    holds_under(&[Profile::NEWER], |guest| {
        let ends = guest.ends(stream_of(Type::String))?;
        ends.read(64, 0)?;
        assert_eq!(ends.write(64, 0)?, completed(0));
        Ok(())
    });
}

#[test]
fn an_instance_passes_itself_numbers_and_nothings() {
    let numbers = [
        Type::U8,
        Type::S8,
        Type::U16,
        Type::S16,
        Type::U32,
        Type::S32,
        Type::U64,
        Type::S64,
        Type::F32,
        Type::F64,
    ];
    for ty in numbers {
        super::holds(move |guest| {
            let stream = guest.ends(stream_of(ty.clone()))?;
            assert_eq!(stream.read(64, 3)?, BLOCKED);
            assert_eq!(stream.write(128, 2)?, completed(2));
            let future = guest.ends(future_of(ty.clone()))?;
            assert_eq!(future.write(64, 1)?, BLOCKED);
            assert_eq!(future.read(128, 1)?, completed(0));
            Ok(())
        });
    }
}

#[test]
fn a_copy_within_an_instance_may_overlap() {
    super::holds(|guest| {
        let letters = guest.memory.bytes(64, 8);
        let stream = guest.bytes()?;
        assert_eq!(stream.write(64, 8)?, BLOCKED);
        assert_eq!(stream.read(66, 8)?, completed(8));
        assert_eq!(guest.memory.bytes(66, 8), letters);
        Ok(())
    });
}

#[test]
pub(super) fn only_a_copy_can_be_cancelled() {
    let cancel = |what: &'static str| broken(Rule::CancelWithoutCopy).by(what);
    cancel("stream.cancel-read(1)")
        .about(1)
        .when(|guest| guest.bytes()?.cancel_read().map(|_| ()));
    cancel("stream.cancel-write(2)")
        .about(2)
        .when(|guest| guest.bytes()?.cancel_write_async().map(|_| ()));
    cancel("future.cancel-read(1)")
        .about(1)
        .when(|guest| guest.byte()?.cancel_read().map(|_| ()));
    cancel("future.cancel-write(2)")
        .about(2)
        .when(|guest| guest.byte()?.cancel_write().map(|_| ()));
    // Done.
    cancel("stream.cancel-read(1)").about(1).when(|guest| {
        let stream = guest.bytes()?;
        stream.drop_writable()?;
        stream.read(64, 4)?;
        stream.cancel_read().map(|_| ())
    });
    // Cancelled before.
    cancel("stream.cancel-read(1)").about(1).when(|guest| {
        let stream = guest.bytes()?;
        stream.read(64, 4)?;
        stream.cancel_read()?;
        stream.cancel_read().map(|_| ())
    });
    // Done at once.
    cancel("stream.cancel-write(2)").about(2).when(|guest| {
        let stream = guest.bytes()?;
        stream.read(64, 4)?;
        stream.write(72, 4)?;
        stream.cancel_write().map(|_| ())
    });
}

#[test]
fn a_synchronous_copy_is_not_cancelled() {
    broken(Rule::CancelWithoutCopy)
        .about(1)
        .by("stream.cancel-read(1)")
        .in_task("task 2 of `plain`", "guest")
        .under(&[Profile::AUGUST_2026, Profile::NEWER])
        .in_world(|world| {
            let block = world.guest.script(|guest| guest.bytes()?.read_sync(64, 4).map(|_| ()));
            world.invoke(&block, Vec::new())?;
            let cancel = world
                .guest
                .plain_script(|guest| guest.reader(stream_of(Type::U8), 1).cancel_read().map(|_| ()));
            world.invoke(&cancel, Vec::new()).map(|_| ())
        });
}

#[test]
pub(super) fn an_end_that_copies_is_not_dropped() {
    broken(Rule::DropWhileCopying)
        .about(1)
        .by("stream.drop-readable(1)")
        .when(|guest| {
            let stream = guest.bytes()?;
            stream.read(64, 4)?;
            stream.drop_readable()
        });
    broken(Rule::DropWhileCopying)
        .about(2)
        .by("stream.drop-writable(2)")
        .when(|guest| {
            let stream = guest.bytes()?;
            stream.write(64, 4)?;
            stream.drop_writable()
        });
    broken(Rule::DropWhileCopying)
        .about(1)
        .by("future.drop-readable(1)")
        .when(|guest| {
            let future = guest.byte()?;
            future.read(64, 1)?;
            future.drop_readable()
        });
    broken(Rule::DropWhileCopying)
        .about(2)
        .by("future.drop-writable(2)")
        .when(|guest| {
            let future = guest.byte()?;
            future.write(64, 1)?;
            future.drop_writable()
        });
    // Done and not told.
    broken(Rule::DropWhileCopying)
        .about(1)
        .by("stream.drop-readable(1)")
        .when(|guest| {
            let stream = guest.bytes()?;
            stream.read(64, 4)?;
            assert_eq!(stream.write(72, 4)?, completed(4));
            stream.drop_readable()
        });
}

/// Gives the readable end to `take: func(x: stream<u8>)` of the peer.
fn give(guest: &Guest, readable: u32) -> Result<()> {
    let ty = func(false, &[Type::Stream(Some(Arc::new(Type::U8)))], None);
    let take = guest.world().peer.lift("take", ty, |_, _| Ok(None));
    guest.call(&take, &[word(readable)]).map(|_| ())
}

#[test]
pub(super) fn a_busy_reader_stays() {
    let stays = || broken(Rule::TransferBusy).about(1).by("take(1)");
    stays().when(|guest| {
        let stream = guest.bytes()?;
        stream.read(64, 4)?;
        give(guest, stream.readable)
    });
    stays().when(|guest| {
        let stream = guest.bytes()?;
        stream.read(64, 4)?;
        stream.write(72, 4)?;
        give(guest, stream.readable)
    });
    broken(Rule::EndDone).about(1).by("take(1)").when(|guest| {
        let stream = guest.bytes()?;
        stream.drop_writable()?;
        stream.read(64, 4)?;
        give(guest, stream.readable)
    });
}

#[test]
pub(super) fn a_member_stays() {
    broken(Rule::TransferInSet).about(1).by("take(1)").when(|guest| {
        let stream = guest.bytes()?;
        guest.join(stream.readable, guest.set_new()?)?;
        give(guest, stream.readable)
    });
}

#[test]
fn only_readable_ends_of_the_type_are_given() {
    broken(Rule::WrongHandleKind).about(2).by("take(2)").when(|guest| {
        let stream = guest.bytes()?;
        give(guest, stream.writable)
    });
    broken(Rule::WrongPayloadType).about(1).by("take(1)").when(|guest| {
        let stream = guest.ends(stream_of(Type::U16))?;
        give(guest, stream.readable)
    });
    broken(Rule::UnknownHandle).about(1).by("take(1)").when(|guest| {
        let stream = guest.bytes()?;
        give(guest, stream.readable)?;
        give(guest, stream.readable)
    });
    broken(Rule::WrongHandleKind).about(1).by("take(1)").when(|guest| {
        let future = guest.byte()?;
        give(guest, future.readable)
    });
}
