//! Sends edge values through each interface of the provider and compares what comes back.
//!
//! Each module of `features` and `calls` brings the imports of one `tests/wit` file; together with the one export
//! below they are the world of this component.

mod calls;
mod check;
mod features;
mod resources;
mod values;

pub use run::Consumer;

witflow::heap!();

/// The descriptions of the worlds that this component imports from, besides that of [`Consumer`].
pub fn worlds() -> impl Iterator<Item = &'static [u8]> {
    let worlds = features::WORLDS.iter().chain(calls::WORLDS).chain(resources::WORLDS);
    worlds.copied()
}

/// The export.
mod run {
    witflow::generate!({ path: "wit/run.wit", world: "run" });

    /// Makes all the calls.
    pub struct Consumer;
    export!(Consumer);

    impl Guest for Consumer {
        async fn run() -> Result<(), String> {
            let mut failures = crate::features::check_all().await;
            failures.extend(crate::calls::check_all().await);
            failures.extend(crate::resources::check_all().await);
            if failures.is_empty() {
                Ok(())
            } else {
                Err(failures.join("\n"))
            }
        }
    }
}
