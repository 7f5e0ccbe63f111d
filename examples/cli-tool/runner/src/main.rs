//! Runs a command of WASI 0.3 in the current folder: `cli-tool-runner COMPONENT [ARGUMENT]...`.
//!
//! It does what `wasmtime run --dir .` does. The exit code is the command's, and 70 when the component cannot be run at all.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use witflow_host::{Component, Engine, Exit, Linker, Result, Store, WasiOptions, block_on};

/// The exit code for a failure that is not the command's.
const FAILED: u8 = 70;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(component) = args.next() else {
        eprintln!("usage: cli-tool-runner COMPONENT [ARGUMENT]...");
        return ExitCode::from(FAILED);
    };
    match block_on(run(&PathBuf::from(component), args.collect())) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

async fn run(file: &Path, args: Vec<String>) -> Result<u8> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let engine = Engine::new()?;
    let component = Component::from_file(&engine, file)?;
    let mut linker = Linker::new();
    let wasi = WasiOptions::new()
        .args(std::iter::once(name).chain(args))
        .inherit_stdio()
        .writable_directory(".", ".");
    linker.with_wasi(wasi);
    let mut store = Store::new(&engine);
    let command = linker.instantiate(&mut store, &component).await?;
    let run = command.typed_func::<(), (Result<(), ()>,)>("wasi:cli/run@0.3.2#run")?;
    let ended = run.call(&mut store, ()).await;
    match ended {
        Ok((result,)) => {
            store.finish_tasks().await?;
            Ok(u8::from(result.is_err()))
        }
        Err(error) => match error.downcast_ref::<Exit>() {
            Some(exit) => Ok(exit.code.try_into()?),
            None => Err(error),
        },
    }
}
