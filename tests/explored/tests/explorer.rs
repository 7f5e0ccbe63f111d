//! The explorer itself: what it finds, how it says so, and what it refuses.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use witflow_host::explore::{Explorer, explore, pick};
use witflow_host::{Component, Engine, Linker, Result, Store, TypedFunc};

mod guest {
    use std::cell::Cell;

    witflow::generate!({
        inline: "
            package small:fragile;

            world fragile {
                import host: interface {
                    tick: async func();
                }
                export count: async func() -> u32;
                export spin: async func();
                export add: func(a: u32, b: u32) -> u32;
            }
        ",
    });

    pub(super) struct Fragile;
    export!(Fragile);

    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }

    impl Guest for Fragile {
        async fn count() -> u32 {
            // A defect: another task may count in between.
            let before = COUNT.get();
            host::tick().await;
            COUNT.set(before + 1);
            COUNT.get()
        }

        async fn spin() {
            loop {
                host::tick().await;
            }
        }

        fn add(a: u32, b: u32) -> u32 {
            a + b
        }
    }
}

use guest::Fragile;

fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    linker.instance("host")?.func_wrap_concurrent("tick", async |_, ()| {
        witflow_host::explore::pause().await;
        Ok(())
    })?;
    Ok(linker)
}

/// Two calls that count, which in the canonical order do so one after the other.
fn counts() -> Result<()> {
    let mut store = Store::new(&Engine::native());
    store.block_on(async |store| {
        let guest = linker()?
            .instantiate(store, &Component::native::<Fragile>("fragile")?)
            .await?;
        let count: TypedFunc<(), (u32,)> = guest.typed_func("count")?;
        store
            .run_concurrent(async |cx| {
                let (one, other) = futures::join!(count.call_concurrent(&cx, ()), count.call_concurrent(&cx, ()));
                assert_eq!(one?.0.max(other?.0), 2, "both were counted");
                Ok(())
            })
            .await
    })
}

#[test]
fn five_lines_are_enough() {
    explore(200, || {
        Store::new(&Engine::native()).block_on(async |store| {
            let guest = linker()?
                .instantiate(store, &Component::native::<Fragile>("fragile")?)
                .await?;
            let add: TypedFunc<(u32, u32), (u32,)> = guest.typed_func("add")?;
            assert_eq!(add.call(store, (1, 2)).await?, (3,));
            Ok(())
        })
    });
}

#[test]
fn a_defect_is_found_made_small_and_repeated() {
    let explorer = Explorer::new("counts");
    let failure = explorer.try_run(counts).expect_err("some order breaks it");
    assert!(failure.class().starts_with("panic at "), "{failure}");
    assert!(failure.deviations() <= 2, "{failure}");
    let token = failure.token().expect("it can be repeated").to_owned();
    let again = explorer.replay(&token, counts).expect_err("it fails again");
    assert_eq!(again.class(), failure.class());
    assert_eq!(again.trace(), failure.trace());
    let text = failure.to_string();
    for part in [
        "both were counted",
        "replay  WITFLOW_REPLAY=x1.counts.",
        "host#tick",
        "who waits for what",
        "handles",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn the_same_seed_finds_the_same() {
    let explorer = Explorer::new("counts").seed(7);
    let (one, other) = (
        explorer.try_run(counts).unwrap_err(),
        explorer.try_run(counts).unwrap_err(),
    );
    assert_eq!(one.to_string(), other.to_string());
}

#[test]
fn fewest_deviations_are_found_first() {
    let failure = Explorer::new("counts")
        .exhaust(2, 100_000, counts)
        .expect_err("some order breaks it");
    assert_eq!(failure.deviations(), 1, "{failure}");
}

/// What a panic says.
fn panic_of(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it panics");
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn what_is_no_token_of_the_scenario_is_refused() {
    let explorer = Explorer::new("counts");
    let refused = |token: &str| panic_of(|| drop(explorer.replay(token, counts)));
    let text = refused("nonsense");
    assert!(
        text.contains("WITFLOW_REPLAY holds no token of a schedule: it has 1 parts"),
        "{text}"
    );
    let text = refused("x1.others.0000000000000000..0000000000000000");
    assert!(
        text.contains("a token of the scenario `others`, and this is `counts`"),
        "{text}"
    );
}

#[test]
fn a_token_of_another_program_has_drifted() {
    static CHANGED: AtomicBool = AtomicBool::new(false);
    let scenario = || {
        if CHANGED.load(Relaxed) {
            pick(3);
        }
        counts()
    };
    let explorer = Explorer::new("drifting");
    let failure = explorer.try_run(scenario).expect_err("some order breaks it");
    let token = failure.token().expect("it can be repeated").to_owned();
    CHANGED.store(true, Relaxed);
    match explorer.replay(&token, scenario) {
        Ok(()) => {}
        Err(failure) => assert!(failure.to_string().contains("the token has drifted"), "{failure}"),
    }
}

#[test]
fn a_scenario_that_depends_on_something_else_is_named() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let scenario = || {
        if CALLS.fetch_add(1, Relaxed).is_multiple_of(3) {
            pick(2);
        }
        pick(2);
    };
    let failure = Explorer::new("fickle").try_run(scenario).expect_err("it differs");
    assert_eq!(failure.class(), "nondeterministic scenario");
    assert!(
        failure
            .to_string()
            .contains("a clock, a thread, the order of a hash map"),
        "{failure}"
    );
}

#[test]
fn what_never_ends_is_cut_off() {
    let scenario = || {
        Store::new(&Engine::native()).block_on(async |store| {
            let guest = linker()?
                .instantiate(store, &Component::native::<Fragile>("fragile")?)
                .await?;
            guest.typed_func::<(), ()>("spin")?.call(store, ()).await
        })
    };
    let failure = Explorer::new("spins")
        .steps(500)
        .try_run(scenario)
        .expect_err("it never ends");
    assert!(failure.class().starts_with("endless"), "{failure}");
    assert!(failure.to_string().contains("task 1 of `fragile: spin`"), "{failure}");
}

#[test]
fn nobody_answers() {
    let scenario = || {
        let mut linker = Linker::new();
        linker.instance("host")?.func_wrap_concurrent("tick", async |_, ()| {
            futures::future::pending::<()>().await;
            Ok(())
        })?;
        Store::new(&Engine::native()).block_on(async |store| {
            let guest = linker
                .instantiate(store, &Component::native::<Fragile>("fragile")?)
                .await?;
            guest.typed_func::<(), (u32,)>("count")?.call(store, ()).await.map(drop)
        })
    };
    let failure = Explorer::new("unanswered")
        .try_run(scenario)
        .expect_err("nobody answers");
    assert_eq!(failure.class(), "deadlock");
    assert!(
        failure
            .to_string()
            .contains("└─ the call of `host#tick`, which is started"),
        "{failure}"
    );
}
