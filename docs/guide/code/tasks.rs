//! The chapter on tasks.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::future::join_all;
use witflow::{BackpressureGuard, TaskLocal, scope, spawn};
use witflow_host::{Linker, Result};

witflow::generate!({ path: "code/wit/tasks.wit" });

struct Tasks;
export!(Tasks);

/// For whom the current task works.
static USER: TaskLocal<String> = TaskLocal::new();

async fn report(page: String) {
    let length = fetch(page).await.len();
    note(USER.with(|user| format!("{length} bytes for {user}"))).await;
}

impl Guest for Tasks {
    async fn lengths(pages: Vec<String>) -> Vec<u32> {
        // `start` makes each call now; awaiting the one lets the others go on.
        let calls: Vec<_> = pages.into_iter().map(|page| fetch(page).start()).collect();
        let texts = join_all(calls).await;
        texts.iter().map(|text| text.len() as u32).collect()
    }

    async fn total(pages: Vec<String>) -> u32 {
        let total = &Cell::new(0);
        scope(async |scope| {
            for page in &pages {
                scope.spawn(async move {
                    let text = fetch(page.clone()).await;
                    total.set(total.get() + text.len() as u32);
                });
            }
        })
        .await;
        total.get()
    }

    async fn later(page: String, user: String) {
        spawn(USER.scope(user, report(page)));
    }

    async fn polite(pages: Vec<String>) -> u32 {
        // Nobody else is served meanwhile.
        let _guard = BackpressureGuard::new();
        let texts = futures::stream::iter(pages).map(fetch).buffer_unordered(2);
        texts.fold(0, async |sum, text| sum + text.len() as u32).await
    }
}

fn pages_are_fetched() -> Result<()> {
    let (mut linker, notes) = (Linker::new(), Arc::new(Mutex::new(Vec::new())));
    linker
        .root()
        .func_wrap_concurrent("fetch", |_cx, (page,): (String,)| async move {
            witflow_host::explore::pause().await;
            Ok((format!("<{page}>"),))
        })?;
    let noted = notes.clone();
    linker.root().func_wrap("note", move |_cx, (line,): (String,)| {
        noted.lock().unwrap().push(line);
        Ok(())
    })?;
    crate::support::run::<Tasks, _>(&linker, async |store, guest| {
        let pages = ["a", "bc"].map(str::to_owned).to_vec();
        let lengths = guest.typed_func::<(Vec<String>,), (Vec<u32>,)>("lengths")?;
        assert_eq!(lengths.call(store, (pages.clone(),)).await?, (vec![3, 4],));
        for name in ["total", "polite"] {
            let total = guest.typed_func::<(Vec<String>,), (u32,)>(name)?;
            assert_eq!(total.call(store, (pages.clone(),)).await?, (7,));
        }
        let later = guest.typed_func::<(String, String), ()>("later")?;
        later.call(store, ("a".to_owned(), "ada".to_owned())).await?;
        store.finish_tasks().await
    })?;
    assert_eq!(*notes.lock().unwrap(), ["3 bytes for ada"]);
    Ok(())
}

#[test]
fn pages_are_fetched_whatever_the_host_chooses() {
    witflow_host::explore::explore(200, pages_are_fetched);
}
