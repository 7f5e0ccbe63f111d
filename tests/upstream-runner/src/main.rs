//! `upstream-runner [--document FILE.wac] NAME=FILE..`: composes components and calls the export `run` of the result.
//!
//! Documents are those beside some of wit-bindgen's runtime tests. They can pass on single resources, and say which component to take an
//! interface from that several export. Without one, the first component gets what it imports from the others.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use indexmap::IndexMap;
use wac_graph::EncodeOptions;
use wac_parser::Document;
use wac_types::BorrowedPackageKey;
use witflow_host::{Component, Engine, Linker, Store, WasiOptions};

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Vec<String>) -> Result<()> {
    let document = (args.first().is_some_and(|arg| arg == "--document")).then(|| args.drain(..2).nth(1));
    let mut components = IndexMap::new();
    for component in &args {
        let (name, file) = component.split_once('=').context("components are given as NAME=FILE")?;
        let bytes = std::fs::read(file).with_context(|| format!("`{file}` cannot be read"))?;
        components.insert(name, bytes);
    }
    let composed = match document.flatten() {
        Some(document) => by_document(Path::new(&document), components)?,
        None => {
            let components: Vec<_> = components.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
            let (root, dependencies) = components.split_first().context("the components are missing")?;
            witflow_host::compose(*root, dependencies)?
        }
    };
    witflow_host::block_on(async {
        let engine = Engine::new()?;
        let component = Component::named(&engine, "composition", &composed)?;
        let mut linker = Linker::new();
        linker.with_wasi(WasiOptions::new().inherit_stderr());
        let mut store = Store::new(&engine);
        let instance = linker.instantiate(&mut store, &component).await?;
        instance.typed_func::<(), ()>("run")?.call(&mut store, ()).await
    })
}

/// The engine validates what comes out.
fn by_document(document: &Path, components: IndexMap<&str, Vec<u8>>) -> Result<Vec<u8>> {
    let text = std::fs::read_to_string(document).with_context(|| format!("`{}` cannot be read", document.display()))?;
    let key = |name| BorrowedPackageKey { name, version: None };
    let packages = components.into_iter().map(|(name, bytes)| (key(name), bytes)).collect();
    let options = EncodeOptions {
        validate: false,
        ..EncodeOptions::default()
    };
    let document = Document::parse(&text)?;
    Ok(document.resolve(packages)?.encode(options)?)
}
