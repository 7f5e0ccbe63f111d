//! Task-local values.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::tasks::returning;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use witflow_async_rt::async_support::{TaskLocal, block_on, spawn, yield_now};

static NAME: TaskLocal<String> = TaskLocal::new();
static OTHER: TaskLocal<String> = TaskLocal::new();

fn name() -> Option<String> {
    NAME.try_with(String::clone)
}

#[test]
fn a_value_is_there_in_its_scope_and_nowhere_else() {
    let host = Fake::new();
    let done = Rc::new(Cell::new(false));
    let end = done.clone();
    let task = host.start(returning(async move {
        assert_eq!(name(), None);
        let inner = async {
            assert_eq!(NAME.get(), "inner");
            yield_now().await;
            assert_eq!(NAME.get(), "inner");
            spawn(async { assert_eq!(name(), None) });
            assert_eq!(block_on(async { name() }), None);
        };
        let outer = async {
            assert_eq!(NAME.get(), "outer");
            OTHER
                .scope("other".to_owned(), NAME.scope("inner".to_owned(), inner))
                .await;
            yield_now().await;
            assert_eq!(NAME.with(String::len), 5);
            assert_eq!(OTHER.try_with(|_| ()), None);
        };
        NAME.scope("outer".to_owned(), outer).await;
        assert_eq!(name(), None);
        end.set(true);
    }));
    host.run(task);
    assert!(host.exited(task) && done.get());
}

#[test]
fn another_task_does_not_see_it() {
    let host = Fake::new();
    let first = host.start(returning(NAME.scope("first".to_owned(), async {
        yield_now().await;
        assert_eq!(NAME.get(), "first");
    })));
    let second = host.start(returning(async {
        assert_eq!(name(), None);
        NAME.scope("second".to_owned(), async { assert_eq!(NAME.get(), "second") })
            .await;
    }));
    host.run(first);
    assert!(host.exited(first) && host.exited(second));
}

#[test]
fn a_panic_ends_the_scope() {
    let host = Fake::new();
    let task = host.start(returning(async {
        let mut failing = pin!(NAME.scope("short".to_owned(), async { panic!("on purpose") }));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let caught = catch_unwind(AssertUnwindSafe(|| failing.as_mut().poll(&mut cx).is_ready()));
        assert!(caught.is_err());
        assert_eq!(name(), None);
    }));
    assert!(host.exited(task));
}

#[test]
#[should_panic(expected = "outside of its scope")]
fn without_a_scope_the_panic_says_so() {
    let host = Fake::new();
    host.enter(|| NAME.get());
}
