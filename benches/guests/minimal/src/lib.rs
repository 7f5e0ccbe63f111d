//! One asynchronous export that awaits one asynchronous import and returns its string.

#[cfg(not(feature = "macros"))]
include!(env!("BENCH_BINDINGS"));
#[cfg(feature = "macros")]
witflow::generate!("minimal" in "../../wit/minimal.wit");

witflow::heap!();

struct Component;
export!(Component);

impl Guest for Component {
    async fn run(x: u32) -> String {
        get(x).await
    }
}
