//! Calls of the host's functions: in sequence, at once, raced, dropped, forgotten, moved.

use crate::scenario::Scenario;
use crate::support::{compare, compare_at_once, drain, poll_at_most, with};
use std::sync::LazyLock;
use witflow_host::canonical::Fault;
use witflow_host::explore::{injects, pause, pick};
use witflow_host::{Component, Instance, Linker, Result, Store, StreamReader, TypedFunc};

mod guest {
    use crate::support::poll_at_most;
    use futures::channel::oneshot;
    use futures::future::{Either, join_all, select};
    use futures::stream::FuturesUnordered;
    use futures::{FutureExt as _, StreamExt as _};
    use std::pin::pin;
    use witflow_host::explore::pick;

    witflow::generate!({
        inline: "
            package small:calls;

            world caller {
                import host: interface {
                    double: async func(x: u32) -> u32;
                    words: async func(text: string, times: u32) -> list<string>;
                    never: async func(text: string);
                    plain: func(x: u32) -> u32;
                    take: async func(label: string, input: stream<u8>, more: list<stream<u8>>) -> u32;
                    fail: async func(x: u32) -> u32;
                }
                export sequential: async func(n: u32) -> u32;
                export concurrent: async func(n: u32) -> list<u32>;
                export unordered: async func(n: u32) -> u32;
                export raced: async func(n: u32) -> u32;
                export dropped: async func(n: u32) -> u32;
                export forgotten: async func() -> u32;
                export text: async func(text: string, times: u32) -> string;
                export plain: func(x: u32) -> u32;
                export plain-later: async func(x: u32) -> u32;
                export blocking: async func(n: u32) -> u32;
                export spawned: async func(n: u32) -> u32;
                export moved: async func(x: u32) -> u32;
                export storm: async func(n: u32) -> u32;
                export endless: async func(n: u32) -> u32;
                export hands-over: async func(n: u32) -> u32;
                export failing: async func(n: u32) -> u32;
            }
        ",
    });

    pub(super) struct Caller;
    export!(Caller);

    impl Guest for Caller {
        async fn sequential(n: u32) -> u32 {
            let mut sum = 0;
            for x in 0..n {
                sum += host::double(x).await;
            }
            sum
        }

        async fn concurrent(n: u32) -> Vec<u32> {
            join_all((0..n).map(host::double)).await
        }

        async fn unordered(n: u32) -> u32 {
            let calls: FuturesUnordered<_> = (0..n).map(host::double).collect();
            calls.fold(0, async |sum, next| sum + next).await
        }

        async fn raced(n: u32) -> u32 {
            let mut won = 0;
            for x in 0..n {
                let (one, other) = (pin!(host::double(x)), pin!(host::double(x)));
                won += match select(one, other).await {
                    Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
                };
            }
            won
        }

        async fn dropped(n: u32) -> u32 {
            let mut sum = 0;
            for x in 0..n {
                sum += match poll_at_most(1 + pick(3), host::double(x)).await {
                    Some(answer) => answer,
                    // The call was cancelled; what it would have given is known.
                    None => 2 * x,
                };
            }
            sum
        }

        async fn forgotten() -> u32 {
            let mut call = Box::pin(host::double(3));
            let first = (&mut call).now_or_never();
            if first.is_none() {
                std::mem::forget(call);
            }
            first.unwrap_or(6) + host::double(4).await
        }

        async fn text(text: String, times: u32) -> String {
            host::words(text, times).await.concat()
        }

        fn plain(x: u32) -> u32 {
            host::plain(x) + 1
        }

        async fn plain_later(x: u32) -> u32 {
            host::plain(x) + host::double(x).await + host::plain(x)
        }

        async fn blocking(n: u32) -> u32 {
            let inside = witflow::block_on(async {
                let (one, other) = futures::join!(host::double(n), host::double(n + 1));
                one + other
            });
            inside + host::double(n).await
        }

        async fn spawned(n: u32) -> u32 {
            let handles: Vec<_> = (0..n).map(|x| witflow::spawn(host::double(x))).collect();
            join_all(handles).await.into_iter().flatten().sum()
        }

        async fn moved(x: u32) -> u32 {
            // The call is begun here, and awaited elsewhere.
            let mut call = Box::pin(host::double(x));
            if let Some(answer) = (&mut call).now_or_never() {
                return answer;
            }
            let (give, take) = oneshot::channel();
            witflow::spawn(async move {
                let _ = give.send(call.await);
            });
            take.await.unwrap_or(0)
        }

        async fn storm(n: u32) -> u32 {
            let calls = (0..n).map(|x| poll_at_most([9, 1, 2, 3][pick(4)], host::words(format!("call {x}"), 2)));
            let answers =
                join_all(calls.map(|call| call.map(|answer| answer.is_none_or(|words| words.len() == 2)))).await;
            answers.into_iter().filter(|fine| *fine).count() as u32
        }

        async fn endless(n: u32) -> u32 {
            let waiting = (0..n).map(|x| poll_at_most(1 + pick(2), host::never(format!("for ever {x}"))));
            join_all(waiting).await.into_iter().filter(Option::is_none).count() as u32
        }

        async fn hands_over(n: u32) -> u32 {
            let one = async |number: u32| {
                let (mut writer, reader) = wit_stream::new();
                let (mut other, more) = wit_stream::new();
                let call = host::take(format!("stream {number}"), reader, vec![more]);
                // Whoever has the readers when the call is dropped drops them, and the writers learn of it.
                let writing = async { writer.write_all(vec![1, 2, 3]).await.len() };
                let writing_more = async { other.write_all(vec![4]).await.len() };
                let (answer, unsent, more) =
                    futures::join!(poll_at_most([9, 1, 2, 3][pick(4)], call), writing, writing_more);
                answer.is_none_or(|read| read as usize + unsent + more == 4)
            };
            join_all((0..n).map(one)).await.into_iter().filter(|fine| *fine).count() as u32
        }

        async fn failing(n: u32) -> u32 {
            let calls: FuturesUnordered<_> = (0..n).map(host::fail).collect();
            calls.fold(0, async |sum, next| sum + next).await
        }
    }
}

static CALLER: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Caller>("caller").expect("the world is described well"));

fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    let mut host = linker.instance("host")?;
    host.func_wrap_concurrent("double", async |_, (x,): (u32,)| {
        pause().await;
        Ok((2 * x,))
    })?;
    host.func_wrap_concurrent("words", async |_, (text, times): (String, u32)| {
        pause().await;
        Ok((vec![text; times as usize],))
    })?;
    host.func_wrap_concurrent("never", async |_, (_,): (String,)| {
        std::future::pending::<()>().await;
        Ok(())
    })?;
    host.func_wrap("plain", |_, (x,): (u32,)| Ok((x + 100,)))?;
    type Taken = (String, StreamReader<u8>, Vec<StreamReader<u8>>);
    host.func_wrap_concurrent("take", async |_, (_, input, more): Taken| {
        pause().await;
        let mut read = drain(input).await.len();
        for input in more {
            read += drain(input).await.len();
        }
        Ok((read as u32,))
    })?;
    host.func_wrap_concurrent("fail", async |_, (x,): (u32,)| {
        pause().await;
        if injects(Fault::HostFailed) {
            anyhow::bail!("no luck");
        }
        Ok((2 * x,))
    })?;
    Ok(linker)
}

/// Calls an export of the guest with one number, and compares what it gives.
fn check(export: &str, given: u32, expected: u32) -> Result<()> {
    compare(&linker()?, &CALLER, export, (given,), (expected,))
}

/// Calls an export of the guest several times at once.
fn check_at_once(export: &str, given: u32, times: usize, expected: u32) -> Result<()> {
    compare_at_once(&linker()?, &CALLER, export, given, times, expected)
}

fn concurrent() -> Result<()> {
    compare(&linker()?, &CALLER, "concurrent", (4_u32,), (vec![0_u32, 2, 4, 6],))
}

fn text() -> Result<()> {
    with(&linker()?, &CALLER, async |store, guest| {
        let func: TypedFunc<(String, u32), (String,)> = guest.typed_func("text")?;
        let words = ["", "plain", "häufig", "日本", "🦀 é"];
        let word = words[pick(words.len())];
        let times = 1 + pick(3) as u32;
        let (answer,) = func.call(store, (word.to_owned(), times)).await?;
        assert_eq!(answer, word.repeat(times as usize));
        Ok(())
    })
}

fn plain() -> Result<()> {
    with(&linker()?, &CALLER, async |store, guest| {
        let plain: TypedFunc<(u32,), (u32,)> = guest.typed_func("plain")?;
        let later: TypedFunc<(u32,), (u32,)> = guest.typed_func("plain-later")?;
        store
            .run_concurrent(async |cx| {
                let calls = (
                    later.call_concurrent(&cx, (1,)),
                    plain.call_concurrent(&cx, (2,)),
                    later.call_concurrent(&cx, (3,)),
                );
                let (one, two, three) = futures::join!(calls.0, calls.1, calls.2);
                assert_eq!((one?, two?, three?), ((204,), (103,), (212,)));
                Ok(())
            })
            .await
    })
}

async fn stays_usable(store: &mut Store, guest: &Instance) -> Result<()> {
    let func: TypedFunc<(u32,), (u32,)> = guest.typed_func("sequential")?;
    assert_eq!(func.call(store, (3,)).await?, (6,));
    Ok(())
}

fn forgotten() -> Result<()> {
    with(&linker()?, &CALLER, async |store, guest| {
        let func: TypedFunc<(), (u32,)> = guest.typed_func("forgotten")?;
        assert_eq!(func.call(store, ()).await?, (14,));
        stays_usable(store, &guest).await
    })
}

/// The host gives up waiting for a call, which goes on.
fn unawaited() -> Result<()> {
    with(&linker()?, &CALLER, async |store, guest| {
        let func: TypedFunc<(u32,), (u32,)> = guest.typed_func("sequential")?;
        store
            .run_concurrent(async |cx| {
                let call = func.call_concurrent(&cx, (3,));
                drop(poll_at_most(1 + pick(3), call).await);
                Ok(())
            })
            .await?;
        stays_usable(store, &guest).await
    })
}

/// A host function fails in the middle of others, which ends the store.
fn failing() -> Result<()> {
    with(&linker()?, &CALLER, async |store, guest| {
        let func: TypedFunc<(u32,), (u32,)> = guest.typed_func("failing")?;
        match func.call(store, (3,)).await {
            Ok(answer) => assert_eq!(answer, (6,)),
            Err(error) => {
                assert!(format!("{error:#}").contains("no luck"), "{error:#}");
                assert!(func.call(store, (3,)).await.is_err(), "nothing runs afterwards");
            }
        }
        Ok(())
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "calls-sequential",
        "calls one after the other give their results",
        || check("sequential", 3, 6),
    )
    .small(),
    Scenario::new(
        "calls-concurrent",
        "calls at once give their results in order",
        concurrent,
    ),
    Scenario::new(
        "calls-unordered",
        "calls at once give their results as they come",
        || check("unordered", 4, 12),
    ),
    Scenario::new(
        "calls-raced",
        "of two calls one wins, and the other is cancelled",
        || check("raced", 2, 2),
    )
    .small(),
    Scenario::new("calls-dropped", "calls are dropped after some polls", || {
        check("dropped", 4, 12)
    }),
    Scenario::new(
        "calls-forgotten",
        "a call is forgotten, and what it uses stays",
        forgotten,
    )
    .configured(|explorer| explorer.leave_ends_alone()),
    Scenario::new("calls-text", "strings cross the boundary whatever their encoding", text),
    Scenario::new(
        "calls-plain",
        "plain functions are called beside asynchronous ones",
        plain,
    ),
    Scenario::new("calls-blocking", "a task blocks on calls in the middle", || {
        check("blocking", 5, 32)
    })
    .small(),
    Scenario::new("calls-blocking-at-once", "several tasks block on calls", || {
        check_at_once("blocking", 5, 3, 32)
    }),
    Scenario::new("calls-spawned", "calls are made by spawned futures", || {
        check("spawned", 4, 12)
    }),
    Scenario::new(
        "calls-moved",
        "a call is begun by one future and awaited by another",
        || check_at_once("moved", 21, 2, 42),
    ),
    Scenario::new("calls-storm", "many calls are in flight, and many dropped", || {
        check("storm", 24, 24)
    }),
    Scenario::new("calls-endless", "calls that never return are cancelled", || {
        check("endless", 3, 3)
    }),
    Scenario::new("calls-hands-over", "calls that are passed streams are given up", || {
        check("hands-over", 3, 3)
    }),
    Scenario::new("calls-failing", "a host function fails", failing),
    Scenario::new("calls-at-once", "several tasks call at once", || {
        check_at_once("unordered", 3, 4, 6)
    }),
    Scenario::new(
        "calls-unawaited",
        "the host does not wait for a call that it made",
        unawaited,
    ),
];
