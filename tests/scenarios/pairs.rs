//! What two guests do together.

use crate::world::everywhere;

#[test]
fn call_each_other() {
    everywhere(async |run| {
        for count in [1_u32, 5] {
            let (results,): (Vec<u32>,) = run.call("pairs#call", (count,)).await?;
            assert_eq!(results, (0..count).collect::<Vec<_>>());
        }
        Ok(())
    });
}

#[test]
fn cancel_a_call_that_has_started() {
    everywhere(async |run| {
        let (notes,): (Vec<String>,) = run.call("pairs#drop-started", ()).await?;
        assert_eq!(notes, [r#"a text, ["words"], 1"#, "the wait was dropped"]);
        Ok(())
    });
}

#[test]
fn cancel_a_call_that_is_held_back() {
    everywhere(async |run| {
        let (notes,): (Vec<String>,) = run.call("pairs#drop-held-back", ()).await?;
        assert!(notes.is_empty(), "the peer has never seen it: {notes:?}");
        Ok(())
    });
}

#[test]
fn cancel_a_call_with_everything_under_way() {
    everywhere(async |run| {
        let (notes,): (Vec<String>,) = run.call("pairs#drop-with-all", ()).await?;
        assert_eq!(notes, ["the wait was dropped", "3 bytes were not taken"]);
        Ok(())
    });
}

#[test]
fn cancel_a_call_and_hear_how_it_ended() {
    everywhere(async |run| {
        let (outcomes,): (Vec<String>,) = run.call("pairs#cancel", ()).await?;
        let returned = ["Some(6)", "the wait was cancelled"];
        let given_up = ["None", "the wait was cancelled", "the wait was dropped"];
        let others = ["None", "Some(8)"];
        assert_eq!(outcomes, [&returned[..], &given_up, &others].concat());
        Ok(())
    });
}

#[test]
fn pass_streams_through() {
    everywhere(async |run| {
        let items: Vec<_> = (0..30).map(|item| format!("item {item}")).collect();
        for chunk in [1_u32, 4, 30] {
            let (relayed,): (Vec<String>,) = run.call("pairs#relay", (items.clone(), chunk)).await?;
            assert_eq!(relayed, items);
        }
        let (passed,): (Vec<String>,) = run.call("pairs#pass", (items.clone(),)).await?;
        assert_eq!(passed, items);
        Ok(())
    });
}

#[test]
fn pass_futures_through() {
    everywhere(async |run| {
        let (texts,): (Vec<String>,) = run.call("pairs#futures", ()).await?;
        assert_eq!(texts, ["to the peer", "from the peer"]);
        Ok(())
    });
}
