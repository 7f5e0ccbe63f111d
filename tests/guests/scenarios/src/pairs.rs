//! What two guests do together.

use futures_util::future::join_all;
use witflow::{StreamReader, spawn, yield_now};

use crate::exports::test::scenarios::pairs::Guest;
use crate::{Scenarios, host, peer, poll_once, wit_future, wit_stream};

impl Guest for Scenarios {
    async fn call(count: u32) -> Vec<u32> {
        let mut calls = Box::pin(join_all((0..count).map(peer::wait)));
        poll_once(&mut calls).await;
        peer::release();
        calls.await
    }

    async fn drop_started() -> Vec<String> {
        let mut call = Box::pin(peer::wait_text("a text".to_owned(), vec!["words".to_owned()], 1));
        poll_once(&mut call).await;
        drop(call);
        // The peer lets go of who waited.
        peer::release();
        peer::notes()
    }

    async fn drop_held_back() -> Vec<String> {
        peer::hold_back(true);
        let mut call = Box::pin(peer::wait_text("a text".to_owned(), vec!["words".to_owned()], 1));
        poll_once(&mut call).await;
        drop(call);
        peer::hold_back(false);
        let notes = peer::notes();
        // The peer takes calls again.
        let mut call = Box::pin(peer::wait(3));
        poll_once(&mut call).await;
        peer::release();
        assert_eq!(call.await, 3);
        notes
    }

    async fn drop_with_all() -> Vec<String> {
        let (mut writer, reader) = wit_stream::new();
        let mut call = Box::pin(peer::wait_with_all(reader));
        poll_once(&mut call).await;
        drop(call);
        peer::release();
        let mut notes = peer::notes();
        let rest = writer.write_all(vec![1, 2, 3]).await;
        notes.push(format!("{} bytes were not taken", rest.len()));
        notes
    }

    async fn cancel() -> Vec<String> {
        let mut outcomes = Vec::new();
        for return_it in [true, false] {
            let call = peer::wait_shielded(6, return_it).start();
            yield_now().await;
            outcomes.push(format!("{:?}", call.cancel().await));
            outcomes.extend(peer::notes());
        }
        // One that has not been made, and one that is done.
        outcomes.push(format!("{:?}", peer::wait(7).cancel().await));
        outcomes.push(format!("{:?}", host::quick(4).start().cancel().await));
        // The peer lets go of who waited.
        peer::release();
        outcomes
    }

    async fn relay(items: Vec<String>, chunk: u32) -> Vec<String> {
        let (mut writer, reader) = wit_stream::new();
        spawn(async move {
            for piece in items.chunks(chunk as usize) {
                assert!(writer.write_all(piece.to_vec()).await.is_empty());
            }
        });
        peer::relay(reader).await.collect().await
    }

    async fn pass(items: Vec<String>) -> Vec<String> {
        // Strings may not be read where they are written, so the peer reads them.
        let count = items.len();
        let (mut writer, reader): (_, StreamReader<String>) = wit_stream::new();
        spawn(async move {
            assert!(writer.write_all(items).await.is_empty());
        });
        let mut back = peer::relay(peer::pass(reader)).await;
        let mut received = vec![back.next().await.expect("the first")];
        let back = peer::pass(peer::pass(back));
        received.append(&mut back.collect().await);
        assert_eq!(received.len(), count);
        received
    }

    async fn futures() -> Vec<String> {
        let (writer, reader) = wit_future::new(String::new);
        spawn(async move {
            assert!(writer.write("to the peer".to_owned()).await.is_ok());
        });
        let echoed = peer::await_text(reader).await;
        let mut promise = peer::promise().await;
        poll_once(&mut (&mut promise).into_future()).await;
        peer::release();
        vec![echoed, promise.await]
    }
}
