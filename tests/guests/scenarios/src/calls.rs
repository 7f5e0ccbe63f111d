//! Calls of imports.

use std::mem::forget;
use std::pin::pin;

use futures_util::future::{Either, join_all, select};
use witflow::spawn;

use crate::exports::test::scenarios::calls::Guest;
use crate::{Scenarios, host, poll_once};

impl Guest for Scenarios {
    async fn at_once() -> Vec<u32> {
        vec![host::quick(1).await, host::plain(2), host::quick(3).await]
    }

    async fn in_turn(count: u32) -> Vec<u32> {
        let mut results = Vec::new();
        for x in 0..count {
            results.push(host::slow(x).await);
        }
        results
    }

    async fn together(count: u32) -> Vec<u32> {
        join_all((0..count).map(host::slow)).await
    }

    async fn first_of_two() -> u32 {
        match select(pin!(host::slow(1)), pin!(host::slow(2))).await {
            Either::Left((result, _)) | Either::Right((result, _)) => result,
        }
    }

    async fn text(text: String) -> String {
        let words = text.split(' ').map(str::to_owned).collect();
        host::slow_text(text, words, u64::MAX).await
    }

    async fn never_polled() {
        drop(host::slow_text("never seen".to_owned(), vec!["neither".to_owned()], 1));
        // Nor is one whose future lives on and is dropped later.
        let call = host::slow(1);
        host::quick(2).await;
        drop(call);
    }

    async fn dropped() {
        let mut call = Box::pin(host::slow_text("dropped".to_owned(), vec!["later".to_owned()], 1));
        poll_once(&mut call).await;
        drop(call);
        host::note("dropped");
        // The next call gets the handle that has become free.
        assert_eq!(host::slow(7).await, 70);
    }

    async fn forgotten() {
        let mut call = Box::pin(host::slow(1));
        poll_once(&mut call).await;
        forget(call);
        // The handle is not free, and what the host writes later goes where nobody is.
        assert_eq!(host::slow(2).await, 20);
    }

    async fn left_behind() {
        spawn(async {
            let result = host::slow(1).await;
            host::note(&format!("the call gave {result}"));
        });
    }
}
