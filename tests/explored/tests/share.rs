//! Every scenario under some schedules, with the guests' memory checked.

use explored::scenarios;
use std::collections::BTreeSet;
use witflow_host::CheckedAllocator;

#[global_allocator]
static HEAP: CheckedAllocator = CheckedAllocator;

#[test]
fn no_schedule_of_a_share_fails() {
    for scenario in scenarios() {
        scenario.explorer().schedules(16).run(scenario.run);
    }
}

#[test]
fn scenarios_have_names_of_their_own() {
    let names: BTreeSet<_> = scenarios().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), scenarios().count());
    assert!(names.len() >= 60, "{} scenarios", names.len());
    let small = scenarios().filter(|scenario| scenario.small).count();
    assert!(small >= 12, "{small} small ones");
}
