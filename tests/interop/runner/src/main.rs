//! Composes components and calls what comes out, for `cargo xtask interop`:
//!
//! * `interop-runner compose COMPONENT DEPENDENCY... OUT` links the imports of each to exports of those after it.
//! * `interop-runner drive COMPONENT` and `interop-runner step COMPONENT N...` call the function of that name, each time in an instance of
//!   its own, and print a line for each: what it says, or what went wrong.

use std::process::ExitCode;

use witflow_host::{Component, Engine, Linker, NamedList, Result, Store, WasiOptions, compose};

const USAGE: &str = "usage: interop-runner compose COMPONENT DEPENDENCY... OUT
       interop-runner drive COMPONENT
       interop-runner step COMPONENT N...";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["compose", root, ref dependencies @ .., out] => join(root, dependencies, out),
        ["drive", component] => say(component, "interop:demo/driver#drive", [()]),
        ["step", component, ref steps @ ..] => match steps.iter().map(|n| n.parse()).collect::<Result<Vec<u32>, _>>() {
            Ok(steps) => say(component, "interop:demo/steps#step", steps.into_iter().map(|n| (n,))),
            Err(_) => return usage(),
        },
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

/// Writes the composition of components to a file.
fn join(root: &str, dependencies: &[&str], out: &str) -> Result<()> {
    let read = |path: &&str| Ok(((*path).to_owned(), std::fs::read(path)?));
    let root = read(&root)?;
    let dependencies = dependencies.iter().map(read).collect::<Result<Vec<_>>>()?;
    let dependencies: Vec<(&str, &[u8])> = dependencies.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
    std::fs::write(out, compose((&root.0, &root.1), &dependencies)?)?;
    Ok(())
}

/// Calls a function whose result is text, and prints that.
fn say<P: NamedList + 'static>(component: &str, function: &str, calls: impl IntoIterator<Item = P>) -> Result<()> {
    let engine = Engine::new()?;
    let component = Component::from_file(&engine, component)?;
    let mut linker = Linker::new();
    linker.with_wasi(WasiOptions::new());
    for params in calls {
        let said = Store::new(&engine).block_on(async |store| {
            let instance = linker.instantiate(store, &component).await?;
            let function = instance.typed_func::<P, (String,)>(function)?;
            let (said,) = function.call(store, params).await?;
            store.finish_tasks().await?;
            Ok::<_, witflow_host::Error>(said)
        });
        let said = said.unwrap_or_else(|error| format!("error: {error:#}"));
        println!("{}", said.replace('\n', " | "));
    }
    Ok(())
}
