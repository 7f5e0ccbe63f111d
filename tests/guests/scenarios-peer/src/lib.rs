//! The guest that the other guest of the scenarios talks to.

mod tokens;

use std::cell::{Cell, RefCell};
use std::mem::{forget, take};
use std::pin::pin;
use std::task::{Poll, Waker};

use futures_util::StreamExt as _;
use futures_util::future::{Either, join, select};
use witflow::{FutureReader, StreamReader, backpressure_dec, backpressure_inc, cancelled, shield, spawn};

use exports::test::scenarios::peer::Guest;

witflow::generate!({ path: "../scenarios/wit", world: "peer-of-scenarios" });

/// The guest.
pub struct Peer;
export!(Peer);

thread_local! {
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static RELEASED: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

fn note(line: impl Into<String>) {
    NOTES.with_borrow_mut(|notes| notes.push(line.into()));
}

/// Notes that it was dropped before it was done.
struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        note(self.0);
    }
}

/// Waits for the next release.
async fn released() {
    let before = RELEASED.get();
    std::future::poll_fn(|cx| {
        if RELEASED.get() > before {
            return Poll::Ready(());
        }
        WAITING.with_borrow_mut(|waiting| waiting.push(cx.waker().clone()));
        Poll::Pending
    })
    .await;
}

impl Guest for Peer {
    async fn wait(x: u32) -> u32 {
        released().await;
        x
    }

    async fn wait_shielded(x: u32, return_it: bool) -> u32 {
        let guard = Guard("the wait was dropped");
        let cancelled = shield(async {
            match select(pin!(released()), pin!(cancelled())).await {
                Either::Left(_) => false,
                Either::Right(_) => true,
            }
        });
        if cancelled.await {
            note("the wait was cancelled");
            if !return_it {
                released().await;
            }
        }
        forget(guard);
        x
    }

    async fn wait_text(text: String, words: Vec<String>, last: u64) -> String {
        note(format!("{text}, {words:?}, {last}"));
        let guard = Guard("the wait was dropped");
        released().await;
        forget(guard);
        text
    }

    async fn wait_with_all(mut input: StreamReader<u8>) -> StreamReader<String> {
        let _guard = Guard("the wait was dropped");
        let (mut strings, kept) = wit_stream::new();
        let (promise, _promised) = wit_future::new(|| "the default".to_owned());
        let writes = async { strings.write_all(vec!["never read".to_owned()]).await };
        join(join(input.next(), writes), released()).await;
        drop(promise);
        kept
    }

    fn release() {
        RELEASED.set(RELEASED.get() + 1);
        WAITING.take().into_iter().for_each(Waker::wake);
    }

    fn hold_back(on: bool) {
        if on { backpressure_inc() } else { backpressure_dec() }
    }

    fn notes() -> Vec<String> {
        NOTES.with_borrow_mut(take)
    }

    async fn relay(input: StreamReader<String>) -> StreamReader<String> {
        let (writer, reader) = wit_stream::new();
        spawn(async move {
            let forwarded = input.map(Ok).forward(writer).await;
            assert!(forwarded.is_ok(), "the caller reads to the end");
        });
        reader
    }

    fn pass(input: StreamReader<String>) -> StreamReader<String> {
        input
    }

    async fn await_text(input: FutureReader<String>) -> String {
        input.await
    }

    async fn promise() -> FutureReader<String> {
        let (writer, reader) = wit_future::new(String::new);
        spawn(async move {
            released().await;
            assert!(writer.write("from the peer".to_owned()).await.is_ok());
        });
        reader
    }
}
