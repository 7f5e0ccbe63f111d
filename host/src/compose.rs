//! [`compose`]: several components into one, by linking the imports of some to the exports of others.
//!
//! The encoding is `wasm-compose`'s, which has the component in memory, knows streams and futures, and shares its parser
//! with the rest of the toolchain. What no component exports stays an import of the result.

use crate::error::Result;
use anyhow::{Context as _, bail};
use wasm_compose::graph::{Component, CompositionGraph, EncodeOptions, ExportIndex, ImportIndex, InstanceId};
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
    let names: Vec<&str> = std::iter::once(&root)
        .chain(dependencies)
        .map(|(name, _)| *name)
        .collect();
    let mut components = read(std::iter::once(&root).chain(dependencies))?;
    let links = links(&names, &components)?;
    if links.is_empty() {
        bail!("component `{}` imports nothing that the others export", root.0);
    }
    let mut graph = CompositionGraph::new();
    let mut instances: Vec<Option<InstanceId>> = components.iter().map(|_| None).collect();
    // When a component is added, the graph decides which resources of equal names are one, and can't change its mind later. So each
    // component comes after those it imports from, and is linked to them at once.
    for added in order(components.len(), &links) {
        let Some(component) = components[added].take() else {
            continue;
        };
        let id = graph.add_component(component)?;
        instances[added] = Some(graph.instantiate(id)?);
        for link in links.iter().filter(|link| link.target == added || link.source == added) {
            let (Some(source), Some(target)) = (instances[link.source], instances[link.target]) else {
                continue;
            };
            let linked = graph.connect(source, Some(link.export), target, link.index);
            linked.with_context(|| {
                let (import, target, source) = (&link.import, names[link.target], names[link.source]);
                format!("linking `{import}` of `{target}` to component `{source}`")
            })?;
        }
    }
    // The validation that `wasm-compose` offers knows only the features that are on by default; the engine validates.
    let options = EncodeOptions {
        define_components: true,
        export: instances[0],
        validate: false,
    };
    graph
        .encode(options)
        .with_context(|| format!("composing component `{}`", root.0))
}

fn read<'a>(parts: impl Iterator<Item = &'a (&'a str, &'a [u8])>) -> Result<Vec<Option<Component<'a>>>> {
    // One for all of them: types of different validators cannot be compared.
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let read = |(index, (name, bytes)): (usize, &(&str, &'a [u8]))| {
        // A component's name in the graph has to be a WIT identifier; only messages use it.
        let component = Component::from_bytes(&mut validator, format!("c{index}"), *bytes);
        Ok(Some(component.with_context(|| format!("reading component `{name}`"))?))
    };
    parts.enumerate().map(read).collect()
}

/// An import and the export of its name. Components go by their numbers; 0 is the root.
struct Link {
    target: usize,
    source: usize,
    import: String,
    index: ImportIndex,
    export: ExportIndex,
}

fn links(names: &[&str], components: &[Option<Component<'_>>]) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    for (target, component) in components.iter().enumerate() {
        for (index, import, _) in component.iter().flat_map(Component::imports) {
            let sources = components
                .iter()
                .enumerate()
                .skip(1)
                .filter(|(source, _)| *source != target);
            let exporting: Vec<(usize, ExportIndex)> = sources
                .filter_map(|(source, component)| Some((source, component.as_ref()?.export_by_name(import)?.0)))
                .collect();
            match exporting[..] {
                [] => {}
                [(source, export)] => links.push(Link {
                    target,
                    source,
                    import: import.to_owned(),
                    index,
                    export,
                }),
                [(one, _), (other, _), ..] => {
                    let (one, other, name) = (names[one], names[other], names[target]);
                    bail!("both `{one}` and `{other}` export `{import}` for `{name}`")
                }
            }
        }
    }
    Ok(links)
}

/// The components, each after those it imports from. In a circle there is no such order, which the graph will report.
fn order(count: usize, links: &[Link]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let mut left: Vec<usize> = (0..count).collect();
    while !left.is_empty() {
        let waits = |part: &usize| {
            links
                .iter()
                .any(|link| link.target == *part && left.contains(&link.source))
        };
        let next = left.iter().position(|part| !waits(part)).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}
