//! `peer-wac SOCKET PLUG OUT`: the imports of the first component linked to the exports of the second, as wac's command line does it.
//! Unlike ours it links interfaces of versions that are compatible and not equal.

use anyhow::Result;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};

fn main() -> Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [socket, component, out] = args.as_slice() else {
        anyhow::bail!("usage: peer-wac SOCKET PLUG OUT");
    };
    let mut graph = CompositionGraph::new();
    let socket = Package::from_file("socket", None, socket, graph.types_mut())?;
    let socket = graph.register_package(socket)?;
    let component = Package::from_file("plug", None, component, graph.types_mut())?;
    let component = graph.register_package(component)?;
    plug(&mut graph, vec![component], socket)?;
    // Whoever runs it validates it.
    let options = EncodeOptions {
        validate: false,
        ..EncodeOptions::default()
    };
    std::fs::write(out, graph.encode(options)?)?;
    Ok(())
}
