//! Guests with streams on both sides: what comes in goes out, changed, doubled or merged.

use crate::scenario::Scenario;
use crate::support::{bytes, drain, feed, with};
use std::sync::LazyLock;
use witflow_host::explore::{pause, pick};
use witflow_host::{Component, Linker, Result, StreamReader, TypedFunc};

mod guest {
    use futures::{SinkExt as _, StreamExt as _};
    use witflow::StreamReader;

    witflow::generate!({
        inline: "
            package small:pumps;

            world pumps {
                import host: interface {
                    note: async func(what: string);
                }
                export invert: async func(input: stream<u8>) -> stream<u8>;
                export upper: async func(input: stream<string>) -> stream<string>;
                export tee: async func(input: stream<u8>) -> tuple<stream<u8>, stream<u8>>;
                export merge: async func(one: stream<u8>, other: stream<u8>) -> stream<u8>;
                export relay: async func(input: stream<u8>) -> stream<u8>;
                export same: async func(input: stream<u8>) -> stream<u8>;
            }
        ",
    });

    pub(super) struct Pumps;
    export!(Pumps);

    impl Guest for Pumps {
        async fn invert(input: StreamReader<u8>) -> StreamReader<u8> {
            let (output, reader) = wit_stream::new();
            witflow::spawn(async move {
                host::note("begin".into()).await;
                let _ = input.map(|byte| !byte).map(Ok).forward(output).await;
                host::note("end".into()).await;
            });
            reader
        }

        async fn upper(mut input: StreamReader<String>) -> StreamReader<String> {
            let (mut output, reader) = wit_stream::new();
            witflow::spawn(async move {
                while let Some(text) = input.next().await {
                    if output.write_one(text.to_uppercase()).await.is_some() {
                        return;
                    }
                }
            });
            reader
        }

        async fn tee(mut input: StreamReader<u8>) -> (StreamReader<u8>, StreamReader<u8>) {
            let (mut one, first) = wit_stream::new();
            let (mut other, second) = wit_stream::new();
            witflow::spawn(async move {
                loop {
                    let (result, chunk) = input.read(Vec::with_capacity(4)).await;
                    futures::join!(one.write_all(chunk.clone()), other.write_all(chunk));
                    if result == witflow::StreamResult::Dropped {
                        return;
                    }
                }
            });
            (first, second)
        }

        async fn merge(one: StreamReader<u8>, other: StreamReader<u8>) -> StreamReader<u8> {
            let (mut output, reader) = wit_stream::new();
            witflow::spawn(async move {
                let mut both = futures::stream::select(one, other).map(Ok);
                let _ = output.send_all(&mut both).await;
            });
            reader
        }

        async fn relay(mut input: StreamReader<u8>) -> StreamReader<u8> {
            // Through a stream whose ends are both here.
            let (mut inner, mut middle) = wit_stream::new::<u8>();
            let (mut output, reader) = wit_stream::new();
            witflow::spawn(async move {
                while let Some(byte) = input.next().await {
                    if inner.write_one(byte).await.is_some() {
                        return;
                    }
                }
            });
            witflow::spawn(async move {
                while let Some(byte) = middle.next().await {
                    if output.write_one(byte).await.is_some() {
                        return;
                    }
                }
            });
            reader
        }

        async fn same(input: StreamReader<u8>) -> StreamReader<u8> {
            input
        }
    }
}

static PUMPS: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Pumps>("pumps").expect("the world is described well"));

fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    linker
        .instance("host")?
        .func_wrap_concurrent("note", async |_, (_,): (String,)| {
            pause().await;
            Ok(())
        })?;
    Ok(linker)
}

fn pumped(export: &str, change: fn(u8) -> u8) -> Result<()> {
    with(&linker()?, &PUMPS, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>,), (StreamReader<u8>,)> = guest.typed_func(export)?;
        let input = feed(&store.cx(), bytes(9));
        let read = store
            .run_concurrent(async |cx| Ok(drain(func.call_concurrent(&cx, (input,)).await?.0).await))
            .await?;
        assert_eq!(read, bytes(9).into_iter().map(change).collect::<Vec<_>>());
        Ok(())
    })
}

/// The reader goes away, and then so does everything before it.
fn broken_off() -> Result<()> {
    with(&linker()?, &PUMPS, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>,), (StreamReader<u8>,)> = guest.typed_func("invert")?;
        let input = feed(&store.cx(), bytes(9));
        store
            .run_concurrent(async |cx| {
                let (mut output,) = func.call_concurrent(&cx, (input,)).await?;
                for expected in bytes(pick(4)) {
                    assert_eq!(output.next().await, Some(!expected));
                }
                pause().await;
                Ok(())
            })
            .await
    })
}

fn upper() -> Result<()> {
    with(&linker()?, &PUMPS, async |store, guest| {
        let func: TypedFunc<(StreamReader<String>,), (StreamReader<String>,)> = guest.typed_func("upper")?;
        let words: Vec<String> = ["a", "", "ärger", "straße", "日"].map(str::to_owned).into();
        let input = feed(&store.cx(), words.clone());
        let read = store
            .run_concurrent(async |cx| Ok(drain(func.call_concurrent(&cx, (input,)).await?.0).await))
            .await?;
        assert_eq!(read, words.iter().map(|word| word.to_uppercase()).collect::<Vec<_>>());
        Ok(())
    })
}

fn tee() -> Result<()> {
    with(&linker()?, &PUMPS, async |store, guest| {
        type Both = ((StreamReader<u8>, StreamReader<u8>),);
        let func: TypedFunc<(StreamReader<u8>,), Both> = guest.typed_func("tee")?;
        let input = feed(&store.cx(), bytes(7));
        let stops = pick(2) == 1;
        let (one, other) = store
            .run_concurrent(async |cx| {
                let ((one, mut other),) = func.call_concurrent(&cx, (input,)).await?;
                let second = async {
                    if stops {
                        // One of the readers goes away, which the other does not notice.
                        return other.read(3).await.unwrap_or_default();
                    }
                    drain(other).await
                };
                Ok(futures::join!(drain(one), second))
            })
            .await?;
        assert_eq!(one, bytes(7));
        assert_eq!(other, bytes(7)[..other.len()]);
        assert!(stops || other.len() == 7);
        Ok(())
    })
}

fn merge() -> Result<()> {
    with(&linker()?, &PUMPS, async |store, guest| {
        type Bytes = StreamReader<u8>;
        let func: TypedFunc<(Bytes, Bytes), (Bytes,)> = guest.typed_func("merge")?;
        let (one, other) = (
            feed(&store.cx(), vec![0, 1, 2, 3]),
            feed(&store.cx(), vec![100, 101, 102]),
        );
        let read = store
            .run_concurrent(async |cx| Ok(drain(func.call_concurrent(&cx, (one, other)).await?.0).await))
            .await?;
        let (low, high): (Vec<u8>, Vec<u8>) = read.iter().partition(|byte| **byte < 100);
        assert_eq!((low, high), (vec![0, 1, 2, 3], vec![100, 101, 102]));
        Ok(())
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("pumps-invert", "bytes go through, changed", || {
        pumped("invert", |byte| !byte)
    }),
    Scenario::new("pumps-relay", "bytes go through a stream within the guest", || {
        pumped("relay", |byte| byte)
    }),
    Scenario::new("pumps-same", "a stream goes back as it came", || {
        pumped("same", |byte| byte)
    })
    .small(),
    Scenario::new("pumps-broken-off", "the reader of a pump goes away", broken_off),
    Scenario::new("pumps-upper", "strings go through, changed", upper),
    Scenario::new("pumps-tee", "one stream becomes two", tee),
    Scenario::new("pumps-merge", "two streams become one", merge),
];
