//! What holds for fibers of either backend, and that both give the same traces.

mod ends;
mod schedule;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use super::*;

/// Runs a test with each backend of the target.
#[track_caller]
fn each(test: impl Fn(Fibers, Backend)) {
    for backend in Backend::available() {
        test(fibers(*backend), *backend);
    }
}

fn fibers(backend: Backend) -> Fibers {
    // SAFETY: the tests of this module keep nothing of what is on a fiber's stack.
    unsafe { Fibers::new(backend) }
}

#[track_caller]
fn start(fibers: &Fibers, body: impl FnOnce() + 'static) -> Progress {
    fibers.start(body).expect("there are few fibers in a test")
}

/// Starts a fiber that suspends before it finishes.
#[track_caller]
fn suspended(fibers: &Fibers, body: impl FnOnce() + 'static) -> Fiber {
    still_suspended(start(fibers, body))
}

#[track_caller]
fn still_suspended(progress: Progress) -> Fiber {
    match progress {
        Progress::Suspended(fiber) => fiber,
        Progress::Finished => panic!("the fiber has finished"),
    }
}

#[track_caller]
fn finished(progress: Progress) {
    assert!(matches!(progress, Progress::Finished), "the fiber is suspended");
}

/// What a panic says.
#[track_caller]
fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("nothing panicked");
    let text = payload.downcast::<String>().map(|text| *text);
    text.or_else(|payload| payload.downcast::<&str>().map(|text| text.to_string()))
        .expect("the panic has a message")
}

/// A list that fibers write to.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<&'static str>>>);

impl Log {
    fn add(&self, text: &'static str) {
        self.0.borrow_mut().push(text);
    }

    #[track_caller]
    fn expect(&self, expected: &[&str]) {
        assert_eq!(self.0.take(), expected);
    }
}

/// Says in a log when it is dropped.
struct OnDrop(Log, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

#[test]
fn a_body_that_does_not_suspend_finishes_at_once() {
    each(|fibers, _| {
        let log = Log::default();
        let of_body = log.clone();
        finished(start(&fibers, move || of_body.add("ran")));
        log.expect(&["ran"]);
    });
}

#[test]
fn fibers_are_resumed_in_any_order() {
    each(|fibers, _| {
        let log = Log::default();
        let fiber = |first, second| {
            let log = log.clone();
            suspended(&fibers, move || {
                log.add(first);
                suspend();
                log.add(second);
            })
        };
        let (a, b, c) = (fiber("a1", "a2"), fiber("b1", "b2"), fiber("c1", "c2"));
        finished(b.resume());
        finished(c.resume());
        finished(a.resume());
        log.expect(&["a1", "b1", "c1", "b2", "c2", "a2"]);
    });
}

/// Two fibers that block on each other in turns: with a scheduler that nests them this deadlocks.
#[test]
fn two_fibers_wait_for_each_other_in_turns() {
    each(|fibers, _| {
        let turn = Rc::new(Cell::new(0));
        let player = |mine: usize| {
            let turn = turn.clone();
            suspended(&fibers, move || {
                suspend();
                for _ in 0..3 {
                    while turn.get() % 2 != mine {
                        suspend();
                    }
                    turn.set(turn.get() + 1);
                }
            })
        };
        let mut players = VecDeque::from([player(1), player(0)]);
        while let Some(player) = players.pop_front() {
            if let Progress::Suspended(player) = player.resume() {
                players.push_back(player);
            }
        }
        assert_eq!(turn.get(), 6);
    });
}

#[test]
fn a_fiber_starts_and_resumes_others() {
    each(|fibers, _| {
        let fibers = Rc::new(fibers);
        let log = Log::default();
        let outer = {
            let (fibers, log) = (fibers.clone(), log.clone());
            move || {
                let of_inner = log.clone();
                let inner = suspended(&fibers, move || {
                    of_inner.add("inner begins");
                    suspend();
                    of_inner.add("inner ends");
                });
                log.add("outer suspends");
                suspend();
                log.add("outer resumes inner");
                finished(inner.resume());
                log.add("outer ends");
            }
        };
        let outer = suspended(&fibers, outer);
        log.expect(&["inner begins", "outer suspends"]);
        finished(outer.resume());
        log.expect(&["outer resumes inner", "inner ends", "outer ends"]);
    });
}

#[test]
fn suspending_concerns_the_innermost_fiber() {
    each(|fibers, _| {
        let fibers = Rc::new(fibers);
        assert!(!in_fiber());
        let of_outer = fibers.clone();
        finished(start(&fibers, move || {
            let inner = suspended(&of_outer, || {
                assert!(in_fiber());
                suspend();
            });
            assert!(in_fiber());
            finished(inner.resume());
            assert!(in_fiber());
        }));
        assert!(!in_fiber());
        let text = message(suspend);
        assert_eq!(
            text,
            "suspend was called outside a fiber, where nothing can run meanwhile"
        );
    });
}

#[test]
fn pools_of_all_kinds_mix() {
    for (outer, inner) in [
        (Backend::available()[0], Backend::Threads),
        (Backend::Threads, Backend::available()[0]),
    ] {
        let outer = fibers(outer);
        let log = Log::default();
        let of_outer = log.clone();
        let fiber = suspended(&outer, move || {
            let inner = fibers(inner);
            let of_inner = of_outer.clone();
            let fiber = suspended(&inner, move || {
                of_inner.add("inner");
                suspend();
                of_inner.add("inner again");
            });
            of_outer.add("outer");
            suspend();
            of_outer.add("outer again");
            fiber.abandon();
        });
        finished(fiber.resume());
        log.expect(&["inner", "outer", "outer again"]);
    }
}

#[test]
fn a_stack_does_not_move_to_another_thread() {
    if !Backend::available().contains(&Backend::Stacks) {
        return;
    }
    let threads = fibers(Backend::Threads);
    let here = Rc::new(fibers(Backend::Stacks));
    let fiber = suspended(&here, suspend);
    let elsewhere = here.clone();
    finished(start(&threads, move || {
        let expected = "a fiber that has a stack cannot move to another thread than that of its store";
        assert_eq!(message(|| drop(fiber.resume())), expected);
        assert_eq!(message(|| drop(elsewhere.start(|| {}))), expected);
    }));
}

#[test]
fn a_backend_the_target_lacks_is_refused() {
    if !Backend::available().contains(&Backend::Stacks) {
        let text = message(|| drop(fibers(Backend::Stacks)));
        assert_eq!(text, "Stacks is no backend of this target, which has [Threads]");
    }
    assert_eq!(Backend::default_for_target(), Backend::available()[0]);
}

#[test]
fn a_stack_knows_its_bounds() {
    assert_eq!(current_stack(), None);
    each(|fibers, _| {
        let found = Rc::new(Cell::new(None));
        let of_body = found.clone();
        finished(start(&fibers, move || {
            let local = 0u8;
            of_body.set(current_stack().map(|stack| (stack.contains(&(&raw const local).addr()), stack.len())));
        }));
        match found.get() {
            None if cfg!(miri) => {}
            None => panic!("only Miri has stacks without bounds"),
            Some((inside, size)) => assert!(inside && (STACK_SIZE..2 * STACK_SIZE).contains(&size)),
        }
    });
}

#[test]
fn stacks_are_as_large_as_asked_for() {
    fn eat(depth: usize) -> usize {
        let page = std::hint::black_box([1u8; 4096]);
        if depth == 0 {
            0
        } else {
            eat(depth - 1) + usize::from(page[depth % 4096])
        }
    }
    // Deep for the machine the test runs on, shallow for Miri, which has no stack to run out of.
    let depth = if cfg!(miri) { 10 } else { 500 };
    for backend in Backend::available() {
        // SAFETY: nothing is kept of the fiber's stack.
        let fibers = unsafe { Fibers::with_stack_size(*backend, 8 << 20) };
        let found = Rc::new(Cell::new(0));
        let of_body = found.clone();
        finished(start(&fibers, move || of_body.set(eat(depth))));
        assert_eq!(found.get(), depth);
    }
}

#[test]
fn a_fresh_thread_has_fresh_thread_locals() {
    thread_local! {
        static COUNTER: Cell<u32> = const { Cell::new(0) };
    }
    COUNTER.set(7);
    let counted = fresh_thread(|| {
        COUNTER.set(COUNTER.get() + 1);
        (COUNTER.get(), thread::current().name().map(str::to_owned))
    });
    assert_eq!(counted, (1, thread::current().name().map(str::to_owned)));
    assert_eq!(message(|| fresh_thread(|| panic!("from there"))), "from there");
}

#[test]
fn fibers_that_do_not_suspend_share_thread_locals() {
    thread_local! {
        static COUNTER: Cell<u32> = const { Cell::new(0) };
    }
    each(|fibers, _| {
        COUNTER.set(0);
        let last = Rc::new(Cell::new(0));
        for _ in 0..3 {
            let last = last.clone();
            finished(start(&fibers, move || {
                COUNTER.set(COUNTER.get() + 1);
                last.set(COUNTER.get());
            }));
        }
        assert_eq!(last.get(), 3);
    });
}
