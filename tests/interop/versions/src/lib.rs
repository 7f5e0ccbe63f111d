//! Two versions of our runtime in one component. Each runs an export, in whose task the other waits, wakes and spawns.
//!
//! `cargo xtask interop` writes the manifest: `later` is a copy of the runtime with another version.

use std::pin::pin;

use futures::channel::oneshot;
use futures::future::{Either, join, join3, select};

mod now {
    witflow::generate!({ world: "now" });
}

mod later {
    witflow::generate!({ world: "later", runtime_path: "::witflow_later::rt" });
}

struct Component;
now::export!(Component with_types_in now);
later::export!(Component with_types_in later);

impl now::exports::interop::demo::driver::Guest for Component {
    async fn drive() -> String {
        in_tasks_of_now::run().await
    }
}

impl later::exports::interop::demo::steps::Guest for Component {
    async fn step(_: u32) -> String {
        in_tasks_of_later::run().await
    }
}

const MILLISECOND: u64 = 1_000_000;

/// Longer than anybody waits.
const NEVER: u64 = u64::MAX / 4;

/// What `$guest` and its runtime do in tasks of the runtime `$host`. It panics when something is wrong.
macro_rules! cases {
    ($module:ident: $guest:ident, $runtime:ident in $host:ident, $host_runtime:ident) => {
        mod $module {
            use super::*;
            use $guest::wasi::clocks::monotonic_clock::wait_for;
            use $host::wasi::clocks::monotonic_clock::wait_for as wait_host;
            use $runtime::async_support::{self as guest, StreamResult};

            pub(super) async fn run() -> String {
                calls().await;
                cancelled().await;
                streams().await;
                spawned().await;
                // It is run to its end when the export has returned.
                guest::spawn(calls());
                "ok".to_owned()
            }

            /// Calls by themselves and while one of the host is pending.
            async fn calls() {
                wait_for(MILLISECOND).await;
                join(wait_for(2 * MILLISECOND), wait_host(MILLISECOND)).await;
                join(wait_for(MILLISECOND), wait_host(2 * MILLISECOND)).await;
            }

            /// A call of each is dropped while it is pending.
            async fn cancelled() {
                match select(pin!(wait_for(NEVER)), pin!(wait_host(MILLISECOND))).await {
                    Either::Left(_) => panic!("the guest's came first"),
                    Either::Right(_) => {}
                }
                match select(pin!(wait_host(NEVER)), pin!(wait_for(MILLISECOND))).await {
                    Either::Left(_) => panic!("the host's came first"),
                    Either::Right(_) => {}
                }
            }

            /// Both ends of a stream, in pieces that do not fit each other.
            async fn streams() {
                let (mut writer, mut reader) = $guest::wit_stream::new();
                let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
                let write = async {
                    for piece in sent.chunks(777) {
                        assert!(writer.write_all(piece.to_vec()).await.is_empty());
                    }
                    drop(writer);
                };
                let read = async {
                    let mut all = Vec::new();
                    loop {
                        let (result, piece) = reader.read(Vec::with_capacity(1000)).await;
                        all.extend(piece);
                        if result == StreamResult::Dropped {
                            return all;
                        }
                    }
                };
                let ((), received, ()) = join3(write, read, wait_host(MILLISECOND)).await;
                assert!(received == sent, "{} bytes came", received.len());
            }

            /// Each spawns: it wakes the export, hands over its output, waits for what the other spawns, and is cancelled.
            async fn spawned() {
                let (sender, receiver) = oneshot::channel();
                let spawned = guest::spawn(async move {
                    join(wait_for(MILLISECOND), wait_host(MILLISECOND)).await;
                    sender.send("woken").expect("the export waits");
                    let inner = $host_runtime::async_support::spawn(async {
                        guest::spawn(async { wait_host(MILLISECOND).await }).await
                    });
                    wait_for(MILLISECOND).await;
                    inner.await
                });
                assert_eq!(receiver.await, Ok("woken"));
                assert_eq!(spawned.await, Some(Some(Some(()))));

                let mut stopped = guest::spawn(wait_for(NEVER));
                wait_host(MILLISECOND).await;
                stopped.cancel();
                assert_eq!(stopped.await, None);
            }
        }
    };
}

cases!(in_tasks_of_now: later, witflow_later in now, witflow);
cases!(in_tasks_of_later: now, witflow in later, witflow_later);
