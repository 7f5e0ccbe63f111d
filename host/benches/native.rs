//! What running guests natively costs: a call, an item of a stream, and a whole small scenario.
//!
//! `cargo bench -p witflow-host` prints the mean of many, in time on the clock; the machine should have nothing else to do.

use std::time::{Duration, Instant};
use witflow_host::{Component, Engine, Instance, Linker, Result, Store, StreamReader, future, stream};

mod guest {
    use witflow::StreamReader;

    witflow::generate!({
        inline: "
            package bench:native;

            world cost {
                import get: async func(x: u32) -> u32;
                export add: func(x: u32) -> u32;
                export relay: async func(x: u32) -> u32;
                export pass: async func(items: stream<u32>) -> stream<u32>;
            }
        ",
    });

    pub(crate) struct Cost;
    export!(Cost);

    impl Guest for Cost {
        fn add(x: u32) -> u32 {
            x + 1
        }

        async fn relay(x: u32) -> u32 {
            get(x).await
        }

        async fn pass(mut items: StreamReader<u32>) -> StreamReader<u32> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                while let Some(item) = items.next().await {
                    writer.write_one(item).await;
                }
            });
            reader
        }
    }
}

/// How many times what is cheap is done.
const MANY: u32 = 100_000;

/// How many times a scenario is run.
const SCENARIOS: u32 = 20_000;

fn report(what: &str, all: Duration, count: u32) {
    let each = all / count;
    println!("{what:<44} {each:>10.2?} {:>10.0}/s", 1.0 / each.as_secs_f64());
}

/// A store, an instance, one call that makes one, and the end of all tasks.
fn scenario(linker: &Linker, component: &Component) -> Result<()> {
    Store::new(&Engine::native()).block_on(async |store| {
        let guest = linker.instantiate(store, component).await?;
        let relay = guest.typed_func::<(u32,), (u32,)>("relay")?;
        assert_eq!(relay.call(store, (1,)).await?, (1,));
        store.finish_tasks().await
    })
}

async fn calls(store: &mut Store, guest: &Instance, name: &str) -> Result<()> {
    let func = guest.typed_func::<(u32,), (u32,)>(name)?;
    store
        .run_concurrent(async |cx| {
            for x in 0..MANY {
                func.call_concurrent(&cx, (x,)).await?;
            }
            Ok(())
        })
        .await
}

async fn items(store: &mut Store, guest: &Instance) -> Result<()> {
    let pass = guest.typed_func::<(StreamReader<u32>,), (StreamReader<u32>,)>("pass")?;
    store
        .run_concurrent(async |cx| {
            let (mut writer, reader) = stream();
            let (passed,) = pass.call_concurrent(&cx, (reader,)).await?;
            let writing = async {
                for item in 0..MANY {
                    writer.write_one(item).await.expect("the guest reads");
                }
                drop(writer);
            };
            assert_eq!(futures::join!(passed.collect(), writing).0.len(), MANY as usize);
            Ok(())
        })
        .await
}

fn main() -> Result<()> {
    let component = Component::native::<guest::Cost>("cost")?;
    let mut at_once = Linker::new();
    at_once.root().func_wrap("get", |_, (x,): (u32,)| Ok((x,)))?;
    let mut later = Linker::new();
    later
        .root()
        .func_wrap_concurrent("get", |cx, (x,): (u32,)| async move {
            let (writer, reader) = future::<u32>();
            cx.spawn(async move { writer.write(x).await.expect("the function waits") });
            Ok((reader.await?,))
        })?;

    for (what, linker) in [("a scenario", &at_once), ("a scenario in which the mock waits", &later)] {
        let begin = Instant::now();
        for _ in 0..SCENARIOS {
            scenario(linker, &component)?;
        }
        report(what, begin.elapsed(), SCENARIOS);
    }
    Store::new(&Engine::native()).block_on(async |store| {
        let guest = at_once.instantiate(store, &component).await?;
        for (what, name) in [("a call", "add"), ("an asynchronous call that calls a mock", "relay")] {
            let begin = Instant::now();
            calls(store, &guest, name).await?;
            report(what, begin.elapsed(), MANY);
        }
        let begin = Instant::now();
        items(store, &guest).await?;
        report("an item through the guest and back", begin.elapsed(), MANY);
        store.finish_tasks().await
    })
}
