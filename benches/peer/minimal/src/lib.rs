//! One asynchronous export that awaits one asynchronous import and returns its string.

#[cfg(not(feature = "macros"))]
include!(env!("PEER_BINDINGS"));
#[cfg(feature = "macros")]
wit_bindgen::generate!({ path: "../../wit/minimal.wit" });

struct Component;
export!(Component);

impl Guest for Component {
    async fn run(x: u32) -> String {
        get(x).await
    }
}
