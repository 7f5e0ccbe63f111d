//! `peer-c-bindings WORLD WIT-FOLDER OUT-FOLDER`: bindings for a guest in C, as wit-bindgen's command line makes them.

use std::path::Path;

use anyhow::{Context, Result};
use wit_bindgen_c::Opts;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

fn main() -> Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [world, wit, out] = args.as_slice() else {
        anyhow::bail!("usage: peer-c-bindings WORLD WIT-FOLDER OUT-FOLDER");
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut files = Files::default();
    Opts::default().build().generate(&mut resolve, world, &mut files)?;
    std::fs::create_dir_all(out)?;
    for (name, contents) in files.iter() {
        std::fs::write(Path::new(out).join(name), contents).with_context(|| format!("writing `{name}`"))?;
    }
    Ok(())
}
