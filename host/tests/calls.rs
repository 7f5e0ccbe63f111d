//! Calls of exports and of host functions: at once, after a wait, several at a time, typed and not.

#[path = "guests/calls.rs"]
mod guests;
mod support;

use guests::CALLS;
use std::sync::{Arc, Mutex};
use support::{refused, with};
use witflow_host::{Cx, FutureWriter, Linker, MissingImports, Result, Val, future};

type Pending = Arc<Mutex<Vec<(u32, FutureWriter<u32>)>>>;

/// A linker whose `slow` leaves a writer for the test to complete it with.
fn linker() -> Result<(Linker, Pending, Arc<Mutex<u32>>)> {
    let (pending, ticks) = (Pending::default(), Arc::<Mutex<u32>>::default());
    let mut linker = Linker::new();
    let (calls, ticked) = (pending.clone(), ticks.clone());
    let slow = move |_: Cx, (x,): (u32,)| {
        let (writer, reader) = future::<u32>();
        calls.lock().unwrap().push((x, writer));
        async move { Ok((reader.await?,)) }
    };
    linker
        .instance("test:host/calls")?
        .func_wrap_concurrent("slow", slow)?
        .func_wrap("now", |_, ()| Ok((100_u32,)))?;
    linker.root().func_wrap("tick", move |_, (by,): (u32,)| {
        *ticked.lock().unwrap() += by;
        Ok(())
    })?;
    Ok((linker, pending, ticks))
}

#[test]
fn a_plain_function_returns_at_once() -> Result<()> {
    let (linker, _, ticks) = linker()?;
    with(&linker, &CALLS, async |store, guest| {
        let add = guest.typed_func::<(u32, u32), (u32,)>("add")?;
        assert_eq!(add.call(store, (2, 3)).await?, (105,));
        let nested = guest.func("test:guest/api#add")?;
        assert_eq!(
            nested.call(store, vec![Val::U32(1), Val::U32(1)]).await?,
            Some(Val::U32(102))
        );
        assert_eq!(std::mem::take(&mut *ticks.lock().unwrap()), 4);
        Ok(())
    })
}

#[test]
fn an_async_call_waits_and_then_returns() -> Result<()> {
    let (linker, pending, _) = linker()?;
    with(&linker, &CALLS, async |store, guest| {
        let run = guest.typed_func::<(u32,), (u32,)>("test:guest/api@0.2.0#run")?;
        let call = run.call_concurrent(&store.cx(), (7,));
        assert!(
            pending.lock().unwrap().is_empty(),
            "a call makes progress only with its store"
        );
        let pending = pending.clone();
        let result = store
            .run_concurrent(async |cx| {
                cx.spawn(async move {
                    while pending.lock().unwrap().is_empty() {
                        yield_now().await;
                    }
                    let (x, writer) = pending.lock().unwrap().remove(0);
                    writer.write(x * 10).await.unwrap();
                });
                call.await
            })
            .await?;
        assert_eq!(result, (70,));
        Ok(())
    })
}

#[test]
fn calls_run_beside_each_other_and_end_in_any_order() -> Result<()> {
    let (linker, pending, _) = linker()?;
    with(&linker, &CALLS, async |store, guest| {
        let run = guest.typed_func::<(u32,), (u32,)>("test:guest/api#run")?;
        let order = store
            .run_concurrent(async |cx| {
                let order = Arc::new(Mutex::new(Vec::new()));
                let calls = [1, 2, 3].map(|x| {
                    let (call, order) = (run.call_concurrent(&cx, (x,)), order.clone());
                    async move {
                        let (result,) = call.await?;
                        order.lock().unwrap().push(result);
                        Result::<_>::Ok(())
                    }
                });
                let completing = async {
                    while pending.lock().unwrap().len() < 3 {
                        yield_now().await;
                    }
                    while let Some((x, writer)) = { pending.lock().unwrap().pop() } {
                        writer.write(x + 1).await.unwrap();
                    }
                };
                let (calls, ()) = futures::join!(futures::future::join_all(calls), completing);
                calls.into_iter().collect::<Result<Vec<_>>>()?;
                Ok(std::mem::take(&mut *order.lock().unwrap()))
            })
            .await?;
        assert_eq!(order, [4, 3, 2]);
        Ok(())
    })
}

#[test]
fn a_dynamic_host_function_serves_any_type() -> Result<()> {
    let mut linker = Linker::new();
    linker
        .instance("test:host/calls")?
        .func_new_concurrent("slow", |_, params| async move {
            assert_eq!(params, [Val::U32(5)]);
            Ok(Some(Val::U32(6)))
        })?
        .func_new_concurrent("now", |_, _| async { Ok(Some(Val::U32(0))) })?;
    linker.root().func_new_concurrent("tick", |_, _| async { Ok(None) })?;
    with(&linker, &CALLS, async |store, guest| {
        let result = guest.func("test:guest/api#run")?.call(store, vec![Val::U32(5)]).await?;
        assert_eq!(result, Some(Val::U32(6)));
        assert_eq!(
            guest.func("add")?.call(store, vec![Val::U32(5), Val::U32(1)]).await?,
            Some(Val::U32(6))
        );
        Ok(())
    })
}

#[test]
fn every_missing_import_is_named() {
    for error in refused(&Linker::new(), &CALLS) {
        let missing = error.downcast_ref::<MissingImports>();
        let mut missing = missing.expect("the error says what is missing").clone();
        assert_eq!(missing.component, "guest");
        missing.imports.sort();
        assert_eq!(missing.imports, ["test:host/calls#now", "test:host/calls#slow", "tick"]);
    }
}

#[test]
fn a_definition_of_another_type_is_refused_with_its_name() -> Result<()> {
    let (_, _, _) = linker()?;
    let mut linker = Linker::new();
    linker
        .instance("test:host/calls")?
        .func_wrap("slow", |_, (x,): (String,)| Ok((x,)))?;
    linker
        .instance("test:host/calls")?
        .func_wrap("now", |_, ()| Ok((1_u32,)))?;
    linker.root().func_wrap("tick", |_, (_,): (u32,)| Ok(()))?;
    for error in refused(&linker, &CALLS) {
        let error = format!("{error:#}");
        for part in [
            "component `guest`",
            "`test:host/calls",
            "slow`",
            "type mismatch with parameters",
            "u32",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
    Ok(())
}

#[test]
fn an_unknown_export_and_a_wrong_type_are_named() -> Result<()> {
    let (linker, _, _) = linker()?;
    with(&linker, &CALLS, async |store, guest| {
        let error = guest.func("test:guest/api#walk").unwrap_err().to_string();
        assert!(
            error.contains("`guest` exports no function `test:guest/api#walk`"),
            "{error}"
        );
        assert!(error.contains("`test:guest/api@0.2.0#run`"), "{error}");
        let wrong = guest.typed_func::<(String,), (u32,)>("test:guest/api#run")?;
        let error = format!("{:#}", wrong.call(store, ("x".to_owned(),)).await.unwrap_err());
        assert!(
            error.contains("guest: test:guest/api@0.2.0#run") && error.contains("u32"),
            "{error}"
        );
        Ok(())
    })
}

#[test]
fn a_failing_host_function_is_named() -> Result<()> {
    let mut linker = Linker::new();
    linker
        .instance("test:host/calls")?
        .func_wrap::<(u32,), (u32,), _>("slow", |_, _| anyhow::bail!("out of paper"))?
        .func_wrap("now", |_, ()| Ok((1_u32,)))?;
    linker.root().func_wrap("tick", |_, (_,): (u32,)| Ok(()))?;
    with(&linker, &CALLS, async |store, guest| {
        let run = guest.typed_func::<(u32,), (u32,)>("test:guest/api#run")?;
        let error = format!("{:#}", run.call(store, (1,)).await.unwrap_err());
        assert!(
            error.contains("the host function `test:host/calls#slow` failed: out of paper"),
            "{error}"
        );
        Ok(())
    })
}

#[test]
fn a_name_is_defined_once() -> Result<()> {
    let mut linker = Linker::new();
    let mut instance = linker.instance("test:host/calls")?;
    instance.func_wrap("now", |_, ()| Ok((1_u32,)))?;
    let error = instance.func_wrap("now", |_, ()| Ok((1_u32,))).unwrap_err().to_string();
    assert_eq!(error, "`test:host/calls#now` is defined twice");
    Ok(())
}

/// Lets everything else in the store run once.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
