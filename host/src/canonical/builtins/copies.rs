//! Making, reading, writing and cancelling at the ends of streams and futures.

use super::Payload;
use crate::canonical::buffer::Buffer;
use crate::canonical::copy::{BLOCKED, CopyEnd, CopyState, Shared};
use crate::canonical::fault::Fault;
use crate::canonical::instance::Instance;
use crate::canonical::store::Store;
use crate::canonical::table::Entry;
use crate::canonical::thread::Condition;
use crate::canonical::trap::{Result, Rule, trap_if_at};
use crate::canonical::waitable::Member;
use std::rc::Rc;

pub(super) fn ends_new(store: &Store, payload: &Payload) -> Result<u64> {
    let instance = store.running_instance()?;
    let shared = Shared::new(store, payload.is_future, payload.ty.as_ref());
    let add = |readable: bool| -> Result<u32> {
        let end = CopyEnd::new(
            store.next_id(),
            payload.kind(readable),
            shared.clone(),
            payload.ty.clone(),
        );
        let index = instance.add(Entry::End(end.clone()))?;
        end.set_index(index);
        Ok(index)
    };
    let (readable, writable) = (add(true)?, add(false)?);
    Ok(u64::from(readable) | u64::from(writable) << 32)
}

pub(super) fn copy(
    store: &Store,
    instance: &Rc<Instance>,
    end: &Rc<CopyEnd>,
    is_async: bool,
    pointer: *mut u8,
    length: usize,
) -> Result<u32> {
    let index = end.index();
    trap_if_at(end.is_done(), Rule::EndDone, index)?;
    trap_if_at(end.state() != CopyState::Idle, Rule::EndBusy, index)?;
    trap_if_at(end.waitable.is_in_set() && !is_async, Rule::SyncInSet, index)?;
    if !is_async {
        store.check_may_block()?;
    }
    let readable = end.kind().is_readable();
    let buffer = Rc::new(Buffer::of_guest(
        store,
        instance,
        end.payload(),
        pointer,
        length,
        readable,
    )?);
    end.start(store, instance, buffer.clone())?;
    let is_at_once = end.waitable.has_event();
    if !is_at_once {
        buffer.lend(&|| {
            format!(
                "the buffer of the {} on {index}",
                if readable { "read" } else { "write" }
            )
        })?;
        if is_async {
            return Ok(BLOCKED);
        }
        let member = Member::End(end.clone());
        store.wait_for_event(&member, Condition::Event(member.clone()))?;
    }
    let event = end.deliver();
    if let Some(fault) = Fault::of_copy(event) {
        store.happened(if fault == Fault::PeerDroppedWaiting && is_at_once {
            Fault::PeerDroppedIdle
        } else {
            fault
        });
    }
    Ok(event.p2)
}

pub(super) fn cancel_copy(store: &Store, end: &Rc<CopyEnd>, is_async: bool) -> Result<u32> {
    let index = end.index();
    let copying = end.state() == CopyState::Copying && !end.waitable.sync_waiter.get();
    trap_if_at(!copying, Rule::CancelWithoutCopy, index)?;
    trap_if_at(end.waitable.is_in_set() && !is_async, Rule::SyncInSet, index)?;
    if !is_async {
        store.check_may_block()?;
    }
    end.return_buffer()?;
    end.cancel(store);
    if !end.waitable.has_event() {
        if is_async {
            return Ok(BLOCKED);
        }
        let member = Member::End(end.clone());
        store.wait_for_event(&member, Condition::Event(member.clone()))?;
    }
    let result = end.deliver().p2;
    store.happened(Fault::of_cancelled_copy(result));
    Ok(result)
}
