//! What guests do with calls, tasks, streams and futures, one function for each scenario.
//!
//! The test decides when the functions of `host` answer, and compares what comes back; `note` tells it what it would not see
//! otherwise. Whatever a guest can check by itself it asserts.

mod calls;
mod futures;
mod helpers;
mod pairs;
mod resources;
mod streams;
mod tasks;

use std::pin::Pin;
use std::task::Poll;

use test::scenarios::{host, peer, tokens};

witflow::generate!({ path: "wit", world: "scenarios" });

witflow::heap!();

/// The guest.
pub struct Scenarios;
export!(Scenarios);

/// Polls a future once, which has to wait for the test.
async fn poll_once<F: Future + Unpin>(future: &mut F) {
    let polled = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await;
    assert!(polled.is_pending(), "it is done too early");
}
