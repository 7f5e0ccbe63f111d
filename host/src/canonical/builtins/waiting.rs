//! Waitable sets, and giving way.

use crate::canonical::instance::Instance;
use crate::canonical::lift::check_event_area;
use crate::canonical::lower::LowerCx;
use crate::canonical::resource::Scope;
use crate::canonical::store::Store;
use crate::canonical::subtask::wrong_kind;
use crate::canonical::table::Entry;
use crate::canonical::task::set_at;
use crate::canonical::thread::Condition;
use crate::canonical::trap::{Result, Rule, trap_if_at};
use crate::canonical::waitable::{Event, Member, WaitableSet};
use std::rc::Rc;

pub(super) fn set_new(store: &Store) -> Result<u32> {
    let instance = store.running_instance()?;
    let set = WaitableSet::new();
    let index = instance.add(Entry::Set(set.clone()))?;
    set.index.set(index);
    Ok(index)
}

pub(super) fn set_wait(store: &Store, cancellable: bool, index: u32, place: *mut u8) -> Result<u32> {
    let instance = store.running_instance()?;
    let set = set_at(&instance, index)?;
    store.check_may_block()?;
    set.waiting.set(set.waiting.get() + 1);
    let cancellable = cancellable && store.profile().cancellable_built_ins;
    let cancelled = store.wait_until(Condition::SetEvent(set.clone()), cancellable)?;
    set.waiting.set(set.waiting.get() - 1);
    let event = if cancelled {
        Event::CANCELLED
    } else {
        store.deliver_from(&set)
    };
    report(store, &instance, event, place)
}

pub(super) fn set_poll(store: &Store, cancellable: bool, index: u32, place: *mut u8) -> Result<u32> {
    let instance = store.running_instance()?;
    let set = set_at(&instance, index)?;
    let task = store.running_task()?;
    let cancellable = cancellable && store.profile().cancellable_built_ins;
    let event = if task.deliver_pending_cancel(cancellable) {
        Event::CANCELLED
    } else if set.has_event() {
        store.deliver_from(&set)
    } else {
        Event::NONE
    };
    report(store, &instance, event, place)
}

/// Gives an event to core code.
fn report(store: &Store, instance: &Rc<Instance>, event: Event, place: *mut u8) -> Result<u32> {
    check_event_area(instance, store, place)?;
    LowerCx::new(store, instance, Scope::None)?.store_event(event.p1, event.p2, place);
    Ok(event.code as u32)
}

pub(super) fn set_drop(store: &Store, index: u32) -> Result<()> {
    let instance = store.running_instance()?;
    let set = set_at(&instance, index)?;
    trap_if_at(!set.is_empty(), Rule::SetHasMembers, index)?;
    trap_if_at(set.waiting.get() > 0, Rule::SetHasWaiters, index)?;
    instance.remove(index).map(|_| ())
}

pub(super) fn join(store: &Store, waitable: u32, set: u32) -> Result<()> {
    let instance = store.running_instance()?;
    let member = match instance.get(waitable)? {
        Entry::Subtask(subtask) => Member::Subtask(subtask),
        Entry::End(end) => Member::End(end),
        other => return Err(wrong_kind(waitable, "a subtask or an end", &other)),
    };
    let checked = store.profile().join_checks_sync_waiter || set != 0;
    trap_if_at(
        checked && member.waitable().sync_waiter.get(),
        Rule::SyncWaiter,
        waitable,
    )?;
    let set = if set == 0 { None } else { Some(set_at(&instance, set)?) };
    member.join(set.as_ref());
    Ok(())
}

pub(super) fn thread_yield(store: &Store, cancellable: bool) -> Result<u32> {
    store.running_instance()?;
    let cancellable = cancellable && store.profile().cancellable_built_ins;
    Ok(u32::from(store.wait_until(Condition::Always, cancellable)?))
}
