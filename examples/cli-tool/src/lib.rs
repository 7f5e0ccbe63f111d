//! An example guest: a command of WASI 0.3 that encodes and decodes base64, as `base64` of GNU coreutils does.
//!
//! What is read goes piece by piece through a `Transform` and is written at once, so memory does not grow with the input.
//! The exit code is 0 when all went well, 1 when something could not be read, decoded or written, and 2 for a misuse.

mod args;
mod base64;
mod files;
#[cfg(test)]
mod tests;

use args::{Args, HELP};
use base64::{Decoder, Encoder, Transform};
use wasi::cli::{environment, exit, stderr, stdin, stdout};
use witflow::{FutureReader, StreamReader, StreamResult, StreamWriter};

witflow::generate!({ path: "wit", world: "cli-tool" });

/// How many bytes are read at a time.
const CHUNK: usize = 32 * 1024;

struct CliTool;
export!(CliTool);

impl exports::wasi::cli::run::Guest for CliTool {
    async fn run() -> Result<(), ()> {
        let args = match Args::parse(environment::get_arguments()) {
            Ok(args) => args,
            Err(misuse) => {
                complain(&format!("{misuse}; --help says how it goes")).await;
                exit::exit_with_code(2);
                return Err(());
            }
        };
        let done = match args {
            Args::Help => print(HELP).await,
            Args::Convert {
                decode,
                wrap,
                input,
                output,
            } => convert(decode, wrap, input.as_deref(), output.as_deref()).await,
        };
        if let Err(problem) = done {
            complain(&problem).await;
            return Err(());
        }
        Ok(())
    }
}

/// Converts the input, of which nothing is read before the output is open.
async fn convert(decode: bool, wrap: usize, input: Option<&str>, output: Option<&str>) -> Result<(), String> {
    // A file stays open while its descriptor lives.
    let from = match input {
        Some(path) => Some(files::open(path).await?),
        None => None,
    };
    let to = match output {
        Some(path) => Some(files::create(path).await?),
        None => None,
    };
    let (writer, bytes) = wit_stream::new();
    let transform: Box<dyn Transform> = match decode {
        true => Box::new(Decoder::default()),
        false => Box::new(Encoder::new(wrap)),
    };

    // Files and standard streams have error codes of their own, so there are two of everything from here on.
    let in_name = input.unwrap_or("standard input");
    let out_name = output.unwrap_or("standard output");
    let read = async |pump: Pump| match &from {
        Some(file) => {
            let (bytes, end) = file.read_via_stream(0);
            pump.run(bytes).await?;
            end.await.map_err(|code| files::problem(in_name, &code))
        }
        None => {
            let (bytes, end) = stdin::read_via_stream();
            pump.run(bytes).await?;
            end.await.map_err(|code| format!("{in_name}: {code:?}"))
        }
    };
    let pump = Pump { transform, writer };
    let (read, written) = match &to {
        Some(file) => {
            let end = file.write_via_stream(bytes, 0);
            (
                read(pump).await,
                end.await.map_err(|code| files::problem(out_name, &code)),
            )
        }
        None => {
            let end = stdout::write_via_stream(bytes);
            (
                read(pump).await,
                end.await.map_err(|code| format!("{out_name}: {code:?}")),
            )
        }
    };
    read.and(written)
}

/// What lies between the input and the output.
struct Pump {
    transform: Box<dyn Transform>,
    writer: StreamWriter<u8>,
}

impl Pump {
    /// Passes everything on. What comes before something invalid is written all the same. That the output takes no more is no
    /// error here: it has one of its own.
    async fn run(mut self, mut input: StreamReader<u8>) -> Result<(), String> {
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            let (result, read) = input.read(chunk).await;
            let ended = result == StreamResult::Dropped;
            let mut output = Vec::new();
            let mut valid = self.transform.push(&read, &mut output);
            if ended && valid.is_ok() {
                valid = self.transform.finish(&mut output);
            }
            let unsent = self.writer.write_all(output).await;
            if valid.is_err() {
                return Err("the input is not valid base64".to_owned());
            }
            if ended || !unsent.is_empty() {
                return Ok(());
            }
            chunk = read;
            chunk.clear();
        }
    }
}

/// Writes text to standard output.
async fn print(text: &str) -> Result<(), String> {
    written(text, stdout::write_via_stream)
        .await
        .map_err(|code| format!("standard output: {code:?}"))
}

/// Writes a line to standard error.
async fn complain(problem: &str) {
    // There is nobody left to tell if that fails.
    let _ = written(&format!("cli-tool: {problem}\n"), stderr::write_via_stream).await;
}

/// Writes text to one of the outputs.
async fn written<E>(text: &str, output: fn(StreamReader<u8>) -> FutureReader<Result<(), E>>) -> Result<(), E> {
    let (mut writer, bytes) = wit_stream::new();
    let end = output(bytes);
    writer.write_all(text.into()).await;
    drop(writer);
    end.await
}
