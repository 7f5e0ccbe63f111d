//! `peer-generate WORLD WIT-FOLDER OUT-FOLDER`: formatted bindings for everything the world names, as wit-bindgen's command line
//! makes them with `--generate-all --format`.

use anyhow::{Context, Result};
use std::path::Path;
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_bindgen_rust::Opts;

fn main() -> Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [world, wit, out] = args.as_slice() else {
        anyhow::bail!("usage: peer-generate WORLD WIT-FOLDER OUT-FOLDER");
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    let options = Opts {
        generate_all: true,
        format: true,
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    std::fs::create_dir_all(out)?;
    for (name, contents) in files.iter() {
        std::fs::write(Path::new(out).join(name), contents).with_context(|| format!("writing `{name}`"))?;
    }
    Ok(())
}
