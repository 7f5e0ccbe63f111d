//! Context slots and the backpressure counter, which need no handles and may be used at any time.

use crate::canonical::memory::CoreVal;
use crate::canonical::store::Store;
use crate::canonical::trap::{Result, Rule, Trap};

pub(super) fn context_get(store: &Store, slot: u32) -> Result<Option<CoreVal>> {
    let thread = store.running()?;
    let slot = thread
        .storage
        .get(slot as usize)
        .ok_or_else(|| Trap::new(Rule::ContextSlot))?;
    Ok(Some(CoreVal::Ptr(slot.get())))
}

pub(super) fn context_set(store: &Store, slot: u32, value: *mut u8) -> Result<()> {
    let thread = store.running()?;
    let slot = thread
        .storage
        .get(slot as usize)
        .ok_or_else(|| Trap::new(Rule::ContextSlot))?;
    slot.set(value);
    Ok(())
}

pub(super) fn backpressure(store: &Store, change: i32) -> Result<()> {
    let counter = &store.running()?.instance.backpressure;
    let value = counter
        .get()
        .checked_add_signed(change)
        .filter(|value| *value < 1 << 16);
    counter.set(value.ok_or_else(|| Trap::new(Rule::Backpressure))?);
    Ok(())
}
