//! The chapters on testing: a counter that loses what is added at the same time, and the schedule that shows it.

use std::sync::{Arc, Mutex};

use witflow_host::explore::{self, Explorer};
use witflow_host::{Linker, Result};

mod counter {
    witflow::generate!({ path: "code/wit/testing.wit" });

    use guide::testing::store;

    pub(crate) struct Counter;
    export!(Counter);

    impl Guest for Counter {
        async fn add(number: u32) {
            let before = store::load().await;
            store::save(before + number).await;
        }
    }
}

/// Adds two and three at the same time.
fn nothing_is_lost() -> Result<()> {
    let number = Arc::new(Mutex::new(0));
    let mut linker = Linker::new();
    let mut store = linker.instance("guide:testing/store")?;
    let kept = number.clone();
    store.func_wrap_concurrent("load", move |_cx, ()| {
        let kept = kept.clone();
        async move {
            // As long as the exploration likes; otherwise not at all.
            explore::pause().await;
            Ok((*kept.lock().unwrap(),))
        }
    })?;
    let kept = number.clone();
    store.func_wrap("save", move |_cx, (number,): (u32,)| {
        *kept.lock().unwrap() = number;
        Ok(())
    })?;
    crate::support::run::<counter::Counter, _>(&linker, async |store, guest| {
        let add = guest.typed_func::<(u32,), ()>("add")?;
        store
            .run_concurrent(async |cx| {
                let (two, three) = (add.call_concurrent(&cx, (2,)), add.call_concurrent(&cx, (3,)));
                futures::try_join!(two, three).map(|_| ())
            })
            .await
    })?;
    assert_eq!(*number.lock().unwrap(), 5);
    Ok(())
}

#[test]
fn the_order_that_is_usual_shows_nothing() -> Result<()> {
    nothing_is_lost()
}

/// The beginning of the report, but for the line that names the panic's place again.
const REPORT: &str = "\
It deviates 2 times from the canonical schedule, shrunk from 10 in 10 runs:
  choice    3: fault return-delayed
  choice    7: Scenario 1 of 4
";

#[test]
fn another_order_shows_what_is_lost() {
    let found = Explorer::new("nothing_is_lost").try_run(nothing_is_lost);
    let failure = found.expect_err("the counter is wrong");
    let report = failure.to_string();
    for part in ["  left: 3", "  right: 5", REPORT, "WITFLOW_REPLAY="] {
        assert!(report.contains(part), "{report}");
    }
    let token = failure.token().expect("the program goes the same way twice");
    let repeated = Explorer::new("nothing_is_lost").replay(token, nothing_is_lost);
    assert_eq!(repeated.expect_err("it is as wrong as before").class(), failure.class());
}
