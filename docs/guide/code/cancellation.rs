//! The chapter on cancellation.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use futures::future::{Either, FutureExt as _, select};
use witflow::{cancelled, shield};
use witflow_host::{Cancelled, Linker, Result};

witflow::generate!({ path: "code/wit/cancellation.wit" });

struct Patient;
export!(Patient);

impl Guest for Patient {
    async fn race() -> u32 {
        match select(wait(), wait()).await {
            // The other call is dropped here, which cancels it.
            Either::Left((x, _)) | Either::Right((x, _)) => x,
        }
    }

    async fn give_up() -> Option<u32> {
        let mut call = wait().start();
        if let Some(x) = (&mut call).now_or_never() {
            return Some(x);
        }
        // The callee may have returned all the same, and then the result is not lost.
        call.cancel().await
    }

    async fn work() -> String {
        shield(async {
            match select(pin!(cancelled()), wait()).await {
                Either::Left(_) => {
                    save("half of it".to_owned()).await;
                    "given up".to_owned()
                }
                Either::Right((x, _)) => format!("done: {x}"),
            }
        })
        .await
    }
}

/// A host that answers the calls of `wait` for which there is a number, and never the others.
fn linker(answers: &[u32]) -> Result<(Linker, Arc<Mutex<Vec<String>>>)> {
    let (mut linker, saved) = (Linker::new(), Arc::new(Mutex::new(Vec::new())));
    let answers = Arc::new(Mutex::new(answers.to_vec()));
    linker.root().func_wrap_concurrent("wait", move |_cx, ()| {
        let answer = answers.lock().unwrap().pop();
        async move {
            match answer {
                Some(answer) => Ok((answer,)),
                None => std::future::pending().await,
            }
        }
    })?;
    let lines = saved.clone();
    linker.root().func_wrap("save", move |_cx, (line,): (String,)| {
        lines.lock().unwrap().push(line);
        Ok(())
    })?;
    Ok((linker, saved))
}

#[test]
fn the_slower_call_is_cancelled() -> Result<()> {
    let (linker, _) = linker(&[3])?;
    crate::support::run::<Patient, _>(&linker, async |store, guest| {
        let race = guest.typed_func::<(), (u32,)>("race")?;
        assert_eq!(race.call(store, ()).await?, (3,));
        let give_up = guest.typed_func::<(), (Option<u32>,)>("give-up")?;
        assert_eq!(give_up.call(store, ()).await?, (None,));
        Ok(())
    })
}

#[test]
fn a_task_that_is_cancelled_saves_what_it_has() -> Result<()> {
    let (linker, saved) = linker(&[])?;
    crate::support::run::<Patient, _>(&linker, async |store, guest| {
        let work = guest
            .typed_func::<(), (String,)>("work")?
            .call_concurrent(&store.cx(), ());
        let race = guest.typed_func::<(), (u32,)>("race")?.call_concurrent(&store.cx(), ());
        store
            .run_concurrent(async |_cx| {
                work.cancel();
                race.cancel();
                // Behind a shield a task may still return what it likes. Without one it is gone.
                assert_eq!(work.await?, ("given up".to_owned(),));
                assert!(race.await.unwrap_err().downcast_ref::<Cancelled>().is_some());
                Ok(())
            })
            .await
    })?;
    assert_eq!(*saved.lock().unwrap(), ["half of it"]);
    Ok(())
}
