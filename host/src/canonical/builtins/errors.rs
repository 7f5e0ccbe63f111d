//! Error contexts.

use crate::canonical::choose::Choice;
use crate::canonical::errctx::ErrorContext;
use crate::canonical::instance::Instance;
use crate::canonical::lift::lift_string;
use crate::canonical::lower::LowerCx;
use crate::canonical::resource::Scope;
use crate::canonical::store::Store;
use crate::canonical::subtask::wrong_kind;
use crate::canonical::table::Entry;
use crate::canonical::trap::Result;
use std::rc::Rc;

pub(super) fn error_context_new(store: &Store, pointer: *mut u8, length: usize) -> Result<u32> {
    let instance = store.running_instance()?;
    let message = lift_string(store, &instance, pointer, length)?;
    let lost = store.choose(Choice::ErrorContext, 2) == 1;
    let message = if lost { String::new() } else { message };
    instance.add(Entry::ErrorContext(Rc::new(ErrorContext { message })))
}

fn error_context_at(instance: &Instance, index: u32) -> Result<Rc<ErrorContext>> {
    match instance.get(index)? {
        Entry::ErrorContext(context) => Ok(context),
        other => Err(wrong_kind(index, "an error context", &other)),
    }
}

pub(super) fn debug_message(store: &Store, index: u32, place: *mut u8) -> Result<()> {
    let instance = store.running_instance()?;
    let context = error_context_at(&instance, index)?;
    LowerCx::new(store, &instance, Scope::None)?.store_string_at(&context.message, place)
}

pub(super) fn error_context_drop(store: &Store, index: u32) -> Result<()> {
    let instance = store.running_instance()?;
    error_context_at(&instance, index)?;
    instance.remove(index).map(|_| ())
}
