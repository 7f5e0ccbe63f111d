//! Uses the interface in ways that go wrong easily: the same steps as our guest, by wit-bindgen.

#[path = "../../../../guests/interop-edge/src/steps.rs"]
mod steps;

use interop::demo::api;
use wit_bindgen as runtime;

wit_bindgen::generate!({ path: "../../wit", world: "edge" });

struct Edge;
export!(Edge);

impl exports::interop::demo::steps::Guest for Edge {
    async fn step(n: u32) -> String {
        steps::step(n).await
    }
}
