//! An example guest: takes a stream of documents, each with a stream of bytes, and returns a stream of reports.
//!
//! Documents are counted side by side, each by a task of its own; `count` does the counting and knows nothing of streams.
//! Memory does not grow with the documents: each has one buffer, and there are at most `AT_ONCE` of them.

mod count;
#[cfg(test)]
mod tests;

use futures_util::StreamExt as _;
use futures_util::future::ready;
use witflow::{StreamReader, StreamResult, StreamWriter, spawn};

use count::Counts;
use demo::stats::progress;
use exports::demo::stats::api::{Document, Guest, Report};

witflow::generate!({ path: "wit", world: "text-stats" });

/// How many documents are worked on at a time.
const AT_ONCE: usize = 32;

/// How many bytes of a document are read at a time.
const CHUNK: usize = 32 * 1024;

/// After how many bytes progress is reported.
const STEP: u64 = 1024 * 1024;

struct TextStats;
export!(TextStats);

impl Guest for TextStats {
    async fn analyze(documents: StreamReader<Document>) -> StreamReader<Report> {
        let (writer, reports) = wit_stream::new();
        spawn(report_all(documents, writer));
        reports
    }
}

/// Has all documents counted, and reports them in the order in which they get done.
async fn report_all(documents: StreamReader<Document>, reports: StreamWriter<Report>) {
    let counting = documents.map(|document| spawn(count(document)));
    // A task gives nothing only when it was cancelled, which no one does here.
    let counted = counting.buffer_unordered(AT_ONCE).filter_map(ready);
    // That fails when the caller has dropped the reports: then nobody wants the rest of them.
    let _ = counted.map(Ok).forward(reports).await;
}

/// Counts one document to its end.
async fn count(document: Document) -> Report {
    let Document { name, mut body } = document;
    let mut counts = Counts::default();
    let mut reported = 0;
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let (result, read) = body.read(chunk).await;
        counts.add(&read);
        let ended = result == StreamResult::Dropped;
        let news = counts.bytes - reported;
        if news >= STEP || (ended && news > 0) {
            progress::advance(name.clone(), news).await;
            reported = counts.bytes;
        }
        if ended {
            break;
        }
        chunk = read;
        chunk.clear();
    }
    let Counts {
        lines, words, bytes, ..
    } = counts;
    Report {
        name,
        lines,
        words,
        bytes,
    }
}
