//! How fibers end: by a panic, abandoned, with their pool.

use super::*;

/// Suspends when it is dropped.
struct SuspendOnDrop;

impl Drop for SuspendOnDrop {
    fn drop(&mut self) {
        suspend();
    }
}

#[test]
fn a_panic_reaches_whoever_resumed() {
    each(|fibers, _| {
        assert_eq!(message(|| finished(start(&fibers, || panic!("at once")))), "at once");
        let other = suspended(&fibers, suspend);
        let fiber = suspended(&fibers, || {
            suspend();
            panic!("later");
        });
        assert_eq!(message(|| finished(fiber.resume())), "later");
        assert!(!in_fiber());
        finished(other.resume());
    });
}

#[test]
fn a_panic_is_caught_on_the_way() {
    each(|fibers, _| {
        let log = Log::default();
        let of_body = log.clone();
        let fiber = suspended(&fibers, move || {
            let text = message(|| {
                suspend();
                panic!("inside");
            });
            assert_eq!(text, "inside");
            of_body.add("caught");
        });
        finished(fiber.resume());
        log.expect(&["caught"]);
    });
}

#[test]
fn a_fiber_suspends_while_it_unwinds() {
    each(|fibers, _| {
        let other = suspended(&fibers, suspend);
        let text = message(|| {
            let fiber = suspended(&fibers, || {
                let _suspend = SuspendOnDrop;
                panic!("unwinding");
            });
            finished(other.resume());
            finished(fiber.resume());
        });
        assert_eq!(text, "unwinding");
    });
}

#[test]
fn an_abandoned_fiber_does_not_go_on() {
    each(|fibers, backend| {
        let log = Log::default();
        let of_body = log.clone();
        let fiber = suspended(&fibers, move || {
            let _dropped = OnDrop(of_body.clone(), "destructor");
            suspend();
            of_body.add("went on");
        });
        fiber.abandon();
        match backend {
            Backend::Stacks => log.expect(&[]),
            Backend::Threads => log.expect(&["destructor"]),
        }
        let of_body = log.clone();
        finished(start(&fibers, move || of_body.add("next")));
        log.expect(&["next"]);
    });
}

#[test]
fn destructors_know_that_the_fiber_was_abandoned() {
    struct Asks(Rc<Cell<bool>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            self.0.set(being_abandoned());
        }
    }
    each(|fibers, backend| {
        assert!(!being_abandoned());
        let answer = Rc::new(Cell::new(false));
        let asks = Asks(answer.clone());
        suspended(&fibers, move || {
            let _asks = asks;
            suspend();
        })
        .abandon();
        assert_eq!(answer.get(), backend == Backend::Threads);
        finished(start(&fibers, || assert!(!being_abandoned())));
    });
}

#[test]
fn stacks_are_used_again() {
    each(|fibers, _| {
        let seen = Rc::new(RefCell::new(Vec::new()));
        for round in 0..4 {
            let seen = seen.clone();
            let progress = start(&fibers, move || {
                seen.borrow_mut().push((current_stack(), thread::current().id()));
                if round % 2 == 0 {
                    suspend();
                }
            });
            // The odd rounds finish, the even ones are abandoned.
            drop(progress);
        }
        let seen = seen.take();
        assert!(seen.iter().all(|stack| *stack == seen[0]), "{seen:?}");
    });
}

#[test]
fn abandoning_makes_no_message() {
    // Hooks are global, so this one tells the threads of the test by their name.
    let hook = panic::take_hook();
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let of_hook = seen.clone();
    let me = thread::current().name().map(str::to_owned);
    panic::set_hook(Box::new(move |info| {
        if me.as_deref() == thread::current().name() {
            of_hook.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        hook(info);
    }));
    each(|fibers, _| suspended(&fibers, suspend).abandon());
    assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), 0);
    drop(panic::take_hook());
}

/// A guest may catch what it does not know. Its next suspension ends it.
#[test]
fn a_fiber_that_catches_its_end_is_ended_again() {
    each(|fibers, backend| {
        let log = Log::default();
        let of_body = log.clone();
        suspended(&fibers, move || {
            catch_unwind(AssertUnwindSafe(suspend)).ok();
            of_body.add("caught");
            suspend();
            of_body.add("went on");
        })
        .abandon();
        match backend {
            Backend::Stacks => log.expect(&[]),
            Backend::Threads => log.expect(&["caught"]),
        }
    });
}

/// On a thread of its own, whose count of panics stays wrong.
#[test]
fn a_fiber_is_abandoned_while_it_unwinds() {
    // A thread that is parked for good is what Miri reports as a leak.
    if cfg!(miri) {
        return;
    }
    for backend in Backend::available() {
        fresh_thread(|| {
            let fibers = fibers(*backend);
            let fiber = suspended(&fibers, || {
                let _suspend = SuspendOnDrop;
                panic!("unwinding");
            });
            fiber.abandon();
            finished(start(&fibers, || {}));
            assert_eq!(message(|| finished(start(&fibers, || panic!("later")))), "later");
        });
    }
}

/// With threads, destructors of an abandoned fiber may want to suspend. They cannot, and unwinding twice is impossible.
#[test]
fn a_destructor_suspends_in_an_abandoned_fiber() {
    // As above.
    if cfg!(miri) {
        return;
    }
    each(|fibers, _| {
        suspended(&fibers, || {
            let _suspend = SuspendOnDrop;
            suspend();
        })
        .abandon();
        finished(start(&fibers, || {}));
    });
}

#[test]
fn a_pool_takes_its_suspended_fibers_along() {
    each(|fibers, _| {
        let log = Log::default();
        let of_body = log.clone();
        let fiber = suspended(&fibers, move || {
            suspend();
            of_body.add("went on");
        });
        drop(suspended(&fibers, suspend));
        drop(fibers);
        assert_eq!(
            message(|| finished(fiber.resume())),
            "a fiber was resumed after its `Fibers` was dropped"
        );
        log.expect(&[]);
    });
}

#[test]
fn handles_outlive_their_pool() {
    each(|fibers, _| {
        let fiber = suspended(&fibers, suspend);
        drop(fibers);
        fiber.abandon();
    });
}

/// The handle of one fiber is on the stack of another, and both are abandoned with the pool.
#[test]
fn abandoned_fibers_own_others() {
    each(|fibers, _| {
        let fibers = Rc::new(fibers);
        let of_outer = Rc::downgrade(&fibers);
        let outer = suspended(&fibers, move || {
            let fibers = of_outer.upgrade().expect("the pool is there");
            let _inner = suspended(&fibers, suspend);
            drop(fibers);
            suspend();
        });
        drop(fibers);
        outer.abandon();
    });
}

#[test]
fn a_fiber_drops_its_own_pool() {
    each(|fibers, _| {
        let fibers = Rc::new(Cell::new(Some(fibers)));
        let pool = fibers.take().expect("it was just put there");
        let log = Log::default();
        let (of_body, of_pool) = (log.clone(), fibers.clone());
        let fiber = suspended(&pool, move || {
            drop(of_pool.take());
            of_body.add("without a pool");
            suspend();
            of_body.add("resumed");
        });
        fibers.set(Some(pool));
        let _ = &fibers;
        finished(fiber.resume());
        log.expect(&["without a pool", "resumed"]);
    });
}
