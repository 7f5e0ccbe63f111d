//! Tasks of exports.

use std::cell::{Cell, RefCell};
use std::task::{Poll, Waker};

use witflow::{BackpressureGuard, spawn, yield_now};

use crate::exports::test::scenarios::tasks::Guest;
use crate::{Scenarios, host};

thread_local! {
    /// How often `wake` was called, as it said.
    static WOKEN: Cell<u32> = const { Cell::new(0) };
    /// Who sleeps.
    static SLEEPERS: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

impl Guest for Scenarios {
    async fn number() -> u32 {
        host::slow(1).await
    }

    async fn text() -> String {
        host::slow(2).await.to_string()
    }

    async fn early(turns: u32) -> u32 {
        spawn(async move {
            for turn in 0..turns {
                yield_now().await;
                host::note(&format!("turn {turn}"));
            }
        });
        turns
    }

    async fn yields(turns: u32) -> u32 {
        for _ in 0..turns {
            yield_now().await;
        }
        turns
    }

    async fn spawns(count: u32) {
        for x in 0..count {
            spawn(async move {
                let result = host::slow(x).await;
                host::note(&format!("{x} gave {result}"));
            });
        }
    }

    async fn sleep(times: u32) -> u32 {
        std::future::poll_fn(|cx| {
            if WOKEN.get() >= times {
                return Poll::Ready(());
            }
            SLEEPERS.with_borrow_mut(|sleepers| sleepers.push(cx.waker().clone()));
            Poll::Pending
        })
        .await;
        WOKEN.get()
    }

    fn wake(times: u32) {
        WOKEN.set(WOKEN.get() + times);
        // All of them twice, and, when the count is old, those that have outlived their tasks.
        SLEEPERS.with_borrow(|sleepers| sleepers.iter().for_each(Waker::wake_by_ref));
        let sleepers = if times == 0 {
            SLEEPERS.take()
        } else {
            SLEEPERS.with_borrow(Clone::clone)
        };
        sleepers.into_iter().for_each(Waker::wake);
    }

    async fn hold_back() {
        let outer = BackpressureGuard::new();
        let inner = BackpressureGuard::new();
        host::slow(1).await;
        drop(outer);
        host::slow(2).await;
        drop(inner);
        host::slow(3).await;
    }

    fn come_in() -> u32 {
        host::plain(21)
    }
}
