//! Composes the app with its plugin, and lets it write letters: `plugin-runner APP PLUGIN TEMPLATE PERSON...`.
//!
//! When the plugin traps, the app is gone with it, since they are one component by then. So the letters that are left are written by
//! another instance of both, in a store of its own. The exit code is 1 when somebody got no letter, and 70 when nothing can be run.

use std::path::Path;
use std::process::ExitCode;

use witflow_host::{
    Component, ComponentType, Engine, Linker, Result, Store, StreamReader, TypedFunc, WasiOptions, block_on,
};

/// The exit code when there is nothing to run.
const FAILED: u8 = 70;

/// What every letter ends with.
const SIGNATURE: &str = "\n  The town clerk of {town}";

/// Everybody that letters can be written to: who, a field, what is known.
const KNOWN: &[(&str, &str, &str)] = &[
    ("ada", "name", "Ada Lovelace"),
    ("ada", "town", "London"),
    ("grace", "name", "Grace Hopper"),
    ("grace", "town", "New York"),
];

#[derive(ComponentType)]
struct Letter {
    to: String,
    text: String,
}

type Write = TypedFunc<(String, String, Vec<String>), (Result<StreamReader<Letter>, String>,)>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [app, plugin, template, people @ ..] = &args[..] else {
        eprintln!("usage: plugin-runner APP PLUGIN TEMPLATE PERSON...");
        return ExitCode::from(FAILED);
    };
    match block_on(run(app.as_ref(), plugin.as_ref(), template, people)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

/// Writes to everybody; the answer is whether everybody got a letter.
async fn run(app: &Path, plugin: &Path, template: &str, people: &[String]) -> Result<bool> {
    let engine = Engine::new()?;
    let app = Component::from_file(&engine, app)?;
    let composed = Component::compose(&app, &[&Component::from_file(&engine, plugin)?])?;
    let (mut left, mut all) = (people, true);
    while !left.is_empty() {
        let mut written = 0;
        let result = write(&engine, &composed, template, left, &mut written).await;
        left = &left[written..];
        match (result, left) {
            (Ok(Ok(())), _) => break,
            (Ok(Err(wrong)), _) => {
                eprintln!("the template is wrong: {wrong}");
                return Ok(false);
            }
            (Err(error), [person, others @ ..]) => {
                eprintln!("no letter to {person}: {error:#}");
                (left, all) = (others, false);
            }
            (Err(error), []) => return Err(error),
        }
    }
    Ok(all)
}

/// Writes letters until all are written or something traps, and counts them; or says what is wrong with the template.
async fn write(
    engine: &Engine,
    app: &Component,
    template: &str,
    people: &[String],
    written: &mut usize,
) -> Result<Result<(), String>> {
    let mut linker = Linker::new();
    linker.with_wasi(WasiOptions::new().inherit_stderr());
    let mut addresses = linker.instance("demo:letters/addresses")?;
    addresses.func_wrap("lookup", |_, (person, field): (String, String)| {
        let known = KNOWN.iter().find(|known| (known.0, known.1) == (&person, &field));
        Ok((known.map(|known| known.2.to_owned()),))
    })?;
    let mut store = Store::new(engine);
    let write: Write = linker.instantiate(&mut store, app).await?.typed_func("write")?;
    let params = (template.to_owned(), SIGNATURE.to_owned(), people.to_vec());
    store
        .run_concurrent(async |cx| {
            let mut letters = match write.call_concurrent(&cx, params).await? {
                (Ok(letters),) => letters,
                (Err(wrong),) => return Ok(Err(wrong)),
            };
            while let Some(letter) = letters.next().await {
                *written += 1;
                println!("to {}: {}", letter.to, letter.text);
            }
            Ok(Ok(()))
        })
        .await
}
