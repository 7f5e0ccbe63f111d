//! Scenarios whose every schedule is explored: guests that do what guests do, and hosts that do with them what hosts may do.
//!
//! Each scenario is small, and says what has to hold in every schedule. They are run by `cargo xtask explore`, a share of them by
//! the tests, and `cargo xtask mutants` sees whether they notice defects in the runtime.

mod calls;
mod cancels;
mod composed;
mod handed;
mod promises;
mod pumps;
mod reads;
mod resources;
mod scenario;
mod support;
mod tasks;
mod values;
mod writes;

pub use scenario::Scenario;

/// All scenarios.
pub fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    [
        calls::SCENARIOS,
        reads::SCENARIOS,
        writes::SCENARIOS,
        pumps::SCENARIOS,
        promises::SCENARIOS,
        tasks::SCENARIOS,
        cancels::SCENARIOS,
        composed::SCENARIOS,
        values::SCENARIOS,
        resources::SCENARIOS,
        handed::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}
