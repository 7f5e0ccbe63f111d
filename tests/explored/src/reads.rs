//! Streams that guests read from hosts: to the end, in part, cancelled, forgotten, passed on.

use crate::scenario::Scenario;
use crate::support::{bytes, feed, ticking, with, write_in_pieces};
use std::sync::LazyLock;
use witflow_host::explore::{Explorer, pause, pick};
use witflow_host::{Component, ComponentType, Result, StreamReader, TypedFunc, stream};

mod guest {
    use crate::support::{poll_at_most, poll_pinned};
    use futures::StreamExt as _;
    use std::cell::RefCell;
    use std::mem;
    use std::pin::pin;
    use witflow::{StreamReader, StreamResult};
    use witflow_host::explore::pick;

    witflow::generate!({
        inline: "
            package small:reads;

            world reads {
                record note { name: string, marks: list<u16> }

                import host: interface {
                    tick: async func();
                }
                export all: async func(input: stream<u8>) -> list<u8>;
                export chunks: async func(input: stream<u8>) -> list<u8>;
                export some: async func(input: stream<u8>, count: u32) -> list<u8>;
                export cancelling: async func(input: stream<u8>) -> list<u8>;
                export forgetting: async func(input: stream<u8>) -> list<u8>;
                export selecting: async func(input: stream<u8>) -> list<u8>;
                export notes: async func(input: stream<note>) -> list<note>;
                export units: async func(input: stream) -> u32;
                export both: async func(one: stream<u8>, other: stream<u8>) -> tuple<list<u8>, list<u8>>;
                export nested: async func(input: stream<stream<u8>>) -> list<list<u8>>;
                export keep: func(input: stream<u8>);
                export kept: async func() -> list<u8>;
                export pass-on: async func(input: stream<u8>, count: u32) -> stream<u8>;
                export blocking: async func(input: stream<u8>) -> list<u8>;
            }
        ",
        additional_derives: [Clone, PartialEq],
    });

    pub(super) struct Reads;
    export!(Reads);

    thread_local! {
        static KEPT: RefCell<Option<StreamReader<u8>>> = const { RefCell::new(None) };
    }

    /// Room for what the explorer chooses.
    fn room() -> Vec<u8> {
        Vec::with_capacity([64, 1, 2, 7][pick(4)])
    }

    async fn all(mut input: StreamReader<u8>) -> Vec<u8> {
        let mut items = Vec::new();
        while let Some(item) = input.next().await {
            items.push(item);
        }
        items
    }

    impl Guest for Reads {
        async fn all(input: StreamReader<u8>) -> Vec<u8> {
            all(input).await
        }

        async fn chunks(mut input: StreamReader<u8>) -> Vec<u8> {
            let mut items = Vec::new();
            loop {
                let (result, chunk) = input.read(room()).await;
                items.extend(chunk);
                if result == StreamResult::Dropped {
                    return items;
                }
            }
        }

        async fn some(mut input: StreamReader<u8>, count: u32) -> Vec<u8> {
            let mut items = Vec::new();
            while items.len() < count as usize
                && let Some(item) = input.next().await
            {
                items.push(item);
            }
            items
        }

        async fn cancelling(mut input: StreamReader<u8>) -> Vec<u8> {
            let mut items = Vec::new();
            loop {
                let mut read = pin!(input.read(room()));
                let (result, chunk) = match poll_pinned(1 + pick(3), read.as_mut()).await {
                    Some(done) => done,
                    None => read.cancel(),
                };
                items.extend(chunk);
                match result {
                    StreamResult::Dropped => return items,
                    // Whether more will come is only known by waiting for it.
                    StreamResult::Cancelled => match input.next().await {
                        Some(item) => items.push(item),
                        None => return items,
                    },
                    StreamResult::Complete(_) => {}
                }
            }
        }

        async fn forgetting(mut input: StreamReader<u8>) -> Vec<u8> {
            let mut items = Vec::new();
            loop {
                // The buffer of a forgotten read stays with the reader, and so does what comes into it.
                let mut read = Box::pin(input.read(Vec::with_capacity(3)));
                match poll_pinned(1, read.as_mut()).await {
                    Some((result, chunk)) => {
                        items.extend(chunk);
                        if result == StreamResult::Dropped {
                            return items;
                        }
                    }
                    None => mem::forget(read),
                }
                match input.next().await {
                    Some(item) => items.push(item),
                    None => return items,
                }
            }
        }

        async fn selecting(mut input: StreamReader<u8>) -> Vec<u8> {
            let mut items = Vec::new();
            loop {
                let mut tick = pin!(futures::FutureExt::fuse(host::tick()));
                futures::select_biased! {
                    item = futures::FutureExt::fuse(Box::pin(input.next())) => match item {
                        Some(item) => items.push(item),
                        None => return items,
                    },
                    () = tick => witflow::yield_now().await,
                }
            }
        }

        async fn notes(input: StreamReader<Note>) -> Vec<Note> {
            input.collect().await
        }

        async fn units(mut input: StreamReader<()>) -> u32 {
            let mut count = 0;
            while let Some(()) = input.next().await {
                count += 1;
            }
            count
        }

        async fn both(one: StreamReader<u8>, other: StreamReader<u8>) -> (Vec<u8>, Vec<u8>) {
            futures::join!(all(one), all(other))
        }

        async fn nested(input: StreamReader<StreamReader<u8>>) -> Vec<Vec<u8>> {
            // All inner streams are read at once, while others come.
            input.map(all).buffered(3).collect().await
        }

        fn keep(input: StreamReader<u8>) {
            KEPT.set(Some(input));
        }

        async fn kept() -> Vec<u8> {
            match KEPT.take() {
                Some(input) => all(input).await,
                None => Vec::new(),
            }
        }

        async fn pass_on(mut input: StreamReader<u8>, count: u32) -> StreamReader<u8> {
            let _ = poll_at_most(count as usize, input.next()).await;
            input
        }

        async fn blocking(input: StreamReader<u8>) -> Vec<u8> {
            witflow::block_on(all(input))
        }
    }
}

static READS: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Reads>("reads").expect("the world is described well"));

#[derive(ComponentType, Clone, Debug, PartialEq)]
struct Note {
    name: String,
    marks: Vec<u16>,
}

/// Lets an export read bytes that come in pieces, and compares.
fn reads(export: &str, count: usize) -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>,), (Vec<u8>,)> = guest.typed_func(export)?;
        let input = feed(&store.cx(), bytes(count));
        assert_eq!(func.call(store, (input,)).await?, (bytes(count),));
        Ok(())
    })
}

/// The guest takes some, and the writer learns that nobody takes the rest.
fn some() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>, u32), (Vec<u8>,)> = guest.typed_func("some")?;
        let (writer, input) = stream();
        let (answer, left) = store
            .run_concurrent(async |cx| {
                let (answer, left) = futures::join!(
                    func.call_concurrent(&cx, (input, 3)),
                    write_in_pieces(writer, bytes(10))
                );
                Ok((answer?.0, left))
            })
            .await?;
        assert_eq!(answer, bytes(3));
        assert!(left <= 7, "the guest took 3, and {left} of 10 are left");
        Ok(())
    })
}

fn notes() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        let func: TypedFunc<(StreamReader<Note>,), (Vec<Note>,)> = guest.typed_func("notes")?;
        let notes: Vec<Note> = (0..6u16)
            .map(|number| Note {
                name: "né".repeat(number as usize),
                marks: (0..number).collect(),
            })
            .collect();
        let input = feed(&store.cx(), notes.clone());
        assert_eq!(func.call(store, (input,)).await?, (notes,));
        Ok(())
    })
}

fn units() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        let func: TypedFunc<(StreamReader<()>,), (u32,)> = guest.typed_func("units")?;
        let input = feed(&store.cx(), vec![(); 9]);
        assert_eq!(func.call(store, (input,)).await?, (9,));
        Ok(())
    })
}

fn both() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        type Both = ((Vec<u8>, Vec<u8>),);
        let func: TypedFunc<(StreamReader<u8>, StreamReader<u8>), Both> = guest.typed_func("both")?;
        let (one, other) = (feed(&store.cx(), bytes(6)), feed(&store.cx(), bytes(4)));
        assert_eq!(func.call(store, (one, other)).await?, ((bytes(6), bytes(4)),));
        Ok(())
    })
}

fn nested() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        type Streams = StreamReader<StreamReader<u8>>;
        let func: TypedFunc<(Streams,), (Vec<Vec<u8>>,)> = guest.typed_func("nested")?;
        let (mut outer, input) = stream();
        let cx = store.cx();
        let inside = cx.clone();
        cx.spawn(async move {
            for count in 0..5 {
                pause().await;
                if outer.write_one(feed(&inside, bytes(count))).await.is_err() {
                    return;
                }
            }
        });
        let expected: Vec<_> = (0..5).map(bytes).collect();
        assert_eq!(func.call(store, (input,)).await?, (expected,));
        Ok(())
    })
}

/// A stream comes with one call and is read in another.
fn kept() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        let keep: TypedFunc<(StreamReader<u8>,), ()> = guest.typed_func("keep")?;
        let kept: TypedFunc<(), (Vec<u8>,)> = guest.typed_func("kept")?;
        let input = feed(&store.cx(), bytes(5));
        keep.call(store, (input,)).await?;
        assert_eq!(kept.call(store, ()).await?, (bytes(5),));
        Ok(())
    })
}

/// A stream goes back to the host after the guest has read some of it, or began to.
fn passed_on() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>, u32), (StreamReader<u8>,)> = guest.typed_func("pass-on")?;
        let input = feed(&store.cx(), bytes(8));
        let count = pick(4) as u32;
        let rest = store
            .run_concurrent(async |cx| Ok(func.call_concurrent(&cx, (input, count)).await?.0.collect().await))
            .await?;
        // At most one item was read.
        let all = bytes(8);
        assert!(rest == all || rest == all[1..], "of {all:?}, {rest:?} came back");
        Ok(())
    })
}

/// The host's writer goes away without a word, at any time.
fn abandoned() -> Result<()> {
    with(&ticking()?, &READS, async |store, guest| {
        let func: TypedFunc<(StreamReader<u8>,), (Vec<u8>,)> = guest.typed_func("cancelling")?;
        let (mut writer, input) = stream();
        let count = pick(4);
        let read = store
            .run_concurrent(async |cx| {
                let writing = async {
                    for byte in bytes(count) {
                        pause().await;
                        if writer.write_one(byte).await.is_err() {
                            return;
                        }
                    }
                    pause().await;
                    drop(writer);
                };
                let (answer, ()) = futures::join!(func.call_concurrent(&cx, (input,)), writing);
                Ok(answer?.0)
            })
            .await?;
        assert_eq!(read, bytes(count));
        Ok(())
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new("reads-all", "items are read one by one", || reads("all", 5)).small(),
    Scenario::new("reads-chunks", "items are read by the chunk", || reads("chunks", 20)),
    Scenario::new("reads-some", "a reader goes away in the middle", some),
    Scenario::new("reads-cancelling", "reads are cancelled, and nothing is lost", || {
        reads("cancelling", 8)
    }),
    Scenario::new("reads-forgetting", "reads are forgotten, and nothing is lost", || {
        reads("forgetting", 8)
    })
    .configured(Explorer::keep_memory),
    Scenario::new("reads-selecting", "reads race with calls, and nothing is lost", || {
        reads("selecting", 4)
    }),
    Scenario::new("reads-notes", "items that own memory are read", notes),
    Scenario::new("reads-units", "items without content are counted", units),
    Scenario::new("reads-both", "two streams are read at once", both),
    Scenario::new("reads-nested", "streams come through a stream", nested),
    Scenario::new("reads-kept", "a stream is read in another task than it came to", kept).small(),
    Scenario::new("reads-passed-on", "a stream is read from and passed on", passed_on),
    Scenario::new("reads-blocking", "a task blocks on a stream", || reads("blocking", 5)),
    Scenario::new("reads-abandoned", "a writer goes away at any time", abandoned),
];
