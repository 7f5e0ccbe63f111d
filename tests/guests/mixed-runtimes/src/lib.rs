//! An export of ours awaits pending calls made through `wasip3` 0.10.0 (task context version 3) and 0.7.1 (version 1). A future
//! spawned through the former runs in our executor. One spawned through the latter is never polled: version 1 has no way to
//! tell whoever runs the task, and it does not ask.

#![cfg(target_family = "wasm")]

use std::cell::RefCell;
use std::rc::Rc;

witflow::generate!();

struct Component;
export!(Component);

impl Guest for Component {
    async fn run() -> Vec<String> {
        let log = Rc::new(RefCell::new(Vec::new()));
        let note = |what: &str| log.borrow_mut().push(what.to_owned());

        wasip3::clocks::monotonic_clock::wait_for(1_000_000).await;
        note("0.10.0");
        wasip3_older::clocks::monotonic_clock::wait_for(1_000_000).await;
        note("0.7.1");

        let (newer, older) = both(
            wasip3::clocks::monotonic_clock::wait_for(1_000_000),
            wasip3_older::clocks::monotonic_clock::wait_for(1_000_000),
        )
        .await;
        note(if newer && older { "both" } else { "one was lost" });

        let (theirs, ours) = (log.clone(), log.clone());
        let handle = wit_bindgen::spawn_local(async move {
            wasip3::clocks::monotonic_clock::wait_for(1_000_000).await;
            theirs.borrow_mut().push("spawned through theirs".to_owned());
        });
        handle.await;
        let lost = log.clone();
        wasip3_older::spawn(async move { lost.borrow_mut().push("spawned through 0.7.1".to_owned()) });
        witflow::spawn(async move {
            wasip3_older::clocks::monotonic_clock::wait_for(1_000_000).await;
            ours.borrow_mut().push("spawned through ours".to_owned());
        });
        while !log.borrow().iter().any(|line| line == "spawned through ours") {
            wasip3::clocks::monotonic_clock::wait_for(1_000_000).await;
        }
        log.take()
    }
}

/// Polls two futures until both are done.
async fn both(a: impl Future<Output = ()>, b: impl Future<Output = ()>) -> (bool, bool) {
    let (mut a, mut b) = (Box::pin(a), Box::pin(b));
    let (mut a_done, mut b_done) = (false, false);
    std::future::poll_fn(move |cx| {
        a_done = a_done || a.as_mut().poll(cx).is_ready();
        b_done = b_done || b.as_mut().poll(cx).is_ready();
        if a_done && b_done {
            std::task::Poll::Ready((true, true))
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}
