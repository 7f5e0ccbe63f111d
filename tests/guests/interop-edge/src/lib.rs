//! Uses what a component of any make provides in ways that go wrong easily: see `tests/interop`.

mod steps;

use interop::demo::api;
use witflow as runtime;

witflow::generate!({ path: "../../interop/wit", world: "edge" });

/// Implements the export.
pub struct Edge;
export!(Edge);

impl exports::interop::demo::steps::Guest for Edge {
    async fn step(n: u32) -> String {
        steps::step(n).await
    }
}
