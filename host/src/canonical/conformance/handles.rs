//! The table of handles, and the built-ins that need none.

use super::calls::{length, place, stream_of, word};
use super::guest::Guest;
use super::leaving::{all_built_ins, arguments};
use super::world::{Scripted, World};
use super::{broken, holds};
use crate::canonical::{Builtin, Choice, CoreType, Profile, Result, Rule, Type};

/// The built-ins whose first argument is a handle.
fn with_handles() -> impl Iterator<Item = Builtin> {
    all_built_ins().into_iter().filter(|builtin| {
        let takes_word = builtin
            .params()
            .is_some_and(|params| params.first() == Some(&CoreType::I32));
        takes_word && !matches!(builtin, Builtin::ResourceNew(_))
    })
}

#[test]
pub(super) fn what_is_no_handle_is_refused_by_each_built_in() {
    // Never used, used and free again, and beyond the table.
    for handle in [0, 2, 3, 77, u32::MAX] {
        for builtin in with_handles() {
            broken(Rule::UnknownHandle).about(handle).when(move |guest| {
                let (set, other) = (guest.set_new()?, guest.set_new()?);
                assert_eq!((set, other), (1, 2));
                guest.set_drop(other)?;
                guest.built_in(&builtin, &arguments(&builtin, handle)).map(|_| ())
            });
        }
    }
}

/// What a handle can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Resource,
    Subtask,
    StreamReadable,
    StreamWritable,
    FutureReadable,
    FutureWritable,
    Set,
    ErrorContext,
}

const KINDS: [Kind; 8] = [
    Kind::Resource,
    Kind::Subtask,
    Kind::StreamReadable,
    Kind::StreamWritable,
    Kind::FutureReadable,
    Kind::FutureWritable,
    Kind::Set,
    Kind::ErrorContext,
];

impl Kind {
    /// A new handle of this kind.
    fn make(self, guest: &Guest) -> Result<u32> {
        Ok(match self {
            Kind::Resource => {
                let ty = guest.world().host_resource();
                guest.instance.set_resource(crate::canonical::ResourceIndex(0), ty);
                guest.resource_new(crate::canonical::ResourceIndex(0), 7)?
            }
            Kind::Subtask => guest.call_host(512)?,
            Kind::StreamReadable => guest.bytes()?.readable,
            Kind::StreamWritable => guest.bytes()?.writable,
            Kind::FutureReadable => guest.byte()?.readable,
            Kind::FutureWritable => guest.byte()?.writable,
            Kind::Set => guest.set_new()?,
            Kind::ErrorContext => guest.built_in(&Builtin::ErrorContextNew, &[place(64), length(2)])? as u32,
        })
    }

    /// Whether `builtin` is for handles of this kind.
    fn fits(self, builtin: &Builtin) -> bool {
        use Builtin::*;
        match builtin {
            ResourceRep(_) | ResourceDrop(_) => self == Kind::Resource,
            WaitableSetWait { .. } | WaitableSetPoll { .. } | WaitableSetDrop => self == Kind::Set,
            WaitableJoin => !matches!(self, Kind::Resource | Kind::Set | Kind::ErrorContext),
            SubtaskCancel { .. } | SubtaskDrop => self == Kind::Subtask,
            ErrorContextDebugMessage | ErrorContextDrop => self == Kind::ErrorContext,
            Read { payload, .. } | CancelRead { payload, .. } | DropReadable(payload) => {
                self == if payload.is_future {
                    Kind::FutureReadable
                } else {
                    Kind::StreamReadable
                }
            }
            Write { payload, .. } | CancelWrite { payload, .. } | DropWritable(payload) => {
                self == if payload.is_future {
                    Kind::FutureWritable
                } else {
                    Kind::StreamWritable
                }
            }
            _ => true,
        }
    }
}

#[test]
pub(super) fn each_built_in_is_for_one_kind_of_handle() {
    for builtin in with_handles() {
        for kind in KINDS.into_iter().filter(|kind| !kind.fits(&builtin)) {
            let writable = matches!(kind, Kind::StreamWritable | Kind::FutureWritable);
            let (handle, builtin) = (if writable { 2 } else { 1 }, builtin.clone());
            broken(Rule::WrongHandleKind).about(handle).when(move |guest| {
                assert_eq!(kind.make(guest)?, handle);
                guest.built_in(&builtin, &arguments(&builtin, handle)).map(|_| ())
            });
        }
    }
    // The second argument of a join.
    broken(Rule::WrongHandleKind)
        .about(2)
        .by("waitable.join(1, 2)")
        .when(|guest| {
            let stream = guest.bytes()?;
            guest.join(stream.readable, stream.writable)
        });
}

#[test]
pub(super) fn each_copy_is_for_one_payload() {
    for builtin in with_handles().filter(|builtin| builtin.name().contains('.')) {
        let future = matches!(&builtin, Builtin::Read { payload, .. } | Builtin::Write { payload, .. }
            | Builtin::CancelRead { payload, .. } | Builtin::CancelWrite { payload, .. }
            | Builtin::DropReadable(payload) | Builtin::DropWritable(payload) if payload.is_future);
        let is_copy = builtin.name().starts_with("stream.") || future;
        if !is_copy {
            continue;
        }
        let handle = if builtin.name().contains("writ") { 2 } else { 1 };
        broken(Rule::WrongPayloadType).about(handle).when(move |guest| {
            let mut payload = stream_of(Type::U16);
            payload.is_future = future;
            guest.ends(payload)?;
            guest.built_in(&builtin, &arguments(&builtin, handle)).map(|_| ())
        });
    }
}

#[test]
pub(super) fn a_table_can_be_full() {
    broken(Rule::HandleTableFull).by("waitable-set.new()").when(|guest| {
        guest.instance.limit_handles(3);
        let sets = (guest.set_new()?, guest.set_new()?, guest.set_new()?);
        assert_eq!(sets, (1, 2, 3));
        guest.set_drop(2)?;
        assert_eq!(guest.set_new()?, 2, "what is free again does not count");
        guest.set_new().map(|_| ())
    });
}

#[test]
fn indices_are_reused_last_in_first_out_by_any_kind() {
    holds(|guest| {
        let sets: Vec<_> = (0..4).map(|_| guest.set_new()).collect::<Result<_>>()?;
        assert_eq!(sets, [1, 2, 3, 4]);
        for set in [2, 4, 1] {
            guest.set_drop(set)?;
        }
        let stream = guest.bytes()?;
        assert_eq!((stream.readable, stream.writable), (1, 4));
        let context = guest.built_in(&Builtin::ErrorContextNew, &[place(64), length(2)])?;
        assert_eq!((context, guest.set_new()?), (2, 5));
        Ok(())
    });
}

#[test]
fn a_stale_index_meets_its_next_owner() {
    broken(Rule::WrongHandleKind)
        .about(1)
        .by("waitable-set.drop(1)")
        .when(|guest| {
            let set = guest.set_new()?;
            guest.set_drop(set)?;
            let stream = guest.bytes()?;
            assert_eq!(stream.readable, set);
            guest.set_drop(set)
        });
}

#[test]
pub(super) fn backpressure_is_counted() {
    broken(Rule::Backpressure)
        .by("backpressure.dec()")
        .when(Guest::backpressure_dec);
    broken(Rule::Backpressure).by("backpressure.inc()").when(|guest| {
        for _ in 0..(1 << 16) - 1 {
            guest.backpressure_inc()?;
        }
        guest.backpressure_inc()
    });
    holds(|guest| {
        (0..(1 << 16) - 1).try_for_each(|_| guest.backpressure_inc())?;
        (0..(1 << 16) - 1).try_for_each(|_| guest.backpressure_dec())
    });
}

#[test]
pub(super) fn context_slots_are_two() {
    broken(Rule::ContextSlot)
        .by("context.get()")
        .when(|guest| guest.built_in(&Builtin::ContextGet(2), &[]).map(|_| ()));
    broken(Rule::ContextSlot)
        .by("context.set(ptr)")
        .when(|guest| guest.built_in(&Builtin::ContextSet(2), &[place(1)]).map(|_| ()));
}

#[test]
fn an_error_context_keeps_its_message_or_loses_it() {
    for (answer, kept) in [(0, 3), (1, 0)] {
        let chooser = Scripted::new(vec![(Choice::ErrorContext, answer)]);
        let world = World::with_chooser(Profile::AUGUST_2026, chooser);
        let run = world.guest.script(move |guest| {
            let context = guest.built_in(&Builtin::ErrorContextNew, &[place(64), length(3)])? as u32;
            guest.built_in(&Builtin::ErrorContextDebugMessage, &[word(context), place(256)])?;
            assert_eq!(guest.memory.word(260), kept);
            guest.built_in(&Builtin::ErrorContextDrop, &[word(context)]).map(|_| ())
        });
        let call = world.invoke(&run, Vec::new());
        assert!(call.is_ok_and(|call| call.is_resolved()));
    }
}
