//! Resources and error contexts between two guests: lent, given away, streamed, given up.

use crate::scenario::Scenario;
use crate::support::{compare, ticking};
use std::sync::LazyLock;
use witflow_host::{Component, Result};

mod provider {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use witflow::{BackpressureGuard, ErrorContext, StreamReader};

    witflow::generate!({
        path: "src/resources.wit",
        world: "provider",
    });

    use exports::small::resources::queues::{Guest, GuestQueue, Queue, QueueBorrow};

    pub(super) struct Provider;
    export!(Provider);

    thread_local! {
        static ALIVE: Cell<u32> = const { Cell::new(0) };
    }

    pub(super) struct Items(RefCell<VecDeque<String>>);

    impl Drop for Items {
        fn drop(&mut self) {
            ALIVE.set(ALIVE.get() - 1);
        }
    }

    impl Guest for Provider {
        type Queue = Items;

        async fn take_all(mut queues: StreamReader<Queue>, most: u32) -> u32 {
            let mut count = 0;
            while count < most
                && let Some(queue) = queues.next().await
            {
                host::tick().await;
                drop(queue);
                count += 1;
            }
            count
        }

        async fn fail(text: String) -> Result<u32, ErrorContext> {
            host::tick().await;
            Err(ErrorContext::new(&text))
        }

        async fn same(context: ErrorContext) -> ErrorContext {
            host::tick().await;
            context
        }

        async fn serial(_context: ErrorContext, queue: Queue) -> u32 {
            let _guard = BackpressureGuard::new();
            host::tick().await;
            queue.get::<Items>().0.borrow().len() as u32
        }

        fn alive() -> u32 {
            ALIVE.get()
        }
    }

    impl GuestQueue for Items {
        fn new() -> Self {
            ALIVE.set(ALIVE.get() + 1);
            Items(RefCell::default())
        }

        async fn push(&self, item: String) -> u32 {
            host::tick().await;
            let mut items = self.0.borrow_mut();
            items.push_back(item);
            items.len() as u32
        }

        async fn pop(&self) -> Option<String> {
            self.0.borrow_mut().pop_front()
        }

        async fn drain(&self, from: QueueBorrow<'_>) -> u32 {
            let moved = from.get::<Items>().0.take();
            host::tick().await;
            let count = moved.len() as u32;
            self.0.borrow_mut().extend(moved);
            count
        }

        async fn join(a: Queue, b: Queue) -> Queue {
            host::tick().await;
            let moved = b.get::<Items>().0.take();
            a.get::<Items>().0.borrow_mut().extend(moved);
            a
        }

        fn len(&self) -> u32 {
            self.0.borrow().len() as u32
        }
    }
}

mod consumer {
    use crate::support::{poll_at_most, poll_pinned};
    use futures::future::join_all;
    use std::pin::pin;
    use witflow::StreamResult;
    use witflow_host::explore::pick;

    witflow::generate!({
        path: "src/resources.wit",
        world: "consumer",
    });

    use small::resources::queues::{self, Queue};

    pub(super) struct Consumer;
    export!(Consumer);

    impl Guest for Consumer {
        async fn moves() -> u32 {
            let (a, b) = (Queue::new(), Queue::new());
            futures::join!(a.push("x".into()), a.push("y".into()), b.push("z".into()));
            let moved = b.drain(&a).await;
            let left = a.len();
            let joined = Queue::join(b, a).await;
            let mut count = 0;
            while joined.pop().await.is_some() {
                count += 1;
            }
            drop(joined);
            100 * count + 10 * moved + left + queues::alive()
        }

        async fn gives_up(n: u32) -> u32 {
            let one = async |number: u32| {
                let (a, b) = (Queue::new(), Queue::new());
                let polls = || [9, 1, 2, 3][pick(4)];
                poll_at_most(polls(), a.push(format!("item {number}"))).await;
                poll_at_most(polls(), b.drain(&a)).await;
                poll_at_most(polls(), Queue::join(a, b)).await;
            };
            join_all((0..n).map(one)).await;
            // A callee that was given up drops what it was given when it learns of that.
            for _ in 0..50 {
                witflow::yield_now().await;
            }
            queues::alive()
        }

        async fn streams(n: u32) -> u32 {
            let (mut writer, reader) = wit_stream::new();
            let most = n - pick(3) as u32;
            let writing = async {
                let mut items: Vec<_> = (0..n).map(|_| Queue::new()).collect();
                while !items.is_empty() {
                    // What was not sent comes back, with its handles.
                    let mut write = pin!(writer.write(items));
                    let (result, rest) = match poll_pinned([50, 1, 2][pick(3)], write.as_mut()).await {
                        Some(done) => done,
                        None => write.cancel(),
                    };
                    items = rest.into_vec();
                    assert!(items.iter().all(|queue| queue.len() == 0), "what came back can be used");
                    if result == StreamResult::Dropped {
                        break;
                    }
                }
                drop(writer);
                items.len() as u32
            };
            let (taken, left) = futures::join!(queues::take_all(reader, most), writing);
            assert!(
                taken <= most && taken + left <= n,
                "{taken} were taken and {left} left, of {n}"
            );
            queues::alive()
        }

        async fn errors(n: u32) -> u32 {
            let one = async |number: u32| {
                let text = format!("number {number}");
                let context = queues::fail(text.clone()).await.expect_err("it fails");
                let context = queues::same(context).await;
                // The host may lose the message.
                let message = context.debug_message();
                message.is_empty() || message == text
            };
            join_all((0..n).map(one)).await.into_iter().filter(|fine| *fine).count() as u32
        }

        async fn gives_away(n: u32) -> u32 {
            let one = async |number: u32| {
                let context = queues::fail(String::new()).await.expect_err("it fails");
                let queue = Queue::new();
                queue.push(format!("item {number}")).await;
                let answer = poll_at_most([20, 1, 2, 3][pick(4)], queues::serial(context, queue)).await;
                answer.is_none_or(|len| len == 1)
            };
            let fine = join_all((0..n).map(one)).await.into_iter().filter(|fine| *fine).count() as u32;
            fine + queues::alive()
        }
    }
}

static BOTH: LazyLock<Component> = LazyLock::new(|| {
    let consumer = Component::native::<consumer::Consumer>("consumer").expect("the world is described well");
    let provider = Component::native::<provider::Provider>("provider").expect("the world is described well");
    Component::compose(&consumer, &[&provider]).expect("the worlds fit")
});

fn moves() -> Result<()> {
    compare(&ticking()?, &BOTH, "moves", (), (320_u32,))
}

fn check(export: &str, given: u32, expected: u32) -> Result<()> {
    compare(&ticking()?, &BOTH, export, (given,), (expected,))
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("resources-move", "resources are lent, emptied and joined", moves),
    Scenario::new(
        "resources-given-up",
        "calls with resources are given up, and none is lost",
        || check("gives-up", 3, 0),
    ),
    Scenario::new(
        "resources-streamed",
        "resources go through a stream, or come back",
        || check("streams", 4, 0),
    ),
    Scenario::new(
        "resources-given-away",
        "resources and error contexts are given away, or not",
        || check("gives-away", 3, 3),
    ),
    Scenario::new(
        "errors-passed-on",
        "error contexts are passed on, and may lose their message",
        || check("errors", 3, 3),
    ),
];
