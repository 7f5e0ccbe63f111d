//! Runs the `text-stats` component on files: one task of the guest for each file, all in one instance.
//!
//! | file | what it does |
//! |---|---|
//! | `files` | says which files there are to count |
//! | `feed` | reads them and writes them into the guest's streams |
//! | `console` | prints the table, the progress bar and the complaints |

mod console;
mod feed;
mod files;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use witflow_host::{
    Component, ComponentType, Engine, Linker, Recording, Store, StreamReader, TypedFunc, WasiOptions, stream,
};

use console::Console;
use feed::{Document, Feed};

/// Counts lines, words and bytes of files by the text-stats component.
#[derive(Debug, Parser)]
struct Args {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    component: PathBuf,
    /// Files to count; without any, those that git knows in this folder, or else all below it but `target`.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Leave what the component did in this file: a page with a timeline if it ends in `.html`, a trace for Perfetto if in `.json`.
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
}

/// What the guest found in one document.
#[derive(Debug, ComponentType)]
struct Report {
    name: String,
    lines: u64,
    words: u64,
    bytes: u64,
}

/// The function the component exports.
type Analyze = TypedFunc<(StreamReader<Document>,), (StreamReader<Report>,)>;

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Counts the files; the answer is whether all of them could be read.
fn run(args: Args) -> Result<bool> {
    let files = files::given_or_found(args.files)?;
    let console = Console::new(&files);
    witflow_host::block_on(async {
        let recording = args.timeline.as_ref().map(|_| Recording::new());
        let (mut store, analyze) = load(&args.component, &console, recording.as_ref()).await?;
        console.header()?;
        let begin = Instant::now();
        let complete = count(&mut store, &analyze, &files, &console).await?;
        console.total(begin.elapsed(), store.peak_memory())?;
        if let (Some(path), Some(recording)) = (&args.timeline, recording) {
            let written = recording.trace().write(path, "text-stats on Wasmtime");
            written.with_context(|| format!("writing `{}`", path.display()))?;
        }
        Ok(complete)
    })
}

/// Instantiates the component, with `console` to report progress to, and with shims if it is to be recorded.
async fn load(path: &Path, console: &Console, recording: Option<&Recording>) -> Result<(Store, Analyze)> {
    let mut linker = Linker::new();
    linker.with_wasi(WasiOptions::new().inherit_stderr());
    let bar = console.bar();
    let mut progress = linker.instance("demo:stats/progress")?;
    progress.func_wrap_concurrent("advance", move |_cx, (name, bytes): (String, u64)| {
        bar.set_message(name);
        bar.inc(bytes);
        async { Ok(()) }
    })?;

    let engine = Engine::new()?;
    let component = match recording {
        Some(recording) => {
            recording.listen(&mut linker)?;
            let bytes = std::fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
            recording.component(&engine, "text-stats", &bytes)?
        }
        None => Component::from_file(&engine, path)?,
    };
    let mut store = Store::new(&engine);
    let instance = linker.instantiate(&mut store, &component).await?;
    Ok((store, instance.typed_func("demo:stats/api#analyze")?))
}

/// Passes the files through the guest and prints its reports as they come.
async fn count(store: &mut Store, analyze: &Analyze, files: &[PathBuf], console: &Console) -> Result<bool> {
    let feed = Feed::new(console);
    let reported = store
        .run_concurrent(async |cx| {
            let (documents, input) = stream();
            let call = analyze.call_concurrent(&cx, (input,));
            let reports = async {
                let (mut reports,) = call.await?;
                let mut reported = 0;
                while let Some(report) = reports.next().await {
                    reported += 1;
                    if !feed.has_failed(&report.name) {
                        console.row(&report)?;
                    }
                }
                Ok(reported)
            };
            let (reported, ()) = futures::join!(reports, feed.all(files, documents));
            reported
        })
        .await?;
    ensure!(
        reported == feed.handed_over(),
        "the guest got {} documents and reported {reported}",
        feed.handed_over()
    );
    Ok(feed.is_complete())
}
