//! Resources of one guest in the hands of another.

use crate::world::everywhere;

/// Calls a function that returns how many resources are left.
#[track_caller]
fn none_left(export: &str) {
    everywhere(async |run| {
        let (left,): (u32,) = run.call(&format!("resources#{export}"), ()).await?;
        assert_eq!(left, 0);
        run.store.finish_tasks().await
    });
}

#[test]
fn are_made_and_dropped() {
    none_left("make");
}

#[test]
fn are_lent_to_calls_that_wait() {
    none_left("lend");
}

#[test]
fn come_back_from_calls_that_are_dropped() {
    none_left("lend-in-vain");
}

#[test]
fn come_back_from_a_call_that_was_held_back() {
    none_left("give-held-back");
}

#[test]
fn go_with_a_call_that_had_started() {
    none_left("give-started");
}

#[test]
fn come_back_from_a_stream_that_is_not_read() {
    none_left("send");
}

#[test]
fn come_in_futures() {
    none_left("await-one");
}
