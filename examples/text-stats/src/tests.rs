//! Runs the guest in this process: its imports are functions of the tests.

use std::sync::{Arc, Mutex};

use witflow_host::{
    Component, ComponentType, Cx, Engine, Linker, Result, Store, StreamReader, TypedFunc, block_on, stream,
};

use super::TextStats;

#[derive(ComponentType)]
struct Document {
    name: String,
    body: StreamReader<u8>,
}

#[derive(ComponentType, Debug, Clone, PartialEq)]
struct Report {
    name: String,
    lines: u64,
    words: u64,
    bytes: u64,
}

/// What the guest said about its progress: names, and how many more bytes.
type Progress = Vec<(String, u64)>;

/// Lets the guest count documents, each given in pieces.
fn count(documents: Vec<(&str, Vec<Vec<u8>>)>) -> Result<(Vec<Report>, Progress)> {
    let progress = Arc::new(Mutex::new(Progress::new()));
    let mut linker = Linker::new();
    let heard = progress.clone();
    linker
        .instance("demo:stats/progress")?
        .func_wrap("advance", move |_, (name, bytes): (String, u64)| {
            heard.lock().unwrap().push((name, bytes));
            Ok(())
        })?;
    let reports = block_on(async {
        let mut store = Store::new(&Engine::native());
        let guest = linker
            .instantiate(&mut store, &Component::native::<TextStats>("text-stats")?)
            .await?;
        let analyze: TypedFunc<(StreamReader<Document>,), (StreamReader<Report>,)> =
            guest.typed_func("demo:stats/api#analyze")?;
        let reports = store
            .run_concurrent(async |cx| {
                let (mut sender, input) = stream();
                let feeding = async {
                    for (name, pieces) in documents {
                        let document = Document {
                            name: name.to_owned(),
                            body: feed(&cx, pieces),
                        };
                        sender.write_one(document).await.expect("the guest reads on");
                    }
                    drop(sender);
                };
                let counting =
                    async { Result::<_>::Ok(analyze.call_concurrent(&cx, (input,)).await?.0.collect().await) };
                futures::join!(feeding, counting).1
            })
            .await?;
        store.finish_tasks().await?;
        Result::<_>::Ok(reports)
    })?;
    let progress = progress.lock().unwrap().clone();
    Ok((reports, progress))
}

/// A stream that gives the pieces one after the other.
fn feed(cx: &Cx, pieces: Vec<Vec<u8>>) -> StreamReader<u8> {
    let (mut writer, reader) = stream();
    cx.spawn(async move {
        for piece in pieces {
            writer.write(piece).await.expect("the guest reads on");
        }
    });
    reader
}

fn report(name: &str, lines: u64, words: u64, bytes: u64) -> Report {
    Report {
        name: name.to_owned(),
        lines,
        words,
        bytes,
    }
}

#[test]
fn documents_are_counted_in_whatever_pieces_they_come() -> Result<()> {
    let text = b"three small words\nand four more words\n";
    for size in [1, 2, 7, text.len()] {
        let pieces = text.chunks(size).map(<[u8]>::to_vec).collect();
        let (reports, progress) = count(vec![("a.txt", pieces)])?;
        assert_eq!(reports, [report("a.txt", 2, 7, 38)]);
        assert_eq!(progress, [("a.txt".to_owned(), 38)]);
    }
    Ok(())
}

#[test]
fn documents_are_counted_whatever_the_host_chooses() {
    witflow_host::explore::explore(300, || {
        let documents = vec![
            ("a.txt", vec![b"three small ".to_vec(), b"words\n".to_vec()]),
            ("b.txt", vec![b"and four more words\n".to_vec()]),
        ];
        let (mut reports, progress) = count(documents)?;
        reports.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(reports, [report("a.txt", 1, 3, 18), report("b.txt", 1, 4, 20)]);
        assert_eq!(progress.iter().map(|(_, bytes)| bytes).sum::<u64>(), 38);
        Ok(())
    });
}
