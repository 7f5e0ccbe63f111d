//! [`compose`]: several guests as one, by linking the imports of some to the exports of others.
//!
//! It gives the same results, and the same errors, as composing components of WebAssembly does.

use super::links::same_signature;
use super::program::Program;
use super::world::Interface;
use crate::error::Result;
use anyhow::{bail, ensure};
use std::sync::Arc;

type Named = (Arc<str>, Arc<Program>);

/// `root`, with its imports and those of `dependencies` linked to what `dependencies` export.
///
/// # Errors
/// As [`Component::compose`](crate::Component::compose).
pub(crate) fn compose(root: &Named, dependencies: &[Named]) -> Result<Program> {
    let members: Vec<&Named> = std::iter::once(root).chain(dependencies).collect();
    for (_, program) in &members {
        ensure!(
            program.dependencies.is_empty(),
            "a composition cannot be composed again; compose its parts"
        );
    }
    // For each member, those it imports from.
    let mut sources = Vec::new();
    for member in &members {
        sources.push(sources_of(member, &members)?);
    }
    if sources.iter().all(Vec::is_empty) {
        bail!("component `{}` imports nothing that the others export", root.0);
    }
    let order = in_order(&sources)?;
    let used = order.into_iter().filter(|index| *index != 0);
    Ok(root
        .1
        .with_dependencies(used.map(|index| members[index].clone()).collect()))
}

/// The places of the members that `member` imports from.
fn sources_of(member: &Named, members: &[&Named]) -> Result<Vec<usize>> {
    let mut sources = Vec::new();
    for import in member.1.imports.iter() {
        let others = members
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, other)| !Arc::ptr_eq(&other.1, &member.1));
        let exporting: Vec<_> = others
            .filter_map(|(index, other)| Some((index, &other.0, exports(&other.1, import)?)))
            .collect();
        match exporting[..] {
            [] => {}
            [(index, name, export)] => {
                check(import, export, &member.0, name)?;
                sources.push(index);
            }
            [(_, one, _), (_, other, _), ..] => {
                bail!("both `{one}` and `{other}` export `{}` for `{}`", import.name, member.0)
            }
        }
    }
    Ok(sources)
}

/// What a program exports of an interface that is imported.
fn exports<'a>(program: &'a Program, import: &Interface) -> Option<&'a Interface> {
    let export = program.exports.iter().find(|export| export.name == import.name)?;
    let has = |name: &Arc<str>| export.functions.iter().any(|function| function.name == *name);
    let serves = !import.name.is_empty() || import.functions.iter().any(|function| has(&function.name));
    serves.then_some(export)
}

fn check(import: &Interface, export: &Interface, importing: &str, exporting: &str) -> Result<()> {
    for function in &import.functions {
        let place = || {
            format!(
                "linking `{}` of `{importing}` to component `{exporting}`",
                import.path(&function.name)
            )
        };
        match export.functions.iter().find(|exported| exported.name == function.name) {
            Some(exported) if same_signature(&exported.ty, &function.ty) => {}
            Some(_) => bail!("{}: the types differ", place()),
            None if import.name.is_empty() => {}
            None => bail!("{}: it is not exported", place()),
        }
    }
    Ok(())
}

/// All places, each after those it imports from.
fn in_order(sources: &[Vec<usize>]) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < sources.len() {
        let is_ready =
            |index: &usize| !order.contains(index) && sources[*index].iter().all(|source| order.contains(source));
        match (0..sources.len()).find(is_ready) {
            Some(index) => order.push(index),
            None => bail!("the components import from each other in a circle"),
        }
    }
    Ok(order)
}
