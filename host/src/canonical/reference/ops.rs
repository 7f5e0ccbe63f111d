//! The operations of a guest's part of the tape, as the functions of the same names in `driver.py`.

use super::guest::{Guest, Status};
use super::world::{Export, list, payload, text};
use crate::canonical::linear::at;
use crate::canonical::{Builtin, CoreVal, ResourceIndex, Result};

/// Plays one operation and gives what it printed as its result.
pub(super) fn run(guest: &Guest, export: &Export, code: u32, a: u32, b: u32) -> Result<Option<String>> {
    match code % 21 {
        0 => ends_new(guest, a),
        1 => stream_copy(guest, a, b),
        2 => future_copy(guest, a, b),
        3 => cancel_copy(guest, a, b),
        4 => drop_end(guest, a, b),
        5 => set_new(guest),
        6 => join(guest, a, b),
        7 => set_wait(guest, a, b),
        8 => set_poll(guest, a, b),
        9 => set_drop(guest, a, b),
        10 => guest.call(a, b),
        11 => subtask_cancel(guest, a, b),
        12 => subtask_drop(guest, a, b),
        13 => guest.task_return(export, a, b).map(|()| None),
        14 => task_cancel(guest, b),
        15 => thread_yield(guest, b),
        16 => backpressure(guest, b),
        17 => context(guest, a, b),
        18 => resource_new(guest, b),
        19 => resource_rep(guest, a, b),
        _ => resource_drop(guest, a, b),
    }
}

const RESOURCE: ResourceIndex = ResourceIndex(0);
const ENDS: [&str; 4] = ["sr", "sw", "fr", "fw"];

fn word(index: u32) -> CoreVal {
    CoreVal::I32(index as i32)
}

fn bits(result: Option<CoreVal>) -> u64 {
    result.map_or(0, CoreVal::bits)
}

fn one(result: Option<CoreVal>) -> Option<String> {
    Some(list([bits(result)]))
}

fn ends_new(guest: &Guest, a: u32) -> Result<Option<String>> {
    guest.announce("ends_new", list([a % 2]))?;
    let is_future = a % 2 == 1;
    let packed = bits(guest.built_in(&Builtin::EndsNew(payload(is_future)), &[])?);
    let (readable, writable) = (packed as u32, (packed >> 32) as u32);
    let kinds = if is_future { ["fr", "fw"] } else { ["sr", "sw"] };
    guest.learn(kinds[0], readable);
    guest.learn(kinds[1], writable);
    Ok(Some(list([readable, writable])))
}

fn stream_copy(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let kind = if b.is_multiple_of(2) { "sr" } else { "sw" };
    let Some(index) = guest.pick(&[kind], &[Status::Idle], a, b) else {
        return Ok(None);
    };
    let (place, count) = (64 * (a % 8), (b / 2) % 5);
    guest.announce(
        "stream_copy",
        list([text(kind), index.to_string(), place.to_string(), count.to_string()]),
    )?;
    let (payload, is_async) = (payload(false), b % 16 != 9);
    let builtin = if kind == "sr" {
        Builtin::Read { payload, is_async }
    } else {
        Builtin::Write { payload, is_async }
    };
    let args = [
        word(index),
        CoreVal::Ptr(at(place as usize)),
        CoreVal::Len(count as usize),
    ];
    copied(guest, index, false, guest.built_in(&builtin, &args)?)
}

fn future_copy(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let kind = if b.is_multiple_of(2) { "fr" } else { "fw" };
    let Some(index) = guest.pick(&[kind], &[Status::Idle], a, b) else {
        return Ok(None);
    };
    let place = 64 * (a % 8);
    guest.announce("future_copy", list([text(kind), index.to_string(), place.to_string()]))?;
    let (payload, is_async) = (payload(true), b % 16 != 9);
    let builtin = if kind == "fr" {
        Builtin::Read { payload, is_async }
    } else {
        Builtin::Write { payload, is_async }
    };
    let result = guest.built_in(&builtin, &[word(index), CoreVal::Ptr(at(place as usize))])?;
    copied(guest, index, true, result)
}

fn copied(guest: &Guest, index: u32, is_future: bool, result: Option<CoreVal>) -> Result<Option<String>> {
    guest.copied(index, bits(result) as u32, is_future);
    Ok(one(result))
}

fn cancel_copy(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let kind = ENDS[b as usize % 4];
    let Some(index) = guest.pick(&[kind], &[Status::Busy], a, b) else {
        return Ok(None);
    };
    guest.announce("cancel_copy", list([text(kind), index.to_string()]))?;
    let (payload, is_async) = (payload(kind.starts_with('f')), b % 8 >= 4);
    let builtin = if kind.ends_with('r') {
        Builtin::CancelRead { payload, is_async }
    } else {
        Builtin::CancelWrite { payload, is_async }
    };
    copied(
        guest,
        index,
        kind.starts_with('f'),
        guest.built_in(&builtin, &[word(index)])?,
    )
}

fn drop_end(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let kind = ENDS[b as usize % 4];
    let statuses: &[Status] = if kind == "fw" {
        &[Status::Done]
    } else {
        &[Status::Idle, Status::Done]
    };
    let Some(index) = guest.pick(&[kind], statuses, a, b) else {
        return Ok(None);
    };
    guest.announce("drop_end", list([text(kind), index.to_string()]))?;
    let payload = payload(kind.starts_with('f'));
    let builtin = if kind.ends_with('r') {
        Builtin::DropReadable(payload)
    } else {
        Builtin::DropWritable(payload)
    };
    dropped(guest, &builtin, index)
}

fn dropped(guest: &Guest, builtin: &Builtin, index: u32) -> Result<Option<String>> {
    guest.built_in(builtin, &[word(index)])?;
    guest.forget(index);
    Ok(None)
}

fn set_new(guest: &Guest) -> Result<Option<String>> {
    guest.announce("set_new", "[]".to_owned())?;
    let index = bits(guest.built_in(&Builtin::WaitableSetNew, &[])?) as u32;
    guest.learn("set", index);
    Ok(Some(index.to_string()))
}

fn join(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let any = [Status::Idle, Status::Busy, Status::Done, Status::Open, Status::Resolved];
    let waitable = guest.pick(&["sr", "sw", "fr", "fw", "sub"], &any, a, b);
    let set = if b.is_multiple_of(4) {
        Some(0)
    } else {
        guest.pick(&["set"], &[Status::Idle], b, b)
    };
    let (Some(waitable), Some(set)) = (waitable, set) else {
        return Ok(None);
    };
    guest.announce("join", list([waitable, set]))?;
    guest
        .built_in(&Builtin::WaitableJoin, &[word(waitable), word(set)])
        .map(|_| None)
}

fn event(guest: &Guest, name: &str, builtin: &Builtin, a: u32, b: u32) -> Result<Option<String>> {
    let Some(index) = guest.pick(&["set"], &[Status::Idle], a, b) else {
        return Ok(None);
    };
    let place = 1536 + 8 * (a as usize % 8);
    guest.announce(name, list([index]))?;
    let code = bits(guest.built_in(builtin, &[word(index), CoreVal::Ptr(at(place))])?) as u32;
    let [p1, p2] = guest.words(place);
    guest.told(code, p1, p2)?;
    Ok(Some(list([code, p1, p2])))
}

fn set_wait(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    event(
        guest,
        "set_wait",
        &Builtin::WaitableSetWait {
            cancellable: b % 4 == 1,
        },
        a,
        b,
    )
}

fn set_poll(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    event(
        guest,
        "set_poll",
        &Builtin::WaitableSetPoll {
            cancellable: b % 4 == 1,
        },
        a,
        b,
    )
}

fn set_drop(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let Some(index) = guest.pick(&["set"], &[Status::Idle], a, b) else {
        return Ok(None);
    };
    guest.announce("set_drop", list([index]))?;
    dropped(guest, &Builtin::WaitableSetDrop, index)
}

fn subtask_cancel(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let Some(index) = guest.pick(&["sub"], &[Status::Open], a, b) else {
        return Ok(None);
    };
    guest.announce("subtask_cancel", list([index, b % 2]))?;
    let result = guest.built_in(&Builtin::SubtaskCancel { is_async: b % 2 == 1 }, &[word(index)])?;
    let blocked = bits(result) as u32 == u32::MAX;
    guest.set_status(index, if blocked { Status::Busy } else { Status::Resolved });
    Ok(one(result))
}

fn subtask_drop(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let Some(index) = guest.pick(&["sub"], &[Status::Resolved], a, b) else {
        return Ok(None);
    };
    guest.announce("subtask_drop", list([index]))?;
    dropped(guest, &Builtin::SubtaskDrop, index)
}

fn task_cancel(guest: &Guest, b: u32) -> Result<Option<String>> {
    if !guest.may_cancel()? && b % 32 < 30 {
        return Ok(None);
    }
    guest.announce("task_cancel", "[]".to_owned())?;
    guest.built_in(&Builtin::TaskCancel, &[])?;
    guest.mark_returned().map(|()| None)
}

fn thread_yield(guest: &Guest, b: u32) -> Result<Option<String>> {
    guest.announce("thread_yield", "[]".to_owned())?;
    let result = guest.built_in(
        &Builtin::ThreadYield {
            cancellable: b % 4 == 1,
        },
        &[],
    )?;
    if bits(result) != 0 {
        guest.told(6, 0, 0)?;
    }
    Ok(one(result))
}

fn backpressure(guest: &Guest, b: u32) -> Result<Option<String>> {
    let up = b % 8 < 3;
    if !up && guest.raised.get() == 0 && b % 32 < 30 {
        return Ok(None);
    }
    guest.announce("backpressure", list([u8::from(up)]))?;
    let builtin = if up {
        Builtin::BackpressureInc
    } else {
        Builtin::BackpressureDec
    };
    guest.built_in(&builtin, &[])?;
    guest.raised.set(if up {
        guest.raised.get() + 1
    } else {
        guest.raised.get() - 1
    });
    Ok(None)
}

fn context(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    guest.announce("context", list([a % 2, b % 2]))?;
    if b.is_multiple_of(2) {
        return guest
            .built_in(&Builtin::ContextSet(a % 2), &[CoreVal::Ptr(at(b as usize))])
            .map(|_| None);
    }
    guest.built_in(&Builtin::ContextGet(a % 2), &[]).map(one)
}

fn resource_new(guest: &Guest, b: u32) -> Result<Option<String>> {
    guest.announce("resource_new", list([b]))?;
    if !guest.implements_resource() {
        return Ok(None);
    }
    let index = bits(guest.built_in(&Builtin::ResourceNew(RESOURCE), &[word(b)])?) as u32;
    guest.learn("own", index);
    Ok(Some(index.to_string()))
}

fn resource_rep(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let Some(index) = guest.pick(&["own"], &[Status::Idle], a, b) else {
        return Ok(None);
    };
    guest.announce("resource_rep", list([index]))?;
    if !guest.implements_resource() {
        return Ok(None);
    }
    guest.built_in(&Builtin::ResourceRep(RESOURCE), &[word(index)]).map(one)
}

fn resource_drop(guest: &Guest, a: u32, b: u32) -> Result<Option<String>> {
    let Some(index) = guest.pick(&["own", "borrow"], &[Status::Idle], a, b) else {
        return Ok(None);
    };
    guest.announce("resource_drop", list([index]))?;
    dropped(guest, &Builtin::ResourceDrop(RESOURCE), index)
}
