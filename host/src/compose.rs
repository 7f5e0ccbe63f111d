//! [`compose`]: several components into one, by linking the imports of some to the exports of others.
//!
//! The encoding is `wasm-compose`'s, which has the component in memory, knows streams and futures, and shares its parser
//! with the rest of the toolchain. What no component exports stays an import of the result.

use crate::error::Result;
use anyhow::{Context as _, bail};
use wasm_compose::graph::{Component, CompositionGraph, EncodeOptions, ExportIndex, InstanceId};
use wasmparser::{Validator, WasmFeatures};

/// Links the imports of `root`, and those of `dependencies` among themselves, to what `dependencies` export, and returns
/// the bytes of a component with the exports of `root`. Each component comes with the name that errors use for it.
///
/// A component that several import from is instantiated once.
///
/// # Errors
/// When bytes are no component; when two dependencies export the same interface; when nothing was linked; when the types
/// of an import and the export of its name differ; when components import from each other in a circle.
pub fn compose(root: (&str, &[u8]), dependencies: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut instances = Vec::new();
    // One for all of them: types of different validators cannot be compared.
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    for (name, bytes) in std::iter::once(&root).chain(dependencies) {
        // A component's name in the graph has to be a WIT identifier; only messages use it.
        let label = format!("c{}", instances.len());
        let component = Component::from_bytes(&mut validator, label, *bytes);
        let component = component.with_context(|| format!("reading component `{name}`"))?;
        let id = graph.add_component(component)?;
        instances.push((*name, graph.instantiate(id)?));
    }
    if connect_all(&mut graph, &instances)? == 0 {
        bail!("component `{}` imports nothing that the others export", root.0);
    }
    // The validation that `wasm-compose` offers knows only the features that are on by default; the engine validates.
    let options = EncodeOptions {
        define_components: true,
        export: Some(instances[0].1),
        validate: false,
    };
    graph
        .encode(options)
        .with_context(|| format!("composing component `{}`", root.0))
}

/// Connects every import to the export of its name, and says how many there were.
fn connect_all(graph: &mut CompositionGraph<'_>, instances: &[(&str, InstanceId)]) -> Result<usize> {
    let mut connected = 0;
    for (name, target) in instances {
        let imports = match graph.get_component_of_instance(*target) {
            Some((_, component)) => component
                .imports()
                .map(|(index, import, _)| (index, import.to_owned()))
                .collect(),
            None => Vec::new(),
        };
        for (index, import) in imports {
            let sources = instances[1..].iter().filter(|(_, source)| source != target);
            let exporting: Vec<(&str, InstanceId, ExportIndex)> = sources
                .filter_map(|(name, source)| {
                    let (_, component) = graph.get_component_of_instance(*source)?;
                    Some((*name, *source, component.export_by_name(&import)?.0))
                })
                .collect();
            match exporting[..] {
                [] => {}
                [(from, source, export)] => {
                    let linked = graph.connect(source, Some(export), *target, index);
                    linked.with_context(|| format!("linking `{import}` of `{name}` to component `{from}`"))?;
                    connected += 1;
                }
                [(one, ..), (other, ..), ..] => bail!("both `{one}` and `{other}` export `{import}` for `{name}`"),
            }
        }
    }
    Ok(connected)
}
