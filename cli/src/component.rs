//! `bindgen component`: a core module becomes a component.

use std::io::Write;
use std::path::{Path, PathBuf};

use wasi_preview1_component_adapter_provider as adapter;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;
use witflow_bindgen_rust::core::diagnostic::{Diagnostic, Diagnostics};

use crate::{Failure, unreadable, unwritable};

/// Arguments of `bindgen component`.
#[derive(Debug, clap::Args)]
pub struct ComponentArgs {
    /// The core module, built for wasm32-unknown-unknown or wasm32-wasip1.
    #[arg(value_name = "CORE.wasm")]
    pub core: PathBuf,
    /// Where the component goes.
    #[arg(short, long, value_name = "OUT.wasm")]
    pub output: PathBuf,
    /// An adapter module for one of the core module's imports; that of `wasi_snapshot_preview1` is built in.
    #[arg(long, value_name = "NAME=FILE")]
    pub adapt: Vec<String>,
}

/// What the module says about itself.
#[derive(Default)]
struct Facts {
    described: bool,
    preview1: bool,
    command: bool,
}

const PREVIEW1: &str = "wasi_snapshot_preview1";

impl ComponentArgs {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<bool, Failure> {
        let core = read(&self.core)?;
        let component = self.encode(&core).map_err(Diagnostics::from)?;
        let size = component.len();
        std::fs::write(&self.output, component).map_err(|error| Diagnostics::from(unwritable(&self.output, &error)))?;
        writeln!(out, "wrote {} ({size} bytes)", self.output.display())?;
        Ok(true)
    }

    fn encode(&self, core: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let name = self.core.display();
        let facts = facts(core, &name.to_string())?;
        if !facts.described {
            return Err(Diagnostic::new(format!("`{name}` has no component-type section")).help(
                "the section comes from bindings: is the module built from a crate that uses them, and is it the final module \
                 and not one that was stripped of custom sections?",
            ));
        }
        let failed = |error: anyhow::Error| {
            Diagnostic::new(format!("`{name}` cannot be made a component: {error:#}"))
                .help("its imports and exports must be those of its bindings, and of adapters given with --adapt")
        };
        let mut encoder = ComponentEncoder::default();
        encoder.validate(true).module(core).map_err(failed)?;
        let mut adapted = false;
        for adapt in &self.adapt {
            let (import, file) = adapt.split_once('=').ok_or_else(|| {
                Diagnostic::new(format!("`{adapt}` is not an adapter")).help("an adapter is given as NAME=FILE")
            })?;
            adapted |= import == PREVIEW1;
            let bytes = read(Path::new(file)).map_err(|mut errors| errors.0.remove(0))?;
            encoder.adapter(import, &bytes).map_err(failed)?;
        }
        if facts.preview1 && !adapted {
            let bytes = if facts.command {
                adapter::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
            } else {
                adapter::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
            };
            encoder.adapter(PREVIEW1, bytes).map_err(failed)?;
        }
        encoder.encode().map_err(failed)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Diagnostics> {
    std::fs::read(path).map_err(|error| unreadable(path, &error).into())
}

fn facts(core: &[u8], name: &str) -> Result<Facts, Diagnostic> {
    let mut facts = Facts::default();
    let broken = |error: wasmparser::BinaryReaderError| {
        let reason = error.message().lines().next().unwrap_or("it cannot be read").to_owned();
        Diagnostic::new(format!("`{name}` is not a WebAssembly module: {reason}"))
            .help("give the `.wasm` file that Cargo built for wasm32-unknown-unknown or wasm32-wasip1")
    };
    for payload in Parser::new(0).parse_all(core) {
        match payload.map_err(broken)? {
            Payload::Version {
                encoding: wasmparser::Encoding::Component,
                ..
            } => {
                return Err(Diagnostic::new(format!("`{name}` is a component already"))
                    .help("builds for wasm32-wasip2 make components by themselves"));
            }
            Payload::CustomSection(section) => facts.described |= section.name().starts_with("component-type"),
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    facts.preview1 |= import.map_err(broken)?.module == PREVIEW1;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    facts.command |= export.map_err(broken)?.name == "_start";
                }
            }
            _ => {}
        }
    }
    Ok(facts)
}
