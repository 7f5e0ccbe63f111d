//! The host's test of itself: every trap of the Canonical ABI, and what raw core code sees of it otherwise.
//!
//! Core code here is closures that call the built-ins, so that a test can do what no bindings would. [`broken`] runs such a
//! script and demands the trap with its name, its handle, its call and its task; [`holds`] demands that there is none. Both
//! run it under each profile, unless the test says under which. What the profiles make of the same script is in `profiles`.
//!
//! `docs/conformance.md` says which scenario and which trap is tested where.

mod calls;
mod cancellation;
mod copies;
mod expect;
mod futures;
mod guest;
mod handles;
mod leaving;
mod memory;
mod plain;
mod profiles;
mod resources;
mod sets;
mod streams;
mod subtasks;
mod tasks;
mod values;
mod world;

use crate::canonical::Rule;
use expect::{broken, holds};

/// For each rule a test that breaks it.
const BREAKERS: &[(Rule, fn())] = &[
    (Rule::CannotLeave, leaving::post_return_may_not_leave),
    (Rule::CannotEnter, leaving::a_running_instance_is_not_entered),
    (Rule::CannotBlock, plain::a_wait_for_nothing_traps),
    (
        Rule::UnknownHandle,
        handles::what_is_no_handle_is_refused_by_each_built_in,
    ),
    (Rule::WrongHandleKind, handles::each_built_in_is_for_one_kind_of_handle),
    (Rule::WrongResourceType, resources::each_operation_is_for_one_type),
    (Rule::WrongPayloadType, handles::each_copy_is_for_one_payload),
    (Rule::HandleTableFull, handles::a_table_can_be_full),
    (
        Rule::ResourceLent,
        resources::what_is_lent_is_neither_dropped_nor_given_away,
    ),
    (Rule::NotOwned, resources::a_borrow_is_not_given_away),
    (Rule::BorrowsAlive, tasks::borrows_end_before_the_task),
    (Rule::TaskReturnOfSyncLift, tasks::a_synchronous_lift_has_no_task_return),
    (Rule::TaskReturnType, tasks::a_task_returns_its_own_type),
    (Rule::TaskResolvedTwice, tasks::a_task_resolves_once),
    (Rule::TaskCancelOfSyncLift, tasks::a_synchronous_lift_has_no_task_cancel),
    (Rule::TaskNotCancelled, tasks::nobody_cancels_a_task_unasked),
    (Rule::TaskNotResolved, tasks::a_task_resolves_before_it_exits),
    (Rule::CallbackCode, tasks::callbacks_have_three_codes),
    (Rule::SetHasMembers, sets::a_set_with_members_is_not_dropped),
    (Rule::SetHasWaiters, sets::a_set_that_is_waited_for_is_not_dropped),
    (Rule::SyncWaiter, sets::what_is_waited_for_synchronously_stays),
    (Rule::SyncInSet, sets::members_take_no_synchronous_operation),
    (Rule::CancelInSet, profiles::cancelling_a_member),
    (Rule::CancelAfterResolve, subtasks::what_is_over_is_not_cancelled),
    (Rule::CancelledTwice, subtasks::a_call_is_cancelled_once),
    (
        Rule::SubtaskUnresolved,
        subtasks::a_call_is_dropped_after_its_end_was_told,
    ),
    (Rule::EndBusy, copies::an_end_does_one_thing_at_a_time),
    (Rule::EndDone, copies::an_end_that_is_done_does_nothing),
    (Rule::CopyTooLong, copies::copies_have_a_greatest_length),
    (Rule::SameInstance, copies::an_instance_passes_itself_numbers_only),
    (Rule::CancelWithoutCopy, copies::only_a_copy_can_be_cancelled),
    (Rule::DropWhileCopying, copies::an_end_that_copies_is_not_dropped),
    (
        Rule::FutureNotWritten,
        futures::a_future_is_written_before_its_writer_is_dropped,
    ),
    (Rule::TransferBusy, copies::a_busy_reader_stays),
    (Rule::TransferInSet, copies::a_member_stays),
    (Rule::UndeliveredEvent, profiles::an_idle_end_with_an_event),
    (Rule::Backpressure, handles::backpressure_is_counted),
    (Rule::Misaligned, values::pointers_are_aligned),
    (Rule::OutOfBounds, values::pointers_are_in_bounds),
    (Rule::Char, values::chars_are_scalar_values),
    (Rule::Discriminant, values::discriminants_are_cases),
    (Rule::StringEncoding, values::strings_are_well_formed),
    (Rule::StringTooLong, values::strings_have_a_greatest_length),
    (Rule::ListTooLong, values::lists_have_a_greatest_length),
    (Rule::ContextSlot, handles::context_slots_are_two),
    (Rule::CoreSignature, leaving::core_values_have_the_types_due),
    (Rule::HostContract, values::the_host_keeps_to_the_types),
    (Rule::FutureDropped, futures::the_host_writes_what_is_read),
    (Rule::UseAfterFree, memory::lent_memory_stays),
    (Rule::MutatedInFlight, memory::lent_memory_is_left_alone),
];

/// Rules that nothing in this folder can break: they are about guests that are linked into the process, and tested there.
const NATIVE: &[Rule] = &[Rule::UnknownImport, Rule::HostFailed, Rule::Panic, Rule::Endless];

#[test]
fn every_rule_is_broken_by_a_test() {
    for (rule, test) in BREAKERS {
        expect::start_recording();
        test();
        let fired = expect::recorded();
        assert!(fired.contains(rule), "the test of {rule} breaks {fired:?}");
    }
    for rule in Rule::ALL {
        let here = BREAKERS.iter().filter(|(broken, _)| broken == rule).count();
        let elsewhere = NATIVE.iter().filter(|broken| *broken == rule).count();
        assert_eq!(here + elsewhere, 1, "{rule} is listed once");
    }
}
