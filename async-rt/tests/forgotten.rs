//! `mem::forget` of whatever the API hands out, before its first poll and after it, and what comes then: the task goes on, is
//! woken, is cancelled, ends, and others run beside it.
//!
//! Reads, writes and calls are forgotten in the files that enumerate their states; see `End::Forget` there.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::ends::Peer;
use fake::flag::Flag;
use fake::streams::{BYTES, bytes, writer};
use fake::tasks::returning;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::mem::forget;
use std::pin::Pin;
use std::task::Poll;
use witflow_async_rt::async_support::{
    BackpressureGuard, StreamReader, StreamWriter, TaskLocal, block_on, cancelled, scope, shield, spawn, stream,
    yield_now,
};
use witflow_async_rt::rt::stream_new;

/// What a case may forget, or use afterwards.
struct Ends {
    reader: StreamReader<u8>,
    writer: StreamWriter<u8>,
    polled: bool,
}

type Case = fn(Ends) -> Pin<Box<dyn Future<Output = ()>>>;

static NAME: TaskLocal<String> = TaskLocal::new();

/// Polls a future that has to wait, or not, and forgets it.
async fn drop_not(future: impl Future, polled: bool) {
    let mut future = Box::pin(future);
    if polled {
        poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
    }
    forget(future);
}

/// What is forgotten, by name.
const CASES: &[(&str, Case)] = &[
    ("a join handle", |ends| {
        Box::pin(async move {
            let handle = spawn(async { String::from("output") });
            if ends.polled {
                yield_now().await;
                assert!(handle.is_finished());
            }
            forget(handle);
        })
    }),
    ("a join handle that waits", |ends| {
        Box::pin(drop_not(
            async {
                let handle = spawn(async {
                    yield_now().await;
                    String::from("output")
                });
                handle.await
            },
            ends.polled,
        ))
    }),
    ("a yield", |ends| Box::pin(drop_not(yield_now(), ends.polled))),
    ("one who waits for the cancellation", |ends| {
        Box::pin(drop_not(cancelled(), ends.polled))
    }),
    ("a shield", |ends| {
        Box::pin(drop_not(shield(pending::<()>()), ends.polled))
    }),
    ("a backpressure guard", |_| {
        Box::pin(async { forget(BackpressureGuard::new()) })
    }),
    ("a scope", |mut ends| {
        Box::pin(async move {
            let borrowed = RefCell::new(Vec::new());
            {
                let (borrowed, reader) = (&borrowed, &mut ends.reader);
                let scope = scope(async |scope| {
                    scope.spawn(async move {
                        let item = reader.next().await;
                        borrowed.borrow_mut().extend(item);
                    });
                });
                drop_not(scope, ends.polled).await;
            }
            // What was borrowed is used again, by others.
            borrowed.borrow_mut().push(1);
            assert!(ends.reader.next().await.is_none());
        })
    }),
    ("the scope of a task-local", |ends| {
        Box::pin(async move {
            let inner = async {
                assert_eq!(NAME.get(), "inner");
                pending::<()>().await;
            };
            drop_not(NAME.scope("inner".to_owned(), inner), ends.polled).await;
            assert_eq!(NAME.try_with(String::clone), None);
        })
    }),
    ("a reader", |mut ends| {
        Box::pin(async move {
            if ends.polled {
                drop_not(ends.reader.next(), true).await;
            }
            forget(ends.reader);
        })
    }),
    ("a reader as a stream", |ends| {
        Box::pin(async { forget(ends.reader.into_stream()) })
    }),
    ("a collection", |ends| {
        Box::pin(drop_not(ends.reader.collect(), ends.polled))
    }),
    ("a writer", |mut ends| {
        Box::pin(async move {
            if ends.polled {
                drop_not(ends.writer.write_one(1), true).await;
            }
            forget(ends.writer);
        })
    }),
    ("what a write gave back", |ends| {
        Box::pin(async move {
            let mut writer = ends.writer;
            let mut write = Box::pin(writer.write(vec![1, 2]));
            if ends.polled {
                poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_ready())).await;
            }
            forget(write.as_mut().cancel());
        })
    }),
    ("a stream that is fed", |ends| {
        Box::pin(async move {
            let mut fed = stream::from_iter(stream_new(&BYTES), 1..=3u8);
            if ends.polled {
                drop_not(fed.next(), true).await;
            }
            // Nobody reads; the future that feeds would wait for ever.
            drop(fed);
        })
    }),
    ("a waker", |_| {
        Box::pin(poll_fn(|cx| {
            forget(cx.waker().clone());
            Poll::Ready(())
        }))
    }),
    ("something of a task inside", |ends| {
        Box::pin(async move {
            let reader = ends.reader;
            let polled = ends.polled;
            block_on(drop_not(reader.collect(), polled));
        })
    }),
];

/// What the task does afterwards.
async fn go_on(go: Flag) {
    assert_eq!(spawn(async { 1 }).await, Some(1));
    yield_now().await;
    go.wait().await;
    yield_now().await;
}

fn run(case: Case, polled: bool, cancels: bool) {
    let host = Fake::new();
    let (reader, source): (_, Peer<'_>) = bytes(&host);
    let (writer, sink) = writer(&host, &BYTES);
    let (go, wait) = (Flag::default(), Flag::default());
    let (flag, other) = (go.clone(), wait.clone());
    let task = host.start(returning(async move {
        case(Ends { reader, writer, polled }).await;
        go_on(flag).await;
    }));
    let beside = host.start(returning(go_on(other)));
    host.run(task);
    // Whatever was in flight is answered: the peers go.
    sink.read(1);
    source.leave();
    sink.leave();
    host.run(task);
    if cancels {
        host.cancel(task);
    }
    host.enter(|| go.raise());
    host.run(task);
    assert!(host.exited(task), "polled: {polled}, cancelled: {cancels}");
    host.enter(|| wait.raise());
    host.run(beside);
    assert!(host.exited(beside));
}

#[test]
fn whatever_is_forgotten_what_comes_then_works() {
    for (name, case) in CASES {
        for (polled, cancels) in [(false, false), (false, true), (true, false), (true, true)] {
            println!("{name}");
            run(*case, polled, cancels);
        }
    }
}
