//! What is done with our runtime in a task of another's. The first argument says which case; it panics when something is wrong.

use std::pin::pin;

use crate::theirs::clocks::monotonic_clock::wait_for as wait_theirs;
use crate::{spawn_theirs, theirs};
use futures::channel::oneshot;
use futures::future::{Either, join, select};
use wasi::cli::{stdin, stdout};
use wasi::clocks::monotonic_clock::wait_for as wait_ours;
use witflow::StreamResult;

witflow::generate!({
    path: "../../wit-wasi",
    inline: "
        package local:mixed;
        world imports {
            import wasi:cli/stdin@0.3.2;
            import wasi:cli/stdout@0.3.2;
            import wasi:clocks/monotonic-clock@0.3.2;
        }
    ",
});

const MILLISECOND: u64 = 1_000_000;

/// Longer than anybody waits.
const NEVER: u64 = u64::MAX / 4;

pub(crate) async fn run() -> Result<(), ()> {
    let arguments = theirs::cli::environment::get_arguments();
    match arguments.get(1).map(String::as_str) {
        Some("await") => calls().await,
        Some("streams") => streams().await,
        Some("cancel") => cancelled().await,
        Some("spawn-theirs") => spawned_by_theirs().await,
        Some("spawn-ours") => spawned_by_ours().await,
        _ => return Err(()),
    }
    Ok(())
}

/// Calls through ours, by themselves and while one through theirs is pending.
async fn calls() {
    wait_ours(MILLISECOND).await;
    join(wait_ours(2 * MILLISECOND), wait_theirs(MILLISECOND)).await;
    join(wait_ours(MILLISECOND), wait_theirs(2 * MILLISECOND)).await;
}

/// Standard input goes to standard output in capitals, by streams and futures of ours.
async fn streams() {
    let (mut input, read) = stdin::read_via_stream();
    let (mut writer, output) = wit_stream::new();
    let written = stdout::write_via_stream(output);
    let pump = async move {
        let mut chunk = Vec::with_capacity(1000);
        loop {
            let (result, mut bytes) = input.read(chunk).await;
            bytes.make_ascii_uppercase();
            bytes = writer.write_all(bytes).await;
            assert!(bytes.is_empty(), "standard output takes everything");
            if result == StreamResult::Dropped {
                return;
            }
            chunk = Vec::with_capacity(1000);
        }
    };
    let ((), written) = join(pump, written.into_future()).await;
    assert_eq!((read.await, written), (Ok(()), Ok(())));
}

/// A call through each is dropped while it is pending, and the other goes on.
async fn cancelled() {
    match select(pin!(wait_ours(NEVER)), pin!(wait_theirs(MILLISECOND))).await {
        Either::Left(_) => panic!("ours came first"),
        Either::Right(_) => {}
    }
    match select(pin!(wait_theirs(NEVER)), pin!(wait_ours(MILLISECOND))).await {
        Either::Left(_) => panic!("theirs came first"),
        Either::Right(_) => {}
    }
    calls().await;
}

/// Their runtime spawns what waits through ours, and that wakes the export.
async fn spawned_by_theirs() {
    let (sender, receiver) = oneshot::channel();
    spawn_theirs(async move {
        wait_ours(MILLISECOND).await;
        // Nobody can have gone.
        let _ = sender.send("woken");
    });
    assert_eq!(receiver.await, Ok("woken"));
    wait_ours(MILLISECOND).await;
}

/// Ours spawns, which wakes the export, and hands over what it gives; and what ours spawns can be cancelled.
async fn spawned_by_ours() {
    let (sender, receiver) = oneshot::channel();
    let spawned = witflow::spawn(async move {
        join(wait_ours(MILLISECOND), wait_theirs(MILLISECOND)).await;
        let _ = sender.send("woken");
        wait_ours(MILLISECOND).await;
        "ended"
    });
    assert_eq!(receiver.await, Ok("woken"));
    assert_eq!(spawned.await, Some("ended"));

    let mut stopped = witflow::spawn(wait_ours(NEVER));
    wait_theirs(MILLISECOND).await;
    stopped.cancel();
    assert_eq!(stopped.await, None);
}
