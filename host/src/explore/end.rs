//! What has to hold when a store ends.
//!
//! Faults have stopped by then, so whatever was begun has to come to its end: every task, every operation, every handle.

use super::finding::Finding;
use super::run::Run;
use crate::canonical;
use crate::native::{NativeStore, Step};

/// Lets everything in the store come to its end, and checks that it did. Says whether memory is to be checked as well.
pub(crate) fn check_end(store: &NativeStore, run: &Run) -> bool {
    if !run.begin_end() {
        run.take_picture(store.canonical());
        return false;
    }
    loop {
        match store.step(None) {
            Ok(Step::Taken | Step::Driver) => {}
            Ok(Step::Nothing) => break,
            Err(error) => {
                let finding = run.take_trap().unwrap_or_else(|| Finding::of_error(&error));
                let text = format!("after the test had ended, {}", finding.text);
                run.violated(Some(store.canonical()), Finding::new(finding.class, text));
                return false;
            }
        }
    }
    let canonical = store.canonical();
    if let Some(finding) = unfinished(canonical).or_else(|| leaked(canonical)) {
        run.violated(Some(canonical), finding);
        return false;
    }
    for instance in canonical.instances() {
        run.reused_indices(instance.reused_indices());
    }
    run.checks_memory
}

/// Notes the blocks of memory that guests left behind.
pub(crate) fn check_memory(blocks: &[String], run: &Run) {
    if !blocks.is_empty() {
        let text = format!(
            "all tasks have ended, and this memory is left:\n  {}",
            blocks.join("\n  ")
        );
        run.violated(None, Finding::new("leak of memory", text));
    }
}

/// Tasks that wait for what never comes.
fn unfinished(store: &canonical::Store) -> Option<Finding> {
    let report = store.report();
    let task = report.tasks.first()?;
    let text = format!("these tasks never end:{report}");
    Some(Finding::new(format!("unfinished task of {}", export(&task.task)), text))
}

/// The export in `task 3 of `f``.
fn export(task: &str) -> &str {
    task.split_once(" of ").map_or(task, |(_, export)| export)
}

/// Handles that nobody dropped.
fn leaked(store: &canonical::Store) -> Option<Finding> {
    let mut kinds = Vec::new();
    let mut text = "all tasks have ended, and these handles are left:".to_owned();
    for instance in store.instances() {
        for (index, kind) in instance.live_handles() {
            kinds.push(kind);
            text += &format!("\n  {} {index}: {kind}", instance.name());
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    (!kinds.is_empty()).then(|| Finding::new(format!("leak of {}", kinds.join(", ")), text))
}
