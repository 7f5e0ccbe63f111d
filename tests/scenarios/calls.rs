//! Calls of imports.

use crate::world::{everywhere, everywhere_leaving};
use crate::{Random, many};

#[test]
fn resolve_at_once() {
    everywhere(async |run| {
        let (results,): (Vec<u32>,) = run.call("calls#at-once", ()).await?;
        assert_eq!(results, [2, 4, 6]);
        Ok(())
    });
}

#[test]
fn resolve_later_one_by_one() {
    everywhere(async |run| {
        let calls = run.start::<_, (Vec<u32>,)>("calls#in-turn", (5_u32,));
        run.drive(async |host| {
            for x in 0..5 {
                let call = host.call().await;
                assert_eq!(call.x, x);
                call.answer();
            }
            assert_eq!(calls.await?.0, [0, 10, 20, 30, 40]);
            Ok(())
        })
        .await
    });
}

#[test]
fn resolve_in_any_order() {
    everywhere(async |run| {
        const COUNT: u32 = many(64);
        for seed in 0..many(4) {
            let together = run.start::<_, (Vec<u32>,)>("calls#together", (COUNT,));
            run.drive(async |host| {
                let mut random = Random(seed.into());
                let mut calls = host.calls(COUNT as usize).await;
                while !calls.is_empty() {
                    calls.swap_remove(random.below(calls.len())).answer();
                }
                let expected: Vec<_> = (0..COUNT).map(|x| 10 * x).collect();
                assert_eq!(together.await?.0, expected);
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn lose_a_race_and_are_cancelled() {
    everywhere(async |run| {
        let first = run.start::<_, (u32,)>("calls#first-of-two", ());
        run.drive(async |host| {
            let mut calls = host.calls(2).await;
            calls.remove(1).answer();
            calls.remove(0).cancelled().await;
            assert_eq!(first.await?.0, 20);
            Ok(())
        })
        .await
    });
}

#[test]
fn pass_parameters_through_memory() {
    everywhere(async |run| {
        let text = run.start::<_, (String,)>("calls#text", ("three small words".to_owned(),));
        run.drive(async |host| {
            let call = host.text().await;
            let words = ["three", "small", "words"].map(str::to_owned).to_vec();
            assert_eq!(call.params, ("three small words".to_owned(), words, u64::MAX));
            call.answer("an answer");
            assert_eq!(text.await?.0, "an answer");
            Ok(())
        })
        .await
    });
}

#[test]
fn are_not_made_before_they_are_polled() {
    everywhere(async |run| {
        run.call::<_, ()>("calls#never-polled", ()).await?;
        assert!(run.host.is_quiet());
        Ok(())
    });
}

#[test]
fn are_cancelled_when_they_are_dropped() {
    everywhere(async |run| {
        let dropped = run.start::<_, ()>("calls#dropped", ());
        run.drive(async |host| {
            host.text().await.cancelled().await;
            host.call().await.answer();
            dropped.await
        })
        .await?;
        assert_eq!(run.host.notes(), ["dropped"]);
        Ok(())
    });
}

#[test]
fn go_on_when_they_are_forgotten() {
    // The future, and the block that the host writes the result to: nobody can give them back. The size of the latter is the
    // own affair of the runtime.
    let leaks = ["a block of 16 bytes", "a block of "];
    everywhere_leaving(&leaks, async |run| {
        let forgotten = run.start::<_, ()>("calls#forgotten", ());
        run.drive(async |host| {
            let mut calls = host.calls(2).await;
            calls.remove(0).answer_anyone();
            calls.remove(0).answer();
            forgotten.await
        })
        .await
    });
}

#[test]
fn outlive_the_return_of_their_task() {
    everywhere(async |run| {
        let left = run.start::<_, ()>("calls#left-behind", ());
        run.drive(async |host| {
            left.await?;
            host.call().await.answer();
            Ok(())
        })
        .await?;
        run.store.finish_tasks().await?;
        assert_eq!(run.host.notes(), ["the call gave 10"]);
        Ok(())
    });
}
