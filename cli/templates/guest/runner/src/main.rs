//! Runs the component on Wasmtime and calls its exports. Its one argument is the component, where that is not where Cargo puts it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use witflow_host::{
    Component, Engine, Linker, Result, Store, StreamReader, WasiOptions, block_on, stream,
};

fn main() -> ExitCode {
    let component = std::env::args_os().nth(1).map_or_else(built, PathBuf::from);
    if !component.exists() {
        eprintln!("error: there is no `{}`", component.display());
        eprintln!("  build it by: cargo build --release --target wasm32-wasip2");
        return ExitCode::FAILURE;
    }
    match block_on(run(&component)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Where Cargo puts the component: this program is two folders below that of the builds.
fn built() -> PathBuf {
    let this = std::env::current_exe().unwrap_or_default();
    let target = this.ancestors().nth(2).unwrap_or(Path::new("target"));
    target.join("wasm32-wasip2/release/hello_guest.wasm")
}

async fn run(component: &Path) -> Result<()> {
    let engine = Engine::new()?;
    let component = Component::from_file(&engine, component)?;
    let mut linker = Linker::new();
    linker.with_wasi(WasiOptions::new().inherit_stderr());
    let mut imports = linker.instance("demo:hello-guest/log")?;
    imports.func_wrap("line", |_cx, (text,): (String,)| {
        println!("the guest logs: {text}");
        Ok(())
    })?;
    let mut store = Store::new(&engine);
    let guest = linker.instantiate(&mut store, &component).await?;
    let greet = guest.typed_func::<(String,), (String,)>("greet")?;
    let shout = guest.typed_func::<(StreamReader<u8>,), (StreamReader<u8>,)>("shout")?;

    store
        .run_concurrent(async |cx| {
            let (greeting,) = greet.call_concurrent(&cx, ("Ada".to_owned(),)).await?;
            println!("greet returns: {greeting}");

            let (mut writer, input) = stream();
            let (output,) = shout.call_concurrent(&cx, (input,)).await?;
            let speaking = async move {
                for piece in ["over hill", ", over dale"] {
                    println!("shout hears: {piece}");
                    if writer.write(piece).await.is_err() {
                        // The guest has stopped to listen.
                        return;
                    }
                }
            };
            let ((), said) = futures::join!(speaking, output.collect());
            println!("shout says: {}", String::from_utf8_lossy(&said));
            Ok(())
        })
        .await?;
    store.finish_tasks().await
}
