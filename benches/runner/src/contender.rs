//! [`Contender`]: one generator's components, compiled twice, with and without fuel.

use crate::{Args, placement};
use std::collections::BTreeMap;
use std::path::Path;
use wasmtime::component::Component;
use wasmtime::error::Context as _;
use wasmtime::{Config, Engine};
use wasmtime::{Result, bail};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A component, compiled for one purpose each.
pub(crate) struct Compiled {
    pub(crate) with_fuel: Component,
    pub(crate) without: Component,
    /// As `without`, with its code elsewhere, if time is measured.
    pub(crate) moved: Option<Component>,
    /// Its size in bytes.
    pub(crate) size: usize,
}

/// What one generator made.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) bench: Compiled,
    pub(crate) minimal: Option<Compiled>,
    pub(crate) sink: Option<Compiled>,
    /// As `bench`, with an export that tells how often memory was allocated.
    pub(crate) counting: Option<Compiled>,
}

/// Compiles components, with and without fuel.
struct Compiler<'a> {
    with_fuel: Engine,
    without: Engine,
    wit: &'a Path,
    /// Whether components are also needed with their code elsewhere.
    is_timed: bool,
}

/// An engine that counts fuel, or not.
pub(crate) fn engine(fuel: bool) -> Result<Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .consume_fuel(fuel);
    Engine::new(&config)
}

impl Contender {
    /// Reads the contenders named on the command line.
    pub(crate) fn load_all(args: &Args) -> Result<Vec<Self>> {
        let compiler = Compiler {
            with_fuel: engine(true)?,
            without: engine(false)?,
            wit: &args.wit,
            is_timed: args.runs > 0,
        };
        let mut minimal = compiler.all(&args.minimal, "minimal")?;
        let mut sink = compiler.all(&args.sink, "sink")?;
        let mut counting = compiler.all(&args.counting, "bench")?;
        let mut contenders = Vec::new();
        for named in &args.bench {
            let (name, compiled) = compiler.one(named, "bench")?;
            contenders.push(Self {
                minimal: minimal.remove(&name),
                sink: sink.remove(&name),
                counting: counting.remove(&name),
                bench: compiled,
                name,
            });
        }
        if let Some(name) = minimal.keys().chain(sink.keys()).chain(counting.keys()).next() {
            bail!("`{name}` is no contender: it has no component of `world bench`");
        }
        Ok(contenders)
    }
}

impl Compiler<'_> {
    fn all(&self, named: &[String], world: &str) -> Result<BTreeMap<String, Compiled>> {
        named.iter().map(|named| self.one(named, world)).collect()
    }

    /// Compiles `NAME=FILE`.
    fn one(&self, named: &str, world: &str) -> Result<(String, Compiled)> {
        let (name, file) = named
            .split_once('=')
            .with_context(|| format!("`{named}` is not of the form NAME=FILE"))?;
        let bytes = std::fs::read(file).with_context(|| format!("reading `{file}`"))?;
        let bytes = if bytes.get(..8) == Some(b"\0asm\x01\0\0\0") {
            encode(bytes, &self.wit.join(format!("{world}.wit")), world)
                .map_err(|error| wasmtime::Error::msg(format!("{error:#}")))
                .with_context(|| format!("making a component of `{file}`"))?
        } else {
            bytes
        };
        let compile = |engine: &Engine, bytes: &[u8]| {
            Component::from_binary(engine, bytes).with_context(|| format!("compiling `{file}`"))
        };
        let moved = self.is_timed.then(|| {
            let moved = placement::moved(&bytes).map_err(|error| wasmtime::Error::msg(format!("`{file}`: {error:#}")));
            compile(&self.without, &moved?)
        });
        let compiled = Compiled {
            with_fuel: compile(&self.with_fuel, &bytes)?,
            without: compile(&self.without, &bytes)?,
            moved: moved.transpose()?,
            size: bytes.len(),
        };
        Ok((name.to_owned(), compiled))
    }
}

/// Makes a component of a core module, describing it by a world of `wit` unless it describes itself.
pub(crate) fn encode(mut module: Vec<u8>, wit: &Path, world: &str) -> anyhow::Result<Vec<u8>> {
    let described = module.windows(14).any(|window| window == b"component-type");
    if !described {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(wit)?;
        let world = resolve.select_world(&[package], Some(world))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    }
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}
